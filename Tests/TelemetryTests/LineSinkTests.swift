import Foundation
import Telemetry
import Testing

@Suite("Log files")
struct LineSinkTests {
    private let folder: URL
    private var path: String { folder.appending(path: "log").path }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "sink-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func text(_ name: String) -> String {
        (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
    }

    private func append(_ sink: LineSink, _ text: String) {
        let bytes = Array(text.utf8)
        sink.append(bytes.span)
    }

    @Test("files stay below their size, no line is torn or lost, and as many are kept as shall be")
    func rotation() throws {
        let sink = try LineSink(path: path, rotation: .init(maximumSize: 1000, keep: 3))
        let lines = (0..<500).map { "line \($0) \(String(repeating: "x", count: $0 % 40))\n" }
        for line in lines { append(sink, line) }
        sink.close(within: .seconds(60))
        #expect(sink.lineCount == 500 && sink.droppedCount == 0 && sink.failureCount == 0)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(files == ["log", "log.1", "log.2", "log.3"])
        for file in files { #expect(text(file).utf8.count <= 1000) }
        // What is left is the end of what was written.
        let kept = ["log.3", "log.2", "log.1", "log"].map(text).joined()
        #expect(lines.joined().hasSuffix(kept) && kept.utf8.count > 2000)
    }

    @Test("a line that is larger than a file is written whole")
    func largeLine() throws {
        let sink = try LineSink(path: path, rotation: .init(maximumSize: 100, keep: 2))
        let large = String(repeating: "y", count: 300) + "\n"
        append(sink, "small\n")
        append(sink, large)
        append(sink, "small again\n")
        sink.close(within: .seconds(60))
        #expect(text("log") == "small again\n" && text("log.1") == large && text("log.2") == "small\n")
    }

    @Test("a file that was there counts with what it has")
    func existing() throws {
        try String(repeating: "z", count: 90).appending("\n").write(toFile: path, atomically: true, encoding: .utf8)
        let sink = try LineSink(path: path, rotation: .init(maximumSize: 100, keep: 1))
        append(sink, "twenty bytes or more\n")
        sink.close(within: .seconds(60))
        #expect(text("log") == "twenty bytes or more\n" && text("log.1").hasPrefix("zzz"))
    }

    @Test("after it was renamed, the file is begun anew, and nothing is lost")
    func reopen() throws {
        let sink = try LineSink(path: path)
        append(sink, "before\n")
        while text("log").isEmpty { usleep(1000) }
        try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
        sink.reopen()
        append(sink, "after\n")
        sink.close(within: .seconds(60))
        #expect(text("log.old") == "before\n" && text("log") == "after\n")
    }

    @Test("where the file cannot be opened again, lines go on to the old one, and that is counted")
    func reopenFails() throws {
        let inner = folder.appending(path: "inner")
        try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
        let sink = try LineSink(path: inner.appending(path: "log").path)
        append(sink, "before\n")
        try FileManager.default.moveItem(at: inner, to: folder.appending(path: "moved"))
        sink.reopen()
        append(sink, "after\n")
        sink.close(within: .seconds(60))
        #expect(text("moved/log") == "before\nafter\n" && sink.failureCount >= 1)
    }

    @Test("what does not fit into the buffer is dropped and counted, and so is what comes after the end")
    func bounds() throws {
        let sink = try LineSink(path: path)
        let huge = [UInt8](repeating: 0x61, count: LineSink.capacity + 1)
        sink.append(huge.span, lines: 3)
        #expect(sink.droppedCount == 3 && sink.lineCount == 0)
        // Exactly what fits.
        let whole = huge.dropLast(2) + [10]
        let exact = Array(whole)
        sink.append(exact.span)
        #expect(sink.droppedCount == 3 && sink.lineCount == 1)
        sink.close(within: .seconds(60))
        append(sink, "late\n")
        #expect(sink.droppedCount == 4)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int == LineSink.capacity)
    }

    /// A named pipe at the path, and its reader, who takes nothing.
    private func makePipe() throws -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        try #require(unsafe mkfifo(path, 0o600) == 0)
        return unsafe open(path, O_RDONLY | O_NONBLOCK)
    }

    /// The pipe is full when nothing more can be read ahead of it: the thread has taken all and writes.
    private func waitUntilFull(_ reader: Int32) {
        var available: Int32 = 0
        while available < 60 << 10 {
            _ = unsafe ioctl(reader, UInt(FIONREAD), &available)
            usleep(1000)
        }
    }

    @Test("lines that the thread has in hand count as waiting until they are written")
    func blocked() throws {
        let reader = try makePipe()
        defer { close(reader) }
        let sink = try LineSink(path: path)
        let line = [UInt8](repeating: 0x61, count: 1023) + [10]
        // More than a pipe takes: from here on the thread has something in hand.
        let first = 256
        for _ in 0..<first { sink.append(line.span) }
        waitUntilFull(reader)
        let most = LineSink.capacity / line.count
        for _ in 0..<(2 * most) { sink.append(line.span) }
        // What the pipe has may be done with.
        #expect(sink.lineCount <= UInt64(most + 64))
        #expect(sink.lineCount + sink.droppedCount == UInt64(first + 2 * most))
        // Its own thread ends it: whoever ends it in the thread's place counts lines as lost that were just written.
        sink.finish(within: .milliseconds(50))
        while !sink.isClosed { usleep(1000) }
        // What the reader finds, and what is counted as lost, is all of it.
        let read = LineFileTests.drain(reader)
        #expect(UInt64(read.count { $0 == "\n" }) + sink.droppedCount == UInt64(first + 2 * most))
        #expect(sink.failureCount >= 1)
    }

    @Test(
        "a reader who takes nothing does not hold up the end, also not of those who wait elsewhere",
        .timeLimit(.minutes(5)))
    func endsWithoutReader() async throws {
        let reader = try makePipe()
        let sink = try LineSink(path: path)
        let lines = [UInt8](repeating: 10, count: 100_000)
        sink.append(lines.span, lines: lines.count)
        waitUntilFull(reader)
        await sink.close(within: .milliseconds(50))
        let read = LineFileTests.drain(reader)
        // Some may be both: they were just written when they were given up.
        #expect(read.utf8.count > 0 && UInt64(read.utf8.count) + sink.droppedCount >= UInt64(lines.count))
        close(reader)
    }

    @Test("lines of several chunks arrive in their order")
    func chunks() throws {
        let sink = try LineSink(path: path)
        let line = { (index: Int) in "\(index) " + String(repeating: "x", count: 100 + index % 1000) + "\n" }
        let count = 3000
        for index in 0..<count { append(sink, line(index)) }
        sink.close(within: .seconds(60))
        #expect(sink.lineCount == UInt64(count) && sink.droppedCount == 0)
        let written = text("log")
        #expect(written.utf8.count > 1 << 20 && written == (0..<count).map(line).joined())
    }

    @Test("what a full disk does not take is counted")
    func full() throws {
        let sink = try LineSink(path: "/dev/full")
        append(sink, "one\n")
        append(sink, "two\n")
        sink.close(within: .seconds(60))
        #expect(sink.lineCount == 2 && sink.droppedCount == 2 && sink.failureCount >= 1)
    }

    @Test("a folder that is not there is told in one line")
    func missing() {
        #expect {
            _ = try LineSink(path: folder.appending(path: "none/log").path)
        } throws: { error in
            "\(error)".contains("none/log for writing: No such file")
        }
    }
}
