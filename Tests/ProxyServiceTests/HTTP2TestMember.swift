import Addresses
import NIOCore
import NIOHPACK
import NIOPosix
import Synchronization

/// A member of HTTP/2 that sends the frames a test tells it to.
final class HTTP2TestMember: Sendable {
    typealias Frame = HTTP2TestClient.Frame

    /// A frame that came, decoded if it is HEADERS.
    struct Event: Sendable {
        var connection: Int
        var frame: Frame
        var fields: [String: String] = [:]
    }

    /// Gets each frame but SETTINGS, PING and WINDOW_UPDATE; returns the bytes to send.
    typealias Script = @Sendable (_ event: Event) -> [UInt8]

    struct Log: Sendable {
        var connections = 0
        var open = 0
        var events: [Event] = []
        /// WINDOW_UPDATE.
        var updates: [Frame] = []
    }

    let endpoint: Endpoint
    private let channel: any Channel
    private let log: LogBox

    final class LogBox: Sendable {
        let state = Mutex(Log())
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let script: Script
        let log: LogBox
        let settings: [UInt8]
        let pause: TimeAmount?
        var number = 0
        var pending: [UInt8] = []
        var isBegun = false
        var decoder = HPACKDecoder(allocator: ByteBufferAllocator())

        init(script: @escaping Script, log: LogBox, settings: [UInt8], pause: TimeAmount?) {
            self.script = script
            self.log = log
            self.settings = settings
            self.pause = pause
        }

        func channelActive(context: ChannelHandlerContext) {
            number = log.state.withLock {
                $0.connections += 1
                $0.open += 1
                return $0.connections
            }
            send(context, HTTP2TestClient.frame(.settings, settings))
        }

        func channelInactive(context: ChannelHandlerContext) { log.state.withLock { $0.open -= 1 } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            pending += unwrapInboundIn(data).readableBytesView
            if !isBegun {
                guard pending.count >= HTTP2TestClient.preface.count else { return }
                pending.removeFirst(HTTP2TestClient.preface.count)
                isBegun = true
            }
            while pending.count >= 9 {
                let length = Int(pending[0]) << 16 | Int(pending[1]) << 8 | Int(pending[2])
                guard pending.count >= 9 + length else { return }
                let frame = Frame(
                    kind: pending[3], flags: pending[4], stream: pending[5..<9].reduce(0) { $0 << 8 | UInt32($1) },
                    payload: Array(pending[9..<9 + length]))
                pending.removeFirst(9 + length)
                take(context, frame)
            }
        }

        private func take(_ context: ChannelHandlerContext, _ frame: Frame) {
            var event = Event(connection: number, frame: frame)
            switch frame.kind {
            case 1:
                var block = ByteBuffer(bytes: frame.payload)
                for field in (try? decoder.decodeHeaders(from: &block)) ?? [:] {
                    event.fields[field.name] = field.value
                }
            case 4:
                if frame.flags == 0 { send(context, HTTP2TestClient.frame(.settings, flags: 1, [])) }
                return
            case 6: return
            case 8:
                log.state.withLock { $0.updates.append(frame) }
                return
            default: break
            }
            log.state.withLock { $0.events.append(event) }
            let answer = script(event)
            if answer == [0] {
                context.close(promise: nil)
            } else if let pause {
                sendSlowly(context, answer, pause)
            } else if !answer.isEmpty {
                send(context, answer)
            }
        }

        private func sendSlowly(_ context: ChannelHandlerContext, _ answer: [UInt8], _ pause: TimeAmount) {
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            var rest = answer[...]
            var delay = pause
            while rest.count >= 9 {
                let bytes = 9 + rest.prefix(3).reduce(0) { $0 << 8 | Int($1) }
                let frame = Array(rest.prefix(bytes))
                rest = rest.dropFirst(bytes)
                context.eventLoop.scheduleTask(in: delay) { bound.value.0.send(bound.value.1, frame) }
                delay = delay + pause
            }
        }

        private func send(_ context: ChannelHandlerContext, _ bytes: [UInt8]) {
            context.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
        }
    }

    /// For a script: closes the connection.
    static let close: [UInt8] = [0]

    /// - Parameter pause: before each frame of an answer.
    init(settings: [UInt8] = [], pause: TimeAmount? = nil, _ script: @escaping Script) async throws {
        let log = LogBox()
        self.log = log
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(script: script, log: log, settings: settings, pause: pause))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        endpoint = Endpoint(address: .v4(0x7f00_0001), port: UInt16(channel.localAddress?.port ?? 0))
    }

    var connections: Int { log.state.withLock { $0.connections } }
    var openConnections: Int { log.state.withLock { $0.open } }
    /// How much more may be sent on a stream than at first.
    func room(_ stream: UInt32) -> Int {
        log.state.withLock { $0.updates.filter { $0.stream == stream }.reduce(0) { $0 + Int($1.number(0)) } }
    }
    var events: [Event] { log.state.withLock { $0.events } }

    func close() async { try? await channel.close() }

    /// HEADERS and DATA of a whole response.
    static func ok(_ stream: UInt32, _ body: String, _ fields: [(String, String)] = []) -> [UInt8] {
        HTTP2TestClient.frame(.headers, flags: 4, stream: stream, HTTP2TestClient.block([(":status", "200")] + fields))
            + HTTP2TestClient.frame(.data, flags: 1, stream: stream, Array(body.utf8))
    }
}
