import Balancing

/// Kept connections of one loop to one member. The one used last is taken first: the others may then grow old and go.
final class MemberPool {
    private var idle: [UpstreamConnection] = []

    var isEmpty: Bool { idle.isEmpty }
    var count: Int { idle.count }
    private(set) var nextExpiry: UInt64 = .max

    func take() -> UpstreamConnection? { idle.popLast() }

    /// Keeps a connection until `expiry`; when there are `limit`, the oldest goes.
    func put(_ connection: UpstreamConnection, limit: Int, expiry: UInt64) {
        guard limit > 0 else { return connection.close() }
        connection.expiry = expiry
        if expiry < nextExpiry { nextExpiry = expiry }
        idle.append(connection)
        if idle.count > limit { idle.removeFirst().close() }
    }

    /// Forgets a connection that is closing.
    func remove(_ connection: UpstreamConnection) {
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }

    func closeExpired(_ now: UInt64) {
        guard nextExpiry <= now else { return }
        nextExpiry = .max
        let expired = idle.filter { $0.expiry <= now }
        idle.removeAll { $0.expiry <= now }
        for connection in idle where connection.expiry < nextExpiry { nextExpiry = connection.expiry }
        for connection in expired { connection.close() }
    }

    func closeAll() {
        let all = idle
        idle.removeAll()
        nextExpiry = .max
        for connection in all { connection.close() }
    }
}
