import Addresses
import Glibc
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestSupport
import Testing
import TrafficModel

@testable import HealthMonitoring

/// A monitor under test with what it reported.
final class Bench: Sendable {
    let monitor: HealthMonitor
    private let recorder = Recorder()

    private final class Recorder: Sendable {
        let changes = Mutex<[HealthChange]>([])
        let batches = Atomic<Int>(0)
    }

    init(maximumInFlight: Int = 512) {
        let recorder = recorder
        monitor = HealthMonitor(
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            maximumInFlight: maximumInFlight
        ) { batch in
            recorder.changes.withLock { $0 += batch }
            recorder.batches.wrappingAdd(1, ordering: .relaxed)
        }
    }

    var changes: [HealthChange] { recorder.changes.withLock { $0 } }
    var batches: Int { recorder.batches.load(ordering: .relaxed) }

    func until(_ condition: () async throws -> Bool) async rethrows {
        let holds = try await Patience.lasts(until: condition)
        #expect(holds)
    }

    func changes(atLeast count: Int) async -> [HealthChange] {
        await until { changes.count >= count }
        return changes
    }
}

func makeMonitor(
    _ name: String = "m", http check: Monitor.HTTPCheck? = nil, interval: Duration = .seconds(3_600),
    timeout: Duration = .seconds(30), rise: Int = 2, fall: Int = 3
) -> Monitor {
    var monitor = Monitor(name: name, check: check.map { .http($0) } ?? .tcp)
    monitor.interval = interval
    monitor.timeout = timeout
    monitor.rise = rise
    monitor.fall = fall
    monitor.jitter = 0
    return monitor
}

let group = MultiThreadedEventLoopGroup.singleton
let good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
let bad = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"

@Suite("Probes against real sockets", .timeLimit(.minutes(5)))
struct ProbeTests {
    /// The first change that a target makes.
    private func verdict(_ endpoint: Endpoint, _ monitor: Monitor) async throws -> HealthChange {
        let bench = Bench()
        bench.monitor.update(targets: [HealthTarget(endpoint: endpoint, monitor: monitor)])
        #expect(await bench.monitor.waitForFirstRound(timeout: .seconds(240)))
        let changes = bench.changes
        await bench.monitor.shutdown()
        #expect(changes.count == 1)
        #expect(changes.first?.previous == .unknown)
        return try #require(changes.first)
    }

    @Test("TCP: accepted is up, at once whatever the interval is")
    func accepted() async throws {
        let server = try await ProbeServer([.silent], group: group)
        #expect(try await verdict(server.endpoint, makeMonitor()).state == .up)
        try await server.stop()
    }

    @Test("TCP and HTTP: refused is down", arguments: [nil, Monitor.HTTPCheck()])
    func refused(check: Monitor.HTTPCheck?) async throws {
        let change = try await verdict(ProbeServer.closedEndpoint(), makeMonitor(http: check))
        #expect(change.state == .down)
        #expect(change.reason == "connection refused")
    }

    @Test("IPv6")
    func version6() async throws {
        // Nothing listens on port 1 of ::1; the refusal tells that the address was tried.
        let change = try await verdict(Endpoint(address: .v6(1), port: 1), makeMonitor())
        #expect(change.state == .down)
    }

    @Test("a server that never answers times out")
    func silent() async throws {
        let server = try await ProbeServer([.silent], group: group)
        let monitor = makeMonitor(http: Monitor.HTTPCheck(), timeout: .seconds(1))
        let change = try await verdict(server.endpoint, monitor)
        #expect(change.state == .down)
        #expect(change.reason == "timed out after 1 s waiting for the response")
        try await server.stop()
    }

    @Test("bytes that trickle in do not extend the time")
    func trickle() async throws {
        // Far more bytes than the time has room for, however late a busy machine fires the timer.
        let endless = "HTTP/1.1 200 OK\r\nX-Padding: " + String(repeating: "a", count: 4000)
        let server = try await ProbeServer([.drip(endless, every: .milliseconds(20))], group: group)
        let monitor = makeMonitor(http: Monitor.HTTPCheck(), timeout: .seconds(1))
        #expect(try await verdict(server.endpoint, monitor).reason.hasPrefix("timed out"))
        try await server.stop()
    }

