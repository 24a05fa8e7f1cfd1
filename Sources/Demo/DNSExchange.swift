import Addresses
import DNSWire
import NIOCore
import NIOPosix

/// Asks one name server: over UDP, twice if need be, and over TCP when the answer was cut (RFC 1035 section 4.2,
/// RFC 7766).
final class DNSExchange: Sendable {
    enum Failure: Error, CustomStringConvertible {
        case timeout
        case unreachable
        case malformed

        var description: String {
            switch self {
            case .timeout: "no DNS answer"
            case .unreachable: "DNS unreachable"
            case .malformed: "malformed DNS answer"
            }
        }
    }

    private let server: Endpoint
    private let channel: any Channel
    private let timeout: Duration

    private init(server: Endpoint, channel: any Channel, timeout: Duration) {
        self.server = server
        self.channel = channel
        self.timeout = timeout
    }

    static func open(
        to server: Endpoint, on group: any EventLoopGroup, timeout: Duration
    ) async throws -> DNSExchange {
        let local = Endpoint(address: server.address, port: 0)
        let channel = try await DatagramBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramHandler())
                }
            }
            .bind(to: SocketAddress(local)).get()
        return DNSExchange(server: server, channel: channel, timeout: timeout)
    }

    /// - Parameter subnet: the network to claim to ask for (EDNS Client Subnet, RFC 7871).
    func ask(_ name: DomainName, _ type: RecordType, subnet: IPPrefix?) async throws(Failure) -> DNSMessage {
        for _ in 0..<2 {
            let query = DNSMessage(
                id: UInt16.random(in: .min ... .max), name: name, type: type,
                subnet: subnet.map { .init(address: $0.address, source: UInt8($0.length)) })
            guard let reply = try await overUDP(query) else { continue }
            return reply.isTruncated ? try await overTCP(query) : reply
        }
        throw .timeout
    }

    func close() { channel.close(mode: .all, promise: nil) }

    /// `nil` when nothing came in time.
    private func overUDP(_ query: DNSMessage) async throws(Failure) -> DNSMessage? {
        let promise = channel.eventLoop.makePromise(of: [UInt8]?.self)
        let (channel, server, timeout) = (channel, server, timeout)
        channel.eventLoop.execute {
            guard
                let handler = try? channel.pipeline.syncOperations.handler(type: DatagramHandler.self),
                let remote = try? SocketAddress(server)
            else { return promise.fail(Failure.unreachable) }
            handler.send(query, to: remote, timeout: timeout, promise: promise, channel: channel)
        }
        return try decode(await promise.futureResult.result(), query: query)
    }

    private func overTCP(_ query: DNSMessage) async throws(Failure) -> DNSMessage {
        let promise = channel.eventLoop.makePromise(of: [UInt8]?.self)
        do {
            let stream = try await ClientBootstrap(group: channel.eventLoop)
                .connectTimeout(TimeAmount(timeout))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(StreamHandler(promise: promise))
                    }
                }
                .connect(to: SocketAddress(server)).get()
            let deadline = channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
                stream.close(mode: .all, promise: nil)
            }
            defer { deadline.cancel() }
            let message = query.wire
            var buffer = ByteBuffer()
            buffer.writeInteger(UInt16(message.count))
            buffer.writeBytes(message)
            stream.writeAndFlush(buffer, promise: nil)
            let reply = try decode(await promise.futureResult.result(), query: query)
            stream.close(mode: .all, promise: nil)
            guard let reply else { throw Failure.timeout }
            return reply
        } catch let failure as Failure {
            throw failure
        } catch {
            promise.succeed(nil)
            throw .unreachable
        }
    }

    private func decode(
        _ result: Result<[UInt8]?, any Error>, query: DNSMessage
    ) throws(Failure) -> DNSMessage? {
        switch result {
        case .success(let bytes?):
            // Why it is malformed matters to nobody who only counts.
            guard let reply = try? DNSMessage(wire: bytes), reply.isResponse, reply.id == query.id,
                reply.questions == query.questions
            else { throw .malformed }
            return reply
        case .success(nil): return nil
        case .failure: throw .unreachable
        }
    }
}

/// Matches datagrams to the questions that wait, by identifier.
private final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private var waiting: [UInt16: EventLoopPromise<[UInt8]?>] = [:]

    func send(
        _ query: DNSMessage, to remote: SocketAddress, timeout: Duration, promise: EventLoopPromise<[UInt8]?>,
        channel: any Channel
    ) {
        guard waiting[query.id] == nil else { return promise.succeed(nil) }
        waiting[query.id] = promise
        let id = query.id
        let loopBound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            loopBound.value.waiting.removeValue(forKey: id)?.succeed(nil)
        }
        channel.writeAndFlush(
            AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: query.wire)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(unwrapInboundIn(data).data.readableBytesView)
        guard bytes.count >= 12 else { return }
        waiting.removeValue(forKey: UInt16(bytes[0]) << 8 | UInt16(bytes[1]))?.succeed(bytes)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let abandoned = waiting.values
        waiting = [:]
        for promise in abandoned { promise.succeed(nil) }
    }

    /// A port where nobody listens: the question's own deadline tells.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

/// Collects one message with its length before it.
private final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<[UInt8]?>
    private var received = ByteBuffer()

    init(promise: EventLoopPromise<[UInt8]?>) { self.promise = promise }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        received.writeBuffer(&part)
        guard let length = received.getInteger(at: received.readerIndex, as: UInt16.self),
            let message = received.getBytes(at: received.readerIndex + 2, length: Int(length))
        else { return }
        promise.succeed(message)
    }

    func channelInactive(context: ChannelHandlerContext) { promise.succeed(nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.succeed(nil)
        context.close(promise: nil)
    }
}
