import Addresses
import NIOSSL
import TrafficModel

/// TLS settings of HTTPS probes: made once, because loading the system's authorities takes milliseconds.
struct TLSContexts: Sendable {
    private var verifying: Result<NIOSSLContext, any Error>?
    private var trusting: Result<NIOSSLContext, any Error>?

    /// Makes those that the targets need and that are not there yet. Reads files: not on an event loop.
    mutating func prepare(for targets: Set<HealthTarget>) {
        for target in targets {
            guard case .http(let check) = target.monitor.check, check.tls else { continue }
            if check.verifyCertificate {
                verifying = verifying ?? Result { try Self.context(.fullVerification) }
            } else {
                trusting = trusting ?? Result { try Self.context(.none) }
            }
        }
    }

    /// `nil` for a check without TLS.
    func handler(for monitor: Monitor) throws -> NIOSSLClientHandler? {
        guard case .http(let check) = monitor.check, check.tls,
            let context = check.verifyCertificate ? verifying : trusting
        else { return nil }
        // Server names are host names only (RFC 6066 section 3); an address is verified as what was connected to.
        let name = check.host.flatMap { host in
            let bare = host.split(separator: ":", maxSplits: 1).first.map(String.init) ?? host
            return host.hasPrefix("[") || IPAddress(bare) != nil ? nil : bare
        }
        return try NIOSSLClientHandler(context: context.get(), serverHostname: name)
    }

    private static func context(_ verification: CertificateVerification) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = verification
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}
