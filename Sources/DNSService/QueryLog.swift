import Addresses
import Authority
import DNSWire
package import Telemetry
import TrafficModel

/// The query log: a line for each query with what was answered, as dnstap tells it.
package final class QueryLog: Sendable {
    package let sink: LineSink
    let file: LogFile

    init(_ file: LogFile) throws(LineSink.OpenError) {
        self.file = file
        sink = try LineSink(
            path: file.path, rotation: file.maximumSize.map { .init(maximumSize: $0, keep: file.keep) })
    }
}
