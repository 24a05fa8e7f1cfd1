import StateStore
package import TrafficModel

/// Something that happened at a node, for those who watch it or look back: a line of `GET /v1/events`.
package struct NodeEvent: Codable, Sendable, Hashable {
    package enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
        /// The node began to serve.
        case start
        /// The state of a region, wide IP, pool, virtual server or member turned.
        case transition
        /// A monitor's verdict about one endpoint turned.
        case check
        case overrideSet = "override-set"
        case overrideCleared = "override-cleared"
        case overrideExpired = "override-expired"
        case windowAdded = "window-added"
        case windowCancelled = "window-cancelled"
        case windowDraining = "window-draining"
        case windowOpened = "window-opened"
        case windowClosed = "window-closed"
        case windowRefused = "window-refused"
        /// Its time was over, and it was refused to the end.
        case windowMissed = "window-missed"
        case shiftStarted = "shift-started"
        case shiftProgress = "shift-progress"
        case shiftCancelled = "shift-cancelled"
        /// It reached its share, or ended.
        case shiftFinished = "shift-finished"
        case resume
        case reloadApplied = "reload-applied"
        case reloadRefused = "reload-refused"
        case zoneBroken = "zone-broken"
        case certificateReplaced = "certificate-replaced"
        case certificateExpiring = "certificate-expiring"
        /// Events that this reader missed; `count` says how many.
        case gap
    }

    /// What an event is about: `region`, `wide-ip`, `pool`, `virtual-server`, `member` (named `UPSTREAM/ENDPOINT`),
    /// `monitor` (`MONITOR/ENDPOINT`), `window`, `shift`, `zone`, `certificate`.
    package struct Subject: Codable, Sendable, Hashable {
        package var kind: String
        package var name: String

        package init(_ kind: String, _ name: String) {
            self.kind = kind
            self.name = name
        }
    }

    /// Rises with each event, also over restarts of the node as long as its clock does not go back; 0 for a gap.
    package var id: UInt64
    /// Milliseconds since 1970.
    package var time: Int64
    package var kind: Kind
    /// `nil`: the node.
    package var subject: Subject?
    package var from: String?
    package var to: String?
    /// In words; empty when there is nothing to add.
    package var reason: String
    /// Who asked for it; empty: nobody did.
    package var author: String
    /// Of a gap.
    package var count: UInt64?

    package init(
        _ kind: Kind, _ subject: Subject? = nil, from: String? = nil, to: String? = nil, reason: String = "",
        author: String = "", time: WallTime = .now
    ) {
        id = 0
        self.time = time.milliseconds
        self.kind = kind
        self.subject = subject
        self.from = from
        self.to = to
        self.reason = Self.line(reason)
        self.author = author
    }

    static func gap(_ count: UInt64, _ reason: String) -> NodeEvent {
        var event = NodeEvent(.gap, reason: reason)
        event.count = count
        return event
    }

    /// Bytes of a reason that are kept: a refused configuration can have thousands of errors.
    private static let reasonLimit = 1024

    /// One line without control characters, for it stands in logs and on terminals.
    private static func line(_ text: String) -> String {
        let isPlain = text.utf8.count <= reasonLimit && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
        guard !isPlain else { return text }
        var kept = String.UnicodeScalarView()
        var size = 0
        for scalar in text.unicodeScalars {
            size += UTF8.width(scalar)
            guard size <= reasonLimit else { break }
            kept.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return String(kept)
    }
}

extension NodeEvent {
    /// What a change of operators, or of the calendar, is to those who watch.
    init(_ record: AuditRecord) {
        let kind: Kind =
            switch record.action {
            case .setOverride: .overrideSet
            case .clearOverride: .overrideCleared
            case .expireOverride: .overrideExpired
            case .addWindow: .windowAdded
            case .cancelWindow: .windowCancelled
            case .drainForWindow: .windowDraining
            case .openWindow: .windowOpened
            case .closeWindow: .windowClosed
            case .refuseWindow: .windowRefused
            case .missWindow: .windowMissed
            case .startShift: .shiftStarted
            case .cancelShift: .shiftCancelled
            case .finishShift: .shiftFinished
            case .resume: .resume
            case .reload: record.reason.isEmpty ? .reloadApplied : .reloadRefused
            }
        let subject = record.kind.flatMap { kind in record.name.map { Subject(kind, $0) } }
        self.init(
            kind, subject, to: record.detail.isEmpty ? nil : record.detail, reason: record.reason,
            author: record.author, time: record.time)
    }
}

/// One turn of a state, as a history lists it.
package struct StateTurn: Codable, Sendable, Hashable {
    /// Milliseconds since 1970.
    package var time: Int64
    package var from: String
    package var to: String
    package var reason: String
}

/// Which events somebody wants.
package struct EventFilter: Sendable {
    /// Empty: all.
    package var kinds: Set<NodeEvent.Kind> = []
    /// Of the subject; empty: all.
    package var subjectKinds: Set<String> = []
    /// Of the subject.
    package var name: Glob?

    package init() {}

    package func wants(_ event: NodeEvent) -> Bool {
        guard kinds.isEmpty || kinds.contains(event.kind) else { return false }
        guard subjectKinds.isEmpty || event.subject.map({ subjectKinds.contains($0.kind) }) ?? false else {
            return false
        }
        return name.map { name in event.subject.map { name.matches($0.name) } ?? false } ?? true
    }
}
