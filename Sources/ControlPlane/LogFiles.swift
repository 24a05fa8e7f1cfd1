import ConfigurationLoading
import Glibc
import TrafficModel

/// Whether logs can be written. The node serves without those that cannot, so they are warnings.
enum LogFiles {
    /// - Parameter file: the configuration's.
    static func findings(_ intent: Intent, in file: String) -> [Diagnostic] {
        let logs = [("proxy.access_log", intent.proxy.accessLog), ("dns.query_log", intent.dns.queryLog)]
        return logs.compactMap { key, log in
            guard let path = log?.path, let fault = fault(of: path) else { return nil }
            return Diagnostic(
                severity: .warning, file: file, line: 0, column: 0,
                message: "\(key): \(path) cannot be written by this user, and nothing would be logged: \(fault)")
        }
    }

    /// Nothing is made or changed to find out.
    static func fault(of path: String) -> String? {
        guard path != "-" else { return nil }
        var status = stat()
        if unsafe stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT != S_IFDIR else { return "it is a folder; name a file" }
            return unsafe access(path, W_OK) == 0 ? nil : "\(reason(errno)); give it the right to"
        }
        guard errno == ENOENT else { return "\(reason(errno)); name another path" }
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        return unsafe access(folder, W_OK | X_OK) == 0
            ? nil : "its folder \(folder): \(reason(errno)); make it, with the right to write there"
    }

    private static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
