import Addresses
import DNSWire
import Testing
import TrafficModel

@testable import ConfigurationLoading

private func load(_ stages: String, pool: String = "", geography: String = "") -> LoadResult {
    let text = """
        dns: { listen: ["127.0.0.1:5300"] }
        \(geography)
        regions: { eu: { location: { latitude: 50, longitude: 8 } }, us: {} }
        virtual_servers:
          e1: { address: "192.0.2.1:80", region: eu, score: 7, capacity: 100 }
          e2: { address: "192.0.2.2:80", region: eu, ratio: 0 }
          u1: { address: "192.0.2.3:80", region: us, ratio: 0 }
        pools:
          eu: { virtual_servers: [e1, e2], answer: addresses, score: 3, ratio: 0 }
          us: { virtual_servers: [u1], answer: addresses, ratio: 0 }
          last: { virtual_servers: [e2, u1], answer: addresses\(pool) }
        wide_ips:
          www.example.net:
            pools: [eu, us]
            stages: \(stages)
          last.example.net: { pools: [last] }
        zones: { example.net: { ns: [ns1.example.net], records: { ns1: { A: 192.0.2.53 } } } }
        """
    return ConfigurationLoader.load(text: text, name: "f")
}

@Suite("Stages in the configuration")
struct StageConfigurationTests {
    @Test("every stage is read")
    func stages() throws {
        let result = load(
            """
            [available, { topology: { match: longest, use: only, records: [
              { prefixes: [10.0.0.0/8], not: { prefixes: [10.1.0.0/16] }, pools: [us] } ] }, empty: keep },
              { shed: { by: bits, soft: 800M, hard: 1.5G } }, { shed: { by: cpu, soft: 70%, hard: 90% } },
              { weigh: members }, { weigh: { quality: { cpu: 2, response: 0.5 } } }, { persist: { v4: 20, v6: 48 } },
              otherwise, available, { latency: { margin: 5ms } }, { order: connections },
              otherwise, { answer: { code: nodata, ttl: 5s } } ]
            """, pool: ", stages: [available, { order: list }, { take: 2 }, otherwise, { answer: { pool: eu } }]")
        let intent = try #require(result.intent, "\(result.diagnostics)")
        let records = [
            TopologyRecord(
                sources: [.prefix(IPPrefix("10.0.0.0/8")!)], exceptions: [.prefix(IPPrefix("10.1.0.0/16")!)],
                candidates: [1])
        ]
        #expect(
            intent.wideIPs[0].stages == [
                Stage(.available), Stage(.topology(Topology(records, match: .longest, use: .only)), whenEmpty: .keep),
                Stage(.shed(.init(.bits, soft: .absolute(800e6), hard: .absolute(1.5e9)))),
                Stage(.shed(.init(.cpu, soft: .share(0.7), hard: .share(0.9)))),
                Stage(.weigh(by: .criterion(.members))), Stage(.weigh(by: .quality([.cpu: 2, .response: 0.5]))),
                Stage(.persist(v4: 20, v6: 48)), Stage(.otherwise), Stage(.available),
                Stage(.latency(margin: .milliseconds(5))), Stage(.order(by: .criterion(.connections))),
                Stage(.otherwise), Stage(.answer(.code(0, ttl: 5))),
            ])
        #expect(
            intent.pools[2].stages == [
                Stage(.available), Stage(.order(by: .list)), Stage(.take(2)), Stage(.otherwise),
                Stage(.answer(.pool(0))),
            ])
        #expect(intent.virtualServers[0].score == 7)
        #expect(intent.pools[0].score == 3)
    }

    @Test(
        "words and mappings say the same",
        arguments: [
            ("available", "{ available: {} }"), ("latency", "{ latency: {} }"), ("persist", "{ persist: {} }"),
            ("{ answer: refused }", "{ answer: { code: refused } }"),
        ])
    func words(short: String, long: String) throws {
        let first = try #require(load("[\(short)]").intent?.wideIPs[0].stages)
        #expect(first == load("[\(long)]").intent?.wideIPs[0].stages)
    }

    @Test(
        "mistakes are refused with the reason",
        arguments: [
            ("[]", "the list is empty"), ("[best]", "\"best\" is no stage"),
            ("[{ take: 1 }]", "a wide IP answers with one pool"),
            ("[otherwise, available]", "otherwise stands between two alternatives"),
            ("[available, otherwise]", "otherwise stands between two alternatives"),
            ("[available, otherwise, otherwise, draw]", "otherwise stands between two alternatives"),
            ("[draw, otherwise, available]", "the stages before it always leave one"),
            ("[{ available: {}, empty: keep }, otherwise, draw]", "the stages before it always leave one"),
            ("[{ answer: drop }, draw]", "this stage is never reached"),
            ("[available, { answer: drop }]", "the answer hides what the stages before it left"),
            ("[available, { weigh: ratio }, draw]", "every pool has ratio 0"),
            ("[available, { weigh: members }]", "nothing makes use of these shares"),
            (
                "[available, { weigh: members }, { weigh: cpu }, { weigh: bits }, draw]",
                "more than two stages weigh"
            ),
            ("[draw, persist]", "persist undoes the order by draw before it"),
            ("[{ order: cpu }, round-robin]", "round-robin undoes the order by cpu before it"),
            ("[nearest]", "the distance cannot be told without geography"),
            ("[nearest]", "the region \"us\" has no location"),
            ("[{ nearest: { within: 5 } }]", "\"5\" is not a distance"),
            ("[{ nearest: { within: 20101km } }]", "20101km is out of range"),
            ("[{ order: speed }]", "\"speed\" is nothing to compare by"),
            ("[{ order: { quality: { cpu: 0 } } }]", "all coefficients are zero"),
            ("[{ order: { quality: { speed: 1 } } }]", "\"speed\" is nothing to compare by"),
            ("[{ shed: { by: members, soft: 1, hard: 2 } }]", "members is no load"),
            ("[{ shed: { by: bits, soft: 2, hard: 2 } }]", "the hard limit is not above the soft one"),
            ("[{ shed: { by: bits, soft: 2, hard: 90% } }]", "one limit is a number and the other a share"),
            ("[{ shed: { by: bits, soft: 50%, hard: 90% } }]", "the pool \"eu\" has none"),
            ("[{ persist: { v4: 33 } }]", "33 is out of range"),
            ("[{ answer: { pool: eu, code: nodata } }]", "exclude each other"),
            ("[{ answer: { code: servfail, ttl: 5s } }]", "a servfail has no place for a TTL"),
            ("[{ answer: { addresses: [0.0.0.0] } }]", "\"0.0.0.0\" is not an address to send clients to"),
            (
                "[{ topology: { records: [{ countries: [PL], pools: [eu] }] } }]",
                "the country PL cannot be told without geography"
            ),
            (
                "[{ topology: { records: [{ prefixes: [10.0.0.0/8], pools: [last] }] } }]",
                "the pool \"last\" is not one of the wide IP's pools"
            ),
            ("[{ topology: { records: [{ prefixes: [10.0.0.0/8], not: {}, pools: [eu] }] } }]", "excludes nobody"),
            ("[{ topology: { records: [{ subdivisions: [US], pools: [eu] }] } }]", "is not a subdivision code"),
            ("[{ topology: { records: [{ cities: [Warsaw], pools: [eu] }] } }]", "is not a country and a city"),
            ("[{ topology: { records: [{ asns: [0], pools: [eu] }] } }]", "is not an AS number"),
        ])
    func mistakes(stages: String, wrong: String) {
        let result = load(stages)
        #expect(result.intent == nil)
        #expect(result.diagnostics.contains { $0.message.contains(wrong) }, "\(result.diagnostics)")
    }

    @Test(
        "the short form and stages exclude each other",
        arguments: ["method: ratio", "all_down: closed"])
    func mixed(key: String) {
        let result = load("[available]", pool: ", \(key), stages: [available]")
        #expect(result.diagnostics.contains { $0.message.contains("exclude each other") }, "\(result.diagnostics)")
    }

    @Test("answers that go in a circle are refused")
    func circle() {
        let result = load(
            "[available]", pool: ", stages: [available, otherwise, { answer: { pool: last } }]")
        #expect(
            result.diagnostics.contains { $0.message.contains("goes in a circle: last → last") },
            "\(result.diagnostics)")
    }

    @Test("stages at the limit are read, one more is refused", arguments: [32, 33])
    func count(count: Int) {
        let stages = [String](repeating: "{ order: cpu }", count: count).joined(separator: ", ")
        #expect((load("[\(stages)]").intent == nil) == (count > 32))
    }

    @Test("candidates at the limit are taken, one more is refused", arguments: [64, 65])
    func candidates(count: Int) {
        let names = (0..<count).map { "s\($0)" }
        let text = """
            dns: { listen: ["127.0.0.1:5300"] }
            regions: { eu: {} }
            virtual_servers:
            \(names.enumerated().map { "  \($1): { address: \"192.0.2.\($0 + 1):80\", region: eu }" }.joined(separator: "\n"))
            pools: { p: { virtual_servers: [\(names.joined(separator: ", "))], host: p.example.net } }
            zones: { example.net: { ns: [ns1.example.net], records: { ns1: { A: 192.0.2.53 } } } }
            """
        let result = ConfigurationLoader.load(text: text, name: "f")
        #expect((result.intent == nil) == (count > 64), "\(result.diagnostics)")
    }

    @Test("a steered name has addresses of the zone where a stage answers with them, and nowhere else")
    func zoneData() {
        func text(_ stages: String) -> String {
            """
            dns: { listen: ["127.0.0.1:5300"] }
            regions: { eu: {} }
            virtual_servers: { e1: { address: "192.0.2.1:80", region: eu } }
            pools: { eu: { virtual_servers: [e1], answer: addresses } }
            wide_ips: { www.example.net: { pools: [eu], stages: \(stages) } }
            zones: { example.net: { ns: [ns1.example.net], records: { ns1: { A: 192.0.2.53 }, www: { A: 192.0.2.80 } } } }
            """
        }
        let with = ConfigurationLoader.load(text: text("[available, otherwise, { answer: zone-data }]"), name: "f")
        #expect(with.intent != nil, "\(with.diagnostics)")
        let without = ConfigurationLoader.load(text: text("[available]"), name: "f")
        #expect(without.diagnostics.contains { $0.message.contains("has a static A record") }, "\(without.diagnostics)")
    }
}
