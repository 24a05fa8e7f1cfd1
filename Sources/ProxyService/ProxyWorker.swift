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

    /// Of the last tick, in monotonic nanoseconds; behind by ``tickInterval``, or more while there is much to do. Deadlines
    /// are compared with it and never counted from it.
    private(set) var tickTime: UInt64
    private var nextDeadline: UInt64 = .max
    /// Clients' connections, the latest at the end for the most part.
    private(set) var connections: [ClientConnection] = []
    /// Requests on streams of those.
    private(set) var requests: [ClientConnection] = []
    private var pools: [UInt64: MemberPool] = [:]
    private(set) var listeners: [LoopListener] = []
    private var upstreamTLS: [Int: UpstreamTLS] = [:]
    private var upstreamTLSGeneration: UInt64 = 0
    private var identifiers: (high: UInt64, low: UInt64)
    private var timer: RepeatedTask?
    private var ticks = 0
    /// Requests without a place on a member, by the upstream's name; those queues that are not empty.
    var queues: [String: WaitingQueue<ClientConnection>] = [:]
    var dueQueues: [WaitingQueue<ClientConnection>] = []
    /// The last look noted what moves.
    var watchesProgress = false
    /// What this loop last added to the process's sum.
    var buffered = 0

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
        settings = view.settings
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
        endWaiting()
        connections.removeAll()
        requests.removeAll()
    }

    func now() -> UInt64 { MonotonicClock.now }

    /// When `timeout` nanoseconds from now are over. Counted from the time itself: from the last tick's, which is past,
    /// a wait would end before it has lasted that long.
    func deadline(in timeout: UInt64) -> UInt64 {
        let (sum, overflow) = now().addingReportingOverflow(timeout)
        return overflow ? .max : sum
    }

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
        settings = view.settings
        for listener in listeners { listener.update(view) }
        for (serial, pool) in pools where !pin.value.memberSerials.contains(serial) {
            pool.closeAll()
            if pool.isEmpty { pools[serial] = nil }
        }
        renewWaiting()
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

    /// With a few beyond the limit, which are accepted to be told so.
    var mayAccept: Bool {
        shared.openConnections.load(ordering: .relaxed) < connectionLimit + min(max(connectionLimit / 8, 1), 64)
    }

    /// What is configured, or what there are descriptors for.
    private var connectionLimit: Int { min(settings.connections, shared.mostConnections) }

    /// Whether there are more connections than there should be.
    var isOverfull: Bool { shared.openConnections.load(ordering: .relaxed) > connectionLimit }

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

    // MARK: Connections and time

    func register(_ client: ClientConnection) {
        guard client.stream == nil else {
            client.index = requests.count
            return requests.append(client)
        }
        client.index = connections.count
        connections.append(client)
        guard !client.isProbe else { return }
        client.listener.shared.openConnections.wrappingAdd(1, ordering: .relaxed)
        client.listener.shared.connections.wrappingAdd(1, ordering: .relaxed)
    }

    func unregister(_ client: ClientConnection) {
        guard client.index >= 0 else { return }
        guard client.stream == nil else { return Self.remove(client, from: &requests) }
        Self.remove(client, from: &connections)
        guard !client.isProbe else { return }
        client.listener.shared.openConnections.wrappingSubtract(1, ordering: .relaxed)
    }

    /// The last takes its place.
    private static func remove(_ client: ClientConnection, from list: inout [ClientConnection]) {
        let index = client.index
        client.index = -1
        let last = list.removeLast()
        guard last !== client else { return }
        list[index] = last
        last.index = index
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
        serveWaiting()
        counters.waiting.store(UInt64(waitingCount), ordering: .relaxed)
        ticks &+= 1
        if ticks % Self.ticksBetweenLooks == 0 || isFillingUp { lookAtBuffers() }
        evictForOthers()
        for listener in listeners { listener.gate?.resumeIfPossible() }
        guard tickTime >= nextDeadline else { return }
        nextDeadline = .max
        // Closing takes a connection out of the array, so the late ones are collected first.
        var late: [ClientConnection] = []
        for list in 0...1 {
            for client in list == 0 ? connections : requests {
                if client.deadline <= tickTime { late.append(client) } else { noteDeadline(client.deadline) }
            }
        }
        // Another's end may have given it more time.
        for client in late where client.deadline <= tickTime {
            client.deadlinePassed()
            noteDeadline(client.deadline)
        }
        for pool in pools.values {
            pool.closeExpired(tickTime)
            noteDeadline(pool.nextExpiry)
        }
    }

    private static let ticksBetweenLooks = 4

    /// Ends the connections of a listener that is gone, or all: idle ones now, the others with their response.
    func drain(_ listener: SharedListener?) {
        for client in connections where listener == nil || client.listener.shared === listener { client.drain() }
        for client in requests where listener == nil || client.listener.shared === listener { client.drain() }
    }

    /// Closes what is still there after the drain's deadline.
    func closeAll(of listener: SharedListener?) {
        for client in connections where listener == nil || client.listener.shared === listener { client.cutOff() }
        for client in requests where listener == nil || client.listener.shared === listener { client.cutOff() }
    }

    /// No descriptor is left for a member's connection: gives up those of this loop that are kept for later, or an idle
    /// client's.
    ///
    /// - Returns: whether there is one now.
    func freeDescriptor() -> Bool {
        bump(counters.descriptorPauses)
        var hasClosed = false
        for pool in pools.values where pool.count > 0 {
            pool.closeIdle()
            hasClosed = true
        }
        return hasClosed || makeRoom()
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
