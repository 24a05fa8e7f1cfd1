import ControlPlane
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import TestSupport
import Testing

@testable import AdminAPI

@Suite("How long slow clients are waited for")
struct PatienceTests {
    private static let limits = AnswerPatience.Limits(window: .seconds(60), least: 16_384, total: .minutes(10))

    /// What waits after each minute, until the client is cut.
    private func minutes(_ waiting: [Int], from start: Int = 3_000_000) -> Int {
        let begin = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var patience = AnswerPatience(Self.limits, waiting: start, now: begin)
        for (index, bytes) in waiting.enumerated() {
            #expect(patience.next == begin + .minutes(Int64(index + 1)))
            guard patience.goesOn(waiting: bytes, now: patience.next) else { return index + 1 }
        }
        return waiting.count + 1
    }

    @Test("who reads slowly is waited for, who takes next to nothing is not, and nobody for ever")
    func progress() {
        #expect(minutes([2_900_000, 2_800_000, 2_700_000]) == 4)
        #expect(minutes([3_000_000]) == 1)
        #expect(minutes([3_000_000 - 16_383]) == 1)
        #expect(minutes([3_000_000 - 16_384]) == 2)
        #expect(minutes([2_000_000, 2_000_000]) == 2, "it stopped")
        #expect(minutes((1...20).map { 3_000_000 - $0 * 20_000 }) == 10, "at the end of all time")
    }

    @Test("what is written meanwhile does not count as not taken")
    func more() {
        var patience = AnswerPatience(Self.limits, waiting: 100_000, now: .uptimeNanoseconds(0))
        patience.add(50_000)
        let (first, second) = (
            patience.goesOn(waiting: 130_000, now: patience.next), patience.goesOn(waiting: 120_000, now: patience.next)
        )
        #expect(first)
        #expect(!second)
    }

    @Test("where little waits, all of it is to be taken")
    func little() {
        #expect(minutes([1], from: 300) == 1)
        #expect(minutes([300], from: 300) == 1)
        #expect(minutes([0, 0], from: 300) == 3, "nothing waits, but for the kernel's word")
    }

    /// A connection whose client takes what the test says.
    private struct Connection {
        let channel = EmbeddedChannel()
        let counters = AdminCounters()
        private let gate = Gate()

        init() throws {
            var limits = PatienceHandler.Limits()
            limits.idle = .seconds(30)
            limits.body = .seconds(20)
            limits.answer = PatienceTests.limits
            limits.farewell = .seconds(15)
            try channel.pipeline.syncOperations.addHandlers(gate, PatienceHandler(counters: counters, limits: limits))
            try channel.connect(to: .init(unixDomainSocketPath: "x")).wait()
        }

        var cut: UInt64? { counters.totals["slowClients"] }

        func ask() throws {
            let request = HTTPRequest(method: .get, scheme: "http", authority: "x", path: "/v1/status")
            try channel.writeInbound(HTTPRequestPart.head(request))
            try channel.writeInbound(HTTPRequestPart.end(nil))
        }

        /// Writes an answer, of which the client takes nothing yet.
        func answer(_ bytes: Int) {
            channel.write(HTTPResponsePart.head(HTTPResponse(status: .ok)), promise: nil)
            channel.write(HTTPResponsePart.body(ByteBuffer(repeating: 0, count: bytes)), promise: nil)
            channel.writeAndFlush(HTTPResponsePart.end(nil), promise: nil)
        }

        /// The client takes all that was written.
        func take() {
            gate.isOpen = true
            channel.flush()
            gate.isOpen = false
        }

        func pass(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

        /// Bodies as bytes, which an embedded channel can count; they stay here until it is open.
        private final class Gate: ChannelOutboundHandler {
            typealias OutboundIn = HTTPResponsePart
            typealias OutboundOut = ByteBuffer

            var isOpen = false

            func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
                let bytes = if case .body(let buffer) = unwrapOutboundIn(data) { buffer } else { ByteBuffer() }
                context.write(wrapOutboundOut(bytes), promise: promise)
            }

            func flush(context: ChannelHandlerContext) {
                if isOpen { context.flush() }
            }
        }
    }

