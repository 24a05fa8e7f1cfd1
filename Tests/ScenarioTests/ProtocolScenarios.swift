import Foundation
import Testing

@Suite("The name server's protocol, asked with dig and kdig")
struct ProtocolScenarios {
    /// A zone and whatever keys of `dns:` a case has.
    static func configuration(port: Int, listen: String = "\"127.0.0.1:PORT\"", _ keys: String = "") -> String {
        """
        dns:
          listen: [\(listen.replacing("PORT", with: "\(port)"))]
        \(keys.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
        zones:
          example.com:
            ns: [ns1.example.com]
            soa: { serial: 2026 }
            records: { ns1: { A: [127.0.0.1] }, www: { A: [192.0.2.1, 192.0.2.2] }, big: { TXT: [\(big)] } }
        """
    }

    /// 900 bytes of text in several strings of one set.
    private static let big = (0..<6).map { "\"\($0)\(String(repeating: "x", count: 149))\"" }.joined(separator: ", ")

    private func kdig(_ port: Int, _ arguments: String...) throws -> String {
        try Program.run("kdig", ["@127.0.0.1", "-p", "\(port)", "+retry=1", "+time=20"] + arguments).output
    }

    private func cookie(_ answer: String) -> String? {
        answer.firstMatch(of: /COOKIE: ([0-9a-f]{48})/).map { String($0.1) }
    }

    // MARK: Options

    @Test("cookies: dig finds ours good, and comes back with it")
    func cookies() throws {
        let port = try freePort()
        let program = try Program(Self.configuration(port: port))
        let first = try Program.dig(port, "www.example.com", "+cookie=0102030405060708")
        #expect(first.contains("(good)"), "\(first)\n\(program.text)")
        let issued = try #require(cookie(first))
        #expect(issued.hasPrefix("010203040506070801000000"))
        let second = try Program.dig(port, "www.example.com", "+cookie=\(issued)", "+tcp")
        #expect(cookie(second) == issued)
        let forged = issued.dropLast() + (issued.hasSuffix("0") ? "1" : "0")
        let third = try Program.dig(port, "www.example.com", "+cookie=\(forged)")
        #expect(third.contains("status: NOERROR") && cookie(third) != String(forged), "\(third)")
        #expect(try kdig(port, "www.example.com", "+cookie").contains("COOKIE"))
        #expect(try Program.dig(port, "www.example.com", "+nocookie", "+ednsopt=10:0102").contains("status: FORMERR"))
        let asked = try Program.dig(port, "+header-only", "+cookie=0102030405060708")
        #expect(asked.contains("status: NOERROR") && asked.contains("(good)") && asked.contains("QUERY: 0"))
    }

    @Test("cookies required: those who can show one are served at once or the second time, others over TCP")
    func requiredCookies() throws {
        let port = try freePort()
        let program = try Program(Self.configuration(port: port, "cookies: { policy: require }"))
        let refused = try Program.dig(port, "www.example.com", "+nobadcookie", "+cookie=0102030405060708")
        #expect(refused.contains("status: BADCOOKIE"), "\(refused)\n\(program.text)")
        let retried = try Program.dig(port, "www.example.com", "+cookie", "+badcookie", "+short")
        #expect(Set(retried.split(separator: "\n")) == ["192.0.2.1", "192.0.2.2"])
        let kdigs = try kdig(port, "www.example.com", "+cookie", "+badcookie", "+short")
        #expect(Set(kdigs.split(separator: "\n")) == ["192.0.2.1", "192.0.2.2"])
        let truncated = try Program.dig(port, "www.example.com", "+nocookie", "+ignore")
        #expect(truncated.contains(" tc") && truncated.contains("ANSWER: 0"))
        let overTCP = try Program.dig(port, "www.example.com", "+nocookie")
        #expect(overTCP.contains("retrying in TCP mode") && overTCP.contains("192.0.2.2"))
    }

