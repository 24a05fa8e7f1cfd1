import Addresses
import HTTPWire
import NIOCore
import TrafficModel

/// A target as the engine keeps it: what a probe needs, made once, and what the probes found. Lives on its event loop.
final class ProbeTarget {
    let target: HealthTarget
    let address: SocketAddress
    /// From the start of a probe to its verdict, in nanoseconds.
    let timeout: Int64
    /// Whether a listener of this process serves it.
    var isOwn = false
    /// The host that it is asked as.
    let authority: String
    /// Of a check over HTTP/1.1.
    let request: ByteBuffer?
    /// Timers `2 * slot` (the next probe) and `2 * slot + 1` (the end of the current one) of the wheel are its own.
    let slot: Int

    var machine: HealthStateMachine
    /// Monotonic nanoseconds, like all times here.
    var stateSince: UInt64
    var startedAt: UInt64 = 0
    var lastOutcome: ProbeOutcome?
    var lastDuration: UInt64?
    /// Of successful probes; a new one counts for a third.
    var responseTime: Double?
    /// What the last successful probe told.
    var load: LoadMetrics?
    /// When that was.
    var measuredAt: UInt64 = 0
    var checks: UInt64 = 0
    var failures: UInt64 = 0
    var inconclusive: UInt64 = 0
    var probe: Probe?
    /// When it got in line.
    var dueAt: UInt64 = 0
    /// Due, but the most probes that may run do.
    var isWaiting = false
    /// Its first probe has ended, or its state was taken over.
    var isPastFirst = false

    var monitor: Monitor { target.monitor }

    init(_ target: HealthTarget, slot: Int, now: UInt64, heir: ProbeTarget?) throws {
        self.target = target
        self.slot = slot
        address = try Self.socketAddress(target.endpoint.address, port: target.monitor.port ?? target.endpoint.port)
        timeout = max(target.monitor.timeout.nanoseconds, 1_000_000)
        authority =
            target.monitor.check.host
            ?? Endpoint(
                address: target.endpoint.address, port: target.monitor.port ?? target.endpoint.port
            ).description
        request = Self.request(target, authority)
        machine = HealthStateMachine(
            rise: target.monitor.rise, fall: target.monitor.fall, continuing: heir?.machine.state ?? .unknown)
        stateSince = heir?.stateSince ?? now
        lastOutcome = heir?.lastOutcome
        lastDuration = heir?.lastDuration
        checks = heir?.checks ?? 0
        failures = heir?.failures ?? 0
        inconclusive = heir?.inconclusive ?? 0
    }

    /// Takes note of what a successful probe found.
    func measure(load: LoadMetrics?, duration: UInt64, now: UInt64) {
        let seconds = Double(duration) / 1e9
        responseTime = responseTime.map { $0 + (seconds - $0) / 3 } ?? seconds
        self.load = load
        measuredAt = now
    }

    var lastReason: String? {
        switch lastOutcome {
        case nil: nil
        case .success:
            switch monitor.check {
            case .tcp: "connected"
            case .http: "responded as expected"
            case .grpc: "the service is SERVING"
            }
        case .failure(let failure): failure.text(monitor)
        case .inconclusive(let reason): reason
        }
    }

    static func socketAddress(_ address: IPAddress, port: UInt16) throws -> SocketAddress {
        try SocketAddress(packedIPAddress: ByteBuffer(bytes: address.bytes), port: Int(port))
    }

    private static func request(_ target: HealthTarget, _ host: String) -> ByteBuffer? {
        guard case .http(let check) = target.monitor.check, !check.http2 else { return nil }
        return ByteBuffer(
            string: "\(check.method) \(check.path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: meridian-health\r\n"
                + "Accept: */*\r\nConnection: close\r\n\r\n")
    }
}

extension Monitor.Check {
    /// As configured.
    var host: String? {
        switch self {
        case .tcp: nil
        case .http(let check): check.host
        case .grpc(let check): check.host
        }
    }

    /// How the target is probed over TLS; `nil`: it is not.
    var tls: TLSContexts.Kind? {
        switch self {
        case .tcp: nil
        case .http(let check) where check.tls:
            .init(
                isVerifying: check.verifyCertificate, authorityPath: authorityPath, isHTTP2: check.http2)
        case .grpc(let check) where check.tls:
            .init(isVerifying: check.verifyCertificate, authorityPath: authorityPath, isHTTP2: true)
        case .http, .grpc: nil
        }
    }
}
