extension RecordType {
    @inlinable package static var mb: RecordType { .init(rawValue: 7) }
    @inlinable package static var mg: RecordType { .init(rawValue: 8) }
    @inlinable package static var mr: RecordType { .init(rawValue: 9) }
    @inlinable package static var minfo: RecordType { .init(rawValue: 14) }
    @inlinable package static var rp: RecordType { .init(rawValue: 17) }
    @inlinable package static var afsdb: RecordType { .init(rawValue: 18) }
    @inlinable package static var x25: RecordType { .init(rawValue: 19) }
    @inlinable package static var isdn: RecordType { .init(rawValue: 20) }
    @inlinable package static var rt: RecordType { .init(rawValue: 21) }
    @inlinable package static var sig: RecordType { .init(rawValue: 24) }
    @inlinable package static var key: RecordType { .init(rawValue: 25) }
    @inlinable package static var px: RecordType { .init(rawValue: 26) }
    @inlinable package static var gpos: RecordType { .init(rawValue: 27) }
    @inlinable package static var loc: RecordType { .init(rawValue: 29) }
    @inlinable package static var naptr: RecordType { .init(rawValue: 35) }
    @inlinable package static var kx: RecordType { .init(rawValue: 36) }
    @inlinable package static var cert: RecordType { .init(rawValue: 37) }
    @inlinable package static var dname: RecordType { .init(rawValue: 39) }
    @inlinable package static var apl: RecordType { .init(rawValue: 42) }
    @inlinable package static var sshfp: RecordType { .init(rawValue: 44) }
    @inlinable package static var rrsig: RecordType { .init(rawValue: 46) }
    @inlinable package static var nsec: RecordType { .init(rawValue: 47) }
    @inlinable package static var dnskey: RecordType { .init(rawValue: 48) }
    @inlinable package static var dhcid: RecordType { .init(rawValue: 49) }
    @inlinable package static var nsec3: RecordType { .init(rawValue: 50) }
    @inlinable package static var nsec3param: RecordType { .init(rawValue: 51) }
    @inlinable package static var tlsa: RecordType { .init(rawValue: 52) }
    @inlinable package static var smimea: RecordType { .init(rawValue: 53) }
    @inlinable package static var cds: RecordType { .init(rawValue: 59) }
    @inlinable package static var cdnskey: RecordType { .init(rawValue: 60) }
    @inlinable package static var openpgpkey: RecordType { .init(rawValue: 61) }
    @inlinable package static var csync: RecordType { .init(rawValue: 62) }
    @inlinable package static var zonemd: RecordType { .init(rawValue: 63) }
    @inlinable package static var svcb: RecordType { .init(rawValue: 64) }
    @inlinable package static var https: RecordType { .init(rawValue: 65) }
    @inlinable package static var spf: RecordType { .init(rawValue: 99) }
    @inlinable package static var nid: RecordType { .init(rawValue: 104) }
    @inlinable package static var l32: RecordType { .init(rawValue: 105) }
    @inlinable package static var l64: RecordType { .init(rawValue: 106) }
    @inlinable package static var lp: RecordType { .init(rawValue: 107) }
    @inlinable package static var eui48: RecordType { .init(rawValue: 108) }
    @inlinable package static var eui64: RecordType { .init(rawValue: 109) }
    @inlinable package static var ixfr: RecordType { .init(rawValue: 251) }
    @inlinable package static var axfr: RecordType { .init(rawValue: 252) }
    @inlinable package static var uri: RecordType { .init(rawValue: 256) }
    @inlinable package static var avc: RecordType { .init(rawValue: 258) }
    @inlinable package static var resinfo: RecordType { .init(rawValue: 261) }
    @inlinable package static var wallet: RecordType { .init(rawValue: 262) }
    @inlinable package static var dlv: RecordType { .init(rawValue: 32769) }

    /// Whether records of this type can be stored in a zone: neither 0, OPT, nor one of the meta types and query types
    /// (RFC 6895 section 3.1: 128...255).
    package var isData: Bool { rawValue != 0 && self != .opt && !(128...255).contains(rawValue) }

    private static let mnemonics: [(name: String, value: UInt16)] = [
        ("A", 1), ("NS", 2), ("CNAME", 5), ("SOA", 6), ("MB", 7), ("MG", 8), ("MR", 9), ("NULL", 10), ("PTR", 12),
        ("HINFO", 13), ("MINFO", 14), ("MX", 15), ("TXT", 16), ("RP", 17), ("AFSDB", 18), ("X25", 19), ("ISDN", 20),
        ("RT", 21), ("NSAP", 22), ("SIG", 24), ("KEY", 25), ("PX", 26), ("GPOS", 27), ("AAAA", 28), ("LOC", 29),
        ("SRV", 33), ("NAPTR", 35), ("KX", 36), ("CERT", 37), ("DNAME", 39), ("OPT", 41), ("APL", 42), ("DS", 43),
        ("SSHFP", 44), ("IPSECKEY", 45), ("RRSIG", 46), ("NSEC", 47), ("DNSKEY", 48), ("DHCID", 49), ("NSEC3", 50),
        ("NSEC3PARAM", 51), ("TLSA", 52), ("SMIMEA", 53), ("HIP", 55), ("CDS", 59), ("CDNSKEY", 60),
        ("OPENPGPKEY", 61), ("CSYNC", 62), ("ZONEMD", 63), ("SVCB", 64), ("HTTPS", 65), ("SPF", 99), ("NID", 104),
        ("L32", 105), ("L64", 106), ("LP", 107), ("EUI48", 108), ("EUI64", 109), ("TKEY", 249), ("TSIG", 250),
        ("IXFR", 251), ("AXFR", 252), ("MAILB", 253), ("MAILA", 254), ("ANY", 255), ("URI", 256), ("CAA", 257),
        ("AVC", 258), ("AMTRELAY", 260), ("RESINFO", 261), ("WALLET", 262), ("DLV", 32769),
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
