import Foundation
import Synchronization

/// A port of loopback, for TCP and UDP, that nobody has and nobody else is given.
func freePort() throws -> Int {
    try FreePorts.shared.next()
}

/// Ports for servers, each lent once.
///
/// A port that the kernel chooses is free only until it is closed: the next connection that goes out, from any test that
/// runs beside, may get the same one before the server that it was meant for binds it. These lie where the kernel takes
/// none from for connections.
private final class FreePorts: Sendable {
    static let shared = FreePorts()

    private let ports: ClosedRange<Int>
    /// How many of them were looked at. The first place is a random one: other runs may use the same network.
    private let turn: Mutex<Int>

    private init() {
        let setting = (try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)) ?? ""
        let kernel = setting.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        let (first, last) = kernel.count == 2 ? (kernel[0], kernel[1]) : (32_768, 60_999)
        // Chromium refuses to go to some ports, of which 10080 is the highest.
        let below = 10_100..<max(10_100, first)
        let above = (last + 1)..<max(last + 1, 65_536)
        let longer = below.count >= above.count ? below : above
        // Where the kernel has them all, one of its own must do.
        ports = longer.count >= 1000 ? longer.lowerBound...(longer.upperBound - 1) : first...last
        turn = Mutex(Int.random(in: 0..<ports.count))
    }

    func next() throws -> Int {
        for _ in 0..<ports.count {
            let number = turn.withLock { turn in
                turn = (turn + 1) % ports.count
                return turn
            }
            let port = ports.lowerBound + number
            if Self.isFree(port, SOCK_STREAM), Self.isFree(port, SOCK_DGRAM) { return port }
        }
        throw Program.Failure(description: "no free port in \(ports)")
    }

    private static func isFree(_ port: Int, _ kind: __socket_type) -> Bool {
        let descriptor = socket(AF_INET, Int32(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
