import Addresses
import NIOSSL
import PeerIdentity
import TrafficModel

/// TLS settings of HTTPS probes: made once, because loading the system's authorities takes milliseconds.
struct TLSContexts: Sendable {
    struct Kind: Hashable, Sendable {
        let isVerifying: Bool
        /// A PEM file with the authorities to trust; the system's when `nil`.
        let authorityPath: String?
        let isHTTP2: Bool
    }

    private var contexts: [Kind: Result<NIOSSLContext, any Error>] = [:]

    /// Makes those that the targets need and that are not there yet, and anew those with authorities of their own, whose
    /// file may say something else by now. Reads files: not on an event loop.
    mutating func prepare(for targets: Set<HealthTarget>) {
        let wanted = Set(targets.compactMap(\.monitor.check.tls))
        contexts = contexts.filter { kind, _ in wanted.contains(kind) && kind.authorityPath == nil }
        for kind in wanted where contexts[kind] == nil {
            contexts[kind] = Result { try Self.context(kind) }
        }
    }

    /// `nil` for a check without TLS.
    func handler(for monitor: Monitor) throws -> NIOSSLClientHandler? {
        guard let kind = monitor.check.tls, let context = contexts[kind] else { return nil }
        // Server names are host names only (RFC 6066 section 3); an address is verified as what was connected to.
        let name = monitor.check.host.flatMap { host in
            let bare = host.split(separator: ":", maxSplits: 1).first.map(String.init) ?? host
            return host.hasPrefix("[") || IPAddress(bare) != nil ? nil : bare
        }
        guard kind.isVerifying else { return try NIOSSLClientHandler(context: context.get(), serverHostname: name) }
        return try .verifying(serverName: name, context: context.get())
    }

    private static func context(_ kind: Kind) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.towardsMembers
        configuration.certificateVerification = kind.isVerifying ? .fullVerification : .none
        if let path = kind.authorityPath { configuration.trustRoots = .file(path) }
        configuration.applicationProtocols = [kind.isHTTP2 ? "h2" : "http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}
