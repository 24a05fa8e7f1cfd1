import DNSWire
import Glibc
import Testing
import TrafficModel

@testable import ConfigurationLoading

/// A folder with files, removed at the end.
private final class Folder {
    let path: String
    private let names: [String]

    init(_ files: [String: String]) throws {
        var template = Array("/tmp/meridian-configuration-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            // The template ends with a zero.
            unsafe buffer.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
        }
        guard made else { throw FileProblem(wrong: "cannot make a folder", advice: "") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        names = Array(files.keys)
        for (name, text) in files {
            guard let file = unsafe fopen("\(path)/\(name)", "w") else {
                throw FileProblem(wrong: "cannot write \(name)", advice: "")
            }
            let written = unsafe fputs(text, file)
            let closed = unsafe fclose(file)
            unsafe chmod("\(path)/\(name)", 0o640)
            guard written >= 0, closed == 0 else { throw FileProblem(wrong: "cannot write \(name)", advice: "") }
        }
    }

    deinit {
        for name in names { _ = unsafe unlink("\(path)/\(name)") }
        _ = unsafe rmdir(path)
    }

    /// What loading `meridian.yaml` says, paths without the folder.
    func messages() -> [String] {
        ConfigurationLoader.load(path: "\(path)/meridian.yaml").diagnostics.map {
            $0.description.replacing("\(path)/", with: "")
        }
    }
}

private let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
private let key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"

@Test("mistakes of a zone file are told with their own place")
func zoneFiles() throws {
    let folder = try Folder([
        "meridian.yaml": "dns: { listen: [\"127.0.0.1:53\"] }\nzones: { example.net: { file: net.zone } }\n",
        "net.zone": """
        $TTL 1h
        @ SOA ns hostmaster 1 1h 10m 7d 30s
        @ NS ns
        ns A 192.0.2.1
        www A 192.0.2
        """,
    ])
    let said = folder.messages()
    #expect(said.count == 1)
    #expect(said.first?.hasPrefix("net.zone:5:7: ") == true, "\(said)")
}

@Test("files that are missing are told where they are named")
func missingFiles() throws {
    let folder = try Folder([
        "meridian.yaml": """
        listeners: { web: { address: "127.0.0.1:8443", tls: { certificates: [a] }, upstream: api } }
        certificates: { a: { chain: a.pem, key: a.key } }
        upstreams: { api: { members: ["127.0.0.1:1"], tls: { authority: ca.pem } } }
        dns: { listen: ["127.0.0.1:53"] }
        zones: { example.net: { file: net.zone } }
        """
    ])
    let missing = "No such file or directory; create it or correct the path"
    #expect(
        folder.messages() == [
            "meridian.yaml:2:29: cannot open \"a.pem\": \(missing)",
            "meridian.yaml:2:41: cannot open \"a.key\": \(missing)",
            "meridian.yaml:3:65: cannot open \"ca.pem\": \(missing)",
            "meridian.yaml:5:31: cannot open \"net.zone\": \(missing)",
        ])
}

@Test("a certificate and a key must be what they are said to be")
func certificateFiles() throws {
    let text = """
        listeners: { web: { address: "127.0.0.1:8443", tls: { certificates: [a] }, upstream: api } }
        certificates: { a: { chain: a.pem, key: a.key } }
        upstreams: { api: { members: ["127.0.0.1:1"] } }
        """
    #expect(try Folder(["meridian.yaml": text, "a.pem": pem, "a.key": key]).messages() == [])
    #expect(
        try Folder(["meridian.yaml": text, "a.pem": key, "a.key": pem]).messages() == [
            "meridian.yaml:2:29: \"a.pem\" holds no certificate; name a PEM file with -----BEGIN … CERTIFICATE-----",
            "meridian.yaml:2:41: \"a.key\" holds no private key; name a PEM file with -----BEGIN … PRIVATE KEY-----",
        ])
    let locked = key.replacing("PRIVATE", with: "ENCRYPTED PRIVATE")
    #expect(
        try Folder(["meridian.yaml": text, "a.pem": pem, "a.key": locked]).messages() == [
            """
            meridian.yaml:2:41: the private key in "a.key" is encrypted; store it without a passphrase: nobody can type \
            one when a node starts
            """
        ])
    let old = key.replacing("MIIB", with: "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIIB")
    #expect(try Folder(["meridian.yaml": text, "a.pem": pem, "a.key": old]).messages().count == 1)
    #expect(
        try Folder(["meridian.yaml": text, "a.pem": String(pem.dropLast(9)), "a.key": key]).messages() == [
            "meridian.yaml:2:29: a PEM block of \"a.pem\" is broken; copy the file again, whole"
        ])
}

