import Foundation
import Testing

@Suite("Metrics, as a Prometheus sees them")
struct MetricsScenarios {
    private struct Ports {
        let dns: Int
        let web: Int
        let metrics: Int

        init() throws {
            dns = try freePort()
            web = try freePort()
            metrics = try freePort()
        }
    }

    private static func configuration(_ ports: Ports, rest: String = "", metrics: String = "") -> String {
        """
        dns: { listen: ["127.0.0.1:\(ports.dns)"] }
        regions: { eu: {}, us: {} }
        monitors: { connect: { tcp: {}, interval: 200ms, timeout: 100ms } }
        virtual_servers:
          eu-1: { address: "127.0.0.1:\(ports.web)", region: eu, monitors: [connect] }
          us-1: { address: "127.0.0.1:1", region: us, monitors: [connect] }
        pools:
          eu: { region: eu, virtual_servers: [eu-1], answer: addresses }
          us: { region: us, virtual_servers: [us-1], answer: addresses }
        wide_ips: { api.example.com: { pools: [us, eu] } }
        zones: { example.com: { ns: [ns1.example.com], records: { ns1: { A: 127.0.0.1 } } } }
        listeners:
          web:
            address: "127.0.0.1:\(ports.web)"
            routes:
              - { name: hello, path: /hello, respond: { status: 200 } }
              - { name: broken, path: /broken, upstream: gone }
        upstreams: { gone: { members: ["127.0.0.1:1"] } }
        proxy: { access_log: "off" }
        metrics: { listen: "127.0.0.1:\(ports.metrics)"\(metrics) }
        \(rest)
        """
    }

    private static func curl(_ arguments: String...) throws -> String {
        try Program.run("curl", ["-s", "--max-time", "60"] + arguments).output
    }

