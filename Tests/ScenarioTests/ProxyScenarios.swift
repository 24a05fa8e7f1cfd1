import Foundation
import Testing

@Suite("The VIP tier under load, with members that are killed and reloads", .serialized)
struct ProxyScenarios {
    static func configuration(port: Int, members: [Int], extra: String = "") -> String {
        """
        proxy: { access_log: "off", threads: 2 }
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
        #expect(generation > 8 && !program.logged("refused"), "\(program.text)")
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
        let load = try Load(port, seconds: 3)
        usleep(1_000_000)
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

    @Test("without descriptors accepting pauses, does not spin, and goes on when there are some")
    func descriptors() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            Self.configuration(port: port, members: [member.port], extra: "admin: { socket: \(socket) }"),
            limit: "-n 64")
        #expect(program.logged("fewer descriptors than proxy.limits.connections"))
        func status() throws -> [String: Any] {
            let body = try Program.run(Program.binary.path, ["status", "--json", "--socket", socket]).output
            let object = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
            return object?["proxy"] as? [String: Any] ?? [:]
        }
        #expect(try status()["descriptorPauses"] as? Int == 0)
        var idle: [RawClient] = []
        for _ in 0..<80 { if let client = RawClient(port) { idle.append(client) } }
        #expect(idle.count == 80)
        // The admin socket has no descriptor left to accept with either, so the process is looked at from outside.
        let descriptors = "/proc/\(program.processIdentifier)/fd"
        try wait(for: "the descriptors to run out") {
            try FileManager.default.contentsOfDirectory(atPath: descriptors).count >= 63
        }
        let before = program.processorTicks
        usleep(1_000_000)
        let used = program.processorTicks - before
        // A loop that spins uses all of its processor: a hundred ticks a second.
        #expect(used < 30, "\(used) ticks in a second")
        idle.removeAll()
        let client = try #require(RawClient(port))
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(client.receiveText(until: "abc").hasPrefix("HTTP/1.1 200"))
        let pauses = try #require(status()["descriptorPauses"] as? Int)
        #expect(pauses > 0)
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
