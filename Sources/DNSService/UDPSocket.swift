import Addresses
import CLinux
import Glibc

/// A bound UDP socket; several of one endpoint share its traffic (SO_REUSEPORT).
struct UDPSocket {
    let descriptor: Int32
    /// Whether each datagram comes with the address that was asked.
    let tellsDestination: Bool
    private let endpoint: Endpoint

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
        Self.set(descriptor, SOL_SOCKET, SO_RCVBUF, Self.queueBytes)
        if !isV4 { Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        if answerSize <= Self.unfragmentedSize {
            if isV4 {
                Self.set(descriptor, Int32(IPPROTO_IP), IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
            } else {
                Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE)
            }
        }
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
        self.endpoint = endpoint
    }

    /// Ends a receive that waits, on whatever thread. What is in the queue can still be received.
    func wake() { _ = shutdown(descriptor, Int32(SHUT_RD)) }

    /// Sends new datagrams to the other sockets of the endpoint, if there are any: a socket that is connected is passed
    /// over, and nobody sends from the port that it is connected to. Closing one at once would lose what is in its queue.
    func divert() {
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
