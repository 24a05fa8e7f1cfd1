import Foundation
import Testing

@Suite("The WIP tier, asked with dig")
struct NameServerScenarios {
    static func configuration(port: Int, order: String = "[eu, us]") -> String {
        """
        dns: { listen: ["127.0.0.1:\(port)"] }
        regions:
          eu: { host: eu.lb.example.net }
          us: { host: us.lb.example.net }
        virtual_servers:
          eu-1: { address: "192.0.2.1:443", region: eu }
          eu-2: { address: "192.0.2.2:443", region: eu }
          us-1: { address: "198.51.100.1:443", region: us }
        pools:
          eu: { region: eu, virtual_servers: [eu-1, eu-2] }
          us: { region: us, virtual_servers: [us-1] }
        wide_ips:
          api.example.com:
            pools: \(order)
            method: topology
            topology:
              - { prefixes: [198.18.0.0/15], pools: [us] }
            ttl: 30s
        zones:
          example.com: { ns: [ns1.example.com], records: { ns1: { A: [127.0.0.1] }, www: { TXT: ["hello world"] } } }
          example.net: { ns: [ns1.example.com] }
        """
    }

    @Test("a wide IP answers one CNAME to every type, and regional DNS the addresses", arguments: ["A", "AAAA", "TXT"])
    func flow(type: String) throws {
        let port = try freePort()
        let program = try Program(Self.configuration(port: port))
        let answer = try Program.dig(port, "api.example.com", type, "+noall", "+answer")
        #expect(answer.split(separator: "\n").count == 1, "\(answer)\n\(program.text)")
        #expect(answer.contains("30\tIN\tCNAME\teu.lb.example.net."))
        let addresses = try Program.dig(port, "eu.lb.example.net", "A", "+short")
        #expect(Set(addresses.split(separator: "\n")) == ["192.0.2.1", "192.0.2.2"])
    }

    @Test("the client's subnet decides, with the scope of the map, over UDP and TCP", arguments: ["+notcp", "+tcp"])
    func clientSubnet(transport: String) throws {
        let port = try freePort()
        let program = try Program(Self.configuration(port: port))
        let inside = try Program.dig(port, "api.example.com", "+subnet=198.18.7.0/24", transport)
        #expect(inside.contains("us.lb.example.net."), "\(inside)\n\(program.text)")
        #expect(inside.contains("CLIENT-SUBNET: 198.18.7.0/24/15"))
        let outside = try Program.dig(port, "api.example.com", "+subnet=203.0.113.0/24", transport)
        #expect(outside.contains("eu.lb.example.net."))
    }

    @Test("NXDOMAIN, NODATA and REFUSED where they belong")
    func negative() throws {
        let port = try freePort()
        let program = try Program(Self.configuration(port: port))
        let missing = try Program.dig(port, "nothing.example.com")
        #expect(missing.contains("status: NXDOMAIN"), "\(missing)\n\(program.text)")
        #expect(missing.contains("SOA"))
        let noData = try Program.dig(port, "www.example.com", "A")
        #expect(noData.contains("status: NOERROR") && noData.contains("ANSWER: 0") && noData.contains("SOA"))
        #expect(try Program.dig(port, "example.org").contains("status: REFUSED"))
    }

    @Test("SIGHUP swaps the configuration, and a broken file keeps the old one and says where it is broken")
    func reload() throws {
        let port = try freePort()
        let program = try Program(Self.configuration(port: port))
        try program.replaceConfiguration(Self.configuration(port: port, order: "[us, eu]"))
        program.hangUp()
        try wait(for: "the new order") {
            try Program.dig(port, "api.example.com", "+short").contains("us.lb.example.net")
        }
        try program.replaceConfiguration("wide_ipz: {}\n")
        program.hangUp()
        try wait(for: "the refusal") { program.logged("meridian.yaml:1:1") }
        #expect(try Program.dig(port, "api.example.com", "+short").contains("us.lb.example.net"))
    }

    @Test("an address in use is named, and the program ends with 1")
    func portInUse() throws {
        let port = try freePort()
        let first = try Program(Self.configuration(port: port))
        let second = try Program.run(Program.binary.path, ["run", "-c", first.configuration.path])
        #expect(second.status == 1)
        #expect(second.error.contains("127.0.0.1:\(port)"))
    }
}