    @Test("two nodes with one secret take each other's cookies, through a rollover at reload too")
    func sharedSecret() throws {
        let (one, two) = (String(repeating: "01", count: 16), String(repeating: "02", count: 16))
        let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ name: String, _ secrets: String...) throws -> String {
            let file = folder.appending(path: name)
            try secrets.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
            return "cookies: { secrets: \(file.path) }"
        }
        let (first, second) = (try freePort(), try freePort())
        let here = try Program(Self.configuration(port: first, try write("here", one)))
        let there = try Program(Self.configuration(port: second, try write("there", one)))
        let issued = try #require(
            cookie(try Program.dig(first, "www.example.com", "+cookie=0102030405060708")), "\(here.text)")
        #expect(cookie(try Program.dig(second, "www.example.com", "+cookie=\(issued)")) == issued)
        // The new secret makes cookies there; here it is only accepted, until this node is changed too.
        _ = try write("here", one, two)
        here.hangUp()
        try wait(for: "the reload") { here.logged("reloaded") }
        _ = try write("there", two, one)
        there.hangUp()
        try wait(for: "the reload") { there.logged("reloaded") }
        let newer = try #require(cookie(try Program.dig(second, "www.example.com", "+cookie=0102030405060708")))
        for port in [first, second] {
            #expect(cookie(try Program.dig(port, "www.example.com", "+cookie=\(issued)")) == issued)
            #expect(cookie(try Program.dig(port, "www.example.com", "+cookie=\(newer)")) == newer)
        }
        _ = try write("there", two)
        there.hangUp()
        try wait(for: "the end of the old secret") {
            cookie(try Program.dig(second, "www.example.com", "+cookie=\(issued)")) != issued
        }
    }

    @Test("answers without a good cookie are small when that is asked for")
    func smallWithoutCookie() throws {
        let port = try freePort()
        let program = try Program(Self.configuration(port: port, "udp_size_without_cookie: 512"))
        let without = try Program.dig(port, "big.example.com", "TXT", "+ignore", "+nocookie", "+bufsize=1232")
        #expect(without.contains(" tc") && without.contains("ANSWER: 0"), "\(without)\n\(program.text)")
        let new = try Program.dig(port, "big.example.com", "TXT", "+ignore", "+cookie=0102030405060708")
        #expect(new.contains(" tc"))
        let good = try Program.dig(
            port, "big.example.com", "TXT", "+ignore", "+cookie=\(try #require(cookie(new)))", "+bufsize=1232")
        #expect(!good.contains(" tc") && good.contains("ANSWER: 6"))
    }

    @Test("who and what this is: NSID, CHAOS, the zone's version, keepalive, and why not")
    func identity() throws {
        let port = try freePort()
        let program = try Program(
            Self.configuration(
                port: port,
                """
                identity: { server: ams-1.example.net, version: "meridian of ours", nsid: ams-1 }
                zone_version: epoch
                tcp: { idle_timeout: 7s }
                """))
        let nsid = try Program.dig(port, "www.example.com", "+nsid")
        #expect(nsid.contains("NSID: 61 6d 73 2d 31 (\"ams-1\")"), "\(nsid)\n\(program.text)")
        #expect(try kdig(port, "www.example.com", "+nsid").contains("ams-1"))
        for name in ["id.server", "hostname.bind"] {
            #expect(try Program.dig(port, "CH", "TXT", name, "+short") == "\"ams-1.example.net\"\n")
        }
        for name in ["version.bind", "VERSION.server"] {
            #expect(try Program.dig(port, "CH", "TXT", name, "+short") == "\"meridian of ours\"\n")
        }
        let other = try Program.dig(port, "CH", "TXT", "authors.bind")
        #expect(other.contains("status: REFUSED") && other.contains("EDE: 20"))
        #expect(try Program.dig(port, "HS", "TXT", "www.example.com").contains("status: REFUSED"))
        // Two labels, type 0, serial 2026; two labels, type 246, generation 1 and an epoch.
        let version = try Program.dig(port, "www.example.com", "+ednsopt=19")
        #expect(version.contains("02 00 00 00 07 ea"))
        #expect(version.contains("02 f6 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00"))
        let keepalive = try Program.dig(port, "www.example.com", "+tcp", "+keepalive")
        #expect(keepalive.contains("TCP KEEPALIVE: 7.0") || keepalive.contains("TCP-KEEPALIVE: 7.0"))
        #expect(!(try Program.dig(port, "www.example.com", "+keepalive").uppercased().contains("KEEPALIVE:")))
        let outside = try Program.dig(port, "www.example.org")
        #expect(outside.contains("status: REFUSED") && outside.contains("EDE: 20 (Not Authoritative)"))
        let any = try Program.dig(port, "www.example.com", "ANY", "+notcp")
        #expect(any.contains("HINFO\t\"RFC8482\" \"\"") && any.contains("ANSWER: 1"))
    }

    @Test("EDNS of another version, unknown options and flags, and operations that are none")
    func envelope() throws {
        let port = try freePort()
        let program = try Program(Self.configuration(port: port))
        let version = try Program.dig(port, "www.example.com", "+edns=1", "+noednsneg", "+ednsopt=100:00ff")
        #expect(version.contains("status: BADVERS") && version.contains("version: 0"), "\(program.text)")
        #expect(version.contains("ANSWER: 0"))
        let unknown = try Program.dig(port, "www.example.com", "+ednsopt=100:00ff", "+ednsflags=0x4001", "+nocookie")
        #expect(unknown.contains("status: NOERROR") && !unknown.contains("OPT=") && !unknown.contains("MBZ"))
        let operation = try Program.dig(port, "www.example.com", "+opcode=15", "+rec")
        #expect(operation.contains("status: NOTIMP") && operation.contains("flags: qr;"))
        let flags = try Program.dig(port, "www.example.com", "+cdflag", "+adflag", "+zflag", "+norec")
        #expect(flags.contains("flags: qr aa;"))
        #expect(try Program.dig(port, "www.example.com", "+subnet=0/0").contains("CLIENT-SUBNET: 0.0.0.0/0/0"))
        #expect(try Program.dig(port, "www.example.com", "+ednsopt=8:000118ff0a0102").contains("status: FORMERR"))
        #expect(try kdig(port, "wWw.ExAmPlE.cOm", "+edns=1").contains("BADVERS"))
        #expect(try Program.dig(port, "wWw.ExAmPlE.cOm", "+noall", "+answer").hasPrefix("wWw.ExAmPlE.cOm."))
    }

    // MARK: Rate limit

    @Test("over the limit: truncated, so that a real client comes over TCP; a cookie makes exempt; counted")
    func rateLimit() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let program = try Program(
            Self.configuration(port: port, "threads: 1\nrate_limit: { rate: 1, slip: 1 }")
                + "\nadmin: { socket: \(socket) }\n")
        var isLimited = false
        try wait(for: "the limit") {
            isLimited = try Program.dig(port, "www.example.com", "+ignore", "+nocookie").contains(" tc")
            return isLimited
        }
        let overTCP = try Program.dig(port, "www.example.com", "+nocookie", "+tcp")
        #expect(overTCP.contains("192.0.2.1"), "\(program.text)")
        let first = try Program.dig(port, "www.example.com", "+cookie=0102030405060708", "+ignore")
        let issued = try #require(cookie(first))
        for _ in 0..<5 {
            let good = try Program.dig(port, "www.example.com", "+cookie=\(issued)", "+ignore")
            #expect(!good.contains(" tc") && good.contains("192.0.2.1"))
        }
        let status = try Program.run("curl", ["--silent", "--unix-socket", socket, "http://meridian/v1/status"]).output
        #expect(status.contains(/"rateSlipped" ?: ?[1-9]/), "\(status)")
        #expect(status.contains(/"goodCookies" ?: ?5/), "\(status)")
        #expect(status.contains(/"tcp.accepted" ?: ?[1-9]/))
        let table = try Program.run(Program.binary.path, ["status", "--socket", socket]).output
        #expect(table.contains("DNS  127.0.0.1:\(port)  zones 1\n"), "\(table)")
        #expect(table.contains(/queries  UDP [1-9][0-9]*  TCP 1  EDNS [1-9]/))
        #expect(table.contains(/answers  data [1-9][0-9]*  no data 0  no such name 0/))
        #expect(table.contains(/limits  truncated ([1-9][0-9]*)  .*over the rate \1  of them truncated \1/))
        #expect(table.contains(/cookies  new 1  good 5  bad 0\n/))
        #expect(table.contains(/connections  open [01]  accepted 1  refused 0/))
    }

    // MARK: TCP

    @Test("kdig asks several questions over one connection, and one that ends its side early gets its answers")
    func connections() throws {
        let port = try freePort()
        let program = try Program(Self.configuration(port: port))
        let several = try Program.run(
            "kdig",
            [
                "@127.0.0.1", "-p", "\(port)", "+tcp", "+keepopen", "www.example.com", "A", "big.example.com", "TXT",
                "nothing.example.com", "A",
            ]
        ).output
        #expect(several.components(separatedBy: "->>HEADER<<-").count == 4, "\(several)\n\(program.text)")
        #expect(several.contains("status: NXDOMAIN"))
        let early = try Program.run(
            "python3",
            [
                "-c",
                """
                import socket, struct
                query = b"\\0\\7\\0\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3www\\7example\\3com\\0\\0\\1\\0\\1"
                connection = socket.create_connection(("127.0.0.1", \(port)), 5)
                connection.sendall((struct.pack(">H", len(query)) + query) * 50)
                connection.shutdown(socket.SHUT_WR)
                data = b""
                while True:
                    part = connection.recv(65536)
                    if not part:
                        break
                    data += part
                count = 0
                while data:
                    length = struct.unpack(">H", data[:2])[0]
                    assert data[2:4] == b"\\0\\7", data
                    data = data[2 + length:]
                    count += 1
                print(count)
                """,
            ])
        #expect(early.output == "50\n", "\(early.error)")
    }

    @Test("when file descriptors run out, accepting rests, UDP goes on, and when there are some again, TCP does too")
    func descriptors() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let program = try Program(
            Self.configuration(port: port, "tcp: { connections_per_source: 1000 }")
                + "\nadmin: { socket: \(socket) }\n")
        try program.limitDescriptors(toMore: 10)
        let full = try Program.run(
            "python3",
            [
                "-c",
                """
                import socket, subprocess, time
                held = [socket.create_connection(("127.0.0.1", \(port)), 5) for _ in range(40)]
                time.sleep(1.5)
                print(subprocess.run(["dig", "@127.0.0.1", "-p", "\(port)", "www.example.com", "+short", "+notcp"],
                      capture_output=True, text=True).stdout)
                """,
            ])
        #expect(full.output.contains("192.0.2.1"), "\(full.error)\n\(program.text)")
        // The 40 have ended with their program.
        try wait(for: "TCP to come back") {
            try Program.dig(port, "www.example.com", "+tcp", "+short").contains("192.0.2.1")
        }
        let status = try Program.run("curl", ["--silent", "--unix-socket", socket, "http://meridian/v1/status"]).output
        #expect(status.contains(/"tcp.acceptPauses" ?: ?[1-9]/), "\(status)")
    }

    // MARK: Addresses

    @Test("listening on all addresses, each answers for itself, over UDP and TCP", arguments: ["+notcp", "+tcp"])
    func wildcard(transport: String) throws {
        let port = try freePort()
        let program = try Program(Self.configuration(port: port, listen: "\"0.0.0.0:PORT\", \"[::]:PORT\""))
        for address in ["127.0.0.1", "127.0.0.2", "127.8.9.10", "::1"] {
            let answer = try Program.run(
                "dig",
                ["@\(address)", "-p", "\(port)", "www.example.com", "+tries=1", "+time=20", "+short", transport]
            ).output
            #expect(answer.contains("192.0.2.1"), "\(address): \(answer)\n\(program.text)")
        }
    }

    @Test(
        "so it is with addresses of a machine with several, IPv4 and IPv6",
        .enabled(if: canMakeNamespaces, "this machine lets nobody make network namespaces"))
    func dualStack() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "meridian.yaml")
        try Self.configuration(port: 53, listen: "\"0.0.0.0:PORT\", \"[::]:PORT\"")
            .write(to: file, atomically: true, encoding: .utf8)
        // Each question from another address than the one asked, so that the kernel's own choice would be wrong; dig takes
        // no answer from an address that it did not ask.
        let script = """
            set -e
            ip link set lo up
            for address in 192.0.2.11 192.0.2.12 198.51.100.11; do ip address add $address/32 dev lo; done
            for address in 2001:db8::11 2001:db8::12 2001:db8:1::11; do ip -6 address add $address/128 dev lo nodad; done
            "$1" run --config "$2" >"$2.log" 2>&1 &
            program=$!
            trap 'kill $program; wait $program' EXIT
            for try in $(seq 2400); do grep -q serving "$2.log" && break; sleep 0.05; done
            ask() { dig -b "$1" "@$2" www.example.com +tries=1 +time=20 +short $3 | grep -c 192.0.2.1; }
            for transport in +notcp +tcp; do
                for asked in 192.0.2.11 192.0.2.12 198.51.100.11; do
                    for source in 192.0.2.11 192.0.2.12 127.0.0.1; do ask $source $asked $transport; done
                done
                for asked in 2001:db8::11 2001:db8::12 2001:db8:1::11 ::1; do
                    for source in 2001:db8::11 2001:db8::12; do ask $source $asked $transport; done
                done
            done
            """
        let result = try Program.run(
            "unshare",
            [
                "--user", "--map-root-user", "--net", "bash", "-c", script, "bash", Program.binary.path, file.path,
            ])
        let log = try String(contentsOf: URL(filePath: file.path + ".log"), encoding: .utf8)
        #expect(result.output == String(repeating: "1\n", count: 2 * 17), "\(result.error)\n\(log)")
    }
}

private let canMakeNamespaces =
    (try? Program.run("unshare", ["--user", "--map-root-user", "--net", "true"]).status) == 0
