import Addresses
import Glibc
import Testing

@testable import Geography

@Suite("Sources together")
struct GeographyDatabaseTests {
    private func parse(_ text: String, as format: GeographySourceFile.File.Format) throws -> GeographyDatabase {
        try GeographySourceFile.File.parse(Array(text.utf8).span, as: format, path: "list")
    }

    @Test("nothing loaded: everything is unknown and has one class")
    func empty() throws {
        let database = GeographyDatabase()
        #expect(database.place(of: IPAddress("192.0.2.1")!) == Place())
        #expect(database.table { _ in 3 }.lookup(IPAddress("::1")!) == .init(value: 3, length: 0))
        #expect(try GeographyDatabase.load(sources: []).places == [Place()])
    }

    @Test("a network list adds its region and leaves the country; a later country replaces an earlier one")
    func layers() throws {
        // 10.0.0.0/8 in PL, 11.0.0.0/8 in DE.
        var database = try parse("167772160,184549375,PL\n184549376,201326591,DE\n", as: .torV4)
        database.add(try parse("10.1.0.0/16,lab\n11.255.0.0/16,lab\n12.0.0.0/8,lab\n2001:db8::/32,v6\n", as: .networks))
        // 10.0.0.0 - 10.1.127.255 in US.
        database.add(try parse("167772160,167870463,US\n", as: .torV4))
        let expected: [(String, Place)] = [
            ("10.0.0.1", Place(country: "US", continent: "NA")),
            ("10.1.0.0", Place(country: "US", continent: "NA", network: "lab")),
            ("10.1.128.0", Place(country: "PL", continent: "EU", network: "lab")),
            ("10.2.0.0", Place(country: "PL", continent: "EU")),
            ("11.0.0.0", Place(country: "DE", continent: "EU")),
            ("11.255.0.0", Place(country: "DE", continent: "EU", network: "lab")),
            ("12.0.0.0", Place(network: "lab")),
            ("13.0.0.0", Place()),
            ("2001:db8::", Place(network: "v6")),
        ]
        for (address, place) in expected { #expect(database.place(of: IPAddress(address)!) == place, "\(address)") }
        #expect(Set(database.places).count == database.places.count)
    }

    @Test("AS numbers join what is known; a city never joins another source's country")
    func updated() {
        let warsaw = Place(
            country: "PL", continent: "EU", city: "Warsaw", coordinates: .init(latitude: 52, longitude: 21),
            network: "lab")
        #expect(warsaw.updated(by: Place(asn: 64496)).asn == 64496)
        #expect(warsaw.updated(by: Place(asn: 64496)).city == "Warsaw")
        #expect(
            warsaw.updated(by: Place(country: "DE", continent: "EU"))
                == Place(country: "DE", continent: "EU", network: "lab"))
        #expect(warsaw.updated(by: Place()) == warsaw)
    }

    @Test("the table has the classes of the places, merged")
    func table() throws {
        // 10.0.0.0/8 in PL, 11.0.0.0/8 in DE, 12.0.0.0/8 in US.
        let database = try parse(
            "167772160,184549375,PL\n184549376,201326591,DE\n201326592,218103807,US\n", as: .torV4)
        var asked: [Place] = []
        let table = database.table { place in
            asked.append(place)
            return place.continent == "EU" ? 1 : place.continent == "NA" ? 2 : 0
        }
        #expect(asked.count == 4)
        #expect(table.lookup(IPAddress("10.9.9.9")!) == .init(value: 1, length: 7))
        #expect(table.lookup(IPAddress("12.0.0.1")!) == .init(value: 2, length: 8))
        #expect(table.lookup(IPAddress("13.0.0.1")!) == .init(value: 0, length: 8))
        #expect(table.lookup(IPAddress("128.0.0.1")!) == .init(value: 0, length: 1))
    }

    @Test("files: read in order, every problem of every file told")
    func files() throws {
        var template = Array("/tmp/meridian-geography-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        func write(_ name: String, _ text: String) throws -> String {
            let path = "\(folder)/\(name)"
            let file = unsafe fopen(path, "w")
            try #require(unsafe file != nil)
            unsafe fputs(text, file)
            unsafe fclose(file)
            return path
        }
        defer {
            for name in ["v4", "nets", "bad", "empty"] { unsafe unlink("\(folder)/\(name)") }
            unsafe rmdir(folder)
        }
        let v4 = try write("v4", "167772160,184549375,PL\n")
        let nets = try write("nets", "10.1.0.0/16,lab\n")
        let bad = try write("bad", "nonsense\n")
        let empty = try write("empty", "")

        let database = try GeographyDatabase.load(sources: [.tor(v4: v4, v6: nil), .networks(path: nets)])
        #expect(
            database.place(of: IPAddress("10.1.0.1")!) == Place(country: "PL", continent: "EU", network: "lab"))
        #expect(try GeographyDatabase.load(sources: [.networks(path: empty)]).places == [Place()])

        let error = #expect(throws: GeographyError.self) {
            try GeographyDatabase.load(sources: [
                .maxMind(path: "\(folder)/missing.mmdb"), .networks(path: bad), .maxMind(path: empty),
                .networks(path: folder),
            ])
        }
        #expect(
            error?.problems.map(\.description) == [
                "\(folder)/missing.mmdb: cannot be opened (No such file or directory); check the path and its permissions",
                "\(bad):1:9: expected a comma and a region after the network; write `network,region`",
                "\(empty): byte 0: no metadata marker: this is not a MaxMind DB, or its end is missing; "
                    + "get the database again from its maker",
                "\(folder): is not a regular file; name the file itself",
            ])
    }
}

@Suite("Country codes")
struct CountriesTests {
    @Test("all 249 assigned codes and Kosovo, each once and with a continent")
    func codes() {
        #expect(Countries.codes.count == 250)
        #expect(Set(Countries.codes).count == 250)
        for code in Countries.codes {
            #expect(code.utf8.count == 2)
            #expect(Countries.continents.contains(Countries.continent(of: code) ?? ""))
        }
    }

    @Test(
        "what the codes of sources mean",
        arguments: [
            ("PL", "PL", "EU"), ("CY", "CY", "EU"), ("RU", "RU", "EU"), ("TR", "TR", "AS"), ("MX", "MX", "NA"),
            ("BR", "BR", "SA"), ("EG", "EG", "AF"), ("AQ", "AQ", "AN"), ("NZ", "NZ", "OC"), ("XK", "XK", "EU"),
            ("EU", nil, "EU"), ("AP", nil, "AS"), ("A1", nil, nil), ("A2", nil, nil), ("T1", nil, nil),
            ("UK", "GB", "EU"), ("AN", "AN", "NA"), ("CS", "CS", "EU"), ("ZZ", nil, nil), ("QQ", "QQ", nil),
        ] as [(String, String?, String?)])
    func meaning(code: String, country: String?, continent: String?) {
        #expect(Countries.place(forCode: code) == Place(country: country, continent: continent))
    }

    @Test("codes that are no country's have no continent", arguments: ["", "EU", "AP", "A1", "UK", "pl", "QQ"])
    func none(code: String) {
        #expect(Countries.continent(of: code) == nil)
    }
}
