internal import Addresses
internal import Glibc
package import TrafficModel

/// A file of measurements, one to a line:
///
///     load,VIRTUAL_SERVER,CRITERION,VALUE[,CONFIDENCE]
///     latency,NETWORK,REGION,MILLISECONDS,SAMPLES
///
/// `#` begins a comment. Criteria are those of stages, except `score`. All readings are as old as the file.
package enum MeasurementFile {
    package static let sizeLimit = 64 << 20
    /// Problems that are told of one file.
    static let problemLimit = 20

    /// What tells one state of a file from another.
    package struct Stamp: Hashable, Sendable {
        fileprivate let file: FileStamp
        /// Seconds since it was written, on the calendar's clock; not below 0.
        package let age: Duration
    }

    package struct Problem: Error, CustomStringConvertible {
        package let description: String
    }

    /// Whether the file is still as it was.
    package static func isCurrent(_ stamp: Stamp) -> Bool { stamp.file.isCurrent }

    /// - Parameter now: monotonic nanoseconds.
    package static func read(
        _ path: String, into measurements: Measurements, now: UInt64
    ) throws(Problem) -> (Measurements, Stamp) {
        let bytes: [UInt8]
        let stamp: FileStamp
        do throws(FileProblem) {
            (bytes, stamp) = try TextFile.readStamped(path, limit: sizeLimit)
        } catch {
            throw Problem(description: "\(error.wrong); \(error.advice)")
        }
        var clock = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &clock)
        // A clock that was set back makes a file of the future, which is a new one.
        let age = Duration.seconds(max(0, clock.tv_sec - stamp.modifiedSecond))
        let time = now - min(now, UInt64(clamping: Int64(age / .nanoseconds(1))))
        let parsed = try parse(bytes, path: path, into: measurements, time: time)
        return (parsed, Stamp(file: stamp, age: age))
    }

    /// Replaces loads and latencies by those of the file; a file with any mistake replaces nothing.
    static func parse(
        _ bytes: [UInt8], path: String, into measurements: Measurements, time: UInt64
    ) throws(Problem) -> Measurements {
        var result = measurements
        result.loads = [:]
        result.latency = [:]
        result.latencyVersion &+= 1
        var problems: [String] = []
        for (number, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            let text = String(decoding: line, as: UTF8.self)
            let content = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
            let fields = content.split(separator: ",", omittingEmptySubsequences: false).map(trim)
            guard fields != [""] else { continue }
            guard let wrong = add(fields, path: path, time: time, to: &result) else { continue }
            problems.append("\(path):\(number + 1):1: \(wrong)")
            if problems.count == problemLimit { break }
        }
        guard problems.isEmpty else { throw Problem(description: problems.joined(separator: "\n")) }
        return result
    }

    private static func trim(_ field: Substring) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(field.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }

    /// What is wrong with a line; `nil`: it was added.
    private static func add(
        _ fields: [String], path: String, time: UInt64, to measurements: inout Measurements
    ) -> String? {
        switch fields[0] {
        case "load":
            guard fields.count == 4 || fields.count == 5 else {
                return "a load has 4 or 5 fields; write load,VIRTUAL_SERVER,CRITERION,VALUE[,CONFIDENCE]"
            }
            guard let criterion = Criterion(rawValue: fields[2]), criterion != .score else {
                let words = Criterion.allCases.filter { $0 != .score }.map(\.rawValue).joined(separator: ", ")
                return "\"\(fields[2].shortened)\" is nothing that is measured; write one of \(words)"
            }
            guard let value = number(fields[3]) else {
                return "\"\(fields[3].shortened)\" is not a number from 0; write one as 0.75 or 1200"
            }
            guard let confidence = fields.count == 5 ? number(fields[4]) : 1, confidence <= 1 else {
                return "\"\(fields[4].shortened)\" is not a confidence; write a number from 0 to 1"
            }
            measurements.loads[fields[1], default: [:]][criterion] = .init(
                value: value, source: path, time: time, confidence: confidence)
        case "latency":
            guard fields.count == 5 else {
                return "a latency has 5 fields; write latency,NETWORK,REGION,MILLISECONDS,SAMPLES"
            }
            guard let network = IPPrefix(fields[1]) else {
                return "\"\(fields[1].shortened)\" is not a network; write one like 192.0.2.0/24"
            }
            guard let milliseconds = number(fields[3]), let count = Int(fields[4]), count > 0 else {
                return "the time and the number of samples are no numbers; write latency,NETWORK,REGION,12.5,40"
            }
            measurements.latency[network, default: [:]][fields[2]] = .init(
                roundTrip: milliseconds / 1000, count: count, source: path, time: time)
        default:
            return "\"\(fields[0].shortened)\" is neither load nor latency; begin the line with one of them"
        }
        return nil
    }

    private static func number(_ text: String) -> Double? {
        guard let value = Double(text), value >= 0, value <= 1e15 else { return nil }
        return value
    }
}
