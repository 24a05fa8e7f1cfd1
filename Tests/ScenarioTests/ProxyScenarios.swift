import Foundation
import Testing

@Suite("The VIP tier under load, with members that are killed and reloads", .serialized)
struct ProxyScenarios {
    static func configuration(
        port: Int, members: [Int], threads: Int = 2, settings: String = "", extra: String = ""
    ) -> String {
        """
        proxy: { access_log: "off", threads: \(threads)\(settings) }
        upstreams:
          app: { members: [\(members.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", "))], ejection_time: 1s }
        listeners:
          web: { address: "127.0.0.1:\(port)", upstream: app }
        \(extra)
        """
    }

    @Test("a reload every half second fails no request, closes no WebSocket and cuts no download")
    func reloads() throws {
        let port = try freePort()
        let member = try MemberProcess(port: try freePort())
        let other = try MemberProcess(port: try freePort())
        let program = try Program(Self.configuration(port: port, members: [member.port]))
        let webSocket = try #require(RawClient(port))
        webSocket.send(
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
        #expect(webSocket.receiveText(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101"))
        let download = try #require(RawClient(port))
        download.send("GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(download.receiveText(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))

        let load = try Load(port, seconds: 5)
        var generation = 1
        while load.isRunning {
            usleep(500_000)
            generation += 1
            // A member comes and goes.
            let members = generation % 2 == 0 ? [member.port, other.port] : [member.port]
            try program.replaceConfiguration(Self.configuration(port: port, members: members))
            program.hangUp()
            try wait(for: "generation \(generation)") { program.logged("generation=\(generation) ") }
        }
        let result = try load.result()
        #expect(result.requests > 100 && result.failures.isEmpty, "\(result)")
        #expect(generation > 3 && !program.logged("refused"), "\(program.text)")
        #expect(download.receive(.max) == 6_000_000)
        webSocket.send("still here?")
        #expect(webSocket.receiveText(until: "?") == "still here?")
    }

    @Test("a member that is killed under load fails no request that may be repeated")
    func killedMember() throws {
        let port = try freePort()
        let survivor = try MemberProcess(port: try freePort())
        let victim = try MemberProcess(port: try freePort())
        let program = try Program(Self.configuration(port: port, members: [survivor.port, victim.port]))
        let load = try Load(port, seconds: 10)
        // What may be repeated is a share of what was asked lately, and ten at least.
        usleep(3_000_000)
        victim.kill()
        let result = try load.result()
        #expect(result.requests > 100 && result.failures.isEmpty, "\(result)\n\(program.text)")
        #expect(RawClient(victim.port) == nil, "the member is gone")
    }

    @Test("of descriptors it takes all that the system allows")
    func descriptorLimit() throws {
        let program = try Program(
            Self.configuration(port: try freePort(), members: [try freePort()]), limit: "-Sn 256")
        let limits = try String(contentsOfFile: "/proc/\(program.processIdentifier)/limits", encoding: .utf8)
        let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
        let found = try #require(line.firstMatch(of: /(\d+) +(\d+)/))
        #expect(found.1 == found.2 && found.1 != "256", "\(line)")
    }

    private static func status(_ socket: String) throws -> [String: Any] {
        let body = try Program.run(Program.binary.path, ["status", "--json", "--socket", socket]).output
        let object = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        return object?["proxy"] as? [String: Any] ?? [:]
    }

    @Test("a crowd that says nothing costs none of the few descriptors that clients who ask, and operators, need")
    func silentCrowd() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            // Who gives way is judged loop by loop: one that has no newcomers gives up who it has.
            Self.configuration(
                port: port, members: [member.port], threads: 1, extra: "admin: { socket: \(socket) }"),
            limit: "-n 160")
        #expect(program.logged("proxy.limits.connections is more than the system has descriptors for"))
        let asked = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let kept = try #require(RawClient(port))
        kept.send(asked)
        #expect(kept.receiveText(until: "abc").hasPrefix("HTTP/1.1 200"))
        var crowd: [RawClient] = []
        for _ in 0..<300 { if let client = RawClient(port) { crowd.append(client) } }
        #expect(crowd.count == 300)
        try wait(for: "the crowd to be let in") {
            let status = try Self.status(socket)
            return (status["evicted"] as? Int ?? 0) + (status["openConnections"] as? Int ?? 0) >= 301
        }
        kept.send(asked)
        #expect(kept.receiveText(until: "abc").hasPrefix("HTTP/1.1 200"))
        let new = try #require(RawClient(port))
        new.send(asked)
        #expect(new.receiveText(until: "abc").hasPrefix("HTTP/1.1 200"))
        let status = try Self.status(socket)
        #expect(status["failures"] as? Int == 0 && status["descriptorPauses"] as? Int == 0, "\(status)")
        let open = try #require(status["openConnections"] as? Int)
        #expect(open <= 80)
        #expect(try #require(status["evicted"] as? Int) >= 301 - open)
    }

