import Synchronization

/// What the TCP listeners did; every loop adds to it, off the path of UDP.
package final class TCPCounters: Sendable {
    let open = Atomic<Int>(0)
    let accepted = Atomic<UInt64>(0)
    let refusedTotal = Atomic<UInt64>(0)
    let refusedPerSource = Atomic<UInt64>(0)
    let idleClosed = Atomic<UInt64>(0)

    /// Connections open now.
    package var openCount: Int { open.load(ordering: .relaxed) }
    package var acceptedCount: UInt64 { accepted.load(ordering: .relaxed) }
    /// Closed at once because too many were open, in all or from their address.
    package var refusedCount: UInt64 {
        refusedTotal.load(ordering: .relaxed) + refusedPerSource.load(ordering: .relaxed)
    }
    package var idleClosedCount: UInt64 { idleClosed.load(ordering: .relaxed) }
}
