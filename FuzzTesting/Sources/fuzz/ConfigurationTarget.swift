import Addresses
import DNSWire
import Steering
import TrafficModel

@testable import Authority
@testable import ConfigurationLoading

/// Configuration files: each is either refused with a reason or can be put in force.
final class ConfigurationTarget: FuzzTarget {
    static let name = "configuration"
    private let asker = Asker()

    init() {}

    func run(_ input: Span<UInt8>) {
        let result = ConfigurationLoader.load(bytes: input.array(), name: "f", readsFiles: false)
        let hasErrors = result.diagnostics.contains { $0.severity == .error }
        require((result.intent == nil) == hasErrors, "something to run or a reason why not")
        for diagnostic in result.diagnostics {
            require(diagnostic.line >= 0 && diagnostic.column >= 0, "a place: \(diagnostic)")
            require(!diagnostic.message.contains("\n"), "one line: \(diagnostic)")
        }
        guard let intent = result.intent else { return }
        let snapshot = World.snapshot(intent)
        for wideIP in intent.wideIPs.prefix(20) {
            let query = DNSMessage(id: 9, name: wideIP.name, type: .a).wire
            require((try? DNSMessage(wire: asker.ask(query, snapshot))) != nil, "a wide IP is answered")
        }
    }

    static var seeds: [[UInt8]] {
        [
            """
            dns: { listen: ["127.0.0.1:53", "[::1]:53"], client_subnet: true }
            regions: { eu: { host: eu.lb.example.net }, us: {} }
            virtual_servers: { a: { address: "192.0.2.1:443", region: eu }, b: { address: "[2001:db8::1]:443", region: us } }
            pools: { eu: { region: eu, virtual_servers: [a] }, us: { virtual_servers: [b], answer: addresses } }
            wide_ips:
              api.example.com: { pools: [eu, us], method: topology, ttl: 30s, topology: [{ prefixes: [10.0.0.0/8], pools: [us] }] }
            zones: { example.com: { ns: [ns1.example.com], records: { ns1: { A: [127.0.0.1] } } }, example.net: { ns: [ns1.example.com] } }
            """,
            """
            monitors: { web: { http: { path: /health, status: 200-299 }, interval: 5s, timeout: 2s, rise: 2, fall: 3 } }
            upstreams: { app: { members: ["127.0.0.1:8080", { address: "127.0.0.1:8081", weight: 2 }], monitor: web } }
            listeners: { http: { listen: ["127.0.0.1:80"], routes: [{ path: /, upstream: app }] } }
            """,
            "a: &x [1, 2]\nb: *x\nc: {<<: {d: e}}\n? [k]\n: v\n--- # second\nf: |\n  text\n",
        ].map { Array($0.utf8) }
    }

    static let words: [[UInt8]] =
        ConfigurationModel.model.keys.map { Array("\($0): ".utf8) }
        + [
            "listen", "address", "region", "host", "pools", "virtual_servers", "method", "topology", "prefixes", "ttl",
            "records", "ns", "soa", "file", "ratio", "all_down", "answer", "monitor", "members", "routes", "upstream",
            "path", "tls", ": ", "- ", "&a ", "*a", "{", "}", "[", "]", "\"", "'", "|\n", ">\n", "---\n", "<<: ", "? ",
            "!!str ", "~", "5s", "10%", "*.example.com", "192.0.2.1:443", "#",
        ].map { Array($0.utf8) }
}
