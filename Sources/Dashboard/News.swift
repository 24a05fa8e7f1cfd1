import ControlPlane

/// What happened since the last look, in a few words for who hears the page and does not see it.
struct News: Sendable {
    /// Events that are looked at. Where more happen in a second, the oldest are not told.
    static let limit = 256
    /// Changes, and turns of states, that are told one by one; of more there is their number.
    private static let few = 3

    private(set) var text = ""
    private var latest: UInt64?

    /// - Parameter events: the latest, with those that were there before.
    mutating func add(_ events: [NodeEvent]) {
        // What was there before the first look is no news.
        let fresh = latest.map { latest in events.filter { $0.id > latest } } ?? []
        latest = max(latest ?? 0, events.map(\.id).max() ?? 0)
        text = Self.text(fresh)
    }

    private static func text(_ events: [NodeEvent]) -> String {
        var changes = events.filter { $0.kind != .transition }.map(sentence)
        if changes.count > few { changes = changes.prefix(few) + ["\(changes.count - few) more changes"] }
        // The widest first: what is in a region turns with it.
        let turns = events.filter { $0.kind == .transition }.enumerated()
            .sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map { sentence($0.element) }
        var told = changes + turns.prefix(few)
        if turns.count > few { told.append("\(turns.count - few) more turned") }
        return told.map { $0 + "." }.joined(separator: " ")
    }

    private static func rank(_ event: NodeEvent) -> Int {
        event.subject.flatMap { SubjectKind(rawValue: $0.kind) }?.rank ?? SubjectKind.allCases.count
    }

    private static func sentence(_ event: NodeEvent) -> String {
        let subject = event.subject.map { "\(SubjectKind(rawValue: $0.kind)?.noun ?? $0.kind) \($0.name)" } ?? ""
        let words =
            event.kind == .transition
            ? [subject.prefix(1).uppercased() + subject.dropFirst(), "is", event.to ?? ""]
            : [event.kind.rawValue.sentenceCase, subject, event.to ?? ""]
        let told = words.filter { !$0.isEmpty }.joined(separator: " ")
        let author = event.author.isEmpty ? "" : ", by \(event.author)"
        return told + author + (event.reason.isEmpty ? "" : ", \(event.reason)")
    }
}
