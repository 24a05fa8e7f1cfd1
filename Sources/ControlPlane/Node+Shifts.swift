import Authority
import StateStore
import Steering
package import TrafficModel

/// What an operator asks of a shift.
package struct ShiftPlan: Sendable {
    package var wideIP: String
    package var kind: Overrides.Subject.Kind
    package var from: String
    package var to: String
    package var share: Double
    package var duration: Duration
    package var reason: String

    package init(
        wideIP: String, kind: Overrides.Subject.Kind, from: String, to: String, share: Double, duration: Duration,
        reason: String
    ) {
        self.wideIP = wideIP
        self.kind = kind
        self.from = from
        self.to = to
        self.share = share
        self.duration = duration
        self.reason = reason
    }
}

extension Node {
    /// Begins to send a part of the clients elsewhere; its number.
    package func startShift(
        _ plan: ShiftPlan, by author: Author, isForced: Bool = false
    ) async throws(ChangeError) -> Int64 {
        try await takeTurn()
        defer { changes.leave() }
        guard operators.shifts.count < Shift.limit else {
            throw .refused(["there are \(Shift.limit) shifts: cancel some first"])
        }
        var shift = Shift(
            wideIP: compiler.intent.spelling(ofWideIP: plan.wideIP), kind: plan.kind, from: plan.from, to: plan.to,
            share: plan.share,
            slope: plan.share / (plan.duration / .seconds(1)), reason: plan.reason, author: author.name, since: .now)
        try check(shift)
        if !isForced {
            let limit = compiler.intent.safety
            guard shift.slope <= limit.slopeLimit * 1.000_001 else {
                let least = Duration.seconds((plan.share / limit.slopeLimit).rounded(.up))
                throw .refused([
                    "\(Self.percent(plan.share)) in \(plan.duration.brief) is steeper than safety.shift_slope, "
                        + "\(Self.percent(limit.shiftShare)) in \(limit.shiftTime.brief): it takes \(least.brief)"
                ])
            }
            try checkTarget(of: shift)
        }
        let id = operators.lastShift + 1
        var next = operators
        next.shifts[id] = shift
        let standing = ShiftStanding(
            intent: compiler.intent, overrides: effective(next), steering: snapshot.authority.steering)
        if !isForced, case .sentBack(let order)? = standing.obstacle(of: id, shift) {
            let remedy = order.map { ": \($0.orderWords); take that back first, with enable \($0.subject)" } ?? ""
            throw .refused(["nobody would be moved\(remedy)"])
        }
        // Those clients are there already. It keeps them when the cutover is taken back, and then lets them go slowly.
        if standing.isForestalled(id) { shift.progress = shift.goal }
        let record = AuditRecord(
            time: .now, author: author.name, origin: author.origin, action: .startShift, kind: "shift", name: "\(id)",
            detail: shift.words + (isForced ? " (forced)" : ""), reason: plan.reason)
        try await make([.shift(id, shift)], isForced: isForced, [record])
        return id
    }

    /// Lets a shift go back by the slope it came with; it ends when nobody is sent elsewhere. How long that takes.
    package func cancelShift(_ id: Int64, by author: Author) async throws(ChangeError) -> Duration {
        try await takeTurn()
        defer { changes.leave() }
        guard var shift = operators.shifts[id] else { throw .unknown("there is no shift \(id)", field: "id") }
        shift.isReturning = true
        let record = AuditRecord(
            time: .now, author: author.name, origin: author.origin, action: .cancelShift, kind: "shift", name: "\(id)",
            detail: "at \(Self.percent(shift.progress))", reason: shift.reason)
        try await make([.shift(id, shift.isOver ? nil : shift)], isForced: true, [record])
        return shift.remaining
    }

    private func check(_ shift: Shift) throws(ChangeError) {
        let intent = compiler.intent
        guard [.region, .pool].contains(shift.kind) else {
            throw .invalid("a shift is between regions or pools", field: "kind")
        }
        guard shift.from != shift.to else {
            throw .invalid("a shift goes to another \(shift.kind.rawValue)", field: "to")
        }
        for (field, name) in [("from", shift.from), ("to", shift.to)] {
            guard !Glob(name).isPattern, intent.has(Overrides.Subject(shift.kind, name)) else {
                throw .unknown("the configuration has no \(shift.kind.rawValue) named \(name)", field: field)
            }
        }
        let concerned = intent.wideIPs.indices.filter { shift.concerns(intent.wideIPs[$0]) }
        guard !concerned.isEmpty else {
            throw .unknown("the configuration has no wide IP named \(shift.wideIP)", field: "wide_ip")
        }
        let pools = { (wideIP: Int, name: String) in
            intent.wideIPs[wideIP].pools.filter { intent.pools[$0].isOf(shift.kind, name, in: intent) }
        }
        let moved = concerned.filter { !pools($0, shift.from).isEmpty && !pools($0, shift.to).isEmpty }
        guard !moved.isEmpty else {
            throw .invalid("no wide IP that \(shift.wideIP) names has pools of both \(shift.from) and \(shift.to)")
        }
        for (id, other) in operators.shifts {
            let meets = moved.contains { wideIP in
                other.concerns(intent.wideIPs[wideIP])
                    && !Set(pools(wideIP, shift.from)).isDisjoint(
                        with: intent.wideIPs[wideIP].pools.filter {
                            intent.pools[$0].isOf(other.kind, other.from, in: intent)
                        })
            }
            if meets { throw .refused(["shift \(id) moves clients of \(other.from) already: cancel it first"]) }
        }
    }

    private func checkTarget(of shift: Shift) throws(ChangeError) {
        let intent = compiler.intent
        let targets = intent.pools.indices.filter { intent.pools[$0].isOf(shift.kind, shift.to, in: intent) }
        guard targets.contains(where: { snapshot.authority.steering.pools[$0] == .available }) else {
            throw .refused(["nothing in \(shift.to) is available: nobody would be moved"])
        }
    }

    static func percent(_ share: Double) -> String {
        let tenths = (share * 1000).rounded()
        return tenths.truncatingRemainder(dividingBy: 10) == 0 ? "\(Int(tenths / 10))%" : "\(tenths / 10)%"
    }
}

extension Shift {
    /// What it does, in words.
    package var words: String {
        let names = wideIP == "*" ? "" : " for \(wideIP)"
        return "\(Node.percent(share)) of \(kind.rawValue) \(from) to \(to)\(names) in "
            + Duration.seconds(slope > 0 ? share / slope : 0).brief
    }
}
