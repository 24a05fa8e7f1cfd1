import Addresses
import TestSupport
import Testing

@testable import Geography

@Suite("MaxMind DB files")
struct MaxMindTests {
    private func read(_ bytes: [UInt8]) throws(GeographyError) -> GeographyDatabase {
        try GeographySourceFile.File.parse(bytes.span, as: .maxMind, path: "db")
    }

    /// What is wrong with a file, `nil` if it can be read.
    private func problem(_ bytes: [UInt8]) -> String? {
        do throws(GeographyError) {
            _ = try read(bytes)
            return nil
        } catch {
            return error.description
        }
    }

    private func country(_ code: String) -> MaxMindValue { .map([("country", .map([("iso_code", .string(code))]))]) }

    private let warsaw = MaxMindValue.map([
        (
            "city",
            .map([
                ("geoname_id", .uint32(756135)),
                ("names", .map([("de", .string("Warschau")), ("en", .string("Warsaw"))])),
            ])
        ),
        ("continent", .map([("code", .string("EU")), ("names", .map([("en", .string("Europe"))]))])),
        ("country", .map([("is_in_european_union", .boolean(true)), ("iso_code", .string("PL"))])),
        (
            "location",
            .map([("accuracy_radius", .uint16(20)), ("latitude", .double(52.25)), ("longitude", .double(21))])
        ),
        ("registered_country", .map([("iso_code", .string("DE"))])),
        ("subdivisions", .array([.map([("iso_code", .string("14"))]), .map([("iso_code", .string("XX"))])])),
        ("unknown", .array([.uint128(.max), .int32(-1), .bytes([1, 2, 3]), .float(1), .map([])])),
    ])

    @Test("all sizes of records, both families", arguments: [24, 28, 32], [false, true])
    func reads(recordSize: Int, isIPv6: Bool) throws {
        var writer = MaxMindWriter(recordSize: recordSize, isIPv6: isIPv6)
        writer.insert("10.0.0.0/8", country("DE"))
        writer.insert("10.1.0.0/16", warsaw)
        writer.insert("255.255.255.255/32", country("US"))
        if isIPv6 {
            writer.insert("2001:db8::/32", country("JP"))
            writer.insert("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", country("FR"))
        }
        let database = try read(writer.file)
        let place = Place(
            country: "PL", continent: "EU", subdivision: "14", city: "Warsaw",
            coordinates: .init(latitude: 52.25, longitude: 21))
        let expected: [(String, Place)] = [
            ("9.255.255.255", Place()), ("10.0.0.0", Place(country: "DE", continent: "EU")), ("10.1.0.0", place),
            ("10.1.255.255", place), ("10.2.0.0", Place(country: "DE", continent: "EU")), ("11.0.0.0", Place()),
            ("255.255.255.254", Place()), ("255.255.255.255", Place(country: "US", continent: "NA")),
            ("2001:db7:ffff::", Place()), ("2001:db8::", isIPv6 ? Place(country: "JP", continent: "AS") : Place()),
            ("2001:db9::", Place()), ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", Place()),
            (
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                isIPv6 ? Place(country: "FR", continent: "EU") : Place()
            ),
        ]
        for (address, place) in expected { #expect(database.place(of: IPAddress(address)!) == place, "\(address)") }
        #expect(database.places.count == (isIPv6 ? 6 : 4))
    }

    @Test("numbers of nodes above 24 bits keep their upper four bits apart")
    func record28() throws {
        // A pointer into the data far behind, so that the upper bits of a 28-bit record are used.
        var writer = MaxMindWriter(recordSize: 28, isIPv6: false)
        _ = writer.store(.bytes([UInt8](repeating: 0, count: 17 << 20)))
        let offset = writer.store(country("PL"))
        writer.insert("0.0.0.0/1", offset: offset)
        writer.insert("128.0.0.0/1", offset: writer.store(country("DE")))
        let database = try read(writer.file)
        #expect(database.place(of: IPAddress("1.1.1.1")!).country == "PL")
        #expect(database.place(of: IPAddress("200.1.1.1")!).country == "DE")
    }

    @Test("networks that embed IPv4 addresses are not counted twice")
    func aliases() throws {
        var writer = MaxMindWriter()
        writer.insert("10.0.0.0/8", country("PL"))
        writer.insert("2001:db8::/32", country("JP"))
        let plain = try read(writer.file)
        writer.alias("2002::/16")
        writer.alias("2001::/32")
        writer.alias("::ffff:0:0/96")
        let aliased = try read(writer.file)
        #expect(aliased.ranges == plain.ranges)
        #expect(aliased.place(of: IPAddress("2002:a00:1::")!) == Place())
        #expect(aliased.place(of: IPAddress("::ffff:10.0.0.1")!).country == "PL")
    }

    @Test("an IPv6 file whose ::/64 leads to one value")
    func wideLeaf() throws {
        var writer = MaxMindWriter()
        writer.insert("::/64", country("PL"))
        let database = try read(writer.file)
        #expect(database.place(of: IPAddress("192.0.2.1")!).country == "PL")
        #expect(
            database.table { $0.country == nil ? 0 : 1 }.lookup(IPAddress("192.0.2.1")!) == .init(value: 1, length: 0))
    }

