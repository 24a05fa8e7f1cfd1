/// How a message's body ends (RFC 9112 section 6.3).
package enum BodyFraming: Sendable, Hashable {
    case none
    /// So many bytes; zero is possible where a Content-Length said so.
    case length(Int)
    case chunked
    /// When the sender closes: responses only, and such a connection is not used again.
    case untilClose
}

/// What the parser found of a head, whether or not that was all of it.
package enum HeadResult: Sendable, Hashable {
    case complete
    /// The bytes so far may begin a good head.
    case incomplete
    case failed(HeadError)
}

/// Leaves a parser before its end.
enum HeadStop: Error {
    case incomplete
    case failed(HeadError)
}
