import Foundation
import Testing

@testable import Telemetry

@Suite("Files of logs: set aside, lost and found")
struct LineFileTests {
    private let folder: URL
    private var path: String { folder.appending(path: "log").path }
    /// Monotonic time of the tests.
    private let second: UInt64 = 1_000_000_000

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "file-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func text(_ name: String) -> String? {
        try? String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    private var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    }

    private func archive(_ count: Int) throws {
        for number in 1...count {
            try "archive \(number)\n".write(toFile: "\(path).\(number)", atomically: true, encoding: .utf8)
        }
    }

    @Test("a file that was renamed by somebody else is opened anew, and archives stay where they are")
    func renamed() throws {
        var file = try LineFile(path: path, rotation: .init(maximumSize: 20, keep: 3))
        #expect(file.write(Array("sixteen bytes...\n".utf8), now: 1) { true } == .init())
        try archive(3)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
        for index in 0..<2 { #expect(file.write(Array("line \(index)\n".utf8), now: 2) { true } == .init()) }
        #expect(text("log.old") == "sixteen bytes...\n" && text("log") == "line 0\nline 1\n")
        for number in 1...3 { #expect(text("log.\(number)") == "archive \(number)\n") }
        // From now on as ever.
        for index in 2..<4 { #expect(file.write(Array("line \(index)\n".utf8), now: 2) { true } == .init()) }
        #expect(text("log") == "line 2\nline 3\n" && text("log.1") == "line 0\nline 1\n")
        #expect(text("log.2") == "archive 1\n" && text("log.3") == "archive 2\n")
    }

    @Test("archives are moved only once a new file is there; what failed is tried again after a while")
    func cannotBegin() throws {
        var file = try LineFile(path: path, rotation: .init(maximumSize: 20, keep: 3))
        try archive(3)
        // A folder in the way of the new file's first name cannot be removed as a file.
        let obstacle = path + ".new"
        try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: true)
        var failures = 0
        for index in 0..<50 {
            let outcome = file.write(Array("line \(index)\n".utf8), now: second + UInt64(index)) { true }
            #expect(outcome.lost == 0)
            failures += outcome.failures
        }
        #expect(failures == 1, "one try within a second")
        for number in 1...3 { #expect(text("log.\(number)") == "archive \(number)\n") }
        let all = (0..<50).map { "line \($0)\n" }.joined()
        #expect(text("log") == all)
        #expect(file.write(Array("later\n".utf8), now: 3 * second) { true } == .init(lost: 0, failures: 1))
        try FileManager.default.removeItem(atPath: obstacle)
        #expect(file.write(Array("healed\n".utf8), now: 5 * second) { true } == .init())
        #expect(text("log") == "healed\n" && text("log.1") == all + "later\n" && text("log.2") == "archive 1\n")
        #expect(files == ["log", "log.1", "log.2", "log.3"])
    }

    @Test("a file that cannot be renamed grows, and nothing is left over")
    func cannotRename() throws {
        var file = try LineFile(path: path, rotation: .init(maximumSize: 10, keep: 2))
        try archive(2)
        try FileManager.default.createDirectory(atPath: path + ".0", withIntermediateDirectories: true)
        for index in 0..<4 { _ = file.write(Array("line \(index)\n".utf8), now: second) { true } }
        #expect(text("log") == "line 0\nline 1\nline 2\nline 3\n")
        #expect(files == ["log", "log.0", "log.1", "log.2"] && text("log.1") == "archive 1\n")
    }

    @Test("a file that cannot be opened again is tried again after a while")
    func opensLater() throws {
        let inner = folder.appending(path: "inner")
        try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
        var file = try LineFile(path: inner.appending(path: "log").path)
        try FileManager.default.moveItem(at: inner, to: folder.appending(path: "moved"))
        #expect(file.openAgain(now: second).failures == 1)
        #expect(file.write(Array("one\n".utf8), now: second + 1) { true } == .init())
        try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
        #expect(file.write(Array("two\n".utf8), now: second + 2) { true } == .init())
        #expect(file.write(Array("three\n".utf8), now: 2 * second) { true } == .init())
        #expect(text("moved/log") == "one\ntwo\n" && text("inner/log") == "three\n")
    }

    @Test("lines that a full disk does not take are counted")
    func full() throws {
        var file = try LineFile(path: "/dev/full")
        #expect(file.write(Array("a\nb\nc\n".utf8), now: 1) { true } == .init(lost: 3, failures: 1))
        #expect(file.write(Array("d\n".utf8), now: 1) { true } == .init(lost: 1, failures: 1))
    }

    @Test("a line that was cut off stays a line of its own")
    func cut() throws {
        signal(SIGPIPE, SIG_IGN)
        try #require(unsafe mkfifo(path, 0o600) == 0)
        var reader = unsafe open(path, O_RDONLY | O_NONBLOCK)
        var file = try LineFile(path: path)
        // A pipe has 64 KiB: the rest of the line finds no reader.
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 100_000) + [10]
        #expect(file.write(long, now: 1) { false } == .init(lost: 1, failures: 1))
        var read = Self.drain(reader)
        #expect(read.count > 0 && read.count < long.count)
        #expect(file.write(Array("next\n".utf8), now: 1) { false } == .init())
        read += Self.drain(reader)
        #expect(read.hasSuffix("x\nnext\n") && read.count { $0 == "\n" } == 2)
        close(reader)
        // Without a reader a line is lost, but none is cut.
        #expect(file.write(Array("gone\n".utf8), now: 1) { true } == .init(lost: 1, failures: 1))
        reader = unsafe open(path, O_RDONLY | O_NONBLOCK)
        #expect(file.write(Array("back\n".utf8), now: 1) { true } == .init())
        #expect(Self.drain(reader) == "back\n")
        close(reader)
    }

    static func drain(_ descriptor: Int32) -> String {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: all, as: UTF8.self) }
            all += buffer[..<count]
        }
    }

    @Test("two that write to one pipe do not cut each other's lines", .timeLimit(.minutes(5)))
    func shared() throws {
        try #require(unsafe mkfifo(path, 0o600) == 0)
        let reader = unsafe open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        // Far more at once than a pipe takes.
        func lines(_ letter: String) -> [UInt8] {
            Array((0..<1000).map { String(repeating: letter, count: 1 + $0 % 300) + "\n" }.joined().utf8)
        }
        let rounds = 10
        for letter in ["a", "b"] {
            let lines = lines(letter)
            let isStarted = DetachedThread.start { [path] in
                guard var file = try? LineFile(path: path) else { return }
                for _ in 0..<rounds { _ = file.write(lines, now: 1) { true } }
            }
            #expect(isStarted)
        }
        var all = ""
        while all.utf8.count < 2 * rounds * lines("a").count {
            var waited = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&waited, 1, 100)
            all += Self.drain(reader)
        }
        let read = all.split(separator: "\n")
        #expect(read.count == 2 * rounds * 1000)
        #expect(read.allSatisfy { Set($0.utf8).count == 1 })
    }
}
