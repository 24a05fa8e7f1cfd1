import Addresses
import NIOCore

/// Reads the header with which a trusted proxy says whose connection it is, tells the connection, and goes.
final class ProxyHeaderReader: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: ClientConnection
    private var pending = ByteBuffer()

    init(connection: ClientConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if pending.readableBytes == 0 { pending = bytes } else { pending.writeBuffer(&bytes) }
        let reading = unsafe pending.withUnsafeReadableBytes { unsafe ProxyHeader.read($0.bytes) }
        switch reading {
        case .incomplete:
            // The size is bounded by what is read as a header.
            return
        case .malformed:
            connection.refuseProxyHeader()
        case .header(let header):
            let bytes = pending
            let extensions = ProxyHeader.extensions(of: bytes.readableBytesUInt8Span.extracting(0..<header.length))
            pending.moveReaderIndex(forwardBy: header.length)
            let rest = pending
            pending = ByteBuffer()
            guard connection.identify(header, extensions: extensions) else { return }
            if rest.readableBytes > 0 {
                context.fireChannelRead(wrapInboundOut(rest))
                context.fireChannelReadComplete()
            }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }
}
