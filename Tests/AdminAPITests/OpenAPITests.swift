import ControlPlane
import HTTPTypes
import Hummingbird
import Testing

@testable import AdminAPI

@Suite("The description of the API")
struct OpenAPITests {
    private struct Sample: Decodable {
        struct Part: Decodable { var name: String }
        enum Word: String, Decodable, CaseIterable { case one, two }
        var text: String
        var count: UInt64
        var maybe: Int?
        var share: Double?
        var parts: [Part]
        var part: Part?
        var words: [String: Word]
        var kind: Word
        var gaps: [String?]
    }

    @Test("a schema says what the type decodes")
    func schema() throws {
        let schema = try TypeSchema.schema(of: Sample.self)
        #expect(schema["required"] == .strings(["count", "gaps", "kind", "parts", "text", "words"]))
        let properties = schema["properties"]
        #expect(properties?["count"] == .object(["type": .string("integer"), "minimum": .integer(0)]))
        #expect(properties?["maybe"] == .object(["type": .string("integer")]))
        #expect(properties?["share"] == .object(["type": .string("number")]))
        #expect(properties?["parts"]?["items"]?["properties"]?["name"] == .object(["type": .string("string")]))
        #expect(
            properties?["gaps"]?["items"]
                == .object([
                    "anyOf": .array([.object(["type": .string("string")]), .object(["type": .string("null")])])
                ]))
        #expect(properties?["part"]?["required"] == .strings(["name"]))
        let words = JSONNode.object(["type": .string("string"), "enum": .strings(["one", "two"])])
        #expect(properties?["kind"] == words)
        #expect(properties?["words"]?["additionalProperties"] == words)
        #expect(schema["additionalProperties"] == nil)
        #expect(try TypeSchema.schema(of: Sample.self, isClosed: true)["additionalProperties"] == .boolean(false))
    }

    @Test("names of schemas can be referred to, and tell types apart")
    func names() {
        #expect(OpenAPI.name(of: [NodeStatus.Window].self) == "ArrayOfNodeStatusWindow")
        #expect(OpenAPI.name(of: Listing<Resource.WideIP>.self) == "ListingOfResourceWideIP")
        #expect(OpenAPI.name(of: NodeStatus.WideIP.self) == "NodeStatusWideIP")
    }

    @Test("a route knows its paths")
    func paths() {
        let route = AdminRoute(.get, "/v1/pools/{name}", .everyone, "") { _, _ in Response(status: .ok) }
        #expect(route.matches("/v1/pools/eu"))
        for path in ["/v1/pools", "/v1/pools/", "/v1/pools/eu/x", "/v2/pools/eu", "v1/pools/eu"] {
            #expect(!route.matches(path), "\(path)")
        }
        #expect(route.pathParameters == ["name"])
        #expect(OpenAPI.identifier(of: route) == "get-v1-pools-name")
    }
}
