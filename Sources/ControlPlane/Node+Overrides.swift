import StateStore
import Steering
package import TrafficModel

extension Node {
    /// Sets an override.
    ///
    /// - Parameter isForced: whether to set it against safety rules, and where a name would have no answer.
    package func override(
        _ subject: Overrides.Subject, with entry: Overrides.Entry, by author: Author, isForced: Bool = false
    ) async throws(ChangeError) {
        try await takeTurn()
        defer { changes.leave() }
        let intent = compiler.intent
        let subject = intent.spelling(of: subject)
        guard intent.has(subject) else {
            throw .unknown("the configuration has no \(subject.kind.rawValue) named \(subject.name)", field: "name")
        }
        let isWeight = entry.verdict == .weight
        guard operators.overrides[subject, ofWeight: isWeight] != nil || operators.overrides.count < Overrides.limit
        else { throw .refused(["there are \(Overrides.limit) overrides: take some back first"]) }
        try check(entry, on: subject, in: intent)
        if entry.verdict == .cutover, !isForced { try checkStranded(entry, on: subject, in: intent) }
        if isWeight, !isForced { try checkHeeded(entry, on: subject) }
        var entry = entry
        entry.author = author.name
        entry.since = .now
        let record = AuditRecord(
            time: .now, author: author.name, origin: author.origin, action: .setOverride, subject: subject,
            detail: entry.words + (isForced ? " (forced)" : ""), reason: entry.reason)
        try await make(
            [isWeight ? .weight(subject, entry) : .override(subject, entry)], isForced: isForced, [record])
    }

    /// Takes overrides back: the verdict, the weight, or both where there are both.
    @discardableResult
    package func clearOverride(
        _ subject: Overrides.Subject, reason: String = "", by author: Author, isForced: Bool = false
    ) async throws(ChangeError) -> ClearedOverride {
        try await takeTurn()
        defer { changes.leave() }
        // One that the configuration has no more keeps the spelling that it was set with.
        let subject =
            operators.overrides[subject, ofWeight: false] ?? operators.overrides[subject, ofWeight: true] == nil
            ? compiler.intent.spelling(of: subject) : subject
        let found = [
            operators.overrides.entries[subject].map { (StateChange.override(subject, nil), $0) },
            operators.overrides.weights[subject].map { (StateChange.weight(subject, nil), $0) },
        ].compactMap(\.self)
        // To enable what is enabled is what was asked for.
        if found.isEmpty, !compiler.intent.has(subject) {
            throw .unknown("the configuration has no \(subject.kind.rawValue) named \(subject.name)", field: "name")
        }
        // Nothing happened that anybody should read of.
        guard !found.isEmpty || Trial.current != nil else {
            return ClearedOverride(cleared: [], held: view().overrides(over: subject))
        }
        let words = found.map(\.1.words).joined(separator: ", ")
        let record = AuditRecord(
            time: .now, author: author.name, origin: author.origin, action: .clearOverride, subject: subject,
            detail: words + (isForced ? " (forced)" : ""), reason: reason)
        try await make(found.map(\.0), isForced: isForced, [record])
        return ClearedOverride(
            cleared: found.map { NodeStatus.Override(subject, $0.1) }, held: view().overrides(over: subject))
    }

    private func check(
        _ entry: Overrides.Entry, on subject: Overrides.Subject, in intent: Intent
    ) throws(ChangeError) {
        switch (entry.verdict, subject.kind) {
        case (.drain, .wideIP):
            throw .invalid("a wide IP cannot be drained: drain its pools, or disable it", field: "verdict")
        case (.weight, .wideIP):
            throw .invalid("a wide IP has no share to weigh: weigh its pools", field: "verdict")
        case (.weight, _):
            guard (0...Overrides.factorLimit).contains(entry.factor) else {
                throw .invalid("factor: from 0 to \(Int(Overrides.factorLimit))", field: "factor")
            }
        case (.cutover, .region), (.cutover, .pool):
            guard let target = entry.target, !Glob(target).isPattern, !Glob(subject.name).isPattern else {
                throw .invalid(
                    "a cutover goes from one \(subject.kind.rawValue) to one other, without patterns", field: "to")
            }
            guard target != subject.name else {
                throw .invalid("\(target) cannot take over from itself", field: "to")
            }
            let taker = Overrides.Subject(subject.kind, target)
            guard intent.has(taker) else {
                throw .unknown("the configuration has no \(subject.kind.rawValue) named \(target)", field: "to")
            }
            if operators.overrides.entries[taker]?.verdict == .cutover {
                throw .invalid(
                    "\(target) is cut over itself: take that back first, with enable \(taker)", field: "to")
            }
        case (.cutover, _):
            throw .invalid("only regions and pools can be cut over", field: "verdict")
        default: break
        }
    }

    /// A weight that changes nothing would only seem to have been set.
    private func checkHeeded(_ entry: Overrides.Entry, on subject: Overrides.Subject) throws(ChangeError) {
        guard subject.kind != .member, entry.factor != 1 else { return }
        var alone = Overrides()
        alone.weights[subject] = entry
        guard compiler.plan.heeds(factorsOf: EffectiveOverrides(alone, in: compiler.intent)) else {
            throw .refused([
                "no name draws shares of \(subject): methods and stages that weigh do; "
                    + "a shift moves clients whatever the method is"
            ])
        }
    }

    /// A cutover that leaves names behind is none.
    private func checkStranded(
        _ entry: Overrides.Entry, on subject: Overrides.Subject, in intent: Intent
    ) throws(ChangeError) {
        let names = intent.wideIPs.filter { wideIP in
            let pools = wideIP.pools.map { intent.pools[$0] }
            return pools.contains { $0.isOf(subject.kind, subject.name, in: intent) }
                && !pools.contains { $0.isOf(subject.kind, entry.target ?? "", in: intent) }
        }
        guard let first = names.first else { return }
        let more = names.count > 1 ? " and \(names.count - 1) more" : ""
        throw .refused([
            "\(first.name)\(more) would stay in \(subject.name): no pool of \(entry.target ?? "") is in its list"
        ])
    }
}

extension Overrides.Entry {
    /// What it says, in words.
    package var words: String {
        switch verdict {
        case .cutover: "cutover to \(target ?? "")"
        case .weight: "weight \(Self.brief(factor))"
        default: verdict.rawValue
        }
    }

    private static func brief(_ factor: Double) -> String {
        factor == factor.rounded() ? "\(Int(factor))" : "\(factor)"
    }
}

extension Overrides.Verdict {
    /// What becomes of its subject, in words.
    var participle: String {
        switch self {
        case .drain: "drained"
        case .disable: "disabled"
        case .forceDown: "forced down"
        case .forceUp: "forced up"
        case .cutover: "cut over"
        case .weight: "weighed"
        }
    }
}
