import Addresses

/// The configuration of the demo's node, as the text a person would write.
enum DemoConfiguration {
    static func text(_ plan: DemoPlan) -> String {
        let timing = plan.timing
        let check = """
            path: /healthz, interval: \(timing.interval.milliseconds)ms, timeout: \(timing.timeout.milliseconds)ms, \
            rise: \(timing.rise), fall: \(timing.fall), jitter: \(Double(timing.jitterPercent) / 100)
            """
        return """
            # Three regions on loopback addresses. Intervals and TTLs are short so that a person can watch; 5 s and 30 s
            # are more usual.
            dns:
              listen: [\(plan.dns.map { "\"\($0)\"" }.joined(separator: ", "))]

            geography:
              - tor: {v4: \(quoted(plan.geoIPv4Path)), v6: \(quoted(plan.geoIPv6Path))}

            regions:
            \(plan.regions.map { "  - {name: \($0.name), host: \($0.host)}" }.joined(separator: "\n"))

            monitors:
              - {name: virtual-server, type: http, host: \(DemoPlan.service), \(check)}
              - {name: member, type: http, \(check)}

            virtual_servers:
            \(plan.virtualServers.map {
                "  - {name: \($0.name), address: \"\($0.endpoint)\", region: \($0.region), monitors: [virtual-server]}"
            }.joined(separator: "\n"))

            pools:
            \(plan.regions.map {
                """
                  - {name: \($0.name), region: \($0.name), answer: cname, method: round-robin, ttl: \(timing.ttl)s, \
                virtual_servers: [\($0.virtualServers.map(\.name).joined(separator: ", "))]}
                """
            }.joined(separator: "\n"))

            wide_ips:
              - name: \(DemoPlan.service)
                method: topology
                pools: [\(plan.regions.map(\.name).joined(separator: ", "))]
                topology:
                  - {continent: [EU, AF], pools: [eu, us, apac]}
                  - {continent: [NA, SA], pools: [us, eu, apac]}
                  - {continent: [AS, OC], pools: [apac, us, eu]}
                ttl: \(timing.ttl)s
                all_down: open

            zones:
              - origin: example.com
                soa: {mname: ns1.example.com, rname: hostmaster.example.com, minimum: \(timing.ttl)s}
                ns: [ns1.example.com]
                records:
                  - {name: ns1, type: A, data: 127.0.0.1}
              - origin: lb.example.net
                soa: {mname: ns1.example.com, rname: hostmaster.example.com, minimum: \(timing.ttl)s}
                ns: [ns1.example.com]

            listeners:
            \(plan.virtualServers.map {
                """
                  - {name: \($0.name), address: "\($0.endpoint)", routes: [{upstream: \($0.name)}]}
                """
            }.joined(separator: "\n"))

            upstreams:
            \(plan.virtualServers.map { server in
                """
                  - {name: \(server.name), monitors: [member], \
                members: [\(server.members.map { "\"\($0.endpoint)\"" }.joined(separator: ", "))]}
                """
            }.joined(separator: "\n"))

            proxy:
              access_log: off
              # A VIP is killed by a reload without its listener: its connections must not live on.
              drain_timeout: 0s

            """
    }

    /// A YAML double-quoted scalar.
    private static func quoted(_ text: String) -> String {
        "\"" + text.map { $0 == "\\" || $0 == "\"" ? "\\\($0)" : String($0) }.joined() + "\""
    }
}

extension Duration {
    var milliseconds: Int64 { Int64(self / .milliseconds(1)) }
}
