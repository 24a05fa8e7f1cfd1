import DequeModule
import Synchronization
package import TrafficModel

/// The latest events of a node, and for each subject the latest turns of its state.
///
/// Nobody who reads can hold up the node: readers have a place in one ring, not a queue each. One that is slower than
/// the ring turns misses the oldest, and is told how many.
package final class Journal: Sendable {
    /// Sizes of what is kept.
    package struct Limits: Sendable {
        /// Events.
        package var events = 8192
        /// Turns of one subject.
        package var turnsPerSubject = 32
        /// Turns of all subjects together; the oldest go first.
        package var turns = 65_536
        /// Readers that wait for what comes.
        package var subscribers = 1000

        package init() {}
    }

    /// A part of the journal.
    package struct Page: Sendable {
        package var events: [NodeEvent]
        /// Where to read on.
        package var cursor: UInt64
    }

    package struct Counts: Codable, Sendable, Hashable {
        /// Since the start.
        package var recorded: UInt64 = 0
        package var subscribers = 0
        package var refusedSubscribers: UInt64 = 0
        /// Events that subscribers missed because they were too slow.
        package var lost: UInt64 = 0
    }

    private struct State {
        var events: Deque<NodeEvent> = []
        var nextID: UInt64
        var turns: [NodeEvent.Subject: Deque<(id: UInt64, turn: StateTurn)>] = [:]
        /// All turns in their order; of those that a subject dropped for its own limit, only the entry is left.
        var order: Deque<(id: UInt64, subject: NodeEvent.Subject)> = []
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter: UInt64 = 0
        /// Those whose task was cancelled before they began to wait.
        var cancelled: Set<UInt64> = []
        var counts = Counts()
        var isClosed = false
    }

    private let state: Mutex<State>
    private let limits: Limits
    /// The number of the first event of this process.
    private let firstID: UInt64

    /// - Parameter now: numbers begin with it, so that they rise over restarts too.
    package init(limits: Limits = .init(), now: WallTime = .now) {
        self.limits = limits
        // A thousand events in each millisecond never happen, and the number stays exact in JavaScript until 2255.
        firstID = UInt64(max(now.milliseconds, 0)) * 1000 + 1
        state = Mutex(State(nextID: firstID))
    }

    package var counts: Counts { state.withLock { $0.counts } }

    // MARK: Writing

    package func record(_ event: NodeEvent) { record([event]) }

    package func record(_ events: [NodeEvent]) {
        guard !events.isEmpty else { return }
        let waiting = state.withLock { state in
            for event in events { append(event, to: &state) }
            defer { state.waiting.removeAll(keepingCapacity: true) }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    private func append(_ event: NodeEvent, to state: inout State) {
        var event = event
        event.id = state.nextID
        state.nextID += 1
        state.counts.recorded += 1
        if state.events.count >= limits.events { state.events.removeFirst() }
        state.events.append(event)
        guard event.kind == .transition || event.kind == .check, let subject = event.subject else { return }
        let turn = StateTurn(time: event.time, from: event.from ?? "", to: event.to ?? "", reason: event.reason)
        var turns = state.turns.removeValue(forKey: subject) ?? []
        turns.append((event.id, turn))
        if turns.count > limits.turnsPerSubject { turns.removeFirst() }
        state.turns[subject] = turns
        state.order.append((event.id, subject))
        guard state.order.count > limits.turns else { return }
        let oldest = state.order.removeFirst()
        guard var old = state.turns.removeValue(forKey: oldest.subject) else { return }
        if old.first?.id == oldest.id { old.removeFirst() }
        if !old.isEmpty { state.turns[oldest.subject] = old }
    }

    /// Lets all readers end.
    package func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    // MARK: Reading

    /// What is kept of the turns of a subject's state, oldest first.
    package func history(of subject: NodeEvent.Subject) -> [StateTurn] {
        state.withLock { $0.turns[subject]?.map(\.turn) ?? [] }
    }

    /// The latest events, oldest first.
    package func latest(_ count: Int, where filter: EventFilter = .init()) -> Page {
        state.withLock { state in
            var found: [NodeEvent] = []
            for event in state.events.reversed() where filter.wants(event) {
                guard found.count < count else { break }
                found.append(event)
            }
            return Page(events: found.reversed(), cursor: state.nextID - 1)
        }
    }

    /// Events after the one with the number `cursor`, oldest first. Where some of them are kept no more, a gap comes
    /// first. A cursor of 0 stands before the oldest that is kept.
    package func events(after cursor: UInt64, limit: Int, where filter: EventFilter = .init()) -> Page {
        state.withLock { state in
            let oldest = state.nextID - UInt64(state.events.count)
            var found: [NodeEvent] = []
            var next = cursor + 1
            if cursor >= state.nextID || cursor != 0 && next < firstID {
                found.append(NodeEvent(.gap, reason: "the node was restarted since; what came before is not kept"))
                next = oldest
            } else if next < oldest {
                if cursor != 0 {
                    found.append(.gap(oldest - next, "\(oldest - next) events are kept no more"))
                    state.counts.lost += oldest - next
                }
                next = oldest
            }
            let room = found.count + max(limit, 1)
            while next < state.nextID, found.count < room {
                let event = state.events[Int(next - oldest)]
                if filter.wants(event) { found.append(event) }
                next += 1
            }
            return Page(events: found, cursor: next - 1)
        }
    }

    /// Where what comes begins.
    package var end: UInt64 { state.withLock { $0.nextID - 1 } }

    package var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Returns when there is an event after `cursor`, the journal closes, the time is over, or the task is cancelled.
    package func waitForNews(after cursor: UInt64, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.waitForNews(after: cursor) }
            // Cancelled: the other is done.
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    private func waitForNews(after cursor: UInt64) async {
        let waiter = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayGo = state.withLock { state in
                    guard !state.isClosed, state.nextID <= cursor + 1, !state.cancelled.contains(waiter) else {
                        return true
                    }
                    state.waiting[waiter] = continuation
                    return false
                }
                if mayGo { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.cancelled.insert(waiter)
                return state.waiting.removeValue(forKey: waiter)
            }
            continuation?.resume()
        }
        state.withLock { _ = $0.cancelled.remove(waiter) }
    }

    // MARK: Subscribers

    /// A place among those that wait for what comes, until it is let go; `nil` when all places are taken.
    package func subscribe() -> Subscription? {
        let isIn = state.withLock { state in
            guard !state.isClosed, state.counts.subscribers < limits.subscribers else {
                state.counts.refusedSubscribers += 1
                return false
            }
            state.counts.subscribers += 1
            return true
        }
        return isIn ? Subscription(self) : nil
    }

    package final class Subscription: Sendable {
        package let journal: Journal

        fileprivate init(_ journal: Journal) { self.journal = journal }

        deinit { journal.state.withLock { $0.counts.subscribers -= 1 } }
    }
}
