import Foundation
import Testing

/// Clients and servers that Varnish's test program plays, byte by byte, on both sides of the proxy.
@Suite("The VIP tier between varnishtest's clients and servers")
struct VarnishTestScenarios {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "varnishtest")

    @Test("they see what they expect", arguments: ["framing", "fields", "interim", "refusals", "http2"])
    func exchange(name: String) throws {
        let (port, member) = (try freePort(), try freePort())
        let program = try Program(
            """
            proxy: { access_log: "off", threads: 1 }
            upstreams:
              app: { members: ["127.0.0.1:\(member)"] }
            listeners:
              web: { address: "127.0.0.1:\(port)", upstream: app }
            """)
        let result = try Program.run(
            "varnishtest",
            [
                "-t", "60", "-D", "proxy=127.0.0.1:\(port)", "-D", "member=\(member)",
                Self.folder.appending(path: "\(name).vtc").path,
            ])
        #expect(result.status == 0, "\(result.output.suffix(4000))\n\(program.text)")
    }
}
