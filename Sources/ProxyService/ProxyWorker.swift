import Addresses
import Balancing
import HTTPWire
import NIOCore
import NIOSSL
import Synchronization
import Telemetry
import TrafficModel

/// All that one event loop has: its listeners, client connections, kept upstream connections and scratch space. Touched
/// on its loop only, but for ``counters``.
final class ProxyWorker {
    let loop: any EventLoop
    let counters: ProxyCounters
    let shared: SharedProxyState
    let accessLog: LineSink?
    private let published: Published<BalancingSnapshot>
    private var pin: Pin<BalancingSnapshot>
    private(set) var view: SnapshotView
    /// Derived from the settings at each change of the snapshot.
    private(set) var settings: LoopSettings
    var balancer: LoopBalancer

    // Scratch space: one request at a time is parsed and written.
    let requestHead = RequestHead()
    let responseHead = ResponseHead()
    let trailerFields = TrailerFields()
    var normalPath: [UInt8] = []
    var hostScratch: [UInt8] = []
    var date = HTTPDate()
    var logLine: [UInt8] = []

    /// Of the last tick, in monotonic nanoseconds; behind by up to ``tickInterval``.
    private(set) var tickTime: UInt64
    private var nextDeadline: UInt64 = .max
    private var clients: [ClientConnection] = []
    private var pools: [UInt64: MemberPool] = [:]
    private(set) var listeners: [LoopListener] = []
    private var upstreamTLS: [Int: UpstreamTLS] = [:]
    private var upstreamTLSGeneration: UInt64 = 0
    private var identifiers: (high: UInt64, low: UInt64)
    private var timer: RepeatedTask?

    static let tickInterval = TimeAmount.milliseconds(50)

