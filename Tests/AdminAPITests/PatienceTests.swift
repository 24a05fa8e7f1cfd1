import ControlPlane
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
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

    /// A connection whose client takes what the test says.
    private struct Connection {
        let channel = EmbeddedChannel()
        let counters = AdminCounters()

        init() throws {
            var limits = PatienceHandler.Limits()
            limits.body = .seconds(20)
            limits.answer = PatienceTests.limits
            try channel.pipeline.syncOperations.addHandlers(
                Bytes(), PatienceHandler(counters: counters, limits: limits))
            try channel.connect(to: .init(unixDomainSocketPath: "x")).wait()
        }

        var cut: UInt64? { counters.totals["slowClients"] }

        func block() {
            channel.isWritable = false
            channel.pipeline.fireChannelWritabilityChanged()
        }

        /// Bodies as bytes, which an embedded channel can count.
        private final class Bytes: ChannelOutboundHandler, Sendable {
            typealias OutboundIn = HTTPResponsePart
            typealias OutboundOut = ByteBuffer

            func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
                guard case .body(let buffer) = unwrapOutboundIn(data) else { return }
                context.write(wrapOutboundOut(buffer), promise: promise)
            }
        }
    }

    @Test("a client that takes nothing of an answer is cut after a minute and counted; one that takes it is not")
    func answers() throws {
        let connection = try Connection()
        let channel = connection.channel
        func write(_ bytes: Int) {
            channel.write(HTTPResponsePart.body(ByteBuffer(repeating: 0, count: bytes)), promise: nil)
        }
        for _ in 0..<3 { write(30_000) }
        connection.block()
        channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        #expect(channel.isActive)
        // It takes all that waits, and more is written.
        channel.flush()
        write(70_000)
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(channel.isActive, "it took 90 kB in a minute")
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(!channel.isActive)
        #expect(connection.cut == 1)
    }

    @Test("nobody is cut whose answer is out, nor twice")
    func writable() throws {
        let connection = try Connection()
        connection.block()
        connection.channel.isWritable = true
        connection.channel.pipeline.fireChannelWritabilityChanged()
        connection.channel.embeddedEventLoop.advanceTime(by: .minutes(60))
        #expect(connection.channel.isActive)
        _ = try connection.channel.finish()
        connection.channel.embeddedEventLoop.advanceTime(by: .minutes(60))
        #expect(connection.cut == 0)
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
