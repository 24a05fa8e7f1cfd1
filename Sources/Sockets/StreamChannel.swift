package import Addresses
import CLinux
import DequeModule
import Glibc
package import NIOCore

/// A TCP connection on a ``SocketLoop``.
///
/// It serves one ``SocketDelegate`` directly, or, where a protocol is made of SwiftNIO's handlers, the handlers in its
/// pipeline, which comes to be when it is first asked for. What is written is held only when the kernel does not take it.
///
/// Unchecked: touched on its loop only, but for what `Channel` lets everybody ask, which is constant.
package final class StreamChannel: SocketSource, Channel, @unchecked Sendable {
    package let loop: SocketLoop
    package let remote: Endpoint
    /// Who is served without a pipeline.
    package private(set) var delegate: (any SocketDelegate)?
    /// Called when it is closed, however that comes.
    package var onClose: (() -> Void)?

    package private(set) var isOpen = true
    package private(set) var isActive = false
    private var connecting: Connecting?
    var handlers: ChannelPipeline?
    var closePromise: EventLoopPromise<Void>?

    // Reading.

    /// The kernel may have bytes, or the end.
    private var isReadable = false
    /// The end has arrived, behind the bytes that have.
    private var isEndAhead = false
    private var isReadWanted = false
    private var isReceiving = false
    /// In the loop's list of those that go on later.
    private var isQueued = false
    var isInputClosed = false
    var readsByItself = true
    var allowsHalfClosure = true

    // Writing: `first` before `rest`.

    private var first = ByteBuffer()
    private var rest = Deque<ByteBuffer>()
    /// Bytes that the kernel has not taken.
    package private(set) var unsentBytes = 0
    private var promises = Deque<(position: UInt64, promise: EventLoopPromise<Void>)>()
    private var written: UInt64 = 0
    /// The kernel took no more; it says when it does.
    private var isBlocked = false
    /// A write has failed, and nobody was told yet.
    private var isFailing = false
    var waterMark: ChannelOptions.Types.WriteBufferWaterMark
    /// Whether fewer bytes wait than the high-water mark.
    package private(set) var isWritable = true
    var isOutputClosed = false

    private struct Connecting {
        var timeout: Scheduled<Void>?
        let failed: (any Error) -> Void
    }

    /// Reads in one turn, before other connections get theirs.
    private static let readsInTurn = 4
    /// Pieces up to this size are put together rather than sent one by one.
    private static let smallPiece = 8 << 10

    /// - Parameter bufferBytes: unsent bytes from which on ``isWritable`` is false; it is true again from half of them.
    private init(loop: SocketLoop, descriptor: Int32, remote: Endpoint, bufferBytes: Int) {
        self.loop = loop
        self.remote = remote
        waterMark = .init(low: max(bufferBytes / 2, 1), high: max(bufferBytes, 2))
        super.init(descriptor: descriptor)
    }

    // MARK: Beginning

    /// A connection that was accepted; nothing comes before ``begin()``.
    package convenience init(accepted descriptor: Int32, from remote: Endpoint, on loop: SocketLoop, bufferBytes: Int) {
        self.init(loop: loop, descriptor: descriptor, remote: remote, bufferBytes: bufferBytes)
    }

    /// Asks for a connection.
    ///
    /// - Parameters:
    ///   - delegate: served directly; else handlers must be added before this returns to the loop.
    ///   - failed: called later, and at most once, when the connection does not come to be.
    package convenience init(
        to remote: Endpoint, on loop: SocketLoop, bufferBytes: Int, timeout: TimeAmount,
        delegate: (any SocketDelegate)?, failed: @escaping (any Error) -> Void
    ) {
        let family = if case .v4 = remote.address { AF_INET } else { AF_INET6 }
        let descriptor = socket(
            family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.init(loop: loop, descriptor: descriptor, remote: remote, bufferBytes: bufferBytes)
        self.delegate = delegate
        connecting = Connecting(failed: failed)
        if let code = connect() {
            loop.assumeIsolatedUnsafeUnchecked().execute {
                self.connectFailed(IOError(errnoCode: code, reason: "connect"))
            }
            return
        }
        connecting?.timeout = loop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: timeout) { [weak self] in
            self?.connectFailed(ChannelError.connectTimeout(timeout))
        }
    }

    private static let events =
        CLINUX_EPOLL_IN | CLINUX_EPOLL_OUT | CLINUX_EPOLL_INPUT_CLOSED | CLINUX_EPOLL_EDGE

    /// Serves `delegate` from now on.
    package func serve(_ delegate: any SocketDelegate) { self.delegate = delegate }

    /// Serves the handlers in the pipeline from now on.
    package func servePipeline() { delegate = nil }

    /// Begins to read what an accepted connection has to say. On error it is closed.
    package func begin() {
        guard isOpen else { return }
        do throws(SocketError) {
            try loop.add(self, events: Self.events)
        } catch {
            return fail(error.code)
        }
        activate()
    }

    private func activate() {
        isActive = true
        if let delegate {
            delegate.socketConnected()
        } else {
            pipeline.syncOperations.fireChannelRegistered()
            pipeline.syncOperations.fireChannelActive()
        }
        guard isOpen else { return }
        askToRead()
    }

    /// - Returns: why not, when it is clear at once.
    private func connect() -> Int32? {
        guard descriptor >= 0 else { return errno }
        var one: Int32 = 1
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let result = unsafe KernelAddress.withPointer(to: remote) { unsafe Glibc.connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else { return errno }
        do throws(SocketError) {
            try loop.add(self, events: Self.events)
        } catch {
            return error.code
        }
        return nil
    }

    private func connectFailed(_ error: any Error) {
        guard let connecting else { return }
        self.connecting = nil
        connecting.timeout?.cancel()
        delegate = nil
        end(nil)
        connecting.failed(error)
    }

    private func finishConnecting() {
        let code = pendingError
        guard code == 0 else { return connectFailed(IOError(errnoCode: code, reason: "connect")) }
        connecting?.timeout?.cancel()
        connecting = nil
        activate()
        guard isOpen else { return }
        if unsentBytes > 0 { flush() } else if isOutputClosed { endOutput() }
    }

    /// What the kernel noted since it was last asked; 0: nothing.
    private var pendingError: Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        return code
    }

    // MARK: Events

    override func ready(_ mask: UInt32) {
        if connecting != nil {
            guard mask & (CLINUX_EPOLL_OUT | CLINUX_EPOLL_ERROR | CLINUX_EPOLL_HANGUP) != 0 else { return }
            finishConnecting()
            guard isOpen else { return }
        }
        if isBlocked, mask & CLINUX_EPOLL_OUT != 0 {
            isBlocked = false
            send()
            guard isOpen else { return }
        }
        let end = CLINUX_EPOLL_INPUT_CLOSED | CLINUX_EPOLL_HANGUP | CLINUX_EPOLL_ERROR
        guard mask & (CLINUX_EPOLL_IN | end) != 0 else { return }
        if mask & end != 0 { isEndAhead = true }
        isReadable = true
        if isReadWanted, !isInputClosed {
            receive()
        } else if mask & (CLINUX_EPOLL_ERROR | CLINUX_EPOLL_HANGUP) != 0 {
            // Nothing is read that would tell of it, and it is not told again.
            let code = pendingError
            if code != 0 {
                fail(code)
            } else if mask & CLINUX_EPOLL_HANGUP != 0, isInputClosed, !isOutputClosed {
                fail(ECONNRESET)
            }
        }
    }

    override func proceed() {
        isQueued = false
        if isOpen { receive() }
    }

    /// Goes on when the others had their turn.
    private func proceedLater() {
        guard !isQueued else { return }
        isQueued = true
        loop.resumeLater(self)
    }

    override func shutdown() { end(ChannelError.eof) }

    // MARK: Reading

    /// Says that more is wanted.
    package func resumeReading() {
        guard !isReadWanted, isOpen else { return }
        isReadWanted = true
        // Not at once: whoever asks is in the middle of something.
        if isReadable, !isReceiving, connecting == nil { proceedLater() }
    }

    func askToRead() {
        if let delegate {
            if delegate.mayReadSocket { resumeReading() }
        } else if readsByItself {
            pipeline.syncOperations.read()
        }
    }

    private func receive() {
        guard !isReceiving else { return }
        isReceiving = true
        defer { isReceiving = false }
        var turns = 0
        while isReadWanted, isReadable, isOpen, !isInputClosed {
            guard turns < Self.readsInTurn else { return proceedLater() }
            turns += 1
            var buffer = loop.takeReceiveBuffer()
            let space = SocketLoop.receiveBytes
            var code: Int32 = 0
            let count = unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: space) { bytes in
                // Not empty: room was asked for.
                let count = unsafe recv(descriptor, bytes.baseAddress!, space, 0)
                if count < 0 { code = errno }
                return max(count, 0)
            }
            if count > 0 {
                isReadWanted = false
                // A short read has emptied the socket: what comes later is an event of its own, but for an end that
                // was told of already.
                if count < space, !isEndAhead { isReadable = false }
                deliver(buffer)
                loop.giveBack(buffer)
                guard isOpen else { return }
                askToRead()
                continue
            }
            loop.giveBack(buffer)
            switch code {
            case 0:
                isReadable = false
                receivedEnd()
            case EAGAIN:
                isReadable = false
            case EINTR:
                continue
            default:
                fail(code)
            }
        }
    }

    private func deliver(_ buffer: ByteBuffer) {
        if let delegate {
            delegate.socketRead(buffer)
            if isOpen { delegate.socketReadComplete() }
        } else {
            pipeline.syncOperations.fireChannelRead(NIOAny(buffer))
            if isOpen { pipeline.syncOperations.fireChannelReadComplete() }
        }
    }

    private func receivedEnd() {
        isInputClosed = true
        guard allowsHalfClosure else { return end(nil) }
        if let delegate {
            delegate.socketInputClosed()
        } else {
            pipeline.syncOperations.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            if isOpen { pipeline.syncOperations.fireChannelReadComplete() }
        }
        if isOpen, isOutputClosed, unsentBytes == 0 { end(nil) }
    }

    // MARK: Writing

    /// Holds bytes until ``flush()``.
    package func write(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard count > 0, isOpen, !isOutputClosed else { return }
        if unsentBytes == 0 {
            first = bytes
        } else if count <= Self.smallPiece, rest.isEmpty, first.readableBytes <= Self.smallPiece {
            first.writeImmutableBuffer(bytes)
        } else if count <= Self.smallPiece, let last = rest.last, last.readableBytes <= Self.smallPiece {
            rest[rest.count - 1].writeImmutableBuffer(bytes)
        } else {
            rest.append(bytes)
        }
        unsentBytes += count
        written &+= UInt64(count)
        guard isWritable, unsentBytes > waterMark.high else { return }
        isWritable = false
        tellWritability()
    }

    /// Gives the kernel what it takes; the rest goes as soon as it takes more.
    ///
    /// - Parameter endsNext: the caller closes this way, or both, right afterwards. The last bytes wait for that in the
    ///   kernel, and leave together with the end: one packet rather than two.
    package func flush(endsNext: Bool = false) {
        guard unsentBytes > 0, !isBlocked, connecting == nil, isOpen else { return }
        send(endsNext: endsNext)
    }

    /// Gives the kernel at once what it takes of `bytes`, behind what was written before; the rest is held. For who
    /// collects bytes in memory of its own.
    package func send(_ bytes: Span<UInt8>) {
        guard isOpen, !isOutputClosed else { return }
        var offset = 0
        if unsentBytes == 0, !isBlocked, connecting == nil {
            while offset < bytes.count {
                // Behind `offset` there are as many bytes as are named.
                let count = unsafe bytes.extracting(offset..<bytes.count).withUnsafeBytes {
                    unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count >= 0 {
                    offset += count
                    continue
                }
                if errno == EINTR { continue }
                if errno != EAGAIN, failedWriting(errno) { return }
                isBlocked = true
                break
            }
        }
        guard offset < bytes.count else { return }
        write(unsafe bytes.extracting(offset..<bytes.count).withUnsafeBufferPointer { unsafe ByteBuffer(bytes: $0) })
        flush()
    }

    private func send(endsNext: Bool = false) {
        while unsentBytes > 0 {
            let more = rest.isEmpty && !endsNext ? 0 : Int32(MSG_MORE)
            let count = unsafe first.withUnsafeReadableBytes { bytes in
                unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | more)
            }
            if count >= 0 {
                unsentBytes -= count
                if count == first.readableBytes {
                    first = rest.popFirst() ?? ByteBuffer()
                } else {
                    first.moveReaderIndex(forwardBy: count)
                }
                continue
            }
            if errno == EINTR { continue }
            if errno != EAGAIN, failedWriting(errno) { return }
            isBlocked = true
            // Little that waits should not hold all of the memory that it was read into.
            if first.storageCapacity > 4 * first.readableBytes { first = ByteBuffer(bytes: first.readableBytesView) }
            break
        }
        let sent = written &- UInt64(unsentBytes)
        while let next = promises.first, next.position <= sent {
            promises.removeFirst()
            next.promise.succeed(())
        }
        // Who waited for that may have closed this.
        guard isOpen else { return }
        if !isWritable, unsentBytes <= waterMark.low {
            isWritable = true
            tellWritability()
        }
        if isOutputClosed, unsentBytes == 0, isOpen { endOutput() }
    }

    private func tellWritability() {
        guard isActive else { return }
        if let delegate {
            delegate.socketWritabilityChanged()
        } else {
            pipeline.syncOperations.fireChannelWritabilityChanged()
        }
    }

    /// Calls `promise` when all that was written so far is with the kernel, or can never be.
    package func whenSent(_ promise: EventLoopPromise<Void>) {
        guard isOpen else { return promise.fail(ChannelError.ioOnClosedChannel) }
        if unsentBytes == 0 { return promise.succeed(()) }
        promises.append((written, promise))
    }

    // MARK: Ending

    /// Sends what was written and then the end of all bytes. Once the peer has sent its end too, the channel closes.
    package func closeOutput() {
        guard isOpen, !isOutputClosed else { return }
        isOutputClosed = true
        if unsentBytes == 0, isActive { endOutput() }
    }

    /// All that was written before the end is with the kernel.
    private func endOutput() {
        if isInputClosed { return end(nil) }
        Glibc.shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes both ways at once; what the kernel has not taken is lost.
    package func close() { end(nil) }

    /// Bytes were not taken and never will be. Handlers are told when they have finished what they write for: they change
    /// what they are at behind a write, and would not expect to be asked to close within it.
    ///
    /// - Returns: whether it is over at once.
    private func failedWriting(_ code: Int32) -> Bool {
        guard handlers != nil else {
            fail(code)
            return true
        }
        guard !isFailing else { return false }
        isFailing = true
        loop.assumeIsolatedUnsafeUnchecked().execute { [self] in if isOpen { fail(code) } }
        return false
    }

    private func fail(_ code: Int32) {
        let error = IOError(errnoCode: code, reason: "connection")
        if delegate == nil, handlers != nil { pipeline.syncOperations.fireErrorCaught(error) }
        end(error)
    }

    func end(_ error: (any Error)?) {
        guard isOpen else { return }
        isOpen = false
        if let connecting {
            self.connecting = nil
            connecting.timeout?.cancel()
        }
        loop.remove(self)
        if descriptor >= 0 { Glibc.close(descriptor) }
        forgetDescriptor()
        first = ByteBuffer()
        rest.removeAll()
        unsentBytes = 0
        isWritable = false
        let lost = promises
        promises.removeAll()
        for entry in lost { entry.promise.fail(error ?? ChannelError.ioOnClosedChannel) }
        let wasActive = isActive
        isActive = false
        if let delegate {
            self.delegate = nil
            delegate.socketClosed(error)
        }
        if let handlers {
            if wasActive {
                handlers.syncOperations.fireChannelInactive()
                handlers.syncOperations.fireChannelUnregistered()
            }
            // Not under the feet of a handler that is at work.
            loop.assumeIsolatedUnsafeUnchecked().execute {
                self.removeHandlers(pipeline: handlers)
                self.handlers = nil
            }
        }
        let onClose = self.onClose
        self.onClose = nil
        onClose?()
        closePromise?.succeed(())
    }
}
