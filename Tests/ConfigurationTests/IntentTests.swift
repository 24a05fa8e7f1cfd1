import Addresses
import DNSWire
import Testing
import TrafficModel

@testable import ConfigurationLoading

private func intent(_ text: String) throws -> Intent {
    let result = ConfigurationLoader.load(bytes: Array(text.utf8), name: "/etc/meridian/f.yaml", readsFiles: false)
    #expect(result.diagnostics.map(\.description) == [])
    return try #require(result.intent)
}

@Test("the classic example says what its picture shows")
func classic() throws {
    let intent = try intent(String(decoding: bytes(ofExample: "classic-wip"), as: UTF8.self))
    #expect(intent.dns.listen.map(\.description) == ["127.0.0.1:5300"])
    #expect(intent.monitors.isEmpty && intent.listeners.isEmpty)
    let wideIP = try #require(intent.wideIPs.first)
    #expect(wideIP.name.description == "api.example.com")
    #expect(wideIP.method == .topology)
    let pools = intent.pools.map { pool in
        "\(pool.name) \(pool.host?.description ?? "-") \(pool.ttl) "
            + pool.virtualServers.map { intent.virtualServers[$0].endpoint.address.description }.joined(separator: " ")
    }
    #expect(
        pools == [
            "us-region us.api.global.lb.example.net 30 34.22.11.90 34.22.11.91",
            "eu-region eu.api.global.lb.example.net 30 52.31.19.80 52.31.19.81",
            "apac-region apac.api.global.lb.example.net 30 99.22.10.80 99.22.10.81",
        ])
    #expect(intent.pools.allSatisfy { $0.answer == .cname && $0.region != nil })
    #expect(
        wideIP.topology.map { $0.candidates.map { intent.pools[$0].name } } == [
            ["eu-region"], ["us-region"], ["apac-region"],
        ])
    #expect(
        wideIP.topology[0].sources
            == [.country("PL"), .country("DE"), .country("NL"), .continent("EU"), .continent("AF")])
    #expect(intent.zones.map(\.origin.description) == ["example.com", "lb.example.net"])
    #expect(intent.zones[1].records.map(\.type) == [.soa, .ns])
}