    @Test("a slow answer within the time is an answer")
    func slow() async throws {
        let server = try await ProbeServer([.drip(good, every: .milliseconds(1))], group: group)
        #expect(try await verdict(server.endpoint, makeMonitor(http: Monitor.HTTPCheck())).state == .up)
        try await server.stop()
    }

    @Test("a full backlog leaves the probe connecting until its time is up")
    func unanswered() async throws {
        // TEST-NET-1 must not be asked; a listening socket whose queue is full does not answer either.
        let full = try FullBacklog()
        let monitor = makeMonitor(timeout: .seconds(1))
        let change = try await verdict(full.endpoint, monitor)
        #expect(change.reason == "timed out after 1 s connecting")
        full.close()
    }

    @Test("a connection that is closed or reset before the answer is down")
    func closed() async throws {
        let server = try await ProbeServer([.close], group: group)
        let change = try await verdict(server.endpoint, makeMonitor(http: Monitor.HTTPCheck()))
        #expect(change.state == .down)
        #expect(["connection closed waiting for the response", "connection reset"].contains(change.reason))
        try await server.stop()
        let resetting = try await ProbeServer([.reset], group: group)
        #expect(try await verdict(resetting.endpoint, makeMonitor(http: Monitor.HTTPCheck())).state == .down)
        try await resetting.stop()
    }

    @Test(
        "status and body decide",
        arguments: [
            (good, nil, HealthState.up, "responded as expected"), (good, "OK", .up, "responded as expected"),
            (bad, nil, .down, "status 503, expected 200-399"),
            (good, "ready", .down, "\"ready\" is not in the first 64 KiB of the body"),
            ("SSH-2.0-x\r\n\r\n\r\n", nil, .down, "not a valid HTTP response: The status line is malformed"),
        ] as [(String, String?, HealthState, String)])
    func http(response: String, body: String?, state: HealthState, reason: String) async throws {
        let server = try await ProbeServer([.respond(response)], group: group)
        var check = Monitor.HTTPCheck()
        check.expectedBody = body
        let change = try await verdict(server.endpoint, makeMonitor(http: check))
        #expect(change.state == state)
        #expect(change.reason == reason)
        try await server.stop()
    }

    @Test("method, path and Host as configured; another port than the target's")
    func request() async throws {
        let server = try await ProbeServer([.respond("HTTP/1.1 204 No Content\r\n\r\n")], group: group)
        var check = Monitor.HTTPCheck()
        check.method = "HEAD"
        check.path = "/health?deep=1"
        check.host = "api.example.com"
        var monitor = makeMonitor(http: check)
        monitor.port = server.endpoint.port
        #expect(try await verdict(Endpoint(address: server.endpoint.address, port: 1), monitor).state == .up)
        let request = try #require(server.seen.requests.first)
        #expect(request.hasPrefix("HEAD /health?deep=1 HTTP/1.1\r\nHost: api.example.com\r\n"))
        #expect(request.contains("\r\nConnection: close\r\n"))
        try await server.stop()
    }

    @Test("without a host, Host is the address that is probed")
    func defaultHost() async throws {
        let server = try await ProbeServer([.respond(good)], group: group)
        #expect(try await verdict(server.endpoint, makeMonitor(http: Monitor.HTTPCheck())).state == .up)
        #expect(server.seen.requests.first?.contains("\r\nHost: \(server.endpoint)\r\n") == true)
        try await server.stop()
    }

    @Test("TLS: the certificate matters only when it is asked for; the server name is sent")
    func tls() async throws {
        let server = try await ProbeServer([.respond(good)], tls: try testServerContext(), group: group)
        var check = Monitor.HTTPCheck()
        check.tls = true
        check.host = "health.test"
        check.expectedBody = "OK"
        #expect(try await verdict(server.endpoint, makeMonitor(http: check)).state == .up)
        #expect(server.seen.serverNames == ["health.test"])
        #expect(server.seen.requests.first?.contains("\r\nHost: health.test\r\n") == true)
        check.verifyCertificate = true
        let change = try await verdict(server.endpoint, makeMonitor(http: check))
        #expect(change.state == .down)
        #expect(change.reason.hasPrefix("TLS handshake failed: "))
        check.verifyCertificate = false
        check.host = nil
        #expect(try await verdict(server.endpoint, makeMonitor(http: check)).state == .up)
        #expect(server.seen.serverNames.last == .some(nil))
        try await server.stop()
    }

