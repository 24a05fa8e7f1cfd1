import HTTPWire
import Telemetry
import TrafficModel

/// The settings in the units that the data path works with.
struct LoopSettings {
    let limits: HeadLimits
    /// Members' heads: theirs is the responsibility for what they send, but not for our memory.
    let responseLimits: HeadLimits
    let headTimeout: UInt64
    let bodyBytes: Int
    let bodyTimeout: UInt64
    /// Nanoseconds that a byte of a body buys its client; 0: any byte buys all of `bodyTimeout`.
    let bodyByteTime: UInt64
    /// Bytes that a client must take in `bodyTimeout`, 1 at least.
    let readBytes: UInt64
    let idleTimeout: UInt64
    let tunnelTimeout: UInt64
    let handshakeTimeout: UInt64
    let connections: Int
    let connectionsPerSource: Int?
    let requestsPerConnection: Int
    /// Requests at once on an HTTP/2 connection.
    let streams: Int
    let bufferBytes: Int
    let bufferTotal: Int
    let via: ProxySettings.Via
    let forwardsNormalPath: Bool
    /// Clients of HTTP/1.1 that end their side are gone.
    let abortsHalfClosed: Bool
    /// The part of the access log that is written.
    let logSample: Double
    let logClients: ClientPrivacy

    init(_ settings: ProxySettings) {
        let given = settings.limits
        let underscores: HeadLimits.Underscores =
            switch settings.underscores {
            case .drop: .drop
            case .keep: .keep
            case .reject: .reject
            }
        limits = HeadLimits(bytes: given.headBytes, fields: given.headFields, underscores: underscores)
        responseLimits = HeadLimits(
            bytes: HeadLimits.largestHead, fields: HeadLimits.mostFields, underscores: .keep)
        headTimeout = nanoseconds(given.headTimeout)
        bodyBytes = given.bodyBytes ?? .max
        bodyTimeout = nanoseconds(given.bodyTimeout)
        bodyByteTime = given.bodyRate > 0 ? 1_000_000_000 / UInt64(given.bodyRate) : 0
        let (product, overflow) = (bodyTimeout / 1_000_000).multipliedReportingOverflow(by: UInt64(given.readRate))
        readBytes = overflow ? .max : max(product / 1000, 1)
        idleTimeout = nanoseconds(given.idleTimeout)
        tunnelTimeout = nanoseconds(given.tunnelTimeout)
        handshakeTimeout = nanoseconds(given.handshakeTimeout)
        connections = given.connections
        connectionsPerSource = given.connectionsPerSource
        requestsPerConnection = given.requestsPerConnection ?? .max
        streams = given.streams
        bufferBytes = max(given.bufferBytes, 4096)
        bufferTotal = given.bufferTotal
        via = settings.via
        forwardsNormalPath = settings.forwardedPath == .normalised
        abortsHalfClosed = settings.halfClosed == .abort
        logSample = settings.accessLog?.sample ?? 1
        logClients = settings.accessLog?.clients ?? ClientPrivacy()
    }
}

/// Nanoseconds, at most some 146 years, so that sums with a time fit.
func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, seconds < 4_000_000_000 else { return seconds < 0 ? 0 : 4_000_000_000_000_000_000 }
    return UInt64(seconds) * 1_000_000_000 + UInt64(max(attoseconds, 0) / 1_000_000_000)
}
