import Authority
import Balancing
import Steering
import Telemetry
import TrafficModel

/// The state of everything that has one, to tell what turned from one snapshot to the next.
///
/// It is made from what the data planes use, so that what it tells is what clients meet.
struct StateTable {
    enum State: UInt8, Sendable, CaseIterable {
        case disabled, down, draining, ejected, degraded, cutOver, available

        var text: String { self == .cutOver ? "cut-over" : "\(self)" }
    }

    enum Part: Hashable {
        case member(upstream: Int, member: Int)
        case virtualServer(Int)
        case pool(Int)
        case region(Int)
        case wideIP(Int)
    }

    struct Turn {
        var part: Part
        var from: State
        var to: State
    }

    private(set) var members: [[State]]
    private(set) var servers: [State]
    private(set) var pools: [State]
    private(set) var regions: [State]
    private(set) var wideIPs: [State]
    private let generation: UInt64

    init(_ snapshot: Snapshot, of intent: Intent, overrides: EffectiveOverrides) {
        generation = snapshot.generation
        let steering = snapshot.authority.steering
        members = Self.members(of: snapshot)
        servers = steering.servers.map(State.init)
        pools = steering.pools.map(State.init)
        regions = Self.regions(of: intent, servers: servers, pools: pools)
        for position in overrides.poolCutovers.keys { pools[position] = pools[position].whenCutOver }
        for position in overrides.regionCutovers.keys { regions[position] = regions[position].whenCutOver }
        wideIPs = intent.wideIPs.enumerated().map { position, wideIP in
            Self.state(
                of: wideIP, effect: overrides.wideIPs[position],
                pools: wideIP.pools.map { steering.availability(ofPool: $0, in: position, overrides) })
        }
    }

    /// Members as they fare now: passive checks eject them between snapshots.
    mutating func lookAtMembers(of snapshot: Snapshot) { members = Self.members(of: snapshot) }

    private static func members(of snapshot: Snapshot) -> [[State]] {
        let now = MonotonicClock.now
        return snapshot.balancing.upstreams.map { upstream in
            upstream.members.map { State($0, now: now) }
        }
    }

    /// Of regions: from their virtual servers, or from their pools where they have none.
    static func regions(of intent: Intent, servers: [State], pools: [State]) -> [State] {
        var ofServers = [Tally](repeating: .init(), count: intent.regions.count)
        var ofPools = ofServers
        for (server, state) in zip(intent.virtualServers, servers) { ofServers[server.region].add(state) }
        for (pool, state) in zip(intent.pools, pools) {
            if let region = pool.region { ofPools[region].add(state) }
        }
        return zip(ofServers, ofPools).map { $0.count > 0 ? $0.state : $1.state }
    }

    /// - Parameter pools: what its clients meet that are sent to each.
    private static func state(
        of wideIP: WideIP, effect: EffectiveOverrides.Effect?, pools: [Availability]
    ) -> State {
        guard wideIP.enabled else { return .disabled }
        switch effect?.entry.verdict {
        case .disable: return .disabled
        case .forceDown: return .down
        case .forceUp: return .available
        default: break
        }
        var tally = Tally()
        for pool in pools { tally.add(State(pool)) }
        return tally.state
    }

    /// Sums up the states of parts.
    private struct Tally {
        var count = 0
        private var available = 0
        private var draining = 0
        private var disabled = 0

        mutating func add(_ state: State) {
            count += 1
            switch state {
            case .available, .cutOver: available += 1
            case .draining: draining += 1
            case .disabled: disabled += 1
            case .down, .ejected, .degraded: break
            }
        }

        /// Nothing at all counts as available: it points elsewhere.
        var state: State {
            if available == count { return .available }
            if available > 0 { return .degraded }
            if draining > 0 { return .draining }
            return disabled == count ? .disabled : .down
        }
    }

    /// What the states of parts come to.
    static func summary(of parts: [State]) -> State {
        var tally = Tally()
        for part in parts { tally.add(part) }
        return tally.state
    }

    // MARK: Turns

    /// What turned: causes before what they bring about. Between two configurations, things are known by their names.
    func turns(since old: StateTable, in intent: Intent, oldIntent: Intent) -> [Turn] {
        guard old.generation != generation else { return turns(since: old) }
        let moved = StateTable(old, oldIntent, inOrderOf: intent, self)
        return turns(since: moved)
    }

    private func turns(since old: StateTable) -> [Turn] {
        var turns: [Turn] = []
        func compare(_ before: [State], _ after: [State], _ part: (Int) -> Part) {
            guard before != after else { return }
            for (position, pair) in zip(before, after).enumerated() where pair.0 != pair.1 {
                turns.append(Turn(part: part(position), from: pair.0, to: pair.1))
            }
        }
        for (upstream, pair) in zip(old.members, members).enumerated() {
            compare(pair.0, pair.1) { .member(upstream: upstream, member: $0) }
        }
        compare(old.servers, servers) { .virtualServer($0) }
        compare(old.pools, pools) { .pool($0) }
        compare(old.regions, regions) { .region($0) }
        compare(old.wideIPs, wideIPs) { .wideIP($0) }
        return turns
    }

    /// The states of an older table in the order of a new configuration; what is new has not turned.
    private init(_ old: StateTable, _ oldIntent: Intent, inOrderOf intent: Intent, _ new: StateTable) {
        func reorder<Name: Hashable>(_ names: [Name], _ states: [State], _ wanted: [Name], _ new: [State]) -> [State] {
            let known = Dictionary(zip(names, states), uniquingKeysWith: { first, _ in first })
            return zip(wanted, new).map { known[$0] ?? $1 }
        }
        generation = new.generation
        servers = reorder(
            oldIntent.virtualServers.map(\.name), old.servers, intent.virtualServers.map(\.name), new.servers)
        pools = reorder(oldIntent.pools.map(\.name), old.pools, intent.pools.map(\.name), new.pools)
        regions = reorder(oldIntent.regions.map(\.name), old.regions, intent.regions.map(\.name), new.regions)
        wideIPs = reorder(oldIntent.wideIPs.map(\.name), old.wideIPs, intent.wideIPs.map(\.name), new.wideIPs)
        let upstreams = Dictionary(
            zip(oldIntent.upstreams, old.members).map { ($0.name, ($0, $1)) }, uniquingKeysWith: { first, _ in first })
        members = zip(intent.upstreams, new.members).map { upstream, states in
            guard let (before, known) = upstreams[upstream.name] else { return states }
            return reorder(before.members.map(\.endpoint), known, upstream.members.map(\.endpoint), states)
        }
    }
}

extension StateTable.State {
    /// - Parameter now: monotonic nanoseconds.
    init(_ member: MemberSnapshot, now: UInt64) {
        self =
            switch member.availability {
            case .available: member.state.ejectionRemaining(now: now) > 0 ? .ejected : .available
            case .drained: .draining
            case .down: member.verdict == .disable ? .disabled : .down
            }
    }

    /// Of a region or pool from which a cutover takes all: it works, and gets nothing.
    var whenCutOver: Self {
        switch self {
        case .available, .degraded, .draining, .cutOver: .cutOver
        case .disabled, .down, .ejected: self
        }
    }

    init(_ availability: Availability) {
        self =
            switch availability {
            case .disabled: .disabled
            case .down: .down
            case .draining: .draining
            case .available: .available
            }
    }
}
