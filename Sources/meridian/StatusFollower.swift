import AdminAPI
import ArgumentParser
import ControlPlane

/// Looks at a node again and again, and goes on when it is back: one restarts it before the eyes of who watches.
struct StatusFollower {
    private let client: AdminClient
    /// Why the latest look failed; `nil`: it did not.
    private(set) var trouble: String?

    init(_ node: AdminNode) throws { client = try node.client() }

    /// - Parameter speaks: whether to say when the node is gone, and when it is back.
    /// - Returns: the answer; `nil` while the node is gone or has too much to do.
    /// - Throws: `ExitCode.refused` where to ask again would be refused again.
    mutating func look(speaks: Bool) throws -> [UInt8]? {
        let before = trouble
        let response = ask()
        if speaks, before == nil, let trouble { Terminal.error("-- \(trouble); trying again") }
        guard let response else { return nil }
        guard response.status == 200 else {
            Terminal.error(AdminNode.refusal(response, client.address))
            throw ExitCode.refused
        }
        if speaks, before != nil { Terminal.error("-- connected again") }
        return response.body
    }

    /// `nil` where the same question may have another answer later.
    private mutating func ask() -> AdminClient.Response? {
        do {
            let response = try client.call("GET", "/v1/status")
            let isLater = response.status == 429 || response.status >= 500
            trouble = isLater ? AdminNode.refusal(response, client.address) : nil
            return isLater ? nil : response
        } catch {
            trouble = error.description
            return nil
        }
    }
}
