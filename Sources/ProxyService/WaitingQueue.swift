/// The requests of one loop that wait for a place on a member of one upstream, in the order in which they came.
final class WaitingQueue<Waiter> {
    /// The upstream's name.
    let upstream: String
    /// Nanoseconds for which each may wait.
    private(set) var timeout: UInt64
    /// Is to be looked at in the loop's next turn.
    var isDue = false
    private var waiters = ArrivalList<(waiter: Waiter, since: UInt64)>()
    private var seen: SnapshotView?
    private var seenPosition: Int?

    init(upstream: String, timeout: UInt64) {
        self.upstream = upstream
        self.timeout = timeout
    }

    var count: Int { waiters.count }
    var isEmpty: Bool { waiters.isEmpty }

    /// - Returns: the place to ``remove(at:)`` it from.
    func append(_ waiter: Waiter, now: UInt64) -> Int { waiters.append((waiter, now)) }

    func remove(at place: Int) { waiters.remove(at: place) }

    func removeAll() { waiters = ArrivalList() }

    /// Where the upstream is in the snapshot of the loop's present view; `nil`: not any more.
    func position(in view: SnapshotView) -> Int? {
        if seen !== view {
            seen = view
            seenPosition = view.position(ofUpstream: upstream)
        }
        return seenPosition
    }

    /// Lets those who came first try for a place, up to the first that finds none: there is none for those behind it
    /// either.
    ///
    /// - Parameters:
    ///   - limit: so many have their turn at once.
    ///   - take: takes the waiter out of the queue, unless there is no place: then returns `false`.
    /// - Returns: whether there may be places for more.
    func serve(limit: Int, _ take: (Waiter) -> Bool) -> Bool {
        for _ in 0..<limit {
            guard let first = waiters.first else { return false }
            guard take(first.waiter) else { return false }
        }
        return !isEmpty
    }

    /// From now on each may wait so long, counted from when it came.
    ///
    /// - Parameter tell: tells the waiter when its time is up.
    func change(timeout: UInt64, _ tell: (Waiter, UInt64) -> Void) {
        guard timeout != self.timeout else { return }
        self.timeout = timeout
        waiters.forEach { waiter, since in
            let (sum, overflow) = since.addingReportingOverflow(timeout)
            tell(waiter, overflow ? .max : sum)
        }
    }
}
