package import Addresses
import CLinux
import Glibc
package import NIOCore

/// What SwiftNIO's handlers see of a connection.
extension StreamChannel {
    package var eventLoop: any EventLoop { loop }

    package var allocator: ByteBufferAllocator { ByteBufferAllocator() }

    package var parent: (any Channel)? { nil }

    package var pipeline: ChannelPipeline {
        if let handlers { return handlers }
        let made = ChannelPipeline(channel: self)
        handlers = made
        return made
    }

    package var closeFuture: EventLoopFuture<Void> {
        if let closePromise { return closePromise.futureResult }
        let made = loop.makePromise(of: Void.self)
        closePromise = made
        if !isOpen { made.succeed(()) }
        return made.futureResult
    }

    /// This side's address and port, asked from the kernel.
    package var local: Endpoint? { isOpen ? KernelAddress.local(of: descriptor) : nil }

    package var localAddress: SocketAddress? { local.flatMap(Self.address) }

    package var remoteAddress: SocketAddress? { Self.address(remote) }

    private static func address(_ endpoint: Endpoint) -> SocketAddress? {
        // Fails only for an address of neither 4 nor 16 bytes, and there is none.
        try? SocketAddress(
            packedIPAddress: ByteBuffer(bytes: endpoint.address.bytes), port: Int(endpoint.port))
    }

    package var _channelCore: any ChannelCore { self }

    package var syncOptions: (any NIOSynchronousChannelOptions)? { Options(channel: self) }

    package func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        loop.submit { try Options(channel: self).setOption(option, value: value) }
    }

    package func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        loop.submit { try Options(channel: self).getOption(option) }
    }

    /// The options that handlers ask for.
    private struct Options: NIOSynchronousChannelOptions {
        let channel: StreamChannel

        func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            switch option {
            case is ChannelOptions.Types.AutoReadOption:
                guard let value = value as? Bool else { throw ChannelError.operationUnsupported }
                channel.readsByItself = value
                if value, channel.isActive { channel.askToRead() }
            case is ChannelOptions.Types.AllowRemoteHalfClosureOption:
                guard let value = value as? Bool else { throw ChannelError.operationUnsupported }
                channel.allowsHalfClosure = value
            case is ChannelOptions.Types.WriteBufferWaterMarkOption:
                guard let value = value as? ChannelOptions.Types.WriteBufferWaterMark else {
                    throw ChannelError.operationUnsupported
                }
                channel.waterMark = value
            default:
                throw ChannelError.operationUnsupported
            }
        }

        func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            let value: Any =
                switch option {
                case is ChannelOptions.Types.AutoReadOption: channel.readsByItself
                case is ChannelOptions.Types.AllowRemoteHalfClosureOption: channel.allowsHalfClosure
                case is ChannelOptions.Types.WriteBufferWaterMarkOption: channel.waterMark
                case is ChannelOptions.Types.BufferedWritableBytesOption: channel.unsentBytes
                default: throw ChannelError.operationUnsupported
                }
            guard let value = value as? Option.Value else { throw ChannelError.operationUnsupported }
            return value
        }
    }
}

/// What the pipeline's handlers ask for.
extension StreamChannel: NIOTransportAccessibleChannelCore {
    package func localAddress0() throws -> SocketAddress {
        guard let localAddress else { throw ChannelError.unknownLocalAddress }
        return localAddress
    }

    package func remoteAddress0() throws -> SocketAddress {
        guard let remoteAddress else { throw ChannelError.operationUnsupported }
        return remoteAddress
    }

    package func register0(promise: EventLoopPromise<Void>?) { promise?.succeed(()) }

    package func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) { promise?.succeed(()) }

    package func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    package func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    package func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isOpen, !isOutputClosed else {
            promise?.fail(isOpen ? ChannelError.outputClosed : ChannelError.ioOnClosedChannel)
            return
        }
        write(unwrapData(data, as: ByteBuffer.self))
        // An empty write is done when what came before it is.
        if let promise { whenSent(promise) }
    }

    package func flush0() { flush() }

    package func read0() { resumeReading() }

    package func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isOpen else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        switch mode {
        case .all:
            end(nil)
        case .output:
            guard !isOutputClosed else {
                promise?.fail(ChannelError.outputClosed)
                return
            }
            closeOutput()
        case .input:
            guard !isInputClosed else {
                promise?.fail(ChannelError.inputClosed)
                return
            }
            Glibc.shutdown(descriptor, Int32(SHUT_RD))
        }
        promise?.succeed(())
    }

    package func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    package func channelRead0(_ data: NIOAny) {}

    package func errorCaught0(error: any Error) {}

    package func withUnsafeTransport<Result>(_ body: (NIOBSDSocket.Handle) throws -> Result) throws -> Result {
        guard isOpen else { throw ChannelError.ioOnClosedChannel }
        return try body(descriptor)
    }
}