    @Test(
        "layouts of records",
        arguments: [
            ("registered_country", .map([("iso_code", .string("de"))]), Place(country: "DE", continent: "EU")),
            ("country", .map([("iso_code", .string("DEU"))]), Place()),
            ("country", .map([("iso_code", .uint16(1))]), Place()),
            ("country", .uint16(1), Place()),
            ("country", .string("Germany"), Place()),
            ("country_code", .string("DE"), Place(country: "DE", continent: "EU")),
            ("continent_code", .string("SA"), Place(continent: "SA")),
            ("continent", .map([("code", .string("XX"))]), Place()),
            ("autonomous_system_number", .uint32(64496), Place(asn: 64496)),
            ("autonomous_system_number", .uint64(1 << 32), Place()),
            ("autonomous_system_number", .uint128(64496), Place(asn: 64496)),
            ("autonomous_system_number", .uint128(1 << 64), Place()),
            ("autonomous_system_number", .int32(64496), Place(asn: 64496)),
            ("autonomous_system_number", .int32(-1), Place()),
            ("asn", .string("AS64496"), Place(asn: 64496)),
            ("asn", .string("ASx"), Place()),
            ("traits", .map([("autonomous_system_number", .uint16(5))]), Place(asn: 5)),
            ("subdivisions", .array([]), Place()),
            ("city", .map([("names", .map([("de", .string("x"))]))]), Place()),
            ("city", .array([]), Place()),
            (
                "location", .map([("latitude", .float(1.5)), ("longitude", .float(-2))]),
                Place(coordinates: .init(latitude: 1.5, longitude: -2))
            ),
            ("location", .map([("latitude", .double(91)), ("longitude", .double(0))]), Place()),
            ("location", .map([("latitude", .double(.nan)), ("longitude", .double(0))]), Place()),
            ("location", .map([("latitude", .double(1))]), Place()),
        ] as [(String, MaxMindValue, Place)])
    func layouts(name: String, value: MaxMindValue, place: Place) throws {
        var writer = MaxMindWriter()
        writer.insert("10.0.0.0/8", .map([(name, value)]))
        #expect(try read(writer.file).place(of: IPAddress("10.1.1.1")!) == place)
    }

    @Test("pointers of all widths and sizes of all lengths", arguments: [0, 29, 285, 2048, 65_821, 526_336, 600_000])
    func pointers(padding: Int) throws {
        var writer = MaxMindWriter(recordSize: 32, isIPv6: false)
        _ = writer.store(.bytes([UInt8](repeating: 1, count: padding)))
        let key = writer.store(.string("iso_code"))
        let code = writer.store(.string("PL"))
        let inner = writer.store(
            .raw(MaxMindValue.control(7, 1) + MaxMindValue.pointer(key) + MaxMindValue.pointer(code)))
        let long = MaxMindValue.string(String(repeating: "x", count: padding))
        writer.insert("10.0.0.0/8", .map([("before", long), ("country", .pointer(inner))]))
        #expect(try read(writer.file).place(of: IPAddress("10.1.1.1")!).country == "PL")
        #expect(writer.data.count > padding)
    }

