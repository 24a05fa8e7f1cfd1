extension RecordType {
    @inlinable package static var spf: RecordType { .init(rawValue: 99) }
    @inlinable package static var naptr: RecordType { .init(rawValue: 35) }
    @inlinable package static var afsdb: RecordType { .init(rawValue: 18) }
    @inlinable package static var rt: RecordType { .init(rawValue: 21) }
    @inlinable package static var kx: RecordType { .init(rawValue: 36) }
    @inlinable package static var dname: RecordType { .init(rawValue: 39) }
    @inlinable package static var sshfp: RecordType { .init(rawValue: 44) }
    @inlinable package static var tlsa: RecordType { .init(rawValue: 52) }
    @inlinable package static var svcb: RecordType { .init(rawValue: 64) }
    @inlinable package static var https: RecordType { .init(rawValue: 65) }
    @inlinable package static var ixfr: RecordType { .init(rawValue: 251) }
    @inlinable package static var axfr: RecordType { .init(rawValue: 252) }

    /// Whether records of this type can be stored in a zone: neither 0, OPT, nor one of the meta types and query types
    /// (RFC 6895 section 3.1: 128...255).
    package var isData: Bool { rawValue != 0 && self != .opt && !(128...255).contains(rawValue) }

    private static let mnemonics: [(name: String, value: UInt16)] = [
        ("A", 1), ("NS", 2), ("CNAME", 5), ("SOA", 6), ("PTR", 12), ("HINFO", 13), ("MX", 15), ("TXT", 16), ("RP", 17),
        ("AFSDB", 18), ("KEY", 25), ("AAAA", 28), ("LOC", 29), ("SRV", 33), ("NAPTR", 35), ("KX", 36), ("CERT", 37),
        ("DNAME", 39), ("OPT", 41), ("APL", 42), ("DS", 43), ("SSHFP", 44), ("IPSECKEY", 45), ("RRSIG", 46),
        ("NSEC", 47), ("DNSKEY", 48), ("DHCID", 49), ("NSEC3", 50), ("NSEC3PARAM", 51), ("TLSA", 52), ("SMIMEA", 53),
        ("HIP", 55), ("CDS", 59), ("CDNSKEY", 60), ("OPENPGPKEY", 61), ("CSYNC", 62), ("ZONEMD", 63), ("SVCB", 64),
        ("HTTPS", 65), ("SPF", 99), ("EUI48", 108), ("EUI64", 109), ("TKEY", 249), ("TSIG", 250), ("IXFR", 251),
        ("AXFR", 252), ("ANY", 255), ("URI", 256), ("CAA", 257),
    ]
    private static let byName = Dictionary(uniqueKeysWithValues: mnemonics.map { ($0.name, $0.value) })
    private static let byValue = Dictionary(uniqueKeysWithValues: mnemonics.map { ($0.value, $0.name) })
}

extension RecordType: CustomStringConvertible, LosslessStringConvertible {
    /// Reads a mnemonic of IANA's registry in any case, or `TYPE65280` (RFC 3597 section 5).
    @usableFromInline
    package init?(_ text: String) {
        let upper = text.uppercased()
        if let value = Self.byName[upper] {
            self.init(rawValue: value)
            return
        }
        let digits = upper.utf8.dropFirst(4)
        guard upper.hasPrefix("TYPE"), !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }),
            let value = UInt16(upper.dropFirst(4))
        else { return nil }
        self.init(rawValue: value)
    }

    /// The mnemonic, or `TYPE65280`.
    @usableFromInline
    package var description: String { Self.byValue[rawValue] ?? "TYPE\(rawValue)" }
}
