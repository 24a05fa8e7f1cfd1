import Foundation
import Testing

/// They take minutes, or more descriptors than a machine gives at once: `make test-slow` runs them.
@Suite(
    "The VIP tier over minutes and with many connections", .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["MERIDIAN_SLOW"] != nil))
struct EnduranceScenarios {
    /// Opens connections from several addresses, uses each, lets them rest while it waits for a line, uses them again.
    private static let crowd = """
        import resource, select, socket, sys

        port, count = int(sys.argv[1]), int(sys.argv[2])
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        poll = select.epoll()
        sockets = {}

        def ask(some):
            left = set(some)
            for number in some:
                sockets[number].sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
            while left:
                events = poll.poll(20)
                assert events, "%d of %d wait in vain" % (len(left), len(some))
                for number, _ in events:
                    data = sockets[number].recv(4096)
                    assert data.startswith(b"HTTP/1.1 200 ") and data.endswith(b"abc"), (number, data)
                    left.discard(number)

        for first in range(0, count, 200):
            fresh = []
            for number in range(first, min(first + 200, count)):
                s = socket.socket()
                s.bind(("127.0.0.%d" % (1 + number % 8), 0))
                s.connect(("127.0.0.1", port))
                sockets[s.fileno()] = s
                poll.register(s, select.EPOLLIN)
                fresh.append(s.fileno())
            ask(fresh)
        print("open", flush=True)
        sys.stdin.readline()
        everyone = list(sockets)
        for first in range(0, count, 500):
            ask(everyone[first:first + 500])
        print("all well")
        """

    @Test("twenty thousand connections rest, others are served meanwhile, and each is of use again")
    func crowd() throws {
        var limit = rlimit()
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        // Where a process may not have that many descriptors, as many clients as the node takes then: it keeps half of
        // them for members and all else.
        let count = min(20_000, Int(clamping: limit.rlim_max / 2) - 200)
        try #require(count > 5000, "raise the limit of descriptors (ulimit -Hn)")
        let port = try freePort()
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            """
            proxy: { access_log: "off", threads: 2, limits: { connections: \(count + 100) } }
            upstreams:
              app: { members: ["127.0.0.1:\(member.port)"] }
            listeners:
              web: { address: "127.0.0.1:\(port)", upstream: app }
            """)
        let before = program.memory
        let crowd = Process()
        let (input, output) = (makePipe(), makePipe())
        crowd.executableURL = URL(filePath: "/usr/bin/env")
        crowd.arguments = ["python3", "-c", Self.crowd, "\(port)", "\(count)"]
        crowd.standardInput = input
        crowd.standardOutput = output
        try crowd.start()
        var opened = ""
        while !opened.hasSuffix("\n") {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            opened += String(decoding: more, as: UTF8.self)
        }
        try #require(opened == "open\n", "\(program.text)")
        let perConnection = (program.memory - before) / count
        #expect(perConnection < 8 << 10, "\(perConnection) octets each")
        let ticks = program.processorTicks
        for _ in 0..<20 {
            let result = try Program.run("curl", ["-sS", "--max-time", "5", "http://127.0.0.1:\(port)/"])
            #expect(result.output == "abc", "\(result)")
        }
        #expect(program.processorTicks - ticks < 100, "resting connections cost processor time")
        input.fileHandleForWriting.write(Data("\n".utf8))
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        crowd.waitUntilExit()
        #expect(text == "all well\n", "\(program.text)")
        let told = program.text.split(separator: "\n").filter { !$0.contains("than the system has descriptors for") }
        #expect(!told.contains { $0.contains("warning") || $0.contains("error") }, "\(program.text)")
    }

    @Test("a reload each second for a minute drops no WebSocket, no gRPC stream, no download and no request")
    func reloads() throws {
        let (port, calls, seconds) = (try freePort(), try freePort(), 60)
        let (member, other) = (try MemberProcess(port: try freePort()), try MemberProcess(port: try freePort()))
        let server = try Running(Script.server, port: calls)
        func configuration(_ generation: Int) -> String {
            // A member, a route and a listener come and go.
            let more = generation % 2 == 0
            return """
                proxy: { access_log: "off", threads: 2, drain_timeout: 5s }
                upstreams:
                  app: { members: ["127.0.0.1:\(member.port)"\(more ? ", \"127.0.0.1:\(other.port)\"" : "")] }
                  calls: { members: ["127.0.0.1:\(calls)"], http2: true }
                listeners:
                  web:
                    address: "127.0.0.1:\(port)"
                    routes:
                      \(more ? "- { path: /more, respond: { body: more } }" : "")
                      - { path: /t.Echo, upstream: calls }
                      - { upstream: app }
                """
        }
        let program = try Program(configuration(1))
        let webSocket = try #require(RawClient(port))
        webSocket.send(
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
        #expect(webSocket.receiveText(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101"))
        func start(_ tool: String, _ arguments: [String]) throws -> (process: Process, output: Pipe) {
            let (process, output) = (Process(), makePipe())
            process.executableURL = URL(filePath: tool.hasPrefix("/") ? tool : "/usr/bin/env")
            process.arguments = tool.hasPrefix("/") ? arguments : [tool] + arguments
            process.standardOutput = output
            try process.start()
            return (process, output)
        }
        let downloads = try ["--http1.1", "--http2-prior-knowledge"].map {
            // 6 MB at 100 kB/s.
            try start(
                "curl",
                ["-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", $0, "--limit-rate", "100k"]
                    + ["http://127.0.0.1:\(port)/long"])
        }
        let streams = try start(Script.python, ["-c", Script.longCalls, "\(port)", "\(seconds)"])
        let load = try Load(port, seconds: seconds)
        var generation = 1
        while load.isRunning {
            usleep(1_000_000)
            generation += 1
            try program.replaceConfiguration(configuration(generation))
            program.hangUp()
            try wait(for: "generation \(generation)") { program.logged("generation=\(generation) ") }
            webSocket.send("\(generation)?")
            #expect(webSocket.receiveText(until: "?") == "\(generation)?")
        }
        let result = try load.result()
        #expect(result.requests > 1000 && result.failures.isEmpty, "\(result)")
        #expect(generation > 30 && !program.logged("refused"), "\(program.text)")
        for download in downloads {
            let text = String(decoding: try download.output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            #expect(text == "200 6000000")
        }
        let counts = String(decoding: try streams.output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(counts == "\(seconds * 10) \(seconds * 4)\n", "\(program.text)")
        withExtendedLifetime(server) {}
    }
}
