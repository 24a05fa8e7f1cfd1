import Addresses
import Glibc

/// A TCP port of 127.0.0.1 that nobody else is given before a server of ours listens there.
///
/// Its socket is bound and never listens. As both say SO_REUSEADDR, Linux lets a server bind the same port and listen,
/// but gives the port to no connection that goes out and to none who asks for any port.
final class ReservedPort: Sendable {
    let number: UInt16
    private let descriptor: Int32

    /// - Parameter wanted: 0: any.
    /// - Returns: `nil` where somebody listens there.
    init?(_ wanted: UInt16) {
        let endpoint = Endpoint(address: .v4(127 << 24 | 1), port: wanted)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var one: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard unsafe KernelAddress.withPointer(to: endpoint, { unsafe bind(descriptor, $0, $1) }) == 0,
            let local = KernelAddress.local(of: descriptor)
        else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        number = local.port
    }

    deinit { close(descriptor) }
}
