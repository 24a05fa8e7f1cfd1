package import Addresses
package import Balancing
import Synchronization

/// What the VIP tier is doing, summed over its loops.
package struct ProxyStatus: Sendable {
    package struct ListenerStatus: Sendable {
        package let name: String
        /// With the port that was bound, where the configuration says 0.
        package let endpoint: Endpoint
        package let openConnections: Int
        /// Connections ever accepted.
        package var connections: UInt64 = 0
    }

    package var requests: UInt64 = 0
    /// Requests, and connections of TCP listeners, of this process's own health checks; no other figure has them.
    package var probes: UInt64 = 0
    /// Responses 502, 503 and 504 that were made here because no member gave one.
    package var failures: UInt64 = 0
    package var informational: UInt64 = 0
    package var successes: UInt64 = 0
    package var redirections: UInt64 = 0
    package var clientErrors: UInt64 = 0
    package var serverErrors: UInt64 = 0
    package var aborted: UInt64 = 0
    package var retries: UInt64 = 0
    package var replays: UInt64 = 0
    package var malformed: UInt64 = 0
    package var timeouts: UInt64 = 0
    package var rateLimited: UInt64 = 0
    /// Requests refused with 503 because there were too many connections or too much was buffered.
    package var overloaded: UInt64 = 0
    /// Idle connections closed to make room for new ones.
    package var evicted: UInt64 = 0
    /// Connections and streams that were ended because they held the most when the buffers of all were nearly full.
    package var hoards: UInt64 = 0
    /// Connections closed at once because their source had too many.
    package var sourceLimited: UInt64 = 0
    /// HTTP/2 connections ended because of resets, control frames or the like beyond measure.
    package var floods: UInt64 = 0
    /// Streams of HTTP/2 that were refused unread: more at once than are taken, or behind the last GOAWAY.
    package var refusedStreams: UInt64 = 0
    /// Requests that had come through here before.
    package var loops: UInt64 = 0
    /// Client connections ever accepted.
    package var connections: UInt64 = 0
    /// Connections ever made to members.
    package var upstreamConnections: UInt64 = 0
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    package var descriptorPauses: UInt64 = 0
    /// Requests that had to wait for a place on a member, that found no room to wait in, and that waited in vain.
    package var queued: UInt64 = 0
    package var queueFull: UInt64 = 0
    package var queueTimeouts: UInt64 = 0
    /// Requests that wait now.
    package var waiting: UInt64 = 0
    /// Bodies that were larger than is allowed.
    package var bodyLimited: UInt64 = 0
    /// TLS handshakes with clients.
    package var tls12: UInt64 = 0
    package var tls13: UInt64 = 0
    package var tlsFailures: UInt64 = 0
    /// Client connections that ever spoke HTTP/2.
    package var http2Connections: UInt64 = 0
    /// Access-log lines that were taken.
    package var logLines: UInt64 = 0
    /// Writes of the access log that failed.
    package var logFailures: UInt64 = 0
    /// Access-log lines that were not written.
    package var droppedLogLines: UInt64 = 0
    /// Bytes that wait in the buffers of all connections, as of the loops' last look.
    package var bufferedBytes = 0
    package var openConnections = 0
    /// Open connections of listeners that were removed.
    package var drainingConnections = 0
    package var listeners: [ListenerStatus] = []

    mutating func add(_ counters: ProxyCounters) {
        requests += counters.requests.load(ordering: .relaxed)
        probes += counters.probes.load(ordering: .relaxed)
        failures += counters.failures.load(ordering: .relaxed)
        informational += counters.informational.load(ordering: .relaxed)
        successes += counters.successes.load(ordering: .relaxed)
        redirections += counters.redirections.load(ordering: .relaxed)
        clientErrors += counters.clientErrors.load(ordering: .relaxed)
        serverErrors += counters.serverErrors.load(ordering: .relaxed)
        aborted += counters.aborted.load(ordering: .relaxed)
        retries += counters.retries.load(ordering: .relaxed)
        replays += counters.replays.load(ordering: .relaxed)
        malformed += counters.malformed.load(ordering: .relaxed)
        timeouts += counters.timeouts.load(ordering: .relaxed)
        rateLimited += counters.rateLimited.load(ordering: .relaxed)
        overloaded += counters.overloaded.load(ordering: .relaxed)
        evicted += counters.evicted.load(ordering: .relaxed)
        hoards += counters.hoards.load(ordering: .relaxed)
        sourceLimited += counters.sourceLimited.load(ordering: .relaxed)
        floods += counters.floods.load(ordering: .relaxed)
        refusedStreams += counters.refusedStreams.load(ordering: .relaxed)
        loops += counters.loops.load(ordering: .relaxed)
        connections += counters.connections.load(ordering: .relaxed)
        upstreamConnections += counters.upstreamConnections.load(ordering: .relaxed)
        bytesIn += counters.bytesIn.load(ordering: .relaxed)
        bytesOut += counters.bytesOut.load(ordering: .relaxed)
        descriptorPauses += counters.descriptorPauses.load(ordering: .relaxed)
        queued += counters.queued.load(ordering: .relaxed)
        queueFull += counters.queueFull.load(ordering: .relaxed)
        queueTimeouts += counters.queueTimeouts.load(ordering: .relaxed)
        waiting += counters.waiting.load(ordering: .relaxed)
        bodyLimited += counters.bodyLimited.load(ordering: .relaxed)
        tls12 += counters.tls12.load(ordering: .relaxed)
        tls13 += counters.tls13.load(ordering: .relaxed)
        tlsFailures += counters.tlsFailures.load(ordering: .relaxed)
        http2Connections += counters.http2Connections.load(ordering: .relaxed)
    }
}

/// What one route did.
package struct RouteStatus: Sendable, Hashable {
    package let listener: String
    package let name: String
    package let traffic: TrafficTotals
}

/// Why a configuration could not be applied. Nothing was changed then.
package enum ProxyError: Error, CustomStringConvertible {
    case cannotListen(listener: String, endpoint: Endpoint, reason: String)
    case tls(listener: String, reason: String)
    case upstreamTLS(upstream: String, reason: String)

    package var description: String {
        switch self {
        case .cannotListen(let listener, let endpoint, let reason):
            "listener \(listener): cannot listen on \(endpoint): \(reason)"
        case .tls(let listener, let reason): "listener \(listener): TLS: \(reason)"
        case .upstreamTLS(let upstream, let reason): "upstream \(upstream): TLS: \(reason)"
        }
    }
}
