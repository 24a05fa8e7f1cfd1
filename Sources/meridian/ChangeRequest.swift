import ControlPlane
import FoundationEssentials

/// A change as the node is asked for it.
struct ChangeRequest {
    var method: String
    /// Without a query.
    var path: String
    var json: [UInt8]

    init(_ method: String, _ path: String, _ body: some Encodable) throws {
        self.method = method
        self.path = path
        json = Array(try JSONEncoder().encode(body))
    }

    init(_ method: String, _ path: String) {
        self.method = method
        self.path = path
        json = []
    }

    func make(_ node: AdminNode) throws -> [UInt8] { try node.call(method, path, json: json) }

    /// What it would do.
    func preview(_ node: AdminNode) throws -> ChangePreview {
        let body = try node.call(method, path + "?dry_run=true", json: json)
        return try NodeText.decode(ChangePreview.self, from: body)
    }
}
