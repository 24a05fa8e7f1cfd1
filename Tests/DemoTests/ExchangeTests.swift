import Addresses
import NIOCore
import NIOPosix
import Testing

@testable import Demo

/// Members and connections over real sockets, on addresses of their own.
@Suite("Members and connections")
struct ExchangeTests {
    private func withMember(_ body: (DemoMember, any EventLoopGroup) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        // The address is nobody else's, and the kernel gives such a port to no connection.
        let address = IPAddress.v4(127 << 24 | UInt32.random(in: 200...250) << 16 | UInt32.random(in: 1...65000))
        let member = DemoMember(
            plan: .init(
                name: "eu-1-1", virtualServer: "eu-1", region: "eu", endpoint: Endpoint(address: address, port: 9780)),
            group: group)
        try await member.revive()
        do { try await body(member, group) } catch {
            await member.kill()
            throw error
        }
        await member.kill()
    }

    @Test("answers who it is, over one connection")
    func answers() async throws {
        try await withMember { member, group in
            let connection = try await HTTPExchange.connect(to: member.plan.endpoint, on: group, timeout: .seconds(60))
            for _ in 0..<3 {
                let response = try await connection.get("/", host: "api.example.com", timeout: .seconds(60))
                #expect(response.region == "eu" && response.member == "eu-1-1")
            }
            #expect(member.requests == 3)
            _ = try await connection.get("/healthz", host: "api.example.com", timeout: .seconds(60))
            #expect(member.requests == 3)
            #expect(connection.isOpen)
            connection.close()
        }
    }

    @Test("a killed member cuts its connections and refuses new ones; a revived one serves again")
    func kill() async throws {
        try await withMember { member, group in
            let connection = try await HTTPExchange.connect(to: member.plan.endpoint, on: group, timeout: .seconds(60))
            _ = try await connection.get("/", host: "x", timeout: .seconds(60))
            await member.kill()
            #expect(!member.isAlive)
            await #expect(throws: HTTPExchange.Failure.self) {
                _ = try await connection.get("/", host: "x", timeout: .seconds(60))
            }
            await #expect(throws: HTTPExchange.Failure.self) {
                _ = try await HTTPExchange.connect(to: member.plan.endpoint, on: group, timeout: .seconds(60))
            }
            try await member.revive()
            #expect(member.isAlive)
            let again = try await HTTPExchange.connect(to: member.plan.endpoint, on: group, timeout: .seconds(60))
            _ = try await again.get("/", host: "x", timeout: .seconds(60))
            again.close()
        }
    }

    @Test("a member that cannot have its address stays dead and can be revived later")
    func taken() async throws {
        try await withMember { member, group in
            let rival = DemoMember(plan: member.plan, group: group)
            await #expect(throws: (any Error).self) { try await rival.revive() }
            #expect(!rival.isAlive)
            await member.kill()
            try await rival.revive()
            #expect(rival.isAlive)
            await rival.kill()
        }
    }
}
