public import Glibc

/// An endpoint as the kernel wants it.
@usableFromInline
package enum KernelAddress {
    package static func withPointer<Result>(
        to endpoint: Endpoint, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) rethrows -> Result {
        switch endpoint.address {
        case .v4(let value):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = endpoint.port.bigEndian
            address.sin_addr.s_addr = value.bigEndian
            return try unsafe withUnsafePointer(to: &address) {
                try unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    try unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .v6(let value):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = endpoint.port.bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) {
                unsafe $0.storeBytes(of: value.bigEndian, as: UInt128.self)
            }
            return try unsafe withUnsafePointer(to: &address) {
                try unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    try unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }

    /// The address and port that the kernel wrote. `pointer` must have room for a `sockaddr_in6`.
    @inlinable
    @inline(__always)
    package static func read(_ pointer: UnsafePointer<sockaddr>) -> (IPAddress, UInt16) {
        let raw = unsafe UnsafeRawPointer(pointer)
        if unsafe pointer.pointee.sa_family == sa_family_t(AF_INET) {
            let address = unsafe raw.loadUnaligned(as: sockaddr_in.self)
            return (.v4(UInt32(bigEndian: address.sin_addr.s_addr)), UInt16(bigEndian: address.sin_port))
        }
        // sin6_port is at 2, sin6_addr at 8 (RFC 3493 section 3.3 as Linux lays it out).
        let port = unsafe raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
        let address = unsafe raw.loadUnaligned(fromByteOffset: 8, as: UInt128.self)
        return (.v6(UInt128(bigEndian: address)), UInt16(bigEndian: port))
    }

    /// This side's endpoint of a socket; `nil` when it has none.
    package static func local(of descriptor: Int32) -> Endpoint? {
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard unsafe getsockname(descriptor, pointer, &length) == 0 else { return nil }
                let (address, port) = unsafe read(pointer)
                return Endpoint(address: address, port: port)
            }
        }
    }
}
