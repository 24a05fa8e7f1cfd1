import Foundation
import Testing

@Suite("Probes of one's own listeners")
struct OwnProbeScenarios {
    private struct Status: Decodable {
        struct Listener: Decodable {
            var name: String
            var connections: Int
        }
        struct Route: Decodable {
            var listener: String
            var traffic: Traffic
        }
        struct Traffic: Decodable { var requests: Int }
        struct Upstream: Decodable {
            var members: [Member]
        }
        struct Member: Decodable { var started: Int }
        var listeners: [Listener]
        var upstreams: [Upstream]
        var routes: [Route]

        func connections(_ name: String) -> Int? { listeners.first { $0.name == name }?.connections }
        func requests(_ listener: String) -> Int? { routes.first { $0.listener == listener }?.traffic.requests }
    }

    @Test("count apart from clients, whatever they ask, and a drain does not wait for them")
    func apart() throws {
        let (dns, web, forward, any, member) = (
            try freePort(), try freePort(), try freePort(), try freePort(), try freePort()
        )
        let socket = "/tmp/meridian-\(dns).sock"
        let program = try Program(
            """
            dns: { listen: ["127.0.0.1:\(dns)"] }
            regions: { eu: {}, us: {} }
            monitors:
              ask: { http: { path: /health }, interval: 100ms, timeout: 90ms }
              ask-h2: { http: { path: /health, http2: true }, interval: 100ms, timeout: 90ms }
              connect: { tcp: {}, interval: 100ms, timeout: 90ms }
            virtual_servers:
              web: { address: "127.0.0.1:\(web)", region: eu, monitors: [ask, ask-h2, connect] }
              forward: { address: "127.0.0.1:\(forward)", region: eu, monitors: [connect, ask] }
              any: { address: "127.0.0.3:\(any)", region: us, monitors: [ask, connect] }
            pools:
              eu: { region: eu, virtual_servers: [web, forward], answer: addresses, ttl: 1s }
              us: { region: us, virtual_servers: [any], answer: addresses, ttl: 1s }
            wide_ips: { api.example.com: { pools: [eu, us], ttl: 1s } }
            zones: { example.com: { ns: [ns1.example.com], records: { ns1: { A: 127.0.0.1 } } } }
            upstreams: { app: { members: ["127.0.0.1:\(member)"] } }
            listeners:
              web: { address: "127.0.0.1:\(web)", http2: true, routes: [{ respond: { status: 200 } }] }
              forward: { address: "127.0.0.1:\(forward)", tcp: app }
              member: { address: "127.0.0.1:\(member)", routes: [{ respond: { status: 200 } }] }
              any: { address: "0.0.0.0:\(any)", routes: [{ respond: { status: 200 } }] }
            proxy: { access_log: "off", via: "off" }
            admin: { socket: \(socket) }
            """)
        func call(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, arguments + ["--socket", socket])
        }
        func status() throws -> Status {
            try JSONDecoder().decode(Status.self, from: Data(try call("status", "--json").output.utf8))
        }
        func probes() throws -> Int {
            let text = try Program.run("curl", ["-s", "--unix-socket", socket, "http://localhost/metrics"]).output
            let series = "meridian_proxy_events_total{event=\"own_probe\"} "
            return text.split(separator: "\n").first { $0.hasPrefix(series) }
                .flatMap { Int($0.dropFirst(series.count)) } ?? 0
        }
        try wait(for: "probes") { try probes() >= 60 }
        let quiet = try status()
        for listener in ["web", "forward", "any"] {
            #expect(quiet.connections(listener) == 0, "\(quiet)")
            #expect(quiet.requests(listener) ?? 0 == 0, "\(quiet)")
        }
        #expect(quiet.upstreams.first?.members.first?.started == 0, "nor are they clients of members: \(quiet)")
        let place = "app/127.0.0.1:\(member)"
        let left = try call("drain", "member", place, "--wait", "--quiet-for", "1s", "--timeout", "60s")
        #expect(left.status == 0, "\(left)")
        #expect(quiet.connections("member") ?? 0 > 0, "what a listener forwards is no probe of the next")

        let soon = try Program.run("curl", ["-s", "http://127.0.0.1:\(any)/"])
        #expect(soon.status == 0)
        // A request counts when its answer has gone, which is a little later than the client has it.
        try wait(for: "the client's request") { try status().requests("any") == 1 }
        #expect(try status().connections("any") == 1)
        let drained = try call("drain", "region", "us", "--wait", "--timeout", "60s")
        #expect(drained.status == 0, "\(drained)")
        withExtendedLifetime(program) {}
    }
}
