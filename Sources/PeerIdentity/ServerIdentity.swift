import Addresses
import NIOCore
package import NIOSSL

extension NIOSSLCertificate {
    /// The addresses that this is for: its iPAddresses, of four or sixteen bytes.
    fileprivate var addresses: [[UInt8]] {
        _subjectAlternativeNames().filter { $0.nameType == .ipAddress }.map { Array($0.contents) }
    }

    /// The host names that this is for: its dNSNames, as they are written there.
    package var hostNames: [String] {
        _subjectAlternativeNames().filter { $0.nameType == .dnsName }.map {
            String(decoding: Array($0.contents), as: UTF8.self)
        }
    }
}

extension NIOSSLClientHandler {
    /// One that, beyond what its context verifies, takes only a certificate that has the server's name as one of its host
    /// names (RFC 9525 section 6.3). The library alone would also take one for the address that was connected to, which
    /// whoever answers DNS chooses, and one without names whose subject has the name as its common name. Nothing that was
    /// written leaves before; what the pipeline sees otherwise is `NIOSSLExtraError.failedToValidateHostname`.
    ///
    /// - Parameters:
    ///   - serverName: a host name, or an address: that is not sent (RFC 6066 section 3), and the certificate must have it
    ///     as one of its addresses; `nil`: what the context verifies is enough.
    ///   - context: must verify; for an address all but the name.
    package static func verifying(serverName: String?, context: NIOSSLContext) throws -> NIOSSLClientHandler {
        guard let serverName else { return try NIOSSLClientHandler(context: context, serverHostname: nil) }
        let address = IPAddress(serverName)?.bytes
        let sent = address == nil ? serverName : nil
        return try _makeSSLClientHandler(context: context, serverHostname: sent) { certificate, channel in
            channel.eventLoop.makeCompletedFuture {
                let isRight =
                    address.map { certificate.addresses.contains($0) }
                    ?? certificate.hostNames.contains { CertificateName($0).covers(serverName) }
                guard isRight else {
                    throw NIOSSLExtraError.failedToValidateHostname
                }
            }
        }
    }
}
