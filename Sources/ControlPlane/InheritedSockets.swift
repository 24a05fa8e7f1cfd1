import Addresses
import CLinux
import DNSService
import Glibc
package import Logging
import Synchronization

/// Sockets that a service manager bound and passed on (sd_listen_fds(3)): a process gets at ports below 1024 with them
/// without the right to bind these, and clients wait in them while it is started anew.
///
/// They are found by the addresses of the configuration. Those who serve get copies and close these, so that a socket
/// outlives reloads; one that the configuration does not name is closed.
package final class InheritedSockets: Sendable {
    /// As many as a service manager passes on in earnest.
    private static let limit = 1024
    /// The first, as sd_listen_fds(3) has it.
    private static let first: Int32 = 3

    private struct Entry {
        var descriptor: Int32
        var name: String
        var endpoint: Endpoint
        var isStream: Bool
    }

    private let entries: Mutex<[Entry]>
    private let logger: Logger

    /// None.
    package init(logger: Logger) {
        entries = Mutex([])
        self.logger = logger
    }

    /// Takes over what was passed to this process; call it once, before anything is opened.
    ///
    /// - Parameters:
    ///   - process, count, names: `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`.
    package init(process: String?, count: String?, names: String?, logger: Logger) {
        self.logger = logger
        guard process == "\(getpid())", let count = count.flatMap({ Int32($0) }), count > 0 else {
            entries = Mutex([])
            return
        }
        let words = (names ?? "").split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var found: [Entry] = []
        for position in 0..<count {
            let descriptor = Self.first + position
            let name = Int(position) < words.count ? words[Int(position)] : ""
            do throws(Unfit) {
                guard position < Self.limit else { throw Unfit(reason: "there are more than \(Self.limit)") }
                found.append(try Self.entry(descriptor, name))
            } catch {
                Self.complain(logger, "\(descriptor)", name, error.reason)
                close(descriptor)
            }
        }
        entries = Mutex(found)
    }

    private struct Unfit: Error { let reason: String }

    private static func entry(_ descriptor: Int32, _ name: String) throws(Unfit) -> Entry {
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else { throw Unfit(reason: "it is not open") }
        guard let type = option(descriptor, SOL_SOCKET, SO_TYPE) else { throw Unfit(reason: "it is no socket") }
        let family = option(descriptor, SOL_SOCKET, SO_DOMAIN)
        guard family == AF_INET || family == AF_INET6, let endpoint = KernelAddress.local(of: descriptor) else {
            throw Unfit(reason: "it is none of IPv4 or IPv6")
        }
        let isStream = type == Int32(SOCK_STREAM.rawValue)
        guard isStream || type == Int32(SOCK_DGRAM.rawValue) else { throw Unfit(reason: "it is neither TCP nor UDP") }
        guard endpoint.port > 0 else { throw Unfit(reason: "it is not bound to a port") }
        if isStream {
            guard option(descriptor, SOL_SOCKET, SO_ACCEPTCONN) == 1 else {
                throw Unfit(reason: "it does not listen: write Accept=no")
            }
        } else if family == AF_INET6, endpoint.address.isUnspecified,
            option(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY) == 0
        {
            throw Unfit(reason: "it takes IPv4 too: write BindIPv6Only=ipv6-only")
        }
        // Threads wait in receives from UDP; loops never wait in TCP.
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, isStream ? flags | O_NONBLOCK : flags & ~O_NONBLOCK)
        return Entry(descriptor: descriptor, name: name, endpoint: endpoint, isStream: isStream)
    }

    private static func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, level, name, &value, &size) == 0 ? value : nil
    }

    private static func complain(_ logger: Logger, _ socket: String, _ name: String, _ reason: String) {
        logger.warning(
            "an inherited socket is closed",
            metadata: ["socket": "\(socket)", "name": "\(name)", "reason": "\(reason)"])
    }

    /// For DNS, by endpoint: they stay this object's.
    var forDNS: DNSServer.Inherited {
        entries.withLock { entries in
            DNSServer.Inherited(
                datagram: Dictionary(grouping: entries.filter { !$0.isStream }, by: \.endpoint).mapValues {
                    $0.map(\.descriptor)
                },
                stream: Dictionary(
                    entries.filter(\.isStream).map { ($0.endpoint, $0.descriptor) },
                    uniquingKeysWith: { first, _ in first }
                ))
        }
    }

    /// For listeners of the VIP tier, by endpoint: they stay this object's.
    var forListeners: [Endpoint: Int32] { forDNS.stream }

    /// Closes those that a configuration does not name: clients must not wait in what nobody reads.
    func keep(dns: [Endpoint], listeners: [Endpoint]) {
        let (dns, streams) = (Set(dns), Set(dns + listeners))
        let unused = entries.withLock { entries in
            let isUsed = { (entry: Entry) in (entry.isStream ? streams : dns).contains(entry.endpoint) }
            let unused = entries.filter { !isUsed($0) }
            entries = entries.filter(isUsed)
            return unused
        }
        for entry in unused {
            Self.complain(
                logger, "\(entry.endpoint) (\(entry.isStream ? "TCP" : "UDP"))", entry.name,
                "the configuration has no such address")
            close(entry.descriptor)
        }
    }
}
