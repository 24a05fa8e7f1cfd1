import Foundation
import Testing

@Suite("Objectives and error budgets")
struct ServiceLevelScenarios {
    @Test("requests and time count for wide IPs and pools, over the API, the command line and a restart")
    func whole() throws {
        let (dns, web, metrics) = (try freePort(), try freePort(), try freePort())
        let socket = "/tmp/meridian-sla-\(web).sock"
        let state = "/tmp/meridian-sla-\(web).db"
        defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: state + suffix) } }
        let yaml = """
            dns: { listen: ["127.0.0.1:\(dns)"] }
            zones: { example.com: { ns: [ns1.example.com], records: { ns1: { A: 127.0.0.1 } } } }
            regions: { eu: {}, us: {} }
            virtual_servers:
              eu-1: { address: "127.0.0.1:\(web)", region: eu }
              us-1: { address: "192.0.2.1:80", region: us }
            pools:
              eu: { region: eu, virtual_servers: [eu-1], answer: addresses }
              us: { region: us, virtual_servers: [us-1], answer: addresses }
            wide_ips:
              api.example.com: { pools: [eu, us] }
              www.example.com: { pools: [eu] }
            listeners:
              web:
                address: "127.0.0.1:\(web)"
                routes:
                  - { name: api, host: api.example.com, path: /, respond: { status: 200 } }
                  - { name: broken, host: www.example.com, upstream: gone }
            upstreams: { gone: { members: ["127.0.0.1:1"] } }
            proxy: { access_log: "off" }
            admin: { socket: \(socket), state: \(state) }
            metrics: { listen: "127.0.0.1:\(metrics)" }
            sla: { objective: 99%, objectives: { api.example.com: 99.9% } }
            """
        func call(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, arguments + ["--socket", socket])
        }
        func levels() throws -> [String: [String: Any]] {
            let text = try Program.run("curl", ["-s", "--unix-socket", socket, "http://meridian/v1/sla"]).output
            // The node has only just begun, or begun again.
            guard !text.isEmpty else { return [:] }
            let body = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            let list = body?["services"] as? [[String: Any]] ?? []
            return Dictionary(
                list.map { ("\($0["kind"] ?? "") \($0["name"] ?? "")", $0) }, uniquingKeysWith: { first, _ in first })
        }
        func number(_ path: [String], of name: String) throws -> Double? {
            var value: Any? = try levels()[name]
            for key in path { value = (value as? [String: Any])?[key] }
            return (value as? NSNumber)?.doubleValue
        }
        var program: Program? = try Program(yaml)
        try wait(for: "the first look") { (try? levels().count) == 4 }
        try wait(for: "time that counts") { try (number(["time", "good"], of: "pool eu") ?? 0) > 0 }
        for host in ["api.example.com", "api.example.com", "api.example.com", "www.example.com"] {
            _ = try Program.run("curl", ["-s", "-H", "Host: \(host)", "http://127.0.0.1:\(web)/"])
        }
        try wait(for: "the requests") {
            try number(["requests", "good"], of: "pool eu") == 3 && number(["requests", "bad"], of: "pool eu") == 1
        }
        #expect(try number(["requests", "good"], of: "wide-ip api.example.com") == 3)
        #expect(try number(["requests", "bad"], of: "wide-ip api.example.com") == 0)
        #expect(try number(["requests", "availability", "1h"], of: "wide-ip www.example.com") == 0)
        #expect(try abs((number(["requests", "burnRate", "5m"], of: "wide-ip www.example.com") ?? 0) - 100) < 0.001)
        #expect(try number(["requests", "budgetRemaining"], of: "wide-ip api.example.com") == 1)
        #expect(try number(["objective"], of: "wide-ip api.example.com") == 0.999)
        #expect(try levels()["pool us"]?["requests"] == nil)

        let text = try Program.run("curl", ["-s", "http://127.0.0.1:\(metrics)/metrics"]).output
        #expect(text.contains("meridian_sla_requests_total{kind=\"pool\",name=\"eu\",result=\"bad\"} 1\n"))
        #expect(
            text.contains(
                "meridian_sla_availability_ratio{kind=\"pool\",name=\"eu\",source=\"requests\",window=\"5m\"} 0.75\n"))
        let table = try call("sla")
        #expect(table.status == 0 && table.output.contains("www.example.com") && table.output.contains("99.9%"))
        let one = try call("sla", "www.example.com", "--json")
        #expect(one.output.contains("\"bad\":1") && !one.output.contains("api.example.com"))
        #expect(try call("sla", "mars.example.com").status == 1)

        // Disabled for everybody: time runs against the objective.
        #expect(try call("disable", "pool", "us").status == 0)
        try wait(for: "time that was bad") { try (number(["time", "bad"], of: "pool us") ?? 0) > 0 }
        #expect(try number(["time", "bad"], of: "wide-ip api.example.com") == 0)

        // The end writes everything down; what counted goes on counting.
        program = nil
        program = try Program(yaml)
        try wait(for: "what was written down") { try number(["requests", "good"], of: "pool eu") == 3 }
        #expect(try number(["requests", "bad"], of: "wide-ip www.example.com") == 1)
        _ = program
    }
}