    @Test("without descriptors idle clients give way, else accepting pauses without spinning, and goes on in time")
    func descriptors() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            Self.configuration(
                port: port, members: [member.port], settings: ", limits: { head_timeout: 60s }",
                extra: "admin: { socket: \(socket) }"))
        #expect(try Self.status(socket)["descriptorPauses"] as? Int == 0)
        let asked = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        try program.limitDescriptors(toMore: 20)
        var clients: [RawClient] = []
        for _ in 0..<60 { if let client = RawClient(port) { clients.append(client) } }
        #expect(clients.count == 60)
        // One of two loops may have none to give up itself: the other does it a little later, and meanwhile there is 503.
        try wait(for: "a client to be served") {
            guard let client = RawClient(port) else { return false }
            client.send(asked)
            return client.receiveText(until: "abc").hasPrefix("HTTP/1.1 200")
        }
        clients.removeAll()
        // Those that have asked, and begin to ask again, are not idle, nor taken for ones that ask no more at once.
        for _ in 0..<60 {
            guard let client = RawClient(port) else { continue }
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET")
            clients.append(client)
        }
        #expect(clients.count == 60)
        // The admin socket has no descriptor left to accept with either, so the process is looked at from outside.
        let descriptors = "/proc/\(program.processIdentifier)/fd"
        let limits = try String(contentsOfFile: "/proc/\(program.processIdentifier)/limits", encoding: .utf8)
        let line = try #require(limits.firstMatch(of: /Max open files +(\d+)/))
        let most = try #require(Int(line.1))
        try wait(for: "the descriptors to run out") {
            try FileManager.default.contentsOfDirectory(atPath: descriptors).count >= most - 1
        }
        let (before, start) = (program.processorTicks, ContinuousClock.now)
        usleep(1_000_000)
        let (used, seconds) = (program.processorTicks - before, (ContinuousClock.now - start) / .seconds(1))
        // A loop that spins uses all of its processor: a hundred ticks a second.
        #expect(Double(used) < 30 * seconds, "\(used) ticks in \(seconds) seconds")
        clients.removeAll()
        // Their descriptors come back one after another.
        try wait(for: "a client to be served again") {
            guard let client = RawClient(port) else { return false }
            client.send(asked)
            return client.receiveText(until: "abc").hasPrefix("HTTP/1.1 200")
        }
        let status = try Self.status(socket)
        #expect(try #require(status["descriptorPauses"] as? Int) > 0)
        #expect(try #require(status["evicted"] as? Int) > 0)
    }

    @Test("twenty readers that stand still cost a bounded amount of memory")
    func slowReaders() throws {
        let port = try freePort()
        let member = try MemberProcess(port: try freePort())
        let program = try Program(Self.configuration(port: port, members: [member.port]))
        let before = program.memory
        var readers: [RawClient] = []
        for _ in 0..<20 {
            let reader = try #require(RawClient(port))
            reader.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(reader.receiveText(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            readers.append(reader)
        }
        // Each waits for 100 MB; what the program holds of them grows no further once the buffers are full.
        var held = 0
        try wait(for: "the buffers to be full") {
            let now = program.memory
            defer { held = now }
            usleep(200_000)
            return now == held
        }
        #expect(program.memory - before < 20 * 512 * 1024, "\((program.memory - before) / 1024) KiB more")
        #expect(readers[0].receive(5_000_000) == 5_000_000)
    }
}
