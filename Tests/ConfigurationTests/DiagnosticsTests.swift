import Testing

@testable import ConfigurationLoading

/// Parts that cases of one mistake share: complete, so that nothing else is wrong.
private let base = """
    dns: { listen: ["127.0.0.1:5300"] }
    regions: { eu: { host: eu.lb.example.net } }
    monitors: { web: { http: { path: / } } }
    virtual_servers: { eu-1: { address: "192.0.2.1:443", region: eu, monitors: [web] } }
    pools: { eu: { virtual_servers: [eu-1] } }
    zones: { example.net: { ns: [ns.example.org] } }
    wide_ips: { api.example.net: { pools: [eu] } }

    """

func messages(_ text: String) -> [String] {
    ConfigurationLoader.load(bytes: Array(text.utf8), name: "f", readsFiles: false).diagnostics.map(\.description)
}

struct Mistake: CustomTestStringConvertible {
    var text: String
    var expected: [String]
    var testDescription: String { expected.first ?? text }

    /// The shared parts, one piece of them replaced.
    static func replacing(_ piece: String, by other: String, _ expected: String...) -> Mistake {
        precondition(base.contains(piece))
        return Mistake(text: base.replacing(piece, with: other), expected: expected)
    }

    /// The shared parts and a ninth line and those after it.
    static func adding(_ lines: String, _ expected: String...) -> Mistake {
        Mistake(text: base + lines + "\n", expected: expected)
    }

    static func alone(_ text: String, _ expected: String...) -> Mistake { Mistake(text: text, expected: expected) }
}

@Test("the shared parts have no mistake")
func baseIsClean() {
    #expect(messages(base) == [])
}

