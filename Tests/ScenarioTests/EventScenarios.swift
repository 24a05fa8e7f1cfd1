import Foundation
import Testing

@Suite("Events, through the admin socket")
struct EventScenarios {
    private let socket: String
    private let program: Program

    init() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        program = try Program(
            NameServerScenarios.configuration(port: port) + "\nadmin: { socket: \(socket) }\n")
        self.socket = socket
    }

    private func curl(_ arguments: String...) throws -> String {
        try Program.run("curl", ["--silent", "--max-time", "60", "--unix-socket", socket] + arguments).output
    }

    private func drain(_ verb: String = "drain") throws {
        #expect(try Program.run(Program.binary.path, [verb, "region", "eu", "--socket", socket]).status == 0)
    }

    @Test("a stream tells what happens as it happens, and goes on where a reader was")
    func stream() throws {
        var id = ""
        try follow(["http://meridian/v1/events?kind=override-set,transition"]) { text in
            try wait(for: "the stream") { text().contains("retry: 2000") }
            try drain()
            try wait(for: "the events") {
                text().contains(#""kind":"region","name":"eu""#) && text().contains("draining")
            }
            #expect(text().contains(#""kind":"override-set""#))
            id = String(try #require(text().split(separator: "\n").first { $0.hasPrefix("id: ") }?.dropFirst(4)))
        }
        try drain("enable")
        try follow(["--header", "Last-Event-ID: \(id)", "http://meridian/v1/events"]) { again in
            try wait(for: "what came since") { again().contains(#""kind":"override-cleared""#) }
            #expect(!again().contains(#""kind":"override-set""#), "that one was seen")
        }
    }

    /// - Parameter body: gets what the stream has said so far.
    private func follow(_ arguments: [String], _ body: (() -> String) throws -> Void) throws {
        let file = program.folder.appending(path: "events-\(UUID().uuidString)")
        try Data().write(to: file)
        let reader = Process()
        reader.executableURL = URL(filePath: "/usr/bin/env")
        reader.arguments =
            ["curl", "--silent", "--no-buffer", "--max-time", "300", "--unix-socket", socket] + arguments
        reader.standardOutput = try FileHandle(forWritingTo: file)
        try reader.start()
        defer {
            kill(reader.processIdentifier, SIGKILL)
            reader.waitUntilExit()
        }
        try body { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
    }

    @Test("a list holds the latest, and what a query does not know is refused by name")
    func list() throws {
        try drain()
        let list = try curl(
            "--header", "Accept: application/json", "http://meridian/v1/events?subject=region&name=e*&limit=5")
        #expect(list.contains(#""from":"available""#))
        #expect(list.contains(#""to":"draining""#))
        #expect(!list.contains(#""kind":"pool""#))
        for (query, complaint) in [
            ("sinze=1", "sinze: no such query parameter; there are since, limit"),
            ("since=x", "since: a number from 0"),
            ("kind=transition,foo", "kind: foo is none of start, transition"),
            ("since=1&since=2", "since: given twice"),
            ("limit=10", "limit: of lists"), ("subject=planet", "subject: planet is none of"),
        ] {
            #expect(try curl("http://meridian/v1/events?\(query)").contains(complaint), "\(query)")
        }
        let header = try curl("--header", "Last-Event-ID: abc", "http://meridian/v1/events")
        #expect(header.contains("Last-Event-ID: the id of an event"))
    }

    @Test("the end of a certificate is told once for each step, and so are new files")
    func certificates() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("web", subject: "/CN=web", days: 5)
        let (port, dns) = (try freePort(), try freePort())
        let place = "/tmp/meridian-\(dns).sock"
        let other = try Program(
            NameServerScenarios.configuration(port: dns) + """

                certificates: { web: { chain: \(authority.path("web.pem")), key: \(authority.path("web.key")) } }
                listeners:
                  tls: { address: "127.0.0.1:\(port)", tls: { certificates: [web] }, routes: [{ respond: {} }] }
                proxy: { access_log: "off" }
                admin: { socket: \(place) }
                """)
        func ask(_ path: String) throws -> Data {
            let arguments = ["--silent", "--max-time", "60", "--unix-socket", place]
            return Data(
                try Program.run(
                    "curl", arguments + ["--header", "Accept: application/json", "http://meridian/v1/\(path)"]
                ).output.utf8)
        }
        func uptime() throws -> Double {
            struct Node: Decodable { var uptime: Double }
            return try JSONDecoder().decode(Node.self, from: ask("node")).uptime
        }
        func told() throws -> [String] {
            struct List: Decodable {
                struct Event: Decodable {
                    var kind: String
                    var to: String
                }
                var events: [Event]
            }
            return try JSONDecoder().decode(List.self, from: ask("events?subject=certificate&name=web")).events
                .map { "\($0.kind): \($0.to)" }
        }
        try wait(for: "the warning") { try !told().isEmpty }
        // Whole days: one more in the very second in which it was made.
        func are(_ lines: [String], _ events: [(kind: String, days: ClosedRange<Int>)]) -> Bool {
            lines.count == events.count
                && zip(lines, events).allSatisfy { line, event in
                    event.days.contains { line == "\(event.kind): \($0) days left" }
                }
        }
        let first = try told()
        #expect(are(first, [("certificate-expiring", 4...5)]), "\(first)")
        try authority.issue("web", subject: "/CN=web", days: 20)
        other.hangUp()
        try wait(for: "the new files") { try told().count >= 3 }
        // They are looked at each second, and not told again.
        let before = try uptime()
        try wait(for: "two more looks") { try uptime() > before + 2.2 }
        let expected = [
            ("certificate-expiring", 4...5), ("certificate-replaced", 19...20), ("certificate-expiring", 19...20),
        ]
        let all = try told()
        #expect(are(all, expected), "\(all)")
    }

    @Test("a thousand follow what happens, one more is told to come again, and the node goes on answering")
    func crowd() throws {
        let result = try Program.run("python3", ["-c", Self.crowdOfReaders, socket])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output == "1000 follow, 5 refused, 1000 were told\n")
        try wait(for: "their places to be free") {
            try curl("http://meridian/v1/status").contains(#""subscribers":0"#)
        }
        #expect(try curl("http://meridian/v1/status").contains(#""refusedSubscribers":5"#))
    }

    private static let crowdOfReaders = """
        import resource, select, socket, sys

        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        def ask(head, body=b""):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(60)
            connection.connect(sys.argv[1])
            connection.sendall((head + " HTTP/1.1\\r\\nHost: meridian\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)).encode() + body)
            return connection

        def read(connection, until):
            text = b""
            while until not in text:
                part = connection.recv(65536)
                if not part: break
                text += part
            return text

        readers, refused = [], 0
        for _ in range(1005):
            connection = ask("GET /v1/events?kind=override-set")
            head = read(connection, b"\\n\\n" if refused == 0 and len(readers) < 1000 else b"}")
            if head.startswith(b"HTTP/1.1 200 "): readers.append(connection)
            elif head.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 10" in head: refused += 1
        change = ask("PUT /v1/overrides/region", b'{"name": "eu", "verdict": "drain"}')
        assert read(change, b"\\r\\n").startswith(b"HTTP/1.1 204 ")
        told = sum(b"override-set" in read(connection, b"override-set") for connection in readers)
        print(len(readers), "follow,", refused, "refused,", told, "were told")
        """

    @Test("the end of the node ends the streams")
    func end() throws {
        let reader = Process()
        reader.executableURL = URL(filePath: "/usr/bin/env")
        reader.arguments = [
            "curl", "--silent", "--max-time", "60", "--unix-socket", socket, "http://meridian/v1/events",
        ]
        reader.standardOutput = FileHandle.nullDevice
        try reader.start()
        try wait(for: "the stream") { try curl("http://meridian/v1/status").contains(#""subscribers":1"#) }
        kill(program.processIdentifier, SIGTERM)
        reader.waitUntilExit()
        #expect(reader.terminationStatus == 0, "it ended as it should, not by its own patience")
        try wait(for: "the end of the node") {
            kill(program.processIdentifier, 0) != 0 || !FileManager.default.fileExists(atPath: socket)
        }
    }
}
