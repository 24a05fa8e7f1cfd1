package import Addresses
package import Authority
import CLinux
import Glibc
package import Logging
import NIOCore
package import NIOPosix
import Synchronization
import Telemetry
package import TrafficModel

/// The DNS role of a node: UDP on threads of its own, TCP on event loops.
///
/// All addresses are bound before anything is served, so a server that cannot have one of them changes nothing.
package final class DNSServer: Sendable {
    private let settings: NameServer
    private let published: Published<AuthoritySnapshot>
    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger
    private let dnsCounters: DNSCounters
    private let loopCounters: [WorkerCounters]
    private let workers: Int
    private let limits: TCPLimits
    private let log = Mutex<QueryLog?>(nil)
    private let running = Mutex(Running())

    /// Bound sockets that the server copies, by endpoint: they stay the caller's.
    package struct Inherited: Sendable {
        /// Over UDP, one or more.
        package var datagram: [Endpoint: [Int32]] = [:]
        /// Over TCP, listening.
        package var stream: [Endpoint: Int32] = [:]

        package init(datagram: [Endpoint: [Int32]] = [:], stream: [Endpoint: Int32] = [:]) {
            self.datagram = datagram
            self.stream = stream
        }
    }

    private struct Running {
        var threads: [(worker: UDPThread, handle: pthread_t)] = []
        var listeners: [any Channel] = []
        var endpoints: [Endpoint] = []
        var counters: [WorkerCounters] = []
    }

    /// - Parameters:
    ///   - group: the loops that serve TCP; the caller shuts them down.
    ///   - counters: what servers counted that this one takes over from.
    package init(
        settings: NameServer, published: Published<AuthoritySnapshot>, group: MultiThreadedEventLoopGroup,
        counters: DNSCounters = DNSCounters(), logger: Logger
    ) {
        dnsCounters = counters
        self.settings = settings
        self.published = published
        self.group = group
        self.logger = logger
        let workers = settings.threads > 0 ? settings.threads : System.coreCount
        let loops = Array(group.makeIterator()).count
        loopCounters = counters.loops(loops)
        self.workers = workers
        limits = TCPLimits(settings, counters.tcp)
    }

    /// The endpoints as bound, real ports where 0 was configured.
    package var endpoints: [Endpoint] { running.withLock { $0.endpoints } }
    /// One for each UDP worker and each loop, and one for those that have ended.
    package var counters: [WorkerCounters] { dnsCounters.all }
    package var tcpCounters: TCPCounters { limits.counters }

    /// Binds every endpoint, then serves.
    ///
    /// - Parameters:
    ///   - replacing: endpoints that this process serves already and that this server takes over.
    ///   - inherited: sockets for endpoints that need not be bound any more.
    package func start(replacing: [Endpoint] = [], inherited: Inherited = Inherited()) async throws {
        var sockets: [[UDPSocket]] = Array(repeating: [], count: workers)
        var listeners: [any Channel] = []
        var endpoints: [Endpoint] = []
        try openLog()
        let states = try await makeLoopStates()
        do {
            for wanted in settings.listen {
                let (datagram, stream) = (inherited.datagram[wanted] ?? [], inherited.stream[wanted])
                if !replacing.contains(wanted) {
                    try PortProbe.requireFree(wanted, overUDP: datagram.isEmpty, overTCP: stream == nil)
                }
                var endpoint = wanted
                if wanted.port == 0 {
                    endpoint = Endpoint(address: wanted.address, port: try PortProbe.freePort(of: wanted.address))
                }
                for worker in sockets.indices {
                    let socket =
                        datagram.isEmpty
                        ? try UDPSocket(binding: endpoint, answerSize: settings.udpSize)
                        : try UDPSocket(
                            copying: datagram[worker % datagram.count], of: endpoint, answerSize: settings.udpSize)
                    sockets[worker].append(socket)
                }
                endpoints.append(endpoint)
                listeners.append(try await bindTCP(endpoint, inherited: stream, states: states))
            }
        } catch {
            for socket in sockets.joined() { close(socket.descriptor) }
            for listener in listeners { listener.close(promise: nil) }
            log.withLock { $0 = nil }
            throw error
        }
        let counters = dnsCounters.begin(threads: workers)
        let threads = sockets.enumerated().map { index, sockets in
            let worker = UDPThread(
                sockets: sockets, published: published, counters: counters[index],
                sequence: Self.sequence(of: index), workers: workers, log: queryLog)
            return (worker, worker.start())
        }
        running.withLock {
            $0 = Running(threads: threads, listeners: listeners, endpoints: endpoints, counters: counters)
        }
    }

    /// What each loop needs, shared by the endpoints. Made on the loop itself: nobody else may touch it.
    private func makeLoopStates() async throws -> [NIOLoopBound<TCPLoopState>] {
        var states: [NIOLoopBound<TCPLoopState>] = []
        for loop in group.makeIterator() {
            let thread = workers + states.count
            let (published, counters, limits, settings) = (published, loopCounters[states.count], limits, settings)
            let log = queryLog
            let state = loop.submit {
                let responder = Responder(counters: counters, sequence: Self.sequence(of: thread))
                return NIOLoopBound(
                    TCPLoopState(
                        published: published, responder: responder, limits: limits, settings: settings, loop: loop,
                        log: log),
                    eventLoop: loop)
            }
            states.append(try await state.get())
        }
        return states
    }

    private func openLog() throws {
        guard let file = settings.queryLog else { return }
        let opened = try dnsCounters.logs.open(file)
        log.withLock { $0 = opened }
    }

    /// `nil` without one.
    private var queryLog: QueryLog? { log.withLock { $0 } }

    private func bindTCP(
        _ endpoint: Endpoint, inherited: Int32?, states: [NIOLoopBound<TCPLoopState>]
    ) async throws -> any Channel {
        let counters = limits.counters
        var bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // A server with other settings takes over the endpoint before this one lets go of it.
            .serverChannelOption(.socketOption(NIOBSDSocket.Option(rawValue: SO_REUSEPORT)), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptWatch(counters: counters))
                }
            }
            // A client that has sent its last query still gets its answers.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                guard let peer = channel.remoteAddress.flatMap(Endpoint.init(peer:)),
                    let state = states.first(where: { $0.eventLoop === channel.eventLoop })?.value
                else { return channel.eventLoop.makeFailedFuture(ChannelError.eof) }
                let isProxy = state.proxies.contains { $0.contains(peer.address) }
                guard state.enter(isProxy ? nil : peer.address) else {
                    return channel.eventLoop.makeFailedFuture(ChannelError.eof)
                }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        TCPConnection(state: state, source: peer, awaitsProxyHeader: isProxy))
                }
            }
        if let inherited {
            let copy = fcntl(inherited, F_DUPFD_CLOEXEC, 0)
            guard copy >= 0 else { throw BindError(endpoint: endpoint, transport: "TCP", code: errno) }
            return try await bootstrap.withBoundSocket(copy).get()
        }
        if case .v6 = endpoint.address {
            // IPv4 has a socket of its own, as over UDP.
            bootstrap = bootstrap.serverChannelOption(
                ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
        }
        do {
            return try await bootstrap.bind(host: endpoint.address.description, port: Int(endpoint.port)).get()
        } catch let error as IOError {
            throw BindError(endpoint: endpoint, transport: "TCP", code: error.errnoCode)
        }
    }

    /// Where a thread's round robin and ratio begin: apart from each other, so that the first clients of several threads
    /// do not all get the same answer.
    private static func sequence(of thread: Int) -> UInt64 { UInt64(thread) << 32 }

    /// Stops accepting, answers what has arrived, and waits for the workers to end. Idempotent.
    package func shutdown() {
        let ending = running.withLock { current in
            defer { current = Running() }
            return current
        }
        for listener in ending.listeners { listener.close(promise: nil) }
        for thread in ending.threads { thread.worker.stop() }
        for thread in ending.threads { thread.worker.join(thread.handle) }
        guard !ending.threads.isEmpty else { return }
        // Connections that go on keep it.
        log.withLock { $0 = nil }
        dnsCounters.end(ending.counters)
    }

    /// Threads that answer no more, though they should.
    ///
    /// - Parameter now: monotonic nanoseconds.
    package func stuckThreads(now: UInt64) -> Int {
        running.withLock { $0.threads.count { $0.worker.isStuck(now: now) } }
    }
}

extension Endpoint {
    /// A peer's address as NIO gives it: read once per connection.
    init?(peer: NIOCore.SocketAddress) {
        guard let text = peer.ipAddress, let address = IPAddress(text), let port = peer.port else { return nil }
        self.init(address: address, port: UInt16(truncatingIfNeeded: port))
    }
}
