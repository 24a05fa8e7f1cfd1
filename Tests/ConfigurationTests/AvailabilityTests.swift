import Testing
import TrafficModel

@testable import ConfigurationLoading

private func load(_ servers: String, pool: String = "", wideIP: String = "") -> LoadResult {
    let text = """
        dns: { listen: ["127.0.0.1:53"] }
        regions: { eu: { host: eu.example.net, failback: { hold: 10s } } }
        monitors: { web: { tcp: {} } }
        virtual_servers: { \(servers) }
        pools: { eu: { virtual_servers: [a, b]\(pool) } }
        wide_ips: { www.example.net: { pools: [eu]\(wideIP) } }
        zones: { example.net: { ns: [ns1.example.org] } }
        """
    return ConfigurationLoader.load(bytes: Array(text.utf8), name: "f", readsFiles: false)
}

private func server(_ name: String, _ more: String = "") -> String {
    "\(name): { address: \"192.0.2.1:80\", region: eu, monitors: [web]\(more) }"
}

@Suite("Configuration of who is available")
struct AvailabilityConfigurationTests {
    @Test("what is written is what is meant")
    func read() throws {
        let result = load(
            server("a", ", depends_on: [b], failback: { hold: 1m, manual: true, damping: { falls: 3, half_life: 2m } }")
                + ", " + server("b"),
            pool:
                ", min_up: 50%, min_ttl: 3s, https: { alpn: [h3, http/1.1], port: 8443 }, all_down: { code: nxdomain, ttl: 7s }",
            wideIP: ", min_ttl: 2s, all_down: last-known-good")
        let intent = try #require(result.intent, "\(result.diagnostics)")
        #expect(result.diagnostics.isEmpty)
        let first = intent.virtualServers[0]
        #expect(first.dependsOn == [1])
        var failback = Failback()
        failback.hold = .seconds(60)
        failback.manual = true
        failback.damping = .init(falls: 3, halfLife: .seconds(120))
        #expect(first.failback == failback)
        #expect(intent.failback(of: intent.virtualServers[1])?.hold == .seconds(10))
        #expect(intent.pools[0].minimumUp == .share(0.5))
        #expect((intent.pools[0].minimumTTL, intent.wideIPs[0].minimumTTL) == (3, 2))
        #expect((intent.pools[0].https?.protocols, intent.pools[0].https?.port) == (["h3", "http/1.1"], 8443))
        #expect(intent.pools[0].allDown == .rcode(3, ttl: 7))
        #expect(intent.wideIPs[0].allDown == .lastKnownGood)
        let stages = try #require(
            load(
                server("a") + ", " + server("b"), pool: ", min_up: 2",
                wideIP: ", stages: [available, { outliers: 3 }, otherwise, last-known-good]"
            ).intent)
        #expect(stages.pools[0].minimumUp == .count(2))
        #expect(
            stages.wideIPs[0].stages?.map(\.action) == [
                .available, .outliers(factor: 3), .otherwise, .lastKnownGood,
            ])
    }

    @Test(
        "what cannot be meant is refused, with the place and a way out",
        arguments: [
            (
                server("a", ", depends_on: [b]") + ", " + server("b", ", depends_on: [a]"), "", "",
                "f:4:20: depends_on goes in a circle: a → b → a; take one of them out"
            ),
            (
                server("a", ", depends_on: [a]") + ", " + server("b"), "", "",
                "f:4:20: depends_on goes in a circle: a → a; take one of them out"
            ),
            (
                server("a") + ", " + server("b"), ", min_up: 3", "",
                "f:5:49: the pool has only 2 virtual servers; write 2 or less"
            ),
            (
                server("a") + ", " + server("b"), ", min_up: 0%", "",
                "f:5:49: \"0%\" is no number of virtual servers; write 1 to 64, or a share as 50%"
            ),
            (
                server("a") + ", " + server("b"), "", ", all_down: { code: servfail, ttl: 5s }",
                "f:6:78: a servfail has no place for a TTL; remove it, or answer nodata"
            ),
            (
                server("a") + ", " + server("b"), "", ", all_down: { pool: eu, ttl: 5s }",
                "f:6:72: the pool has a TTL of its own; remove it from here"
            ),
            (
                server("a", ", ratio: 0") + ", " + server("b", ", ratio: 0"), ", method: ratio", "",
                "f:5:49: every virtual server has ratio 0, which gives nobody a share; "
                    + "give one a ratio, or write round-robin"
            ),
            (
                server("a") + ", " + server("b"), ", ratio: 0", ", method: ratio",
                "f:6:53: every pool has ratio 0, which gives nobody a share; give one a ratio, or write round-robin"
            ),
            (
                server("a") + ", " + server("b"), ", min_ttl: 31s", "",
                "f:5:50: it is more than the ttl; write 30s or less"
            ),
            (
                server("a") + ", " + server("b"), ", https: { alpn: [a, b, c, d, e, f, g, h, i] }", "",
                "f:5:56: more than 8 protocols, or one of more than 16 letters; write [h2, http/1.1] or the like"
            ),
            (
                server("a") + ", " + server("b"), "",
                ", stages: [available, otherwise, last-known-good, otherwise, available]",
                "f:6:93: what stands behind otherwise is never reached: the stages before it always leave one; "
                    + "put available or another filter before it"
            ),
        ])
    func refused(servers: String, pool: String, wideIP: String, diagnostic: String) {
        let found = load(servers, pool: pool, wideIP: wideIP).diagnostics.map(\.description)
        #expect(found.contains(diagnostic), "\(found)")
    }

    @Test("a rule about coming back is warned of where nothing can go down")
    func unwatched() {
        let found = load(
            "a: { address: \"192.0.2.1:80\", region: eu, failback: { hold: 5s } }, " + server("b")
        ).diagnostics.map(\.description)
        #expect(found.contains { $0.contains("warning: nothing watches the virtual server") }, "\(found)")
    }
}

@Suite("Geography that ages")
struct GeographyAgeTests {
    @Test("old data, and data of the future, are warned of, a day of grace for clocks that differ")
    func ages() {
        let day: UInt64 = 86_400
        let now = 2000 * day
        func wrong(_ built: UInt64) -> String? { ConfigurationAssembly.wrongAge(built: built, now: now)?.what }
        #expect(wrong(now) == nil)
        #expect(wrong(now - 120 * day) == nil)
        #expect(wrong(now - 120 * day - 1) == "is 120 days old")
        #expect(wrong(now - 1000 * day) == "is 1000 days old")
        #expect(wrong(now + day) == nil)
        #expect(wrong(now + day + 1) == "was made in the future")
        #expect(wrong(0) == "is 2000 days old")
    }
}
