import Foundation
import Testing

@Suite("HTTP/2, with curl, h2load, gRPC and python3-h2", .serialized)
struct HTTP2Scenarios {
    /// A listener for HTTP/2 towards the member, and one that reaches it through the first, over HTTP/2 again.
    private static func configuration(port: Int, second: Int, member: Int, isHTTP2: Bool = false) -> String {
        """
        proxy: { access_log: "off", threads: 1 }
        upstreams:
          app: { members: ["127.0.0.1:\(member)"], http2: \(isHTTP2) }
          self: { members: ["127.0.0.1:\(port)"], http2: true }
        listeners:
          web: { address: "127.0.0.1:\(port)", upstream: app }
          second: { address: "127.0.0.1:\(second)", upstream: self }
        """
    }

    @Test("curl gets what it asks for in all four combinations of HTTP/1.1 and HTTP/2")
    func curl() throws {
        let (port, second) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let program = try Program(Self.configuration(port: port, second: second, member: member.port))
        for target in [port, second] {
            for arguments in [["--http1.1"], ["--http2-prior-knowledge"]] {
                let small = try Program.run(
                    "curl", ["-sS", "--max-time", "60"] + arguments + ["http://127.0.0.1:\(target)/"])
                #expect(small.output == "abc", "\(small)\(program.text)")
                let large = try Program.run(
                    "curl",
                    ["-sS", "--max-time", "300", "-o", "/dev/null", "-w", "%{http_version} %{size_download}"]
                        + arguments
                        + ["http://127.0.0.1:\(target)/large"])
                let version = arguments[0] == "--http1.1" ? "1.1" : "2"
                #expect(large.output == "\(version) 100000000", "\(large)\(program.text)")
            }
        }
    }

    @Test("h2load's requests all succeed, on connections that are shared")
    func load() throws {
        let (port, second) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let program = try Program(Self.configuration(port: port, second: second, member: member.port))
        for target in [port, second] {
            let result = try Program.run(
                "h2load", ["-n", "2000", "-c", "8", "-m", "16", "http://127.0.0.1:\(target)/"])
            #expect(
                result.output.contains("2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed"),
                "\(result)\(program.text)")
        }
    }

    @Test("gRPC calls of all kinds pass, with their errors, trailers and deadlines")
    func grpc() throws {
        let (port, second) = (try freePort(), try freePort())
        let own = try freePort()
        let server = try Running(Script.server, port: own)
        let program = try Program(Self.configuration(port: port, second: second, member: own, isHTTP2: true))
        for target in [port, second] {
            let result = try Program.run(
                Script.python, ["-c", Script.calls, "\(target)", "\(program.processIdentifier)"])
            #expect(result.output == "all well\n", "\(result)\(program.text)")
        }
        try wait(for: "the reloads") { program.logged("generation=4 ") }
        withExtendedLifetime(server) {}
    }

    @Test("members are watched with gRPC's health service, and over HTTP/2")
    func monitors() throws {
        let (port, web, calls) = (try freePort(), try freePort(), try freePort())
        let server = try Running(Script.server, port: calls)
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("own", subject: "/CN=a.test", key: "ec", days: 90)
        let program = try Program(
            """
            proxy: { access_log: "off", threads: 1 }
            admin: { socket: /tmp/meridian-\(port).sock }
            certificates: { own: { chain: \(authority.path("own.pem")), key: \(authority.path("own.key")) } }
            monitors:
              shop: { grpc: { service: shop }, interval: 1s, rise: 1, fall: 1 }
              whole: { grpc: {}, interval: 1s, rise: 1 }
              other: { grpc: { service: other }, interval: 1s, fall: 1 }
              web: { http: { path: /health, http2: true, tls: true, body: fine }, interval: 1s, rise: 1 }
              plain: { http: { http2: true }, interval: 1s, fall: 1 }
            upstreams:
              shop: { members: ["127.0.0.1:\(calls)"], http2: true, monitors: [shop, whole] }
              other: { members: ["127.0.0.1:\(calls)"], http2: true, monitors: [other] }
              web: { members: ["127.0.0.1:\(web)"], tls: { verify: false }, monitors: [web] }
              plain: { members: ["127.0.0.1:\(web)"], monitors: [plain] }
            listeners:
              front: { address: "127.0.0.1:\(port)", upstream: shop }
              web:
                address: "127.0.0.1:\(web)"
                tls: { certificates: [own] }
                routes: [{ exact_path: /health, respond: { body: fine } }]
            """)
        func shows(_ upstream: String, _ part: String) throws {
            try wait(for: "\(upstream): \(part)") {
                try Program.run(
                    Program.binary.path,
                    ["status", "--json", "--upstream", upstream, "--socket", "/tmp/meridian-\(port).sock"]
                ).output.contains(part)
            }
        }
        try shows("shop", "the service is SERVING")
        try shows("other", "gRPC status NOT_FOUND")
        try shows("web", "responded as expected")
        try shows("plain", #""state":"down""#)
        for (state, text) in [(2, "the service is NOT_SERVING"), (1, "the service is SERVING")] {
            // Asked directly: through the front nobody would be there to ask.
            let result = try Program.run(Script.python, ["-c", Script.call, "\(calls)", "state \(state)"])
            #expect(result.status == 0, "\(result)")
            try shows("shop", text)
            // Two monitors ask, and what one of them found may be shown before the other has.
            try wait(for: "the calls to follow") {
                try (Program.run(Script.python, ["-c", Script.call, "\(port)", "hello"]).status == 0) == (state == 1)
            }
        }
        withExtendedLifetime((server, program)) {}
    }

    @Test("WebSocket passes over HTTP/2, to a member that speaks HTTP/1.1 and over HTTP/2 again")
    func webSocket() throws {
        let (port, second) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let program = try Program(Self.configuration(port: port, second: second, member: member.port))
        for target in [port, second] {
            let result = try Program.run(Script.python, ["-c", Script.webSocket, "\(target)"])
            #expect(result.output == "all well\n", "\(result)\(program.text)")
        }
    }
}
