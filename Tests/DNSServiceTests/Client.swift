import Addresses
import CLinux
import DNSWire
import Glibc

@testable import DNSService

/// A blocking client on the loopback interface. Every wait ends after a minute, as a failure.
struct Client: ~Copyable {
    let descriptor: Int32

    /// - Parameter source: the address to ask from; `nil`: the kernel's choice.
    init(_ endpoint: Endpoint, tcp: Bool = false, from source: String? = nil) {
        let isV4 = if case .v4 = endpoint.address { true } else { false }
        let kind = tcp ? SOCK_STREAM : SOCK_DGRAM
        descriptor = socket(isV4 ? AF_INET : AF_INET6, Int32(kind.rawValue), 0)
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if let address = source.flatMap({ IPAddress($0) }) {
            let own = Endpoint(address: address, port: 0)
            _ = unsafe KernelAddress.withPointer(to: own) { unsafe bind(descriptor, $0, $1) }
        }
        _ = unsafe KernelAddress.withPointer(to: endpoint) { unsafe connect(descriptor, $0, $1) }
    }

    deinit { close(descriptor) }

    /// What is written leaves at once, in a segment of its own.
    borrowing func disableDelay() {
        var on: Int32 = 1
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    borrowing func write(_ bytes: [UInt8]) -> Int {
        unsafe bytes.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// What arrives next; empty at the end of the stream or after a minute.
    borrowing func read(_ limit: Int = 65_535) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        return Array(bytes.prefix(max(count, 0)))
    }

    borrowing func readExactly(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = read(count - bytes.count)
            guard !more.isEmpty else { break }
            bytes += more
        }
        return bytes
    }

    /// The next message with a length before it; `nil` when the stream has ended.
    borrowing func readMessage() throws -> DNSMessage? {
        let head = readExactly(2)
        guard head.count == 2 else { return nil }
        return try DNSMessage(wire: readExactly(Int(head[0]) << 8 | Int(head[1])))
    }

    borrowing func ask(_ query: DNSMessage) throws -> DNSMessage? {
        guard write(query.wire) > 0 else { return nil }
        let bytes = read()
        return bytes.isEmpty ? nil : try DNSMessage(wire: bytes)
    }
}

/// Clients with a source port each.
final class ClientGroup {
    private let endpoint: Endpoint
    private var descriptors: [Int32] = []
    private var asked = 0

    init(_ endpoint: Endpoint, count: Int) {
        self.endpoint = endpoint
        for _ in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            var limit = timeval(tv_sec: 60, tv_usec: 0)
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            _ = unsafe KernelAddress.withPointer(to: endpoint) { unsafe connect(descriptor, $0, $1) }
            descriptors.append(descriptor)
        }
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    /// Sends a query from each.
    func ask() {
        asked += 1
        let query = World.query().wire
        for descriptor in descriptors { _ = unsafe send(descriptor, query, query.count, 0) }
    }

    /// How many of the queries are answered; waits for each answer.
    func answered() -> Int {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var count = 0
        for descriptor in descriptors {
            for _ in 0..<asked where unsafe recv(descriptor, &buffer, buffer.count, 0) > 0 { count += 1 }
        }
        return count
    }
}

extension DNSMessage {
    /// With the two bytes of its length, as over TCP.
    var framed: [UInt8] {
        let bytes = wire
        return [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
    }
}
