import Addresses
import DNSWire
import Testing
import TrafficModel

@testable import Authority

@Suite("Identifier, zone version, keepalive and extended errors")
struct OptionTests {
    @Test("NSID: what is configured, to who asks, with whatever in it; nothing if nothing is (RFC 5001)")
    func identifier() throws {
        var intent = Fixture.intent()
        #expect(try Fixture.nsid(intent) == nil)
        for identifier: [UInt8] in [Array("ams-1".utf8), [0, 255], [UInt8](repeating: 1, count: 64)] {
            intent.dns.answers.identifier = identifier
            #expect(try Fixture.nsid(intent) == identifier)
            #expect(try Fixture.nsid(intent, data: [1, 2, 3]) == identifier)
            #expect(try Fixture.nsid(intent, name: "nowhere.example.org") == identifier)
            var fixture = Fixture(intent)
            #expect(try fixture.ask("www.example.com").option(3) == nil, "not asked for")
        }
    }

    @Test("ZONEVERSION: the zone's serial with every answer from a zone, and none with others (RFC 9660)")
    func zoneVersion() throws {
        var fixture = Fixture()
        for (name, type, expected) in [
            ("www.example.com", RecordType.a, [2, 0, 0, 0, 0, 7]), ("nothing.example.com", .a, [2, 0, 0, 0, 0, 7]),
            ("www.example.com", .mx, [2, 0, 0, 0, 0, 7]), ("x.sub.example.com", .a, [2, 0, 0, 0, 0, 7]),
            ("api.example.com", .a, [2, 0, 0, 0, 0, 7]), ("x.y.wild.example.com", .a, [2, 0, 0, 0, 0, 7]),
            ("host.child.example.com", .a, [3, 0, 0, 0, 0, 1]), ("child.example.com", .soa, [3, 0, 0, 0, 0, 1]),
            ("80.2.0.192.in-addr.arpa", .ptr, [5, 0, 0, 0, 0, 1]),
        ] as [(String, RecordType, [UInt8])] {
            #expect(try fixture.ask(.query(name, type, options: [19: []])).option(19) == expected, "\(name)")
            #expect(try fixture.ask(.query(name, type, options: [:])).option(19) == nil, "not asked for")
        }
        // The parent answers for DS at a cut between two zones of ours.
        for (name, type) in [
            ("www.example.org", RecordType.a), ("www.example.com", .axfr), ("child.example.com", .ds),
        ] {
            #expect(try fixture.ask(.query(name, type, options: [19: []])).option(19) == nil, "\(name)")
        }
        #expect(try fixture.ask(.query(options: [19: [0]])).responseCode == 1)
        #expect(fixture.responder.counters.value(.zoneVersions) == 9)
    }

