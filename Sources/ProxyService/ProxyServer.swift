import Addresses
package import Balancing
import Glibc
package import Logging
import NIOCore
package import NIOPosix
import NIOSSL
import Synchronization
import Telemetry
package import TrafficModel

/// The VIP tier: listens, terminates TLS, routes requests to members, forwards TCP. One worker per event loop; each has
/// a listening socket of its own for every listener (SO_REUSEPORT), and a connection stays with its loop.
package final class ProxyServer: Sendable {
    private let published: Published<BalancingSnapshot>
    private let logger: Logger
    private let shared = SharedProxyState()
    private let accessLog: LineSink?
    private let workers: [NIOLoopBoundBox<ProxyWorker>]
    private let loops: [any EventLoop]
    private let counters: [ProxyCounters]
    private let listeners = Mutex<[SharedListener]>([])
    private let drainTimeout: Mutex<Duration>
    private let certificateStatuses = Mutex<[CertificateStatus]>([])

    /// - Parameters:
    ///   - accessLog: a file to append to, `-` for standard output, `nil` for none. One that cannot be opened is logged
    ///     and the server runs without.
    package init(
        group: MultiThreadedEventLoopGroup, published: Published<BalancingSnapshot>, accessLog: String?, logger: Logger
    ) {
        self.published = published
        self.logger = logger
        do throws(LineSink.OpenError) {
            self.accessLog = try accessLog.map { path throws(LineSink.OpenError) in try LineSink(path: path) }
        } catch {
            logger.error("the access log is off: \(error)")
            self.accessLog = nil
        }
        let shared = self.shared
        let sink = self.accessLog
        var workers: [NIOLoopBoundBox<ProxyWorker>] = []
        var counters: [ProxyCounters] = []
        var loops: [any EventLoop] = []
        for loop in group.makeIterator() {
            let own = ProxyCounters()
            counters.append(own)
            loops.append(loop)
            workers.append(
                .makeBoxSendingValue(
                    ProxyWorker(
                        loop: loop, published: published, shared: shared, counters: own, accessLog: sink,
                        seed: UInt64.random(in: .min ... .max)),
                    eventLoop: loop))
        }
        self.workers = workers
        self.counters = counters
        self.loops = loops
        drainTimeout = Mutex(published.pin().value.settings.drainTimeout)
        for (loop, worker) in zip(loops, workers) { loop.execute { worker.value.start() } }
    }

    /// Makes the listeners those of `snapshot`: unchanged ones keep their sockets, new ones are bound, removed ones
    /// stop accepting and drain. Call it before the snapshot is published, from one place at a time.
    ///
    /// - Throws: ``ProxyError``, and then nothing has changed.
    package func apply(_ snapshot: BalancingSnapshot) async throws {
        var tls: [Endpoint: ListenerTLS] = [:]
        for listener in snapshot.listeners {
            guard let settings = listener.tls else { continue }
            do {
                tls[listener.endpoint] = try ListenerTLS(
                    settings, certificates: snapshot.certificates, protocols: listener.protocols)
            } catch {
                throw ProxyError.tls(listener: listener.name, reason: "\(error)")
            }
        }
        for upstream in snapshot.upstreams {
            guard let settings = upstream.tls else { continue }
            do {
                _ = try UpstreamTLS(settings, certificates: snapshot.certificates, http2: upstream.http2)
            } catch {
                throw ProxyError.upstreamTLS(upstream: upstream.name, reason: "\(error)")
            }
        }
        // Files that can be used were read above; one that nobody uses is not worth refusing a configuration for.
        let statuses = snapshot.certificates.compactMap { try? CertificateStatus($0) }
        let current = listeners.withLock { $0.filter { !$0.isDraining.load(ordering: .relaxed) } }
        let wanted = Set(snapshot.listeners.map(\.endpoint))
        var bound: [(SharedListener, [any Channel])] = []
        for listener in snapshot.listeners where !current.contains(where: { $0.endpoint == listener.endpoint }) {
            do {
                bound.append(try await bind(listener, snapshot, tls[listener.endpoint]))
            } catch {
                for (shared, channels) in bound { await unbind(shared, channels) }
                throw ProxyError.cannotListen(
                    listener: listener.name, endpoint: listener.endpoint, reason: Self.reason(error))
            }
        }
        // From here on nothing fails.
        certificateStatuses.withLock { $0 = statuses }
        for status in statuses where status.daysLeft < CertificateStatus.warningDays {
            logger.warning(
                "a certificate ends soon: replace its files and reload",
                metadata: ["certificate": "\(status.name)", "days.left": "\(status.daysLeft)"])
        }
        drainTimeout.withLock { $0 = snapshot.settings.drainTimeout }
        let fresh = bound.map(\.0)
        listeners.withLock { $0 += fresh }
        for listener in current {
            if let now = snapshot.listeners.first(where: { $0.endpoint == listener.endpoint }) {
                listener.name = now.name
                let contexts = tls[listener.endpoint]
                for worker in workers {
                    worker.execute { $0.listener(listener)?.tls = contexts }
                }
            }
        }
        for shared in fresh { await begin(shared) }
        for listener in current where !wanted.contains(listener.endpoint) { await drain(listener) }
    }

    /// Ends: accepts nothing more, lets requests finish, then closes what is left.
    package func shutdown(gracefulWithin limit: Duration) async {
        shared.isStopping.store(true, ordering: .relaxed)
        let all = listeners.withLock { $0 }
        for listener in all { await stopAccepting(listener) }
        for worker in workers { await worker.run { $0.drain(nil) } }
        let deadline = ContinuousClock.now + limit
        while shared.openConnections.load(ordering: .relaxed) > 0, ContinuousClock.now < deadline {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { break }
        }
        for worker in workers {
            await worker.run {
                $0.closeAll(of: nil)
                $0.stop()
            }
        }
        accessLog?.close()
    }

    package var status: ProxyStatus {
        var status = ProxyStatus()
        for counter in counters { status.add(counter) }
        status.openConnections = shared.openConnections.load(ordering: .relaxed)
        status.bufferedBytes = shared.bufferedBytes.load(ordering: .relaxed)
        status.droppedLogLines = accessLog?.droppedCount ?? 0
        for listener in listeners.withLock({ $0 }) {
            let open = listener.openConnections.load(ordering: .relaxed)
            if listener.isDraining.load(ordering: .relaxed) {
                status.drainingConnections += open
            } else {
                status.listeners.append(
                    .init(name: listener.name, endpoint: listener.boundEndpoint, openConnections: open))
            }
        }
        return status
    }

    /// The certificates of the configuration in force.
    package var certificates: [CertificateStatus] { certificateStatuses.withLock { $0 } }

    /// What the routes of the configuration in force counted, by listener.
    package var routes: [RouteStatus] {
        published.pin().value.listeners.flatMap { listener -> [RouteStatus] in
            guard case .http(let table) = listener.mode else { return [] }
            return table.routes.map {
                RouteStatus(listener: listener.name, name: $0.name, traffic: $0.traffic.totals)
            }
        }
    }

    // MARK: Listeners

    private func bind(
        _ listener: ListenerSnapshot, _ snapshot: BalancingSnapshot, _ tls: ListenerTLS?
    ) async throws -> (SharedListener, [any Channel]) {
        var channels: [any Channel] = []
        var shared: SharedListener?
        let number = self.shared.listenerNumbers.wrappingAdd(1, ordering: .relaxed).newValue
        do {
            for (loop, worker) in zip(loops, workers) {
                let endpoint = shared?.boundEndpoint ?? listener.endpoint
                let channel = try await bootstrap(loop, worker, number).bind(
                    to: SocketAddress(
                        packedIPAddress: ByteBuffer(bytes: endpoint.address.bytes), port: Int(endpoint.port))
                ).get()
                channels.append(channel)
                let port = channel.localAddress?.port ?? Int(endpoint.port)
                let made =
                    shared
                    ?? SharedListener(
                        number: number, name: listener.name, endpoint: listener.endpoint,
                        boundEndpoint: Endpoint(address: endpoint.address, port: UInt16(port)))
                shared = made
                await worker.run { worker in
                    let view = worker.view.snapshot === snapshot ? worker.view : SnapshotView(snapshot)
                    guard let position = view.position(of: listener.endpoint) else { return }
                    let own = LoopListener(shared: made, view: view, position: position, tls: tls)
                    own.channel = channel
                    own.gate = try? channel.pipeline.syncOperations.handler(type: AcceptGate.self)
                    worker.add(own)
                }
            }
        } catch {
            for channel in channels { try? await channel.close() }
            if let shared {
                for worker in workers { await worker.run { $0.remove(shared) } }
            }
            throw error
        }
        guard let shared else { throw ChannelError.unknownLocalAddress }
        return (shared, channels)
    }

    private func unbind(_ shared: SharedListener, _ channels: [any Channel]) async {
        // Fails only when it is closed already.
        for channel in channels { try? await channel.close() }
        for worker in workers { await worker.run { $0.remove(shared) } }
    }

    /// A listener begins to accept once all are bound.
    private func begin(_ shared: SharedListener) async {
        for worker in workers {
            await worker.run { $0.listener(shared)?.channel?.setOption(.autoRead, value: true).whenFailure { _ in } }
        }
    }

    private func bootstrap(
        _ loop: any EventLoop, _ worker: NIOLoopBoundBox<ProxyWorker>, _ number: UInt64
    ) -> ServerBootstrap {
        let high = published.pin().value.settings.limits.bufferBytes
        return ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.socketOption(NIOBSDSocket.Option(rawValue: SO_REUSEPORT)), value: 1)
            // Accepted sockets inherit it, which saves a system call for each.
            .serverChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptGate(worker: worker.value))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: max(high / 2, 1), high: max(high, 2)))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.initialize(channel, worker.value, number)
                }
            }
    }

    private static func initialize(_ channel: any Channel, _ worker: ProxyWorker, _ number: UInt64) throws {
        guard let listener = worker.listener(number: number) else {
            throw ChannelError.inappropriateOperationForState
        }
        let connection = ClientConnection(worker: worker, listener: listener)
        let pipeline = channel.pipeline.syncOperations
        if listener.snapshot.proxyProtocol, let peer = channel.remoteAddress?.ipAddress.flatMap({ IPAddress($0) }),
            listener.snapshot.trusts(peer.unmapped)
        {
            connection.awaitsProxyHeader = true
            try pipeline.addHandler(ProxyHeaderReader(connection: connection))
        }
        if let tls = connection.tls {
            try pipeline.addHandler(ClientHelloHandler(tls: tls, connection: connection))
        }
        try pipeline.addHandler(connection)
    }

    private func stopAccepting(_ listener: SharedListener) async {
        listener.isDraining.store(true, ordering: .relaxed)
        for worker in workers {
            await worker.run { worker in
                guard let own = worker.listener(listener) else { return }
                own.channel?.close(promise: nil)
                own.channel = nil
                own.gate = nil
            }
        }
    }

    private func drain(_ listener: SharedListener) async {
        await stopAccepting(listener)
        for worker in workers { await worker.run { $0.drain(listener) } }
        let limit = drainTimeout.withLock { $0 }
        let delay = TimeAmount.nanoseconds(Int64(min(nanoseconds(limit), 1 << 60)))
        for (loop, worker) in zip(loops, workers) {
            loop.scheduleTask(in: delay) {
                worker.value.closeAll(of: listener)
                worker.value.remove(listener)
            }
        }
        loops[0].scheduleTask(in: delay + .seconds(1)) { [self] in
            listeners.withLock { $0.removeAll { $0 === listener } }
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        switch error.errnoCode {
        case EADDRINUSE: return "the port is in use by another program; choose another or end that one"
        case EADDRNOTAVAIL: return "this machine does not have that address"
        case EACCES: return "not permitted; ports below 1024 need the right to bind them (CAP_NET_BIND_SERVICE)"
        default: return unsafe String(cString: strerror(error.errnoCode))
        }
    }
}

extension NIOLoopBoundBox where Value == ProxyWorker {
    fileprivate func run(_ body: @escaping @Sendable (ProxyWorker) -> Void) async {
        await withCheckedContinuation { continuation in
            execute {
                body($0)
                continuation.resume()
            }
        }
    }

    fileprivate func execute(_ body: @escaping @Sendable (ProxyWorker) -> Void) {
        eventLoop.execute { body(self.value) }
    }
}
