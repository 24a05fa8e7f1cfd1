import Addresses
import Balancing
import NIOCore
import NIOSSL
import Synchronization

/// A snapshot as one loop holds it. Requests keep this object instead of the snapshot itself: its reference count is
/// touched by one thread only.
final class SnapshotView {
    let snapshot: BalancingSnapshot

    init(_ snapshot: BalancingSnapshot) { self.snapshot = snapshot }

    func position(of endpoint: Endpoint) -> Int? {
        snapshot.listeners.firstIndex { $0.endpoint == endpoint }
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
    var channel: (any Channel)?
    var gate: AcceptGate?

    init(shared: SharedListener, view: SnapshotView, position: Int, tls: ListenerTLS?) {
        self.shared = shared
        self.view = view
        self.position = position
        self.tls = tls
        hostText = Array(shared.boundEndpoint.description.utf8)
    }

    var snapshot: ListenerSnapshot { view.snapshot.listeners[position] }

    func update(_ view: SnapshotView) {
        guard let position = view.position(of: shared.endpoint) else { return }
        self.view = view
        self.position = position
    }

    var isDraining: Bool { shared.isDraining.load(ordering: .relaxed) }
}
