import DNSWire
import Foundation
import Testing
import TrafficModel

@testable import ConfigurationLoading

/// A folder with a configuration and zone files, removed at the end.
private final class Folder {
    let path: String

    init(_ files: [String: String] = [:]) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "meridian-zones-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try write(text, to: name) }
    }

    deinit {
        // Nothing depends on whether it can be removed.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Puts a new file in the place of one that may be there.
    func write(_ text: String, to name: String) throws {
        let file = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: TextFile.folder(of: file), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }

    func load(reusing zones: ZoneCache? = nil) -> LoadResult {
        ConfigurationLoader.load(path: "\(path)/meridian.yaml", reusing: zones)
    }

    /// Without the folder's own path.
    func short(_ text: String) -> String { text.replacing("\(path)/", with: "") }
    func messages(_ result: LoadResult) -> [String] { result.diagnostics.map { short($0.description) } }
    func failures(_ result: LoadResult) -> [String] { result.zoneFailures.flatMap(\.lines).map(short) }
}

private let apex = "$TTL 60\n@ SOA ns.example.net. host.example.net. 1 2 3 4 30\n@ NS ns.example.net.\n"
private let folders = "dns: { listen: [\"127.0.0.1:53\"] }\nzone_folders: [{ path: zones }]\n"
private let listed = "dns: { listen: [\"127.0.0.1:53\"] }\nzones: { a.test: { file: zones/a } }\n"

private func origins(_ result: LoadResult) -> [String]? { result.intent?.zones.map(\.origin.description) }

/// The data of the A record of `name`.
private func address(_ name: String, _ result: LoadResult) -> [UInt8]? {
    let owner = DomainName(name)!
    for zone in result.intent?.zones ?? [] where owner.isAtOrBelow(zone.origin) {
        return zone.records.first { $0.owner == owner && $0.type == .a }?.data
    }
    return nil
}

@Suite("Zone files and folders")
struct ZoneFileTests {
    @Test("a file's name is the zone's; other files are left alone")
    func names() throws {
        let folder = try Folder([
            "meridian.yaml": folders, "zones/b.test.zone": apex, "zones/A.test.zone": apex,
            "zones/0@26.2.0.192.in-addr.arpa.zone": apex, "zones/.hidden.zone": "x", "zones/notes.txt": "x",
            "zones/.zone": "x", "zones/below/c.test.zone": "x",
        ])
        let result = folder.load()
        #expect(folder.messages(result) == [])
        #expect(origins(result) == ["0/26.2.0.192.in-addr.arpa", "A.test", "b.test"])
        try folder.write(folders.replacing("path: zones", with: "path: zones, suffix: .test.zone"), to: "meridian.yaml")
        #expect(origins(folder.load()) == ["A", "b"])
        try folder.write(folders.replacing("path: zones", with: "path: zones/below, suffix: \"\""), to: "meridian.yaml")
        try folder.write(apex, to: "zones/below/c.test.zone")
        #expect(origins(folder.load()) == ["c.test.zone"])
    }

