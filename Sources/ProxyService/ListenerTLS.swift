import Addresses
import Glibc
import NIOCore
import NIOSSL
import PeerIdentity
import TLSWire
package import TrafficModel

/// The certificates of one listener, ready to be used. Immutable: a reload makes a new one.
final class ListenerTLS: Sendable {
    struct Entry: Sendable {
        let context: NIOSSLContext
        /// Lower case; `*.` in front for wildcards.
        let names: [String]
        /// Its key's kind.
        let key: CertificateKeys
    }

    let entries: [Entry]
    /// Positions of the entries for each name.
    private let byName: [String: [Int]]
    /// Whether clients show certificates.
    let asksForCertificate: Bool

    /// - Parameter protocols: offered by ALPN, the best first; none: ALPN is not spoken.
    /// - Throws: what NIOSSL says of files that cannot be read or used.
    init(_ settings: Listener.TLS, certificates: [Certificate], protocols: [String]) throws {
        entries = try settings.certificates.map { index in
            let chain = try NIOSSLCertificate.fromPEMFile(certificates[index].chainPath)
            let key = try NIOSSLPrivateKey(file: certificates[index].keyPath, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = settings.minimumVersion == .v13 ? .tlsv13 : .tlsv12
            configuration.cipherSuites = CipherSuites.served
            configuration.curves = Self.groups
            configuration.restrictSignatures()
            configuration.applicationProtocols = protocols
            if let clients = settings.clients {
                configuration.trustRoots = .file(clients.authorityPath)
                configuration.certificateVerification =
                    clients.isRequired ? .noHostnameVerification : .optionalVerification
                configuration.sendCANameList = true
            }
            return Entry(
                context: try NIOSSLContext(configuration: configuration),
                names: chain.first?.hostNames.map { $0.lowercased() } ?? [],
                key: try chain.first.map { CertificateKeys(of: try $0.extractPublicKey().toSPKIBytes()) } ?? [])
        }
        asksForCertificate = settings.clients != nil
        var byName: [String: [Int]] = [:]
        for (position, entry) in entries.enumerated() {
            for name in entry.names { byName[name, default: []].append(position) }
        }
        self.byName = byName
    }

    /// What keys are agreed on with: the groups that the TLS library has by itself, and P-521, for clients that have no
    /// other. The client's order counts.
    private static let groups: [NIOTLSCurve] = [.x25519_MLKEM768, .x25519, .secp256r1, .secp384r1, .secp521r1]

    /// The entry for a server name in lower case: of those with the exact name, else with the wildcard, else with the
    /// first's names, the one whose key the client likes best.
    func entry(for name: String?, accepting keys: CertificateKeys) -> Int {
        preferred(name.flatMap { candidates(for: $0) } ?? defaults, keys)
    }

    /// Whether a request for a host may come over a connection for which an entry was chosen: its certificate speaks for
    /// the host, or no certificate does and it is the default (RFC 9110 section 7.4).
    func serves(_ host: String, over entry: Int) -> Bool { (candidates(for: host) ?? defaults).contains(entry) }

    private func candidates(for host: String) -> [Int]? {
        // A dot behind a host names no other one (RFC 3986 section 3.2.2); certificates have none.
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        if let exact = byName[name] { return exact }
        // RFC 9525 section 6.3: a wildcard stands for one whole label.
        guard let dot = name.firstIndex(of: "."), dot > name.startIndex else { return nil }
        return byName["*" + name[dot...]]
    }

    /// The first, and those for the same name with another kind of key.
    private var defaults: [Int] { entries[0].names.first.flatMap { byName[$0] } ?? [0] }

    /// The first elliptic key that the client takes, because signing with it costs less; else the first that it takes.
    /// Where it takes none, the TLS library says so.
    private func preferred(_ candidates: [Int], _ keys: CertificateKeys) -> Int {
        let taken = candidates.filter { !entries[$0].key.isDisjoint(with: keys) }
        return taken.first { entries[$0].key != .rsa } ?? taken.first ?? candidates[0]
    }
}

/// How to speak TLS with the members of one upstream.
struct UpstreamTLS: Sendable {
    private let context: NIOSSLContext
    private let serverName: String?
    private let isVerifying: Bool

    init(_ settings: Upstream.TLS, certificates: [Certificate], http2: Bool) throws {
        var configuration = TLSConfiguration.towardsMembers
        if !settings.verify {
            configuration.certificateVerification = .none
        } else if settings.serverName.map({ IPAddress($0) != nil }) ?? true {
            // The library would compare an address with the member's own; whose it must be is looked at besides.
            configuration.certificateVerification = .noHostnameVerification
        }
        if let path = settings.authorityPath { configuration.trustRoots = .file(path) }
        if let own = settings.certificate {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificates[own].chainPath).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: certificates[own].keyPath, format: .pem))
        }
        configuration.applicationProtocols = [http2 ? "h2" : "http/1.1"]
        configuration.shutdownTimeout = .seconds(1)
        context = try NIOSSLContext(configuration: configuration)
        serverName = settings.serverName
        isVerifying = settings.verify
    }

    /// TLS of one connection.
    func handler() throws -> NIOSSLClientHandler {
        guard isVerifying else {
            let name = serverName.flatMap { IPAddress($0) == nil ? $0 : nil }
            return try NIOSSLClientHandler(context: context, serverHostname: name)
        }
        return try .verifying(serverName: serverName, context: context)
    }
}

/// When a certificate ends.
package struct CertificateStatus: Sendable, Hashable {
    package let name: String
    /// Seconds since 1970.
    package let end: Int

    /// - Throws: what NIOSSL says of a file that cannot be read.
    package init(_ certificate: Certificate) throws {
        name = certificate.name
        // A chain is as good as its shortest link.
        end = try NIOSSLCertificate.fromPEMFile(certificate.chainPath).map { Int($0.notValidAfter) }.min() ?? 0
    }

    /// Whole days left; negative when it has ended.
    package var daysLeft: Int {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Int((Double(end - now.tv_sec) / 86_400).rounded(.down))
    }

    /// A certificate with fewer days left is warned about at each reload.
    static let warningDays = 14
}
