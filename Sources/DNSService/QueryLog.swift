import Telemetry
import TrafficModel

/// The query log of one server: a line for each query with what was answered, as dnstap tells it.
final class QueryLog: Sendable {
    let file: LogFile
    private let shared: SharedSink

    var sink: LineSink { shared.sink }

    init(_ file: LogFile, _ shared: SharedSink) {
        self.file = file
        self.shared = shared
    }
}

/// A file that the logs of several servers write to: connections go on when their server has ended. Its lines are finished
/// when the last of those logs is gone.
final class SharedSink: Sendable {
    let sink: LineSink
    private let file: LogFile

    init(_ file: LogFile) throws(LineSink.OpenError) {
        self.file = file
        sink = try LineSink(
            path: file.path, rotation: file.maximumSize.map { .init(maximumSize: $0, keep: file.keep) })
    }

    deinit { sink.finish() }

    func serves(_ wanted: LogFile) -> Bool { file.writesLike(wanted) }
}
