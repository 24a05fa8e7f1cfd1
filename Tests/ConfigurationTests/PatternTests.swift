import DNSWire
import Testing
import TrafficModel

@testable import ConfigurationLoading

@Suite("Wide IPs with names that stand for many")
struct WideIPPatternTests {
    private static func load(_ names: [String]) -> LoadResult {
        let text = """
            dns: { listen: ["127.0.0.1:53"] }
            regions: { eu: { host: eu.example.net } }
            virtual_servers: { a: { address: "192.0.2.1:80", region: eu } }
            pools: { eu: { virtual_servers: [a] } }
            wide_ips: { www.example.net: { pools: [eu], aliases: [\(names.map { "\"\($0)\"" }.joined(separator: ", "))] } }
            zones: { example.net: { ns: [ns1.example.org] } }
            """
        return ConfigurationLoader.load(bytes: Array(text.utf8), name: "f", readsFiles: false)
    }

    @Test("wildcards and patterns are names like others")
    func names() throws {
        let result = Self.load(["*.example.net", "shop-?.example.net", "*.v*.example.net"])
        let intent = try #require(result.intent, "\(result.diagnostics)")
        #expect(intent.wideIPs[0].aliases.map(\.isPattern) == [false, true, true])
        #expect(Self.load(["a?.example.net", "a?.example.net"]).intent == nil)
    }

    @Test("as many patterns as the limit in a zone, and no more")
    func limit() {
        let names = (0...ConfigurationAssembly.patternLimit).map { "p\($0)-*.example.net" }
        #expect(Self.load(names.dropLast()).intent != nil)
        let found = Self.load(names).diagnostics.map(\.description)
        #expect(found.count == 1)
        #expect(found.first?.contains("more than 64 names with ? or * in the zone example.net") == true, "\(found)")
    }
}
