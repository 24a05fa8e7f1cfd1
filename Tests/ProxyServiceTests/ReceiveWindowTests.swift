import Testing
import TrafficModel

@testable import ProxyService

@Suite("Windows of streams grow with what moves", .timeLimit(.minutes(2)))
struct ReceiveWindowTests {
    typealias Client = HTTP2TestClient
    typealias Member = HTTP2TestMember

    @Test("room is given back from half a window on, and twice as much when a window went through without waiting")
    func growth() {
        var window = ReceiveWindow(size: 100)
        window.received(49)
        #expect(window.keeps(0, isScarce: false) == 0)
        window.received(1)
        #expect(window.keeps(0, isScarce: false) == 50 && window.size == 100)
        window.received(50)
        #expect(window.keeps(0, isScarce: false) == 150 && window.size == 200)
        window.received(200)
        #expect(window.consumed(200, isGone: true, isScarce: false) == 400 && window.size == 400)
    }

    @Test("it stays as it is where something waits, or nothing more may")
    func noGrowth() {
        var window = ReceiveWindow(size: 100)
        for _ in 0..<10 {
            window.received(60)
            #expect(window.keeps(1, isScarce: false) >= 50)
            window.received(40)
            #expect(window.keeps(0, isScarce: false) == 0)
        }
        for _ in 0..<10 {
            window.received(100)
            #expect(window.keeps(0, isScarce: true) >= 100)
        }
        for _ in 0..<10 {
            window.received(100)
            #expect(window.consumed(100, isGone: false, isScarce: false) >= 100)
        }
        #expect(window.size == 100)
    }

    @Test("where memory has become scarce it goes back to what it was, and goes on")
    func shrinking() {
        var window = ReceiveWindow(size: 100)
        var room = 100
        func pass(_ count: Int, keeping held: Int = 0, isScarce: Bool) -> Int {
            window.received(count)
            let increment = window.keeps(held, isScarce: isScarce)
            room += increment - count
            #expect(room >= 0 && room + held <= window.size)
            return increment
        }
        while window.size < 800 { _ = pass(room, isScarce: false) }
        #expect(room == 800)
        // Half of it is taken back, then all but what it began with, and no more.
        #expect(pass(400, isScarce: true) == 0 && window.size == 400 && room == 400)
        #expect(pass(300, keeping: 50, isScarce: true) == 0 && window.size == 150)
        #expect(pass(100, isScarce: true) == 100 && window.size == 100 && room == 100)
        #expect(pass(100, isScarce: true) == 100 && room == 100)
    }

    @Test("it has an end", arguments: [1, 700_000, ReceiveWindow.largest])
    func largest(_ size: Int) {
        var window = ReceiveWindow(size: size)
        var room = size
        for _ in 0..<100 {
            window.received(room)
            room = window.keeps(0, isScarce: false)
        }
        #expect(room == ReceiveWindow.largest && window.size == ReceiveWindow.largest)
    }

    private static let piece = [UInt8](repeating: 0x62, count: 16_384)
    private static let pieces = 24

    /// Sends a piece for each that comes.
    private static func member() async throws -> Member {
        // So that it takes all that it is sent.
        try await Member(settings: [0, 4, 0x7f, 0xff, 0xff, 0xff]) { event in
            let stream = event.frame.stream
            switch event.frame.kind {
            case 1:
                return Client.frame(.windowUpdate, Client.bytes(1 << 30))
                    + Client.frame(.headers, flags: 4, stream: stream, Client.block([(":status", "200")]))
            case 0: return Client.frame(.data, stream: stream, piece)
            default: return []
            }
        }
    }

    @Test("who sends what is taken at once gets more room than that used up, a client as well as a member")
    func bothWays() async throws {
        let member = try await Self.member()
        let proxy = try await TestProxy(TestProxy.intent([member.endpoint]) { $0.upstreams[0].http2 = true })
        let client = try await Client(proxy.endpoint, settings: [(4, 1 << 30)])
        client.open(0, by: 1 << 30)
        client.request(1, Client.post(), isEnd: false)
        for count in 1...Self.pieces {
            client.data(1, Self.piece)
            try await client.wait(1) { $0.body.count >= count * 16_384 }
        }
        let sent = Self.pieces * 16_384
        #expect(await proxy.settles { _ in member.room(1) > sent })
        #expect(client.room(1) > sent)
        await client.close()
        await proxy.stop()
        await member.close()
    }
}