private let valueTable: [Mistake] = [
    .replacing(
        "\"127.0.0.1:5300\"", by: "127.0.0.1",
        "f:1:17: \"127.0.0.1\" is not an address and a port; add the port: 127.0.0.1:443"),
    .replacing(
        "\"127.0.0.1:5300\"", by: "\"::1:53\"",
        "f:1:17: \"::1:53\" is not an address and a port; put the address in brackets: \"[::1]:53\" or \"[::1:53]:443\""
    ),
    .replacing(
        "[\"127.0.0.1:5300\"]", by: "\"127.0.0.1:5300\"",
        "f:1:16: a list was expected, not \"127.0.0.1:5300\"; write [127.0.0.1:5300]"),
    .replacing("[\"127.0.0.1:5300\"]", by: "[]", "f:1:16: the list is empty; give at least 1"),
    .replacing(
        "listen:", by: "lisen:",
        "f:1:6: dns lacks the key \"listen\"; add listen: addresses that answer DNS, each over UDP and TCP",
        "f:1:8: there is no key \"lisen\" in dns; did you mean \"listen\"?"),
    .replacing("5300\"]", by: "5300\"], udp_size: 400", "f:1:46: 400 is out of range; write 512 to 4096"),
    .replacing(
        "5300\"]", by: "5300\"], udp_size: big", "f:1:46: \"big\" is not a whole number; write one of 512 to 4096"),
    .replacing("5300\"]", by: "5300\"], udp_size:", "f:1:36: the key has no value; give it a number, or remove it"),
    .replacing("5300\"]", by: "5300\"], udp_size: [1]", "f:1:46: a number was expected, not a list; write one value"),
    .replacing(
        "5300\"]", by: "5300\"], client_subnet: yes", "f:1:51: \"yes\" is neither true nor false; write true or false"),
    .replacing("5300\"]", by: "5300\"], tcp: 7", "f:1:41: a mapping was expected, not \"7\"; write connections: …"),
    .replacing(
        "5300\"]", by: "5300\"], tcp: { idle_timeout: 5 }",
        "f:1:57: \"5\" is not a duration with a unit; write 5s or 5ms"),
    .replacing("5300\"]", by: "5300\"], tcp: { idle_timeout: 5d }", "f:1:57: 5d is out of range; write 100ms to 1h"),
    .replacing(
        "5300\"]", by: "5300\"], udp_size_without_cookie: 127", "f:1:61: 127 is out of range; write 128 to 4096"),
    .replacing(
        "5300\"]", by: "5300\"], zone_version: serail",
        "f:1:50: \"serail\" is not one of off, serial, epoch; did you mean \"serial\"?"),
    .replacing(
        "5300\"]", by: "5300\"], cookies: { policy: demand }",
        "f:1:55: \"demand\" is not one of off, answer, require; write one of these"),
    .replacing(
        "5300\"]", by: "5300\"], cookies: { policy: \"off\", secrets: a }",
        "f:1:71: warning: the secrets are not used with policy: off; remove one of the two"),
    .replacing(
        "5300\"]", by: "5300\"], identity: { nsid: 0x123 }",
        "f:1:54: \"0x123\" is not 0x and pairs of hexadecimal digits; write one like 0x6e6f6465, or text"),
    .replacing(
        "5300\"]", by: "5300\"], identity: { nsid: 0x }",
        "f:1:54: the identifier has 0 bytes; give it 1 to 64"),
    .replacing(
        "5300\"]", by: "5300\"], identity: { nsid: \(String(repeating: "n", count: 65)) }",
        "f:1:54: the identifier has 65 bytes; give it 1 to 64"),
    .replacing(
        "5300\"]", by: "5300\"], rate_limit: { slip: 2 }",
        "f:1:48: dns.rate_limit lacks the key \"rate\"; "
            + "add rate: responses of each kind that a network gets in a second; so many may come at once"),
    .replacing(
        "5300\"]", by: "5300\"], rate_limit: { rate: 0 }", "f:1:56: 0 is out of range; write 1 to 1000000"),
    .replacing(
        "5300\"]", by: "5300\"], rate_limit: { rate: 1, slip: 16 }", "f:1:65: 16 is out of range; write 0 to 15"),
    .replacing(
        "5300\"]", by: "5300\"], tcp: { proxy_protocol: { from: [] } }",
        "f:1:67: the list is empty; give at least 1"),
    .replacing(
        "5300\"]", by: "5300\"], tcp: { proxy_protocol: {} }",
        "f:1:59: dns.tcp.proxy_protocol lacks the key \"from\"; "
            + "add from: peers whose connections must begin with a header; those of all others must not"),
    .replacing("http: { path: / }", by: "http: { path: x }", "f:3:34: the path \"x\" does not begin with /; write /x"),
    .replacing(
        "http: { path: / }", by: "http: { status: 20 }",
        "f:3:36: \"20\" is not a status code or range; write 200 or 200-399"),
    .replacing(
        "http: { path: / }", by: "htpp: { path: / }",
        "f:3:18: monitors.NAME has none of the keys tcp, http, grpc; give one of them",
        "f:3:20: there is no key \"htpp\" in monitors.NAME; did you mean \"http\"?"),
    .replacing(
        "http: { path: / }", by: "http: {}, tcp: {}",
        "f:3:20: \"http\" and \"tcp\" exclude each other; keep one of the two"),
    .replacing(
        "http: { path: / }", by: "http: {}, interval: 1s, timeout: 3s",
        "f:3:53: the timeout is longer than the interval; write at most 1s"),
    .replacing(
        "http: { path: / }", by: "http: {}, jitter: 0.1",
        "f:3:38: \"0.1\" is not a share in per cent; write 10% or the like"),
    .replacing(
        "http: { path: / }", by: "http: { verify_certificate: true }",
        "f:3:48: warning: verify_certificate has no effect without tls; add tls: true"),
    .replacing(
        "http: { path: / }", by: "http: { tls: true, authority: ca.pem }",
        "f:3:50: warning: authority has no effect without verify_certificate; add verify_certificate: true"),
    .adding(
        """
        upstreams: { app: { members: ["192.0.2.9:1"], tls: {} } }
        listeners: { web: { address: "127.0.0.1:80", upstream: app } }
        """,
        "f:8:52: any public certificate would be taken for the members'; "
            + "add server_name, an authority of your own, or verify: false"),
    .replacing("region: eu", by: "region: ue", "f:4:62: there is no region \"ue\"; did you mean \"eu\"?"),
    .replacing("monitors: [web]", by: "monitors: [wbe]", "f:4:77: there is no monitor \"wbe\"; did you mean \"web\"?"),
    .replacing(
        "192.0.2.1:443", by: "0.0.0.0:443",
        "f:4:37: nobody can be sent to 0.0.0.0; write the address that clients reach"),
    .replacing(
        "pools: [eu]", by: "pools: [eu, eu]",
        "f:7:44: the pool \"eu\" is listed twice; remove one; to give it a larger share use ratio"),
    .replacing(
        "pools: [eu]", by: "pools: [eu], method: rotio",
        "f:7:53: \"rotio\" is not one of topology, round-robin, ratio, global-availability; did you mean \"ratio\"?"),
    .replacing(
        "pools: [eu]", by: "pools: [eu], method: topology",
        "f:7:53: the method is topology, but there are no topology records; add topology: or choose another method"),
    .replacing("pools: [eu]", by: "pools: [eu], ttl: 500ms", "f:7:50: a TTL has whole seconds; write 1s or more"),
    .replacing(
        "pools: [eu]", by: "pools: [eu], all_down: opne",
        "f:7:55: \"opne\" is no answer for when all is down; write open, closed, last-known-good, servfail, refused, "
            + "{ pool: NAME } or { code: nodata, ttl: 5s }"),
    .replacing(
        "host: eu.lb.example.net", by: "host: eu..net",
        "f:2:24: \"eu..net\" is not a domain name; a label of the name is empty; labels have 1 to 63 characters between the dots"
    ),
    .replacing(
        "host: eu.lb.example.net", by: "host: eu.lb.example.net, location: { latitude: 91, longitude: 0 }",
        "f:2:65: 91 is out of range; write -90 to 90"),
    .replacing(
        "host: eu.lb.example.net", by: "host: eu.lb.example.net, location: { latitude: 9 }",
        "f:2:53: regions.NAME.location lacks the key \"longitude\"; add longitude: degrees east"),
    .replacing(
        "regions: { eu", by: "regions: { \"e u\": {}, eu",
        "f:2:12: \"e u\" is not a name for a region; use 1 to 64 letters, digits, hyphens, underscores and dots"),
]

