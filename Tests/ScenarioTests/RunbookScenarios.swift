import Foundation
import Testing

/// How an operator does what a runbook says.
enum Way: String, CaseIterable {
    case commands, api
}

/// The runbooks of docs/operations.md, played by command and by curl, with what clients then see.
@Suite("Runbooks")
struct RunbookScenarios {
    /// Two regions with a VIP and a member each, a name over both, and a VIP with TLS.
    private final class Site {
        let way: Way
        let dnsPort: Int
        let ports: [Int]
        private(set) var members: [MemberProcess?]
        let socket: String
        let yaml: String
        let program: Program
        let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")

        init(_ way: Way, more: String = "", certificateDays: Int = 5) throws {
            self.way = way
            dnsPort = try freePort()
            ports = try (0..<3).map { _ in try freePort() }
            members = try [MemberProcess(port: freePort()), MemberProcess(port: freePort())]
            socket = "/tmp/meridian-\(dnsPort).sock"
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Self.certify(folder, days: certificateDays)
            yaml = """
                dns: { listen: ["127.0.0.1:\(dnsPort)"] }
                regions:
                  eu: { host: eu.lb.example.net }
                  us: { host: us.lb.example.net }
                monitors: { web: { http: {}, interval: 500ms, timeout: 500ms, fall: 2 } }
                virtual_servers:
                  eu-1: { address: "127.0.0.1:\(ports[0])", region: eu, monitors: [web] }
                  us-1: { address: "127.0.0.2:\(ports[1])", region: us, monitors: [web] }
                pools:
                  eu: { region: eu, virtual_servers: [eu-1], ttl: 1s }
                  us: { region: us, virtual_servers: [us-1], ttl: 1s }
                wide_ips:
                  api.example.com: { pools: [eu, us], method: global-availability, ttl: 1s }
                zones:
                  example.com: { ns: [ns1.example.com], records: { ns1: { A: [127.0.0.1] } } }
                  example.net: { ns: [ns1.example.com] }
                upstreams:
                  eu: { members: ["127.0.0.1:\(members[0]?.port ?? 0)"] }
                  us: { members: ["127.0.0.1:\(members[1]?.port ?? 0)"] }
                certificates:
                  web: { chain: \(folder.path)/web.pem, key: \(folder.path)/web.key }
                listeners:
                  eu: { address: "127.0.0.1:\(ports[0])", upstream: eu }
                  us: { address: "127.0.0.2:\(ports[1])", upstream: us }
                  web: { address: "127.0.0.1:\(ports[2])", tls: { certificates: [web] }, upstream: us }
                proxy: { access_log: "off", drain_timeout: 1s }
                admin: { socket: \(socket), state: \(folder.path)/state.db }
                \(more)
                """
            program = try Program(yaml)
            try wait(for: "the admin socket to answer") { [socket] in
                try Program.run(Program.binary.path, ["status", "--socket", socket]).status == 0
            }
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        static func certify(_ folder: URL, days: Int) throws {
            let made = try Program.run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "\(days)", "-subj", "/CN=a.test", "-addext", "subjectAltName=DNS:a.test", "-keyout",
                    "\(folder.path)/web.key", "-out", "\(folder.path)/web.pem",
                ])
            guard made.status == 0 else { throw Program.Failure(description: made.error) }
        }

        /// One step: the command, or the request that does the same.
        ///
        /// - Returns: what was said, and whether it was done.
        @discardableResult
        func act(
            _ command: [String], _ method: String, _ path: String, _ body: String = ""
        ) throws -> (text: String, isDone: Bool) {
            switch way {
            case .commands:
                let result = try Program.run(Program.binary.path, command + ["--socket", socket])
                return (result.output + result.error, result.status == 0)
            case .api:
                let output = try Program.run(
                    "curl",
                    [
                        "--silent", "--max-time", "10", "--unix-socket", socket, "-X", method, "--data-binary", body,
                        "-H", "Accept: application/json", "-w", "\n%{http_code}", "http://meridian\(path)",
                    ]
                ).output
                let status = Int(output.split(separator: "\n").last ?? "") ?? 0
                return (output, (200..<300).contains(status))
            }
        }

