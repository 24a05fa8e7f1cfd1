package import Addresses
package import Balancing
import Glibc
package import Logging
import NIOCore
import NIOSSL
package import Sockets
import Synchronization
import Telemetry
package import TrafficModel

/// The VIP tier: listens, terminates TLS, routes requests to members, forwards TCP. One worker per event loop; each has
/// a listening socket of its own for every listener (SO_REUSEPORT), and a connection stays with its loop.
package final class ProxyServer: Sendable {
    private let published: Published<BalancingSnapshot>
    private let logger: Logger
    let shared: SharedProxyState
    private let accessLog: Mutex<AccessLog>
    private let workers: [NIOLoopBoundBox<ProxyWorker>]
    private let loops: [SocketLoop]
    private let counters: [ProxyCounters]
    private let listeners = Mutex<[SharedListener]>([])
    private let drainTimeout: Mutex<Duration>
    private let certificateStatuses = Mutex<[CertificateStatus]>([])

    /// - Parameters:
    ///   - accessLog: `nil` for none. One that cannot be opened is logged and the server runs without.
    ///   - isOwnProbe: whether a connection from there is one of this process's own health checks: those are no clients,
    ///     and are counted apart. Asked once for each connection, on the loop that accepted it.
    package init(
        group: SocketLoopGroup, published: Published<BalancingSnapshot>, accessLog: LogFile?, logger: Logger,
        descriptors: UInt64? = nil, isOwnProbe: @escaping @Sendable (Endpoint) -> Bool = { _ in false }
    ) {
        self.published = published
        self.logger = logger
        var log = AccessLog()
        do throws(LineSink.OpenError) {
            log = try AccessLog(accessLog)
        } catch {
            logger.error("the access log is off: \(error)")
        }
        self.accessLog = Mutex(log)
        let shared = SharedProxyState(
            mostConnections: DescriptorShare(descriptors: descriptors).connections, logger: logger,
            isOwnProbe: isOwnProbe)
        self.shared = shared
        let (sink, isJSON) = (log.sink, log.isJSON)
        var workers: [NIOLoopBoundBox<ProxyWorker>] = []
        var counters: [ProxyCounters] = []
        for loop in group.loops {
            let own = ProxyCounters()
            counters.append(own)
            workers.append(
                .makeBoxSendingValue(
                    ProxyWorker(
                        loop: loop, published: published, shared: shared, counters: own, accessLog: sink,
                        logsJSON: isJSON, seed: UInt64.random(in: .min ... .max)),
                    eventLoop: loop))
        }
        self.workers = workers
        self.counters = counters
        loops = group.loops
        drainTimeout = Mutex(published.pin().value.settings.drainTimeout)
        for (loop, worker) in zip(loops, workers) { loop.execute { worker.value.start() } }
    }

    /// Makes the listeners those of `snapshot`: unchanged ones keep their sockets, new ones are bound, removed ones
    /// stop accepting and drain. Call it before the snapshot is published, from one place at a time.
    ///
    /// - Parameter inherited: listening sockets that are copied instead of bound, by endpoint: they stay the caller's.
    /// - Throws: ``ProxyError``, and then nothing has changed.
    package func apply(_ snapshot: BalancingSnapshot, inherited: [Endpoint: Int32] = [:]) async throws {
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
        var bound: [SharedListener] = []
        for listener in snapshot.listeners where !current.contains(where: { $0.endpoint == listener.endpoint }) {
            do {
                bound.append(
                    try await bind(listener, snapshot, tls[listener.endpoint], inherited[listener.endpoint]))
            } catch {
                for shared in bound { await unbind(shared) }
                throw ProxyError.cannotListen(
                    listener: listener.name, endpoint: listener.endpoint, reason: Self.reason(error))
            }
        }
        // From here on nothing fails.
        await updateAccessLog(snapshot.settings.accessLog)
        certificateStatuses.withLock { $0 = statuses }
        for status in statuses where status.daysLeft < CertificateStatus.warningDays {
            logger.warning(
                status.daysLeft < 0
                    ? "a certificate has ended: replace its files and reload"
                    : "a certificate ends soon: replace its files and reload",
                metadata: ["certificate": "\(status.name)", "days.left": "\(status.daysLeft)"])
        }
        drainTimeout.withLock { $0 = snapshot.settings.drainTimeout }
        let fresh = bound
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
        for shared in bound { await begin(shared) }
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
        await accessLog.withLock { $0.sink }?.close()
    }

    package var status: ProxyStatus {
        var status = ProxyStatus()
        for counter in counters { status.add(counter) }
        status.openConnections = shared.openConnections.load(ordering: .relaxed)
        status.bufferedBytes = shared.bufferedBytes.load(ordering: .relaxed)
        accessLog.withLock { $0.add(to: &status) }
        for listener in listeners.withLock({ $0 }) {
            let open = listener.openConnections.load(ordering: .relaxed)
            if listener.isDraining.load(ordering: .relaxed) {
                status.drainingConnections += open
            } else {
                status.listeners.append(
                    .init(
                        name: listener.name, endpoint: listener.boundEndpoint, openConnections: open,
                        connections: listener.connections.load(ordering: .relaxed)))
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

    /// Returns when every loop has come round: what hangs does not.
    package func visitLoops() async {
        for worker in workers { await worker.run { _ in } }
    }

    /// The member that each loop would take for its next request to an upstream, by position; `nil` where a loop would
    /// find none. Nothing is taken by asking.
    package func nextMembers(ofUpstream name: String) async -> [Int?] {
        var members: [Int?] = []
        for worker in workers { members.append(await worker.run { $0.nextMember(ofUpstream: name) }) }
        return members
    }

    // MARK: The access log

    /// Has the file opened again by its path: somebody has renamed it.
    package func reopenAccessLog() { accessLog.withLock { $0.sink }?.reopen() }

    /// Where lines shall go from now on. Lines on their way to the old file still get there; a new one that cannot be
    /// opened leaves all as it was.
    private func updateAccessLog(_ wanted: LogFile?) async {
        let kept = accessLog.withLock { current -> LineSink?? in
            guard current.serves(wanted) else { return nil }
            current.goOn(as: wanted)
            return .some(current.sink)
        }
        if let kept {
            for worker in workers { await worker.run { $0.setAccessLog(kept, isJSON: wanted?.format == .json) } }
            return
        }
        let log: AccessLog
        do throws(LineSink.OpenError) {
            log = try AccessLog(wanted)
        } catch {
            return logger.error("the access log stays as it is: \(error)")
        }
        let old = accessLog.withLock { current in
            defer { current.replace(by: log) }
            return current.sink
        }
        for worker in workers { await worker.run { $0.setAccessLog(log.sink, isJSON: log.isJSON) } }
        // A reader who takes nothing holds up no reload.
        old?.finish()
    }

    // MARK: Listeners

    private func bind(
        _ listener: ListenerSnapshot, _ snapshot: BalancingSnapshot, _ tls: ListenerTLS?, _ inherited: Int32?
    ) async throws(SocketError) -> SharedListener {
        var shared: SharedListener?
        for worker in workers {
            let known = shared
            let result = await worker.run { worker -> Result<SharedListener, SocketError> in
                Result { () throws(SocketError) in
                    let endpoint = known?.boundEndpoint ?? listener.endpoint
                    let view = worker.view.snapshot === snapshot ? worker.view : SnapshotView(snapshot)
                    guard let position = view.position(of: listener.endpoint) else { throw SocketError(EINVAL) }
                    // The connections of a listener need it, and it needs to know its port.
                    var own: LoopListener?
                    let gate = try AcceptGate(binding: endpoint, copying: inherited, worker: worker) { channel in
                        if let own { Self.begin(channel, worker, own) } else { channel.close() }
                    }
                    let made =
                        known
                        ?? SharedListener(
                            name: listener.name, endpoint: listener.endpoint, boundEndpoint: gate.endpoint)
                    own = LoopListener(shared: made, view: view, position: position, tls: tls, gate: gate)
                    if let own { worker.add(own) }
                    return made
                }
            }
            switch result {
            case .success(let made):
                shared = made
            case .failure(let error):
                if let shared { await unbind(shared) }
                throw error
            }
        }
        guard let shared else { throw SocketError(EINVAL) }
        return shared
    }

    private func unbind(_ shared: SharedListener) async {
        await stopAccepting(shared)
        for worker in workers { await worker.run { $0.remove(shared) } }
    }

    /// A listener begins to accept once all are bound.
    private func begin(_ shared: SharedListener) async {
        for worker in workers { await worker.run { $0.listener(shared)?.gate?.begin() } }
    }

    /// Sets up a connection that was accepted.
    private static func begin(_ channel: StreamChannel, _ worker: ProxyWorker, _ listener: LoopListener) {
        let connection = ClientConnection(worker: worker, listener: listener, channel: channel)
        do {
            if listener.snapshot.proxyProtocol, listener.snapshot.trusts(channel.remote.address.unmapped) {
                connection.awaitsProxyHeader = true
                try channel.pipeline.syncOperations.addHandler(ProxyHeaderReader(connection: connection))
            }
            if let tls = connection.tls {
                try channel.pipeline.syncOperations.addHandler(ClientHelloHandler(tls: tls, connection: connection))
            }
            if connection.awaitsProxyHeader || connection.tls != nil {
                try channel.pipeline.syncOperations.addHandler(connection)
            } else {
                channel.serve(connection)
            }
        } catch {
            return channel.close()
        }
        channel.begin()
    }

    private func stopAccepting(_ listener: SharedListener) async {
        listener.isDraining.store(true, ordering: .relaxed)
        for worker in workers {
            await worker.run { worker in
                guard let own = worker.listener(listener) else { return }
                own.gate?.close()
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

    private static func reason(_ error: SocketError) -> String {
        switch error.code {
        case EADDRINUSE: return "the port is in use by another program; choose another or end that one"
        case EADDRNOTAVAIL: return "this machine does not have that address"
        case EACCES: return "not permitted; ports below 1024 need the right to bind them (CAP_NET_BIND_SERVICE)"
        default: return error.description
        }
    }
}

extension NIOLoopBoundBox where Value == ProxyWorker {
    fileprivate func run<Result: Sendable>(_ body: @escaping @Sendable (ProxyWorker) -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            execute { continuation.resume(returning: body($0)) }
        }
    }

    fileprivate func execute(_ body: @escaping @Sendable (ProxyWorker) -> Void) {
        eventLoop.execute { body(self.value) }
    }
}
