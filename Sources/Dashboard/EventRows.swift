import ControlPlane

/// Which events a page shows.
enum EventChoice: String, Hashable, Sendable, CaseIterable {
    /// States that turned, and what operators and the calendar did.
    case main
    case transitions
    case changes
    /// What monitors found, one by one.
    case checks

    var word: String {
        switch self {
        case .main: "All"
        case .transitions: "States"
        case .changes: "Changes"
        case .checks: "Checks"
        }
    }

    var filter: EventFilter {
        var filter = EventFilter()
        let transitions: Set<NodeEvent.Kind> = [.start, .transition, .zoneBroken, .certificateExpiring]
        switch self {
        case .main: filter.kinds = Set(NodeEvent.Kind.allCases).subtracting([.check, .shiftProgress, .gap])
        case .transitions: filter.kinds = transitions
        case .changes:
            filter.kinds = Set(NodeEvent.Kind.allCases).subtracting(transitions).subtracting([.check, .gap])
        case .checks: filter.kinds = [.check]
        }
        return filter
    }
}

/// What happened lately, as rows, the newest first.
enum EventRows {
    static let limit = 100

    static func rows(_ events: [NodeEvent]) -> [Row] {
        events.sorted { $0.id > $1.id }.map { event in
            var fields = ["time": "\(event.time)", "reason": event.reason]
            if !event.author.isEmpty { fields["author"] = "by \(event.author)" }
            if let subject = event.subject {
                fields["kind"] = subject.kind.replacing("-", with: " ")
                fields["name"] = subject.name
            }
            let turn = event.to.map { Condition(state: $0) }
            switch event.kind {
            case .transition, .check:
                let condition: Condition = event.to == "up" ? .up : turn ?? .unknown
                fields["icon"] = condition.icon
                fields["action"] = event.kind == .check ? "Check" : ""
                fields["detail"] = "\(event.from.map { "\($0) → " } ?? "")\(event.to ?? "")"
                return Row("event:\(event.id)", condition, fields)
            default:
                fields["icon"] = "#n-operations"
                fields["action"] = event.kind.rawValue.sentenceCase
                fields["detail"] = event.to ?? ""
                return Row("event:\(event.id)", "change", fields)
            }
        }
    }
}