    @Test("ZONEVERSION with the epoch: a second option of a private type names what decided")
    func epoch() throws {
        var intent = Fixture.intent()
        intent.generation = 0x0102
        intent.dns.answers.zoneVersion = .epoch
        var fixture = Fixture(intent)
        let response = try fixture.ask(.query("api.example.com", options: [19: []]))
        let versions = response.edns?.options.filter { $0.code == 19 }.map(\.data)
        #expect(
            versions == [
                [2, 0, 0, 0, 0, 7], [2, 246, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 1],
            ])
        intent.dns.answers.zoneVersion = .off
        var off = Fixture(intent)
        #expect(try off.ask(.query(options: [19: []])).edns?.options == [])
        #expect(try off.ask(.query(options: [19: [0]])).responseCode == 0, "not known: ignored")
    }

    @Test("keepalive: our idle timeout over TCP, nothing over UDP, FORMERR for a timeout in a query (RFC 7828)")
    func keepalive() throws {
        for (idle, expected) in [
            (Duration.seconds(10), [0, 100]), (.milliseconds(100), [0, 1]), (.seconds(25), [0, 250]),
            (.seconds(10_000), [255, 255]),
        ] as [(Duration, [UInt8])] {
            var intent = Fixture.intent()
            intent.dns.tcpIdle = idle
            var fixture = Fixture(intent)
            #expect(try fixture.ask(.query(options: [11: []]), tcp: true).option(11) == expected)
            #expect(try fixture.ask(.query(options: [:]), tcp: true).option(11) == nil)
            #expect(try fixture.ask(.query(options: [11: [0, 1]]), tcp: true).responseCode == 1)
            for data: [UInt8] in [[], [0, 1], [9]] {
                let overUDP = try fixture.ask(.query(options: [11: data]))
                #expect(overUDP.responseCode == 0 && overUDP.edns?.options == [])
            }
        }
    }

    @Test("extended errors say why (RFC 8914), only with EDNS")
    func extendedErrors() throws {
        var intent = Fixture.intent()
        intent.wideIPs[0].allDown = .rcode(2)
        intent.wideIPs[0].method = .globalAvailability
        intent.wideIPs[0].topology = []
        var overrides = Overrides()
        for pool in ["us", "eu"] {
            overrides.entries[.pool(pool)] = Overrides.Entry(verdict: .forceDown, reason: "")
        }
        var fixture = Fixture(intent, overrides: overrides)
        func error(_ name: String, _ type: RecordType = .a, _ recordClass: UInt16 = 1) throws -> [UInt8]? {
            var query = DNSMessage.query(name, type, options: [:])
            query.questions[0].recordClass = recordClass
            query.edns = nil
            #expect(try fixture.ask(query).edns == nil)
            query.edns = .init()
            return try fixture.ask(query).option(15)
        }
        #expect(try error("www.example.org") == [0, 20])
        #expect(try error("www.example.com", .axfr) == [0, 21])
        #expect(try error("www.example.com", .a, 4) == [0, 21])
        #expect(try error("authors.bind", .txt, 3) == [0, 20])
        #expect(try error("api.example.com") == [0, 0] + Array("no pool is available".utf8))
        #expect(try error("www.example.com") == nil)
        #expect(try error("nothing.example.com") == nil)
    }

    @Test("the longest question with all options at once fits into 512 bytes, truncated or refused")
    func everything() throws {
        var intent = Fixture.intent()
        intent.dns.answers.identifier = [UInt8](repeating: 9, count: 64)
        intent.dns.answers.zoneVersion = .epoch
        intent.dns.answers.udpSizeWithoutCookie = 128
        intent.dns.udpSize = 512
        let label = String(repeating: "x", count: 63)
        let options: KeyValuePairs<UInt16, [UInt8]> = [
            10: CookieTests.client, 3: [], 19: [], 8: [0, 2, 128, 0] + [UInt8](repeating: 1, count: 16),
        ]
        // 255 bytes in wire form.
        let tail = String(repeating: "y", count: 253 - 3 * 64 - ".wild.example.com".count)
        for (name, code) in [
            ("\(label).\(label).\(label).\(tail).wild.example.com", UInt16(0)),
            ("\(label).\(label).\(label).\(String(repeating: "z", count: 61))", 5),
        ] {
            #expect(DomainName(name)?.wire.count == 255)
            var fixture = Fixture(intent)
            var query = DNSMessage.query(name, .mx, options: options)
            query.edns?.udpSize = 512
            let response = try fixture.ask(query)
            #expect(response.responseCode == code)
            #expect(response.isTruncated == (code == 0))
            #expect(response.option(10)?.count == 24 && response.option(3)?.count == 64)
            #expect(response.option(8)?.count == 20)
            #expect(response.edns?.options.filter { $0.code == 19 }.count == (code == 0 ? 2 : 0))
            #expect(response.wire.count <= 512)
            #expect(fixture.raw(query.wire, capacity: 512).count <= 512)
        }
    }
}

extension Fixture {
    /// The identifier in the answer to a question that asks for it.
    static func nsid(_ intent: Intent, name: String = "www.example.com", data: [UInt8] = []) throws -> [UInt8]? {
        var fixture = Fixture(intent)
        return try fixture.ask(.query(name, options: [3: data])).option(3)
    }
}
