import ControlPlane
import Glibc
import Hummingbird
import NIOCore
import NIOSSL
import TLSWire

/// One request of an operator, with the connection that it came by.
struct AdminContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// `nil`: nobody in particular, who may do next to nothing.
    var identity: AdminIdentity?
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// The peer's address; empty on a Unix socket.
    var source: String { channel.remoteAddress?.ipAddress ?? "" }

    /// The subject of the certificate that the peer showed, and the number of the authorities that vouched for it.
    func certificate() async -> (subject: String, trust: Int)? {
        let channel = channel
        // Without TLS there is no such handler, and a connection that is gone shows nothing: nobody in particular asks.
        let found = try? await channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let shown = try pipeline.handler(type: NIOSSLServerHandler.self).peerCertificate?.toDERBytes()
            return (shown, try pipeline.handler(type: TrustMark.self).trust)
        }.get()
        guard let (shown, trust) = found, let shown, let text = CertificateSubject.text(of: shown) else { return nil }
        return (String(decoding: text, as: UTF8.self), trust)
    }

    /// Whether the client still waits for its answer.
    func presence() async -> Presence {
        let channel = channel
        let found = try? await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: PresenceHandler.self).presence
        }.get()
        if let found { return found }
        // A connection that is gone has no handlers any more.
        let gone = Presence()
        gone.end()
        return gone
    }

    /// Who asks, for the audit trail.
    func author() async -> Author {
        guard let identity, identity.proof != .socket else { return await peer() }
        return Author(name: identity.name, origin: "\(identity.proof.rawValue) from \(identity.source)")
    }

    /// Who is at the other end of the Unix socket, as the kernel says (SO_PEERCRED).
    private func peer() async -> Author {
        let origin = "admin socket"
        guard let provider = channel as? any SocketOptionProvider else { return Author(name: "", origin: origin) }
        // `ucred` of <sys/socket.h>, which Glibc's module does not show.
        struct Credentials {
            var process: pid_t = 0
            var user: uid_t = 0
            var group: gid_t = 0
        }
        do {
            let peer: Credentials = try await provider.unsafeGetSocketOption(
                level: .socket, name: .init(rawValue: SO_PEERCRED)
            ).get()
            return Author(name: Self.name(of: peer.user), origin: origin)
        } catch {
            // The connection is gone already; its request is not.
            return Author(name: "", origin: origin)
        }
    }

    /// The user's name, or its number where the machine has none.
    private static func name(of user: uid_t) -> String {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        // Large enough for any line of a passwd file; a longer one counts as none.
        var strings = [CChar](repeating: 0, count: 4096)
        let result = unsafe getpwuid_r(user, &entry, &strings, strings.count, &found)
        guard result == 0, unsafe found != nil, let name = unsafe entry.pw_name else { return "user \(user)" }
        return unsafe String(cString: name)
    }
}
