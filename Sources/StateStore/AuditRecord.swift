package import TrafficModel

/// One change of a node, for those who look later: who, when, what, why, from where.
package struct AuditRecord: Sendable, Hashable {
    package enum Action: String, Sendable, Hashable {
        case setOverride = "set-override"
        case clearOverride = "clear-override"
        /// An override that ended by itself.
        case expireOverride = "expire-override"
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
    /// What it was about; `nil`: the node.
    package var subject: Overrides.Subject?
    /// What changed, in words: a verdict, a generation.
    package var detail: String
    package var reason: String

    package init(
        time: WallTime, author: String, origin: String, action: Action, subject: Overrides.Subject? = nil,
        detail: String = "", reason: String = ""
    ) {
        self.time = time
        self.author = author
        self.origin = origin
        self.action = action
        self.subject = subject
        self.detail = detail
        self.reason = reason
    }
}
