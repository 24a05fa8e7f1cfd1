import Addresses
import Glibc
import NIOCore

extension IPAddress {
    /// Whether connections to there come to this machine. A socket can be bound to such addresses and to no others, unless
    /// the system lets any be bound (`ip_nonlocal_bind`): then all are taken for this machine's.
    static func isOwn(_ target: SocketAddress) -> Bool {
        let descriptor = socket(
            Int32(target.protocol.rawValue), Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = target
        // Any port, so that none is in the way.
        address.port = 0
        // The call gets a structure and its own size.
        return unsafe address.withSockAddr { unsafe bind(descriptor, $0, socklen_t($1)) == 0 }
    }
}
