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
    /// `nil`: clear text.
    private let context: Mutex<NIOSSLContext?>

    init(_ listener: AdminListener, _ certificate: Certificate?) throws {
        context = Mutex(try Self.context(listener, certificate))
    }

    var current: NIOSSLContext? { context.withLock { $0 } }

    /// For connections from now on. Throws, and leaves what was, when files cannot be used.
    func replace(_ listener: AdminListener, _ certificate: Certificate?) throws {
        let new = try Self.context(listener, certificate)
        context.withLock { $0 = new }
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

/// Connections of one address of the API: so many at once, with TLS where it is configured.
struct AdminChannel: ServerChildChannel {
    /// Streams of events included.
    static let connectionLimit = 1280

    let base: HTTP1Channel
    /// `nil`: a Unix socket.
    let tls: AdminTLS?
    let counters: AdminCounters
    let open: OpenCount

    final class OpenCount: Sendable {
        private let count = Atomic<Int>(0)

        func enter() -> Bool {
            guard count.wrappingAdd(1, ordering: .relaxed).oldValue < AdminChannel.connectionLimit else {
                leave()
                return false
            }
            return true
        }

        func leave() { count.wrappingSubtract(1, ordering: .relaxed) }
    }

    private struct TooMany: Error {}

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        guard open.enter() else {
            counters.count(.refusedConnections)
            // Nobody else closes what is not taken.
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(TooMany())
        }
        counters.count(.connections)
        channel.closeFuture.whenComplete { [open] _ in open.leave() }
        return channel.eventLoop.makeCompletedFuture {
            guard let context = tls?.current else { return }
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
        }.flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
