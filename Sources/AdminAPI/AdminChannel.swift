import ControlPlane
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import Synchronization
import TLSWire
import TrafficModel

/// The TLS of the API's address, as the configuration in force has it.
final class AdminTLS: Sendable {
    private struct State {
        /// `nil`: clear text.
        var context: NIOSSLContext?
        var authorities: [NIOSSLCertificate]
        var trust = 0
        /// Whether `context` believes these authorities still.
        var isTrusted = true
    }

    /// Of connections whose certificates count for nothing.
    private static let distrust = -1

    private let state: Mutex<State>

    init(_ listener: AdminListener, _ certificate: Certificate?) throws {
        state = Mutex(
            State(
                context: try Self.context(listener, certificate), authorities: try Self.authorities(listener)))
    }

    /// For a new connection: `nil` for clear text, and the number of the authorities that it believes.
    var current: (context: NIOSSLContext?, trust: Int) {
        state.withLock { ($0.context, $0.isTrusted ? $0.trust : Self.distrust) }
    }

    /// Rises when other authorities are believed than before: what old ones vouched for counts no more.
    var trust: Int { state.withLock { $0.trust } }

    /// For connections from now on. When files cannot be used the node's certificate stays what it was; authorities that
    /// are not wanted any more are not believed in any case.
    ///
    /// - Returns: whether the authorities are others than before, and why files cannot be used.
    func replace(_ listener: AdminListener, _ certificate: Certificate?) -> (isOther: Bool, failure: (any Error)?) {
        let authorities = Result { try Self.authorities(listener) }
        do {
            let (context, wanted) = (try Self.context(listener, certificate), try authorities.get())
            return state.withLock { state in
                let isOther = !state.isTrusted || Set(wanted) != Set(state.authorities)
                state = State(context: context, authorities: wanted, trust: state.trust + (isOther ? 1 : 0))
                return (isOther, nil)
            }
        } catch {
            return state.withLock { state in
                // Authorities that cannot be read are others: what they were is not known to be wanted any more.
                guard state.isTrusted, (try? authorities.get()).map({ Set($0) }) != Set(state.authorities) else {
                    return (false, error)
                }
                state.isTrusted = false
                state.trust += 1
                return (true, error)
            }
        }
    }

    private static func authorities(_ listener: AdminListener) throws -> [NIOSSLCertificate] {
        try listener.tls?.clientAuthorityPath.map { try NIOSSLCertificate.fromPEMFile($0) } ?? []
    }

    private static func context(_ listener: AdminListener, _ certificate: Certificate?) throws -> NIOSSLContext? {
        guard let settings = listener.tls, let certificate else { return nil }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.chainPath).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.keyPath, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuites = CipherSuites.served
        configuration.applicationProtocols = ["http/1.1"]
        if let path = settings.clientAuthorityPath {
            configuration.trustRoots = .file(path)
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

/// The connections of one address that are open.
final class OpenConnections: Sendable {
    /// Streams of events included.
    static let limit = 1280

    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])
    private let limit: Int

    init(limit: Int = OpenConnections.limit) { self.limit = limit }

    var count: Int { channels.withLock { $0.count } }

    /// Takes in a connection until it closes; `false`: there are too many.
    func enter(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let isIn = channels.withLock { channels in
            guard channels.count < limit else { return false }
            channels[id] = channel
            return true
        }
        if isIn { channel.closeFuture.whenComplete { _ in self.leave(id) } }
        return isIn
    }

    private func leave(_ id: ObjectIdentifier) { channels.withLock { $0[id] = nil } }

    /// Has each that is open now closed, after the response that it waits for.
    func retire() {
        for channel in channels.withLock({ Array($0.values) }) {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
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
        guard open.enter(channel) else {
            counters.count(.refusedConnections)
            // Nobody else closes what is not taken.
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(TooMany())
        }
        counters.count(.connections)
        return channel.eventLoop.makeCompletedFuture {
            guard let (context, trust) = tls?.current, let context else { return }
            try channel.pipeline.syncOperations.addHandlers(NIOSSLServerHandler(context: context), TrustMark(trust))
        }.flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
