import Foundation
import Logging
import Telemetry
import Testing

@Suite("The program's own log")
struct ProgramLogTests {
    /// What a body makes a log write.
    private func lines(isJSON: Bool = false, level: Logger.Level? = nil, _ body: (Logger) -> Void) throws -> [String] {
        let pipe = Pipe()
        let log = ProgramLog(level: .info, descriptor: pipe.fileHandleForWriting.fileDescriptor)
        log.set(isJSON: isJSON, level: level)
        body(log.logger(label: "test"))
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
    }

    @Test("text is a time, a level, a sentence and fields in order")
    func text() throws {
        let lines = try lines { $0.notice("kept out", metadata: ["z": "two words", "a": "1", "e": ""]) }
        #expect(lines.count == 1 && lines[0].dropFirst(24) == " notice kept out a=1 e=\"\" z=\"two words\"")
    }

    @Test(
        "what others chose cannot make a line of its own or reach a terminal", arguments: [false, true])
    func injection(isJSON: Bool) throws {
        let hostile = "x\nerror forged\r\u{1b}[2J\u{9b}1m\u{202e}\u{2028}\"}"
        let lines = try lines(isJSON: isJSON) { $0.error("said \(hostile)", metadata: ["name": "\(hostile)"]) }
        try #require(lines.count == 1)
        #expect(
            lines[0].unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) }
                && !lines[0].contains("\u{202e}") && !lines[0].contains("\u{2028}"))
        guard isJSON else { return }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: String])
        #expect(object["message"] == "said \(hostile)" && object["name"] == hostile && object["level"] == "error")
    }

    @Test("a level holds for loggers that exist, but not over a level of their own")
    func levels() throws {
        let lines = try lines(level: .error) { logger in
            var loud = logger
            loud.logLevel = .debug
            logger.info("quiet")
            logger.error("told")
            loud.debug("loud")
        }
        #expect(
            lines.map { $0.split(separator: " ").dropFirst().joined(separator: " ") } == ["error told", "debug loud"])
    }

    @Test("a sentence has its quotes as they are, and a value those that end it escaped")
    func quotes() throws {
        let lines = try lines { $0.error("no region \"eu\" in C:\\x", metadata: ["why": "no \"eu\""]) }
        #expect(lines[0].dropFirst(24) == #" error no region "eu" in C:\\x why="no \"eu\"""#)
    }

    @Test("letters beyond ASCII are written as they are")
    func letters() throws {
        #expect(try lines(isJSON: true) { $0.info("Größe 東京") }[0].contains("Größe 東京"))
    }
}
