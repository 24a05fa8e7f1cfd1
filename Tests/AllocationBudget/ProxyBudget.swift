import Addresses
import Balancing
import Glibc
import Logging
import MallocCounter
import NIOCore
import ProxyService
import Sockets
import Telemetry
import TrafficModel

/// Counts heap allocations of the VIP tier: for each request that is proxied on kept connections, over real sockets,
/// and for each choice of a member. The client and the member here allocate nothing, so what is counted is the proxy's.
enum ProxyBudget {
    /// For a request on kept connections. There are none; a tick of the clock now and then makes some.
    static let perRequest = 1.0
    /// For a request from HTTP/2 to HTTP/2: the three objects that stand for it on either side.
    static let perHTTP2Request = 3.5
    private static let warmUp = 2000
    private static let rounds = 20_000

    /// - Returns: whether all is within the budget.
    static func check() -> Bool {
        let plain = measure("proxied request", accessLog: nil)
        let logged = measure("proxied request with an access log", accessLog: "/dev/null")
        let http2 = measure("proxied request, HTTP/2 on both sides", accessLog: nil, isHTTP2: true)
        return choices() && plain && logged && http2
    }

    private static func measure(_ title: String, accessLog: String?, isHTTP2: Bool = false) -> Bool {
        let budget = isHTTP2 ? perHTTP2Request : perRequest
        guard let member = Member(isHTTP2: isHTTP2) else { return report(title, 0, 1, false, "no socket") }
        var intent = Intent()
        intent.proxy.threads = 1
        intent.proxy.accessLog = accessLog.map { LogFile(path: $0) }
        intent.upstreams = [
            Upstream(
                name: "members",
                members: [
                    Upstream.Member(endpoint: Endpoint(address: .v4(0x7f00_0001), port: member.port))
                ])
        ]
        intent.upstreams[0].http2 = isHTTP2
        intent.listeners = [
            Listener(
                name: "web", endpoint: Endpoint(address: .v4(0x7f00_0001), port: 0),
                mode: .http(routes: [Route(name: "all", action: .upstream(0))]))
        ]
        let snapshot = BalancingSnapshot(
            intent: intent, overrides: EffectiveOverrides(), observations: Observations(),
            registry: MemberRegistry(seed: 1),
            epoch: 1, now: MonotonicClock.now)
        guard let group = try? SocketLoopGroup(threads: 1) else { return report(title, 0, 1, false, "no loop") }
        let server = ProxyServer(
            group: group, published: Published(snapshot), accessLog: intent.proxy.accessLog,
            logger: Logger(label: "budget"))
        guard wait({ try await server.apply(snapshot) }), let endpoint = server.status.listeners.first?.endpoint,
            var client = Client(port: endpoint.port, isHTTP2: isHTTP2)
        else { return report(title, 0, 1, false, "the proxy does not listen") }
        var succeeded = client.exchange(warmUp)
        let before = malloc_counter_value()
        succeeded = client.exchange(rounds) && succeeded
        let used = malloc_counter_value() - before
        client.close()
        _ = wait {
            await server.shutdown(gracefulWithin: .zero)
            try await group.shutdownGracefully()
        }
        let isRight = succeeded && server.status.successes == UInt64(warmUp + rounds)
        return report(title, used, rounds, isRight && Double(used) <= budget * Double(rounds), "\(budget)")
    }

    private static func choices() -> Bool {
        var isWithin = true
        for method in Upstream.Method.allCases {
            var upstream = Upstream(
                name: "members",
                members: (0..<16).map {
                    Upstream.Member(endpoint: Endpoint(address: .v4(0x7f00_0001), port: 9000 + UInt16($0)))
                })
            upstream.method = method
            upstream.slowStart = .seconds(10)
            var intent = Intent()
            intent.upstreams = [upstream]
            let snapshot = BalancingSnapshot(
                intent: intent, overrides: EffectiveOverrides(), observations: Observations(),
                registry: MemberRegistry(seed: 1),
                epoch: 1, now: 1)
            var balancer = LoopBalancer(seed: 7)
            var chosen = 0
            let choose = { (rounds: Int, balancer: inout LoopBalancer) in
                for round in 0..<rounds {
                    let choice = balancer.choose(
                        in: snapshot, upstream: 0, excluding: TriedMembers(), now: UInt64(round) * 1000)
                    if case .member(let lease) = choice {
                        lease.reportSuccess()
                        chosen += 1
                    }
                }
            }
            choose(warmUp, &balancer)
            let before = malloc_counter_value()
            choose(rounds, &balancer)
            let used = malloc_counter_value() - before
            let isRight = chosen == warmUp + rounds && used == 0
            isWithin = report("choice of a member, \(method.rawValue)", used, rounds, isRight, "0") && isWithin
        }
        return isWithin
    }

