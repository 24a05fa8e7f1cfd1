package import ConfigurationLoading
import Glibc
import Maintenance
import ProxyService
package import TrafficModel

/// What a configuration that is right in itself would find where it is to run: files, and the time. Warnings, for another
/// user or machine may run it.
package enum Surroundings {
    /// - Parameter file: the configuration's.
    package static func findings(_ intent: Intent, in file: String) -> [Diagnostic] {
        let own = [socket(intent), state(intent)].compactMap { $0 } + certificates(intent) + windows(intent)
        return LogFiles.findings(intent, in: file)
            + own.map { Diagnostic(severity: .warning, file: file, line: 0, column: 0, message: $0) }
    }

    private static func socket(_ intent: Intent) -> String? {
        // A service manager makes what is below /run when it starts the service.
        guard let path = intent.admin.socketPath, !path.hasPrefix("/run/"), !path.hasPrefix("/var/run/") else {
            return nil
        }
        var status = stat()
        if unsafe lstat(path, &status) == 0 {
            return status.st_mode & S_IFMT == S_IFSOCK
                ? nil : "admin.socket: \(path) is there and no socket, and `run` would end; name another path"
        }
        return LogFiles.fault(of: path).map { "admin.socket: \(path) cannot be made by this user: \($0)" }
    }

    private static func state(_ intent: Intent) -> String? {
        // It is not opened: a node that closes its own state's file anywhere gives up the lock on it (POSIX, fcntl).
        guard let path = intent.admin.statePath else { return nil }
        return LogFiles.fault(of: path).map {
            "admin.state: \(path) cannot be written by this user, and `run` would end: \($0)"
        }
    }

    private static func certificates(_ intent: Intent) -> [String] {
        intent.certificates.compactMap { certificate in
            // What cannot be read is an error, and told as one.
            guard let status = try? CertificateStatus(certificate), status.daysLeft < 0 else { return nil }
            let end = WallTime(milliseconds: Int64(status.end) * 1000).text
            return "certificates.\(status.name): it ended at \(end), and clients refuse it; replace its files"
        }
    }

    private static func windows(_ intent: Intent) -> [String] {
        intent.windows.sorted { $0.key < $1.key }.compactMap { name, window in
            MaintenanceCalendar.occurrence(of: window, notEndedAt: .now) == nil
                ? "windows.\(name): it is over and does not come again; remove it" : nil
        }
    }
}