    @Test("a pointer of the widest form")
    func widestPointer() throws {
        var writer = MaxMindWriter()
        let code = writer.store(.string("PL"))
        writer.insert("10.0.0.0/8", .map([("country", .raw([0x38, 0, 0, 0, UInt8(code)]))]))
        #expect(try read(writer.file).place(of: IPAddress("10.1.1.1")!).country == "PL")
    }

    @Test(
        "data that is wrong is told with its offset and never followed",
        arguments: [
            ("a pointer to itself", [0x20, 0], "a pointer to a pointer"),
            ("a pointer out of the data", [0x27, 0xff], "a pointer to outside the data"),
            ("a huge map", [0xff, 0xff, 0xff, 0xff], "16843036 elements do not fit behind this"),
            ("a huge string", [0x5f, 0xff, 0xff, 0xff], "16843036 bytes do not fit behind this"),
            ("a huge array", [0x1f, 4, 0xff, 0xff, 0xff], "16843036 elements do not fit behind this"),
            ("an unknown type", [0x00, 9], "unknown type 16"),
            ("a container of the writer", [0x00, 5], "type 12 where a value is expected"),
            ("an end marker", [0x00, 6], "type 13 where a value is expected"),
            ("an extended pointer", [0x00, 0], "type 7 where a value is expected"),
            ("a short double", [0x64, 0, 0, 0, 0], "a value of type double has size 4"),
            ("a map with a number for a key", [0xe1, 0xa1, 1, 0xa1, 1], "a key of a map that is no string"),
        ] as [(String, [UInt8], String)])
    func wrongData(what: String, bytes: [UInt8], expected: String) throws {
        var writer = MaxMindWriter()
        writer.insert("10.0.0.0/8", .raw(bytes))
        let found = try #require(problem(writer.file), "\(what)")
        #expect(found.contains(expected), "\(found)")
        #expect(found.hasPrefix("db: byte "))
        #expect(found.hasSuffix("; get the database again from its maker"))
    }

    @Test("nesting without end and maps within themselves are bounded")
    func nesting() throws {
        var writer = MaxMindWriter()
        let deep = [UInt8](repeating: 0, count: 0) + (0..<100_000).flatMap { _ in [UInt8(1), 4] } + [0xa0]
        writer.insert("10.0.0.0/8", .map([("x", .raw(deep))]))
        #expect(try #require(problem(writer.file)).contains("more values in the records than a database has"))

        // The map's only member is a pointer to the map.
        var circle = MaxMindWriter()
        let offset = circle.store(
            .raw(MaxMindValue.control(7, 1) + MaxMindValue.string("country").encoded + [0x20, 0]))
        circle.insert("10.0.0.0/8", offset: offset)
        #expect(try read(circle.file).place(of: IPAddress("10.1.1.1")!) == Place())
    }

    @Test("records within records are not read for ever")
    func overlappingRecords() throws {
        // A long array of which each element is the start of a record that has the rest of the array in it.
        var writer = MaxMindWriter(recordSize: 32, isIPv6: false)
        let records = 4_096
        let nested = (0..<records).flatMap { _ in MaxMindValue.control(7, 1) + MaxMindValue.string("x").encoded }
        let start = writer.store(.raw(nested + [0xa0]))
        for record in 0..<records {
            writer.insert("10.\(record / 256).\(record % 256).0/24", offset: start + 3 * record)
        }
        #expect(try #require(problem(writer.file)).contains("more values in the records than a database has"))
    }

