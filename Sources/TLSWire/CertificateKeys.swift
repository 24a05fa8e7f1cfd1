/// Kinds of keys that servers' certificates have.
package struct CertificateKeys: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let rsa = CertificateKeys(rawValue: 1)
    package static let p256 = CertificateKeys(rawValue: 2)
    package static let p384 = CertificateKeys(rawValue: 4)
    package static let p521 = CertificateKeys(rawValue: 8)
    package static let ed25519 = CertificateKeys(rawValue: 16)

    package static let all: CertificateKeys = [rsa, p256, p384, p521, ed25519]

    /// The kind of one key, by its algorithm (RFC 5280 section 4.1.2.7); empty when it is none of these.
    ///
    /// - Parameter publicKey: SubjectPublicKeyInfo in DER.
    package init(of publicKey: [UInt8]) {
        self = []
        for (algorithm, kind) in Self.algorithms {
            // Behind the outer sequence's tag and its length, of one to three bytes.
            for start in 2...4 where publicKey.dropFirst(start).starts(with: algorithm) { insert(kind) }
        }
    }

    /// RFC 8017 appendix A.1, RFC 5480 section 2.1.1, RFC 8410 section 3.
    private static let algorithms: [([UInt8], CertificateKeys)] = [
        ([0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], .rsa),
        ([0x30, 0x13] + elliptic + [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], .p256),
        ([0x30, 0x10] + elliptic + [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22], .p384),
        ([0x30, 0x10] + elliptic + [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], .p521),
        ([0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70], .ed25519),
    ]

    private static let elliptic: [UInt8] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]

    /// Those that a client takes, by the numbers in its hello.
    ///
    /// - Parameters:
    ///   - schemes: of its signature_algorithms (RFC 8446 section 4.2.3).
    ///   - groups: of its supported_groups.
    ///   - suites: its cipher suites, if it speaks TLS 1.2 only. There they say the kind of key, and its groups the
    ///     curve; in TLS 1.3 the schemes say all.
    init(schemes: [Int], groups: [Int], suites: [Int]?) {
        self = []
        guard let suites else {
            if schemes.contains(where: Self.isPSS) { insert(.rsa) }
            if schemes.contains(0x0403) { insert(.p256) }
            if schemes.contains(0x0503) { insert(.p384) }
            if schemes.contains(0x0603) { insert(.p521) }
            if schemes.contains(0x0807) { insert(.ed25519) }
            return
        }
        // RFC 5289 and RFC 7905: ECDHE and an AEAD, which is all that is served.
        if suites.contains(where: [0xc02f, 0xc030, 0xcca8].contains),
            schemes.contains(where: { Self.isPSS($0) || [0x0401, 0x0501, 0x0601].contains($0) })
        {
            insert(.rsa)
        }
        guard suites.contains(where: [0xc02b, 0xc02c, 0xcca9].contains) else { return }
        if schemes.contains(where: [0x0403, 0x0503, 0x0603].contains) {
            // RFC 8422 section 5.3.
            if groups.contains(23) { insert(.p256) }
            if groups.contains(24) { insert(.p384) }
            if groups.contains(25) { insert(.p521) }
        }
        if schemes.contains(0x0807) { insert(.ed25519) }
    }

    /// rsa_pss_rsae_sha256 and its kin.
    private static func isPSS(_ scheme: Int) -> Bool { (0x0804...0x0806).contains(scheme) }
}
