import Glibc
import NIOCore
import NIOSSL
import TLSWire
import TrafficModel

/// The certificates of one listener, ready to be used. Immutable: a reload makes a new one.
final class ListenerTLS: Sendable {
    struct Entry: Sendable {
        let context: NIOSSLContext
        /// Lower case; `*.` in front for wildcards.
        let names: [String]
        let isECDSA: Bool
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
            configuration.applicationProtocols = protocols
            if let clients = settings.clients {
                configuration.trustRoots = .file(clients.authorityPath)
                configuration.certificateVerification =
                    clients.isRequired ? .noHostnameVerification : .optionalVerification
                configuration.sendCANameList = true
            }
            return Entry(
                context: try NIOSSLContext(configuration: configuration), names: Self.names(of: chain),
                isECDSA: try Self.isECDSA(chain))
        }
        asksForCertificate = settings.clients != nil
        var byName: [String: [Int]] = [:]
        for (position, entry) in entries.enumerated() {
            for name in entry.names { byName[name, default: []].append(position) }
        }
        self.byName = byName
    }

    /// The entry for a server name in lower case: of those with the exact name, else with the wildcard, else with the
    /// first's names, the one whose key the client likes best.
    func entry(for name: String?, acceptsECDSA: Bool) -> Int {
        preferred(name.flatMap { candidates(for: $0) } ?? defaults, acceptsECDSA)
    }

    func defaultEntry(acceptsECDSA: Bool) -> Int { preferred(defaults, acceptsECDSA) }

    /// Whether a request for a host may come over a connection for which an entry was chosen: its certificate speaks for
    /// the host, or no certificate does and it is the default (RFC 9110 section 7.4).
    func serves(_ host: String, over entry: Int) -> Bool { (candidates(for: host) ?? defaults).contains(entry) }

    private func candidates(for name: String) -> [Int]? {
        if let exact = byName[name] { return exact }
        // RFC 9525 section 6.3: a wildcard stands for one whole label.
        return name.firstIndex(of: ".").flatMap { byName["*" + name[$0...]] }
    }

    /// The first, and those for the same name with another kind of key.
    private var defaults: [Int] { entries[0].names.first.flatMap { byName[$0] } ?? [0] }

    /// An elliptic key where the client understands it, because signing with it costs a tenth.
    private func preferred(_ candidates: [Int], _ acceptsECDSA: Bool) -> Int {
        candidates.first { entries[$0].isECDSA == acceptsECDSA } ?? candidates[0]
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

    /// By the algorithm's number at the beginning of the key (RFC 5480 section 2.1.1).
    private static func isECDSA(_ chain: [NIOSSLCertificate]) throws -> Bool {
        guard let key = try chain.first?.extractPublicKey().toSPKIBytes() else { return false }
        let number: [UInt8] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]
        return key.prefix(24).indices.contains { key[$0...].starts(with: number) }
    }
}

/// How to speak TLS with the members of one upstream.
struct UpstreamTLS: Sendable {
    let context: NIOSSLContext
    let serverName: String?

    init(_ settings: Upstream.TLS, certificates: [Certificate], http2: Bool) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if !settings.verify {
            configuration.certificateVerification = .none
        } else if settings.serverName == nil {
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
    }
}

/// When a certificate ends.
package struct CertificateStatus: Sendable, Hashable {
    package let name: String
    /// Seconds since 1970.
    package let end: Int

    init(_ certificate: Certificate) throws {
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
