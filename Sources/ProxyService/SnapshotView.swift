import Addresses
import Balancing
import NIOCore
import NIOSSL
import Synchronization

/// A snapshot as one loop holds it. Requests keep this object instead of the snapshot itself: its reference count is
/// touched by one thread only.
final class SnapshotView {
    let snapshot: BalancingSnapshot
    let settings: LoopSettings

    /// What the loop counted since the last ``flush()``, for the routes of all listeners behind one another.
    private var routes: Tallies
    /// The same for the members of all upstreams.
    private var members: Tallies

    init(_ snapshot: BalancingSnapshot) {
        self.snapshot = snapshot
        settings = LoopSettings(snapshot.settings)
        routes = Tallies(
            snapshot.listeners.map { listener in
                if case .http(let table) = listener.mode { table.routes.map(\.traffic) } else { [] }
            })
        members = Tallies(snapshot.upstreams.map { $0.members.map(\.state.traffic) })
    }

    deinit { flush() }

    func position(of endpoint: Endpoint) -> Int? {
        snapshot.listeners.firstIndex { $0.endpoint == endpoint }
    }

    func position(ofUpstream name: String) -> Int? { snapshot.upstreams.firstIndex { $0.name == name } }

    func countRoute(listener: Int, route: Int, status: Int, bytes: Int, nanoseconds: UInt64) {
        routes.count(listener, route, status, bytes, nanoseconds)
    }

    func countMember(upstream: Int, member: Int, status: Int, bytes: Int, nanoseconds: UInt64) {
        members.count(upstream, member, status, bytes, nanoseconds)
    }

    /// Adds what this loop counted to what all loops did.
    func flush() {
        routes.flush()
        members.flush()
    }
}

/// Tallies of things in groups, and where they are added to.
private struct Tallies {
    private var tallies: [TrafficTally]
    private let counters: [TrafficCounters]
    /// Where each group begins.
    private let bases: [Int]
    /// Those that are not zero.
    private var touched: [Int] = []
    private var isTouched: [Bool]

    init(_ groups: [[TrafficCounters]]) {
        var bases: [Int] = []
        var counters: [TrafficCounters] = []
        for group in groups {
            bases.append(counters.count)
            counters += group
        }
        self.bases = bases
        self.counters = counters
        tallies = Array(repeating: TrafficTally(), count: counters.count)
        isTouched = Array(repeating: false, count: counters.count)
        touched.reserveCapacity(min(counters.count, 64))
    }

    mutating func count(_ group: Int, _ item: Int, _ status: Int, _ bytes: Int, _ nanoseconds: UInt64) {
        let index = bases[group] + item
        tallies[index].count(status: status, bytes: bytes, nanoseconds: nanoseconds)
        guard !isTouched[index] else { return }
        isTouched[index] = true
        touched.append(index)
    }

    mutating func flush() {
        guard !touched.isEmpty else { return }
        for index in touched {
            counters[index].add(tallies[index])
            tallies[index] = TrafficTally()
            isTouched[index] = false
        }
        touched.removeAll(keepingCapacity: true)
    }
}

extension ListenerSnapshot {
    /// What TLS offers. Of forwarded connections, only the two ends know what they speak.
    var protocols: [String] {
        guard case .http = mode else { return [] }
        return http2 ? ["h2", "http/1.1"] : ["http/1.1"]
    }
}

/// A listener as one loop sees it.
final class LoopListener {
    let shared: SharedListener
    /// The newest snapshot that has this listener, and its place there. A removed listener keeps its last.
    private(set) var view: SnapshotView
    private(set) var position: Int
    var tls: ListenerTLS?
    /// `host:port` for clients that name no host.
    let hostText: [UInt8]
    /// `nil`: it accepts no more.
    var gate: AcceptGate?

    init(shared: SharedListener, view: SnapshotView, position: Int, tls: ListenerTLS?, gate: AcceptGate) {
        self.shared = shared
        self.view = view
        self.position = position
        self.tls = tls
        self.gate = gate
        hostText = Array(shared.boundEndpoint.description.utf8)
    }

    var snapshot: ListenerSnapshot { view.snapshot.listeners[position] }

    func update(_ view: SnapshotView) {
        guard let position = view.position(of: shared.endpoint) else { return }
        self.view = view
        self.position = position
    }

    /// Whether clients may begin with HTTP/2.
    var offersHTTP2: Bool { snapshot.http2 }

    var isDraining: Bool { shared.isDraining.load(ordering: .relaxed) }
}
