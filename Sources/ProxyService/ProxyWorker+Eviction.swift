import Sockets
import Synchronization

/// Whose place another gets when there are too many connections, or when no descriptor is left.
extension ProxyWorker {
    /// How long a client may take from its connection to its first request: some round trips, with those of TLS.
    static let firstRequestPatience: UInt64 = 2_000_000_000
    /// Connections that are looked at, and no more: this runs when there is the most to do.
    private static let evictionSearch = 1024

    /// Closes one connection of this loop, at once. In this order:
    ///
    /// 1. Of those that have not come to a whole request yet, whether they agree on TLS, say nothing or have begun with a
    ///    head, the oldest, if it has had its time or they are more than an eighth of all: so a crowd neither pushes out
    ///    those who were there before nor keeps newcomers from asking.
    /// 2. The one that became idle last: who has been waiting longer for its next request has shown more patience.
    /// 3. The one whose next request began to come the longest ago and is not whole, if it has had its time.
    /// 4. The oldest of those that have not come to a request, after all.
    /// 5. One that has its last response, and of which what it still says is read and forgotten.
    ///
    /// This node's own probes are spared: they tell others whether this node serves.
    ///
    /// - Parameters:
    ///   - newcomer: who is to get the place, and does not count itself. Connections beyond the limit have none to give.
    ///   - onlyLate: closes only what has not come to a request in its time.
    /// - Returns: whether there was one. Its place is free.
    func evict(for newcomer: ClientConnection? = nil, onlyLate: Bool = false) -> Bool {
        let patience = tickTime - min(tickTime, Self.firstRequestPatience)
        var (all, newcomers) = (0, 0)
        var oldestNewcomer: ClientConnection?
        var newest: ClientConnection?
        var stalled: ClientConnection?
        var stalledSince = patience
        var ending: ClientConnection?
        // The latest first: of what is asked of the kernel there is less then.
        for client in connections.suffix(Self.evictionSearch).reversed() where client !== newcomer {
            all += 1
            guard !client.isProbe, newcomer == nil || !client.isSurplus else { continue }
            switch client.standing {
            case .newcomer:
                newcomers += 1
                if client.waitingSince < oldestNewcomer?.waitingSince ?? .max { oldestNewcomer = client }
            case .idle:
                let isNewer = client.waitingSince > newest?.waitingSince ?? 0
                if isNewer || newest == nil, client.owesNothing, client.mayCloseAtOnce { newest = client }
            case .stalled(let since):
                guard since < stalledSince, client.channel?.unsentBytes ?? 0 == 0, client.mayCloseAtOnce else {
                    continue
                }
                stalled = client
                stalledSince = since
            case .ending:
                if client.owesNothing { ending = client }
            case .busy:
                break
            }
        }
        let isLate = oldestNewcomer?.waitingSince ?? .max < patience
        if onlyLate, !isLate { return false }
        let chosen =
            isLate || newcomers > all / 8 ? oldestNewcomer : newest ?? stalled ?? oldestNewcomer ?? ending
        guard let chosen else { return false }
        bump(counters.evicted)
        chosen.evict()
        return true
    }

    /// No descriptor is left: closes a connection of this loop, or has another loop close one of its own at its next tick.
    ///
    /// - Returns: whether there is a free one now.
    func makeRoom() -> Bool {
        if evict() { return true }
        shared.wantsEviction.store(true, ordering: .relaxed)
        return false
    }

    /// Gives up what others need: a descriptor for another loop, or the place of one that holds it for nothing, when there
    /// are as many connections as are accepted at all and some wait behind them. One of each in a tick.
    func evictForOthers() {
        if shared.wantsEviction.load(ordering: .relaxed), evict() {
            shared.wantsEviction.store(false, ordering: .relaxed)
        }
        if !mayAccept, listeners.contains(where: { $0.gate?.isHoldingBack ?? false }) { _ = evict(onlyLate: true) }
    }
}
