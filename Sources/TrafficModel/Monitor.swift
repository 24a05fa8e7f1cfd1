/// How to find out whether a target works, and how much evidence a change of state takes.
package struct Monitor: Sendable, Hashable {
    package enum Check: Sendable, Hashable {
        /// A connection is accepted.
        case tcp
        /// An HTTP request is answered as expected, over TLS if `tls` is set.
        case http(HTTPCheck)
        /// gRPC's health service says that it serves.
        case grpc(GRPCCheck)

        /// A PEM file with the authorities to trust.
        package var authorityPath: String? {
            switch self {
            case .tcp: nil
            case .http(let check): check.authorityPath
            case .grpc(let check): check.authorityPath
            }
        }
    }

    package struct HTTPCheck: Sendable, Hashable {
        package var method = "GET"
        package var path = "/"
        /// The Host field, and the TLS server name; the target's address when `nil`.
        package var host: String?
        /// Status codes that count as success.
        package var expectedStatus: [ClosedRange<Int>] = [200...399]
        /// Text that must occur in the first 64 KiB of the body.
        package var expectedBody: String?
        package var tls = false
        /// Whether the certificate must be valid for `host`; off by default, as members seldom have public ones.
        package var verifyCertificate = false
        /// A PEM file with the authorities to trust; the system's when `nil`.
        package var authorityPath: String?
        /// HTTP/2, which with `tls` the target must agree on (ALPN); HTTP/1.1 otherwise.
        package var http2 = false
        /// Where the response tells the target's load.
        package var load = LoadSource.header

        package init() {}
    }

    /// A call of `grpc.health.v1.Health/Check`, over HTTP/2.
    package struct GRPCCheck: Sendable, Hashable {
        /// The service that is asked about; empty: the server as a whole.
        package var service = ""
        /// `:authority`, and the TLS server name; the target's address when `nil`.
        package var host: String?
        package var tls = false
        /// As in ``HTTPCheck``.
        package var verifyCertificate = false
        /// As in ``HTTPCheck``.
        package var authorityPath: String?

        package init() {}
    }

    /// Where a response tells how loaded its server is, in the forms of Open Request Cost Aggregation.
    package enum LoadSource: String, Sendable, Hashable, CaseIterable {
        case none
        /// The field `endpoint-load-metrics`, where there is one.
        case header
        /// The body, a JSON object.
        case body
    }

    package var name: String
    package var check: Check
    package var interval: Duration = .seconds(5)
    /// From the start of a probe to its verdict; at most `interval`.
    package var timeout: Duration = .seconds(2)
    /// Successes in a row that turn a target up.
    package var rise = 2
    /// Failures in a row that turn a target down.
    package var fall = 3
    /// The share of the interval by which a probe may come early or late, 0...0.5: keeps thousands from marching.
    package var jitter = 0.1
    /// Another port to probe than the one that is served.
    package var port: UInt16?

    package init(name: String, check: Check) {
        self.name = name
        self.check = check
    }
}