    @Test("TLS against a server that does not speak it, or says nothing")
    func noTLS() async throws {
        var check = Monitor.HTTPCheck()
        check.tls = true
        let closing = try await ProbeServer([.close], group: group)
        #expect(try await verdict(closing.endpoint, makeMonitor(http: check)).state == .down)
        try await closing.stop()
        let silent = try await ProbeServer([.silent], group: group)
        let change = try await verdict(silent.endpoint, makeMonitor(http: check, timeout: .seconds(1)))
        #expect(change.reason == "timed out after 1 s in the TLS handshake")
        try await silent.stop()
    }
}

@Suite("The service", .timeLimit(.minutes(5)))
struct HealthMonitorTests {
    @Test("a flap shorter than fall is not reported; the turns that are come with count and reason")
    func flap() async throws {
        let server = try await ProbeServer(
            [good, bad, bad, good, bad, bad, bad, good, bad, good, good].map { .respond($0) }, group: group)
        let bench = Bench()
        let monitor = makeMonitor(http: Monitor.HTTPCheck(), interval: .milliseconds(20))
        let target = HealthTarget(endpoint: server.endpoint, monitor: monitor)
        bench.monitor.update(targets: [target])
        let changes = await bench.changes(atLeast: 3)
        #expect(changes.map(\.state) == [.up, .down, .up])
        #expect(changes[1].reason == "status 503, expected 200-399")
        // Up on the 1st, down on the 7th, up on the 11th answer.
        #expect(server.seen.requests.count >= 11)
        let status = try #require(await bench.monitor.status().first)
        #expect(status.state == .up)
        #expect(status.checks >= 11)
        #expect(status.failures == 6)
        #expect(status.lastReason == "responded as expected")
        await bench.monitor.shutdown()
        try await server.stop()
    }

    @Test("an update keeps what is kept, probes what is new and forgets the rest")
    func diff() async throws {
        let server = try await ProbeServer([.respond(good)], group: group)
        let bench = Bench()
        let targets = ["a", "b", "c"].map {
            HealthTarget(endpoint: server.endpoint, monitor: makeMonitor($0, http: path("/\($0)")))
        }
        bench.monitor.update(targets: [targets[0], targets[1]])
        #expect(await bench.monitor.waitForFirstRound(timeout: .seconds(240)))
        bench.monitor.update(targets: [targets[1], targets[2]])
        #expect(await bench.monitor.waitForFirstRound(timeout: .seconds(240)))
        #expect(bench.changes.map(\.target).count == 3)
        // One probe for each: the kept one was not probed again.
        #expect(server.seen.requests.count == 3)
        let status = await bench.monitor.status()
        #expect(Set(status.map(\.target)) == [targets[1], targets[2]])
        #expect(status.allSatisfy { $0.state == .up && $0.checks == 1 })
        await bench.monitor.shutdown()
        try await server.stop()
    }

    private func path(_ path: String) -> Monitor.HTTPCheck {
        var check = Monitor.HTTPCheck()
        check.path = path
        return check
    }

    @Test("probes of removed targets are cancelled, and their connections closed")
    func cancelled() async throws {
        let server = try await ProbeServer([.silent], group: group)
        let bench = Bench()
        let count = 40
        let targets = (0..<count).map {
            HealthTarget(endpoint: server.endpoint, monitor: makeMonitor("m\($0)", http: Monitor.HTTPCheck()))
        }
        bench.monitor.update(targets: Set(targets))
        await bench.until { server.seen.requests.count == count }
        #expect(await bench.monitor.counts().inFlight == count)
        bench.monitor.update(targets: [])
        await bench.until { server.seen.open == 0 }
        let counts = await bench.monitor.counts()
        #expect(counts == HealthCounts())
        #expect(bench.changes.isEmpty)
        await bench.monitor.shutdown()
        try await server.stop()
    }

