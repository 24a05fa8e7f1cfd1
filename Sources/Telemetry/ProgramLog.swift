import Glibc
package import Logging
import Synchronization

/// Where and how the program's own events are written: standard error, as text or JSON. What it is told here holds for all
/// loggers that were made of it, also those that exist.
///
/// Lines are written at once and whole: what a program says before it dies must be there afterwards.
package final class ProgramLog: Sendable {
    private struct State {
        var isJSON = false
        var time = LogTime()
        var line: [UInt8] = []
    }

    private let state = Mutex(State())
    /// The place of the least level that is written. Asked for by everybody who might log: not behind the lock that is
    /// held while a reader lets a line wait.
    private let threshold: Atomic<Int>
    /// Of the command line.
    private let level: Logger.Level
    private let descriptor: Int32
    /// Other logs may go to the same place.
    private let turn: StreamTurn

    /// - Parameters:
    ///   - level: holds as long as ``set(isJSON:level:)`` gives no other.
    ///   - descriptor: an open file; it is not closed.
    package init(level: Logger.Level, descriptor: Int32 = STDERR_FILENO) {
        self.level = level
        self.descriptor = descriptor
        turn = descriptor == STDERR_FILENO ? .error : StreamTurn()
        threshold = Atomic(Self.place(of: level))
    }

    /// - Parameter level: `nil`: the command line's.
    package func set(isJSON: Bool, level: Logger.Level?) {
        state.withLock { $0.isJSON = isJSON }
        threshold.store(Self.place(of: level ?? self.level), ordering: .relaxed)
    }

    private static func place(of level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }

    package func logger(label: String) -> Logger { Logger(label: label) { _ in Handler(log: self) } }

    fileprivate func write(_ event: LogEvent, _ own: Logger.Metadata) {
        let metadata = event.metadata.map { own.merging($0) { _, event in event } } ?? own
        let message = event.message.description
        state.withLock { state in
            state.time.refresh()
            state.line.removeAll(keepingCapacity: true)
            if state.isJSON {
                state.line.append(text: "{\"time\":\"")
                state.line.append(time: state.time)
                state.line.append(text: "\",\"level\":\"")
                state.line.append(contentsOf: event.level.rawValue.utf8)
                state.line.append(text: "\",\"message\":\"")
                state.line.append(jsonText: message)
                state.line.append(UInt8(ascii: "\""))
            } else {
                state.line.append(time: state.time)
                state.line.append(UInt8(ascii: " "))
                state.line.append(contentsOf: event.level.rawValue.utf8)
                state.line.append(UInt8(ascii: " "))
                state.line.append(sentence: message)
            }
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
                if state.isJSON {
                    state.line.append(text: ",\"")
                    state.line.append(jsonText: key)
                    state.line.append(text: "\":\"")
                    state.line.append(jsonText: value.description)
                    state.line.append(UInt8(ascii: "\""))
                } else {
                    state.line.append(UInt8(ascii: " "))
                    state.line.append(contentsOf: key.utf8)
                    state.line.append(UInt8(ascii: "="))
                    state.line.append(readable: value.description)
                }
            }
            state.line.append(contentsOf: state.isJSON ? "}\n".utf8 : "\n".utf8)
            let line = state.line
            turn.take { writeAll(line) }
        }
    }

    /// A reader that is gone or a full disk loses the line: there is nobody left to tell.
    private func writeAll(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            // `offset` stays below the count, and the pointer is used within the closure only.
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress.unsafelyUnwrapped + offset, bytes.count - offset)
            }
            if written > 0 { offset += written } else if written == 0 || errno != EINTR { return }
        }
    }

    fileprivate var currentLevel: Logger.Level { Logger.Level.allCases[threshold.load(ordering: .relaxed)] }

    private struct Handler: LogHandler {
        let log: ProgramLog
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?
        /// Set for this logger alone, as for Hummingbird's, which is to be quieter.
        private var ownLevel: Logger.Level?

        init(log: ProgramLog) { self.log = log }

        var logLevel: Logger.Level {
            get { ownLevel ?? log.currentLevel }
            set { ownLevel = newValue }
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            var own = metadata
            if let provided = metadataProvider?.get() { own.merge(provided) { mine, _ in mine } }
            log.write(event, own)
        }
    }
}
