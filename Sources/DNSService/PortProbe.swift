import Addresses
import Glibc

/// Finds out whether an endpoint is free, without SO_REUSEPORT: with it the kernel would let another process of the same
/// user join in and take a share of the queries.
enum PortProbe {
    /// How many ports are tried for one that is free over both transports.
    private static let attempts = 32

    /// - Parameters:
    ///   - overUDP, overTCP: the transports that matter.
    /// - Throws: when another socket has the endpoint. Other obstacles show when it is bound.
    static func requireFree(_ endpoint: Endpoint, overUDP: Bool, overTCP: Bool) throws(BindError) {
        for (type, transport, matters) in [(SOCK_DGRAM, "UDP", overUDP), (SOCK_STREAM, "TCP", overTCP)]
        where matters && bindAndRelease(endpoint, type: type) == nil && errno == EADDRINUSE {
            throw BindError(endpoint: endpoint, transport: transport, code: EADDRINUSE)
        }
    }

    /// A port that is free over UDP and over TCP.
    static func freePort(of address: IPAddress) throws(BindError) -> UInt16 {
        let any = Endpoint(address: address, port: 0)
        for _ in 0..<attempts {
            guard let port = bindAndRelease(any, type: SOCK_DGRAM) else { break }
            if bindAndRelease(Endpoint(address: address, port: port), type: SOCK_STREAM) != nil { return port }
        }
        throw BindError(endpoint: any, transport: "UDP and TCP", code: errno)
    }

    /// The port that could be bound; `nil` with `errno` set when none could.
    private static func bindAndRelease(_ endpoint: Endpoint, type: __socket_type) -> UInt16? {
        let isV4 = if case .v4 = endpoint.address { true } else { false }
        let descriptor = socket(isV4 ? AF_INET : AF_INET6, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer {
            let code = errno
            close(descriptor)
            errno = code
        }
        UDPSocket.set(descriptor, SOL_SOCKET, SO_REUSEADDR, type == SOCK_STREAM ? 1 : 0)
        if !isV4 { UDPSocket.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        guard unsafe KernelAddress.withPointer(to: endpoint, { unsafe bind(descriptor, $0, $1) }) == 0 else {
            return nil
        }
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        return unsafe withUnsafeMutablePointer(to: &storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length) == 0 ? KernelAddress.read($0).1 : nil
            }
        }
    }
}