    @Test("one that is removed while it connects is cancelled too")
    func cancelledConnecting() async throws {
        let full = try FullBacklog()
        let bench = Bench()
        bench.monitor.update(targets: [HealthTarget(endpoint: full.endpoint, monitor: makeMonitor())])
        await bench.until { await bench.monitor.counts().inFlight == 1 }
        bench.monitor.update(targets: [])
        #expect(await bench.monitor.counts() == HealthCounts())
        #expect(bench.changes.isEmpty)
        await bench.monitor.shutdown()
        full.close()
    }

    @Test("no more probes run at once than may; the rest waits in line")
    func bounded() async throws {
        let server = try await ProbeServer([.silent], group: group)
        let bench = Bench(maximumInFlight: 3)
        let targets = (0..<10).map {
            HealthTarget(endpoint: server.endpoint, monitor: makeMonitor("m\($0)", http: Monitor.HTTPCheck()))
        }
        bench.monitor.update(targets: Set(targets))
        await bench.until { server.seen.requests.count == 3 }
        let counts = await bench.monitor.counts()
        #expect(counts.inFlight == 3)
        #expect(counts.waiting == 7)
        #expect(server.seen.mostOpen == 3)
        await bench.monitor.shutdown()
        try await server.stop()
    }

    @Test("those in line get their turn", arguments: [true, false])
    func turns(isSilent: Bool) async throws {
        let server = try await ProbeServer([isSilent ? .silent : .respond(good)], group: group)
        let bench = Bench(maximumInFlight: 3)
        let targets = (0..<10).map {
            HealthTarget(
                endpoint: server.endpoint,
                monitor: makeMonitor(
                    "m\($0)", http: Monitor.HTTPCheck(), timeout: isSilent ? .milliseconds(40) : .seconds(30)))
        }
        bench.monitor.update(targets: Set(targets))
        #expect(await bench.monitor.waitForFirstRound(timeout: .seconds(240)))
        #expect(bench.changes.count == 10)
        #expect(bench.changes.allSatisfy { $0.state == (isSilent ? .down : .up) })
        let counts = await bench.monitor.counts()
        #expect(counts.delayed == 7)
        #expect(counts.waiting == 0)
        #expect(counts.inFlight == 0)
        await bench.monitor.shutdown()
        try await server.stop()
    }

    @Test("a target that leaves the line before its turn is not probed")
    func leavesLine() async throws {
        let server = try await ProbeServer([.silent, .respond(good)], group: group)
        let bench = Bench(maximumInFlight: 1)
        let targets = ["/first", "/second", "/third"].map {
            HealthTarget(endpoint: server.endpoint, monitor: makeMonitor(http: path($0)))
        }
        bench.monitor.update(targets: [targets[0]])
        await bench.until { server.seen.requests.count == 1 }
        bench.monitor.update(targets: [targets[0], targets[1]])
        #expect(await bench.monitor.counts().waiting == 1)
        bench.monitor.update(targets: [targets[0], targets[2]])
        #expect(await bench.monitor.counts().waiting == 1)
        // Its place goes to the third, not to the second.
        bench.monitor.update(targets: [targets[2]])
        #expect(await bench.monitor.waitForFirstRound(timeout: .seconds(240)))
        #expect(server.seen.requests.map { $0.prefix(8) } == ["GET /fir", "GET /thi"])
        await bench.monitor.shutdown()
        try await server.stop()
    }

