import Addresses
import ControlPlane
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Synchronization
import TrafficModel

/// Connections to `metrics.listen`: of those who may not ask, nothing is read, and they hold no place.
struct MetricsChannel: ServerChildChannel {
    let base: HTTP1Channel
    let node: Node
    let refusals: RefusedPeers

    private struct NotAllowed: Error {}

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        let peer = MetricsContext.peer(of: channel)
        guard let peer, node.metricsSettings.allows(peer) else {
            refusals.refuse(peer)
            // Nobody else closes what is not taken.
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(NotAllowed())
        }
        return base.setup(channel: channel, logger: logger)
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

/// Counts peers that may not ask for metrics, and names one of them now and then: they hear nothing themselves.
final class RefusedPeers: Sendable {
    /// Between two lines of the log.
    private static let interval = Duration.seconds(60)

    private let endpoint: MetricsEndpoint
    private let logger: Logger
    private let lastLine = Mutex<ContinuousClock.Instant?>(nil)

    init(endpoint: MetricsEndpoint, logger: Logger) {
        self.endpoint = endpoint
        self.logger = logger
    }

    /// - Parameter peer: `nil`: it is gone already.
    func refuse(_ peer: IPAddress?) {
        endpoint.countRefused()
        guard let peer else { return }
        let now = ContinuousClock.now
        let isDue = lastLine.withLock { last in
            if let last, now - last < Self.interval { return false }
            last = now
            return true
        }
        guard isDue else { return }
        logger.notice(
            "a scrape was refused: name the network in metrics.clients if it may ask", metadata: ["peer": "\(peer)"])
    }
}
