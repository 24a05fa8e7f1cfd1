import Foundation
import Testing

/// Where `socat` or `ssh -L` makes a port of the admin socket, every page that a browser shows can reach it.
@Suite("The admin socket, asked by browsers")
struct SocketOriginScenarios {
    private struct Ask: Sendable {
        var method = "POST"
        var path = "/v1/reload"
        var host = "127.0.0.1:8900"
        var headers: [String] = []
        var status: Int
    }

    private static let json = "Content-Type: application/json"
    private static let shift = #"{"from":"eu","to":"us","share":0.1,"seconds":900}"#

    @Test("pages of other sites change nothing, and names of other sites get no answer; programs and own pages do")
    func origins() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let program = try Program(NameServerScenarios.configuration(port: port) + "\nadmin: { socket: \(socket) }\n")
        func ask(_ ask: Ask) throws -> String {
            let body = ask.method == "GET" ? [] : ["--data", ask.path == "/v1/shifts" ? Self.shift : ""]
            let fields = ["Host: \(ask.host)"] + ask.headers
            return try Program.run(
                "curl",
                ["--silent", "--include", "--max-time", "60", "--unix-socket", socket, "-X", ask.method] + body
                    + fields.flatMap { ["--header", $0] } + ["http://localhost\(ask.path)"]
            ).output
        }
        for refused in [
            Ask(path: "/v1/shifts", headers: ["Origin: http://evil.example", "Content-Type: text/plain"], status: 403),
            Ask(path: "/v1/shifts", headers: ["Origin: null", Self.json], status: 403),
            // Another port of the same machine is another site.
            Ask(path: "/v1/shifts", headers: ["Origin: http://127.0.0.1:8901", Self.json], status: 403),
            Ask(headers: ["Sec-Fetch-Site: cross-site", Self.json], status: 403),
            Ask(headers: ["Sec-Fetch-Site: same-site", Self.json], status: 403),
            Ask(headers: ["Origin: http://127.0.0.1:8900", "Content-Type: text/plain"], status: 415),
            Ask(
                method: "DELETE", path: "/v1/overrides/region", headers: ["Origin: http://evil.example", Self.json],
                status: 403),
        ] {
            let answer = try ask(refused)
            #expect(answer.hasPrefix("HTTP/1.1 \(refused.status) "), "\(refused): \(answer)")
        }
        for host in ["evil.example", "evil.example:8900", "127.0.0.1.evil.example", "localhost.evil.example", "m"] {
            for (method, path) in [("GET", "/v1/status"), ("GET", "/"), ("GET", "/v1/events"), ("POST", "/v1/reload")] {
                let answer = try ask(Ask(method: method, path: path, host: host, status: 421))
                #expect(answer.hasPrefix("HTTP/1.1 421 "), "\(host): \(answer)")
            }
        }
        let status = try ask(Ask(method: "GET", path: "/v1/status", status: 200))
        #expect(status.contains(#""crossSite":7"#) && status.contains(#""foreignHost":20"#), "\(status)")
        #expect(status.contains(#""generation":1"#) && status.contains(#""shifts":[]"#), "nothing was changed")

        for taken in [
            Ask(headers: [], status: 200), Ask(host: "meridian", status: 200), Ask(host: "localhost:8900", status: 200),
            Ask(host: "[::1]:8900", headers: ["Origin: http://[::1]:8900", Self.json], status: 200),
            Ask(headers: ["Origin: http://127.0.0.1:8900", "Sec-Fetch-Site: same-origin", Self.json], status: 200),
            // Behind a proxy that has TLS.
            Ask(headers: ["Origin: https://127.0.0.1:8900", Self.json], status: 200),
            Ask(path: "/v1/shifts", headers: ["Sec-Fetch-Site: same-origin", Self.json], status: 201),
            // A link to the dashboard on a page of another site.
            Ask(method: "GET", path: "/", headers: ["Sec-Fetch-Site: cross-site"], status: 200),
        ] {
            let answer = try ask(taken)
            #expect(answer.hasPrefix("HTTP/1.1 \(taken.status) "), "\(taken): \(answer)")
        }
        #expect(program.isRunning)
    }
}