    init(
        loop: any EventLoop, published: Published<BalancingSnapshot>, shared: SharedProxyState,
        counters: ProxyCounters, accessLog: LineSink?, seed: UInt64
    ) {
        self.loop = loop
        self.published = published
        self.shared = shared
        self.counters = counters
        self.accessLog = accessLog
        pin = published.pin()
        view = SnapshotView(pin.value)
        settings = LoopSettings(pin.value.settings)
        balancer = LoopBalancer(seed: seed)
        identifiers = (seed, seed ^ 0x9e37_79b9_7f4a_7c15)
        tickTime = MonotonicClock.now
        normalPath.reserveCapacity(1024)
        hostScratch.reserveCapacity(256)
        logLine.reserveCapacity(2048)
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: Self.tickInterval, delay: Self.tickInterval) { _ in
            bound.value.tick()
        }
    }

    func stop() {
        timer?.cancel()
        timer = nil
        for pool in pools.values { pool.closeAll() }
        pools.removeAll()
        clients.removeAll()
    }

    func now() -> UInt64 { MonotonicClock.now }

    // MARK: The snapshot

    /// Looks for a newer snapshot; called once per read or tick.
    @inline(__always)
    func refresh() {
        let seen = pin.version
        published.refresh(&pin)
        if pin.version != seen { adopt() }
    }

    private func adopt() {
        view = SnapshotView(pin.value)
        settings = LoopSettings(pin.value.settings)
        for listener in listeners { listener.update(view) }
        for (serial, pool) in pools where !pin.value.memberSerials.contains(serial) {
            pool.closeAll()
            if pool.isEmpty { pools[serial] = nil }
        }
    }

    /// TLS towards the members of an upstream; `nil` when its files cannot be used any more.
    func tlsContext(of upstream: Int, in view: SnapshotView) -> UpstreamTLS? {
        guard let settings = view.snapshot.upstreams[upstream].tls else { return nil }
        if upstreamTLSGeneration != view.snapshot.generation {
            upstreamTLSGeneration = view.snapshot.generation
            upstreamTLS.removeAll()
        }
        if let known = upstreamTLS[upstream] { return known }
        guard let made = try? UpstreamTLS(settings) else {
            // `apply` has read the same files; one that vanished since shows as a failed handshake with the member.
            return nil
        }
        upstreamTLS[upstream] = made
        return made
    }

    // MARK: Listeners

    func add(_ listener: LoopListener) { listeners.append(listener) }

    func remove(_ shared: SharedListener) {
        listeners.removeAll { $0.shared === shared }
    }

    func listener(number: UInt64) -> LoopListener? { listeners.first { $0.shared.number == number } }

    func listener(_ shared: SharedListener) -> LoopListener? { listeners.first { $0.shared === shared } }

    var mayAccept: Bool { self.shared.openConnections.load(ordering: .relaxed) < settings.connections }

    // MARK: Connections and time

    func register(_ client: ClientConnection) {
        client.index = clients.count
        clients.append(client)
        client.listener.shared.openConnections.wrappingAdd(1, ordering: .relaxed)
    }

    func unregister(_ client: ClientConnection) {
        let index = client.index
        guard index >= 0 else { return }
        client.index = -1
        let last = clients.removeLast()
        if last !== client {
            clients[index] = last
            last.index = index
        }
        client.listener.shared.openConnections.wrappingSubtract(1, ordering: .relaxed)
    }

    /// A client's connection was accepted.
    func accepted() {
        bump(counters.connections)
        shared.openConnections.wrappingAdd(1, ordering: .relaxed)
    }

    /// A client's connection is closed.
    func ended() {
        shared.openConnections.wrappingSubtract(1, ordering: .relaxed)
        for listener in listeners { listener.gate?.resumeIfPossible() }
    }

    /// Sees to it that the connections are looked at when `deadline` has come.
    @inline(__always)
    func noteDeadline(_ deadline: UInt64) { if deadline < nextDeadline { nextDeadline = deadline } }

    private func tick() {
        tickTime = now()
        refresh()
        for listener in listeners { listener.gate?.resumeIfPossible() }
        guard tickTime >= nextDeadline else { return }
        nextDeadline = .max
        // Closing takes a connection out of the array, so the late ones are collected first.
        var late: [ClientConnection] = []
        for client in clients {
            if client.deadline <= tickTime { late.append(client) } else { noteDeadline(client.deadline) }
        }
        for client in late {
            client.deadlinePassed()
            noteDeadline(client.deadline)
        }
        for pool in pools.values {
            pool.closeExpired(tickTime)
            noteDeadline(pool.nextExpiry)
        }
    }

    /// Ends the connections of a listener that is gone, or all: idle ones now, the others with their response.
    func drain(_ listener: SharedListener?) {
        for client in clients where listener == nil || client.listener.shared === listener { client.drain() }
    }

    /// Closes what is still there after the drain's deadline.
    func closeAll(of listener: SharedListener?) {
        for client in clients where listener == nil || client.listener.shared === listener { client.abort() }
    }

    func pool(for member: MemberState) -> MemberPool {
        if let known = pools[member.serial] { return known }
        let made = MemberPool()
        pools[member.serial] = made
        return made
    }

    /// Whether connections to this member are still wanted.
    func isWanted(_ serial: UInt64) -> Bool { pin.value.memberSerials.contains(serial) }

    func nextIdentifier() -> RequestID { RequestID(high: next(&identifiers.high), low: next(&identifiers.low)) }

    private func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// The settings in the units that the data path works with.
struct LoopSettings {
    let limits: HeadLimits
    /// Members' heads: theirs is the responsibility for what they send, but not for our memory.
    let responseLimits: HeadLimits
    let headTimeout: UInt64
    let bodyBytes: Int
    let bodyTimeout: UInt64
    let idleTimeout: UInt64
    let tunnelTimeout: UInt64
    let handshakeTimeout: UInt64
    let connections: Int
    let bufferBytes: Int

    init(_ settings: ProxySettings) {
        limits = HeadLimits(bytes: settings.headBytes, fields: settings.headFields)
        responseLimits = HeadLimits(
            bytes: HeadLimits.largestHead, fields: HeadLimits.mostFields, underscores: .keep)
        headTimeout = nanoseconds(settings.headTimeout)
        bodyBytes = settings.bodyBytes ?? .max
        bodyTimeout = nanoseconds(settings.bodyTimeout)
        idleTimeout = nanoseconds(settings.idleTimeout)
        tunnelTimeout = nanoseconds(settings.tunnelTimeout)
        handshakeTimeout = nanoseconds(settings.handshakeTimeout)
        connections = settings.connections
        bufferBytes = max(settings.bufferBytes, 4096)
    }
}

/// Nanoseconds, at most some 146 years, so that sums with a time fit.
func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, seconds < 4_000_000_000 else { return seconds < 0 ? 0 : 4_000_000_000_000_000_000 }
    return UInt64(seconds) * 1_000_000_000 + UInt64(max(attoseconds, 0) / 1_000_000_000)
}
