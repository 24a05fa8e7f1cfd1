import Foundation
import Testing

/// What `explain` says of requests beside what the proxy does with them.
@Suite("Explain requests, with the real binary")
struct RequestExplainScenarios {
    /// A steered name, its VIP on one loop, and three members, which are listeners of the same program.
    private final class Site {
        let ports: [Int]
        let dnsPort: Int
        let socket: String
        let program: Program

        init() throws {
            ports = try (0..<4).map { _ in try freePort() }
            dnsPort = try freePort()
            socket = "/tmp/meridian-\(dnsPort).sock"
            let members = ports.dropFirst().enumerated().map { index, port in
                "m\(index): { address: \"127.0.0.1:\(port)\", routes: [{ respond: { body: m\(index) } }] }"
            }
            program = try Program(
                """
                dns: { listen: ["127.0.0.1:\(dnsPort)"] }
                regions:
                  eu: { host: eu.lb.example.net }
                virtual_servers:
                  eu-1: { address: "127.0.0.1:\(ports[0])", region: eu }
                pools:
                  eu: { region: eu, virtual_servers: [eu-1] }
                wide_ips:
                  www.example.com: { pools: [eu] }
                zones:
                  example.com: { ns: [ns1.example.com], records: { ns1: { A: [127.0.0.1] } } }
                  example.net: { ns: [ns1.example.com] }
                proxy: { access_log: "off", threads: 1, via: "off", limits: { body_size: 1000B } }
                upstreams:
                  app:
                    members:
                      - "127.0.0.1:\(ports[1])"
                      - { address: "127.0.0.1:\(ports[2])", ratio: 2 }
                      - { address: "127.0.0.1:\(ports[3])", backup: true }
                    method: ratio
                listeners:
                  web:
                    address: "127.0.0.1:\(ports[0])"
                    routes:
                      - { name: canary, path: /api, headers: { x-canary: "yes" }, respond: { body: canary, status: 202 } }
                      - { name: old, path: /old, methods: [GET], redirect: { location: "/new" } }
                      - { name: limited, path: /limited, upstream: app, rate_limit: { rate: 1/m, burst: 2 } }
                      - { name: app, host: "*.example.com", upstream: app }
                  \(members.joined(separator: "\n  "))
                admin: { socket: \(socket) }
                """)
        }

        func call(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, arguments + ["--socket", socket])
        }

        func explain(_ path: String, host: String = "www.example.com", _ more: [String] = []) throws -> [String: Any] {
            let result = try Program.run(
                Program.binary.path,
                ["explain", "http://\(host):\(ports[0])\(path)", "--client", "127.0.0.1", "--json", "--socket", socket]
                    + more)
            guard result.status == 0 else { throw Program.Failure(description: result.error) }
            return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        }

