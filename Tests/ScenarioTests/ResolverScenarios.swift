import Foundation
import Testing

/// Strict about everything that bad name servers make resolvers give up: letters of random case, minimised names.
@Suite("The WIP tier behind a resolver: unbound")
struct ResolverScenarios {
    static func resolver(port: Int, serverPort: Int, overTCP: Bool = false) throws -> Unbound {
        try Unbound(
            settings: """
                  interface: 127.0.0.1@\(port)
                  module-config: "subnetcache validator iterator"
                  send-client-subnet: 127.0.0.1
                  client-subnet-always-forward: yes
                  use-caps-for-id: yes
                  qname-minimisation: yes
                  qname-minimisation-strict: yes
                  harden-below-nxdomain: yes
                  tcp-upstream: \(overTCP ? "yes" : "no")
                  do-ip6: no
                """,
            sections: ["example.com", "example.net"].map {
                "stub-zone:\n  name: \($0)\n  stub-addr: 127.0.0.1@\(serverPort)\n"
            }.joined())
    }

    static func configuration(port: Int, health: (port: Int, address: String)? = nil) -> String {
        """
        dns: { listen: ["127.0.0.1:\(port)"] }
        regions:
          eu: { host: eu.lb.example.net }
          us: { host: us.lb.example.net }
        \(health == nil ? "" : "monitors: { port: { tcp: {}, interval: 100ms, timeout: 100ms, rise: 1, fall: 2 } }")
        virtual_servers:
          eu-1: { address: "\(health.map { "\($0.address):\($0.port)" } ?? "192.0.2.1:443")", region: eu\(
              health == nil ? "" : ", monitors: [port]") }
          us-1: { address: "198.51.100.1:443", region: us }
        pools:
          eu: { region: eu, virtual_servers: [eu-1], ttl: 1s }
          us: { region: us, virtual_servers: [us-1], ttl: 1s }
        wide_ips:
          api.example.com:
            pools: [eu, us]
            method: topology
            topology: [{ prefixes: [198.18.0.0/15], pools: [us] }]
            ttl: 2s
        zones:
          example.com:
            ns: [ns1.example.com]
            ttl: 30m
            records:
              ns1: { A: 127.0.0.1 }
              www: { A: 192.0.2.80, TXT: "hello world" }
              alias: { CNAME: www }
              a.b.c.d: { A: 192.0.2.9 }
              "*.wild": { TXT: found }
              big: { TXT: [\((0..<40).map { "\"\($0) \(String(repeating: "x", count: 100))\"" }.joined(separator: ", "))] }
              sub: { NS: ns.sub }
              ns.sub: { A: 192.0.2.53 }
          example.net: { ns: [ns1.example.com] }
        """
    }

    @Test("names of every kind resolve, over UDP and TCP", arguments: [false, true])
    func resolves(overTCP: Bool) throws {
        let (port, serverPort) = (try freePort(), try freePort())
        let program = try Program(Self.configuration(port: serverPort))
        let resolver = try Self.resolver(port: port, serverPort: serverPort, overTCP: overTCP)
        let cases: [(name: String, type: String, status: String, answers: [String])] = [
            ("www.example.com", "A", "NOERROR", ["192.0.2.80"]),
            ("www.example.com", "TXT", "NOERROR", ["\"hello world\""]),
            ("www.example.com", "AAAA", "NOERROR", []),
            ("alias.example.com", "A", "NOERROR", ["www.example.com.", "192.0.2.80"]),
            ("a.b.c.d.example.com", "A", "NOERROR", ["192.0.2.9"]),
            ("c.d.example.com", "A", "NOERROR", []),
            ("x.y.c.d.example.com", "A", "NXDOMAIN", []),
            ("x.y.wild.example.com", "TXT", "NOERROR", ["\"found\""]),
            ("x.y.wild.example.com", "A", "NOERROR", []),
            ("nothing.example.com", "A", "NXDOMAIN", []),
            ("example.com", "NS", "NOERROR", ["ns1.example.com."]),
            ("api.example.com", "A", "NOERROR", ["eu.lb.example.net.", "192.0.2.1"]),
            ("api.example.com", "AAAA", "NOERROR", ["eu.lb.example.net."]),
            ("api.example.com", "HTTPS", "NOERROR", ["eu.lb.example.net."]),
            ("api.example.com", "NS", "NOERROR", ["eu.lb.example.net."]),
            ("x.api.example.com", "A", "NXDOMAIN", []),
            ("eu.lb.example.net", "A", "NOERROR", ["192.0.2.1"]),
        ]
        for item in cases {
            let text = try Program.dig(port, item.name, item.type)
            let context = "\(item.name) \(item.type):\n\(text)\n\(resolver.text)\n\(program.text)"
            #expect(text.contains("status: \(item.status)"), "\(context)")
            let short = try Program.dig(port, item.name, item.type, "+short")
            #expect(short.split(separator: "\n").map(String.init) == item.answers, "\(context)")
        }
        // More than a UDP message has room for: the resolver comes back over TCP.
        let big = try Program.dig(port, "big.example.com", "TXT", "+short")
        #expect(big.split(separator: "\n").count == 40, "\(big)\n\(resolver.text)")
    }