    @Test("a client that takes nothing of an answer is cut after a minute and counted", arguments: [100, 90_000])
    func untaken(_ bytes: Int) throws {
        let connection = try Connection()
        try connection.ask()
        connection.answer(bytes)
        connection.pass(.seconds(59))
        #expect(connection.channel.isActive, "it is not idle while something waits for it")
        connection.pass(.seconds(2))
        #expect(!connection.channel.isActive)
        #expect(connection.cut == 1)
    }

    @Test("one that takes its answers in time is not cut, and idles when it has the last")
    func taken() throws {
        let connection = try Connection()
        for _ in 0..<3 {
            try connection.ask()
            connection.answer(90_000)
            connection.pass(.seconds(59))
            connection.take()
        }
        connection.pass(.seconds(29))
        #expect(connection.channel.isActive)
        connection.pass(.seconds(2))
        #expect(!connection.channel.isActive)
        #expect(connection.cut == 0, "who keeps a connection does nothing wrong")
    }

    @Test("a connection without a request idles; one that works on a request does not")
    func idle() throws {
        let silent = try Connection()
        silent.pass(.seconds(31))
        #expect(!silent.channel.isActive && silent.cut == 0)
        let busy = try Connection()
        try busy.ask()
        busy.pass(.minutes(60))
        #expect(busy.channel.isActive)
        busy.answer(100)
        busy.take()
        busy.pass(.seconds(31))
        #expect(!busy.channel.isActive && busy.cut == 0)
    }

    @Test(
        "a connection that is to close, one way or both, does so when its answer is out, and takes no more requests",
        arguments: [CloseMode.all, .output])
    func farewell(mode: CloseMode) throws {
        let connection = try Connection()
        try connection.ask()
        connection.answer(90_000)
        let ends = connection.channel.close(mode: mode)
        connection.pass(.seconds(14))
        #expect(connection.channel.isActive)
        while try connection.channel.readInbound(as: HTTPRequestPart.self) != nil {}
        try connection.ask()
        #expect(try connection.channel.readInbound(as: HTTPRequestPart.self) == nil)
        connection.take()
        try ends.wait()
        #expect(!connection.channel.isActive && connection.cut == 0)
    }

    @Test("a connection that is to close waits so long for its client, who is counted then")
    func endOfFarewell() throws {
        let connection = try Connection()
        try connection.ask()
        connection.answer(90_000)
        let ends = connection.channel.close()
        connection.pass(.seconds(16))
        try ends.wait()
        #expect(!connection.channel.isActive && connection.cut == 1)
    }

    @Test("a connection with nothing to send closes at once")
    func close() throws {
        let connection = try Connection()
        try connection.ask()
        connection.answer(100)
        connection.take()
        try connection.channel.close().wait()
        #expect(!connection.channel.isActive && connection.cut == 0)
    }

    @Test("a request whose end does not come is cut after its time, one that comes is not")
    func requests() throws {
        let head = HTTPRequestPart.head(
            HTTPRequest(method: .put, scheme: "http", authority: "x", path: "/v1/overrides/region"))
        let late = try Connection()
        try late.channel.writeInbound(head)
        late.channel.embeddedEventLoop.advanceTime(by: .seconds(21))
        #expect(!late.channel.isActive && late.cut == 1)
        let timely = try Connection()
        try timely.channel.writeInbound(head)
        timely.channel.embeddedEventLoop.advanceTime(by: .seconds(19))
        try timely.channel.writeInbound(HTTPRequestPart.end(nil))
        timely.channel.embeddedEventLoop.advanceTime(by: .seconds(21))
        #expect(timely.channel.isActive && timely.cut == 0)
        _ = try timely.channel.finish()
    }
}
