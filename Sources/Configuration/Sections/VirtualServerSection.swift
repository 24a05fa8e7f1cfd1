internal import Addresses
internal import TrafficModel

/// `virtual_servers:`.
enum VirtualServerSection {
    private static let fresh = VirtualServer(name: "", endpoint: Endpoint(address: .v4(0), port: 0), region: 0)

    static let address = Shape<Endpoint>.endpoint.field("address", required: true, "Its address and port.")
    static let region = Shape<Int>.reference(.region).field("region", required: true, "The region it is in.")
    static let monitors = Shape<[Located<Int>]>.list(of: Shape<Int>.reference(.monitor).located).field(
        "monitors", "All must agree that it is up. None: always available.")
    static let ratio = Shape<Int>.integer(0...65535).field(
        "ratio", default: fresh.ratio, "Its share under `method: ratio`; 0: only while no other is available.")
    static let capacity = Shape<Int>.integer(1...1_000_000_000).field(
        "capacity", "What it can take, in the unit that stages compare or limit.")
    static let score = Shape<Int>.integer(0...1_000_000).field(
        "score", default: fresh.score, "Its rank where a pool orders or weighs by score; more is better.")
    static let dependsOn = Shape<[Located<Int>]>.list(of: Shape<Int>.reference(.virtualServer).located).field(
        "depends_on", "Virtual servers that it cannot work without: it is down when one of them is.")
    static let failback = FailbackSection.shape.field(
        "failback", "What it must show before it is used again; its region's if absent.")
    static let enabled = Shape<Bool>.boolean.field("enabled", default: fresh.enabled, "Whether it may be chosen.")

    static let model = ObjectModel(
        title: "virtual_servers.NAME",
        summary: "An address that a region is reached at: a VIP of this program or a foreign load balancer.",
        fields: [
            address.description, region.description, monitors.description, ratio.description, capacity.description,
            score.description, dependsOn.description, failback.description, enabled.description,
        ])

    static let shape = Shape<[Named<VirtualServer>]>.map(key: "name", of: server)

    private static let server = Shape<VirtualServer>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        let endpoint = reader.read(address, context)
        let place = reader.read(region, context)
        let checks = unique(reader.read(monitors, context) ?? [], of: .monitor, context)
        let share = reader.read(ratio, context)
        let limit = reader.read(capacity, context)
        let rank = reader.read(score, context)
        let needed = unique(reader.read(dependsOn, context) ?? [], of: .virtualServer, context)
        let rule = reader.read(failback, context)
        let isEnabled = reader.read(enabled, context)
        guard let endpoint, let place else { return nil }
        if endpoint.address.isUnspecified {
            context.error(
                reader.position(of: "address"), "nobody can be sent to \(endpoint.address)",
                "write the address that clients reach")
        }
        var server = VirtualServer(name: "", endpoint: endpoint, region: place)
        server.monitors = checks
        server.ratio = share
        server.capacity = limit
        server.score = rank
        server.dependsOn = needed
        server.failback = rule
        if rule?.isAny == true, checks.isEmpty {
            context.warning(
                reader.position(of: "failback"), "nothing watches the virtual server, so that it never comes back",
                "give it monitors, or remove failback")
        }
        server.enabled = isEnabled
        return server
    }
}
