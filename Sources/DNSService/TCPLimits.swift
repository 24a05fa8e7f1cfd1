import Addresses
import Synchronization
import TrafficModel

/// Counts connections against the limits, over all loops. A lock is fine here: it is taken twice per connection.
final class TCPLimits: Sendable {
    enum Place {
        case taken
        /// There are as many as may be in all.
        case full
        /// There are as many as may be from this address.
        case sourceFull
    }

    let counters: TCPCounters
    private let total: Int
    private let perSource: Int
    private let sources = Mutex<[IPAddress: Int]>([:])

    init(_ settings: NameServer, _ counters: TCPCounters) {
        self.counters = counters
        total = settings.tcpConnections
        perSource = settings.tcpConnectionsPerSource
    }

    /// A place for a connection. Every one that is taken must be given back with ``leave(_:)``.
    ///
    /// - Parameter source: `nil` for a proxy, whose client is not known yet.
    func enter(_ source: IPAddress?) -> Place {
        // Both limits under the lock, or two loops could pass the last place to two connections.
        sources.withLock { sources in
            if let source, sources[source, default: 0] >= perSource { return .sourceFull }
            guard counters.open.load(ordering: .relaxed) < total else { return .full }
            if let source { sources[source, default: 0] += 1 }
            counters.open.wrappingAdd(1, ordering: .relaxed)
            return .taken
        }
    }

    /// Counts a connection that has a place for the client that its proxy told.
    func identify(_ source: IPAddress) -> Bool {
        sources.withLock { sources in
            guard sources[source, default: 0] < perSource else { return false }
            sources[source, default: 0] += 1
            return true
        }
    }

    func leave(_ source: IPAddress?) {
        sources.withLock { sources in
            counters.open.wrappingSubtract(1, ordering: .relaxed)
            guard let source else { return }
            let left = sources[source, default: 1] - 1
            sources[source] = left > 0 ? left : nil
        }
    }
}