    private static func report(_ title: String, _ used: UInt64, _ rounds: Int, _ isRight: Bool, _ limit: String) -> Bool
    {
        let each = Double(used * 100 / UInt64(rounds)) / 100
        print("\(isRight ? "ok  " : "FAIL") \(title): \(each) allocations each in \(rounds) (\(limit))")
        return isRight
    }

    /// Runs `body` to its end from a thread that is nobody's.
    private static func wait(_ body: @escaping @Sendable () async throws -> Void) -> Bool {
        let done = Done()
        Task {
            // What failed shows in what is measured afterwards.
            let result: Bool = (try? await body()) != nil
            done.finish(result)
        }
        return done.wait()
    }
}

/// A flag that one thread waits for.
private final class Done: Sendable {
    private let pipe: (CInt, CInt)

    init() {
        var ends: [CInt] = [0, 0]
        _ = unsafe Glibc.pipe(&ends)
        pipe = (ends[0], ends[1])
    }

    deinit {
        close(pipe.0)
        close(pipe.1)
    }

    func finish(_ result: Bool) {
        var byte: UInt8 = result ? 1 : 0
        _ = unsafe write(pipe.1, &byte, 1)
    }

    func wait() -> Bool {
        var byte: UInt8 = 0
        return unsafe read(pipe.0, &byte, 1) == 1 && byte == 1
    }
}

/// Keeps one connection and asks again and again, with blocking calls on buffers of its own.
private struct Client {
    private let descriptor: CInt
    private var answer = [UInt8](repeating: 0, count: 4096)
    private let request = Array(
        "GET /some/path?with=query HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: budget\r\nAccept: */*\r\nCookie: a=b\r\n\r\n"
            .utf8)

    private var http2: HTTP2Asker?

    init?(port: UInt16, isHTTP2: Bool) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0, unsafe withLoopback(port, { unsafe connect(descriptor, $0, $1) }) == 0 else {
            return nil
        }
        if isHTTP2 {
            guard let asker = HTTP2Asker(descriptor) else { return nil }
            http2 = asker
        }
    }

    /// `false` when a response was not the one that the member gives.
    mutating func exchange(_ count: Int) -> Bool {
        if http2 != nil { return http2?.exchange(count) ?? false }
        for _ in 0..<count {
            guard unsafe write(descriptor, request, request.count) == request.count else { return false }
            var length = 0
            repeat {
                let more = unsafe answer.withUnsafeMutableBytes { buffer in
                    // `length` stays below the buffer's size: the response is shorter by far.
                    unsafe read(descriptor, buffer.baseAddress.unsafelyUnwrapped + length, buffer.count - length)
                }
                guard more > 0 else { return false }
                length += more
            } while answer[length - 1] != UInt8(ascii: "$") && length < answer.count
            guard answer[9] == UInt8(ascii: "2") else { return false }
        }
        return true
    }

    func close() { _ = Glibc.close(descriptor) }
}

/// Answers each request on one connection, on a thread of its own.
private struct Member {
    let port: UInt16

    init?(isHTTP2: Bool) {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard listener >= 0, unsafe withLoopback(0, { unsafe bind(listener, $0, $1) }) == 0, listen(listener, 16) == 0
        else {
            return nil
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let named = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(listener, $0, &length)
            }
        }
        guard named == 0 else { return nil }
        port = UInt16(bigEndian: address.sin_port)
        var thread = pthread_t()
        let started = unsafe pthread_create(
            &thread, nil,
            { argument in
                // The listener's number and what is spoken, not an address.
                let number = Int(bitPattern: argument)
                let listener = CInt(number >> 1)
                if number & 1 == 1 { HTTP2Asker.serve(listener) } else { Member.serve(listener) }
                return nil
            }, UnsafeMutableRawPointer(bitPattern: Int(listener) << 1 | (isHTTP2 ? 1 : 0)))
        guard started == 0 else { return nil }
    }

    private static func serve(_ listener: CInt) {
        let response = Array(
            "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nX-Served-By: member\r\n\r\n0123456789012345678$".utf8)
        var request = [UInt8](repeating: 0, count: 4096)
        let connection = accept(listener, nil, nil)
        // The proxy sends a head at once, so that what ends with an empty line is a request.
        while unsafe read(connection, &request, request.count) > 0 {
            guard unsafe write(connection, response, response.count) == response.count else { break }
        }
        _ = close(connection)
        _ = close(listener)
    }
}

private func withLoopback(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