        func look(_ command: [String], _ path: String) throws -> String { try act(command, "GET", path).text }

        /// What a client's resolver gets.
        func region() throws -> String {
            let answer = try Program.data(dnsPort, "api.example.com", "A") + [""]
            return String(answer[0].prefix(2))
        }

        func state(ofPool name: String) throws -> String? {
            let text = try Program.run(
                Program.binary.path, ["status", "--pool", name, "--json", "--socket", socket]
            ).output
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            return (object?["pools"] as? [[String: Any]])?.first?["state"] as? String
        }

        /// The status of a request to where the name leads.
        func request() throws -> Int {
            let isEU = try region() == "eu"
            let address = isEU ? "127.0.0.1:\(ports[0])" : "127.0.0.2:\(ports[1])"
            let output = try Program.run(
                "curl", ["--silent", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}", "http://\(address)/"]
            ).output
            return Int(output) ?? 0
        }

        func kill(_ member: Int) { members[member]?.kill() }

        func revive(_ member: Int) throws {
            let port = members[member]?.port ?? 0
            members[member] = nil
            members[member] = try MemberProcess(port: port)
        }

        func replace(_ text: String, with other: String) throws {
            try program.replaceConfiguration(yaml.replacing(text, with: other))
        }
    }

    @Test("a region is sick: it is left by itself, held out, and let in again", arguments: Way.allCases)
    func sickRegion(way: Way) throws {
        let site = try Site(way)
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        site.kill(0)
        try wait(for: "clients to be sent elsewhere") { try site.region() == "us" }
        #expect(try site.request() == 200)
        let status = try site.look(["status", "--problems"], "/v1/status")
        #expect(status.contains("status 502"), "the reason is told: \(status)")
        let events = try site.look(["events", "--subject", "pool"], "/v1/events?subject=pool")
        #expect(events.contains("available") && events.contains("down"), "\(events)")
        let why = try site.look(
            ["explain", "api.example.com", "--client", "192.0.2.0/24"],
            "/v1/explain?name=api.example.com&client=192.0.2.0/24")
        #expect(why.contains("down"), "\(why)")

        // It comes and goes; nobody shall be sent there until somebody has looked.
        let held = try site.act(
            ["force-down", "region", "eu", "--reason", "power"], "PUT", "/v1/overrides/region",
            #"{"name":"eu","verdict":"force-down","reason":"power"}"#)
        #expect(held.isDone, "\(held)")
        try site.revive(0)
        let member = try #require(site.members[0]).port
        try wait(for: "the VIP to answer") {
            let output = try Program.run(
                "curl", ["--silent", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:\(site.ports[0])/"]
            ).output
            return output == "200"
        }
        #expect(try site.region() == "us" && member > 0)
        let enabled = try site.act(["enable", "region", "eu"], "DELETE", "/v1/overrides/region", #"{"name":"eu"}"#)
        #expect(enabled.isDone, "\(enabled)")
        try wait(for: "the way back") { try site.region() == "eu" }
        #expect(try site.request() == 200)
        let trail = try site.look(["audit"], "/v1/audit")
        #expect(trail.contains("power") && trail.contains("clear-override"), "\(trail)")
    }

    @Test("planned maintenance begins, is seen, and ends before its time", arguments: Way.allCases)
    func maintenance(way: Way) throws {
        let site = try Site(way)
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        let clients = try SteeredClients(
            dnsPort: site.dnsPort,
            regions: ["eu": ("eu.lb.example.net", site.ports[0]), "us": ("us.lb.example.net", site.ports[1])])
        let start = (Int64(Date().timeIntervalSince1970) + 3) * 1000
        let time = Date(timeIntervalSince1970: Double(start) / 1000).formatted(.iso8601)
        let preview = try site.act(
            ["window", "add", "move", "--region", "eu", "--from", time, "--for", "1h", "--drain", "1s", "--dry-run"],
            "PUT", "/v1/windows/move?dry_run=true",
            #"{"kind":"region","name":"eu","start":\#(start),"seconds":3600,"drain":1}"#)
        #expect(preview.isDone && preview.text.contains("api.example.com"), "\(preview)")
        let planned = try site.act(
            ["window", "add", "move", "--region", "eu", "--from", time, "--for", "1h", "--drain", "1s"],
            "PUT", "/v1/windows/move", #"{"kind":"region","name":"eu","start":\#(start),"seconds":3600,"drain":1}"#)
        #expect(planned.isDone, "\(planned)")
        #expect(try site.look(["window", "list"], "/v1/windows").contains("move"))
        try wait(for: "the window to begin") { try site.region() == "us" }
        try wait(for: "the window to open") { try site.look(["window", "list"], "/v1/windows").contains("open") }
        #expect(try site.request() == 200)
        let ended = try site.act(["window", "cancel", "move"], "DELETE", "/v1/windows/move")
        #expect(ended.isDone, "\(ended)")
        #expect(try site.region() == "eu")
        let served = try clients.stop()
        #expect(served.failed == 0 && served.us > 0, "\(served)")
    }

    @Test("a region is given up for another, and taken back", arguments: Way.allCases)
    func cutover(way: Way) throws {
        let site = try Site(way)
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        // Half of it is broken: monitors may say what they want, all go.
        let body = #"{"name":"eu","verdict":"cutover","to":"us","reason":"flood"}"#
        let preview = try site.act(
            ["cutover", "eu", "us", "--dry-run"], "PUT", "/v1/overrides/region?dry_run=true", body)
        #expect(preview.isDone && preview.text.contains("api.example.com"), "\(preview)")
        #expect(try site.region() == "eu")
        let cut = try site.act(
            ["cutover", "eu", "us", "--reason", "flood"], "PUT", "/v1/overrides/region", body)
        #expect(cut.isDone, "\(cut)")
        #expect(try site.region() == "us" && site.request() == 200)
        let status = try site.look(["status"], "/v1/status")
        #expect(status.contains("cutover") && status.contains("flood"), "\(status)")
        let back = try site.act(["enable", "region", "eu"], "DELETE", "/v1/overrides/region", #"{"name":"eu"}"#)
        #expect(back.isDone, "\(back)")
        try wait(for: "the way back") { try site.region() == "eu" }

        // Nobody is sent to what does not work either, unless it is said twice.
        site.kill(1)
        try wait(for: "us to be down") {
            try site.state(ofPool: "us") == "down"
        }
        let refused = try site.act(["cutover", "eu", "us"], "PUT", "/v1/overrides/region", body)
        #expect(!refused.isDone && refused.text.contains("nothing to answer with"), "\(refused)")
        #expect(try site.region() == "eu" && site.request() == 200)
    }

    @Test("a certificate that ends soon is replaced without a failed request", arguments: Way.allCases)
    func certificate(way: Way) throws {
        let site = try Site(way)
        func served() throws -> String {
            try Program.run(
                "sh",
                [
                    "-c",
                    "openssl s_client -connect 127.0.0.1:\(site.ports[2]) -servername a.test </dev/null 2>/dev/null | "
                        + "openssl x509 -noout -fingerprint",
                ]
            ).output
        }
        func daysLeft() throws -> Bool {
            let status = try site.look(["status"], "/v1/status")
            // Five in its first second.
            return [4, 5].contains { days in
                status.contains("certificate web  \(days) days left") || status.contains(#""daysLeft":\#(days)"#)
            }
        }
        #expect(try daysLeft())
        #expect(site.program.logged("a certificate ends soon"))
        let before = try served()
        let load = try Load(site.ports[2], seconds: 3, scheme: "https")
        try Site.certify(site.folder, days: 90)
        #expect(try served() == before, "files are read when they are loaded")
        let loaded = try site.act(["reload"], "POST", "/v1/reload")
        #expect(loaded.isDone, "\(loaded)")
        let after = try served()
        #expect(after != before && after.contains("="), "\(after)")
        #expect(try !daysLeft())
        let result = try load.result()
        #expect(result.requests > 10 && result.failures.isEmpty, "\(result)")
    }

    @Test("a bad configuration is refused, and one that does the wrong thing is taken back", arguments: Way.allCases)
    func configuration(way: Way) throws {
        let site = try Site(way)
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        try site.replace("pools: [eu, us]", with: "pools: [eu, uss]")
        let broken = try site.act(["reload"], "POST", "/v1/reload")
        #expect(!broken.isDone && broken.text.contains("uss"), "\(broken)")
        #expect(try site.region() == "eu" && site.request() == 200, "the old one stays in force")

        try site.replace("pools: [eu, us]", with: "pools: [us]")
        let preview = try site.act(["reload", "--dry-run"], "POST", "/v1/reload?dry_run=true")
        #expect(preview.isDone && preview.text.contains("api.example.com"), "\(preview)")
        #expect(try site.region() == "eu")
        #expect(try site.act(["reload"], "POST", "/v1/reload").isDone)
        #expect(try site.region() == "us")
        let events = try site.look(["events", "--kind", "reload-applied"], "/v1/events?kind=reload-applied")
        #expect(events.contains("reload-applied"), "\(events)")

        try site.program.replaceConfiguration(site.yaml)
        #expect(try site.act(["reload"], "POST", "/v1/reload").isDone)
        #expect(try site.region() == "eu" && site.request() == 200)
    }

    @Test("a drain does not end: what holds it is found, and ended", arguments: Way.allCases)
    func endlessDrain(way: Way) throws {
        let site = try Site(way)
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        let webSocket = try #require(RawClient(site.ports[0]))
        webSocket.send(
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
        #expect(webSocket.receiveText(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101"))
        let drained = try site.act(
            ["drain", "region", "eu", "--wait", "--timeout", "3s"], "PUT", "/v1/overrides/region",
            #"{"name":"eu","verdict":"drain"}"#)
        #expect(drained.isDone == (way == .api))
        #expect(try site.region() == "us")
        func status() throws -> [String: Any] {
            let text = try Program.run(Program.binary.path, ["status", "--json", "--socket", site.socket]).output
            return try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
        }
        if way == .commands {
            #expect(drained.text.contains("open on listener eu"), "\(drained)")
        }
        let listeners = try status()["listeners"] as? [[String: Any]]
        let listener = listeners?.first { $0["name"] as? String == "eu" }
        #expect(listener?["openConnections"] as? Int ?? 0 > 0, "\(String(describing: listeners))")
        webSocket.send("hold")
        #expect(webSocket.receiveText(until: "hold") == "hold", "the drain cuts nobody off")
        // The last resort: without its listener the VIP closes what is open after proxy.drain_timeout.
        try site.program.replaceConfiguration(
            site.yaml.split(separator: "\n").filter { !$0.contains("  eu: { address:") }.joined(separator: "\n"))
        #expect(try site.act(["reload"], "POST", "/v1/reload").isDone)
        try wait(for: "the connection to be closed") {
            (try status()["proxy"] as? [String: Any])?["drainingConnections"] as? Int == 0
        }
        #expect(webSocket.receive(1) == 0)
        #expect(try site.request() == 200)
        try site.program.replaceConfiguration(site.yaml)
        #expect(try site.act(["reload"], "POST", "/v1/reload").isDone)
        #expect(
            try site.act(["enable", "region", "eu"], "DELETE", "/v1/overrides/region", #"{"name":"eu"}"#).isDone)
        try wait(for: "the way back") { try site.region() == "eu" && site.request() == 200 }
    }

    @Test("a drain does not end because nothing else is available", arguments: Way.allCases)
    func lastRegion(way: Way) throws {
        let site = try Site(way)
        site.kill(1)
        try wait(for: "us to be down") {
            try site.state(ofPool: "us") == "down"
        }
        let drained = try site.act(
            ["drain", "region", "eu"], "PUT", "/v1/overrides/region", #"{"name":"eu","verdict":"drain"}"#)
        #expect(drained.isDone)
        #expect(try site.region() == "eu" && site.request() == 200, "a drain takes no name down")
        let why = try site.look(
            ["explain", "api.example.com", "--client", "192.0.2.0/24"],
            "/v1/explain?name=api.example.com&client=192.0.2.0/24")
        #expect(why.contains("us") && why.contains("down"), "\(why)")
        try site.revive(1)
        try wait(for: "us") { try site.region() == "us" && site.request() == 200 }
    }
}
