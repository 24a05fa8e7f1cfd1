/// What a proxy says about itself and its client in the requests it sends on.
///
/// The byte arrays are made once per connection or configuration, not per request.
package struct Forwarding: Sendable {
    /// The client's address as text, IPv6 without brackets.
    package var client: [UInt8]
    /// The same as RFC 7239 section 6 wants it: IPv6 in brackets and quotes.
    package var clientNode: [UInt8]
    /// Whether the client's connection to us is encrypted.
    package var isSecure: Bool
    /// Whether the client is a proxy whose fields are continued rather than replaced.
    package var isTrusted: Bool
    /// The host to name when an HTTP/1.0 client names none.
    package var defaultHost: [UInt8]
    /// Our pseudonym in `Via` (RFC 9110 section 7.6.3); empty: none is sent.
    package var via: [UInt8]
    /// Requests came over HTTP/2, whatever form their heads have here.
    package var isHTTP2 = false
    /// The subject of the certificate that the client showed and that was verified; empty: none.
    package var certificateSubject: [UInt8] = []

    package init(
        client: [UInt8], isSecure: Bool, isTrusted: Bool = false, defaultHost: [UInt8] = [], via: [UInt8] = []
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
