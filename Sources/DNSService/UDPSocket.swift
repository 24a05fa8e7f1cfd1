import Addresses
import CLinux
import Glibc

/// A bound UDP socket; several of one endpoint share its traffic (SO_REUSEPORT).
struct UDPSocket {
    let descriptor: Int32
    /// Whether each datagram comes with the address that was asked.
    let tellsDestination: Bool
    /// Whether others have it too: it must not be shut down, and its queue is not this one's to empty.
    let isShared: Bool
    private let endpoint: Endpoint

    /// How long a receive from a shared socket waits, which nothing can wake, in seconds.
    private static let sharedWait = 1

    /// Bytes the kernel may queue for a socket: a burst of some ten thousand queries while a worker is not scheduled.
    private static let queueBytes: Int32 = 4 << 20

    /// What fits into any IPv6 link's 1280 bytes with its headers. Answers up to this size are sent whole or not at all
    /// (RFC 9715 section 3.1): nobody can slip a forged fragment into one, or make us cut it with a forged message about
    /// the path's size; and the kernel need not number its packets, which is a twentieth of what a query costs.
    private static let unfragmentedSize = 1232

    /// - Parameter answerSize: the most bytes that an answer may have.
    init(binding endpoint: Endpoint, answerSize: Int) throws(BindError) {
        let isV4 = if case .v4 = endpoint.address { true } else { false }
        let family = isV4 ? AF_INET : AF_INET6
        let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw BindError(endpoint: endpoint, transport: "UDP", code: errno) }
        Self.set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)
        if !isV4 { Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        Self.prepare(descriptor, isV4: isV4, answerSize: answerSize)
        let bound = unsafe KernelAddress.withPointer(to: endpoint) { unsafe bind(descriptor, $0, $1) }
        // A wildcard socket must learn which address was asked, or the kernel may answer from another.
        guard bound == 0,
            !endpoint.address.isUnspecified || clinux_receive_destination(descriptor, family) == 0
        else {
            let code = errno
            close(descriptor)
            throw BindError(endpoint: endpoint, transport: "UDP", code: code)
        }
        self.descriptor = descriptor
        tellsDestination = endpoint.address.isUnspecified
        isShared = false
        self.endpoint = endpoint
    }

    /// A copy of a socket that is bound already.
    ///
    /// - Parameter original: stays the caller's.
    init(copying original: Int32, of endpoint: Endpoint, answerSize: Int) throws(BindError) {
        let isV4 = if case .v4 = endpoint.address { true } else { false }
        let descriptor = fcntl(original, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0,
            !endpoint.address.isUnspecified
                || clinux_receive_destination(descriptor, isV4 ? AF_INET : AF_INET6) == 0
        else {
            let code = errno
            if descriptor >= 0 { close(descriptor) }
            throw BindError(endpoint: endpoint, transport: "UDP", code: code)
        }
        Self.prepare(descriptor, isV4: isV4, answerSize: answerSize)
        var wait = timeval(tv_sec: Self.sharedWait, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        self.descriptor = descriptor
        tellsDestination = endpoint.address.isUnspecified
        isShared = true
        self.endpoint = endpoint
    }

    private static func prepare(_ descriptor: Int32, isV4: Bool, answerSize: Int) {
        set(descriptor, SOL_SOCKET, SO_RCVBUF, queueBytes)
        guard answerSize <= unfragmentedSize else { return }
        if isV4 {
            set(descriptor, Int32(IPPROTO_IP), IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
        } else {
            set(descriptor, Int32(IPPROTO_IPV6), IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE)
        }
    }

    /// Ends a receive that waits, on whatever thread. What is in the queue can still be received.
    ///
    /// A receive from a shared socket ends by itself, within a second.
    func wake() {
        if !isShared { _ = shutdown(descriptor, Int32(SHUT_RD)) }
    }

    /// Sends new datagrams to the other sockets of the endpoint, if there are any: a socket that is connected is passed
    /// over, and nobody sends from the port that it is connected to. Closing one at once would lose what is in its queue.
    func divert() {
        // Those who have it too go on with what comes.
        guard !isShared else { return }
        let isV4 = if case .v4 = endpoint.address { true } else { false }
        let address =
            endpoint.address.isUnspecified ? (isV4 ? IPAddress.v4(0x7f00_0001) : .v6(1)) : endpoint.address
        // 9 is the port of the discard service.
        _ = unsafe KernelAddress.withPointer(to: Endpoint(address: address, port: 9)) {
            unsafe connect(descriptor, $0, $1)
        }
    }

    static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// Why an address cannot be served.
package struct BindError: Error, CustomStringConvertible {
    let endpoint: Endpoint
    let transport: String
    let code: Int32

    package var description: String {
        let advice =
            switch code {
            case EADDRINUSE: "another process has this port; end it or listen on another port"
            case EACCES: "ports below 1024 need root or CAP_NET_BIND_SERVICE"
            case EADDRNOTAVAIL: "this machine has no such address"
            default: "check the address"
            }
        return "cannot listen on \(endpoint) (\(transport)): \(unsafe String(cString: strerror(code))); \(advice)"
    }
}
