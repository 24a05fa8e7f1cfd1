import Testing

@testable import HTTP2Wire

@Suite("HTTP/2 connections: how often, how long, and whose fault")
struct SessionPaceTests {
    private static let zero: [UInt8] = [0, 0, 0, 0]

    @Test("who gives room back for what was sent, and answers what was asked, does so as often as it takes")
    func expected() {
        let listener = Listener()
        listener.feed(Frames.beginning + Frames.request(1))
        listener.session.now = 1
        for _ in 0..<1500 {
            #expect(listener.session.sends([1], on: 0, isEnd: false) == 1)
            listener.session.sendPing()
            for _ in 0..<5 { listener.feed(Frames.frame(8, [0, 0, 0, 1]) + Frames.frame(8, stream: 1, [0, 0, 0, 1])) }
            listener.feed(Frames.frame(6, flags: 1, Self.zero + Self.zero))
        }
        #expect(listener.failure == nil && listener.log.count { $0 == "pong" } == 1500)
    }

    @Test("what has begun and is not whole is known, with the time at which it was seen first")
    func unfinished() {
        let listener = Listener()
        func feed(_ bytes: [UInt8], at time: UInt64) -> HTTP2Session.Unfinished? {
            listener.session.now = time
            listener.feed(bytes)
            return listener.session.unfinished
        }
        #expect(feed(Array(Frames.preface.prefix(5)), at: 1) == .init(since: 1))
        #expect(feed(Frames.preface.dropFirst(5) + Frames.frame(4), at: 2) == nil)
        let ping = Frames.frame(6, Self.zero + Self.zero)
        for length in 1..<ping.count {
            #expect(feed([ping[length - 1]], at: UInt64(9 + length)) == .init(since: 10), "\(length)")
        }
        // The rest, and the beginning of another.
        #expect(feed([0, 0], at: 40) == .init(since: 40))
        #expect(feed(Array(ping.dropFirst()), at: 41) == nil)
        let head = Frames.frame(1, flags: 0, stream: 1, Frames.block(Frames.post()))
        #expect(feed(Array(head.dropLast()), at: 50) == .init(since: 50, isFields: true))
        #expect(feed([head[head.count - 1]], at: 51) == .init(since: 50, isFields: true))
        let more = Frames.frame(9, flags: 4, stream: 1, Frames.block([("x-a", "b")]))
        #expect(feed(Array(more.prefix(3)), at: 52) == .init(since: 50, isFields: true))
        #expect(feed(Array(more.dropFirst(3)), at: 53) == nil)
        // A body goes on as it comes.
        #expect(feed(Array(Frames.data(1, "abc").dropLast()), at: 60) == nil)
        #expect(feed([99], at: 61) == nil && listener.bodies[1] == Array("abc".utf8))
        // A block that came whole but for its end.
        #expect(feed(Frames.frame(1, flags: 1, stream: 1, Frames.block([("x-t", "1")])), at: 70)?.since == 70)
        #expect(feed(Frames.frame(9, flags: 4, stream: 1), at: 71) == nil && listener.failure == nil)
    }

    private static let cancel: [UInt8] = [0, 0, 0, 8]

    /// Requests, each given up at once.
    private static func rash(_ numbers: Range<UInt32>) -> [UInt8] {
        numbers.flatMap { Frames.request(2 * $0 + 1) + Frames.frame(3, stream: 2 * $0 + 1, cancel) }
    }

    @Test("requests that are given up at once are a flood, at n and at n + 1, and a minute later are none")
    func rashResets() {
        let listener = Listener { $0.resets = 20 }
        listener.feed(Frames.beginning + Self.rash(0..<20))
        #expect(listener.failure == nil)
        listener.session.now = 60_000_000_000
        listener.feed(Self.rash(20..<40))
        #expect(listener.failure == nil)
        listener.feed(Self.rash(40..<41))
        #expect(listener.failure == .enhanceYourCalm && listener.isFlood)
    }

    @Test("who takes one answer of five requests may give up the others as often as it likes, but no more of them")
    func paidResets() {
        let listener = Listener { $0.resets = 20 }
        listener.feed(Frames.beginning)
        let next = Self.paid(15, listener)
        #expect(listener.failure == nil)
        // Nothing is left over of what was paid for.
        listener.feed(Self.rash(next..<next + 20))
        #expect(listener.failure == nil)
        listener.feed(Self.rash(next + 20..<next + 21))
        #expect(listener.failure == .enhanceYourCalm)
    }

    @Test("however many answers it takes, it gives up no more than three times as many as are free")
    func mostPaid() {
        let listener = Listener { $0.resets = 20 }
        listener.feed(Frames.beginning)
        let next = Self.paid(15, listener)
        #expect(listener.failure == nil)
        _ = Self.paid(1, listener, from: next)
        #expect(listener.failure == .enhanceYourCalm)
    }

    /// Asks, takes the answer, and gives up four more requests, again and again.
    ///
    /// - Returns: the number of the next request.
    private static func paid(_ rounds: Int, _ listener: Listener, from first: UInt32 = 0) -> UInt32 {
        var next = first
        for _ in 0..<rounds {
            listener.feed(Frames.request(2 * next + 1))
            let session = listener.session
            session.beginFields()
            session.add(status: 200)
            session.endFields(0, isEnd: true)
            #expect(session.closeIfDone(0))
            listener.feed(rash(next + 1..<next + 5))
            next += 5
        }
        return next
    }

    @Test("what was paid for is kept within a bound")
    func paidBound() {
        let listener = Listener { $0.resets = 20 }
        listener.feed(Frames.beginning)
        for number: UInt32 in 0..<100 {
            listener.feed(Frames.request(2 * number + 1))
            listener.session.beginFields()
            listener.session.add(status: 200)
            listener.session.endFields(0, isEnd: true)
            #expect(listener.session.closeIfDone(0))
        }
        listener.feed(Self.rash(100..<140))
        #expect(listener.failure == nil)
        listener.feed(Self.rash(140..<141))
        #expect(listener.failure == .enhanceYourCalm)
    }

    @Test("who has waited for a second may give up, however many it waited for")
    func longStreams() {
        let listener = Listener { $0.resets = 20 }
        listener.feed(Frames.beginning)
        for round: UInt32 in 0..<10 {
            let numbers = round * 100..<round * 100 + 100
            listener.feed(numbers.flatMap { Frames.request(2 * $0 + 1) })
            listener.session.now += 1_000_000_000
            listener.feed(numbers.flatMap { Frames.frame(3, stream: 2 * $0 + 1, Self.cancel) })
        }
        #expect(listener.failure == nil)
        listener.feed(Self.rash(1000..<1021))
        #expect(listener.failure == .enhanceYourCalm)
    }

    @Test("malformed requests and refused ones are told apart from broken streams")
    func refusals() {
        let listener = Listener { $0.streams = 1 }
        listener.feed(Frames.beginning + Frames.request(1, Frames.get + [("connection", "x")]))
        listener.feed(Frames.request(3) + Frames.request(5) + Frames.frame(8, stream: 3, Self.zero))
        #expect(listener.log.suffix(4) == ["malformed", "head 3", "refused", "broken 3"], "\(listener.log)")
    }
}
