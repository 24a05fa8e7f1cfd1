import Synchronization

/// What the TCP listeners did; every loop adds to it, off the path of UDP.
package final class TCPCounters: Sendable {
    let open = Atomic<Int>(0)
    private let events: [Event: Counter]

    /// Why connections were opened and closed.
    package enum Event: String, CaseIterable, Sendable {
        case accepted
        /// Closed at once: the limit of all, and none was there to make room.
        case refusedTotal
        /// Closed at once: the limit of one address.
        case refusedPerSource
        /// Closed to make room for another.
        case displaced
        case idleClosed
        /// A message was not whole in time.
        case incompleteClosed
        /// Answers were not taken in time.
        case unreadClosed
        /// A length that no query has.
        case badLength
        /// A trusted proxy did not begin with a header.
        case badProxyHeader
        /// Accepting rested for the want of file descriptors or memory.
        case acceptPauses
    }

    private final class Counter: Sendable {
        let value = Atomic<UInt64>(0)
    }

    init() {
        events = Dictionary(uniqueKeysWithValues: Event.allCases.map { ($0, Counter()) })
    }

    func count(_ event: Event) { events[event]?.value.wrappingAdd(1, ordering: .relaxed) }

    package func value(_ event: Event) -> UInt64 { events[event]?.value.load(ordering: .relaxed) ?? 0 }

    /// Connections open now.
    package var openCount: Int { open.load(ordering: .relaxed) }
    package var acceptedCount: UInt64 { value(.accepted) }
    /// Closed at once because too many were open, in all or from their address.
    package var refusedCount: UInt64 { value(.refusedTotal) + value(.refusedPerSource) }
}