@Test("mistakes of one value", arguments: valueTable)
func valueMistakes(mistake: Mistake) {
    #expect(messages(mistake.text) == mistake.expected)
}

private let crossTable: [Mistake] = [
    .adding(
        "geography: [{ tor: { v4: geoip } }]",
        "f:8:13: warning: the geography is not used; add topology records, or remove it"),
    .replacing(
        "api.example.net:", by: "api.example.com:",
        "f:7:13: api.example.com lies outside every served zone; add a zone that holds it, or move it into example.net"),
    .replacing(
        "eu.lb.example.net", by: "eu.lb.example.com",
        "f:5:10: eu.lb.example.com lies outside every served zone; add a zone that holds it, or move it into example.net"
    ),
    .replacing(
        "api.example.net:", by: "eu.lb.example.net:",
        "f:7:13: eu.lb.example.net is already the name of the pool \"eu\" (line 5); give the wide IP eu.lb.example.net a name of its own"
    ),
    .alone(
        base.replacing("[eu] } }", with: "[eu] }, example.net: { pools: [cdn] } }").replacing(
            "[eu-1] } }", with: "[eu-1] }, cdn: { answer: { external: cdn.example.net } } }"),
        "f:7:47: example.net is a zone's own name, which cannot be a CNAME, and the addresses of pool \"cdn\" are others' to give; list virtual servers in the pool, or steer a name below, as www.example.net"
    ),
    .replacing(
        "eu.lb.example.net", by: "\"*.lb.example.net\"",
        "f:5:10: *.lb.example.net stands for many names; give the pool a host name in full"),
    .replacing(
        "eu.lb.example.net", by: "\"eu?.lb.example.net\"",
        "f:5:10: eu?.lb.example.net stands for many names; give the pool a host name in full"),
    .replacing(
        "pools: { eu:", by: "pools: { other: { virtual_servers: [eu-1] }, eu:",
        "f:5:46: eu.lb.example.net is already the name of the pool \"other\" (line 5); give the pool \"eu\" a name of its own"
    ),
    .replacing(
        "{ host: eu.lb.example.net }", by: "{}",
        "f:5:10: the pool \"eu\" answers with a CNAME, but neither it nor its region has a host; add host: NAME to one of them, or answer: addresses"
    ),
    .replacing(
        "pools: { eu: { virtual_servers: [eu-1] }", by: "pools: { eu: { region: eu }",
        "f:5:10: the pool \"eu\" has no virtual servers; list some under virtual_servers, or write answer: { external: NAME }"
    ),
    .replacing(
        "[eu-1] }", by: "[eu-1], answer: { external: x.example.com } }",
        "f:2:24: warning: no pool answers for the host eu.lb.example.net of region \"eu\"; add a pool of the region with answer: cname, or remove the host",
        "f:5:49: warning: the CNAME target x.example.com lies outside the served zones; make sure that its own name servers answer for it"
    ),
    .replacing(
        "[eu-1] }", by: "[eu-1], answer: cnam }",
        "f:5:49: \"cnam\" is no way to answer; write cname, addresses or { external: NAME }"),
    .replacing(
        "[eu-1] }", by: "[eu-1], all_down: { pool: eu } }",
        "f:5:51: all_down goes in a circle: eu → eu; end it with open, closed, servfail or refused"),
    .replacing(
        "pools: [eu]", by: "pools: [eu], topology: [{ pools: [eu] }]",
        "f:7:56: the topology record matches nobody; give countries, continents, networks or prefixes; clients that no record matches get pools in order"
    ),
    .replacing(
        "pools: [eu]", by: "pools: [eu], topology: [{ countries: [NO, UK, pl], pools: [eu] }]",
        "f:7:70: the country NO cannot be told without geography; add geography: with a country database, or match by prefixes",
        "f:7:74: \"UK\" is not a country code; the United Kingdom is \"GB\"",
        "f:7:78: \"pl\" is not a country code; did you mean \"PL\"?"),
    .replacing(
        "pools: [eu]", by: "pools: [eu], topology: [{ continents: [EUR], pools: [eu] }]",
        "f:7:71: \"EUR\" is not a continent code; write one of AF, AN, AS, EU, NA, OC, SA"),
    .replacing(
        "pools: [eu]", by: "pools: [eu], topology: [{ prefixes: [192.0.2.1/24], pools: [eu] }]",
        "f:7:69: \"192.0.2.1/24\" is not a network; bits past the length must be zero: did you mean 192.0.2.0/24?"),
    .replacing(
        "pools: [eu]",
        by: "pools: [eu], topology: [{ prefixes: [192.0.0.0/16, 192.0.2.0/24, 192.0.0.0/16], pools: [eu] }]",
        "f:7:83: warning: the network 192.0.2.0/24 is never reached: the network 192.0.0.0/16 on line 7 comes first; move this record above that one",
        "f:7:97: warning: the network 192.0.0.0/16 is already matched on line 7; remove it: the first record that matches decides"
    ),
    .replacing(
        "pools: [eu]", by: "pools: [eu], method: ratio, topology: [{ prefixes: [192.0.2.0/24], pools: [eu] }]",
        "f:7:70: warning: the topology has no effect with method ratio; write method: topology or remove it"),
    .replacing(
        "ns: [ns.example.org]", by: "ns: [ns.example.org], records: { api: { A: 192.0.2.1 } }",
        "f:6:68: api.example.net has a static A record, but it is the wide IP api.example.net; remove the record"),
    .replacing(
        "ns: [ns.example.org]", by: "ns: [ns.example.org], records: { www: { A: 192.0.2 } }",
        "f:6:68: the A record of www.example.net is wrong; \"192.0.2\" is not an IPv4 address such as 192.0.2.1"),
    .replacing(
        "ns: [ns.example.org]", by: "ns: [ns.example.org], records: { www: { AAA: 192.0.2.2 } }",
        "f:6:65: \"AAA\" is not a record type; did you mean \"AAAA\"?"),
    .replacing(
        "ns: [ns.example.org]", by: "ns: [ns.example.org], records: { www.example.net: { A: 192.0.2.2 } }",
        "f:6:58: the owner \"www.example.net\" already ends with the zone's name and would become www.example.net.example.net; write \"www\" or \"www.example.net.\""
    ),
    .replacing(
        "ns: [ns.example.org]", by: "ns: [ns.example.org], records: { www: { CNAME: cdn.example.com. } }",
        "f:6:72: warning: the CNAME target cdn.example.com lies outside the served zones; make sure that its own name servers answer for it"
    ),
    .replacing(
        "ns: [ns.example.org]", by: "ns: [ns.example.org], file: x",
        "f:6:47: \"file\" and \"ns\" exclude each other; keep one of the two",
        "f:6:53: cannot open \"x\": No such file or directory; create it or correct the path"),
    .replacing(
        "example.net: { ns", by: "Example.net: { ns: [a.b] }, example.net: { ns",
        "f:6:38: the zone example.net is given twice, first on line 6; keep one of the two"),
    .replacing(
        "dns: { listen: [\"127.0.0.1:5300\"] }", by: "",
        "f:1:1: this configuration serves nothing; add dns: with listen:, or listeners:",
        "f:6:10: warning: zones are given, but nothing answers DNS; add dns: { listen: [...] }",
        "f:7:13: warning: wide_ips are given, but nothing answers DNS; add dns: { listen: [...] }"),
    .replacing(
        "monitors: [web]", by: "",
        "f:3:13: warning: the monitor \"web\" is not used; list it under monitors of what it shall watch, or remove it"),
    .adding(
        "upstreams: { a: { members: [\"127.0.0.1:1\"] } }",
        "f:8:14: warning: the upstream \"a\" is not used; name it in a listener, or remove it"),
    .adding(
        "listeners: { a: { address: \"0.0.0.0:5300\", routes: [{ respond: {} }, { path: /x, respond: {} }] } }",
        "f:8:28: 0.0.0.0:5300 collides with 127.0.0.1:5300 on line 1; choose another address or port for DNS",
        "f:8:70: warning: the route is never reached: that on line 8 takes every request; move it above"),
    .adding(
        "metrics: { listen: \"0.0.0.0:5300\" }",
        "f:8:20: 0.0.0.0:5300 collides with 127.0.0.1:5300 on line 1; choose another address or port for metrics"),
    .adding(
        "metrics: { listen: \"[::]:5300\" }",
        "f:8:20: [::]:5300 collides with 127.0.0.1:5300 on line 1; choose another address or port for metrics"),
    .replacing(
        "dns: { listen: [\"127.0.0.1:5300\"] }",
        by: "proxy: { access_log: /x/log }\ndns: { listen: [\"127.0.0.1:5300\"], query_log: { path: /x/log } }",
        "f:2:47: /x/log is the file of proxy.access_log already; name another for one of them"),
    .adding(
        "metrics: { listen: \"127.0.0.1:5300\" }",
        "f:8:20: 127.0.0.1:5300 is already listened on (line 1); choose another address or port for metrics"),
    .adding(
        "listeners: { a: { address: \"127.0.0.1:1\", routes: [{ path: /, exact_path: /, respond: {}, redirect: { location: \"{hots}\", status: 304 } }] } }",
        "f:8:63: \"exact_path\" and \"path\" exclude each other; keep one of the two",
        "f:8:78: \"respond\" and \"redirect\" exclude each other; keep one of the two",
        "f:8:113: \"{hots}\" stands for nothing in a redirect's location; did you mean \"{host}\"?",
        "f:8:131: 304 does not redirect; write 301, 302, 303, 307 or 308"),
    .adding(
        "listeners: { a: { address: \"127.0.0.1:1\", routes: [{ host: \"a:1\", respond: {}, rate_limit: { rate: 5 } }] } }",
        "f:8:60: the host \"a:1\" has a port; leave it out: hosts are compared without port",
        "f:8:100: \"5\" is not a rate with a unit; write 5/s or 5/m"),
    .adding(
        "listeners: { a: { address: \"127.0.0.1:1\", proxy_protocol: true, routes: [{ respond: {} }] } }",
        "f:8:59: proxy_protocol needs to know whom to believe; list the peers that send the header in trusted_proxies"),
    .adding(
        "listeners: { a: { address: \"127.0.0.1:1\", tcp: b, tls: { certificates: [c] } } }",
        "f:8:48: there is no upstream \"b\"; declare it under upstreams",
        "f:8:73: there is no certificate \"c\"; declare it under certificates"),
    .adding(
        "proxy: { limits: { head_size: 32, body_size: 1K, buffer_size: 1GiB }, access_log: off, via: \"a b\" }",
        "f:8:31: \"32\" is not a size with a unit; write 32B, 32KiB or 32MiB",
        "f:8:46: \"1K\" is not a size with a unit; write a number and B, kB, KiB, MB, MiB, GB or GiB",
        "f:8:63: 1GiB is out of range; write 4KiB to 16MiB",
        "f:8:93: \"a b\" is not a name; write up to 64 letters, digits and hyphens"),
    .adding(
        "admin: { socket: \(String(repeating: "x", count: 108)) }",
        "f:8:18: the socket's path has more than 107 bytes; choose a shorter one"),
    .adding(
        "admin: { listen: \"192.0.2.1:80\" }",
        "f:8:18: 192.0.2.1:80 is not loopback, and there is no tls: tokens would go over the network in clear; add tls, or listen on 127.0.0.1"
    ),
    .adding(
        "admin: { listen: \"127.0.0.1:80\" }",
        "f:8:18: nobody could use this address; add tokens, or clients to tls"),
    .adding(
        "admin: { listen: \"127.0.0.1:80\", tokens: { \"a b\": { role: view, hash: mrd_secret }, c: { role: root } } }",
        "f:8:44: \"a b\" is not a name for a token; use 1 to 64 letters, digits, hyphens, underscores, dots and @",
        "f:8:71: this is not the hash of a token; write what `meridian token NAME --role ROLE` prints for it",
        "f:8:88: admin.tokens.NAME lacks the key \"hash\"; add hash: `sha256:SALT:DIGEST`, as `meridian token` prints it",
        "f:8:96: \"root\" is not one of view, operate, admin; write one of these"),
    .adding("wide_ipz: {}", "f:8:1: there is no key \"wide_ipz\" in the configuration; did you mean \"wide_ips\"?"),
]

