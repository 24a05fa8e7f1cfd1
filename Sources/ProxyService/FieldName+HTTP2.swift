import HTTPWire

/// How fields are written in HTTP/2.
extension FieldName {
    /// Where HPACK's static table has the name; 0: nowhere.
    var staticIndex: Int {
        switch self {
        case .age: 21
        case .allow: 22
        case .authorization: 23
        case .cacheControl: 24
        case .contentEncoding: 26
        case .contentLength: 28
        case .contentRange: 30
        case .contentType: 31
        case .cookie: 32
        case .date: 33
        case .expect: 35
        case .host: 38
        case .location: 46
        case .maxForwards: 47
        case .proxyAuthenticate: 48
        case .proxyAuthorization: 49
        case .retryAfter: 53
        case .server: 54
        case .setCookie: 55
        case .transferEncoding: 57
        case .via: 60
        case .wwwAuthenticate: 61
        case .other, .te, .trailer, .upgrade, .forwarded, .keepAlive, .xRealIP, .connection, .xRequestID,
            .http2Settings, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto, .proxyConnection,
            .clientCertificateSubject:
            0
        }
    }

    /// Kept out of HPACK's tables (RFC 7541 section 7.1.3): who can send fields beside it could find it by guessing.
    var isSecret: Bool {
        switch self {
        case .authorization, .cookie, .setCookie, .proxyAuthorization: true
        default: false
        }
    }
}
