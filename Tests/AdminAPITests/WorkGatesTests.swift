import ControlPlane
import HTTPTypes
import Hummingbird
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import AdminAPI

@Suite("How much is done at once")
struct WorkGatesTests {
    @Test("one beyond the line is told when to come again; other kinds and what is light go on")
    func line() async throws {
        let gates = WorkGates(places: 1, line: 0)
        let ok = try await gates.run(.view) { () async throws -> Response in
            let refusal = await #expect(throws: Refusal.self) {
                try await gates.run(.view) { Response(status: .ok) }
            }
            #expect(refusal?.status == .serviceUnavailable)
            #expect(refusal?.reason == .busy)
            #expect(refusal?.retryAfter == 1)
            #expect(try await gates.run(.explanation) { Response(status: .ok) }.status == .ok)
            #expect(try await gates.run(.light) { Response(status: .ok) }.status == .ok)
            return Response(status: .ok)
        }
        #expect(ok.status == .ok)
        #expect(try await gates.run(.view) { Response(status: .ok) }.status == .ok, "there is room again")
    }

    @Test("a place is free again after work that failed")
    func failure() async throws {
        let gates = WorkGates(places: 1, line: 0)
        await #expect(throws: BadRequest.self) { try await gates.run(.view) { throw BadRequest("a: b") } }
        #expect(try await gates.run(.view) { Response(status: .ok) }.status == .ok)
    }

    @Test("every refusal has a reason, which is counted as one")
    func reasons() {
        for status: HTTPResponse.Status in [
            .badRequest, .unauthorized, .forbidden, .notFound, .methodNotAllowed, .conflict, .preconditionFailed,
            .contentTooLarge, .unprocessableContent, .tooManyRequests, .internalServerError, .serviceUnavailable,
        ] { #expect(AdminCounters.refusals.contains(Refusal(status, "").reason), "\(status)") }
    }
}
