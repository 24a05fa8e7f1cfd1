package import NIOSSL
import TLSWire

extension TLSConfiguration {
    /// For connections to members, of requests and of probes alike: what the ones cannot speak the others must not.
    package static var towardsMembers: TLSConfiguration {
        var configuration = makeClientConfiguration()
        // What is older is not to be spoken (RFC 8996).
        configuration.minimumTLSVersion = .tlsv12
        configuration.restrictSignatures()
        return configuration
    }

    /// Leaves out what may not sign any more, on either side.
    package mutating func restrictSignatures() {
        signingSignatureAlgorithms = SignatureSchemes.signed.map { SignatureAlgorithm(rawValue: $0) }
        verifySignatureAlgorithms = SignatureSchemes.verified.map { SignatureAlgorithm(rawValue: $0) }
    }
}