@Test("every key of the DNS side arrives where it belongs")
func dnsSide() throws {
    let intent = try intent(
        """
        dns:
          listen: ["127.0.0.1:5300", "[::1]:5300"]
          udp_size: 1400
          threads: 3
          client_subnet: false
          responses: full
          udp_size_without_cookie: 600
          tcp:
            connections: 11
            connections_per_source: 12
            idle_timeout: 13s
            message_timeout: 14s
            proxy_protocol: { from: [10.0.0.0/8, "::1"] }
          identity: { server: ams-1, version: "", nsid: "0x00ff" }
          zone_version: epoch
          cookies: { policy: require, secrets: cookies.txt }
          rate_limit:
            rate: 100
            nodata: 101
            nxdomain: 0
            referrals: 103
            errors: 104
            slip: 3
            ipv4_prefix: 20
            ipv6_prefix: 48
            exempt: [192.0.2.0/24]
        geography: [{ tor: { v4: a, v6: /b } }, { maxmind: c }, { networks: d }]
        regions:
          one: { host: one.example.net, location: { latitude: -1.5, longitude: 179 } }
          two: {}
        monitors:
          web:
            http: { method: HEAD, path: "/x?y", host: h.example, status: [200, 301-308], body: ok, tls: true, verify_certificate: true, authority: ca.pem, load: none }
            interval: 7s
            timeout: 3s
            rise: 4
            fall: 5
            jitter: 25%
            port: 99
          quick: { tcp: {}, interval: 1s }
        virtual_servers:
          a: { address: "192.0.2.1:443", region: one, monitors: [quick, web], ratio: 6, capacity: 7, enabled: false }
          b: { address: "[2001:db8::1]:80", region: two }
        pools:
          first: { virtual_servers: [b], region: two, method: ratio, ttl: 20s, max_answers: 3, ratio: 9, all_down: refused, enabled: false, host: first.example.net }
          inherits: { virtual_servers: [a] }
          plain: { virtual_servers: [b], answer: addresses, all_down: { pool: first } }
          else: { answer: { external: other.example.net } }
        wide_ips:
          www.example.net:
            aliases: [web.example.net]
            pools: [plain, else, first]
            topology:
              - { countries: [PL], continents: [AS], networks: [lab], prefixes: [10.0.0.0/8], pools: [first, plain] }
            ttl: 5m
            all_down: { pool: inherits }
            enabled: false
        zones:
          example.net:
            ns: [ns, ns2.example.org]
            soa: { primary: ns, mailbox: ops, serial: 7, refresh: 2h, retry: 3m, expire: 14d, minimum: 45s }
            ttl: 2h
            records: { ns: { A: 192.0.2.53, ttl: 1m } }
        """)
    #expect(intent.dns.listen.map(\.description) == ["127.0.0.1:5300", "[::1]:5300"])
    #expect((intent.dns.udpSize, intent.dns.threads) == (1400, 3))
    #expect(!intent.dns.clientSubnet && intent.dns.responses == .full)
    #expect((intent.dns.tcpConnections, intent.dns.tcpConnectionsPerSource) == (11, 12))
    #expect(intent.dns.tcpIdle == .seconds(13))
    #expect(intent.dns.tcpMessageTime == .seconds(14))
    #expect(intent.dns.proxies.map(\.description) == ["10.0.0.0/8", "::1/128"])
    let answers = intent.dns.answers
    #expect(answers.udpSizeWithoutCookie == 600)
    #expect((answers.serverName, answers.version, answers.zoneVersion) == ("ams-1", nil, .epoch))
    #expect(answers.identifier == [0, 255])
    #expect((answers.cookies.policy, answers.cookies.path) == (.require, "/etc/meridian/cookies.txt"))
    let limit = try #require(answers.rateLimit)
    #expect(limit.rates == [100, 101, 0, 103, 104])
    #expect((limit.slip, limit.prefix4, limit.prefix6) == (3, 20, 48))
    #expect(limit.exempt.map(\.description) == ["192.0.2.0/24"])
    #expect(
        intent.geography == [
            .tor(v4: "/etc/meridian/a", v6: "/b"), .maxMind(path: "/etc/meridian/c"),
            .networks(path: "/etc/meridian/d"),
        ])
    #expect(intent.regions[0].location == Location(latitude: -1.5, longitude: 179))
    var check = Monitor.HTTPCheck()
    check.method = "HEAD"
    check.path = "/x?y"
    check.host = "h.example"
    check.expectedStatus = [200...200, 301...308]
    check.expectedBody = "ok"
    check.load = .none
    check.tls = true
    check.verifyCertificate = true
    check.authorityPath = "/etc/meridian/ca.pem"
    var web = Monitor(name: "web", check: .http(check))
    web.interval = .seconds(7)
    web.timeout = .seconds(3)
    (web.rise, web.fall, web.jitter, web.port) = (4, 5, 0.25, 99)
    var quick = Monitor(name: "quick", check: .tcp)
    (quick.interval, quick.timeout) = (.seconds(1), .seconds(1))
    #expect(intent.monitors == [web, quick])
    let server = intent.virtualServers[0]
    #expect(server.monitors == [1, 0])
    #expect((server.ratio, server.capacity, server.enabled) == (6, 7, false))
    #expect(intent.virtualServers[1].endpoint.description == "[2001:db8::1]:80")
    let pool = intent.pools[0]
    #expect((pool.region, pool.virtualServers, pool.method) == (1, [1], .ratio))
    #expect((pool.ttl, pool.maxAnswers, pool.ratio, pool.enabled) == (20, 3, 9, false))
    #expect(pool.allDown == .rcode(5))
    #expect(pool.host == DomainName("first.example.net"))
    #expect((intent.pools[1].region, intent.pools[1].host) == (0, DomainName("one.example.net")))
    #expect((intent.pools[2].answer, intent.pools[2].host, intent.pools[2].allDown) == (.addresses, nil, .pool(0)))
    #expect(intent.pools[3].answer == .external(try #require(DomainName("other.example.net"))))
    let wideIP = intent.wideIPs[0]
    #expect(wideIP.aliases == [DomainName("web.example.net")])
    #expect((wideIP.pools, wideIP.ttl, wideIP.allDown, wideIP.enabled) == ([2, 3, 0], 300, .pool(1), false))
    #expect(wideIP.topology[0].candidates == [0, 2])
    #expect(
        wideIP.topology[0].sources.map(\.words).joined(separator: ", ")
            == "the country PL, the continent AS, the network region \"lab\", the network 10.0.0.0/8")
    let records = intent.zones[0].records.map { record in
        "\(record.owner) \(record.ttl) \(record.type) \(RecordText.format(type: record.type, data: record.data))"
    }
    #expect(
        records == [
            "example.net 7200 SOA ns.example.net. ops.example.net. 7 7200 180 1209600 45",
            "example.net 7200 NS ns.example.net.", "example.net 7200 NS ns2.example.org.",
            "ns.example.net 60 A 192.0.2.53",
        ])
}

