import Addresses
import Glibc
import TestSupport
import Testing

@testable import Geography

/// What a text makes of itself when it is read as a file named `list`.
private func read(
    _ text: String, as format: GeographySourceFile.File.Format
) -> Result<GeographyDatabase, GeographyError> {
    read(Array(text.utf8), as: format)
}

private func read(
    _ bytes: [UInt8], as format: GeographySourceFile.File.Format
) -> Result<GeographyDatabase, GeographyError> {
    do throws(GeographyError) {
        return .success(try GeographySourceFile.File.parse(bytes.span, as: format, path: "list"))
    } catch {
        return .failure(error)
    }
}

private func problems(_ text: String, as format: GeographySourceFile.File.Format) -> [String] {
    switch read(text, as: format) {
    case .success: []
    case .failure(let error): error.problems.map(\.description)
    }
}

@Suite("tor-geoipdb files")
struct TorCountriesTests {
    private let sampleV4 =
        "# comment\n\n16777216,16777471,AU\r\n16777472,16778239,cn\n16778240,16779263,??\n16779264,16779264,EU\n4294967295,4294967295,US"
    private let sampleV6 =
        "2001:200::,2001:200:134:ffff:ffff:ffff:ffff:ffff,JP\n2001:4:112::,2001:4:112:FFFF:ffff:ffff:ffff:ffff,US"

