import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import Testing

@testable import HTTP2Wire

@Suite("HTTP/2 connections: however the bytes come")
struct SessionSplitTests {
    private static let conversation: [UInt8] = {
        let post = Frames.block(Frames.post([("x-a", "bcd")]))
        var all = Frames.beginning
        all += Frames.frame(4, [0, 4, 0, 0, 0x10, 0])
        all += Frames.frame(1, flags: 0x2d, stream: 1, [2, 0, 0, 0, 0, 9] + Frames.block(Frames.get) + [0, 0])
        all += Frames.frame(1, flags: 0, stream: 3, Array(post.prefix(20)))
        all += Frames.frame(9, flags: 0, stream: 3, Array(post.dropFirst(20).prefix(9)))
        all += Frames.frame(9, flags: 4, stream: 3, Array(post.dropFirst(29)))
        all += Frames.frame(0, flags: 8, stream: 3, [3] + Array("hello".utf8) + [0, 0, 0])
        all += Frames.frame(6, [1, 2, 3, 4, 5, 6, 7, 8])
        all += Frames.frame(0, flags: 0, stream: 3, Array("world".utf8))
        all += Frames.frame(8, stream: 3, [0, 0, 0, 7])
        all += Frames.frame(2, stream: 5, [0, 0, 0, 0, 1])
        all += Frames.frame(0x99, [1, 2, 3])
        all += Frames.request(3, [("x-t", "u")])
        all += Frames.request(5, Frames.post(), isEnd: false)
        all += Frames.frame(3, stream: 5, [0, 0, 0, 8])
        all += Frames.request(7, Frames.post([("content-length", "2")]), isEnd: false)
        all += Frames.data(7, "ok", isEnd: true)
        return all + Frames.frame(7, [0, 0, 0, 0, 0, 0, 0, 0])
    }()

    private struct Result: Equatable {
        var heads: [[TestField]]
        var bodies: [UInt32: [UInt8]]
        var log: [String]
        var ended: [UInt32]
        var output: [UInt8]
    }

    private func listen(_ pieces: [[UInt8]]) -> Result {
        let listener = Listener()
        listener.session.start()
        for piece in pieces { listener.feed(piece) }
        return Result(
            heads: listener.heads, bodies: listener.bodies, log: listener.log, ended: listener.ended,
            output: listener.session.output.take())
    }

    @Test("every split, and byte by byte")
    func splits() {
        let all = Self.conversation
        let whole = listen([all])
        #expect(whole.bodies == [3: Array("helloworld".utf8), 7: Array("ok".utf8)])
        #expect(whole.ended == [1, 3, 7] && whole.heads.count == 5)
        #expect(whole.log.last == "goaway 0 0")
        for cut in 1..<all.count {
            #expect(listen([Array(all[..<cut]), Array(all[cut...])]) == whole, "cut at \(cut)")
        }
        #expect(listen(all.map { [$0] }) == whole)
    }

    /// Tells what a client of SwiftNIO is told.
    private final class Recorder: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame
        var heads: [[TestField]] = []
        var body: [HTTP2StreamID: [UInt8]] = [:]
        var errors: [any Error] = []

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = unwrapInboundIn(data)
            switch frame.payload {
            case .headers(let headers): heads.append(headers.headers.map { TestField($0.name, $0.value) })
            case .data(let data):
                if case .byteBuffer(let bytes) = data.data {
                    body[frame.streamID, default: []] += bytes.readableBytesView
                }
            default: break
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { errors.append(error) }
    }