@Test("every key of the VIP side arrives where it belongs")
func proxySide() throws {
    let intent = try intent(
        """
        certificates: { one: { chain: one.pem, key: /k/one.key }, two: { chain: /two.pem, key: two.key } }
        listeners:
          web:
            address: "127.0.0.1:8443"
            tls: { certificates: [two, one], minimum_version: 1.3, client_certificates: { authority: ca.pem, required: false } }
            trusted_proxies: [10.0.0.0/8, "::1/128"]
            proxy_protocol: true
            routes:
              - { name: v1, host: [API.example.com, "*.example.net"], path: /v1, methods: [GET, HEAD], headers: { X-Canary: 1, X-Debug: }, upstream: api, rate_limit: { rate: 600/m, burst: 20, per: route } }
              - { exact_path: /old, redirect: { location: "https://{host}{path}", status: 301 } }
              - { respond: { status: 404, content_type: text/html, body: none } }
          raw: { address: "127.0.0.1:9000", tcp: api }
          all: { address: "127.0.0.1:9001", upstream: api }
        monitors: { port: { tcp: {} } }
        upstreams:
          api:
            members: ["127.0.0.1:1", { address: "127.0.0.1:2", ratio: 3, max_connections: 4, backup: true }]
            method: random-two
            monitors: [port]
            tls: { server_name: s.example, verify: false, authority: ca.pem, certificate: one }
            proxy_protocol: v2
            connect_timeout: 1s
            response_timeout: 2s
            idle_connections: 5
            idle_timeout: 6s
            tries: 7
            retry_budget: 8%
            ejection_time: 9s
            slow_start: 10s
            queue_size: 11
            queue_timeout: 12s
        proxy:
          threads: 1
          via: edge-1
          underscores: reject
          forwarded_path: normalised
          limits:
            head_size: 2KiB
            head_fields: 33
            head_timeout: 4s
            body_size: unlimited
            body_timeout: 5s
            body_rate: 1kB
            read_rate: 0B
            idle_timeout: 6s
            tunnel_timeout: 7s
            handshake_timeout: 8s
            connections: 9
            connections_per_source: 12
            requests_per_connection: 13
            buffer_size: 10KiB
            buffer_total: 14MiB
          drain_timeout: 11s
          access_log: off
        admin:
          socket: run/admin.sock
          state: run/state.db
          listen: "192.0.2.9:8443"
          allowed_hosts: [Admin.example.com]
          tls: { certificate: two, client_authority: ca.pem, clients: { "CN=ann,*": operate } }
          tokens: { ci: { role: view, hash: "sha256:0011223344556677:\(String(repeating: "ab", count: 32))" } }
        """)
    let api = intent.admin.listener
    #expect(api?.endpoint.description == "192.0.2.9:8443")
    #expect(api?.allowedHosts == ["admin.example.com"])
    #expect(api?.tls?.certificate == 1)
    #expect(api?.tls?.clientAuthorityPath == "/etc/meridian/ca.pem")
    #expect(api?.tls?.clients == [.init(subject: Glob("CN=ann,*"), role: .operate)])
    #expect(api?.tokens.map(\.name) == ["ci"])
    #expect(api?.tokens.first?.hash.salt == [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77])
    #expect(
        intent.certificates[0] == Certificate(name: "one", chainPath: "/etc/meridian/one.pem", keyPath: "/k/one.key"))
    let web = intent.listeners[0]
    #expect(web.tls?.certificates == [1, 0])
    #expect(web.tls?.minimumVersion == .v13)
    #expect(web.tls?.clients?.authorityPath == "/etc/meridian/ca.pem" && web.tls?.clients?.isRequired == false)
    #expect(web.trustedProxies.map(\.description) == ["10.0.0.0/8", "::1/128"])
    guard case .http(let routes) = web.mode else {
        Issue.record("not HTTP")
        return
    }
    #expect(routes.map(\.name) == ["v1", "web-2", "web-3"])
    #expect(routes[0].hosts == ["api.example.com", "*.example.net"])
    #expect((routes[0].path, routes[0].methods, routes[0].action) == (.prefix("/v1"), ["GET", "HEAD"], .upstream(0)))
    #expect(
        routes[0].fields
            == [Route.FieldMatch(name: "X-Canary", value: "1"), Route.FieldMatch(name: "X-Debug", value: nil)])
    #expect((routes[0].rateLimit?.rate, routes[0].rateLimit?.burst, routes[0].rateLimit?.key) == (10, 20, .route))
    var redirect = Route.Redirect(location: "https://{host}{path}")
    redirect.status = 301
    #expect((routes[1].path, routes[1].action) == (.exact("/old"), .redirect(redirect)))
    var response = Route.FixedResponse()
    (response.status, response.contentType, response.body) = (404, "text/html", "none")
    #expect(routes[2].action == .respond(response))
    #expect(intent.listeners[1].mode == .tcp(upstream: 0))
    #expect(intent.listeners[2].mode == .http(routes: [Route(name: "all-1", action: .upstream(0))]))
    let upstream = intent.upstreams[0]
    #expect(upstream.members.map(\.endpoint.description) == ["127.0.0.1:1", "127.0.0.1:2"])
    let spare = upstream.members[1]
    #expect((spare.ratio, spare.maxConnections, spare.backup) == (3, 4, true))
    #expect((upstream.method, upstream.monitors, upstream.idleConnections, upstream.tries) == (.randomTwo, [0], 5, 7))
    #expect((upstream.tls?.serverName, upstream.tls?.verify) == ("s.example", false))
    #expect((upstream.tls?.authorityPath, upstream.tls?.certificate) == ("/etc/meridian/ca.pem", 0))
    let times = [
        upstream.connectTimeout, upstream.responseTimeout, upstream.idleTimeout, upstream.ejectionTime,
        upstream.slowStart,
    ]
    #expect(times == [1, 2, 6, 9, 10].map { Duration.seconds($0) })
    #expect(upstream.retryBudget == 0.08)
    #expect(upstream.proxyProtocol == .v2 && web.proxyProtocol)
    #expect((upstream.queueSize, upstream.queueTimeout) == (11, .seconds(12)))
    let proxy = intent.proxy
    let limits = proxy.limits
    #expect((proxy.threads, proxy.via, proxy.accessLog) == (1, .name("edge-1"), nil))
    #expect((proxy.underscores, proxy.forwardedPath) == (.reject, .normalised))
    #expect((limits.headBytes, limits.headFields, limits.bodyBytes) == (2048, 33, nil))
    #expect((limits.bodyRate, limits.readRate) == (1000, 0))
    #expect((limits.connections, limits.connectionsPerSource, limits.requestsPerConnection) == (9, 12, 13))
    #expect((limits.bufferBytes, limits.bufferTotal) == (10_240, 14 << 20))
    let timeouts = [
        limits.headTimeout, limits.bodyTimeout, limits.idleTimeout, limits.tunnelTimeout, limits.handshakeTimeout,
        proxy.drainTimeout,
    ]
    #expect(timeouts == [4, 5, 6, 7, 8, 11].map { Duration.seconds($0) })
    #expect(intent.admin.socketPath == "/etc/meridian/run/admin.sock")
    #expect(intent.admin.statePath == "/etc/meridian/run/state.db")
}

