import TestSupport
import Testing

@testable import DNSWire

@Suite("Record data as text")
struct RecordTextTests {
    static let origin = DomainName("example.com")!

    @Test(
        "reads and writes each format",
        arguments: [
            ("A", "192.0.2.1", "c0000201", "192.0.2.1"),
            ("aaaa", "2001:db8::1", "20010db8000000000000000000000001", "2001:db8::1"),
            ("CNAME", "www", "03777777076578616d706c6503636f6d00", "www.example.com."),
            ("NS", "@", "076578616d706c6503636f6d00", "example.com."),
            ("PTR", "a.b.", "0161016200", "a.b."),
            ("MX", "10 mail.", "000a046d61696c00", "10 mail."),
            ("SRV", "1 2 443 .", "0001000201bb00", "1 2 443 ."),
            ("TXT", "\"a b\" \"c;d\"", "0361206203633b64", "\"a b\" \"c;d\""),
            (
                "TXT", "v=spf1 include:x -all", "15763d7370663120696e636c7564653a78202d616c6c",
                "\"v=spf1 include:x -all\""
            ),
            ("TXT", "k=v; x \\\"y\\\" ", "0a6b3d763b2078202279 22", "\"k=v; x \\\"y\\\"\""),
            ("TXT", "\"\"", "00", "\"\""),
            ("TXT", "\"\\000\\255\"", "0200ff", "\"\\000\\255\""),
            (
                "CAA", "0 issue \"letsencrypt.org\"", "000569737375656c657473656e63727970742e6f7267",
                "0 issue \"letsencrypt.org\""
            ),
            ("CAA", "128 iodef ;", "8005696f6465663b", "128 iodef \";\""),
            (
                "SOA", "ns1 host 1 2h 15m 2w 30",
                "036e7331076578616d706c6503636f6d0004686f7374076578616d706c6503636f6d00"
                    + "0000000100001c20000003840012750000 00001e",
                "ns1.example.com. host.example.com. 1 7200 900 1209600 30"
            ),
            ("HINFO", "PC \"Linux 6\"", "025043074c696e75782036", "\"PC\" \"Linux 6\""),
            ("DS", "1 13 2 AB cd", "00010d02abcd", "1 13 2 abcd"),
            ("TLSA", "3 1 1 00ff", "03010100ff", "3 1 1 00ff"),
            ("SSHFP", "4 2 aa", "0402aa", "4 2 aa"),
            ("NAPTR", "1 2 u E2U \"\" .", "00010002017503453255 00 00", "1 2 \"u\" \"E2U\" \"\" ."),
            ("TYPE65280", "\\# 3 ab cdef", "abcdef", "\\# 3 abcdef"),
            ("TYPE65280", "\\# 0", "", "\\# 0"),
            ("TYPE1", "\\# 4 c0000201", "c0000201", "192.0.2.1"),
            ("HTTPS", "\\# 3 000100", "000100", "1 ."),
            ("ISDN", "1", "0131", "\"1\""),
            ("APL", "", "", ""),
            ("APL", "!1:10.0.0.0/8", "000108810a", "!1:10.0.0.0/8"),
            (
                "LOC", "1 N 2 E 0", "001216138036ee80806ddd0000989680",
                "1 0 0.000 N 2 0 0.000 E 0.00m 1.00m 10000.00m 10.00m"
            ),
            ("NSEC3PARAM", "1 0 0 -", "0100000000", "1 0 0 -"),
            (
                "NSEC3", "1 1 12 aabb 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG",
                "0101000c02aabb1417f3df17b2b2adaef615257de4d2020b80ac6c7c0006400000000002",
                "1 1 12 aabb 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG"
            ),
            ("CSYNC", "1 0", "000000010000", "1 0"),
            ("CERT", "pkix 1 rsasha256 AA==", "000100010800", "1 1 8 AA=="),
            (
                "RRSIG", "A 13 2 3600 20260131235959 19700101000001 1 @ AAAA",
                "00010d0200000e10697e977f000000010001076578616d706c6503636f6d00000000",
                "A 13 2 3600 1769903999 1 1 example.com. AAAA"
            ),
            ("SVCB", "1 . key65534=\"a b\"", "000100fffe0003612062", "1 . key65534=\"a b\""),
            (
                "SVCB", "1 . no-default-alpn alpn=\"h2\"", "00010000010003026832" + "00020000",
                "1 . alpn=\"h2\" no-default-alpn"
            ),
        ])
    func formats(type: String, text: String, hex: String, written: String) throws {
        let (parsed, data) = try RecordText.parse(type: type, data: text, origin: Self.origin)
        #expect(data == bytes(hex))
        #expect(RecordText.format(type: parsed, data: data) == written)
        // What was written reads back as the same bytes.
        #expect(try RecordText.parse(type: parsed, data: written, origin: .root) == data)
    }

