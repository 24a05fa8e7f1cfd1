import Addresses
import Balancing
import HTTP2Wire
import HTTPWire
import NIOCore
import NIOSSL
import Sockets
import Synchronization
import Telemetry
import TrafficModel

/// All that one event loop has: its listeners, client connections, kept upstream connections and scratch space. Touched
/// on its loop only, but for ``counters``.
final class ProxyWorker {
    let loop: SocketLoop
    let counters: ProxyCounters
    let shared: SharedProxyState
    private(set) var accessLog: LineSink?
    /// The form of lines in it.
    private(set) var logsJSON: Bool
    private let published: Published<BalancingSnapshot>
    private var pin: Pin<BalancingSnapshot>
    private(set) var view: SnapshotView
    /// Derived from the settings at each change of the snapshot.
    private(set) var settings: LoopSettings
    var balancer: LoopBalancer

    // Scratch space: one request at a time is parsed and written.
    let requestHead = RequestHead()
    let responseHead = ResponseHead()
    /// For heads that were written for members and become HTTP/2.
    let memberHead = RequestHead()
    let trailerFields = TrailerFields()
    /// Of the HTTP/2 message that was read last.
    let fieldSection = FieldSection()
    private var headBuffer = ByteBuffer()
    var normalPath: [UInt8] = []
    var hostScratch: [UInt8] = []
    var date = HTTPDate()
    var spares = SpareBuffers()
    var logLine = LogLine()
    var logTime = LogTime()
    /// Grows by the sampled part with each line; a line is written each time that it passes 1.
    private var sampled = 0.0

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
    private var ticks = 0
    /// Requests without a place on a member, in the order in which they came.
    private var waiting: [ClientConnection] = []
    private var isWaitingScheduled = false
    /// What this loop last added to the process's sum.
    private var buffered = 0

    static let tickInterval = TimeAmount.milliseconds(50)

    init(
        loop: SocketLoop, published: Published<BalancingSnapshot>, shared: SharedProxyState,
        counters: ProxyCounters, accessLog: LineSink?, logsJSON: Bool, seed: UInt64
    ) {
        self.loop = loop
        self.published = published
        self.shared = shared
        self.counters = counters
        self.accessLog = accessLog
        self.logsJSON = logsJSON
        pin = published.pin()
        view = SnapshotView(pin.value)
        settings = LoopSettings(pin.value.settings)
        balancer = LoopBalancer(seed: seed)
        identifiers = (seed, seed ^ 0x9e37_79b9_7f4a_7c15)
        tickTime = MonotonicClock.now
        normalPath.reserveCapacity(1024)
        hostScratch.reserveCapacity(256)
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
        view.flush()
        for pool in pools.values { pool.closeAll() }
        pools.removeAll()
        clients.removeAll()
    }

    func now() -> UInt64 { MonotonicClock.now }

    /// Whether the next line is one of those that are written.
    func takesSample() -> Bool {
        guard settings.logSample < 1 else { return true }
        sampled += settings.logSample
        guard sampled >= 1 else { return false }
        sampled -= 1
        return true
    }

    /// From now on lines go there.
    func setAccessLog(_ sink: LineSink?, isJSON: Bool) {
        accessLog = sink
        logsJSON = isJSON
    }

    // MARK: Scratch space

    /// An address as it is written everywhere.
    func text(of address: IPAddress) -> [UInt8] {
        logLine.removeAll()
        logLine.append(address: address)
        return logLine.copy()
    }

