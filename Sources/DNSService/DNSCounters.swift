package import Authority
import Synchronization

/// What the DNS role of a node counted since the program began: a server ends when a reload changes its sockets, and what
/// it counted stays.
package final class DNSCounters: Sendable {
    private struct State {
        /// Of threads that have ended. Never written to: who reads has it together with the threads that are not in it.
        var past: WorkerCounters?
        var threads: [WorkerCounters] = []
        /// A loop goes on with its own when another server begins.
        var loops: [WorkerCounters] = []
    }

    package let tcp = TCPCounters()
    package let logs = QueryLogs()
    private let state = Mutex(State())

    package init() {}

    /// To be summed up; each figure rises only.
    package var all: [WorkerCounters] {
        state.withLock { state in (state.past.map { [$0] } ?? []) + state.threads + state.loops }
    }

    /// Those of so many new threads.
    func begin(threads count: Int) -> [WorkerCounters] {
        let fresh = (0..<count).map { _ in WorkerCounters() }
        state.withLock { $0.threads += fresh }
        return fresh
    }

    /// Takes over what threads counted that have ended.
    func end(_ threads: [WorkerCounters]) {
        state.withLock { state in
            state.past = WorkerCounters(sumOf: (state.past.map { [$0] } ?? []) + threads)
            state.threads.removeAll { known in threads.contains { $0 === known } }
        }
    }

    /// Those of so many loops, of which each writes its own.
    func loops(_ count: Int) -> [WorkerCounters] {
        state.withLock { state in
            while state.loops.count < count { state.loops.append(WorkerCounters()) }
            return Array(state.loops.prefix(count))
        }
    }
}
