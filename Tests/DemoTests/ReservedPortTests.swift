import NIOCore
import NIOPosix
import Testing

@testable import Demo

@Suite("The port of the demo's dashboard")
struct ReservedPortTests {
    private func listen(_ port: UInt16, reuse: ChannelOptions.Types.SocketOption.Value) async throws -> any Channel {
        try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: reuse)
            .bind(host: "127.0.0.1", port: Int(port)).get()
    }

    @Test("a port that was chosen is the server's that comes for it, and nobody else's meanwhile")
    func reserved() async throws {
        var dashboard = DemoDashboard(port: nil, token: "", tokenHash: "", role: "")
        let port = try dashboard.choosePort()
        #expect(dashboard.port == port.number && port.number > 0)
        await #expect(throws: (any Error).self, "as the kernel would give it to a connection") {
            try await listen(port.number, reuse: 0).close()
        }
        let server = try await listen(port.number, reuse: 1)
        #expect(ReservedPort(port.number) == nil, "who listens has it")
        var other = DemoDashboard(port: port.number, token: "", tokenHash: "", role: "")
        #expect(throws: DemoError.self) { _ = try other.choosePort() }
        let client = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: Int(port.number)).get()
        try await client.close()
        try await server.close()
        withExtendedLifetime(port) {}
    }
}
