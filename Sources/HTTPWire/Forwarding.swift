/// What a proxy says about itself and its client in the requests it sends on.
///
/// The byte arrays are made once per connection or configuration, not per request.
///
/// A class because it is the same for all requests of a connection, and each of its texts would be counted for each.
package final class Forwarding: Sendable {
    /// The client's address as text, IPv6 without brackets.
    package let client: [UInt8]
    /// The same as RFC 7239 section 6 wants it: IPv6 in brackets and quotes.
    package let clientNode: [UInt8]
    /// Whether the client's connection to us is encrypted.
    package let isSecure: Bool
    /// Whether the client is a proxy whose fields are continued rather than replaced.
    package let isTrusted: Bool
    /// The host to name when an HTTP/1.0 client names none.
    package let defaultHost: [UInt8]
    /// Our pseudonym in `Via` (RFC 9110 section 7.6.3); empty: none is sent.
    package let via: [UInt8]
    /// Requests came over HTTP/2, whatever form their heads have here.
    package let isHTTP2: Bool
    /// The subject of the certificate that the client showed and that was verified; empty: it has no text that fits in a
    /// field; `nil`: no certificate was shown.
    package let certificateSubject: [UInt8]?

    /// Of a client that is not known yet.
    package static let unknown = Forwarding(client: [], isSecure: false)

    package init(
        client: [UInt8], isSecure: Bool, isTrusted: Bool = false, defaultHost: [UInt8] = [], via: [UInt8] = [],
        isHTTP2: Bool = false, certificateSubject: [UInt8]? = nil
    ) {
        self.client = client
        if client.contains(UInt8(ascii: ":")) {
            clientNode = Array("\"[".utf8) + client + Array("]\"".utf8)
        } else {
            clientNode = client
        }
        self.isSecure = isSecure
        self.isTrusted = isTrusted
        self.defaultHost = defaultHost
        self.via = via
        self.isHTTP2 = isHTTP2
        self.certificateSubject = certificateSubject
    }

    /// The same with what the connection has turned out to be.
    package func with(isHTTP2: Bool? = nil, certificateSubject: [UInt8]? = nil) -> Forwarding {
        Forwarding(
            client: client, isSecure: isSecure, isTrusted: isTrusted, defaultHost: defaultHost, via: via,
            isHTTP2: isHTTP2 ?? self.isHTTP2, certificateSubject: certificateSubject ?? self.certificateSubject)
    }
}

/// An identifier that ties together what the log lines of several servers say of one request.
package struct RequestID: Sendable, Hashable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}
