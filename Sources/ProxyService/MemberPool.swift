import Balancing

/// Kept connections of one loop to one member. The one used last is taken first: the others may then grow old and go.
final class MemberPool {
    private var idle: [UpstreamConnection] = []

    /// Connections that requests share, standing or on their way.
    private var shared: [HTTP2MemberConnection] = []
    private var sharedTimeout: UInt64 = .max
    private var sharedLimit = Int.max

    /// One on which requests wait, because the member has refused them and said that it takes none for now.
    var resting: HTTP2MemberConnection?

    var isEmpty: Bool { idle.isEmpty && shared.isEmpty }
    var count: Int { idle.count }
    private(set) var nextExpiry: UInt64 = .max
    private var idleLimit = IdleLimit()

    func take() -> UpstreamConnection? { idle.popLast() }

    /// A connection that takes one more request.
    func takeShared() -> HTTP2MemberConnection? { shared.first { $0.hasRoom } }

    /// - Parameters:
    ///   - limit: how many are kept without a request.
    ///   - timeout: and for how long.
    func add(_ connection: HTTP2MemberConnection, limit: Int, timeout: UInt64) {
        shared.append(connection)
        sharedLimit = limit
        sharedTimeout = timeout
    }

    func remove(_ connection: HTTP2MemberConnection) { shared.removeAll { $0 === connection } }

    /// No request is on the connection any more. When there are too many such, the oldest goes.
    ///
    /// - Returns: when this one goes.
    func becameIdle(_ connection: HTTP2MemberConnection) -> UInt64 {
        if shared.count > sharedLimit {
            let idle = shared.filter { $0.stands && $0.isIdle }
            if idle.count > sharedLimit { idle.min { $0.idleSince < $1.idleSince }?.retire() }
        }
        return sharedExpiry(of: connection)
    }

    private func sharedExpiry(of connection: HTTP2MemberConnection) -> UInt64 {
        let (sum, overflow) = connection.idleSince.addingReportingOverflow(sharedTimeout)
        return expire(at: overflow ? .max : sum)
    }

    /// ``closeExpired(_:)`` is to look again at that time.
    func expire(at time: UInt64) -> UInt64 {
        if time < nextExpiry { nextExpiry = time }
        return time
    }

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
        for connection in shared where connection.stands {
            connection.cancelLingering()
            guard connection.isIdle else { continue }
            let (sum, overflow) = connection.idleSince.addingReportingOverflow(sharedTimeout)
            if !overflow, sum <= now { connection.retire() } else { _ = sharedExpiry(of: connection) }
        }
    }

    /// Closes those that nobody uses.
    func closeIdle() {
        let all = idle
        idle.removeAll()
        for connection in all { connection.close() }
    }

    func closeAll() {
        closeIdle()
        nextExpiry = .max
        for connection in shared { connection.retire() }
    }
}
