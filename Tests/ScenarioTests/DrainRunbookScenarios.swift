import Foundation
import Testing

/// The runbooks of docs/operations.md about drains, played by command and by curl.
@Suite("Runbooks of drains")
struct DrainRunbookScenarios {
    @Test(
        "a region that works badly is drained while clients come; who keeps its addresses is in the access log",
        arguments: Way.allCases)
    func drain(way: Way) throws {
        let log = FileManager.default.temporaryDirectory.appending(path: "access-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: log) }
        // Clients keep their connections: an idle one is closed soon.
        let site = try RunbookSite(
            way, proxy: "access_log: { path: \(log.path), format: json }, limits: { idle_timeout: 5s }")
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        let clients = try SteeredClients(
            dnsPort: site.dnsPort,
            regions: ["eu": ("eu.lb.example.net", site.ports[0]), "us": ("us.lb.example.net", site.ports[1])])
        try wait(for: "them to come") { try site.clients(of: "eu").arrived > 20 }
        let drained = try site.act(
            ["drain", "region", "eu", "--reason", "errors 5 %", "--wait", "--quiet-for", "1s", "--timeout", "5m"],
            "PUT", "/v1/overrides/region", #"{"name":"eu","verdict":"drain","reason":"errors 5 %"}"#)
        #expect(drained.isDone, "\(drained)")
        if way == .commands { #expect(drained.text.contains("region eu is drained"), "\(drained)") }
        // By the API that is looked at: none is open, and while others came elsewhere, none came here.
        var (last, lastElsewhere) = (try site.clients(of: "eu"), try site.clients(of: "us"))
        try wait(for: "nothing to be left") {
            let (now, elsewhere) = (try site.clients(of: "eu"), try site.clients(of: "us"))
            guard elsewhere.arrived >= lastElsewhere.arrived + 20 else { return false }
            defer { (last, lastElsewhere) = (now, elsewhere) }
            return now.open == 0 && now.arrived == last.arrived
        }
        let status = try site.look(["status", "--region", "eu"], "/v1/regions/eu")
        #expect(status.contains("draining"), "\(status)")
        let served = try clients.stop()
        #expect(served.failed == 0 && served.eu > 0 && served.us > 0, "\(served)")

        let keeper = Process()
        keeper.executableURL = URL(filePath: "/bin/sh")
        keeper.arguments = [
            "-c", "while :; do curl -s --interface 127.0.0.9 http://127.0.0.1:\(site.ports[0])/; sleep 0.1; done",
        ]
        keeper.standardOutput = FileHandle.nullDevice
        try keeper.start()
        defer {
            // The threads of a test run may have other signals blocked, and so has what they start.
            kill(keeper.processIdentifier, SIGKILL)
            keeper.waitUntilExit()
        }
        if way == .commands {
            let endless = try site.call(["drain", "region", "eu", "--wait", "--timeout", "10s", "--quiet-for", "9s"])
            #expect(endless.status == 3 && endless.text.contains("clients that keep addresses"), "\(endless)")
            #expect(!endless.text.contains("old answers are kept"), "\(endless)")
        }
        try wait(for: "the client to come again and again") { try site.clients(of: "eu").arrived > last.arrived + 3 }
        #expect(try site.region() == "us", "DNS has sent nobody there since")
        try wait(for: "the log to say who it is") {
            try String(contentsOf: log, encoding: .utf8).contains(#""client":"127.0.0.9:"#)
        }
        #expect(
            try site.act(["enable", "region", "eu"], "DELETE", "/v1/overrides/region", #"{"name":"eu"}"#).isDone)
        #expect(try site.region() == "eu" && site.request() == 200)
    }

    @Test(
        "a drain has not ended while resolvers keep old answers, and is waited for no more when it is taken back",
        arguments: Way.allCases)
    func keptAnswers(way: Way) throws {
        let site = try RunbookSite(way, ttl: "145s")
        let body = #"{"name":"eu","verdict":"drain"}"#
        let drained = try site.act(
            ["drain", "region", "eu", "--wait", "--timeout", "1s", "--quiet-for", "1s"], "PUT",
            "/v1/overrides/region", body)
        let waiting = Process()
        let output = makePipe()
        switch way {
        case .commands:
            // Both times of 145 seconds, less what has passed.
            #expect(
                !drained.isDone && drained.text.contains(#/old answers are kept for 2[0-9]{2} s more/#), "\(drained)")
            waiting.executableURL = Program.binary
            waiting.arguments = ["drain", "region", "eu", "--reason", "again", "--wait", "--socket", site.socket]
            waiting.standardOutput = output
            waiting.standardError = FileHandle.nullDevice
            try waiting.start()
        case .api:
            #expect(drained.isDone, "\(drained)")
            for path in ["/v1/pools/eu", "/v1/wide-ips/api.example.com"] {
                #expect(try site.get(path).contains(#""ttl":145"#), "\(path)")
            }
            let again = #"{"name":"eu","verdict":"drain","reason":"again"}"#
            #expect(try site.act([], "PUT", "/v1/overrides/region", again).isDone)
        }
        try wait(for: "the drain") { try site.get("/v1/overrides").contains(#""reason":"again""#) }
        #expect(
            try site.act(["enable", "region", "eu"], "DELETE", "/v1/overrides/region", #"{"name":"eu"}"#).isDone)
        if way == .commands {
            let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            waiting.waitUntilExit()
            #expect(waiting.terminationStatus == 1, "\(text)")
            #expect(text.contains("the drain of region eu was taken back by "), "\(text)")
        }
        #expect(try site.look(["status"], "/v1/overrides").contains("drain") == false)
        let events = try site.look(["events", "--kind", "override-cleared"], "/v1/events?kind=override-cleared")
        #expect(events.contains(way == .commands ? "region eu  drain  by " : #""author":""#), "\(events)")
    }

    @Test("a drain does not end: what holds it is found, and ended", arguments: Way.allCases)
    func endlessDrain(way: Way) throws {
        let site = try RunbookSite(way)
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
        switch way {
        case .commands: #expect(drained.text.contains("open on listener eu"), "\(drained)")
        case .api: try wait(for: "it alone to be left") { try site.clients(of: "eu").open == 1 }
        }
        webSocket.send("hold")
        #expect(webSocket.receiveText(until: "hold") == "hold", "the drain cuts nobody off")
        // The last resort: without its listener the VIP closes what is open after proxy.drain_timeout.
        try site.program.replaceConfiguration(
            site.yaml.split(separator: "\n").filter { !$0.contains("  eu: { address:") }.joined(separator: "\n"))
        let preview = try site.act(["reload", "--dry-run"], "POST", "/v1/reload?dry_run=true")
        let words =
            way == .commands
            ? ["listener eu", "127.0.0.1:\(site.ports[0])  gone", "connections are open on what would get nothing new"]
            : [#""after":"gone","before":"127.0.0.1:\#(site.ports[0])","kind":"listener","name":"eu""#]
        for word in words { #expect(preview.text.contains(word), "\(word): \(preview)") }
        #expect(!preview.text.contains(#""openConnections":0"#), "\(preview)")
        #expect(try site.act(["reload"], "POST", "/v1/reload").isDone)
        try wait(for: "the connection to be closed") {
            try site.get("/v1/status").contains(#""drainingConnections":0"#)
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
        let site = try RunbookSite(way)
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
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
