import Balancing

/// Kept connections of one loop to one member. The one used last is taken first: the others may then grow old and go.
final class MemberPool {
    private var idle: [UpstreamConnection] = []

    var isEmpty: Bool { idle.isEmpty }
    var count: Int { idle.count }
    private(set) var nextExpiry: UInt64 = .max
    private var idleLimit = IdleLimit()

    func take() -> UpstreamConnection? { idle.popLast() }

    /// Keeps a connection for `timeout`, or as long as the member does if that is known to be less; when there are
    /// `limit`, the oldest goes.
    ///
    /// - Returns: when it goes.
    func put(_ connection: UpstreamConnection, limit: Int, now: UInt64, timeout: UInt64, hint: Int?) -> UInt64 {
        let allowance = idleLimit.allowance(configured: timeout, hint: hint, now: now)
        guard limit > 0, allowance > 0 else {
            connection.close()
            return .max
        }
        let (sum, overflow) = now.addingReportingOverflow(allowance)
        let expiry = overflow ? .max : sum
        connection.idleSince = now
        connection.expiry = expiry
        if expiry < nextExpiry { nextExpiry = expiry }
        idle.append(connection)
        if idle.count > limit { idle.removeFirst().close() }
        return expiry
    }

    /// The member closed a connection that was kept.
    func closedByMember(_ connection: UpstreamConnection, now: UInt64) {
        idleLimit.closed(after: now &- connection.idleSince, now: now)
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
