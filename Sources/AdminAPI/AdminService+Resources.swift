import ControlPlane
import HTTPTypes
import Hummingbird
import TrafficModel

/// The parts of a node, as lists that can be searched and read page by page, and one by one with their histories.
extension AdminService {
    private static let pageSizes = 1...1000

    private static func paging(_ states: [String]) -> [AdminRoute.Parameter] {
        [
            .init("search", "A part of the name, whatever its case."),
            .init("state", "States, separated by commas.", .words(states)),
            .init("limit", "Items on the page; 100 if absent.", .number(pageSizes)),
            .init("offset", "Items before the page.", .number(0...Int.max)),
        ]
    }

    private static func listQuery(_ request: Request, _ states: [String]) throws(BadRequest) -> ListQuery {
        let given = try QueryParameters(request, known: paging(states).map(\.name))
        var query = ListQuery()
        query.search = given["search"] ?? ""
        // A misspelt state must not look as if nothing were in it.
        query.states = Set(try given.words("state", of: states))
        if let limit = try given.number("limit", in: pageSizes) { query.limit = limit }
        if let offset = try given.number("offset", in: 0...Int.max) { query.offset = offset }
        return query
    }

    /// - Parameter states: that an item can have.
    private static func list<Item: Codable & Sendable>(
        _ path: String, _ summary: String, states: [String] = Resource.states,
        _ items: @escaping @Sendable (ListQuery) async -> Listing<Item>
    ) -> AdminRoute {
        AdminRoute(
            .get, path, .role(.view), summary, query: paging(states), answer: Listing<Item>.self, work: .view
        ) { request, _ in try json(await items(try listQuery(request, states))) }
    }

    private static func single<Item: Codable & Sendable>(
        _ path: String, _ noun: String, _ item: @escaping @Sendable (AdminContext) async -> Item?
    ) -> AdminRoute {
        AdminRoute(
            .get, path, .role(.view), "One \(noun), with the history of its state.", answer: Item.self,
            work: .view
        ) { _, context in
            guard let item = await item(context) else { throw ChangeError.unknown("there is no such \(noun)") }
            return try json(item)
        }
    }

    static func resourceRoutes(_ node: Node) -> [AdminRoute] {
        [
            AdminRoute(
                .get, "/v1/node", .role(.view), "The node in short: how many of what are in which state.",
                answer: Resource.Node.self, work: .view
            ) { _, _ in try json(await node.view().overview()) },
            list("/v1/wide-ips", "Wide IPs.") { await node.view().wideIPs($0) },
            single("/v1/wide-ips/{name}", "wide IP") { await node.view().wideIP(named: $0.parameter("name")) },
            list("/v1/pools", "Pools.") { await node.view().pools($0) },
            single("/v1/pools/{name}", "pool") { await node.view().pool(named: $0.parameter("name")) },
            list("/v1/regions", "Regions.") { await node.view().regions($0) },
            single("/v1/regions/{name}", "region") { await node.view().region(named: $0.parameter("name")) },
            list("/v1/virtual-servers", "Virtual servers.") { await node.view().virtualServers($0) },
            single("/v1/virtual-servers/{name}", "virtual server") {
                await node.view().virtualServer(named: $0.parameter("name"))
            },
            list("/v1/upstreams", "Upstreams.") { await node.view().upstreams($0) },
            single("/v1/upstreams/{name}", "upstream") { await node.view().upstream(named: $0.parameter("name")) },
            AdminRoute(
                .get, "/v1/upstreams/{name}/members", .role(.view), "The members of an upstream.",
                query: paging(Resource.states),
                answer: Listing<Resource.Member>.self, work: .view
            ) { request, context in
                guard
                    let members = await node.view().members(
                        of: context.parameter("name"), try listQuery(request, Resource.states))
                else {
                    throw ChangeError.unknown("there is no such upstream")
                }
                return try json(members)
            },
            single("/v1/upstreams/{name}/members/{endpoint}", "member") {
                await node.view().member($0.parameter("endpoint"), of: $0.parameter("name"))
            },
            list("/v1/members", "The members of all upstreams.") { query -> Listing<Resource.Member> in
                await node.view().members(of: nil, query) ?? Listing(total: 0, offset: 0, items: [])
            },
            list("/v1/listeners", "Addresses of the VIP tier.", states: Resource.Listener.states) {
                await node.view().listeners($0)
            },
            list("/v1/certificates", "Certificates.", states: Resource.Certificate.states) {
                await node.view().certificates($0)
            },
            list(
                "/v1/monitors", "Monitors, with each endpoint that they watch.", states: Resource.Monitor.states
            ) { await node.view().monitors($0) },
            single("/v1/monitors/{name}/{endpoint}", "monitor of that endpoint") {
                await node.view().monitor($0.parameter("name"), of: $0.parameter("endpoint"))
            },
            AdminRoute(
                .get, "/v1/configuration", .role(.view), "The configuration in force, with its warnings.",
                answer: Resource.Configuration.self
            ) { _, _ in try json(await node.view().configuration()) },
            AdminRoute(
                .post, "/v1/check", .role(.operate),
                "Read the configuration's file, tell what is wrong, change nothing.",
                answer: Resource.Configuration.self
            ) { _, _ in try json(try await node.check()) },
        ]
    }
}

extension AdminContext {
    /// A parameter of the path as it is meant: `%2F` in it is a slash. Empty for what cannot be decoded: nothing has
    /// that name.
    func parameter(_ name: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array((parameters.get(name) ?? "").utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { return "" }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self) ?? ""
    }
}