    /// A buffer for a head that is read at once. It is the same each time as long as nobody keeps it.
    func takeHeadBuffer() -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &headBuffer)
        buffer.clear()
        return buffer
    }

    func giveBack(_ buffer: consuming ByteBuffer) { headBuffer = buffer }

    // MARK: The snapshot

    /// Looks for a newer snapshot; called once per read or tick.
    @inline(__always)
    func refresh() {
        let seen = pin.version
        published.refresh(&pin)
        if pin.version != seen { adopt() }
    }

    private func adopt() {
        // Requests that hold the old view add what they count themselves.
        view.flush()
        view = SnapshotView(pin.value)
        settings = LoopSettings(pin.value.settings)
        for listener in listeners { listener.update(view) }
        for (serial, pool) in pools where !pin.value.memberSerials.contains(serial) {
            pool.closeAll()
            if pool.isEmpty { pools[serial] = nil }
        }
    }

    /// The member that a request to this upstream would be sent to now.
    func nextMember(ofUpstream name: String) -> Int? {
        refresh()
        guard let upstream = view.snapshot.upstreams.first(where: { $0.name == name }) else { return nil }
        return balancer.survey(of: upstream, now: now()).next
    }

    /// TLS towards the members of an upstream; `nil` when its files cannot be used any more.
    func tlsContext(of upstream: Int, in view: SnapshotView) -> UpstreamTLS? {
        guard let settings = view.snapshot.upstreams[upstream].tls else { return nil }
        if upstreamTLSGeneration != view.snapshot.generation {
            upstreamTLSGeneration = view.snapshot.generation
            upstreamTLS.removeAll()
        }
        if let known = upstreamTLS[upstream] { return known }
        guard
            let made = try? UpstreamTLS(
                settings, certificates: view.snapshot.certificates, http2: view.snapshot.upstreams[upstream].http2)
        else {
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

    func listener(_ shared: SharedListener) -> LoopListener? { listeners.first { $0.shared === shared } }

    var mayAccept: Bool {
        shared.openConnections.load(ordering: .relaxed) < settings.connections + settings.surplusConnections
    }

    /// Whether there are more connections than there should be.
    var isOverfull: Bool { shared.openConnections.load(ordering: .relaxed) > settings.connections }

    /// Whether no new work should be begun for want of memory.
    var isShortOfMemory: Bool { shared.bufferedBytes.load(ordering: .relaxed) > settings.bufferTotal }

    /// This proxy's name in `Via` on a listener: with the port, so that a request may pass from one listener to
    /// another of the same program, but not twice through one.
    func viaName(on listener: LoopListener) -> [UInt8] {
        let name: String
        switch settings.via {
        case .off: return []
        case .automatic: name = shared.pseudonym
        case .name(let given): name = given
        }
        return Array("\(name):\(listener.shared.boundEndpoint.port)".utf8)
    }

    // MARK: Waiting for a place

    /// Lets a request wait for a place on a member; `false` when as many wait already as may.
    func wait(_ client: ClientConnection, for upstream: UpstreamSnapshot) -> Bool {
        guard upstream.queueSize > 0 else { return false }
        guard waiting.count(where: { $0.waits(for: upstream) }) < upstream.queueSize else {
            bump(counters.queueFull)
            return false
        }
        bump(counters.queued)
        waiting.append(client)
        return true
    }

    func stopWaiting(_ client: ClientConnection) { waiting.removeAll { $0 === client } }

    /// A request of this loop has left its member.
    @inline(__always)
    func placeFreed() { if !waiting.isEmpty { scheduleWaiting() } }

    private func scheduleWaiting() {
        guard !isWaitingScheduled else { return }
        isWaitingScheduled = true
        // Not at once: whoever left is not done yet.
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute {
            bound.value.isWaitingScheduled = false
            bound.value.tryWaiting()
        }
    }

    /// Those who came first go first.
    private func tryWaiting() {
        guard !waiting.isEmpty else { return }
        let all = waiting
        waiting.removeAll(keepingCapacity: true)
        for client in all where !client.tryWaiting() { waiting.append(client) }
    }

    // MARK: Connections and time

    func register(_ client: ClientConnection) {
        client.index = clients.count
        clients.append(client)
        guard client.stream == nil else { return }
        client.listener.shared.openConnections.wrappingAdd(1, ordering: .relaxed)
        client.listener.shared.connections.wrappingAdd(1, ordering: .relaxed)
    }

    /// Closes the connection that became idle last: who has been waiting longer for its next request has shown more
    /// patience, and those that never sent one are among the newest. Looks at so many connections and no more, because
    /// it runs when there is the most to do.
    ///
    /// - Returns: whether there was one.
    func evictIdle() -> Bool {
        var newest: ClientConnection?
        for client in clients.suffix(Self.evictionSearch) where client.isIdle {
            if client.deadline >= newest?.deadline ?? 0 { newest = client }
        }
        guard let newest else { return false }
        bump(counters.evicted)
        newest.closeGracefully()
        return true
    }

    private static let evictionSearch = 1024

    func unregister(_ client: ClientConnection) {
        let index = client.index
        guard index >= 0 else { return }
        client.index = -1
        let last = clients.removeLast()
        if last !== client {
            clients[index] = last
            last.index = index
        }
        guard client.stream == nil else { return }
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
        view.flush()
        // Places that other loops have freed.
        tryWaiting()
        counters.waiting.store(UInt64(waiting.count), ordering: .relaxed)
        ticks &+= 1
        if ticks % Self.ticksBetweenLooks == 0 { lookAtBuffers() }
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

    /// Adds up what waits in buffers. Most exchanges are over between two looks; those that last are few, or what
    /// this is for.
    private func lookAtBuffers() {
        var sum = 0
        for client in clients { sum += client.bufferedBytes }
        shared.bufferedBytes.wrappingAdd(sum - buffered, ordering: .relaxed)
        buffered = sum
    }

    private static let ticksBetweenLooks = 4

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
    /// Nanoseconds that a byte of a body buys its client; 0: any byte buys all of `bodyTimeout`.
    let bodyByteTime: UInt64
    /// Bytes that a client must take in `bodyTimeout`, 1 at least.
    let readBytes: UInt64
    let idleTimeout: UInt64
    let tunnelTimeout: UInt64
    let handshakeTimeout: UInt64
    let connections: Int
    /// Connections beyond the limit that are accepted to be told so.
    let surplusConnections: Int
    let connectionsPerSource: Int?
    let requestsPerConnection: Int
    /// Requests at once on an HTTP/2 connection.
    let streams: Int
    let bufferBytes: Int
    let bufferTotal: Int
    let via: ProxySettings.Via
    let forwardsNormalPath: Bool
    /// The part of the access log that is written.
    let logSample: Double
    let logClients: ClientPrivacy

    init(_ settings: ProxySettings) {
        let given = settings.limits
        let underscores: HeadLimits.Underscores =
            switch settings.underscores {
            case .drop: .drop
            case .keep: .keep
            case .reject: .reject
            }
        limits = HeadLimits(bytes: given.headBytes, fields: given.headFields, underscores: underscores)
        responseLimits = HeadLimits(
            bytes: HeadLimits.largestHead, fields: HeadLimits.mostFields, underscores: .keep)
        headTimeout = nanoseconds(given.headTimeout)
        bodyBytes = given.bodyBytes ?? .max
        bodyTimeout = nanoseconds(given.bodyTimeout)
        bodyByteTime = given.bodyRate > 0 ? 1_000_000_000 / UInt64(given.bodyRate) : 0
        let (product, overflow) = (bodyTimeout / 1_000_000).multipliedReportingOverflow(by: UInt64(given.readRate))
        readBytes = overflow ? .max : max(product / 1000, 1)
        idleTimeout = nanoseconds(given.idleTimeout)
        tunnelTimeout = nanoseconds(given.tunnelTimeout)
        handshakeTimeout = nanoseconds(given.handshakeTimeout)
        connections = given.connections
        surplusConnections = min(max(given.connections / 8, 1), 64)
        connectionsPerSource = given.connectionsPerSource
        requestsPerConnection = given.requestsPerConnection ?? .max
        streams = given.streams
        bufferBytes = max(given.bufferBytes, 4096)
        bufferTotal = given.bufferTotal
        via = settings.via
        forwardsNormalPath = settings.forwardedPath == .normalised
        logSample = settings.accessLog?.sample ?? 1
        logClients = settings.accessLog?.clients ?? ClientPrivacy()
    }
}

/// Nanoseconds, at most some 146 years, so that sums with a time fit.
func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, seconds < 4_000_000_000 else { return seconds < 0 ? 0 : 4_000_000_000_000_000_000 }
    return UInt64(seconds) * 1_000_000_000 + UInt64(max(attoseconds, 0) / 1_000_000_000)
}
