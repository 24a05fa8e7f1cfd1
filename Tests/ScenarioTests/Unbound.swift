import Foundation

/// Unbound as a resolver or as a server of plain zones, ended with the object.
final class Unbound {
    private let folder: URL
    private let log: URL
    private let process = Process()

    /// - Parameters:
    ///   - settings: lines of the section `server`.
    ///   - sections: what follows it.
    ///   - files: written beside the configuration, by name.
    init(settings: String, sections: String, files: [String: String] = [:], in namespace: Namespace? = nil) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "unbound-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        log = folder.appending(path: "log")
        for (name, content) in files {
            try content.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        let configuration = folder.appending(path: "unbound.conf")
        try """
        server:
          do-daemonize: no
          username: ""
          chroot: ""
          directory: "\(folder.path)"
          pidfile: ""
          use-syslog: no
          do-not-query-localhost: no
          access-control: 0.0.0.0/0 allow
          access-control: ::0/0 allow
          # It asks from ports of its own choice, which are not to be those of the servers that start meanwhile.
          outgoing-port-avoid: 0-32767
        \(settings)
        remote-control:
          control-enable: no
        \(sections)
        """.write(to: configuration, atomically: true, encoding: .utf8)
        try Data().write(to: log)
        let command = ["unbound", "-d", "-c", configuration.path]
        process.executableURL = URL(filePath: "/usr/bin/env")
        // Debian has it in /usr/sbin, which is not on everybody's path.
        process.arguments =
            ["PATH=\(ProcessInfo.processInfo.environment["PATH"] ?? ""):/usr/sbin:/sbin"]
            + (namespace?.command(command) ?? command)
        let output = try FileHandle(forWritingTo: log)
        process.standardOutput = output
        process.standardError = output
        try process.start()
        try wait(for: "unbound to start") { text.contains("start of service") || !process.isRunning }
        guard process.isRunning else { throw Program.Failure(description: "unbound ended at once: \(text)") }
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
}
