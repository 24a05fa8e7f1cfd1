package import Addresses
package import Balancing
import HTTPWire
import Telemetry
package import TrafficModel

/// A request that nobody sent.
package struct RequestQuestion: Sendable {
    package var method: String
    /// Path and query, or `*`.
    package var target: String
    /// Host and port as the `Host` field has them.
    package var authority: String
    /// Beside `Host`.
    package var fields: [(name: String, value: String)]
    package var client: IPAddress

    package init(
        method: String, target: String, authority: String, fields: [(name: String, value: String)], client: IPAddress
    ) {
        self.method = method
        self.target = target
        self.authority = authority
        self.fields = fields
        self.client = client
    }

    fileprivate var head: [UInt8] {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: \(authority)\r\n"
        for field in fields { text += "\(field.name): \(field.value)\r\n" }
        return Array((text + "\r\n").utf8)
    }
}

/// What becomes of a request, found by the functions that requests go through.
package struct RequestTrace: Sendable {
    package enum End: Sendable {
        /// Answered here, without a route or in spite of one.
        case refused(status: Int, reason: String)
        /// By position in the listener's table.
        case route(Int)
        /// The connection is forwarded as a whole.
        case forwarded(upstream: Int)
    }

    package var end: End
    /// Host and path as routes are matched with them; empty where it did not come to that.
    package var host = ""
    package var path = ""
    /// What it lacks for each route that was tried, in order; `nil` for the one that takes it.
    package var misses: [RouteMiss?] = []
    /// Of the route that takes it.
    package var limit: (passing: Int, retryAfter: Int?)?

    /// - Parameters:
    ///   - listener: where the request comes in.
    ///   - now: monotonic nanoseconds.
    package init(_ question: RequestQuestion, at listener: ListenerSnapshot, settings: ProxySettings, now: UInt64) {
        guard case .http(let table) = listener.mode else {
            if case .tcp(let upstream) = listener.mode {
                end = .forwarded(upstream: upstream)
            } else {
                end = .refused(status: 503, reason: "This address no longer takes requests.")
            }
            return
        }
        let settings = LoopSettings(settings)
        let head = RequestHead()
        let bytes = question.head
        let span = bytes.span
        switch head.parse(span, limits: settings.limits) {
        case .complete: break
        case .incomplete:
            end = .refused(status: 400, reason: "The request is not whole.")
            return
        case .failed(let error):
            end = .refused(status: Int(error.status), reason: "\(error.reason).")
            return
        }
        if case .length(let length) = head.framing, length > settings.bodyBytes {
            end = .refused(status: 413, reason: "The body of the request is larger than is allowed here.")
            return
        }
        if head.maxForwards == 0 {
            end = .refused(status: 200, reason: "Max-Forwards says that it goes no further.")
            return
        }
        var hostBytes: [UInt8] = []
        head.appendHost(span, to: &hostBytes)
        host = String(decoding: hostBytes, as: UTF8.self)
        var pathBytes: [UInt8] = []
        if head.isPathMatched {
            for index in head.path.range { pathBytes.append(span[index]) }
        } else if !PathNormaliser.append(span.extracting(head.path.range), to: &pathBytes) {
            end = .refused(status: 400, reason: "The path climbs above its root.")
            return
        }
        path = String(decoding: pathBytes, as: UTF8.self)
        // As on a connection of that client's that shows no certificate.
        var client = LogLine()
        client.append(address: question.client)
        let forwarding = Forwarding(
            client: client.copy(), isSecure: listener.tls != nil, isTrusted: listener.trusts(question.client))
        misses = table.explain(
            host: hostBytes.span, path: pathBytes.span, method: span.extracting(head.methodRange.range)
        ) { head.fulfils($0, span, forwarding) }
        guard let match = misses.indices.last, misses[match] == nil else {
            end = .refused(status: 404, reason: "No route matches this host and path.")
            return
        }
        end = .route(match)
        let origin = listener.trusts(question.client) ? head.origin(span, trusts: listener.trusts) : nil
        limit = table.routes[match].limiter?.outlook(client: origin ?? question.client, now: now)
    }
}