    @Test(
        "says what is wrong, and where",
        arguments: [
            ("A", "192.0.2.256", 0, "\"192.0.2.256\" is not an IPv4 address such as 192.0.2.1"),
            ("A", "192.0.2.1 x", 10, "\"x\" is more than A data has room for; take it out"),
            ("AAAA", "192.0.2.1", 0, "\"192.0.2.1\" is not an IPv6 address such as 2001:db8::1"),
            ("A", "", 0, "A data ends early; an IPv4 address is missing"),
            ("MX", "mail", 0, "\"mail\" is not a number from 0 to 65535"),
            ("MX", "65536 mail", 0, "\"65536\" is not a number from 0 to 65535"),
            ("MX", "10", 2, "MX data ends early; a domain name is missing"),
            (
                "CNAME", "a..b", 0,
                "\"a..b\": a label of the name is empty; labels have 1 to 63 characters between the dots"
            ),
            ("SOA", "a b 1 2x 3 4 5", 6, "\"2x\" is not a time: seconds up to 2147483647, or such as 1h30m"),
            ("TXT", "\"open", 0, "this quote is not closed on its line; write a \" at the end of the text"),
            ("TXT", "a\\25", 1, "a \\ is not followed by a character or by three digits up to 255"),
            ("TXT", "\"\\256\"", 1, "a \\ in \"\\256\" is not followed by a character or by three digits up to 255"),
            ("CAA", "0 is-sue x", 2, "\"is-sue\" is not a CAA property: 1 to 255 letters and digits, such as issue"),
            (
                "TYPE65280", "abc", 0,
                "TYPE65280 data is read in the generic form of RFC 3597 only: \\# LENGTH HEXADECIMAL"
            ),
            ("TYPE65280", "\\# 2 ab", 3, "the data has 1 bytes, but its length says 2; correct one of them"),
            ("TYPE65280", "\\# 2 abc", 5, "the hexadecimal digits are odd in number; each byte has two"),
            ("TYPE65280", "\\# 1 xy", 5, "\"xy\" is not hexadecimal"),
            ("A", "\\# 3 abcdef", 0, "the data is not of the form that type A asks for"),
            ("SVCB", "1 . port=443 port=444", 13, "the parameter port is there already; take one out"),
            ("SVCB", "1 . port=65536", 4, "\"port=65536\" is not a value that port may have"),
            ("SVCB", "1 . alpn=", 4, "\"alpn=\" is not a value that alpn may have"),
            ("SVCB", "1 . alpn=a,,b", 4, "\"alpn=a,,b\" is not a value that alpn may have"),
            ("SVCB", "1 . mandatory=mandatory", 4, "\"mandatory=mandatory\" is not a value that mandatory may have"),
            (
                "SVCB", "1 . mandatory=port,port port=1", 4,
                "\"mandatory=port,port\" is not a value that mandatory may have"
            ),
            ("SVCB", "1 . mandatory=port", 4, "port is mandatory, but there is no such parameter"),
            ("SVCB", "1 . no-default-alpn", 4, "no-default-alpn needs alpn beside it"),
            (
                "SVCB", "1 . ipv4hint=192.0.2.1,::1", 4,
                "\"ipv4hint=192.0.2.1,::1\" is not a value that ipv4hint may have"
            ),
            (
                "SVCB", "1 . key65535=x", 4,
                "\"key65535=x\" is not a service parameter such as alpn=h2, port=443 or key65280=value"
            ),
            (
                "SVCB", "1 . key01=x", 4,
                "\"key01=x\" is not a service parameter such as alpn=h2, port=443 or key65280=value"
            ),
            ("SVCB", "\\# 11 0001 00 0003 0000 0001 0000", 0, "the data is not of the form that type SVCB asks for"),
            ("LOC", "91 N 0 E 0", 0, "this is no angle up to 90 degrees such as 52 22 23.000 N"),
            ("LOC", "1 60 N 0 E 0", 0, "this is no angle up to 90 degrees such as 52 22 23.000 N"),
            ("LOC", "1 1 1 1 N 0 E 0", 6, "\"1\" is neither N nor S"),
            ("LOC", "1 N 1 E x", 8, "\"x\" is not an altitude from -100000.00m to 42849672.95m"),
            ("LOC", "1 N 1 E 0 90000000.01", 10, "\"90000000.01\" is not a size from 0.00m to 90000000.00m"),
            (
                "LOC", "\\# 16 00 12 16 03 80000000 80000000 00989680", 0,
                "the data is not of the form that type LOC asks for"
            ),
            ("SVCB", "\\# 7 0001 00 ffff 0000", 0, "the data is not of the form that type SVCB asks for"),
            ("EUI48", "00-00-5e-00-53", 0, "\"00-00-5e-00-53\" is not of the form 00-00-5e-00-53-2a"),
            ("NID", "1 ::1", 2, "\"::1\" is not of the form 2001:db8:1:2"),
            (
                "APL", "1:192.0.2.1/33", 0,
                "\"1:192.0.2.1/33\" is not a prefix such as 1:192.0.2.0/24 or !2:2001:db8::/32"
            ),
            (
                "APL", "2:192.0.2.1/24", 0,
                "\"2:192.0.2.1/24\" is not a prefix such as 1:192.0.2.0/24 or !2:2001:db8::/32"
            ),
            (
                "DNSKEY", "256 3 13 AAA", 9,
                "\"AAA\" is not base 64: letters, digits, + and /, with = at the end where the length is no multiple of four"
            ),
            (
                "DNSKEY", "256 3 RSASHA AAAA", 6,
                "\"RSASHA\" is not an algorithm: a number up to 255, or a word such as ECDSAP256SHA256"
            ),
            ("CSYNC", "1 0 WHAT", 4, "\"WHAT\" is not a record type"),
            (
                "RRSIG", "A 13 2 3600 20260231000000 1 1 @ AAAA", 12,
                "\"20260231000000\" is not a time such as 20260131235959, or seconds since 1970"
            ),
            ("ANY", "x", 0, "ANY records cannot be stored in a zone"),
            ("OPT", "x", 0, "OPT records cannot be stored in a zone"),
            ("TYPE0", "x", 0, "TYPE0 records cannot be stored in a zone"),
            (
                "TYPE65536", "x", 0,
                "\"TYPE65536\" is not a record type; write A, AAAA, CNAME, MX, TXT …, or TYPE1 to TYPE65535"
            ),
        ])
    func mistakes(type: String, text: String, offset: Int, message: String) {
        #expect(throws: RecordTextError(message: message, offset: offset)) {
            try RecordText.parse(type: type, data: text, origin: Self.origin)
        }
    }

    @Test("a TXT string takes 255 bytes when quoted, and is cut there when not")
    func longTexts() throws {
        let long = String(repeating: "x", count: 256)
        let (_, data) = try RecordText.parse(type: "TXT", data: long, origin: .root)
        #expect(data.count == 258)
        #expect(data[0] == 255 && data[256] == 1)
        #expect(throws: RecordTextError.self) { try RecordText.parse(type: "TXT", data: "\"\(long)\"", origin: .root) }
        #expect(try RecordText.parse(type: "TXT", data: "\"\(long.dropLast())\"", origin: .root).1.count == 256)
    }

    @Test("a type has a mnemonic or a number")
    func types() {
        #expect(RecordType("aaaa") == .aaaa)
        #expect(RecordType("type257") == .caa)
        #expect(RecordType("TYPE") == nil)
        #expect(RecordType("TYPE+1") == nil)
        #expect(RecordType.https.description == "HTTPS")
        #expect(RecordType(rawValue: 65_280).description == "TYPE65280")
    }

    @Test("data that breaks its own format is written in the generic form")
    func generic() {
        #expect(RecordText.format(type: .a, data: [1, 2, 3]) == "\\# 3 010203")
        #expect(RecordText.format(type: .mx, data: [0]) == "\\# 1 00")
        #expect(RecordText.format(type: .txt, data: [5, 1]) == "\\# 2 0501")
        #expect(RecordText.format(type: .cname, data: [63]) == "\\# 1 3f")
    }

    @Test("random data never stops the writer, and what is valid reads back")
    func randomData() throws {
        var random = SplitMix64(seed: 11)
        let types: [RecordType] = [
            .a, .aaaa, .ns, .soa, .mx, .txt, .srv, .caa, .hinfo, .naptr, .ds, .tlsa, .https, .loc, .apl, .csync, .nsec,
            .nsec3, .nsec3param, .cert, .rrsig, .dnskey, .nid, .l32, .eui48, .eui64, .isdn, .uri, .zonemd, .px,
        ]
        var valid: Set<RecordType> = []
        for _ in 0..<20_000 {
            let type = types[Int(random.next() % UInt64(types.count))]
            let data = (0..<Int(random.next() % 24)).map { _ in UInt8(truncatingIfNeeded: random.next() % 20) }
            let text = RecordText.format(type: type, data: data)
            if RecordFormat.isValid(data, type: type) {
                valid.insert(type)
                #expect(try RecordText.parse(type: type, data: text, origin: .root) == data, "\(type) \(text)")
            } else {
                #expect(text.hasPrefix("\\#"))
            }
        }
        #expect(valid.count > 25)
    }
}
