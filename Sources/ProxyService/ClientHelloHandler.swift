import NIOCore
import NIOSSL
import TLSWire

/// Waits for the client's first words, puts TLS with the certificate that they ask for in front of the connection, and
/// goes.
final class ClientHelloHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let tls: ListenerTLS
    private let connection: ClientConnection
    private var pending = ByteBuffer()

    init(tls: ListenerTLS, connection: ClientConnection) {
        self.tls = tls
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if pending.readableBytes == 0 { pending = bytes } else { pending.writeBuffer(&bytes) }
        let seen = pending
        switch ClientHello.read(seen.readableBytesUInt8Span) {
        case .incomplete:
            // The size is bounded by what is read as a hello.
            return
        case .malformed:
            begin(context, tls.entry(for: nil, accepting: .all))
        case .hello(let hello):
            let entry = tls.entry(for: hello.serverName, accepting: hello.keys)
            if hello.serverName != nil { connection.certificate = entry }
            begin(context, entry)
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ entry: Int) {
        let bytes = pending
        pending = ByteBuffer()
        do {
            try context.pipeline.syncOperations.addHandler(
                NIOSSLServerHandler(context: tls.entries[entry].context), position: .after(self))
        } catch {
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(wrapInboundOut(bytes))
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