    @Test("clients of one resolver are told apart by their networks, and its cache keeps them apart")
    func clientSubnet() throws {
        let (port, serverPort) = (try freePort(), try freePort())
        let program = try Program(Self.configuration(port: serverPort))
        let resolver = try Self.resolver(port: port, serverPort: serverPort)
        // In turn, so that one kind of client's answer is in the cache when the other asks.
        for _ in 0..<3 {
            for (network, host) in [
                ("198.18.7.0/24", "us"), ("203.0.113.0/24", "eu"), ("198.19.255.0/24", "us"), ("198.20.0.0/24", "eu"),
            ] {
                let answer = try Program.dig(port, "api.example.com", "+short", "+subnet=\(network)")
                #expect(
                    answer.hasPrefix("\(host).lb.example.net.\n"),
                    "\(network): \(answer)\n\(resolver.text)\n\(program.text)")
            }
        }
    }

    @Test("the TTLs are those that were configured, and clients are moved when a region dies and comes back")
    func failover() throws {
        let (port, serverPort) = (try freePort(), try freePort())
        var member: OpenPort? = try OpenPort(freePort())
        let health = try #require(member).port
        let program = try Program(Self.configuration(port: serverPort, health: (health, "127.0.0.1")))
        let resolver = try Self.resolver(port: port, serverPort: serverPort)
        func answer() throws -> String { try Program.dig(port, "api.example.com", "+noall", "+answer") }
        func lines(_ text: String) -> [[Substring]] {
            text.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace) }
        }

        let first = lines(try answer())
        #expect(first.map { $0.last } == ["eu.lb.example.net.", "127.0.0.1"], "\(resolver.text)\n\(program.text)")
        #expect(first.compactMap { Int($0[1]) }.map { (0...2).contains($0) } == [true, true], "\(first)")
        let static1 = lines(try Program.dig(port, "www.example.com", "+noall", "+answer"))
        #expect(static1.first.flatMap { Int($0[1]) }.map { (1750...1800).contains($0) } == true, "\(static1)")

        member = nil
        try wait(for: "the clients to be sent to us") { try answer().contains("198.51.100.1") }
        member = try OpenPort(health)
        try wait(for: "the clients to be sent back to eu") { try answer().contains("127.0.0.1") }
        withExtendedLifetime(member) {}
    }
}

/// A TCP port of 127.0.0.1 that takes connections as long as the object lives.
final class OpenPort {
    private let descriptor: Int32
    let port: Int

    init(_ port: Int) throws {
        self.port = port
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0, listen(descriptor, 128) == 0 else {
            close(descriptor)
            throw Program.Failure(description: "port \(port) cannot be opened")
        }
    }

    deinit { close(descriptor) }
}
