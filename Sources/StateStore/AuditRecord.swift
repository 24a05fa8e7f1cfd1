package import TrafficModel

/// One change of a node, for those who look later: who, when, what, why, from where.
package struct AuditRecord: Sendable, Hashable {
    package enum Action: String, Sendable, Hashable, CaseIterable {
        case setOverride = "set-override"
        case clearOverride = "clear-override"
        /// An override that ended by itself.
        case expireOverride = "expire-override"
        case addWindow = "add-window"
        case cancelWindow = "cancel-window"
        /// The time before a window, in which it drains.
        case drainForWindow = "drain-for-window"
        case openWindow = "open-window"
        case closeWindow = "close-window"
        /// A window that did not begin because of a safety rule or a name that would have no answer.
        case refuseWindow = "refuse-window"
        /// Its time was over before it might begin, or open.
        case missWindow = "miss-window"
        case startShift = "start-shift"
        case cancelShift = "cancel-shift"
        /// A shift that reached its share, or that ended.
        case finishShift = "finish-shift"
        /// A virtual server that waited for it.
        case resume
        case reload
    }

    /// Rises with each record; 0 until it is stored.
    package var number: Int64 = 0
    package var time: WallTime
    package var author: String
    /// `admin socket`, `signal`, `clock`.
    package var origin: String
    package var action: Action
    /// What it was about, such as `region` and `eu`; `nil`: the node.
    package var kind: String?
    package var name: String?
    /// What changed, in words: a verdict, a generation.
    package var detail: String
    package var reason: String

    package init(
        time: WallTime, author: String, origin: String, action: Action, kind: String? = nil, name: String? = nil,
        detail: String = "", reason: String = ""
    ) {
        self.time = time
        self.author = author
        self.origin = origin
        self.action = action
        self.kind = kind
        self.name = name
        self.detail = detail
        self.reason = reason
    }

    package init(
        time: WallTime, author: String, origin: String, action: Action, subject: Overrides.Subject?,
        detail: String = "", reason: String = ""
    ) {
        self.init(
            time: time, author: author, origin: origin, action: action, kind: subject?.kind.rawValue,
            name: subject?.name, detail: detail, reason: reason)
    }
}
