import Addresses
import Glibc
import NIOCore

extension IPAddress {
    /// The address that this machine calls another from, as its routes are now; `nil` without a way there. Nothing is
    /// sent: a datagram socket that is connected only looks the way up.
    static func source(towards target: SocketAddress) -> IPAddress? {
        let descriptor = socket(
            Int32(target.protocol.rawValue), Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Both calls get a structure and its own size.
        let isConnected = unsafe target.withSockAddr { unsafe connect(descriptor, $0, socklen_t($1)) == 0 }
        guard isConnected else { return nil }
        var own = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutableBytes(of: &own) { bytes in
            guard let start = bytes.baseAddress,
                unsafe getsockname(descriptor, start.assumingMemoryBound(to: sockaddr.self), &length) == 0
            else { return nil }
            // Where `sin_addr` and `sin6_addr` are. By name they can be read or not, depending on which files are compiled
            // along with this one, because SwiftNIO imports the same C headers.
            switch target {
            case .v4: return .v4(UInt32(bigEndian: unsafe bytes.load(fromByteOffset: 4, as: UInt32.self)))
            case .v6: return .v6(UInt128(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt128.self)))
            case .unixDomainSocket: return nil
            }
        }
    }
}
