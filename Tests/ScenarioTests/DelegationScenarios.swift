import Foundation
import Testing

/// A small internet on loopback addresses: a root, a top-level domain, reverse zones and a list of networks, served by
/// unbound, and Meridian on port 53 of two addresses for the zone that is delegated to it.
///
/// The addresses are in parts of the space that are open to use, because zonemaster complains about private ones.
/// Nothing leaves the namespace.
@Suite("A zone delegated to two Meridians, seen from the root")
struct DelegationScenarios {
    final class Internet {
        let namespace: Namespace
        private let servers: [Unbound]
        let programs: [Program]

        init() throws {
            namespace = try Namespace(
                addresses: (1...2).flatMap { side in
                    (1...3).flatMap { ["44.\(side).0.\($0)", "2a0\(side)::\($0)"] }
                })
            servers = [
                try Self.unbound(1, zones: [".": Self.root], namespace),
                try Self.unbound(
                    2,
                    zones: [
                        "example": Self.example, "44.in-addr.arpa": Self.reverse4, "ip6.arpa": Self.reverse6,
                        "asnlookup.zonemaster.net": Self.networks,
                    ], namespace),
            ]
            let namespace = namespace
            programs = try (1...2).map { try Program(Self.configuration($0), in: namespace) }
        }

        private static func unbound(
            _ host: Int, zones: [String: String], _ namespace: Namespace
        ) throws -> Unbound {
            let names = zones.keys.sorted()
            return try Unbound(
                settings: (1...2).map { "  interface: 44.\($0).0.\(host)\n  interface: 2a0\($0)::\(host)\n" }.joined()
                    + "  module-config: \"iterator\"\n",
                sections: names.enumerated().map {
                    "auth-zone:\n  name: \"\($1)\"\n  zonefile: zone\($0)\n  fallback-enabled: no\n"
                }.joined(),
                files: Dictionary(
                    uniqueKeysWithValues: names.enumerated().map { ("zone\($0)", (zones[$1] ?? "") + "\n") }),
                in: namespace)
        }

        private static func head(_ servers: String...) -> String {
            "$TTL 3600\n@ SOA \(servers[0]) hostmaster.nic.example. 1 14400 3600 1209600 3600\n"
                + servers.map { "@ NS \($0)\n" }.joined()
        }
        private static let providers = head("ns1.nic.example.", "ns2.nic.example.")

        private static let root =
            head("a.root-servers.net.", "b.root-servers.net.") + hosts("a.root-servers.net.", "b.root-servers.net.", 1)
            + ["example.", "44.in-addr.arpa.", "ip6.arpa.", "asnlookup.zonemaster.net."].map {
                "\($0) NS ns1.nic.example.\n\($0) NS ns2.nic.example.\n"
            }.joined() + hosts("ns1.nic.example.", "ns2.nic.example.", 2)
        private static let example =
            providers + hosts("ns1.nic", "ns2.nic", 2) + "shop NS ns1.shop\nshop NS ns2.shop\n"
            + hosts("ns1.shop", "ns2.shop", 3)
        private static let reverse4 = providers + "3.0.1 PTR ns1.shop.example.\n3.0.2 PTR ns2.shop.example.\n"
        private static let reverse6 =
            providers
            + (1...2).map {
                "3\(String(repeating: ".0", count: 27)).\($0).0.a.2 PTR ns\($0).shop.example.\n"
            }.joined()
        private static let networks =
            providers
            + (1...2).map {
                """
                *.\($0).44.origin TXT "6449\($0) | 44.\($0).0.0/16 | ZZ | test | 2024-01-01"
                *.\($0).0.a.2.origin6 TXT "6449\($0) | 2a0\($0)::/16 | ZZ | test | 2024-01-01"

                """
            }.joined()

        private static func hosts(_ first: String, _ second: String, _ host: Int) -> String {
            "\(first) A 44.1.0.\(host)\n\(first) AAAA 2a01::\(host)\n"
                + "\(second) A 44.2.0.\(host)\n\(second) AAAA 2a02::\(host)\n"
        }

        static let hints = [("a", 1), ("b", 2)].map { name, side in
            let name = "\(name).root-servers.net."
            return ". 3600000 NS \(name)\n\(name) 3600000 A 44.\(side).0.1\n\(name) 3600000 AAAA 2a0\(side)::1\n"
        }.joined()

