package import Addresses
import CLinux
import Glibc

/// A listening socket of one loop.
package final class Acceptor: SocketSource {
    /// As bound.
    package let endpoint: Endpoint
    private let loop: SocketLoop
    private var isPaused = true
    /// Whether the next connection may be accepted; asked before each.
    private let mayAccept: () -> Bool
    private let accepted: (_ descriptor: Int32, _ peer: Endpoint) -> Void
    private let failed: (SocketError) -> Void

    /// Connections that are accepted before others get their turn.
    private static let acceptsInTurn = 16
    /// Connections that the kernel may hold until they are accepted.
    private static let backlog: Int32 = 4096

    /// Binds, so that other loops can bind the same endpoint too, and listens; accepts nothing before ``resume()``.
    ///
    /// - Parameters:
    ///   - accepted: owns the descriptor it is given.
    ///   - failed: accepting failed for want of descriptors or memory; it has paused.
    ///   - original: a socket that listens there already; it is copied, and stays the caller's.
    package init(
        binding wanted: Endpoint, copying original: Int32? = nil, on loop: SocketLoop, mayAccept: @escaping () -> Bool,
        accepted: @escaping (Int32, Endpoint) -> Void, failed: @escaping (SocketError) -> Void
    ) throws(SocketError) {
        let isV4 = if case .v4 = wanted.address { true } else { false }
        let descriptor =
            original.map { fcntl($0, F_DUPFD_CLOEXEC, 0) }
            ?? socket(
                isV4 ? AF_INET : AF_INET6,
                Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError(errno) }
        if original == nil {
            Self.set(descriptor, SOL_SOCKET, SO_REUSEADDR)
            Self.set(descriptor, SOL_SOCKET, SO_REUSEPORT)
        }
        // Accepted sockets inherit it, which saves a system call for each.
        Self.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
        let bound =
            original == nil ? unsafe KernelAddress.withPointer(to: wanted) { unsafe bind(descriptor, $0, $1) } : 0
        guard bound == 0, listen(descriptor, Self.backlog) == 0, let local = KernelAddress.local(of: descriptor)
        else {
            let error = SocketError(errno)
            Glibc.close(descriptor)
            throw error
        }
        endpoint = Endpoint(address: wanted.address, port: local.port)
        self.loop = loop
        self.mayAccept = mayAccept
        self.accepted = accepted
        self.failed = failed
        super.init(descriptor: descriptor)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
        var one: Int32 = 1
        unsafe setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Accepts, from now on or again.
    package func resume() {
        guard isPaused, descriptor >= 0 else { return }
        isPaused = false
        if slot >= 0 { return loop.change(self, events: CLINUX_EPOLL_IN) }
        do throws(SocketError) {
            try loop.add(self, events: CLINUX_EPOLL_IN)
        } catch {
            isPaused = true
            failed(error)
        }
    }

    /// Leaves connections in the kernel's queue.
    private func pause() {
        guard !isPaused else { return }
        isPaused = true
        loop.change(self, events: 0)
    }

    override func ready(_ mask: UInt32) {
        for _ in 0..<Self.acceptsInTurn {
            guard !isPaused else { return }
            guard mayAccept() else { return pause() }
            var peer = sockaddr_in6()
            let connection = unsafe clinux_accept(descriptor, &peer)
            guard connection >= 0 else {
                switch errno {
                case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                    let error = SocketError(errno)
                    // The kernel says so even where nobody waits, because it takes the descriptor first.
                    guard hasWaiting else { return }
                    pause()
                    return failed(error)
                case EAGAIN:
                    return
                default:
                    // The connection went away before it was accepted; the next may be there.
                    continue
                }
            }
            let endpoint = unsafe withUnsafePointer(to: &peer) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    let (address, port) = unsafe KernelAddress.read(pointer)
                    return Endpoint(address: address, port: port)
                }
            }
            accepted(connection, endpoint)
        }
    }

    /// Whether a connection waits to be accepted.
    private var hasWaiting: Bool {
        var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&state, 1, 0) > 0
    }

    override func shutdown() { close() }

    /// Accepts nothing more; what the kernel holds is refused.
    package func close() {
        guard descriptor >= 0 else { return }
        loop.remove(self)
        Glibc.close(descriptor)
        forgetDescriptor()
        isPaused = true
    }
}