    private static func value(_ series: String, in text: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix(series + " ") }
            .flatMap { Double($0.dropFirst(series.count + 1)) }
    }

    @Test("each scrape counts what was done, promtool finds nothing to say, and each family is in docs/metrics.md")
    func scrape() throws {
        let ports = try Ports()
        let program = try Program(Self.configuration(ports))
        let address = "http://127.0.0.1:\(ports.metrics)/metrics"
        try wait(for: "the monitor to find us-1 down") {
            Self.value("meridian_pool_available{pool=\"us\",region=\"us\"}", in: try Self.curl(address)) == 0
        }
        for _ in 0..<3 { _ = try Program.data(ports.dns, "api.example.com") }
        _ = try Program.dig(ports.dns, "+tcp", "none.example.com", "TXT")
        for _ in 0..<2 { _ = try Self.curl("http://127.0.0.1:\(ports.web)/hello") }
        _ = try Self.curl("http://127.0.0.1:\(ports.web)/broken")
        let expected: [String: Double] = [
            "meridian_dns_queries_total{type=\"a\",transport=\"udp\"}": 3,
            "meridian_dns_queries_total{type=\"txt\",transport=\"tcp\"}": 1,
            "meridian_dns_responses_total{outcome=\"answered\",rcode=\"NOERROR\"}": 3,
            "meridian_dns_responses_total{outcome=\"name_error\",rcode=\"NXDOMAIN\"}": 1,
            "meridian_dns_decisions_total{wide_ip=\"api.example.com\",pool=\"eu\"}": 3,
            "meridian_dns_decisions_total{wide_ip=\"api.example.com\",pool=\"us\"}": 0,
            "meridian_dns_response_seconds_count": 4,
            "meridian_http_requests_total{listener=\"web\",route=\"hello\",class=\"2xx\"}": 2,
            "meridian_http_request_seconds_count{listener=\"web\",route=\"hello\"}": 2,
            "meridian_http_requests_total{listener=\"web\",route=\"broken\",class=\"5xx\"}": 1,
            "meridian_member_failures_total{upstream=\"gone\",member=\"127.0.0.1:1\"}": 1,
            "meridian_health_up{monitor=\"connect\",target=\"127.0.0.1:1\"}": 0,
            "meridian_health_up{monitor=\"connect\",target=\"127.0.0.1:\(ports.web)\"}": 1,
            "meridian_configuration_generation": 1, "meridian_configuration_last_reload_successful": 1,
        ]
        try wait(for: "all to be counted") {
            let text = try Self.curl(address)
            return expected.allSatisfy { Self.value($0.key, in: text) == $0.value }
        }
        let text = try Self.curl(address)
        #expect((Self.value("process_cpu_seconds_total", in: text) ?? 0) > 0)
        #expect((Self.value("process_open_fds", in: text) ?? 0) > 5)

        let file = program.folder.appending(path: "metrics.txt")
        try text.write(to: file, atomically: true, encoding: .utf8)
        let check = try Program.run("sh", ["-c", "promtool check metrics < \(file.path)"])
        #expect(check.status == 0 && check.output.isEmpty && check.error.isEmpty, "\(check)")
        try Self.compareWithDocument(text)

        try program.replaceConfiguration("nonsense: 1")
        program.hangUp()
        try wait(for: "the refusal") {
            Self.value("meridian_configuration_last_reload_successful", in: try Self.curl(address)) == 0
        }
    }

    @Test("pools and regions have their states, and what operators took out is told apart from what fell")
    func states() throws {
        let ports = try Ports()
        let socket = "/tmp/meridian-\(ports.dns).sock"
        let program = try Program(Self.configuration(ports, rest: "admin: { socket: \(socket) }"))
        let address = "http://127.0.0.1:\(ports.metrics)/metrics"
        func see(_ expected: [String: Double]) throws {
            try wait(for: "\(expected)") {
                let text = try Self.curl(address)
                return expected.allSatisfy { Self.value($0.key, in: text) == $0.value }
            }
        }
        try see([
            "meridian_pool_state{pool=\"us\",region=\"us\",state=\"down\"}": 1,
            "meridian_pool_state{pool=\"us\",region=\"us\",state=\"available\"}": 0,
            "meridian_pool_state{pool=\"eu\",region=\"eu\",state=\"available\"}": 1,
            "meridian_pool_taken_out{pool=\"us\",region=\"us\"}": 0,
            "meridian_region_state{region=\"us\",state=\"down\"}": 1, "meridian_region_taken_out{region=\"us\"}": 0,
        ])
        for (verdict, state) in [("disable", "disabled"), ("force-down", "down"), ("drain", "draining")] {
            let made = try Program.run(
                Program.binary.path, [verdict, "region", "e*", "--force", "--socket", socket])
            #expect(made.status == 0, "\(made) \(program.text)")
            try see([
                "meridian_pool_state{pool=\"eu\",region=\"eu\",state=\"\(state)\"}": 1,
                "meridian_pool_state{pool=\"eu\",region=\"eu\",state=\"available\"}": 0,
                "meridian_pool_taken_out{pool=\"eu\",region=\"eu\"}": 1,
                "meridian_region_state{region=\"eu\",state=\"\(state)\"}": 1,
                "meridian_region_taken_out{region=\"eu\"}": 1, "meridian_region_taken_out{region=\"us\"}": 0,
                "meridian_pool_taken_out{pool=\"us\",region=\"us\"}": 0,
            ])
        }
        #expect(try Program.run(Program.binary.path, ["enable", "region", "e*", "--socket", socket]).status == 0)
        try see([
            "meridian_region_taken_out{region=\"eu\"}": 0, "meridian_pool_taken_out{pool=\"eu\",region=\"eu\"}": 0,
        ])
    }

    @Test("members are counted by the API's words for their states")
    func memberStates() throws {
        let ports = try Ports()
        let socket = "/tmp/meridian-\(ports.dns).sock"
        let program = try Program(
            """
            listeners: { web: { address: "127.0.0.1:\(ports.web)", upstream: api } }
            upstreams: { api: { members: ["127.0.0.1:1", "127.0.0.2:1", "127.0.0.3:1", "127.0.0.4:1"] } }
            metrics: { listen: "127.0.0.1:\(ports.metrics)" }
            admin: { socket: \(socket) }
            """)
        for (verdict, member) in [("drain", 1), ("disable", 2), ("force-down", 3)] {
            let made = try Program.run(
                Program.binary.path,
                [verdict, "member", "api/127.0.0.\(member):1", "--force", "--socket", socket])
            #expect(made.status == 0, "\(made) \(program.text)")
        }
        let text = try Self.curl("http://127.0.0.1:\(ports.metrics)/metrics")
        let series = text.split(separator: "\n").filter { $0.hasPrefix("meridian_upstream_members{") }
        #expect(
            Set(series) == [
                #"meridian_upstream_members{upstream="api",state="available"} 1"#,
                #"meridian_upstream_members{upstream="api",state="draining"} 1"#,
                #"meridian_upstream_members{upstream="api",state="ejected"} 0"#,
                #"meridian_upstream_members{upstream="api",state="disabled"} 1"#,
                #"meridian_upstream_members{upstream="api",state="down"} 1"#,
            ])
        let members = try Program.run(
            "curl", ["--silent", "--unix-socket", socket, "http://meridian/v1/members"]
        ).output
        for word in ["available", "draining", "disabled", "down"] {
            #expect(members.contains("\"state\":\"\(word)\""), "\(members)")
        }
    }

    @Test("counters go on over a reload that changes the sockets of DNS, and over one that takes DNS away")
    func reloads() throws {
        let ports = try Ports()
        let yaml = Self.configuration(ports)
        let program = try Program(yaml)
        let address = "http://127.0.0.1:\(ports.metrics)/metrics"
        let log = program.folder.appending(path: "queries").path
        let listen = "dns: { listen: [\"127.0.0.1:\(ports.dns)\"]"
        func count(_ series: String) throws -> Double? { Self.value(series, in: try Self.curl(address)) }
        let queries = "meridian_dns_queries_total{type=\"a\",transport=\"udp\"}"
        let decisions = "meridian_dns_decisions_total{wide_ip=\"api.example.com\",pool=\"eu\"}"
        let lines = "meridian_log_lines_total{log=\"query\"}"
        try wait(for: "the monitor to find us-1 down") {
            try count("meridian_pool_available{pool=\"us\",region=\"us\"}") == 0
        }
        var asked = 0.0
        for (generation, settings) in [(1.0, ""), (2, ", threads: 3"), (3, ", threads: 1, query_log: \(log)"), (4, "")]
        {
            if generation > 1 {
                try program.replaceConfiguration(yaml.replacingOccurrences(of: listen, with: listen + settings))
                program.hangUp()
            }
            try wait(for: "generation \(generation)") { try count("meridian_configuration_generation") == generation }
            for _ in 0..<3 { _ = try Program.data(ports.dns, "api.example.com") }
            asked += 3
            try wait(for: "all to be counted") { try count(queries) == asked }
            #expect(try count(decisions) == asked)
        }
        #expect(try count(lines) == 3, "those of the log that is closed")
        try program.replaceConfiguration(yaml.replacingOccurrences(of: listen + " }", with: "dns: { listen: [] }"))
        program.hangUp()
        try wait(for: "the refusal") { try count("meridian_configuration_last_reload_successful") == 0 }
        let bare = yaml.split(separator: "\n").filter {
            !$0.hasPrefix("dns:") && !$0.hasPrefix("wide_ips:") && !$0.hasPrefix("zones:")
        }
        try program.replaceConfiguration(bare.joined(separator: "\n"))
        program.hangUp()
        try wait(for: "generation 5") { try count("meridian_configuration_generation") == 5 }
        #expect(try count(queries) == asked)
    }

    /// Every family that is served has a row in docs/metrics.md with its type and labels, and no row has none.
    private static func compareWithDocument(_ text: String) throws {
        let document = try String(
            contentsOf: repository.appending(path: "docs/metrics.md"), encoding: .utf8)
        let rows = document.split(separator: "\n").filter {
            $0.hasPrefix("| `meridian_") || $0.hasPrefix("| `process_")
        }
        let told = Dictionary(
            rows.map { row in
                let cells = row.split(separator: "|", omittingEmptySubsequences: false)
                    .map { $0.trimmingCharacters(in: .whitespaces) }
                return (cells[1].trimmingCharacters(in: ["`"]), cells[2])
            }, uniquingKeysWith: { first, _ in first })
        let served = Dictionary(
            text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { line in
                let words = line.split(separator: " ")
                return (String(words[2]), String(words[3]))
            }, uniquingKeysWith: { first, _ in first })
        #expect(told.count == rows.count, "a family is told twice")
        for (name, type) in served { #expect(told[name] == type, "\(name): \(type)") }
        for name in told.keys where served[name] == nil { Issue.record("\(name) is told but not served") }
    }

    static var repository: URL {
        var folder = URL(filePath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        return folder
    }

    @Test("a Prometheus scrapes a node, has it up, and answers from what it got")
    func prometheus() throws {
        let ports = try Ports()
        let program = try Program(Self.configuration(ports))
        for _ in 0..<2 { _ = try Self.curl("http://127.0.0.1:\(ports.web)/hello") }
        let port = try freePort()
        let settings = program.folder.appending(path: "prometheus.yml")
        try """
        global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
        rule_files: ["\(Self.repository.path)/examples/prometheus/alerts.yaml"]
        scrape_configs:
          - { job_name: meridian, static_configs: [ { targets: ["127.0.0.1:\(ports.metrics)"] } ] }
        """.write(to: settings, atomically: true, encoding: .utf8)
        let prometheus = Process()
        prometheus.executableURL = URL(filePath: "/usr/bin/env")
        prometheus.arguments = [
            "prometheus", "--config.file=\(settings.path)", "--storage.tsdb.path=\(program.folder.path)/data",
            "--web.listen-address=127.0.0.1:\(port)", "--log.level=error",
        ]
        prometheus.standardOutput = FileHandle.nullDevice
        prometheus.standardError = FileHandle.nullDevice
        try prometheus.start()
        defer {
            prometheus.terminate()
            prometheus.waitUntilExit()
        }
        func query(_ text: String) throws -> String {
            try Self.curl("http://127.0.0.1:\(port)/api/v1/query", "--data-urlencode", "query=\(text)")
        }
        try wait(for: "the node to be up") { try query("up{job=\"meridian\"}").contains(",\"1\"]") }
        try wait(for: "the requests") {
            try query("sum(meridian_http_requests_total{route=\"hello\",class=\"2xx\"})").contains(",\"2\"]")
        }
        try wait(for: "the histogram") {
            try query("histogram_quantile(0.99, meridian_http_request_seconds_bucket{route=\"hello\"})")
                .contains("\"value\"")
        }
        // All rules were evaluated without a complaint.
        try wait(for: "the rules") {
            let rules = try Self.curl("http://127.0.0.1:\(port)/api/v1/rules")
            return rules.contains("MeridianPoolDown") && !rules.contains("\"health\":\"unknown\"")
                && !rules.contains("\"health\":\"err\"")
        }
        try wait(for: "the alert about us-1") {
            try Self.curl("http://127.0.0.1:\(port)/api/v1/alerts").contains("\"MeridianPoolDown\"")
        }
        // It asked for OpenMetrics, so a family's type is known by the name without its end.
        try wait(for: "the types") {
            try Self.curl("http://127.0.0.1:\(port)/api/v1/metadata?metric=meridian_http_requests").contains("counter")
        }
    }

    @Test("only who may gets metrics, and by address")
    func access() throws {
        let ports = try Ports()
        let program = try Program(Self.configuration(ports, metrics: ", clients: [192.0.2.0/24]"))
        let address = "http://127.0.0.1:\(ports.metrics)/metrics"
        // Closed before anything is read: also those who say nothing hold no place.
        try wait(for: "the refusal") {
            _ = try Self.curl(address)
            return program.logged("a scrape was refused") && program.logged("peer=127.0.0.1")
        }
        #expect(try Self.curl(address).isEmpty)
        let silent = try Program.run(
            "bash", ["-c", "exec 3<>/dev/tcp/127.0.0.1/\(ports.metrics); timeout -s KILL 120 cat <&3; echo $?"])
        #expect(silent.output == "0\n", "it is closed by the node, and not left to its own patience")
        // A reload lets others ask at once; another address would need a restart.
        try program.replaceConfiguration(Self.configuration(ports))
        program.hangUp()
        try wait(for: "the permission") { try Self.curl(address).hasPrefix("# HELP") }
        let closed = Self.value("meridian_metrics_scrapes_total{result=\"refused\"}", in: try Self.curl(address))
        #expect(closed ?? 0 >= 2)
        try program.replaceConfiguration(
            Self.configuration(ports).replacingOccurrences(of: ":\(ports.metrics)", with: ":\(try freePort())"))
        program.hangUp()
        try wait(for: "the refusal of the reload") {
            program.logged("metrics.listen cannot change while the node runs; restart it")
        }

        let open = try Ports()
        let other = try Program(Self.configuration(open))
        let own = "http://127.0.0.1:\(open.metrics)"
        try wait(for: "an answer") { try !Self.curl(own + "/metrics").isEmpty }
        #expect(try Self.curl("-H", "Host: evil.example:\(open.metrics)", own + "/metrics").contains("\"status\":403"))
        for host in ["localhost:\(open.metrics)", "127.0.0.1:\(open.metrics)", "[::1]:\(open.metrics)"] {
            #expect(try Self.curl("-H", "Host: \(host)", own + "/metrics").hasPrefix("# HELP"))
        }
        #expect(try Self.curl("-o", "/dev/null", "-w", "%{http_code}", own + "/v1/status") == "404")
        #expect(try Self.curl("-X", "POST", "-o", "/dev/null", "-w", "%{http_code}", own + "/metrics") == "404")
        let refused = Self.value(
            "meridian_metrics_scrapes_total{result=\"refused\"}", in: try Self.curl(own + "/metrics"))
        #expect(refused == 1)
        _ = other
    }

    @Test("of more things than shall have series, the rest is summed up")
    func cardinality() throws {
        let ports = try Ports()
        let members = (1...25).map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", ")
        let yaml = Self.configuration(ports, metrics: ", series: 10")
            .replacingOccurrences(of: "members: [\"127.0.0.1:1\"]", with: "members: [\(members)]")
        let program = try Program(yaml)
        let address = "http://127.0.0.1:\(ports.metrics)/metrics"
        try wait(for: "an answer") { try !Self.curl(address).isEmpty }
        for _ in 0..<30 { _ = try Self.curl("http://127.0.0.1:\(ports.web)/broken") }
        let text = try Self.curl(address)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("meridian_member_started_total{") }
        #expect(lines.count == 11)
        #expect(Self.value("meridian_metrics_folded{kind=\"member\"}", in: text) == 15)
        let other = Self.value("meridian_member_started_total{upstream=\"other\",member=\"other\"}", in: text) ?? 0
        #expect(other > 0)
        _ = program
    }
}