    @Test("SwiftNIO and this side understand one another, as client and as server", arguments: 0..<20)
    func oracle(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let isServer = seed % 2 == 0
        let recorder = Recorder()
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandlers([NIOHTTP2Handler(mode: isServer ? .client : .server), recorder])
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
        let listener = Listener(isServer ? .server : .client) {
            $0.connectionWindow = 1 << 20; $0.streamWindow = 1 << 18
        }
        let session = listener.session
        session.start()
        // Bytes go both ways in pieces until nothing moves.
        func exchange() throws {
            while true {
                var moved = false
                while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
                    var rest = Array(bytes.readableBytesView)[...]
                    while !rest.isEmpty {
                        let piece = rest.prefix(Int.random(in: 1...700, using: &random))
                        listener.feed(Array(piece))
                        rest = rest.dropFirst(piece.count)
                    }
                    moved = true
                }
                let output = session.output.take()
                if !output.isEmpty {
                    try channel.writeInbound(ByteBuffer(bytes: output))
                    moved = true
                }
                guard moved else { return }
            }
        }
        try exchange()
        var stream = 1
        for _ in 0..<20 {
            let fields = (0..<Int.random(in: 0...8, using: &random)).map { number in
                TestField("x-\(number)", String(repeating: "v", count: Int.random(in: 0...40, using: &random)))
            }
            let body = [UInt8](
                repeating: UInt8(truncatingIfNeeded: stream), count: Int.random(in: 0...40_000, using: &random))
            let request = Frames.post().map { TestField($0.0, $0.1) } + fields
            let response = [TestField(":status", "200")] + fields
            if isServer {
                try oracleSends(channel, request, body, stream)
                try exchange()
                #expect(listener.heads.last == request && listener.bodies[UInt32(stream)] ?? [] == body)
                let place = try #require(session.streams.find(UInt32(stream)))
                sends(session, place, response, body)
                try exchange()
                #expect(recorder.heads.last == response)
            } else {
                let place = session.open(isHead: false)
                listener.number(place, UInt32(stream))
                sends(session, place, request, body)
                try exchange()
                #expect(recorder.heads.last == request)
                try oracleSends(channel, response, body, stream)
                try exchange()
                #expect(listener.heads.last == response && listener.bodies[UInt32(stream)] ?? [] == body)
            }
            #expect(recorder.body[HTTP2StreamID(stream)] ?? [] == body)
            if !body.isEmpty {
                // SwiftNIO leaves it to its user to give room back.
                channel.writeAndFlush(
                    HTTP2Frame(streamID: .rootStream, payload: .windowUpdate(windowSizeIncrement: body.count)),
                    promise: nil)
                try exchange()
            }
            if let place = session.streams.find(UInt32(stream)) { #expect(session.closeIfDone(place)) }
            stream += 2
        }
        #expect(listener.failure == nil && recorder.errors.isEmpty)
        _ = try? channel.finish()
    }

    private func sends(_ session: HTTP2Session, _ place: Int, _ fields: [TestField], _ body: [UInt8]) {
        session.beginFields()
        for field in fields { session.add(0, name: field.name.span, value: field.value.span) }
        session.endFields(place, isEnd: false)
        #expect(session.sends(body, on: place) == body.count)
    }

    private func oracleSends(_ channel: EmbeddedChannel, _ fields: [TestField], _ body: [UInt8], _ stream: Int) throws {
        let headers = HPACKHeaders(
            fields.map { (String(decoding: $0.name, as: UTF8.self), String(decoding: $0.value, as: UTF8.self)) })
        channel.write(
            HTTP2Frame(streamID: HTTP2StreamID(stream), payload: .headers(.init(headers: headers))), promise: nil)
        channel.writeAndFlush(
            HTTP2Frame(
                streamID: HTTP2StreamID(stream),
                payload: .data(.init(data: .byteBuffer(ByteBuffer(bytes: body)), endStream: true))),
            promise: nil)
    }

    @Test("the table of streams finds each that is open, and no other")
    func table() {
        var random = SeededGenerator(seed: 5)
        var table = StreamTable()
        var open: [UInt32: Int] = [:]
        var next: UInt32 = 1
        for _ in 0..<20_000 {
            if open.count < 200, Bool.random(using: &random) {
                var state = StreamState()
                state.id = next
                open[next] = table.insert(state)
                // Sometimes far ahead, so that numbers meet.
                next += 2 * UInt32.random(in: 1...40, using: &random)
            } else if let id = open.keys.randomElement(using: &random), let place = open.removeValue(forKey: id) {
                table.remove(place)
                #expect(table.find(id) == nil)
            }
            #expect(table.count == open.count)
            if let (id, place) = open.randomElement(using: &random) { #expect(table.find(id) == place) }
        }
        for (id, place) in open { #expect(table.find(id) == place) }
    }
}