    @Test("IPv4: numbers, comments, line ends, unknown countries and gaps")
    func v4() throws {
        let database = try read(sampleV4, as: .torV4).get()
        let expected: [(String, String?, String?)] = [
            ("0.255.255.255", nil, nil), ("1.0.0.0", "AU", "OC"), ("1.0.0.255", "AU", "OC"), ("1.0.1.0", "CN", "AS"),
            ("1.0.3.255", "CN", "AS"), ("1.0.4.0", nil, nil), ("1.0.8.0", nil, "EU"), ("1.0.8.1", nil, nil),
            ("255.255.255.254", nil, nil), ("255.255.255.255", "US", "NA"),
        ]
        for (address, country, continent) in expected {
            #expect(
                database.place(of: IPAddress(address)!) == Place(country: country, continent: continent), "\(address)")
        }
        #expect(database.places.count == 5)
        #expect(database.places[0] == Place())
    }

    @Test("IPv6, where an end of the range is the end of the space")
    func v6() throws {
        let text =
            "::,::5,PL\n2001:200::,2001:200:134:ffff:ffff:ffff:ffff:ffff,JP\nFFFF::1:0,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,US\n"
        let database = try read(text, as: .torV6).get()
        for (address, country) in [
            ("::", "PL"), ("::5", "PL"), ("::6", nil), ("2001:200:134::1", "JP"), ("2001:200:135::", nil),
            ("ffff::1:0", "US"), ("ffff::ffff", nil), ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "US"),
        ] {
            #expect(database.place(of: IPAddress(address)!).country == country, "\(address)")
        }
    }

    @Test("IPv6 text is read as elsewhere")
    func v6Scanner() {
        for text in [
            "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1::8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "2001:DB8::a:0:b",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", ":1", "1:", "1:::2", ":::", ":", "", "12345::", "g::",
            "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "::1:", "1::2:",
        ] {
            for tail in ["", ",", "\n"] {
                let bytes = Array((text + tail).utf8)
                var scanner = LineScanner()
                var scanned = UInt128.scan(bytes.span, &scanner)
                if scanner.at != text.utf8.count { scanned = nil }
                let expected = IPAddress(text)
                #expect(scanned.map(IPAddress.v6) == expected, "\(text)")
            }
        }
    }

    @Test(
        "mistakes are told with line and column",
        arguments: [
            ("x", "list:1:1: expected an IPv4 address as a decimal number and a comma"),
            ("1,2,PL\n3", "list:2:2: expected an IPv4 address as a decimal number and a comma"),
            ("1,,PL", "list:1:3: expected an IPv4 address as a decimal number as the end of the range and a comma"),
            ("1,4294967296,PL", "list:1:12: expected an IPv4 address as a decimal number as the end"),
            ("99999999999999999999999999,2,PL", "list:1:10: expected an IPv4 address"),
            ("1,2,P", "list:1:6: expected a country code of two letters and the end of the line"),
            ("1,2,POL", "list:1:7: expected a country code of two letters and the end of the line"),
            ("1,2,PL,more", "list:1:7: expected a country code"),
            ("2,1,PL", "list:1:1: the range ends before it starts"),
            ("#\n5,9,PL\n9,12,DE", "list:3:1: the range does not start after the end of the range before it"),
            ("4294967295,4294967295,PL\n0,1,PL", "list:2:1: the range does not start after"),
        ])
    func mistakes(text: String, expected: String) throws {
        let found = problems(text, as: .torV4)
        #expect(found.count == 1)
        #expect(try #require(found.first).hasPrefix(expected), "\(found)")
    }

    @Test("as many mistakes as the limit allows")
    func limit() {
        let found = problems(String(repeating: "bad\n", count: 100), as: .torV4)
        #expect(found.count == GeographyDatabase.problemLimit)
        #expect(found.last?.hasPrefix("list:20:1: ") == true)
    }

    @Test("cut at every offset, and with bytes changed: a map or a precise mistake, never a crash")
    func damage() {
        for (text, format) in [(sampleV4, GeographySourceFile.File.Format.torV4), (sampleV6, .torV6)] {
            let bytes = Array(text.utf8)
            for end in bytes.indices { _ = read(Array(bytes[..<end]), as: format) }
            var random = SplitMix64(seed: 3)
            for _ in 0..<2_000 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    damaged[Int.random(in: damaged.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                if case .failure(let error) = read(damaged, as: format) { #expect(!error.problems.isEmpty) }
            }
        }
    }

    @Test("Debian's files, where they are installed")
    func installed() throws {
        let paths = ["/usr/share/tor/geoip", "/usr/share/tor/geoip6"]
        guard paths.allSatisfy({ unsafe access($0, R_OK) == 0 }) else {
            print("skipped: the Debian package tor-geoipdb is not installed")
            return
        }
        // A part of them, cut at a line, keeps this quick without optimisation.
        func beginning(_ path: String, _ count: Int) throws -> [UInt8] {
            let file = try FileBytes(path: path)
            var bytes: [UInt8] = []
            for index in 0..<min(count, file.span.count) { bytes.append(file.span[index]) }
            return Array(bytes[..<((bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)])
        }
        let v4 = try read(beginning(paths[0], 400_000), as: .torV4).get()
        #expect(v4.place(of: IPAddress("8.8.8.8")!) == Place(country: "US", continent: "NA"))
        let v6 = try read(beginning(paths[1], 400_000), as: .torV6).get()
        #expect(v6.place(of: IPAddress("2001:200::1")!) == Place(country: "JP", continent: "AS"))
        #expect(v4.ranges.count > 5_000 && v6.ranges.count > 3_000)
    }
}

@Suite("Network lists")
struct NetworkListTests {
    @Test("comments, spaces, line ends, both families, nesting in any order")
    func reads() throws {
        let text = """
            # office networks
            10.1.0.0/16, warsaw   # the branch
              10.0.0.0/8 ,hq\r

            2001:db8::/32\t,\tlab
            192.0.2.7,Zürich 2
            10.0.0.0/8,hq
            """
        let database = try read(text, as: .networks).get()
        for (address, region) in [
            ("10.1.2.3", "warsaw"), ("10.2.0.0", "hq"), ("2001:db8::9", "lab"), ("192.0.2.7", "Zürich 2"),
            ("192.0.2.8", nil), ("::1", nil),
        ] {
            #expect(database.place(of: IPAddress(address)!) == Place(network: region), "\(address)")
        }
    }

    @Test(
        "mistakes are told with line and column",
        arguments: [
            ("10.0.0.0/8", "list:1:11: expected a comma and a region after the network; write `network,region`"),
            ("# x\n 10.0.0.0/8,", "list:2:13: the region is missing; write `network,region`"),
            ("10.0.0.0/8 , # comment", "list:1:14: the region is missing; write `network,region`"),
            ("10.0.0.0/8,a,b", "list:1:13: a second comma; write `network,region`, one network to a line"),
            ("  eu,10.0.0.0/8", "list:1:3: \"eu\" is not a network; write it as 192.0.2.0/24 or 2001:db8::/32"),
            ("10.0.0.0/33,a", "list:1:1: \"10.0.0.0/33\" has no length of 0 to 32; write it as"),
            ("::/x,a", "list:1:1: \"::/x\" has no length of 0 to 128; write it as"),
            ("10.0.0.1/8,a", "list:1:1: 10.0.0.1/8 has bits set past its length; write 10.0.0.0/8, or 10.0.0.1 for"),
            ("10.0.0.0/8,a\n10.0.0.0/8,b", "list:2:1: 10.0.0.0/8 is in another region on line 1; keep one of"),
            ("10.0.0.0/8,a\u{0}", "list:1:13: control character 0; save the list as plain UTF-8 text"),
            (",a", "list:1:1: the network is missing; write `network,region`"),
        ])
    func mistakes(text: String, expected: String) throws {
        let found = problems(text, as: .networks)
        #expect(found.count == 1)
        #expect(try #require(found.first).hasPrefix(expected), "\(found)")
    }

    @Test("all mistakes of a file, up to the limit")
    func allMistakes() {
        #expect(problems("a,b\n10.0.0.0/8,x\nc\n", as: .networks).map { $0.prefix(8) } == ["list:1:1", "list:3:2"])
        #expect(problems(String(repeating: "bad\n", count: 100), as: .networks).count == GeographyDatabase.problemLimit)
    }

    @Test("text that is not UTF-8")
    func encoding() {
        guard case .failure(let error) = read(Array("10.0.0.0/8,".utf8) + [0xff, 0xfe], as: .networks) else {
            Issue.record("accepted")
            return
        }
        #expect(error.description.hasPrefix("list:1:14: the text before this is not UTF-8"))
    }

    @Test("with bytes changed: a map or a mistake, never a crash")
    func damage() {
        let bytes = Array("# x\n10.1.0.0/16, warsaw # y\n2001:db8::/32,lab\n192.0.2.7,z\n".utf8)
        var random = SplitMix64(seed: 4)
        for _ in 0..<3_000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: damaged.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            damaged.removeLast(Int.random(in: 0..<damaged.count, using: &random))
            if case .failure(let error) = read(damaged, as: .networks) { #expect(!error.problems.isEmpty) }
        }
    }
}