@Test("mistakes between parts", arguments: crossTable)
func crossMistakes(mistake: Mistake) {
    #expect(messages(mistake.text) == mistake.expected)
}

private let laterTable: [Mistake] = [
    .replacing(
        "monitors: [web]", by: "monitors: [web, web]", "f:4:82: the monitor \"web\" is listed twice; remove one"),
    .replacing(
        "pools: { eu: { virtual_servers: [eu-1] }",
        by:
            "pools: { far: { answer: { external: a.example.net } }, eu: { virtual_servers: [eu-1], all_down: { pool: far } }",
        "f:5:97: the pool \"far\" has no addresses to answer for a host name; name a pool with virtual servers"),
    .replacing(
        "pools: { eu: { virtual_servers: [eu-1] }",
        by:
            "pools: { b: { virtual_servers: [eu-1], host: b.example.net, all_down: { pool: eu } }, eu: { virtual_servers: [eu-1], all_down: { pool: b } }",
        "f:5:71: all_down goes in a circle: b → eu → b; end it with open, closed, servfail or refused"),
    .replacing(
        "regions: {", by: "regions: { us: {},",
        "f:2:12: warning: the region \"us\" is not used; name it in a virtual server or pool, or remove it"),
    .replacing(
        "virtual_servers: [eu-1]", by: "virtual_servers: [eu-1], region: us",
        "f:5:49: there is no region \"us\"; known here: eu"),
    .replacing(
        "pools: [eu]", by: "pools: [eu], aliases: [api.example.net]",
        "f:7:55: api.example.net is already the name of the wide IP api.example.net (line 7); give an alias of the wide IP api.example.net a name of its own"
    ),
    .replacing(
        "pools: [eu]", by: "pools: [eu], all_down: { pool: eu }",
        "f:7:55: warning: all_down names the pool \"eu\", which is already tried; name another pool, or write open"),
    .replacing(
        "pools: [eu]", by: "pools: [eu], topology: [{ prefixes: [\"::/0\"], pools: [uk] }]",
        "f:7:86: there is no pool \"uk\"; known here: eu"),
    .replacing(
        "pools: [eu]", by: "pools: [eu], topology: [{ continents: [EU], countries: [XX], pools: [eu] }]",
        "f:7:71: the continent EU cannot be told without geography; add geography: with a country database, or match by prefixes",
        "f:7:88: \"XX\" is not a country code; write an ISO 3166-1 code of two capital letters, as PL or US"),
    .adding(
        "geography: [{ tor: {} }, { maxmind: a, networks: b }, { maxmnd: c }]",
        "f:8:20: geography[].tor names no file; give v4, v6 or both",
        "f:8:40: \"networks\" and \"maxmind\" exclude each other; keep one of the two",
        "f:8:55: geography[] has none of the keys tor, maxmind, networks; give one of them",
        "f:8:57: there is no key \"maxmnd\" in geography[]; did you mean \"maxmind\"?"),
    .adding(
        "listeners: { a: { address: \"127.0.0.1:1\", routes: [{ path: /a?b, respond: {} }] } }",
        "f:8:60: the path \"/a?b\" has a query; leave it out: only paths are compared"),
    .adding(
        "listeners: { a: { address: \"127.0.0.1:1\", routes: [{ name: x, path: /, respond: {} }, { name: x, respond: {} }] } }",
        "f:8:87: the route \"x\" is given twice, first on line 8; name each route of a listener differently",
        "f:8:87: warning: the route is never reached: that on line 8 takes every request; move it above"),
    .adding(
        "listeners: { a: { address: \"127.0.0.1:1\", routes: [{ headers: { \"a b\": c }, methods: \"G T\", respond: { status: 99 } }] } }",
        "f:8:65: \"a b\" is not a field name; write up to 64 letters, digits and hyphens",
        "f:8:86: \"G T\" is not a method; write up to 64 letters, digits and hyphens",
        "f:8:112: 99 is out of range; write 200 to 599"),
    .adding(
        "listeners: { a: { address: \"127.0.0.1:1\" } }",
        "f:8:17: listeners.NAME has none of the keys upstream, routes, tcp; give one of them"),
    .adding(
        "upstreams: { a: { members: [{ address: \"127.0.0.1:1\", backup: true }, \"127.0.0.1:1\", { adress: x }] } }",
        "f:8:71: the member 127.0.0.1:1 is listed twice, first on line 8; remove one; to give it a larger share use ratio",
        "f:8:86: upstreams.NAME.members[] lacks the key \"address\"; add address: the member's address and port",
        "f:8:88: there is no key \"adress\" in upstreams.NAME.members[]; did you mean \"address\"?"),
]