    @Test("another pace for the same question keeps what is known")
    func heir() async throws {
        let server = try await ProbeServer([.respond(good), .silent], group: group)
        let bench = Bench()
        let slow = HealthTarget(endpoint: server.endpoint, monitor: makeMonitor(http: Monitor.HTTPCheck()))
        var faster = slow
        faster.monitor.interval = .seconds(60)
        faster.monitor.name = "renamed"
        bench.monitor.update(targets: [slow])
        #expect(await bench.monitor.waitForFirstRound(timeout: .seconds(240)))
        bench.monitor.update(targets: [faster])
        // The server is silent by now: only what was known can say so.
        let changes = await bench.changes(atLeast: 2)
        #expect(changes[1].target == faster)
        #expect(changes[1].previous == .unknown)
        #expect(changes[1].state == .up)
        #expect(await bench.monitor.waitForFirstRound(timeout: .zero))
        await bench.monitor.shutdown()
        try await server.stop()
    }

    @Test("another question to the same place is a new one")
    func noHeir() async throws {
        let server = try await ProbeServer([.respond(good), .silent], group: group)
        let bench = Bench()
        bench.monitor.update(targets: [HealthTarget(endpoint: server.endpoint, monitor: makeMonitor(http: path("/a")))])
        #expect(await bench.monitor.waitForFirstRound(timeout: .seconds(240)))
        bench.monitor.update(targets: [HealthTarget(endpoint: server.endpoint, monitor: makeMonitor(http: path("/b")))])
        #expect(await !bench.monitor.waitForFirstRound(timeout: .milliseconds(1)))
        #expect(await bench.monitor.status().map(\.state) == [.unknown])
        await bench.monitor.shutdown()
        try await server.stop()
    }

    @Test("waiting for the first round ends with its time, with a shutdown, and at once when nothing is to be probed")
    func firstRound() async throws {
        let server = try await ProbeServer([.silent], group: group)
        let bench = Bench()
        #expect(await bench.monitor.waitForFirstRound(timeout: .seconds(240)))
        bench.monitor.update(targets: [
            HealthTarget(endpoint: server.endpoint, monitor: makeMonitor(http: Monitor.HTTPCheck()))
        ])
        #expect(await !bench.monitor.waitForFirstRound(timeout: .milliseconds(5)))
        async let waited = bench.monitor.waitForFirstRound(timeout: .seconds(240))
        await bench.until { server.seen.requests.count == 1 }
        await bench.monitor.shutdown()
        #expect(await !waited)
        await bench.until { server.seen.open == 0 }
        #expect(await bench.monitor.counts() == HealthCounts())
        bench.monitor.update(targets: [HealthTarget(endpoint: server.endpoint, monitor: makeMonitor())])
        #expect(await bench.monitor.status().isEmpty)
        try await server.stop()
    }

    @Test("a thousand targets get their verdicts, and no connection stays")
    func many() async throws {
        let server = try await ProbeServer([.respond(good)], group: group)
        let bench = Bench(maximumInFlight: 100)
        let targets = (0..<1_000).map {
            HealthTarget(endpoint: server.endpoint, monitor: makeMonitor("m\($0)", http: Monitor.HTTPCheck()))
        }
        let start = ContinuousClock.now
        bench.monitor.update(targets: Set(targets))
        #expect(await bench.monitor.waitForFirstRound(timeout: .seconds(240)))
        #expect(bench.changes.count == 1_000)
        // Two for each tick of 20 ms at most, not one for each change.
        #expect(bench.batches < max(500, Int((ContinuousClock.now - start) / .milliseconds(10))))
        let counts = await bench.monitor.counts()
        #expect(counts.up == 1_000)
        #expect(counts.inFlight == 0)
        await bench.until { server.seen.open == 0 }
        await bench.monitor.shutdown()
        try await server.stop()
    }
}

/// A listening socket that accepts nothing and whose queue is full: further connections get no answer.
struct FullBacklog {
    let endpoint: Endpoint
    private let sockets: [CInt]

    init() throws {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var sockets = [listener]
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = unsafe bind(listener, pointer, length)
                _ = listen(listener, 0)
                _ = unsafe getsockname(listener, pointer, &length)
                for _ in 0..<4 {
                    let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
                    _ = unsafe connect(client, pointer, length)
                    sockets.append(client)
                }
            }
        }
        self.sockets = sockets
        endpoint = Endpoint(address: .v4(0x7f00_0001), port: UInt16(bigEndian: address.sin_port))
    }

    func close() { for socket in sockets { _ = Glibc.close(socket) } }
}
