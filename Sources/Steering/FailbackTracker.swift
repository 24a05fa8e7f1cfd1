package import TrafficModel

/// Decides when virtual servers that were down may be used again: holds them down, damps those that flap, and waits for
/// operators. No clock, no I/O.
///
///     up ── its monitors have it down ──▶ down ── up ──▶ held ── `hold` passed ──▶ damped ── penalty halved ──▶ up
///     │                                    ▲  ▲           │ down                     │ down
///     └── adds 1 to its penalty            │  └───────────┴──────────────────────────┘
///                                          └── locked, when an operator must resume it; the other conditions run on
package struct FailbackTracker: Sendable {
    private struct Record {
        /// What its monitors said last; unknown only until they said something.
        var state = HealthState.unknown
        var upSince: UInt64 = 0
        /// It was down, and its hold has not passed since.
        var isHeld = false
        var penalty = 0.0
        /// When the penalty was that.
        var penaltyTime: UInt64 = 0
        var isDamped = false
    }

    private var records: [String: Record] = [:]
    /// Servers that operators must resume.
    package private(set) var locked: Set<String>
    /// By name of the virtual server; the others are as their monitors say.
    package private(set) var conditions: [String: ServerCondition] = [:]

    /// The penalty is never more than so many times what damps, so that no server stays out for ever.
    static let largestPenalty = 4.0

    /// - Parameter locked: what an earlier process had locked.
    package init(locked: Set<String> = []) { self.locked = locked }

    /// Ends a lock, which the next ``update(_:servers:health:now:)`` heeds; `false`: there was none.
    package mutating func resume(_ server: String) -> Bool { locked.remove(server) != nil }

    /// Takes in what monitors say now. Call it with each change, and once a second, for conditions end by time.
    ///
    /// - Parameters:
    ///   - servers: positions of those that have a rule, as ``servers(in:)`` finds them.
    ///   - now: monotonic nanoseconds, so that a wall clock that jumps changes nothing.
    /// - Returns: positions of the virtual servers whose condition changed.
    package mutating func update(
        _ intent: Intent, servers: [Int], health: [HealthTarget: HealthState], now: UInt64
    ) -> [Int] {
        guard !servers.isEmpty || !records.isEmpty || !locked.isEmpty else { return [] }
        var kept: [String: Record] = [:]
        var found: [String: ServerCondition] = [:]
        var changed: [Int] = []
        for position in servers {
            let server = intent.virtualServers[position]
            guard let failback = intent.failback(of: server) else { continue }
            var record = records[server.name] ?? Record()
            take(intent.health(of: server, in: health), failback, server.name, &record, now: now)
            found[server.name] = condition(of: server.name, failback, &record, now: now)
            kept[server.name] = record
            if found[server.name] != conditions[server.name] { changed.append(position) }
        }
        records = kept
        locked.formIntersection(Set(kept.keys))
        conditions = found
        return changed
    }

    /// Positions of the virtual servers that have a rule about coming back.
    package static func servers(in intent: Intent) -> [Int] {
        intent.virtualServers.indices.filter { intent.failback(of: intent.virtualServers[$0]) != nil }
    }

    private mutating func take(
        _ state: HealthState, _ failback: Failback, _ name: String, _ record: inout Record, now: UInt64
    ) {
        // A monitor that begins anew says nothing against what is known.
        guard state != .unknown, state != record.state else { return }
        if state == .down {
            record.isHeld = true
            // What was never up has not fallen: a node that starts in the middle of an outage locks nothing.
            if record.state == .up {
                if let damping = failback.damping {
                    let most = Double(damping.falls) * Self.largestPenalty
                    record.penalty = min(Self.decayed(record, damping, now: now) + 1, most)
                    record.penaltyTime = now
                    if record.penalty >= Double(damping.falls) { record.isDamped = true }
                }
                if failback.manual { locked.insert(name) }
            }
        } else {
            record.upSince = now
        }
        record.state = state
    }

    private func condition(
        of name: String, _ failback: Failback, _ record: inout Record, now: UInt64
    ) -> ServerCondition? {
        if !failback.manual || !locked.contains(name) {
            guard record.state == .up else { return nil }
        } else {
            return .locked
        }
        if let damping = failback.damping, record.isDamped {
            let enough = Double(damping.falls) / 2
            let left = Self.decayed(record, damping, now: now)
            if left > enough {
                return .damped(until: record.penaltyTime &+ Self.time(of: damping, from: record.penalty, to: enough))
            }
            record.isDamped = false
        }
        if record.isHeld {
            let end = record.upSince &+ Self.nanoseconds(failback.hold)
            if now < end { return .held(until: end) }
            record.isHeld = false
        }
        return nil
    }

    private static func nanoseconds(_ duration: Duration) -> UInt64 { UInt64(max(duration / .nanoseconds(1), 0)) }

    /// A penalty halves with each half-life; between two of them it falls along a line, which is the same on every
    /// machine.
    private static func decayed(_ record: Record, _ damping: Failback.Damping, now: UInt64) -> Double {
        let half = max(nanoseconds(damping.halfLife), 1)
        let elapsed = now - min(record.penaltyTime, now)
        let halves = elapsed / half
        guard halves < 64 else { return 0 }
        let start = record.penalty / Double(UInt64(1) << halves)
        return start * (1 - Double(elapsed % half) / Double(half) / 2)
    }

    /// How long a penalty takes to fall so far.
    private static func time(of damping: Failback.Damping, from penalty: Double, to wanted: Double) -> UInt64 {
        let half = nanoseconds(damping.halfLife)
        var left = penalty
        var time: UInt64 = 0
        while left / 2 > wanted {
            left /= 2
            time &+= half
        }
        return time &+ UInt64((Double(half) * min(max((1 - wanted / left) * 2, 0), 1)).rounded(.up))
    }
}
