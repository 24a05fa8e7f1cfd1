package import Addresses
package import TrafficModel

/// One member as a snapshot sees it.
package struct MemberSnapshot: Sendable {
    package enum Availability: String, Sendable, Hashable {
        /// Up, or not yet judged.
        case available
        /// Taken only when no other is available.
        case drained
        /// By its monitors or an operator.
        case down
    }

    package let endpoint: Endpoint
    /// The endpoint's text in ASCII, for logs.
    package let endpointText: [UInt8]
    package let ratio: Int
    /// Requests or connections at once; `nil`: no limit.
    package let maxConnections: Int?
    package let backup: Bool
    /// The verdict of all its monitors together; up when it has none.
    package let health: HealthState
    package let verdict: Overrides.Verdict?
    /// What operators multiply its ratio by.
    package let factor: Double
    package let availability: Availability
    package let state: MemberState

    /// Whether requests go there at all.
    package var isChoosable: Bool { availability != .down && ratio > 0 && factor > 0 }
}

/// One upstream as a snapshot sees it: immutable but for the counters of its members and its retry budget.
///
/// Durations are nanoseconds.
package final class UpstreamSnapshot: Sendable {
    package let name: String
    /// The name in UTF-8, for logs.
    package let nameBytes: [UInt8]
    package let method: Upstream.Method
    package let members: [MemberSnapshot]
    package let tls: Upstream.TLS?
    package let http2: Bool
    /// What connections begin with; they then belong to one client.
    package let proxyProtocol: ProxyHeader.Version?
    package let connectTimeout: Int64
    /// From the end of the request to the head of the response, and between two reads of the response.
    package let responseTimeout: Int64
    /// Idle connections kept per loop and member.
    package let idleConnections: Int
    package let idleTimeout: Int64
    /// Members tried for one request, the first included: 1...``TriedMembers/capacity``.
    package let tries: Int
    package let retryShare: Double
    package let ejectionTime: UInt64
    package let slowStart: UInt64
    /// Requests that may wait per loop while every member is full.
    package let queueSize: Int
    package let queueTimeout: UInt64

    /// What a choice reads, with no reference count to touch.
    let candidates: [Candidate]
    /// Positions of members with a ratio that are neither down nor drained, without and with `backup`; then the
    /// drained ones.
    let primaries: [Int]
    let backups: [Int]
    let drained: [Int]
    /// See ``UpstreamState/slot``.
    let slot: Int
    /// Changes when members or their weights do.
    let layout: UInt64
    private let state: UpstreamState

    init(
        _ upstream: Upstream, at position: Int, monitors: [Monitor], overrides: EffectiveOverrides,
        observations: Observations,
        compilation: inout MemberRegistry.Compilation, now: UInt64
    ) {
        name = upstream.name
        nameBytes = Array(upstream.name.utf8)
        method = upstream.method
        tls = upstream.tls
        http2 = upstream.http2
        proxyProtocol = upstream.proxyProtocol
        connectTimeout = upstream.connectTimeout.nanoseconds
        responseTimeout = upstream.responseTimeout.nanoseconds
        idleConnections = upstream.idleConnections
        idleTimeout = upstream.idleTimeout.nanoseconds
        tries = min(max(upstream.tries, 1), TriedMembers.capacity)
        retryShare = upstream.retryBudget
        ejectionTime = UInt64(min(max(upstream.ejectionTime.nanoseconds, 0), Self.longest))
        slowStart = UInt64(min(max(upstream.slowStart.nanoseconds, 0), Self.longest))

        queueSize = upstream.queueSize
        queueTimeout = UInt64(min(max(upstream.queueTimeout.nanoseconds, 0), Self.longest))

        let (state, upstreamIsNew) = compilation.upstream(upstream.name)
        var members: [MemberSnapshot] = []
        members.reserveCapacity(upstream.members.count)
        for (index, member) in upstream.members.enumerated() {
            let health = Self.health(of: member, monitors: upstream.monitors.map { monitors[$0] }, observations)
            let text = member.endpoint.description
            let name = EffectiveOverrides.Member(upstream: position, member: index)
            let verdict = overrides.members[name]?.entry.verdict
            let availability = Self.availability(health, verdict)
            let (memberState, memberIsNew) = compilation.member(
                upstream: upstream.name, endpoint: member.endpoint, tls: upstream.tls)
            memberState.note(isDown: availability == .down, joined: memberIsNew && !upstreamIsNew, now: now)
            members.append(
                MemberSnapshot(
                    endpoint: member.endpoint, endpointText: Array(text.utf8), ratio: member.ratio,
                    maxConnections: member.maxConnections, backup: member.backup, health: health, verdict: verdict,
                    factor: overrides.memberFactors[name] ?? 1, availability: availability, state: memberState))
        }
        self.members = members
        candidates = zip(members, Self.weights(of: members, method: upstream.method)).map { member, weight in
            Candidate(member.state, weight: weight, limit: member.maxConnections ?? .max)
        }
        let usable = members.indices.filter { members[$0].ratio > 0 && members[$0].factor > 0 }
        primaries = usable.filter { members[$0].availability == .available && !members[$0].backup }
        backups = usable.filter { members[$0].availability == .available && members[$0].backup }
        drained = usable.filter { members[$0].availability == .drained }
        slot = state.slot
        layout = compilation.layout(
            of: state, members: zip(members, candidates).map { .init(serial: $0.state.serial, weight: $1.weight) })
        self.state = state
    }

    /// The place of a member that had the place `hint` in another snapshot; `nil`: this one does not have it.
    package func place(of state: MemberState, near hint: Int) -> Int? {
        if hint < members.count, members[hint].state === state { return hint }
        return members.firstIndex { $0.state === state }
    }

    /// Takes one retry from the budget that all loops share; `false` when it is spent, and then the request must end
    /// with the failure at hand. First tries are counted by ``LoopBalancer/choose(in:upstream:excluding:now:)``.
    package func takeRetry(now: UInt64) -> Bool { state.budget.take(share: retryShare, now: now) }

    /// Retries that the budget refused.
    package var refusedRetryCount: UInt64 { state.budget.refusedCount }

    /// Tells that a connection to a member failed; the first time is enough to eject it, for ``ejectionTime`` doubled
    /// with each ejection since its last success, up to ten times. The last member that could be chosen stays.
    ///
    /// A kept connection that the member had closed while idle is no failure: do not report it.
    ///
    /// - Parameter isProbe: whether this node's own monitors asked: then it is counted as no client's.
    /// - Returns: whether this report ejected it (for one log line).
    @discardableResult
    package func reportFailure(
        member: Int, reason: PassiveFailure, now: UInt64, isProbe: Bool = false
    ) -> Bool {
        let state = members[member].state
        state.record(reason, now: now, isProbe: isProbe)
        guard ejectionTime > 0, hasOther(than: member, now: now) else { return false }
        return state.eject(base: ejectionTime, now: now)
    }

    /// 208 days: keeps sums and products with a duration within a word.
    private static let longest: Int64 = 1 << 54

    func countRequest(now: UInt64) { state.budget.countRequest(now: now) }

    /// Whether another member would be chosen if this one were out.
    private func hasOther(than member: Int, now: UInt64) -> Bool {
        let isChoosable = { (index: Int) in index != member && self.candidates[index].ejectedUntil <= now }
        return primaries.contains(where: isChoosable) || backups.contains(where: isChoosable)
    }

    /// All monitors must agree that it is up; one that says down is enough.
    private static func health(
        of member: Upstream.Member, monitors: [Monitor], _ observations: Observations
    ) -> HealthState {
        var result = HealthState.up
        for monitor in monitors {
            switch observations.health[HealthTarget(endpoint: member.endpoint, monitor: monitor)] ?? .unknown {
            case .down: return .down
            case .unknown: result = .unknown
            case .up: break
            }
        }
        return result
    }

    private static func availability(
        _ health: HealthState, _ verdict: Overrides.Verdict?
    ) -> MemberSnapshot.Availability {
        switch verdict {
        case .forceDown, .disable: .down
        case .forceUp: .available
        case .drain: health == .down ? .down : .drained
        case .cutover, .weight, nil: health == .down ? .down : .available
        }
    }

    /// Whether operators and monitors leave any member that can be chosen.
    package static func hasMember(
        _ upstream: Upstream, at position: Int, monitors: [Monitor], overrides: EffectiveOverrides,
        observations: Observations
    ) -> Bool {
        upstream.members.enumerated().contains { index, member in
            let name = EffectiveOverrides.Member(upstream: position, member: index)
            let health = health(of: member, monitors: upstream.monitors.map { monitors[$0] }, observations)
            return member.ratio > 0 && overrides.memberFactors[name] != 0
                && availability(health, overrides.members[name]?.entry.verdict) != .down
        }
    }

    /// Round robin takes turns whatever the ratios are; all others weigh by ratio. Factors of operators hold for both:
    /// then weights are finer, so that halves and tenths of small ratios are whole numbers.
    private static func weights(of members: [MemberSnapshot], method: Upstream.Method) -> [UInt32] {
        let ratios = members.map { $0.ratio > 0 ? method == .roundRobin ? 1 : Double(min($0.ratio, maxWeight)) : 0 }
        guard members.contains(where: { $0.factor != 1 }) else { return ratios.map { UInt32($0) } }
        let shares = zip(ratios, members).map { $0 * $1.factor }
        guard let most = shares.max(), most > 0 else { return shares.map { _ in 0 } }
        let scale = min(256, Double(maxWeight) / most)
        return shares.map { $0 > 0 ? max(1, UInt32(($0 * scale).rounded())) : 0 }
    }

    private static let maxWeight = 65_535
}

extension Duration {
    /// Whole nanoseconds; beyond 292 years the largest number.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (seconds < 0 ? .min : .max) : product &+ attoseconds / 1_000_000_000
    }
}
