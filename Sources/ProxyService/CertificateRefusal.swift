import Balancing
import Glibc
import NIOCore
import NIOSSL

/// A member's certificate was not taken, and why.
struct CertificateRefusal: Error {
    let reason: PassiveFailure

    /// - Parameters:
    ///   - error: what TLS with the member came to.
    ///   - context: of a handler behind TLS.
    /// - Returns: `nil` when it was something else.
    init?(_ error: any Error, _ context: ChannelHandlerContext) {
        if (error as? NIOSSLExtraError) == .failedToValidateHostname {
            reason = .certificateName
            return
        }
        guard error is NIOSSLError || error is BoringSSLError, "\(error)".contains("CERTIFICATE_VERIFY_FAILED") else {
            return nil
        }
        // The library keeps why to itself; the dates are the reason that it can be told by. Where the connection is gone
        // already there are none to look at, and it is untrusted.
        let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        if let certificate = handler?.peerCertificate {
            if Int(certificate.notValidAfter) < now.tv_sec {
                reason = .certificateEnded
                return
            }
            if Int(certificate.notValidBefore) > now.tv_sec {
                reason = .certificateEarly
                return
            }
        }
        reason = .certificateUntrusted
    }
}
