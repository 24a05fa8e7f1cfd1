import TrafficModel

@testable import ControlPlane
@testable import Dashboard

/// A node of two regions, each with a pool, two virtual servers and an upstream of two members.
enum PictureFixture {
    /// - Parameter states: of parts that are not available, by `kind:name`.
    static func status(
        _ states: [String: String] = [:], overrides: [NodeStatus.Override] = [],
        checks: [String: NodeStatus.Check] = [:]
    ) -> NodeStatus {
        func state(_ kind: String, _ name: String) -> String { states["\(kind):\(name)"] ?? "available" }
        let regions = ["eu", "us"]
        let servers = regions.flatMap { region in [1, 2].map { (region, "\(region)-\($0)") } }
        return NodeStatus(
            generation: 1, epoch: 1, uptime: 1, regions: regions.map { .init(name: $0, state: state("region", $0)) },
            wideIPs: [
                .init(
                    name: "api.example.com", state: state("wide-ip", "api.example.com"), method: "round-robin",
                    pools: regions)
            ],
            pools: regions.map { region in
                .init(
                    name: region, region: region, host: nil, state: state("pool", region),
                    virtualServers: servers.filter { $0.0 == region }.map(\.1))
            },
            virtualServers: servers.map { region, name in
                .init(
                    name: name, region: region, endpoint: "192.0.2.1:80", state: state("virtual-server", name),
                    checks: checks[name].map { [$0] } ?? [])
            },
            upstreams: regions.map { region in
                .init(
                    name: region,
                    members: ["10.0.0.1:80", "10.0.0.2:80"].map { endpoint in
                        .init(
                            endpoint: endpoint, state: state("member", "\(region)/\(endpoint)"), open: 0, started: 0,
                            failed: 0, ejections: 0, checks: checks["\(region)/\(endpoint)"].map { [$0] } ?? [])
                    })
            }, listeners: [], overrides: overrides, dns: .init(endpoints: [], queries: 0, latest: []),
            proxy: .init(requests: 0, failures: 0, openConnections: 0, drainingConnections: 0))
    }

    static func picture(_ status: NodeStatus, answers: AnswerHistory = .init()) -> NodePicture {
        NodePicture(
            status: status,
            topology: NodeTopology(
                generation: 1, regions: [.init(name: "eu", location: nil), .init(name: "us", location: nil)],
                listeners: [], upstreamsOfServer: [:]),
            counters: PictureCounters(status, instant: 1), answers: answers, previous: nil, flows: [], time: 0)
    }

    static func order(
        _ kind: String, _ name: String, _ verdict: String, reason: String = "", target: String? = nil,
        window: String? = nil
    ) -> NodeStatus.Override {
        .init(
            kind: kind, name: name, verdict: verdict, target: target, window: window, reason: reason, author: "ann",
            since: 1)
    }
}
