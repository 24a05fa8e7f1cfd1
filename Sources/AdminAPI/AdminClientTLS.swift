import Addresses
import Glibc
import Maintenance
import NIOCore
import NIOPosix
import NIOSSL
import PeerIdentity
import TrafficModel

/// How a client of the admin API makes sure whom it speaks to: verification is always on.
struct AdminClientTLS {
    private let context: NIOSSLContext
    /// Server names are host names only (RFC 6066 section 3); an address is verified as what was connected to.
    private let serverName: String?

    init(host: String, _ credentials: AdminCredentials) throws(AdminError) {
        serverName = IPAddress(host) == nil ? host : nil
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.restrictSignatures()
        configuration.applicationProtocols = ["http/1.1"]
        if let path = credentials.authorityPath {
            configuration.trustRoots = .certificates(try Self.certificates(path))
        }
        if let path = credentials.certificatePath {
            // A file may hold both, as many tools write them.
            let keyPath = credentials.keyPath ?? path
            configuration.certificateChain = try Self.certificates(path).map { .certificate($0) }
            do {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: keyPath, format: .pem))
            } catch {
                throw AdminError(
                    "\(keyPath): \(Self.readable(keyPath) ?? "holds no key in PEM form without a password")")
            }
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            guard let path = credentials.certificatePath else { throw AdminError("TLS: \(error)") }
            throw AdminError("\(path): this certificate and its key do not belong together")
        }
    }

    private static func certificates(_ path: String) throws(AdminError) -> [NIOSSLCertificate] {
        // The library's reason is a number; what people can do about it is told instead.
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
            throw AdminError("\(path): \(readable(path) ?? "holds no certificate in PEM form")")
        }
        return certificates
    }

    /// Why a file cannot be read; `nil` where it can.
    private static func readable(_ path: String) -> String? {
        unsafe access(path, R_OK) == 0 ? nil : AdminError.reason(errno)
    }

    func handler() throws -> NIOSSLClientHandler {
        try .verifying(serverName: serverName, context: context)
    }

    // MARK: What went wrong

    /// - Parameters:
    ///   - error: what ended the connection.
    ///   - address: the node's.
    static func explain(_ error: any Error, of address: AdminAddress) -> AdminError? {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname,
            case .network(let host, _, _) = address
        {
            return AdminError("\(address): the node's certificate is not for \(host); use a name that it has")
        }
        guard error is NIOSSLError || error is BoringSSLError else { return nil }
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return AdminError("\(address): the node's certificate is not trusted: \(distrust(address))")
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return AdminError("\(address): does not speak TLS; is it http?")
        }
        // The node's alert: it comes after our half of the handshake is over.
        if text.contains("ALERT_") {
            return AdminError(
                "\(address): the node refused the connection's certificate or version (\(alert(in: text)))")
        }
        if text.contains("EOF during handshake") {
            return AdminError("\(address): closed the connection during the TLS handshake")
        }
        return AdminError("\(address): TLS failed: \(text)")
    }

    /// The name of an alert in what the library tells: `SSLV3_ALERT_BAD_CERTIFICATE`.
    private static func alert(in text: String) -> String {
        guard
            let word = text.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" })
                .first(where: { $0.contains("ALERT_") }), let range = word.firstRange(of: "ALERT_")
        else { return "alert" }
        return word[range.upperBound...].lowercased().split(separator: "_").joined(separator: " ")
    }

    /// Why a certificate is not trusted. The library does not say; so the certificate is looked at over a connection that
    /// verifies nothing, shows nothing and sends nothing.
    private static func distrust(_ address: AdminAddress) -> String {
        let unknown = "its authority is unknown here; name it with --ca FILE"
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        // It only looks for a better word: where it fails, the first one stands.
        guard let context = try? NIOSSLContext(configuration: configuration),
            let connection = try? AdminConnection(
                address, timeout: AdminConnection.connectTimeout,
                tls: { try NIOSSLClientHandler(context: context, serverHostname: nil) }),
            let certificate = connection.peerCertificate
        else { return unknown }
        let now = time(nil)
        let day = { (time: time_t) in WallTime(milliseconds: Int64(time) * 1000).text }
        if certificate.notValidAfter < now { return "it expired \(day(certificate.notValidAfter))" }
        if certificate.notValidBefore > now { return "it is valid from \(day(certificate.notValidBefore)) on" }
        return unknown
    }
}
