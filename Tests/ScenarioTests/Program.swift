import Foundation
import Testing

/// The real binary, serving a configuration of the test's on loopback, ended with the test.
final class Program {
    let folder: URL
    let configuration: URL
    private let process = Process()
    private let log: URL

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts `meridian run` and waits until it says that it serves, and its admin socket takes connections.
    ///
    /// - Parameters:
    ///   - namespace: the network that it runs in.
    ///   - limit: of what the shell starts it with, as `ulimit` takes it.
    ///   - output: its standard output, where that is not to be in ``text``.
    init(_ yaml: String, in namespace: Namespace? = nil, limit: String? = nil, output: Pipe? = nil) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        configuration = folder.appending(path: "meridian.yaml")
        log = folder.appending(path: "log")
        try yaml.write(to: configuration, atomically: true, encoding: .utf8)
        try Data().write(to: log)
        var command = [Self.binary.path, "run", "--config", configuration.path]
        if let limit { command = ["sh", "-c", "ulimit \(limit); exec \"$0\" \"$@\""] + command }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = namespace?.command(command) ?? command
        let file = try FileHandle(forWritingTo: log)
        if let output { process.standardOutput = output } else { process.standardOutput = file }
        process.standardError = file
        try process.start()
        try wait(for: "the program to serve") { self.logged("serving") || !self.process.isRunning }
        if let place = yaml.firstRange(of: /\bsocket: \/[^\s,}]+/) {
            let socket = String(yaml[place].dropFirst("socket: ".count))
            try wait(for: "the admin socket") { accepts(socket) || !self.process.isRunning }
        }
        guard process.isRunning else { throw Failure(description: "ended at once: \(text)") }
    }

    deinit {
        if process.isRunning {
            process.terminate()
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(at: folder)
    }

    /// All that it printed so far.
    var text: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
    func logged(_ part: String) -> Bool { text.contains(part) }

    func replaceConfiguration(_ yaml: String) throws {
        try yaml.write(to: configuration, atomically: true, encoding: .utf8)
    }

    var isRunning: Bool { process.isRunning }

    var processIdentifier: pid_t { process.processIdentifier }

    /// Resident bytes.
    var memory: Int {
        let status = (try? String(contentsOfFile: "/proc/\(processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return (Int(line.filter(\.isNumber)) ?? 0) * 1024
    }

    /// Hundredths of a second that it has run.
    var processorTicks: Int {
        let line = (try? String(contentsOfFile: "/proc/\(processIdentifier)/stat", encoding: .utf8)) ?? ""
        let fields = line.drop { $0 != ")" }.split(separator: " ").map(String.init)
        return fields.count > 13 ? (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0) : 0
    }

    /// Ends it as a crash would; returns when it is gone.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func hangUp() { Foundation.kill(process.processIdentifier, SIGHUP) }

    /// Lets it have no more than so many file descriptors beside those that it has.
    func limitDescriptors(toMore count: Int) throws {
        let used = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processIdentifier)/fd").count
        let limit = "\(used + count):\(used + count)"
        let result = try Self.run("prlimit", ["--nofile=\(limit)", "--pid", "\(process.processIdentifier)"])
        guard result.status == 0 else { throw Failure(description: result.error) }
    }

    /// The binary beside the test bundle.
    static var binary: URL {
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "meridian")
    }

    /// Runs a tool to its end; standard output, standard error and exit status.
    static func run(_ tool: String, _ arguments: [String]) throws -> (output: String, error: String, status: Int32) {
        let process = Process()
        process.executableURL = URL(filePath: tool.hasPrefix("/") ? tool : "/usr/bin/env")
        process.arguments = tool.hasPrefix("/") ? arguments : [tool] + arguments
        let (output, error) = (makePipe(), makePipe())
        process.standardOutput = output
        process.standardError = error
        try process.start()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        let errorText = String(decoding: try error.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return (text, errorText, process.terminationStatus)
    }

    /// The data of an answer, one record a line.
    static func data(_ port: Int, _ name: String, _ type: String = "A") throws -> [String] {
        try dig(port, name, type, "+short").split(separator: "\n").map(String.init)
    }

    /// `dig`'s output for a question to this port of 127.0.0.1; what it says of a first try that it lost is left out of
    /// short ones.
    ///
    /// It waits long before it tries again: a busy machine is late with an answer, and a second question is counted.
    static func dig(_ port: Int, _ arguments: String...) throws -> String {
        let output = try run("dig", ["@127.0.0.1", "-p", "\(port)", "+tries=2", "+time=20"] + arguments).output
        guard arguments.contains("+short") else { return output }
        return output.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix(";;") }
            .joined(separator: "\n")
    }
}

/// Looks at a condition until it holds. The limit is for what never comes: a busy machine may be late.
///
/// A condition that cannot be looked at does not hold yet: who is asked may not answer yet.
func wait(for what: String, seconds: Int = 120, until condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        var reason = ""
        do {
            if try condition() { return }
        } catch {
            reason = ": \(error)"
        }
        guard ContinuousClock.now < deadline else {
            throw Program.Failure(description: "waited in vain for \(what)\(reason)")
        }
        usleep(20_000)
    }
}

/// Takes connections on a port of 127.0.0.1 and never says a word.
final class SilentServer {
    let port: Int
    private let descriptor: Int32

    init() throws {
        port = try freePort()
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0, listen(descriptor, 64) == 0 else {
            throw Program.Failure(description: "port \(port) is taken")
        }
    }

    deinit { close(descriptor) }
}

/// Whether somebody takes connections on a Unix socket: its file is there a little before.
func accepts(_ socket: String) -> Bool {
    let connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    return (try? Program.run("python3", ["-c", connect, socket]).status) == 0
}
