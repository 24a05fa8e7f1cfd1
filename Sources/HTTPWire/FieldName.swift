/// The fields that a proxy itself reads, writes or removes; every other is `other`.
@usableFromInline
package enum FieldName: UInt8, Sendable, Hashable, CaseIterable {
    case other
    case te
    case via
    case age
    case date
    case host
    case allow
    case cookie
    case expect
    case server
    case trailer
    case upgrade
    case location
    case forwarded
    case keepAlive
    case setCookie
    case xRealIP
    case connection
    case retryAfter
    case contentType
    case cacheControl
    case contentRange
    case xRequestID
    case authorization
    case contentLength
    case maxForwards
    case http2Settings
    case contentEncoding
    case xForwardedFor
    case xForwardedHost
    case xForwardedPort
    case xForwardedProto
    case proxyConnection
    case transferEncoding
    case wwwAuthenticate
    case proxyAuthenticate
    case proxyAuthorization
    case clientCertificateSubject

    /// The name as it is written in messages.
    package var text: StaticString {
        switch self {
        case .other: ""
        case .te: "TE"
        case .via: "Via"
        case .age: "Age"
        case .date: "Date"
        case .host: "Host"
        case .allow: "Allow"
        case .cookie: "Cookie"
        case .expect: "Expect"
        case .server: "Server"
        case .trailer: "Trailer"
        case .upgrade: "Upgrade"
        case .location: "Location"
        case .forwarded: "Forwarded"
        case .keepAlive: "Keep-Alive"
        case .setCookie: "Set-Cookie"
        case .xRealIP: "X-Real-IP"
        case .connection: "Connection"
        case .retryAfter: "Retry-After"
        case .contentType: "Content-Type"
        case .cacheControl: "Cache-Control"
        case .contentRange: "Content-Range"
        case .xRequestID: "X-Request-Id"
        case .authorization: "Authorization"
        case .contentLength: "Content-Length"
        case .maxForwards: "Max-Forwards"
        case .http2Settings: "HTTP2-Settings"
        case .contentEncoding: "Content-Encoding"
        case .xForwardedFor: "X-Forwarded-For"
        case .xForwardedHost: "X-Forwarded-Host"
        case .xForwardedPort: "X-Forwarded-Port"
        case .xForwardedProto: "X-Forwarded-Proto"
        case .proxyConnection: "Proxy-Connection"
        case .transferEncoding: "Transfer-Encoding"
        case .wwwAuthenticate: "WWW-Authenticate"
        case .proxyAuthenticate: "Proxy-Authenticate"
        case .proxyAuthorization: "Proxy-Authorization"
        case .clientCertificateSubject: "X-Client-Certificate-Subject"
        }
    }

    /// Fields that concern one connection only and never pass a proxy (RFC 9110 section 7.6.1), whether or not
    /// `Connection` names them. `TE`, `Trailer` and `Upgrade` pass on in a form of our own.
    package var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade, .http2Settings,
            .proxyAuthenticate, .proxyAuthorization:
            true
        default: false
        }
    }

    /// Fields that `Connection` cannot remove: a client could otherwise make this proxy drop what members rely on.
    var isEndToEnd: Bool {
        switch self {
        case .host, .contentLength, .contentType, .contentEncoding, .contentRange, .authorization, .cookie, .setCookie,
            .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto, .xRealIP, .xRequestID, .via,
            .clientCertificateSubject, .date, .age, .location, .cacheControl, .wwwAuthenticate, .expect, .maxForwards,
            .allow, .retryAfter:
            true
        default: false
        }
    }

    /// Fields that make no sense, or do harm, after a body (RFC 9110 section 6.5.1): framing, routing,
    /// authentication and what has been acted on before the trailers came.
    package var isForbiddenInTrailers: Bool {
        switch self {
        case .other, .server, .via: false
        default: true
        }
    }

    /// `X-Forwarded` and all names that go on behind it with a hyphen. What one proxy says to the next in them nobody
    /// knows all of: `-Ssl` and `-Scheme` stand for HTTPS with some servers, `-Prefix` becomes a part of links with others.
    package static func isForwarded(_ name: Span<UInt8>) -> Bool {
        guard name.count >= 11, name[1] == UInt8(ascii: "-"), beginsIgnoringCase(name, "x-forwarded") else {
            return false
        }
        return name.count == 11 || name[11] == UInt8(ascii: "-")
    }

    /// Whether a name with underscores is, for servers that take these for hyphens, that of a field by which this proxy
    /// says who the client is.
    static func imitatesIdentity(_ name: Span<UInt8>) -> Bool {
        // Longer ones can only be of those that go on behind `X-Forwarded`.
        let count = min(name.count, 64)
        var hyphenated = InlineArray<64, UInt8>(repeating: 0)
        for index in 0..<count { hyphenated[index] = name[index] == UInt8(ascii: "_") ? 0x2d : name[index] }
        let text = hyphenated.span.extracting(0..<count)
        switch known(text) {
        case .xRealIP, .xRequestID, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto,
            .clientCertificateSubject:
            return true
        default:
            return isForwarded(text)
        }
    }

    /// The candidates by length: at most a few names share one.
    package static func known(_ name: Span<UInt8>) -> FieldName {
        switch name.count {
        case 2: first(name, .te)
        case 3: first(name, .via, .age)
        case 4: first(name, .host, .date)
        case 5: first(name, .allow)
        case 6: first(name, .cookie, .expect, .server)
        case 7: first(name, .upgrade, .trailer)
        case 8: first(name, .location)
        case 9: first(name, .forwarded, .xRealIP)
        case 10: first(name, .connection, .keepAlive, .setCookie)
        case 11: first(name, .retryAfter)
        case 12: first(name, .contentType, .xRequestID, .maxForwards)
        case 13: first(name, .cacheControl, .contentRange, .authorization)
        case 14: first(name, .contentLength, .http2Settings)
        case 15: first(name, .xForwardedFor)
        case 16: first(name, .xForwardedHost, .xForwardedPort, .proxyConnection, .contentEncoding, .wwwAuthenticate)
        case 17: first(name, .transferEncoding, .xForwardedProto)
        case 18: first(name, .proxyAuthenticate)
        case 19: first(name, .proxyAuthorization)
        case 28: first(name, .clientCertificateSubject)
        default: .other
        }
    }

    @inline(__always)
    private static func first(_ name: Span<UInt8>, _ a: FieldName) -> FieldName {
        equalsIgnoringCase(name, a.text) ? a : .other
    }

    @inline(__always)
    private static func first(_ name: Span<UInt8>, _ a: FieldName, _ b: FieldName) -> FieldName {
        equalsIgnoringCase(name, a.text) ? a : first(name, b)
    }

    @inline(__always)
    private static func first(_ name: Span<UInt8>, _ a: FieldName, _ b: FieldName, _ c: FieldName) -> FieldName {
        equalsIgnoringCase(name, a.text) ? a : first(name, b, c)
    }

    private static func first(
        _ name: Span<UInt8>, _ a: FieldName, _ b: FieldName, _ c: FieldName, _ d: FieldName, _ e: FieldName
    ) -> FieldName {
        equalsIgnoringCase(name, a.text) ? a : equalsIgnoringCase(name, b.text) ? b : first(name, c, d, e)
    }
}
