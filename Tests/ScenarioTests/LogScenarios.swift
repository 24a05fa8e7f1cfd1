import Foundation
import Testing

@Suite("Logs of a running node")
struct LogScenarios {
    private static func configuration(dns: Int, web: Int, logs: String, queries: String, program: String) -> String {
        """
        dns: { listen: ["127.0.0.1:\(dns)"]\(queries) }
        zones: { example.com: { ns: [ns1.example.com], records: { ns1: { A: 127.0.0.1 } } } }
        regions: { eu: {} }
        virtual_servers: { eu-1: { address: "192.0.2.1:80", region: eu } }
        pools: { eu: { region: eu, virtual_servers: [eu-1], answer: addresses } }
        wide_ips: { api.example.com: { pools: [eu] } }
        listeners: { web: { address: "127.0.0.1:\(web)", routes: [ { respond: { status: 200 } } ] } }
        proxy: { access_log: \(logs) }
        \(program)
        """
    }

    private static func lines(_ file: URL) -> [String] {
        ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }

    private static func objects(_ file: URL) throws -> [[String: Any]] {
        try lines(file).map { line in
            try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "no JSON: \(line)")
        }
    }

    private static func get(_ port: Int, _ arguments: String...) throws {
        _ = try Program.run(
            "curl",
            ["-s", "-o", "/dev/null", "--max-time", "60", "--path-as-is"] + arguments
                + (arguments.contains { $0.hasPrefix("http") } ? [] : ["http://127.0.0.1:\(port)/"]))
    }

    @Test("lines are JSON, hide what they shall of clients, and never have what is secret")
    func json() throws {
        let (dns, web) = (try freePort(), try freePort())
        let program = try Program(
            Self.configuration(
                dns: dns, web: web, logs: "{ path: access.log, format: json }",
                queries: ", query_log: { path: query.log, format: json }",
                program: "log: { format: json, ipv4_prefix: 8, ipv6_prefix: 48 }"))
        let secrets = ["tok3n-in-field", "c00kie-secret", "p4ssword", "in-query-s3cret"]
        try Self.get(
            web, "-H", "Authorization: Bearer \(secrets[0])", "-b", "sid=\(secrets[1])", "-u", "user:\(secrets[2])",
            "http://127.0.0.1:\(web)/pa%0ath\"x?token=\(secrets[3])")
        // What a client may try to write into a log, byte for byte.
        let raw = "GET /\u{7}\\x1b[2J HTTP/1.1\r\nHost: evil\",\"status\":999,\"x\":\"\r\nConnection: close\r\n\r\n"
        _ = try Program.run(
            "sh",
            [
                "-c",
                "printf '%s' \"$0\" | timeout -s KILL 60 python3 -c 'import socket,sys; s=socket.create_connection((\"127.0.0.1\", \(web))); s.sendall(sys.stdin.buffer.read()); s.recv(4096)'",
                raw,
            ])
        _ = try Program.dig(dns, "+subnet=198.51.100.0/24", "api.example.com")
        _ = try Program.dig(dns, "+tcp", "evil\\\"name\\010.example.com", "TYPE65280")

        let access = program.folder.appending(path: "access.log")
        let queries = program.folder.appending(path: "query.log")
        try wait(for: "the lines") { Self.lines(access).count >= 2 && Self.lines(queries).count >= 2 }
        for entry in try Self.objects(access) {
            #expect(entry["client"] as? String == "127.0.0.0" && entry["listener"] as? String == "web")
            #expect((entry["status"] as? Int).map { [200, 400].contains($0) } == true, "\(entry)")
        }
        let first = try #require(try Self.objects(access).first { $0["status"] as? Int == 200 })
        #expect(first["path"] as? String == "/pa%0ath\"x" && first["method"] as? String == "GET")

        let asked = try Self.objects(queries)
        let steered = try #require(asked.first { $0["name"] as? String == "api.example.com" })
        #expect(steered["rcode"] as? String == "NOERROR" && steered["pool"] as? String == "eu")
        #expect(steered["ecs"] as? String == "198.0.0.0/24" && steered["client"] as? String == "127.0.0.0")
        #expect(steered["type"] as? String == "A" && steered["transport"] as? String == "udp")
        let strange = try #require(asked.first { $0["transport"] as? String == "tcp" })
        #expect(strange["rcode"] as? String == "NXDOMAIN" && strange["type"] as? String == "TYPE65280")
        #expect((strange["name"] as? String)?.hasPrefix("evil\"name\\010") == true, "\(strange)")
        #expect((strange["response_size"] as? Int ?? 0) > 30 && strange["duration"] as? Double != nil)

        for line in program.text.split(separator: "\n") {
            #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: String], "\(line)")
        }
        let all = [access, queries].flatMap(Self.lines).joined() + program.text
        for secret in secrets { #expect(!all.contains(secret), "\(secret) is in a log") }
    }

    @Test("a part of the lines is written where that is wanted")
    func sampling() throws {
        let (dns, web) = (try freePort(), try freePort())
        let program = try Program(
            Self.configuration(
                dns: dns, web: web, logs: "{ path: access.log, sample: 10% }",
                queries: ", query_log: { path: query.log, sample: 50% }", program: ""))
        for _ in 0..<30 {
            try Self.get(web)
            _ = try Program.data(dns, "ns1.example.com")
        }
        let access = program.folder.appending(path: "access.log")
        let queries = program.folder.appending(path: "query.log")
        // Each loop and thread counts for itself, so a few may be on their way.
        try wait(for: "the lines") { Self.lines(access).count >= 1 && Self.lines(queries).count >= 13 }
        #expect(Self.lines(access).count <= 3 && Self.lines(queries).count <= 15)
    }

    @Test("logs are opened again on SIGUSR1, and moved by a reload, without a lost line")
    func reopening() throws {
        let (dns, web) = (try freePort(), try freePort())
        func yaml(_ name: String) -> String {
            Self.configuration(
                dns: dns, web: web, logs: name + ".log", queries: ", query_log: query-\(name).log", program: "")
        }
        let program = try Program(yaml("one"))
        func file(_ name: String) -> URL { program.folder.appending(path: name) }
        try Self.get(web)
        _ = try Program.data(dns, "ns1.example.com")
        try wait(for: "the first lines") {
            Self.lines(file("one.log")).count == 1 && Self.lines(file("query-one.log")).count == 1
        }
        try FileManager.default.moveItem(at: file("one.log"), to: file("one.old"))
        try FileManager.default.moveItem(at: file("query-one.log"), to: file("query-one.old"))
        kill(program.processIdentifier, SIGUSR1)
        try wait(for: "the new files") {
            [file("one.log"), file("query-one.log")].allSatisfy { FileManager.default.fileExists(atPath: $0.path) }
        }
        try Self.get(web)
        _ = try Program.data(dns, "ns1.example.com")
        try wait(for: "lines in the new files") {
            Self.lines(file("one.log")).count == 1 && Self.lines(file("query-one.log")).count == 1
        }
        try program.replaceConfiguration(yaml("two"))
        program.hangUp()
        try wait(for: "the reload") { program.logged("generation=2 ") }
        try Self.get(web)
        _ = try Program.data(dns, "ns1.example.com")
        try wait(for: "lines in the other files") {
            Self.lines(file("two.log")).count == 1 && Self.lines(file("query-two.log")).count == 1
        }
        #expect(Self.lines(file("one.log")).count == 1 && Self.lines(file("one.old")).count == 1)
    }

    @Test("files are set aside at their size, as many as shall be kept")
    func rotation() throws {
        let (dns, web) = (try freePort(), try freePort())
        let program = try Program(
            Self.configuration(
                dns: dns, web: web, logs: "{ path: access.log, max_size: 64KiB, keep: 2 }", queries: "", program: ""))
        let load = try Program.run("wrk", ["-t1", "-c4", "-d6s", "http://127.0.0.1:\(web)/"])
        #expect(load.status == 0)
        let names = ["access.log", "access.log.1", "access.log.2"]
        // Until nothing is written any more: a file that is being set aside has no name for a moment.
        var last = ""
        var same = 0
        try wait(for: "the files") {
            let listing = try Program.run("ls", ["-l", "--full-time", program.folder.path]).output
            same = listing == last ? same + 1 : 0
            last = listing
            return same > 10 && names.allSatisfy(listing.contains)
        }
        for name in names {
            let file = program.folder.appending(path: name)
            let size = try file.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
            #expect(size <= 64 << 10)
            #expect(
                Self.lines(file).allSatisfy { line in
                    line.hasPrefix("time=") && line.contains(" request_id=") && line.ranges(of: "time=20").count == 1
                })
        }
        #expect(!FileManager.default.fileExists(atPath: program.folder.appending(path: "access.log.3").path))
    }

    @Test("a reader of standard output who takes nothing holds up neither a reload nor the end, and gets whole lines")
    func silentReader() throws {
        let (dns, web) = (try freePort(), try freePort())
        let output = makePipe()
        func yaml(_ access: String, _ queries: String) -> String {
            Self.configuration(dns: dns, web: web, logs: access, queries: ", query_log: \(queries)", program: "")
        }
        let program = try Program(yaml("\"-\"", "\"-\""), output: output)
        _ = try Program.data(dns, "ns1.example.com")
        // Far more than a pipe takes.
        #expect(try Program.run("wrk", ["-t1", "-c4", "-d3s", "http://127.0.0.1:\(web)/"]).status == 0)
        try program.replaceConfiguration(yaml("off", "off"))
        program.hangUp()
        try wait(for: "the reload") { program.logged("generation=2 ") }
        try program.replaceConfiguration(yaml("\"-\"", "\"-\""))
        program.hangUp()
        try wait(for: "the other reload") { program.logged("generation=3 ") }
        try Self.get(web)
        Foundation.kill(program.processIdentifier, SIGTERM)
        try wait(for: "the end") { !program.isRunning }
        let read = try #require(try output.fileHandleForReading.readToEnd())
        let lines = String(decoding: read, as: UTF8.self).split(separator: "\n")
        #expect(lines.count > 100)
        #expect(
            lines.allSatisfy { line in
                line.ranges(of: "time=20").count == 1 && line.hasPrefix("time=20")
                    && (line.contains(" request_id=") || line.contains(" transport=udp "))
            })
    }

    @Test("one file for both logs is refused")
    func sameFile() throws {
        let (dns, web) = (try freePort(), try freePort())
        #expect {
            _ = try Program(
                Self.configuration(
                    dns: dns, web: web, logs: "both.log", queries: ", query_log: ./both.log", program: ""))
        } throws: { error in
            "\(error)".contains("both.log is the file of proxy.access_log already")
        }
    }

    @Test("a log that cannot be written is told, and the node serves")
    func unwritable() throws {
        let (dns, web) = (try freePort(), try freePort())
        let program = try Program(
            Self.configuration(dns: dns, web: web, logs: "/none/access.log", queries: "", program: ""))
        #expect(program.logged("cannot open /none/access.log"))
        let answer = try Program.run("curl", ["-s", "-w", "%{http_code}", "http://127.0.0.1:\(web)/"])
        #expect(answer.output.hasSuffix("200"))
        let checked = try Program.run(Program.binary.path, ["check", "-c", program.configuration.path])
        #expect(checked.status == 0 && checked.error.contains("warning: proxy.access_log: /none/access.log cannot be"))
        #expect(checked.error.contains("its folder /none: No such file or directory"), "\(checked)")
    }

    @Test("a disk that is full is told in the program's own log, once")
    func fullDisk() throws {
        let (dns, web) = (try freePort(), try freePort())
        let program = try Program(
            Self.configuration(dns: dns, web: web, logs: "/dev/full", queries: "", program: ""))
        let words = "lines of a log are lost"
        try wait(for: "the loss to be told") {
            _ = try Program.run("curl", ["-s", "http://127.0.0.1:\(web)/"])
            return program.logged(words)
        }
        #expect(program.text.ranges(of: words).count == 1)
    }
}