        private static func configuration(_ side: Int) -> String {
            """
            dns: { listen: ["44.\(side).0.3:53", "[2a0\(side)::3]:53"], threads: 1 }
            regions: { eu: { host: eu.shop.example }, us: { host: us.shop.example } }
            virtual_servers:
              eu-1: { address: "192.0.2.1:443", region: eu }
              eu-6: { address: "[2001:db8::1]:443", region: eu }
              us-1: { address: "198.51.100.1:443", region: us }
            pools: { eu: { virtual_servers: [eu-1, eu-6] }, us: { virtual_servers: [us-1] } }
            wide_ips:
              api.shop.example: { pools: [eu, us] }
              x.api.shop.example: { pools: [us, eu] }
            zones:
              shop.example:
                ns: [ns1.shop.example, ns2.shop.example]
                ttl: 1h
                records:
                  ns1: { A: 44.1.0.3, AAAA: "2a01::3" }
                  ns2: { A: 44.2.0.3, AAAA: "2a02::3" }
                  mail: { A: 192.0.2.25, AAAA: "2001:db8::25" }
                  "@": { MX: ["10 mail"], TXT: "v=spf1 -all" }
                  deep.empty.names: { TXT: found }
            """
        }

        func run(_ command: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run("env", Array(namespace.command(command)))
        }
    }

    /// What zonemaster may say, and why: everything else from NOTICE on fails the test.
    static let accepted: Set<String> = [
        // The zone is not signed.
        "NEITHER_DNSKEY_NOR_DS", "NOT_SIGNED",
        // No secondary server transfers a zone that steers, so how often it would ask does not matter.
        "REFRESH_MINIMUM_VALUE_LOWER", "RETRY_MINIMUM_VALUE_LOWER",
        // Absence is kept for 30 seconds on purpose: a passing NODATA of a steered name must not outlast an outage.
        "SOA_DEFAULT_TTL_MAXIMUM_VALUE_LOWER",
    ]

    @Test("zonemaster finds nothing to complain about")
    func zonemaster() throws {
        let internet = try Internet()
        let hints = FileManager.default.temporaryDirectory.appending(path: "hints-\(UUID().uuidString)")
        try Internet.hints.write(to: hints, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: hints) }
        struct Entry: Decodable {
            let level: String
            let tag: String
            let testcase: String
        }
        var entries: [Entry] = []
        var complaints: Set<String> = []
        var context = ""
        // It takes a server that a busy machine makes late for one that does not answer, once.
        for _ in 0..<3 {
            let (output, error, status) = try internet.run(
                "zonemaster-cli", "--hints", hints.path, "--ipv4", "--ipv6", "--level", "INFO", "--json",
                "shop.example")
            entries = try JSONDecoder().decode([Entry].self, from: Data(output.utf8))
            context = "\(status) \(error)\n\(output)\n\(internet.programs.map(\.text).joined())"
            complaints = Set(entries.filter { $0.level != "INFO" }.map(\.tag)).subtracting(Self.accepted)
            if complaints.isEmpty { break }
        }
        #expect(complaints.isEmpty, "\(context)")
        // It went through to the end, and saw both servers over both families.
        let tags = Set(entries.map(\.tag))
        for tag in [
            "HAS_PARENT", "IPV4_DIFFERENT_ASN", "IPV6_DIFFERENT_ASN", "NO_RECURSOR", "CASE_QUERIES_RESULTS_OK",
            "ONE_SOA_SERIAL", "ADDRESSES_MATCH", "EDNS0_SUPPORT", "AXFR_FAILURE", "SAME_SOURCE_IP", "ONE_NS_SET",
        ] {
            #expect(tags.contains(tag), "\(tag)\n\(context)")
        }
    }

    @Test("a resolver that knows the root alone finds every name")
    func recursion() throws {
        let internet = try Internet()
        let resolver = try Unbound(
            settings: """
                  interface: 127.0.0.1@5300
                  module-config: "iterator"
                  root-hints: hints
                  use-caps-for-id: yes
                  qname-minimisation-strict: yes
                """, sections: "", files: ["hints": Internet.hints], in: internet.namespace)
        for (name, type, expected) in [
            ("api.shop.example", "A", ["eu.shop.example.", "192.0.2.1"]),
            ("api.shop.example", "AAAA", ["eu.shop.example.", "2001:db8::1"]),
            ("x.api.shop.example", "A", ["us.shop.example.", "198.51.100.1"]),
            ("shop.example", "MX", ["10 mail.shop.example."]), ("deep.empty.names.shop.example", "TXT", ["\"found\""]),
            ("shop.example", "NS", ["ns1.shop.example.", "ns2.shop.example."]),
        ] {
            let answer = try internet.run(
                "dig", "@127.0.0.1", "-p", "5300", "+short", "+tries=2", "+time=20", name, type)
            #expect(
                answer.output.split(separator: "\n").map(String.init).sorted() == expected.sorted(),
                "\(name) \(type): \(answer)\n\(resolver.text)\n\(internet.programs.map(\.text).joined())")
        }
        let missing = try internet.run("dig", "@127.0.0.1", "-p", "5300", "no.names.shop.example", "A")
        #expect(missing.output.contains("status: NXDOMAIN"), "\(missing)\n\(resolver.text)")
    }
}