    @Test("at a start, everything that is wrong is an error")
    func firstStart() throws {
        let folder = try Folder([
            "meridian.yaml": folders + "zones: { a.test: { ns: [ns.example.net] } }\n", "zones/A.test.zone": apex,
            "zones/a..b.zone": apex, "zones/c.test.zone": apex + "www A 192.0.2\n", "zones/d.test.zone": "$TTL 1\n",
            "zones/e.test.zone": apex + "$INCLUDE none\n",
        ])
        let result = folder.load()
        #expect(result.intent == nil && result.zoneFailures == [])
        #expect(
            folder.messages(result) == [
                "zones/A.test.zone: the zone A.test is there already; keep one of the two",
                "zones/a..b.zone: the file's name is not that of a zone; name it example.com.zone",
                "zones/c.test.zone:4:7: \"192.0.2\" is not an IPv4 address such as 192.0.2.1",
                "zones/d.test.zone: the zone d.test has no SOA record; write one at its origin",
                "zones/d.test.zone: the zone d.test has no NS record; name its servers at its origin",
                "zones/e.test.zone:4:10: cannot open \"zones/none\": No such file or directory; "
                    + "create it or correct the path",
            ])
        try folder.remove("zones")
        #expect(
            folder.messages(folder.load())
                == [
                    "meridian.yaml:2:24: cannot read the folder \"zones\": No such file or directory; "
                        + "create it or correct the path"
                ])
    }

    @Test("wide IPs find their zones among many, and their conflicts in files")
    func steered() throws {
        let folder = try Folder([
            "meridian.yaml": folders + """
                wide_ips: { www.a.test: { pools: [p] }, b.test: { pools: [q] } }
                pools: { p: { answer: { external: x.b.test } }, q: { virtual_servers: [v], answer: addresses } }
                virtual_servers: { v: { address: "192.0.2.1:1", region: r } }
                regions: { r: {} }

                """,
            "zones/a.test.zone": apex, "zones/b.test.zone": apex + "@ MX 1 m.example.net.\n",
        ])
        let good = folder.load()
        #expect(folder.messages(good) == [])
        try folder.write(apex + "www TXT x\n", to: "zones/a.test.zone")
        try folder.write(apex + "@ A 192.0.2.1\n", to: "zones/b.test.zone")
        let expected = [
            "zones/a.test.zone:4:1: www.a.test has a static TXT record, but it is the wide IP www.a.test; remove the record",
            "zones/b.test.zone:4:1: b.test has a static A record, but it is the wide IP b.test; remove the record",
        ]
        #expect(folder.messages(folder.load()) == expected)
        // What was right before goes on.
        let reload = folder.load(reusing: good.zones)
        #expect(origins(reload) == ["a.test", "b.test"])
        #expect(
            folder.failures(reload) == [
                expected[0] + " (the zone a.test stays as it was)", expected[1] + " (the zone b.test stays as it was)",
            ])
    }

    @Test("$INCLUDE reads files of the zone's folder, and no others, whatever links lead to them")
    func inclusion() throws {
        let folder = try Folder([
            "meridian.yaml": folders, "outside": "www A 192.0.2.66\n", "zones/parts/one": "www A 192.0.2.1\n",
            "zones/a.test.zone": apex + "$INCLUDE parts/one\n",
        ])
        try folder.link("zones/escape", to: "../outside")
        try folder.link("zones/within", to: "parts/one")
        try folder.link("zones/parts/out", to: "../..")
        func result(_ path: String) throws -> (address: [UInt8]?, messages: [String]) {
            try folder.write(apex + "$INCLUDE \"\(path)\"\n", to: "zones/a.test.zone")
            let result = folder.load()
            return (address("www.a.test", result), folder.messages(result))
        }
        for path in ["parts/one", "within", "\(folder.path)/zones/parts/one", "../zones/parts/one", "parts/../within"] {
            let (found, messages) = try result(path)
            #expect(found == [192, 0, 2, 1] && messages == [], "\(path): \(messages)")
        }
        for path in ["../outside", "escape", "parts/out/outside", "\(folder.path)/outside", "/etc/hostname"] {
            let (found, messages) = try result(path)
            #expect(found == nil)
            #expect(messages.count == 1 && messages[0].contains("is not inside the folder"), "\(path): \(messages)")
        }
        #expect(try result("parts").messages.first?.contains("is not a regular file") == true)
        #expect(try result("a.test.zone").messages.first?.contains("includes itself") == true)
        try folder.write("$INCLUDE within\n", to: "zones/parts/one")
        #expect(try result("parts/one").messages.first?.contains("includes itself") == true)
    }

    @Test("a reload reads what changed, takes over the rest, and shares its records")
    func reuse() throws {
        let folder = try Folder([
            "meridian.yaml": folders, "zones/a.test.zone": apex + "$INCLUDE part\n", "zones/part": "www A 192.0.2.1\n",
            "zones/b.test.zone": apex + "www A 192.0.2.2\nwww 5 A 192.0.2.2\n",
        ])
        let first = folder.load()
        #expect(first.zoneFilesRead == 2)
        let second = folder.load(reusing: first.zones)
        #expect(second.zoneFilesRead == 0)
        #expect(folder.messages(second) == folder.messages(first) && second.diagnostics.count == 1)
        #expect(second.intent?.zones == first.intent?.zones)
        for (old, new) in zip(first.intent?.zones ?? [], second.intent?.zones ?? []) {
            let isShared = unsafe old.records.withUnsafeBufferPointer { left in
                unsafe new.records.withUnsafeBufferPointer { right in unsafe left.baseAddress == right.baseAddress }
            }
            #expect(isShared)
        }
        // The included file alone.
        try folder.write("www A 192.0.2.9\n", to: "zones/part")
        let third = folder.load(reusing: second.zones)
        #expect(third.zoneFilesRead == 1)
        #expect(address("www.a.test", third) == [192, 0, 2, 9] && address("www.b.test", third) == [192, 0, 2, 2])
        // Another size, another time, another file with the same text.
        try folder.write(apex + "www A 192.0.2.2\n", to: "zones/b.test.zone")
        let fourth = folder.load(reusing: third.zones)
        #expect(fourth.zoneFilesRead == 1 && fourth.diagnostics == [])
        try folder.write(apex + "www A 192.0.2.2\n", to: "zones/b.test.zone")
        #expect(folder.load(reusing: fourth.zones).zoneFilesRead == 1)
        // Steered names are part of what a zone was checked against.
        try folder.write(
            folders
                + "wide_ips: { wip.a.test: { pools: [p] } }\npools: { p: { answer: { external: x.example.net } } }\n",
            to: "meridian.yaml")
        #expect(folder.load(reusing: fourth.zones).zoneFilesRead == 2)
    }

    @Test(
        "a file that got broken keeps its last good zone until it is mended; others go on",
        arguments: [folders, listed])
    func broken(configuration: String) throws {
        let name = configuration == folders ? "zones/a.test.zone" : "zones/a"
        let folder = try Folder(["meridian.yaml": configuration, name: apex + "www A 192.0.2.1\n"])
        let first = folder.load()
        try folder.write(apex + "www A 192.0.2\n", to: name)
        var latest = first
        for _ in 0..<3 {
            latest = folder.load(reusing: latest.zones)
            #expect(address("www.a.test", latest) == [192, 0, 2, 1])
            #expect(latest.diagnostics == [] && latest.zoneFilesRead == 1)
            #expect(
                folder.failures(latest) == [
                    "\(name):4:7: \"192.0.2\" is not an IPv4 address such as 192.0.2.1 (the zone a.test stays as it was)"
                ])
        }
        try folder.write(apex + "www A 192.0.2.7\n", to: name)
        latest = folder.load(reusing: latest.zones)
        #expect(address("www.a.test", latest) == [192, 0, 2, 7] && latest.zoneFailures == [])
    }

    @Test("a listed file that is gone keeps its zone; one of a folder takes its zone with it")
    func removed() throws {
        let folder = try Folder(["meridian.yaml": listed, "zones/a": apex, "zones/b.test.zone": apex])
        let first = folder.load()
        try folder.remove("zones/a")
        let second = folder.load(reusing: first.zones)
        #expect(origins(second) == ["a.test"])
        #expect(folder.failures(second).first?.contains("No such file") == true)
        #expect(folder.load().intent == nil)
        try folder.write(folders, to: "meridian.yaml")
        let third = folder.load(reusing: second.zones)
        #expect(origins(third) == ["b.test"])
        try folder.remove("zones/b.test.zone")
        let fourth = folder.load(reusing: third.zones)
        #expect(origins(fourth) == [] && fourth.zoneFailures == [])
        // The folder as a whole is another matter: nobody removes all zones by mistake.
        try folder.remove("zones")
        let fifth = folder.load(reusing: third.zones)
        #expect(origins(fifth) == ["b.test"])
        #expect(fifth.zoneFailures.map(\.origin) == [""])
    }

    @Test("a new zone that is broken is left out by a reload, unless the configuration itself needs it")
    func newAndBroken() throws {
        let folder = try Folder(["meridian.yaml": folders, "zones/a.test.zone": apex])
        let first = folder.load()
        try folder.write("x", to: "zones/new.test.zone")
        try folder.write(apex, to: "zones/a..b.zone")
        let second = folder.load(reusing: first.zones)
        #expect(origins(second) == ["a.test"])
        #expect(second.zoneFailures.map(\.origin).sorted() == ["a..b", "new.test"])
        #expect(second.zoneFailures.allSatisfy { !$0.isServed })
        let steered =
            "wide_ips: { wip.new.test: { pools: [p] } }\npools: { p: { answer: { external: x.example.net } } }\n"
        try folder.write(folders + steered, to: "meridian.yaml")
        #expect(folder.load(reusing: second.zones).intent == nil)
        try folder.write(folders + "zones: { more.test: { file: zones/none } }\n", to: "meridian.yaml")
        #expect(folder.load(reusing: second.zones).intent == nil)
    }

    @Test("twenty thousand zones: loaded, and reloaded with one changed, one broken, one removed, one new")
    func many() throws {
        let folder = try Folder(["meridian.yaml": folders])
        try FileManager.default.createDirectory(atPath: "\(folder.path)/zones", withIntermediateDirectories: true)
        func file(_ index: Int) -> String { "zones/z\(index).test.zone" }
        for index in 0..<20_000 {
            let text = apex + "www A 10.0.\(index / 250).\(index % 250)\n"
            try Data(text.utf8).write(to: URL(filePath: "\(folder.path)/\(file(index))"))
        }
        let first = folder.load()
        #expect(first.intent?.zones.count == 20_000 && first.zoneFilesRead == 20_000 && first.diagnostics == [])
        let second = folder.load(reusing: first.zones)
        #expect(second.intent?.zones.count == 20_000 && second.zoneFilesRead == 0)
        try folder.write(apex + "www A 192.0.2.1\n", to: file(7))
        try folder.write(apex + "www B 192.0.2.1\n", to: file(8))
        try folder.remove(file(9))
        try folder.write(apex + "www A 192.0.2.2\n", to: file(20_000))
        let third = folder.load(reusing: second.zones)
        #expect(third.intent?.zones.count == 20_000 && third.zoneFilesRead == 3)
        #expect(third.zoneFailures.map(\.origin) == ["z8.test"] && third.diagnostics == [])
        let zones = Dictionary(
            uniqueKeysWithValues: (third.intent?.zones ?? []).map { ($0.origin.description, $0.records) })
        #expect(zones["z7.test"]?.last?.data == [192, 0, 2, 1])
        #expect(zones["z8.test"]?.last?.data == [10, 0, 0, 8])
        #expect(zones["z9.test"] == nil)
        #expect(zones["z20000.test"]?.last?.data == [192, 0, 2, 2])
        #expect(zones["z10.test"]?.last?.data == [10, 0, 0, 10])
    }
}
