import Addresses
import TrafficModel

/// The configuration of the demo's node, as the text a person would write.
enum DemoConfiguration {
    static func text(_ plan: DemoPlan) -> String {
        let timing = plan.timing
        let pace = """
            interval: \(timing.interval.milliseconds)ms, timeout: \(timing.timeout.milliseconds)ms, \
            rise: \(timing.rise), fall: \(timing.fall), jitter: \(timing.jitterPercent)%
            """
        return """
            # Three regions on loopback addresses. Times are short so that a person can watch; checks every 5 s and a TTL
            # of 30 s are more usual.
            dns:
              listen: [\(list(plan.dns))]

            geography:
              - tor: { v4: \(quoted(plan.geoIPv4Path)), v6: \(quoted(plan.geoIPv6Path)) }

            monitors:
              vip: { http: { path: /healthz, host: \(DemoPlan.service) }, \(pace) }
              member: { http: { path: /healthz }, \(pace) }

            regions:
            \(lines(plan.regions) {
                "\($0.name): { host: \($0.host), location: { latitude: \($0.location.latitude), longitude: \($0.location.longitude) } }"
            })

            virtual_servers:
            \(lines(plan.virtualServers) {
                "\($0.name): { address: \(quoted("\($0.endpoint)")), region: \($0.region), monitors: [vip] }"
            })

            pools:
            \(lines(plan.regions) {
                "\($0.name): { virtual_servers: [\($0.virtualServers.map(\.name).joined(separator: ", "))], ttl: \(timing.ttl)s }"
            })

            wide_ips:
              \(DemoPlan.service):
                pools: [\(plan.regions.map(\.name).joined(separator: ", "))]
                topology:
                  - { continents: [EU, AF], pools: [eu, us, apac] }
                  - { continents: [NA, SA], pools: [us, eu, apac] }
                  - { continents: [AS, OC], pools: [apac, us, eu] }
                all_down: open

            zones:
              example.com: { ns: [ns1.example.com], soa: { minimum: \(timing.ttl)s }, records: { ns1: { A: 127.0.0.1 } } }
              lb.example.net: { ns: [ns1.example.com], soa: { minimum: \(timing.ttl)s } }

            listeners:
            \(lines(plan.virtualServers) {
                "\($0.name): { address: \(quoted("\($0.endpoint)")), upstream: \($0.name) }"
            })

            upstreams:
            \(lines(plan.virtualServers) {
                "\($0.name): { members: [\(list($0.members.map(\.endpoint)))], monitors: [member], ejection_time: 1s }"
            })

            # A VIP is killed by a reload without its listener: its connections must not live on.
            proxy: { access_log: "off", drain_timeout: 0s }
            \(admin(plan))
            """
    }

    private static func admin(_ plan: DemoPlan) -> String {
        guard let dashboard = plan.dashboard else { return "" }
        return """

            admin:
              listen: \(quoted("\(dashboard.endpoint)"))
              tokens:
                browser: { role: \(dashboard.role), hash: \(quoted(dashboard.tokenHash)) }

            """
    }

    private static func lines<Part>(_ parts: [Part], _ text: (Part) -> String) -> String {
        parts.map { "  " + text($0) }.joined(separator: "\n")
    }

    private static func list(_ endpoints: [Endpoint]) -> String {
        endpoints.map { quoted($0.description) }.joined(separator: ", ")
    }

    /// A YAML double-quoted scalar.
    private static func quoted(_ text: String) -> String {
        "\"" + text.map { $0 == "\\" || $0 == "\"" ? "\\\($0)" : String($0) }.joined() + "\""
    }
}

extension Duration {
    var milliseconds: Int64 { Int64(self / .milliseconds(1)) }
}
