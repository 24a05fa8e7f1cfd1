import Synchronization
import Telemetry
import TrafficModel

/// The query logs of a node since the program began: servers come and go with reloads, their files and counts stay.
package final class QueryLogs: Sendable {
    /// Lines, and writes that failed.
    package struct Counts: Sendable, Hashable {
        /// Lines that were taken.
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
        weak var latest: SharedSink?
        /// To which lines may still go.
        var sinks: [LineSink] = []
        /// Of those to which none will go any more.
        var past = Counts()

        /// What has ended is counted once and for all.
        mutating func settle() {
            // Each is asked once: it may close at any time.
            var open: [LineSink] = []
            for sink in sinks { if sink.isClosed { past.add(sink) } else { open.append(sink) } }
            sinks = open
        }
    }

    private let state = Mutex(State())

    package init() {}

    package var counts: Counts {
        state.withLock { state in
            state.settle()
            var counts = state.past
            for sink in state.sinks { counts.add(sink) }
            return counts
        }
    }

    /// The log of a server. Where it goes on with the file of the server before, both write to it in the same turn.
    func open(_ file: LogFile) throws(LineSink.OpenError) -> QueryLog {
        try state.withLock { state throws(LineSink.OpenError) in
            state.settle()
            if let latest = state.latest, latest.serves(file) { return QueryLog(file, latest) }
            let opened = try SharedSink(file)
            state.latest = opened
            state.sinks.append(opened.sink)
            return QueryLog(file, opened)
        }
    }

    /// Has files opened again by their paths: somebody has renamed them.
    package func reopen() {
        for sink in state.withLock({ $0.sinks }) { sink.reopen() }
    }

    /// The end of the program: waits until lines are written, as far as they can be.
    package func close() async {
        for sink in state.withLock({ $0.sinks }) { await sink.close() }
    }
}
