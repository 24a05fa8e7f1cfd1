import Addresses
import Authority
import DNSWire
import Foundation
import Logging
import Telemetry
import Testing
import TrafficModel

@testable import DNSService

@Suite("Lines of the query log")
struct QueryLogTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "queries-\(UUID().uuidString)").path

    private struct Query {
        var bytes = World.query("steered.example.com", id: 77).wire
        var source = IPAddress("198.51.100.7")!
        var port: UInt16 = 5353
        var overTCP = false
    }

    /// What is written of queries of one batch.
    ///
    /// - Parameter step: nanoseconds from each query to the next, which then is of another batch.
    private func lines(
        of queries: [Query], step: UInt64 = 0, _ change: (inout LogFile) -> Void = { _ in }
    ) throws -> [String] {
        var file = LogFile(path: path)
        change(&file)
        let log = try QueryLogs().open(file)
        var writer = QueryLogWriter(log)
        var responder = Responder(counters: WorkerCounters())
        responder.time = MonotonicClock.now
        let snapshot = World.snapshot()
        var buffer = [UInt8](repeating: 0, count: 65_535)
        for query in queries {
            if step > 0 {
                writer.flush(at: responder.time &+ 1_234_567, since: responder.time)
                responder.time += step
            }
            let sequence = responder.sequence
            unsafe buffer.withUnsafeMutableBytes { output in
                let count = unsafe responder.respond(
                    to: query.bytes.span.bytes, from: query.source, port: query.port, overTCP: query.overTCP,
                    snapshot: snapshot, into: output)
                guard writer.takes(responder.outcome) else { return }
                unsafe writer.add(
                    &responder, since: sequence,
                    .init(client: query.source, port: query.port, overTCP: query.overTCP),
                    query: query.bytes.count, answer: UnsafeRawBufferPointer(rebasing: output[..<count]).bytes,
                    snapshot: snapshot)
            }
        }
        writer.flush(at: responder.time &+ 1_234_567, since: responder.time)
        log.sink.close(within: .seconds(60))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    @Test("a line tells what was asked and answered")
    func line() throws {
        let lines = try lines(of: [Query(), Query(overTCP: true)])
        try #require(lines.count == 2)
        for (line, transport) in zip(lines, ["udp", "tcp"]) {
            let fields = line.split(separator: " ").dropFirst()
            let size = World.query("steered.example.com").wire.count
            #expect(
                fields.dropLast(2).joined(separator: " ")
                    == "client=198.51.100.7:5353 transport=\(transport) id=77 name=steered.example.com type=A "
                    + "rcode=NOERROR flags=qr,aa pool=one scope=0 edns=1232 query_size=\(size)")
            #expect(line.hasPrefix("time=20") && fields.last == "duration=0.001234")
        }
    }

    @Test("of a query that is not read, nothing is told that was in the one before")
    func sourcePortZero() throws {
        let dnssec = Query(bytes: Self.withDO(World.query("www.example.com", id: 99).wire))
        let lines = try lines(of: [dnssec, Query(port: 0)])
        try #require(lines.count == 2)
        #expect(
            lines[0].contains("name=www.example.com") && lines[0].contains(",do") && lines[0].contains(" edns=1232"))
        for part in ["name=", "id=", "type=", "edns=", "pool=", "www"] {
            #expect(!lines[1].contains(part), "\(lines[1])")
        }
        #expect(lines[1].contains("client=198.51.100.7:0 transport=udp rcode=- query_size=48 response_size=0"))
    }

    @Test("the DO bit is that of the query, not of one before")
    func dnssec() throws {
        // Without its OPT record, which is the last.
        var plain = Array(World.query("www.example.com").wire.dropLast(11))
        plain[11] = 0
        let dnssec = Query(bytes: Self.withDO(World.query("www.example.com").wire))
        let lines = try lines(of: [dnssec, Query(bytes: plain)])
        #expect(lines.count == 2 && lines[0].contains("flags=qr,aa,do ") && lines[1].contains("flags=qr,aa "))
    }

    @Test("clients' networks are hidden as configured, and their ports with them")
    func privacy() throws {
        let sources = [Query(), Query(source: IPAddress("2001:db8:1:2::3")!)]
        let hidden = try lines(of: sources) { ($0.clients.v4Bits, $0.clients.v6Bits) = (16, 48) }
        try #require(hidden.count == 2)
        #expect(hidden[0].contains("client=198.51.0.0 ") && hidden[1].contains("client=2001:db8:1:: "))
        let shown = try lines(of: sources)
        try #require(shown.count == 2)
        #expect(shown[0].contains("client=198.51.100.7:5353 ") && shown[1].contains("client=[2001:db8:1:2::3]:5353 "))
    }

    @Test("both forms tell the same, of queries of any kind")
    func forms() throws {
        var chaos = World.query("version.bind", RecordType(rawValue: 16)).wire
        // The class stands behind the header, the name and the type.
        chaos[12 + 14 + 3] = 3
        let queries =
            [
                Query(), Query(source: IPAddress("2001:db8::1")!, port: 1, overTCP: true), Query(bytes: chaos),
                Query(port: 0),
                Query(bytes: Self.withDO(World.query("www.example.com").wire)),
                Query(bytes: World.query("a.test").wire),
                Query(bytes: World.query(".").wire), Query(bytes: World.query("missing.example.com").wire),
                // A header, and then nothing that it tells of; and not even that.
                Query(bytes: Array(World.query("www.example.com").wire.prefix(12))), Query(bytes: [1, 2, 3]),
            ]
            + [1, 28, 43, 64, 257, 258, 65_280, 65_535].map {
                Query(bytes: World.query("www.example.com", RecordType(rawValue: $0)).wire)
            }
        let text = try lines(of: queries)
        let json = try lines(of: queries) { $0.format = .json }
        try #require(text.count == queries.count && json.count == queries.count)
        for (text, json) in zip(text, json) {
            var fields: [String: String] = [:]
            for field in text.split(separator: " ") {
                let parts = field.split(separator: "=", maxSplits: 1)
                try #require(parts.count == 2, "\(text)")
                #expect(fields.updateValue(String(parts[1]), forKey: String(parts[0])) == nil)
            }
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any], "\(json)")
            #expect(Set(object.keys) == Set(fields.keys))
            for (key, value) in object where key != "time" {
                // A number of JSON may have lost zeros at its end.
                let isSame =
                    (value as? String).map { $0 == fields[key] }
                    ?? (value as? NSNumber).map { $0.doubleValue == fields[key].flatMap(Double.init) }
                #expect(isSame == true, "\(key) of \(text) and \(json)")
            }
        }
        let types = text.suffix(8).map { $0.split(separator: " ").first { $0.hasPrefix("type=") } }
        #expect(
            types == ["A", "AAAA", "TYPE43", "TYPE64", "CAA", "TYPE258", "TYPE65280", "TYPE65535"].map { "type=\($0)" })
    }

    @Test("names are told whatever bytes they are of, and stay within their field", arguments: [false, true])
    func names(isJSON: Bool) throws {
        let plain = World.query(String(repeating: "a", count: 33) + ".b.example.com").wire
        let odd: [UInt8] = [0, 0x0a, 0x20, 0x22, 0x2a, 0x2d, 0x2e, 0x3d, 0x5c, 0x5f, 0x7f, 0x80, 0xff]
        let queries = (0..<33).flatMap { place in
            odd.map { byte in
                var wire = plain
                wire[13 + place] = byte
                return Query(bytes: wire)
            }
        }
        let lines = try lines(of: queries) { if isJSON { $0.format = .json } }
        try #require(lines.count == queries.count)
        for (line, query) in zip(lines, queries) {
            var text: [UInt8] = []
            text.append(name: query.bytes.span.extracting(droppingFirst: 12))
            let name = String(decoding: text, as: UTF8.self)
            guard !isJSON else {
                let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                #expect(object["name"] as? String == name)
                continue
            }
            let escaped = name.replacing("\\", with: "\\x5c").replacing("\"", with: "\\x22")
            #expect(line.contains(" name=\(escaped) type=A rcode="), "\(line)")
        }
    }

    @Test("names of any length up to the longest")
    func lengths() throws {
        let names = (1...63).map { String(repeating: "n", count: $0) }.flatMap { label in
            [label, "\(label).\(label)", "\(label).\(label).\(label).\(String(label.prefix(61)))"]
        }
        let lines = try lines(of: names.map { Query(bytes: World.query($0).wire) })
        try #require(lines.count == names.count)
        for (line, name) in zip(lines, names) { #expect(line.contains(" name=\(name) type=A ")) }
    }

    @Test("each batch tells its own millisecond")
    func milliseconds() throws {
        let times = try lines(of: Array(repeating: Query(), count: 50), step: 1_000_000).map { $0.prefix(29) }
        #expect(times.count == 50 && Set(times).count == 50 && times.sorted() == times)
        #expect(times.allSatisfy { $0.hasPrefix("time=20") && $0.hasSuffix("Z") })
        let same = try lines(of: Array(repeating: Query(), count: 5), step: 1).map { $0.prefix(29) }
        #expect(Set(same).count <= 2)
    }

    @Test("a sample is every n-th line, and failures always")
    func sample() throws {
        let refused = Query(bytes: World.query("www.example.net").wire)
        let lines = try lines(of: Array(repeating: Query(), count: 20) + [refused]) { $0.sample = 0.25 }
        #expect(lines.count { $0.contains("NOERROR") } == 5)
    }

    @Test("a batch of more lines than are held back is written whole")
    func largeBatch() throws {
        let lines = try lines(of: (0..<150).map { Query(port: 1000 + UInt16($0)) })
        #expect(lines.count == 150)
        for (index, line) in lines.enumerated() { #expect(line.contains("client=198.51.100.7:\(1000 + index) ")) }
        #expect(lines.allSatisfy { $0.ranges(of: "duration=").count == 1 && !$0.contains("duration=0.000000 ") })
    }

    @Test("connections of a server that has ended go on to write to the log, and are counted")
    func takeover() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let world = try await World(listen: ["127.0.0.1:0"], loops: 1) { $0.queryLog = LogFile(path: path) }
        let endpoints = world.server.endpoints
        let tcp = Client(endpoints[0], tcp: true)
        func ask(_ id: UInt16) throws {
            #expect(tcp.write(World.query(id: id).framed) > 0)
            #expect(try tcp.readMessage()?.id == id)
        }
        try ask(1)
        var settings = NameServer()
        settings.listen = endpoints
        settings.threads = 1
        // The same file, and then another.
        for (round, path) in [path, path + ".other"].enumerated() {
            settings.queryLog = LogFile(path: path, format: .json)
            settings.threads = 1 + round
            let next = DNSServer(
                settings: settings, published: world.published, group: world.group, counters: world.counters,
                logger: Logger(label: "test"))
            try await next.start(replacing: endpoints)
            world.server.shutdown()
            try ask(UInt16(2 + round))
            #expect(try Client(endpoints[0]).ask(World.query(id: 9)) != nil)
            next.shutdown()
        }
        try? FileManager.default.removeItem(atPath: path + ".other")
        await world.counters.logs.close()
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count { $0.contains("transport=tcp") } == 3 && lines.count { $0.hasPrefix("{") } == 1)
        #expect(world.counters.logs.counts == .init(written: 5, dropped: 0, failures: 0))
        try world.end()
    }

    /// The DO bit is in the fourth byte from the end of an OPT record without options.
    private static func withDO(_ query: [UInt8]) -> [UInt8] {
        var query = query
        query[query.count - 4] = 0x80
        return query
    }
}
