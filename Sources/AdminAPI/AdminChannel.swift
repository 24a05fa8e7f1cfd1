import ControlPlane
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import PeerIdentity
import Synchronization
import TLSWire
import TrafficModel

/// The TLS of the API's address, as the configuration in force has it.
///
/// It is made before a configuration is in force: one whose files cannot be used changes nothing.
final class AdminTLS: AccessFollower {
    private struct State {
        /// `nil`: clear text.
        var context: NIOSSLContext?
        var authorities: Set<NIOSSLCertificate> = []
        var trust = 0
    }

    private let state = Mutex(State())
    private let open: OpenConnections

    /// Let it join the node before it serves a connection.
    ///
    /// - Parameter open: those who were let in by authorities that count no more show a certificate again.
    init(_ open: OpenConnections) { self.open = open }

    /// For a new connection: `nil` for clear text, and the number of the authorities that it believes.
    var current: (context: NIOSSLContext?, trust: Int) { state.withLock { ($0.context, $0.trust) } }

    /// Rises when other authorities are believed than before: what old ones vouched for counts no more.
    var trust: Int { state.withLock { $0.trust } }

    func prepare(_ listener: AdminListener?, _ certificate: Certificate?) throws -> @Sendable () -> Void {
        let authorities = try listener?.tls?.clientAuthorityPath.map(CertificateFiles.authorities) ?? []
        let context = try Self.context(listener, certificate, authorities)
        return { [self] in
            let isOther = state.withLock { state in
                let isOther = Set(authorities) != state.authorities
                state = State(
                    context: context, authorities: Set(authorities), trust: state.trust + (isOther ? 1 : 0))
                return isOther
            }
            if isOther { open.retire() }
        }
    }

    private static func context(
        _ listener: AdminListener?, _ certificate: Certificate?, _ authorities: [NIOSSLCertificate]
    ) throws -> NIOSSLContext? {
        guard let settings = listener?.tls, let certificate else { return nil }
        var configuration = try CertificateFiles.server(certificate)
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuites = CipherSuites.served
        configuration.restrictSignatures()
        configuration.applicationProtocols = ["http/1.1"]
        if settings.clientAuthorityPath != nil {
            configuration.trustRoots = .certificates(authorities)
            // Who has a token needs no certificate.
            configuration.certificateVerification = .optionalVerification
            configuration.sendCANameList = true
        }
        return try NIOSSLContext(configuration: configuration)
    }
}

/// Which authorities vouch for the certificate of a connection's client.
final class TrustMark: ChannelInboundHandler, Sendable {
    typealias InboundIn = NIOAny

    let trust: Int

    init(_ trust: Int) { self.trust = trust }
}

/// Closes a connection whose place is needed at once. It stands before TLS, which would wait for its peer's word.
private final class Door: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = NIOAny

    struct Shut: Sendable {}

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is Shut else { return context.triggerUserOutboundEvent(event, promise: promise) }
        context.close(promise: promise)
    }
}

/// Connections of one address of the API: so many at once, with TLS where it is configured.
struct AdminChannel: ServerChildChannel {
    let base: HTTP1Channel
    /// `nil`: a Unix socket.
    let tls: AdminTLS?
    let counters: AdminCounters
    let open: OpenConnections

    private struct TooMany: Error {}

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        let (isIn, displaced) = open.enter(channel)
        if !isIn || displaced != nil { counters.count(.refusedConnections) }
        displaced?.triggerUserOutboundEvent(Door.Shut(), promise: nil)
        guard isIn else {
            // Nobody else closes what is not taken.
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(TooMany())
        }
        counters.count(.connections)
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Door())
            guard let (context, trust) = tls?.current, let context else { return }
            try channel.pipeline.syncOperations.addHandlers(NIOSSLServerHandler(context: context), TrustMark(trust))
        }.flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