    @Test("trees that lead back, too deep or out of the file")
    func wrongTrees() throws {
        var loop = MaxMindWriter(isIPv6: false)
        loop.insert("10.0.0.0/8", country("PL"))
        loop.setRecord(loop.nodeCount - 1, right: true, toNode: 0)
        #expect(try #require(problem(loop.file)).contains("deeper than an address"))

        // Each node leads twice to the next: 2^31 ways to the end.
        var shared = MaxMindWriter(isIPv6: false)
        shared.insert("0.0.0.0/32", country("PL"))
        for node in 0..<31 {
            shared.setRecord(node, right: false, toNode: node + 1)
            shared.setRecord(node, right: true, toNode: node + 1)
        }
        #expect(try #require(problem(shared.file)).contains("lead to each other in circles"))

        for target in [1, 15] {
            var gap = MaxMindWriter(isIPv6: false)
            gap.setRecord(0, right: false, toNode: gap.nodeCount + target)
            #expect(try #require(problem(gap.file)).contains("points outside the data"))
        }
        var far = MaxMindWriter(isIPv6: false)
        far.insert("0.0.0.0/1", offset: 5)
        #expect(try #require(problem(far.file)).contains("points outside the data"))
    }

    @Test(
        "metadata that is wrong",
        arguments: [
            ("binary_format_major_version", .uint16(3), "version 3 of the MaxMind DB format, only 2 is known"),
            ("binary_format_major_version", .string("2"), "binary_format_major_version is not a number"),
            ("record_size", .uint16(20), "records of 20 bits, only 24, 28 and 32 are known"),
            ("record_size", .uint64(.max), "records of 18446744073709551615 bits"),
            ("ip_version", .uint16(5), "IP version 5, only 4 and 6 exist"),
            ("node_count", .uint32(0), "a tree of 0 nodes"),
            ("node_count", .uint32(.max), "the file ends within its tree of 4294967295 nodes"),
            ("node_count", .uint64(1 << 40), "a tree of 1099511627776 nodes"),
            ("node_count", .uint32(1), "expected 16 zero bytes behind the tree"),
        ] as [(String, MaxMindValue, String)])
    func wrongMetadata(name: String, value: MaxMindValue, expected: String) throws {
        var writer = MaxMindWriter()
        writer.insert("10.0.0.0/8", country("PL"))
        writer.changedMetadata = [(name, value)]
        let found = try #require(problem(writer.file))
        #expect(found.contains(expected), "\(found)")
    }

    @Test("when a file was made is known, if it says so, also where another lies over it")
    func age() throws {
        var writer = MaxMindWriter()
        writer.insert("10.0.0.0/8", country("PL"))
        var database = GeographyDatabase()
        database.add(try read(writer.file))
        #expect(database.builds == ["db": 1_700_000_000])
        writer.changedMetadata = [("build_epoch", .string("long ago"))]
        database.add(try read(writer.file))
        #expect(database.builds == ["db": 1_700_000_000])
        #expect(try read(writer.file).builds.isEmpty)
    }

    @Test("the last marker counts")
    func markers() throws {
        var writer = MaxMindWriter()
        writer.insert(
            "10.0.0.0/8",
            .map([("x", .bytes([0xab, 0xcd, 0xef] + "MaxMind.com".utf8)), ("country_code", .string("PL"))]))
        #expect(try read(writer.file).place(of: IPAddress("10.1.1.1")!).country == "PL")
        #expect(try #require(problem(Array(writer.file.dropLast(2_000)))).contains("no metadata marker"))
        #expect(try #require(problem([])).hasPrefix("db: byte 0: no metadata marker"))
    }

    @Test("cut at every offset: an error each time", arguments: [24, 28, 32])
    func truncation(recordSize: Int) {
        var writer = MaxMindWriter(recordSize: recordSize)
        writer.insert("10.0.0.0/8", warsaw)
        let file = writer.file
        for end in file.indices { #expect(problem(Array(file[..<end])) != nil, "\(end)") }
        for start in file.indices.dropFirst() { _ = problem(Array(file[start...])) }
    }

    @Test("with bytes changed: a map or a precise mistake, never a crash", arguments: UInt64(0)..<6)
    func damage(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var writer = MaxMindWriter(recordSize: [24, 28, 32][Int(seed % 3)], isIPv6: seed % 2 == 0)
        writer.insert("10.0.0.0/8", country("DE"))
        writer.insert("10.1.0.0/16", warsaw)
        let file = writer.file
        for _ in 0..<300 {
            var damaged = file
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                damaged[Int.random(in: damaged.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if let found = problem(damaged) { #expect(found.hasPrefix("db: byte ")) }
        }
    }
}