@Test("secrets of DNS cookies: one a line with comments; mistakes are told with their line, and never the text of one")
func cookieSecrets() throws {
    let text =
        "dns: { listen: [\"127.0.0.1:53\"], cookies: { secrets: c } }\nzones: { example.net: { ns: [ns.example.org] } }"
    let (one, two) = ("e5e973e5a6b2a43f48e7dc849e37bfcf", "445536BCD2513298075A5D379663C962")
    let good = try Folder(["meridian.yaml": text, "c": "# shared\n\(one)  # since May\n\n \(two)\r\n"])
    let intent = try #require(ConfigurationLoader.load(path: "\(good.path)/meridian.yaml").intent)
    #expect(
        intent.dns.answers.cookies.secrets == [
            SipKey(first: 0x3fa4_b2a6_e573_e9e5, second: 0xcfbf_379e_84dc_e748),
            SipKey(first: 0x9832_51d2_bc36_5544, second: 0x62c9_6396_375d_5a07),
        ])
    func messages(_ file: String) throws -> [String] { try Folder(["meridian.yaml": text, "c": file]).messages() }
    for bad in ["\(one)0", String(one.dropLast()), "x" + one.dropFirst(), "0x\(one)"] {
        #expect(
            try messages("\(two)\n\(bad)\n") == [
                "c:2:1: this line is not a secret of 32 hexadecimal digits; write it anew"
            ])
    }
    #expect(try messages("\(one)\n\n\(one)\n") == ["c:3:1: this secret stands twice; remove it"])
    let many = (0..<5).map { one.dropLast() + "\($0)" }
    #expect(try messages(many.prefix(4).joined(separator: "\n")) == [])
    #expect(try messages(many.joined(separator: "\n")) == ["c:5:1: there are more than 4 secrets; remove the oldest"])
    let open = try Folder(["meridian.yaml": text, "c": one])
    unsafe chmod("\(open.path)/c", 0o644)
    #expect(
        open.messages() == [
            "meridian.yaml:1:54: warning: every user of this machine can read \"c\", and who knows a secret can make cookies; take that away with chmod o-r"
        ])
    for empty in ["", "# nothing yet\n"] {
        #expect(
            try messages(empty) == [
                "meridian.yaml:1:54: \"c\" holds no secret; write 32 hexadecimal digits into it, as openssl rand -hex 16 makes them"
            ])
    }
    #expect(
        try Folder(["meridian.yaml": text]).messages() == [
            "meridian.yaml:1:54: cannot open \"c\": No such file or directory; create it or correct the path"
        ])
}

@Test("network lists are read, and regions that none has are told")
func networkLists() throws {
    let text = """
        dns: { listen: ["127.0.0.1:53"] }
        geography: [{ networks: offices.csv }]
        regions: { eu: { host: eu.example.net } }
        virtual_servers: { a: { address: "192.0.2.1:443", region: eu } }
        pools: { eu: { virtual_servers: [a] } }
        zones: { example.net: { ns: [ns.example.org] } }
        wide_ips: { www.example.net: { pools: [eu], topology: [{ networks: [REGION], pools: [eu] }] } }
        """
    let list = "192.0.2.0/24,warsaw\n"
    let good = text.replacing("REGION", with: "warsaw")
    #expect(try Folder(["meridian.yaml": good, "offices.csv": list]).messages() == [])
    let bad = text.replacing("REGION", with: "warsow")
    #expect(
        try Folder(["meridian.yaml": bad, "offices.csv": list]).messages() == [
            "meridian.yaml:7:69: no network list has the region \"warsow\"; did you mean \"warsaw\"?"
        ])
    let missing = try Folder(["meridian.yaml": good]).messages()
    #expect(missing.count == 1 && missing[0].hasPrefix("meridian.yaml:2:13: \"offices.csv\": "), "\(missing)")
    let broken = try Folder(["meridian.yaml": good, "offices.csv": "192.0.2.0/24,warsaw\n300.1.1.1/8,x\n"]).messages()
    #expect(broken.count == 1 && broken[0].hasPrefix("offices.csv:2:"), "\(broken)")
}

@Test(
    "a configuration that cannot be read is an error, not a crash",
    arguments: ["/nonexistent/a.yaml", "/tmp", "/dev/zero"])
func unreadable(path: String) {
    let result = ConfigurationLoader.load(path: path)
    #expect(result.intent == nil && result.diagnostics.count == 1)
    #expect(result.diagnostics.first?.description.hasPrefix("\(path): ") == true)
}
