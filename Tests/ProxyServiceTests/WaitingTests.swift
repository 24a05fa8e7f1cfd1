import Addresses
import Balancing
import NIOCore
import Testing
import TrafficModel

@testable import ProxyService

/// Members have one place each here, and `/hold` keeps it.
@Suite("Waiting for a place on a member", .timeLimit(.minutes(5)))
struct WaitingTests {
    private static func holding(_ body: String = "abc") async throws -> TestMember {
        try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") && !received.contains(" /hold") ? [.send(ok(body))] : []
        }
    }

    private static func intent(_ members: [Endpoint], _ change: (inout Intent) -> Void = { _ in }) -> Intent {
        TestProxy.intent(members) {
            $0.upstreams[0].queueTimeout = .seconds(120)
            for index in $0.upstreams[0].members.indices { $0.upstreams[0].members[index].maxConnections = 1 }
            change(&$0)
        }
    }

    /// Takes the member's only place, and lets a request wait behind it.
    private static func occupy(
        _ proxy: TestProxy, waiting request: String = get("/waiting")
    ) async throws -> (holder: TestClient, waiting: TestClient) {
        let holder = try await TestClient(proxy.endpoint)
        try await holder.send(get("/hold"))
        let state = proxy.published.pin().value.upstreams[0].members[0].state
        #expect(await proxy.settles { _ in state.openCount == 1 })
        let waiting = try await TestClient(proxy.endpoint)
        try await waiting.send(request)
        #expect(await proxy.settles { $0.waiting == 1 })
        return (holder, waiting)
    }

    @Test("a request that waits gets a member that a reload has put in the place of the old one")
    func replacedMember() async throws {
        let (old, new) = (try await Self.holding("old"), try await Self.holding("new"))
        let proxy = try await TestProxy(Self.intent([old.endpoint]))
        let (holder, waiting) = try await Self.occupy(proxy)
        // The upstream has another position, too.
        try await proxy.reload(
            Self.intent([new.endpoint]) {
                $0.upstreams.insert(Upstream(name: "other", members: []), at: 0)
                $0.listeners[0].mode = .http(routes: [Route(name: "all", action: .upstream(1))])
            }, generation: 2)
        #expect(try await waiting.waitForEnd().hasSuffix("new"))
        #expect(!old.received.joined().contains("/waiting"))
        let upstreams = proxy.published.pin().value.upstreams
        #expect(await proxy.settles { _ in upstreams[1].members[0].state.traffic.totals.requests == 1 })
        #expect(upstreams[1].members[0].state.openCount == 0)
        await holder.close()
        await proxy.stop()
        await old.close()
        await new.close()
    }

    @Test("a limit that a reload has raised lets in who waits")
    func raisedLimit() async throws {
        let member = try await Self.holding()
        let proxy = try await TestProxy(Self.intent([member.endpoint]))
        let (holder, waiting) = try await Self.occupy(proxy)
        try await proxy.reload(
            Self.intent([member.endpoint]) { $0.upstreams[0].members[0].maxConnections = 2 }, generation: 2)
        #expect(try await waiting.waitForEnd().hasSuffix("abc"))
        #expect(holder.received == "")
        await holder.close()
        await proxy.stop()
        await member.close()
    }

    @Test("one whose upstream is gone, or has no member left, ends at once", arguments: [true, false])
    func goneUpstream(isGone: Bool) async throws {
        let member = try await Self.holding()
        let proxy = try await TestProxy(Self.intent([member.endpoint]))
        let (holder, waiting) = try await Self.occupy(proxy)
        try await proxy.reload(
            Self.intent([member.endpoint]) {
                if isGone { $0.upstreams[0].name = "other" } else { $0.upstreams[0].members[0].ratio = 0 }
            }, generation: 2)
        let answer = try await waiting.waitForEnd()
        #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("No server for this request is up."))
        #expect(await proxy.settles { $0.waiting == 0 })
        #expect(proxy.server.status.queueTimeouts == 0)
        // Who was there before goes on.
        #expect(!holder.isClosed && holder.received == "")
        await holder.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a time that a reload has made shorter holds for those who wait")
    func shorterTime() async throws {
        let member = try await Self.holding()
        let proxy = try await TestProxy(Self.intent([member.endpoint]))
        let (holder, waiting) = try await Self.occupy(proxy)
        try await proxy.reload(
            Self.intent([member.endpoint]) { $0.upstreams[0].queueTimeout = .milliseconds(10) }, generation: 2)
        let answer = try await waiting.waitForEnd()
        #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("busy"))
        #expect(proxy.server.status.queueTimeouts == 1)
        await holder.close()
        await proxy.stop()
        await member.close()
    }

    @Test(
        "a chunked body that came while its request waited reaches a member of the other version",
        arguments: [
            true, false,
        ])
    func otherVersion(isWhole: Bool) async throws {
        let one = try await TestMember { received, _ in
            received.contains("\r\n0\r\n\r\n") ? [.send(ok("abc"))] : []
        }
        let two = try await HTTP2TestMember { event in
            event.frame.isEnd && event.fields[":path"] != "/hold" ? HTTP2TestMember.ok(event.frame.stream, "abc") : []
        }
        let (first, rest) = ("3\r\nabc\r\n", "2\r\nde\r\n0\r\n\r\n")
        let request = "POST /waiting HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        for toHTTP2 in [true, false] {
            let before = Self.intent([toHTTP2 ? one.endpoint : two.endpoint]) { $0.upstreams[0].http2 = !toHTTP2 }
            let after = Self.intent([toHTTP2 ? two.endpoint : one.endpoint]) { $0.upstreams[0].http2 = toHTTP2 }
            let proxy = try await TestProxy(before)
            let (holder, waiting) = try await Self.occupy(proxy, waiting: request + first + (isWhole ? rest : ""))
            try await proxy.reload(after, generation: 2)
            #expect(await proxy.settles { $0.waiting == 0 })
            if !isWhole { try await waiting.send(rest) }
            #expect(try await waiting.waitForEnd().contains("abc"))
            if toHTTP2 {
                #expect(two.events.filter { $0.frame.kind == 0 }.flatMap(\.frame.payload) == Array("abcde".utf8))
            } else {
                let end = isWhole ? "\r\n\r\n5\r\nabcde\r\n0\r\n\r\n" : "\r\n\r\n" + first + rest
                #expect(one.received.contains { $0.contains("/waiting") && $0.hasSuffix(end) }, "\(one.received)")
            }
            await holder.close()
            await proxy.stop()
        }
        await one.close()
        await two.close()
    }

    @Test("a further try goes to the members that there are by then, and to none that was tried")
    func retry() async throws {
        let (old, new) = (try await Self.holding("old"), try await Self.holding("new"))
        let proxy = try await TestProxy(Self.intent([old.endpoint]))
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get("/hold"))
        #expect(await proxy.settles { _ in old.received.joined().hasSuffix("\r\n\r\n") })
        // The one that was tried is in another position, and would be preferred.
        try await proxy.reload(
            Self.intent([new.endpoint, old.endpoint]) { $0.upstreams[0].members[0].backup = true }, generation: 2)
        // Of the new snapshot.
        #expect(try await TestClient.exchange(proxy.endpoint, get("/other")).hasSuffix("new"))
        await old.closeConnections()
        #expect(await proxy.settles { _ in new.received.joined().contains("/hold") })
        #expect(old.connections == 1 && proxy.server.status.retries == 1)
        await client.close()
        await proxy.stop()
        await old.close()
        await new.close()
    }

    @Test("who comes when a place is free, but not given away yet, is behind those who wait")
    func order() async throws {
        let member = try await Self.holding()
        let proxy = try await TestProxy(Self.intent([member.endpoint]))
        let client = try await HTTP2TestClient(proxy.endpoint)
        let fields = { (path: String) in HTTP2TestClient.get.map { $0.0 == ":path" ? ($0.0, path) : $0 } }
        client.request(1, fields("/hold"))
        #expect(await proxy.settles { _ in member.received.joined().hasSuffix("\r\n\r\n") })
        let waiting = try await TestClient(proxy.endpoint)
        try await waiting.send(get("/waiting"))
        #expect(await proxy.settles { $0.waiting == 1 })
        // In one read: the place becomes free, and another asks for it.
        client.connection.post(
            HTTP2TestClient.frame(.reset, stream: 1, HTTP2TestClient.bytes(8))
                + HTTP2TestClient.frame(.headers, flags: 5, stream: 3, HTTP2TestClient.block(fields("/late"))))
        #expect(try await waiting.waitForEnd().hasSuffix("abc"))
        #expect(try await client.end(of: 3).text == "abc")
        let paths = member.received.joined().components(of: "GET /").dropFirst().map { $0.prefix(4) }
        #expect(paths == ["hold", "wait", "late"])
        await client.close()
        await proxy.stop()
        await member.close()
    }

    // MARK: The queue

    private final class Waiter {
        let number: Int
        var place = 0
        var deadline: UInt64 = 0
        init(_ number: Int) { self.number = number }
    }

    private static func queue(_ count: Int) -> (WaitingQueue<Waiter>, [Waiter]) {
        let queue = WaitingQueue<Waiter>(upstream: "app", timeout: 10)
        let waiters = (0..<count).map { Waiter($0) }
        for waiter in waiters { waiter.place = queue.append(waiter, now: UInt64(waiter.number)) }
        return (queue, waiters)
    }

    @Test("as many are asked as there are places, and one more, however many wait", arguments: [0, 1, 3, 1000])
    func woken(places: Int) {
        let (queue, _) = Self.queue(1000)
        var asked: [Int] = []
        let more = queue.serve(limit: 10_000) { waiter in
            asked.append(waiter.number)
            guard asked.count <= places else { return false }
            queue.remove(at: waiter.place)
            return true
        }
        #expect(asked == Array(0..<min(places + 1, 1000)))
        #expect(!more && queue.count == 1000 - places)
    }

    @Test("no more have their turn at once than may")
    func turns() {
        let (queue, _) = Self.queue(10)
        let take = { (waiter: Waiter) -> Bool in
            queue.remove(at: waiter.place)
            return true
        }
        #expect(queue.serve(limit: 4, take))
        #expect(queue.count == 6)
        #expect(!queue.serve(limit: 6, take))
        #expect(queue.isEmpty)
    }

    @Test("another time counts from when each came")
    func times() {
        let (queue, waiters) = Self.queue(3)
        queue.change(timeout: 10) { _, _ in Issue.record("nothing has changed") }
        queue.change(timeout: 20) { $0.deadline = $1 }
        #expect(waiters.map(\.deadline) == [20, 21, 22])
        queue.change(timeout: .max) { $0.deadline = $1 }
        #expect(waiters.map(\.deadline) == [.max, .max, .max])
    }

    @Test("a list keeps its order, whoever leaves")
    func list() {
        var list = ArrivalList<Int>()
        var model: [(number: Int, place: Int)] = []
        var generator = SystemRandomNumberGenerator()
        for number in 0..<5000 {
            // It grows, and later shrinks to nothing again and again.
            if Int.random(in: 0..<100, using: &generator) < (number < 2000 ? 60 : 45) || model.isEmpty {
                model.append((number, list.append(number)))
            } else {
                let gone = model.remove(at: Int.random(in: model.indices, using: &generator))
                list.remove(at: gone.place)
            }
            #expect(list.count == model.count && list.first == model.first?.number)
        }
        var seen: [Int] = []
        list.forEach { seen.append($0) }
        #expect(seen == model.map(\.number))
        #expect(Set(model.map(\.place)).count == model.count)
    }
}
