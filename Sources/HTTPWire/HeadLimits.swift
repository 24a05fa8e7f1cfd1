/// How much a peer may send before a message's body.
package struct HeadLimits: Sendable, Hashable {
    /// The most bytes of a head that offsets can name.
    package static let largestHead = 60_000
    /// The most fields that a head's table holds.
    package static let mostFields = 256

    /// What becomes of a field whose name has an underscore. Many servers behind us read `X_User` as `X-User`, so a
    /// client could forge a field that a proxy would have removed.
    package enum Underscores: Sendable, Hashable {
        case drop
        /// But for those by which a client would say who it is.
        case keep
        case reject
    }

    /// Start line and fields together, 64...``largestHead``.
    package let bytes: Int
    /// 1...``mostFields``.
    package let fields: Int
    package let underscores: Underscores

    /// Values out of range are brought into it.
    package init(bytes: Int = 32 * 1024, fields: Int = 128, underscores: Underscores = .drop) {
        self.bytes = min(max(bytes, 64), Self.largestHead)
        self.fields = min(max(fields, 1), Self.mostFields)
        self.underscores = underscores
    }
}
