import Foundation

/// wrk, at work beside the test.
final class Load {
    private let process = Process()
    private let output = makePipe()

    init(_ port: Int, seconds: Int, scheme: String = "http") throws {
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["wrk", "-t1", "-c16", "-d\(seconds)", "--timeout", "10", "\(scheme)://127.0.0.1:\(port)/"]
        process.standardOutput = output
        try process.start()
    }

    var isRunning: Bool { process.isRunning }

    /// Requests, and what wrk says of those that failed in any way.
    func result() throws -> (requests: Int, failures: String) {
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        let lines = text.split(separator: "\n").map(String.init)
        let count = lines.first { $0.contains(" requests in ") }?.split(separator: " ").first
        let failures = lines.filter { $0.contains("Non-2xx") || $0.contains("Socket errors") }.joined()
        return (Int(count ?? "") ?? 0, failures)
    }
}
