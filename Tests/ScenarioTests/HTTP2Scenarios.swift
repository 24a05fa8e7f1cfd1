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
                    "curl", ["-sS", "--max-time", "10"] + arguments + ["http://127.0.0.1:\(target)/"])
                #expect(small.output == "abc", "\(small)\(program.text)")
                let large = try Program.run(
                    "curl",
                    ["-sS", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_version} %{size_download}"] + arguments
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
        #expect(program.logged("generation=4 "), "\(program.text)")
        withExtendedLifetime(server) {}
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
