import Addresses
import NIOCore
import NIOPosix

/// What the demo needs of the loopback interface.
enum Loopback {
    /// Linux gives all of 127.0.0.0/8 to the loopback interface; others only 127.0.0.1.
    static func require(_ address: IPAddress, on group: any EventLoopGroup) async throws(DemoError) {
        do {
            let bootstrap = ServerBootstrap(group: group)
            try await bootstrap.bind(to: SocketAddress(Endpoint(address: address, port: 0))).get().close().get()
        } catch {
            throw DemoError(
                reason: """
                    This system has no \(address) (\(error)).
                    The demo gives each VIP and member a loopback address of its own, which Linux has and others must \
                    add, as with `ifconfig lo0 alias \(address)`.
                    """)
        }
    }
}