@Test("names under `records` are completed as in a zone file, those of `ns` are complete when they have a dot")
func namesOfServers() throws {
    let text = """
        dns: { listen: ["127.0.0.1:53"] }
        zones:
          example.com:
            ns: [ns.example.net, local, "@"]
            records: { sub: { NS: [ns.sub, ns.example.org.] }, ns.sub: { A: 192.0.2.1 }, local: { A: 192.0.2.2 } }
        """
    let result = ConfigurationLoader.load(bytes: Array(text.utf8), name: "f", readsFiles: false)
    let records = try #require(result.intent).zones[0].records.filter { $0.type == .ns }
    #expect(
        records.map { "\($0.owner) \(RecordText.format(type: .ns, data: $0.data))" } == [
            "example.com ns.example.net.", "example.com local.example.com.", "example.com example.com.",
            "sub.example.com ns.sub.example.com.", "sub.example.com ns.example.org.",
        ])
}

@Test("what is left out of the DNS section has its default")
func dnsDefaults() throws {
    let intent = try intent(
        "dns: { listen: [\"127.0.0.1:5300\"], cookies: {}, identity: {} }\nzones: { a.example: { ns: [ns.b.example] } }"
    )
    var expected = NameServer()
    expected.listen = intent.dns.listen
    #expect(intent.dns == expected)
    let limited = try intentOfRate("answers: 7")
    #expect(limited.rates == [7, 50, 50, 50, 50])
    #expect((limited.slip, limited.prefix4, limited.prefix6, limited.exempt) == (2, 24, 56, []))
}

private func intentOfRate(_ keys: String) throws -> ResponseRateLimit {
    let text = """
        dns: { listen: ["127.0.0.1:5300"], rate_limit: { rate: 50, \(keys) } }
        zones: { a.example: { ns: [ns.b.example] } }
        """
    return try #require(try intent(text).dns.answers.rateLimit)
}

@Test("settings of answers reach a running server with the snapshot, others need new sockets")
func servesLike() {
    let old = NameServer()
    var new = old
    new.udpSize = 512
    new.clientSubnet = false
    new.answers.cookies.secrets = [SipKey(first: 1, second: 2)]
    new.answers.rateLimit = ResponseRateLimit(rate: 1)
    #expect(new.servesLike(old))
    for change: (inout NameServer) -> Void in [
        { $0.listen = [Endpoint("127.0.0.1:53")!] }, { $0.threads = 3 }, { $0.tcpConnections = 1 },
        { $0.tcpConnectionsPerSource = 1 }, { $0.tcpIdle = .seconds(1) }, { $0.tcpMessageTime = .seconds(1) },
        { $0.proxies = [IPPrefix("10.0.0.0/8")!] },
    ] {
        var other = old
        change(&other)
        #expect(!other.servesLike(old))
    }
}
