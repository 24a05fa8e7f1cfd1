import Glibc

/// The service manager that started the program, as systemd or what speaks like it (sd_notify(3)).
struct ServiceManager: Sendable {
    /// Of the socket that it listens on; one that begins with NUL is in no file system.
    private let path: [UInt8]
    /// How often it wants to hear that the program is well; `nil`: it does not ask.
    let watchdogInterval: Duration?

    /// `nil`: nobody wants to know.
    init?(
        socket: String? = Terminal.environment("NOTIFY_SOCKET"),
        watchdog: String? = Terminal.environment("WATCHDOG_USEC"),
        watched: String? = Terminal.environment("WATCHDOG_PID")
    ) {
        guard let socket, let first = socket.utf8.first else { return nil }
        guard first == UInt8(ascii: "/") || first == UInt8(ascii: "@") else { return nil }
        path = first == UInt8(ascii: "@") ? [0] + Array(socket.utf8.dropFirst()) : Array(socket.utf8)
        guard path.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
        let isMeant = watched.map { $0 == "\(getpid())" } ?? true
        let limit = watchdog.flatMap { Int64($0) } ?? 0
        // Half of what it allows, as it asks for.
        watchdogInterval = isMeant && limit > 0 ? .microseconds(max(limit / 2, 1000)) : nil
    }

    /// Tells it something, such as `READY=1`. What cannot be told is not worth failing for.
    func tell(_ lines: String...) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let size = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path) + path.count
        let message = Array(lines.joined(separator: "\n").utf8)
        _ = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(
                    descriptor, message, message.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT),
                    $0, socklen_t(size))
            }
        }
    }
}