private let syntaxTable: [Mistake] = [
    .alone("", "f:1:1: the file is empty; see docs/configuration.md for what to write"),
    .alone("# nothing\n", "f:1:1: the file is empty; see docs/configuration.md for what to write"),
    .alone("---\n", "f:1:1: this configuration serves nothing; add dns: with listen:, or listeners:"),
    .alone("just text", "f:1:1: a mapping was expected, not \"just text\"; write dns: …"),
    .alone("- a\n", "f:1:1: a mapping was expected, not a list; write dns: …"),
    .alone(
        "dns:\n\tlisten: x\n", "f:2:1: a tab is used for indentation; indent with spaces, which is all that YAML allows"
    ),
    .alone("dns: { listen: [a\n", "f:2:1: a list in brackets is not closed, or lacks a comma; write [a, b]"),
    .alone(
        "dns:\n  a: b: c\n",
        "f:2:7: a \":\" stands where no key can be; check the indentation of this line and the one above, and put text with \": \" in quotes"
    ),
    .alone("dns: \"open\n", "f:3:17: a text in quotes is not closed; add the closing quote"),
    .alone("dns: *nobody\n", "f:1:6: an alias has no anchor; define it above with &name"),
    .alone(
        "a: 1\n---\nb: 2\n",
        "f:2:1: the file has more than one YAML document; remove the line \"---\" and what follows it"),
    .alone(
        "dns: {}\ndns: {}\n",
        "f:1:6: dns lacks the key \"listen\"; add listen: addresses that answer DNS, each over UDP and TCP",
        "f:1:6: warning: there are no zones, so that every query is refused; add zones:",
        "f:2:1: the key \"dns\" is given twice, first on line 1; keep one of the two"),
    .alone(
        "pools: { eu: {}, eu: {} }\n",
        "f:1:10: the pool \"eu\" answers with a CNAME, but neither it nor its region has a host; add host: NAME to one of them, or answer: addresses",
        "f:1:18: the key \"eu\" is given twice, first on line 1; keep one of the two"),
    .alone("? [a, b]\n: c\n", "f:1:3: a key is a list or a mapping; write each key as plain text"),
    .alone("dns: \u{7}\n", "f:1:6: the control character U+0007 is not allowed in YAML; remove it"),
    .alone("dns: @x\n", "f:1:6: a value cannot begin with this character; put the text in quotes; a tab cannot indent"),
    .alone(
        String(repeating: "[", count: 60),
        "f:2:1: a value was expected here; close brackets, braces and quotes above, and write no value that begins with a sign of YAML"
    ),
    .alone(
        String(repeating: "[", count: 60) + String(repeating: "]", count: 60),
        "f:1:26: values are nested more than 24 deep; see docs/configuration.md for the shape"),
    .alone(
        String(repeating: "[", count: 5000),
        "f:1:1: values are nested too deep; see docs/configuration.md for the shape"),
]

@Test("mistakes between more parts", arguments: laterTable)
func laterMistakes(mistake: Mistake) {
    #expect(messages(mistake.text) == mistake.expected)
}

@Test("mistakes of YAML", arguments: syntaxTable)
func syntaxMistakes(mistake: Mistake) {
    #expect(messages(mistake.text) == mistake.expected)
}
