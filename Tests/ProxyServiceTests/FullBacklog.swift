import Addresses
import Glibc

/// A listening socket that accepts nothing and whose queue is full: further connections get no answer.
struct FullBacklog {
    let endpoint: Endpoint
    private let sockets: [CInt]

    init() throws {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var sockets = [listener]
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = unsafe bind(listener, pointer, length)
                _ = listen(listener, 0)
                _ = unsafe getsockname(listener, pointer, &length)
                for _ in 0..<4 {
                    let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
                    _ = unsafe connect(client, pointer, length)
                    sockets.append(client)
                }
            }
        }
        self.sockets = sockets
        endpoint = Endpoint(address: .v4(0x7f00_0001), port: UInt16(bigEndian: address.sin_port))
    }

    func close() { for socket in sockets { _ = Glibc.close(socket) } }
}