        /// Status and body of the real thing.
        func ask(_ path: String, host: String = "www.example.com", _ more: [String] = []) throws -> (Int, String) {
            let result = try Program.run(
                "curl",
                [
                    "--silent", "--path-as-is", "--max-time", "60", "--resolve", "\(host):\(ports[0]):127.0.0.1",
                    "-w", " %{http_code}", "http://\(host):\(ports[0])\(path)",
                ] + more)
            let parts = result.output.split(separator: " ")
            return (Int(parts.last ?? "") ?? 0, parts.dropLast().joined(separator: " "))
        }
    }

    @Test(
        "the route and the status that are told are those that come",
        arguments: [
            ("/", "www.example.com", [], "app", 200), ("/api/v1", "www.example.com", [], "app", 200),
            ("/api/v1", "www.example.com", ["-H", "X-Canary: yes"], "canary", 202),
            ("/apiv1", "www.example.com", ["-H", "X-Canary: yes"], "app", 200),
            ("//x/../api//v1", "www.example.com", ["-H", "x-canary: yes"], "canary", 202),
            ("/old/page", "www.example.com", [], "old", 308), ("/old", "www.example.com", ["-X", "PUT"], "app", 200),
            ("/", "example.com", [], nil, 404), ("/old", "elsewhere.example", [], "old", 308),
            ("/../..", "www.example.com", [], nil, 400), ("/%zz", "www.example.com", [], nil, 400),
            ("/", "www.example.com", ["-H", "Content-Length: 5000"], nil, 413),
        ] as [(String, String, [String], String?, Int)])
    func routes(path: String, host: String, more: [String], route: String?, status: Int) throws {
        let site = try Site()
        let told = try site.explain(path, host: host, more)
        let taken = (told["routes"] as? [[String: Any]])?.first { $0["isTaken"] as? Bool == true }
        #expect(taken?["name"] as? String == route, "\(told)")
        let result = try #require(told["result"] as? [String: Any])
        #expect(result["status"] as? Int ?? 200 == status, "\(result)")
        #expect(try site.ask(path, host: host, more).0 == status)
    }

    @Test("the member that is told is the one that answers, drained, forced and limited too")
    func members() throws {
        let site = try Site()
        func next() throws -> String {
            let upstream = try #require(try site.explain("/")["upstream"] as? [String: Any])
            let next = try #require((upstream["next"] as? [String])?.first)
            return "m\(try #require(site.ports.firstIndex { next.hasSuffix(":\($0)") }) - 1)"
        }
        var seen: Set<String> = []
        for _ in 0..<12 {
            let told = try next()
            #expect(try next() == told, "asking takes no turn")
            let (status, body) = try site.ask("/")
            #expect(status == 200 && body == told)
            seen.insert(body)
        }
        #expect(seen == ["m0", "m1"], "the backup has nothing to do")

        let first = "app/127.0.0.1:\(site.ports[1])"
        #expect(try site.call("drain", "member", first, "--reason", "patching").status == 0)
        let text = try site.call(
            "explain", "http://www.example.com:\(site.ports[0])/", "--client", "127.0.0.1")
        #expect(text.output.contains("override of member \(first): drain (patching)"), "\(text)")
        #expect(text.output.contains("www.example.com 30 IN CNAME eu.lb.example.net."), "\(text)")
        #expect(text.output.contains("virtual server eu-1  region eu  available"), "\(text)")
        #expect(text.output.contains("route canary: passed by: path is not under /api"), "\(text)")
        #expect(try next() == "m1" && site.ask("/").1 == "m1")
        #expect(try site.call("force-down", "member", "app/127.0.0.1:\(site.ports[2])").status == 0)
        #expect(try next() == "m2" && site.ask("/").1 == "m2", "the backup")
        #expect(try site.call("disable", "member", "app/127.0.0.1:\(site.ports[3])").status == 0)
        #expect(try next() == "m0" && site.ask("/").1 == "m0", "what drains, for nothing else is left")
        #expect(try site.call("disable", "member", first, "--force").status == 0)
        let result = try #require(try site.explain("/")["result"] as? [String: Any])
        #expect(result["status"] as? Int == 503)
        #expect(try site.ask("/").0 == 503)
    }

    @Test("a rate limit is told and not used up")
    func rateLimit() throws {
        let site = try Site()
        for passing in [2, 1, 0] {
            for _ in 0..<2 {
                let limit = try #require(try site.explain("/limited")["rateLimit"] as? [String: Any])
                #expect(limit["passing"] as? Int == passing)
            }
            #expect(try site.ask("/limited").0 == (passing > 0 ? 200 : 429))
        }
    }

    @Test("the API takes the question in the query and as JSON, and refuses what it cannot explain")
    func requests() throws {
        let site = try Site()
        func curl(_ arguments: String...) throws -> String {
            try Program.run("curl", ["--silent", "--unix-socket", site.socket, "-w", " %{http_code}"] + arguments)
                .output
        }
        let path = "http://meridian/v1/explain/http"
        let url = "http%3A%2F%2Fwww.example.com%3A\(site.ports[0])%2Fapi"
        let query = try curl("\(path)?url=\(url)&client=127.0.0.1&header=x-canary%3A%20yes")
        #expect(query.contains(#""isTaken":true,"name":"canary""#) && query.hasSuffix(" 200"), "\(query)")
        let body =
            #"{"url":"http://www.example.com:\#(site.ports[0])/api","client":"127.0.0.1","headers":["x-canary: yes"]}"#
        let posted = try curl(path, "--data-binary", body)
        #expect(posted == query, "\(posted)")
        for (body, detail) in [
            (#"{"url":"ftp://x/","client":"127.0.0.1"}"#, "is not a URL"),
            (#"{"url":"http://www.example.com/","client":"x"}"#, "is not an address"),
            (#"{"url":"http://www.example.com/"}"#, "client: it is needed"),
            (#"{"url":"https://www.example.com/","client":"::1"}"#, "no listener for https"),
            (#"{"url":"http://www.example.com:1/","client":"::1"}"#, "which listener does it come in by?"),
            (#"{"url":"http://a b/","client":"::1"}"#, "spaces"),
            (#"{"url":"http://a/","client":"::1","headers":["x"]}"#, "is not a header field"),
            (#"{"url":"http://a/","client":"::1","headers":["x: a\r\nHost: b"]}"#, "is not a header field"),
            (#"{"url":"http://a/","client":"::1","listener":"q"}"#, "no listener q"),
        ] {
            let refused = try curl(path, "--data-binary", body)
            #expect(refused.contains(detail) && refused.hasSuffix(" 400"), "\(body): \(refused)")
        }
    }

    @Test("questions that do not come keep nobody from explanations")
    func slowQuestions() throws {
        let site = try Site()
        let body = #"{"url":"http://www.example.com:\#(site.ports[0])/api","client":"127.0.0.1"}"#
        // More than there are places and room to wait for them; then one that is whole.
        let script = """
            import socket, sys, time
            def connect():
                one = socket.socket(socket.AF_UNIX)
                # Less than the node waits for the rest of a question.
                one.settimeout(15)
                one.connect(sys.argv[1])
                return one
            head = "POST /v1/explain/http HTTP/1.1\\r\\nHost: meridian\\r\\nContent-Length: %d\\r\\n\\r\\n"
            slow = [connect() for _ in range(128)]
            for one in slow:
                one.sendall((head % 100).encode() + b"{")
            # A request on a connection that is there goes in behind those.
            for attempt in range(2):
                whole = connect()
                whole.sendall((head % len(sys.argv[2])).encode() + sys.argv[2].encode())
                print(whole.recv(12).decode())
            """
        let result = try Program.run(Script.python, ["-c", script, site.socket, body])
        #expect(result.output == "HTTP/1.1 200\nHTTP/1.1 200\n", "\(result)")
    }

    @Test("a configuration that nobody runs is explained too")
    func offline() throws {
        let site = try Site()
        let told = try Program.run(
            Program.binary.path,
            [
                "explain", "http://www.example.com:\(site.ports[0])/", "--client", "192.0.2.1", "--config",
                site.program.configuration.path,
            ])
        #expect(told.status == 0 && told.output.contains("not running"), "\(told)")
        #expect(told.output.contains("127.0.0.1:\(site.ports[2])  available  66.7 %"), "\(told)")
    }
}
