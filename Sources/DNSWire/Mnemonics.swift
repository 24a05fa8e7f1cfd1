/// Words of a registry for the numbers of a field.
struct Mnemonics: Sendable {
    let example: String
    private let values: [String: UInt16]

    private init(example: String, _ values: [String: UInt16]) {
        self.example = example
        self.values = values
    }

    /// In any case.
    func value(of word: ArraySlice<UInt8>) -> UInt16? {
        values[String(decoding: word, as: UTF8.self).uppercased()]
    }

    /// DNSSEC algorithms: IANA's registry, with the words that older software writes.
    static let algorithms = Mnemonics(
        example: "ECDSAP256SHA256",
        [
            "RSAMD5": 1, "DH": 2, "DSA": 3, "RSASHA1": 5, "DSA-NSEC3-SHA1": 6, "NSEC3DSA": 6, "RSASHA1-NSEC3-SHA1": 7,
            "NSEC3RSASHA1": 7, "RSASHA256": 8, "RSASHA512": 10, "ECC-GOST": 12, "ECCGOST": 12, "ECDSAP256SHA256": 13,
            "ECDSAP384SHA384": 14, "ED25519": 15, "ED448": 16, "INDIRECT": 252, "PRIVATEDNS": 253, "PRIVATEOID": 254,
        ])

    /// RFC 4398 section 2.1.
    static let certificateTypes = Mnemonics(
        example: "PKIX",
        [
            "PKIX": 1, "SPKI": 2, "PGP": 3, "IPKIX": 4, "ISPKI": 5, "IPGP": 6, "ACPKIX": 7, "IACPKIX": 8, "URI": 253,
            "OID": 254,
        ])
}
