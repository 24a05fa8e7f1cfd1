import Foundation
import Testing

@Suite("The WIP tier, asked with kdig, the ldns tools and dnsperf")
struct ClientToolScenarios {
    /// What ldns and Meridian both read; every type that its users list in zone files.
    static let zone = ##"""
        $TTL 1h
        @ IN SOA ns1 hostmaster ( 7 2h 15m 2w 30 )
        @ NS ns1
        @ NS ns2
        @ MX 10 mail
        @ TXT "v=spf1 -all" "second; string" "with \"quotes\" and \\ and \200"
        @ CAA 0 issue "ca.example.net"
        ns1 A 127.0.0.1
        ns2 AAAA 2001:db8::53
        mail 5m IN A 192.0.2.25
        www 2h IN A 192.0.2.1
        www 2h A 192.0.2.2 ; another
        WWW AAAA 2001:DB8:0:0::1
        alias CNAME www
        a\.dot TXT "a label with a dot"
        \065bc TXT "an escaped letter"
        *.wild A 192.0.2.9
        _sip._tcp SRV 1 2 5060 mail.example.com.
        host HINFO "PC" "Linux 6"
        tel NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp.example.com.
        ssh SSHFP 4 2 ( 123456789ABCDEF67890123456789ABCDEF67890
            123456789ABCDEF123456789 )
        _443._tcp TLSA 3 1 1 0C72AC70B745AC19998811B131D662C9AC69DBDBE7CB23E5B514B56664C5D3D6
        unknown TYPE65280 \# 4 0A000001
        generic TYPE1 \# 4 C0000201
        sub NS ns.sub
        sub DS 12345 13 2 3A1B 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDD
        ns.sub A 192.0.2.54
        $ORIGIN deep.example.com.
        one A 192.0.2.11
        two.three PTR www.example.com.
        """##

    private static func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tools-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test("every record of a zone file is answered as ldns reads it", arguments: ["drill", "kdig"])
    func sameZone(tool: String) throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "zone")
        try ("$ORIGIN example.com.\n" + Self.zone + "\n").write(to: file, atomically: true, encoding: .utf8)
        let read = try Program.run("ldns-read-zone", ["-z", file.path])
        #expect(read.status == 0, "\(read.error)")
        let records = read.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        #expect(records.count == 28)

        let port = try freePort()
        let program = try Program(
            "dns: { listen: [\"127.0.0.1:\(port)\"] }\nzones: { example.com: { file: \(file.path) } }\n")
        var answers: Set<String> = []
        for key in Set(records.map { [$0[0], $0[3]] }) {
            // Behind the delegation nothing is answered but the delegation.
            let isBelow = key[0].hasSuffix(".sub.example.com.")
            let isCut = key == ["sub.example.com.", "NS"]
            let arguments =
                tool == "drill"
                ? ["-t", "-p", "\(port)", key[0], "@127.0.0.1", key[1]]
                : [
                    "@127.0.0.1", "-p", "\(port)", "+tcp", "+norec", "+noall", "+answer", "+authority", "+additional",
                    key[0], key[1],
                ]
            let result = try Program.run(tool, arguments)
            #expect(result.status == 0, "\(key): \(result)\n\(program.text)")
            let lines = result.output.split(separator: "\n").filter { !$0.hasPrefix(";") && !$0.isEmpty }
            for line in lines where isBelow || isCut || line.lowercased().hasPrefix(key[0].lowercased()) {
                answers.insert(String(line))
            }
        }
        let served = folder.appending(path: "served")
        try answers.sorted().joined(separator: "\n").appending("\n").write(
            to: served, atomically: true, encoding: .utf8)
        let comparison = try Program.run("ldns-compare-zones", ["-a", file.path, served.path])
        #expect(comparison.status == 0, "\(comparison)\n\(answers.sorted().joined(separator: "\n"))\n\(program.text)")
        #expect(comparison.output.contains("+0\t-0\t~0"), "\(comparison)")
    }

    @Test("kdig: queries behind one another on one connection, and truncation where the client's room ends")
    func kdig() throws {
        let port = try freePort()
        let program = try Program(ResolverScenarios.configuration(port: port))
        let several = try Program.run(
            "kdig",
            ["@127.0.0.1", "-p", "\(port)", "+tcp", "+keepopen", "+short"]
                + (0..<20).flatMap { _ in ["www.example.com", "api.example.com", "big.example.com"] })
        #expect(
            several.output.split(separator: "\n").count { $0 == "192.0.2.80" } == 20, "\(several)\n\(program.text)")
        let cut = try Program.run(
            "kdig", ["@127.0.0.1", "-p", "\(port)", "+ignore", "+bufsize=1232", "big.example.com", "TXT"])
        #expect(cut.output.contains("Flags: qr aa tc rd"), "\(cut)")
        #expect(cut.output.contains("ANSWER: 0"), "\(cut)")
        let whole = try Program.run("kdig", ["@127.0.0.1", "-p", "\(port)", "+short", "big.example.com", "TXT"])
        #expect(whole.output.split(separator: "\n").count == 40, "\(whole)")
        let subnet = try Program.run(
            "kdig", ["@127.0.0.1", "-p", "\(port)", "+subnet=198.18.7.0/24", "+nsid", "api.example.com", "A"])
        #expect(subnet.output.contains("CLIENT-SUBNET: 198.18.7.0/24/15"), "\(subnet)")
        #expect(subnet.output.contains("us.lb.example.net."), "\(subnet)")
    }

    @Test("dnsperf loses no query while the configuration is swapped", arguments: ["udp", "tcp"])
    func dnsperf(mode: String) throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let port = try freePort()
        let configuration = ResolverScenarios.configuration(port: port)
        let program = try Program(configuration)
        let queries = folder.appending(path: "queries")
        try [
            "www.example.com A", "www.example.com TXT", "api.example.com A", "api.example.com AAAA",
            "nothing.example.com A", "x.wild.example.com TXT", "host.sub.example.com A", "eu.lb.example.net A",
            "alias.example.com A", "example.com NS",
        ].joined(separator: "\n").write(to: queries, atomically: true, encoding: .utf8)
        // A shell ends by itself when dnsperf does.
        let script = """
            dnsperf -s 127.0.0.1 -p \(port) -m \(mode) -d \(queries.path) -c 8 -q 50 -Q 4000 -l 8 -t 60 -e &
            tester=$!
            while kill -0 $tester 2>/dev/null; do kill -HUP \(program.processIdentifier); sleep 0.2; done
            wait $tester
            """
        let result = try Program.run("bash", ["-c", script])
        #expect(result.status == 0, "\(result)\n\(program.text)")
        #expect(result.output.contains("Queries lost:         0 (0.00%)"), "\(result)\n\(program.text)")
        #expect(result.output.contains("NOERROR") && result.output.contains("NXDOMAIN"), "\(result)")
        let codes = result.output.split(separator: "\n").first { $0.contains("Response codes:") } ?? ""
        #expect(!codes.contains("SERVFAIL") && !codes.contains("REFUSED"), "\(codes)")
        #expect(!program.text.contains("warning") && !program.text.contains("error"), "\(program.text)")
        try wait(for: "several generations") { program.logged("generation=4") }
    }
}
