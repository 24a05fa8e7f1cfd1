import NIOCore
import NIOSSL
import TrafficModel

/// The certificates of one listener, ready to be used. Immutable: a reload makes a new one.
final class ListenerTLS: Sendable {
    struct Entry: Sendable {
        let context: NIOSSLContext
        /// Lower case; `*.` in front for wildcards.
        let names: [String]
    }

    let entries: [Entry]

    /// - Throws: what NIOSSL says of files that cannot be read or used.
    init(_ settings: Listener.TLS, certificates: [Certificate]) throws {
        entries = try settings.certificates.map { index in
            let chain = try NIOSSLCertificate.fromPEMFile(certificates[index].chainPath)
            let key = try NIOSSLPrivateKey(file: certificates[index].keyPath, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = settings.minimumVersion == .v13 ? .tlsv13 : .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            return Entry(context: try NIOSSLContext(configuration: configuration), names: Self.names(of: chain))
        }
    }

    /// The entry for a server name: an exact name before a wildcard, else the first.
    func entry(for name: String?) -> Int {
        guard let name = name?.lowercased() else { return 0 }
        if let exact = entries.firstIndex(where: { $0.names.contains(name) }) { return exact }
        guard let dot = name.firstIndex(of: ".") else { return 0 }
        // RFC 9525 section 6.3: a wildcard stands for one whole label.
        let wildcard = "*" + name[dot...]
        return entries.firstIndex { $0.names.contains(wildcard) } ?? 0
    }

    /// The DNS names that the leaf certificate is for (RFC 5280 section 4.2.1.6).
    private static func names(of chain: [NIOSSLCertificate]) -> [String] {
        guard let leaf = chain.first else { return [] }
        var names: [String] = []
        for name in leaf._subjectAlternativeNames() where name.nameType == .dnsName {
            names.append(String(decoding: Array(name.contents), as: UTF8.self).lowercased())
        }
        return names
    }
}

/// How to speak TLS with the members of one upstream.
struct UpstreamTLS: Sendable {
    let context: NIOSSLContext
    let serverName: String?

    init(_ settings: Upstream.TLS) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if !settings.verify {
            configuration.certificateVerification = .none
        } else if settings.serverName == nil {
            configuration.certificateVerification = .noHostnameVerification
        }
        if let path = settings.authorityPath { configuration.trustRoots = .file(path) }
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = .seconds(1)
        context = try NIOSSLContext(configuration: configuration)
        serverName = settings.serverName
    }
}
