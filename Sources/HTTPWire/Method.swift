/// Request methods that are treated in a way of their own (RFC 9110 section 9); every other is `other`.
@usableFromInline
package enum Method: UInt8, Sendable, Hashable {
    case get, head, post, put, delete, connect, options, trace, patch, other

    /// Safe to send twice (RFC 9110 section 9.2.2). Unknown methods are taken not to be.
    package var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }

    /// Methods are compared with case.
    static func known(_ text: Span<UInt8>) -> Method {
        switch text.count {
        case 3: isEqual(text, "GET") ? .get : isEqual(text, "PUT") ? .put : .other
        case 4: isEqual(text, "POST") ? .post : isEqual(text, "HEAD") ? .head : .other
        case 5: isEqual(text, "PATCH") ? .patch : isEqual(text, "TRACE") ? .trace : .other
        case 6: isEqual(text, "DELETE") ? .delete : .other
        case 7: isEqual(text, "OPTIONS") ? .options : isEqual(text, "CONNECT") ? .connect : .other
        default: .other
        }
    }
}
