package import Authority
import Synchronization
import Telemetry

/// What the DNS role of a node counted since the program began: a server ends when a reload changes its sockets, and what
/// it counted stays.
package final class DNSCounters: Sendable {
    /// Of query logs.
    package struct Lines: Sendable {
        package var written: UInt64 = 0
        package var dropped: UInt64 = 0
        package var failures: UInt64 = 0

        fileprivate mutating func add(_ sink: LineSink) {
            written += sink.lineCount
            dropped += sink.droppedCount
            failures += sink.failureCount
        }
    }

    private struct State {
        /// Of threads that have ended. Never written to: who reads has it together with the threads that are not in it.
        var past: WorkerCounters?
        var threads: [WorkerCounters] = []
        /// A loop goes on with its own when another server begins.
        var loops: [WorkerCounters] = []
        var sinks: [LineSink] = []
        var lines = Lines()
    }

    package let tcp = TCPCounters()
    private let state = Mutex(State())

    package init() {}

    /// To be summed up; each figure rises only.
    package var all: [WorkerCounters] {
        state.withLock { state in (state.past.map { [$0] } ?? []) + state.threads + state.loops }
    }

    package var lines: Lines {
        state.withLock { state in
            var lines = state.lines
            for sink in state.sinks { lines.add(sink) }
            return lines
        }
    }

    /// Those of so many new threads, and of the log that they write.
    func begin(threads count: Int, log: LineSink?) -> [WorkerCounters] {
        let fresh = (0..<count).map { _ in WorkerCounters() }
        state.withLock { state in
            state.threads += fresh
            if let log { state.sinks.append(log) }
        }
        return fresh
    }

    /// Takes over what threads counted that have ended, and the log that they wrote, which is closed.
    func end(_ threads: [WorkerCounters], log: LineSink?) {
        state.withLock { state in
            state.past = WorkerCounters(sumOf: (state.past.map { [$0] } ?? []) + threads)
            state.threads.removeAll { known in threads.contains { $0 === known } }
            guard let log else { return }
            state.sinks.removeAll { $0 === log }
            state.lines.add(log)
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
