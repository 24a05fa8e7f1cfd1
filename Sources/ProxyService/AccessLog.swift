import Telemetry
import TrafficModel

/// Where the access log is written, and what earlier files of it came to.
struct AccessLog: Sendable {
    private(set) var sink: LineSink?
    private(set) var file: LogFile?
    private var lines: UInt64 = 0
    private var dropped: UInt64 = 0
    private var failures: UInt64 = 0

    /// None.
    init() {}

    init(_ file: LogFile?) throws(LineSink.OpenError) {
        guard let file else { return }
        sink = try LineSink(
            path: file.path, rotation: file.maximumSize.map { .init(maximumSize: $0, keep: file.keep) })
        self.file = file
    }

    /// Whether lines go on to the same place.
    func serves(_ wanted: LogFile?) -> Bool {
        guard let wanted, let file else { return wanted == nil && file == nil }
        return file.writesLike(wanted)
    }

    var isJSON: Bool { file?.format == .json }

    /// Goes on with the same place, where lines may say something else from now on.
    mutating func goOn(as wanted: LogFile?) { file = wanted }

    /// Counts go on.
    mutating func replace(by log: AccessLog) {
        var status = ProxyStatus()
        add(to: &status)
        (lines, dropped, failures) = (status.logLines, status.droppedLogLines, status.logFailures)
        (sink, file) = (log.sink, log.file)
    }

    func add(to status: inout ProxyStatus) {
        status.logLines = lines + (sink?.lineCount ?? 0)
        status.droppedLogLines = dropped + (sink?.droppedCount ?? 0)
        status.logFailures = failures + (sink?.failureCount ?? 0)
    }
}
