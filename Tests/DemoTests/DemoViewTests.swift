import Addresses
import Testing

@testable import ControlPlane
@testable import Demo

@Suite("View")
struct DemoViewTests {
    static let plan = DemoPlan(options: DemoOptions())

    static func status() -> DemoStatus {
        var status = DemoStatus(dns: plan.dns[0])
        status.elapsed = .seconds(127)
        status.service = DemoPlan.service
        status.ttl = 2
        status.queriesPerSecond = 9.4
        status.requestsPerSecond = 179.8
        status.regions = plan.regions.map { region in
            .init(
                name: region.name, title: region.title, host: region.host, mark: .up,
                virtualServers: region.virtualServers.map { server in
                    .init(
                        name: server.name, endpoint: server.endpoint, mark: .up,
                        members: server.members.map { .init(name: $0.name, mark: .up, requestsPerSecond: 10) })
                })
        }
        status.clients = DemoPlan.countries.map {
            .init(
                country: $0.code, address: "198.51.100.0/24", home: $0.home, region: $0.home,
                member: "\($0.home)-1-1", succeeded: 100, failed: 0, lastFailure: nil)
        }
        status.decisions = (0..<20).map {
            .init(time: .seconds($0), client: "PL", question: "api.example.com", answer: "answer \($0)")
        }
        status.events = (0..<20).map { "event \($0)" }
        status.suggestions = ["dig here", "curl there"]
        return status
    }

    private func text(_ status: DemoStatus, view: DemoView = DemoView(), rows: Int = 50) -> [String] {
        view.lines(status, rows: rows, columns: 120).map(\.text)
    }

    @Test("shows the whole picture on a tall screen")
    func whole() {
        let lines = text(Self.status())
        #expect(lines.count == 50)
        #expect(
            lines[0]
                == " Meridian demo   2:07   DNS 9 queries/s   VIPs 180 requests/s   ok 900   failed 0"
                + "   config 0, epoch 0")
        #expect(lines[2].hasPrefix(" api.example.com  wide IP: CNAME by the client's country, TTL 2 s"))
        #expect(lines[3] == " ├─ ● eu    Europe, Africa   eu.api.global.lb.example.net     PL DE NL ZA")
        #expect(
            lines[4]
                == " │   ├─ ● eu-1    127.1.0.1:8080  ● eu-1-1  10/s     ● eu-1-2  10/s     ● eu-1-3  10/s")
        #expect(lines[11].hasPrefix("     └─ ● apac-2  127.3.0.2:8080"))
        #expect(lines.contains { $0.contains("PL") && $0.contains("198.51.100.0/24") && $0.contains("eu-1-1") })
        #expect(lines.contains { $0.contains("answer 19") })
        #expect(lines.contains("  event 19"))
        #expect(lines.contains("  curl there"))
        #expect(lines.last?.contains("k kill") == true)
    }

    @Test("never takes more rows than there are, and keeps the tree and the keys", arguments: 14...60)
    func rows(rows: Int) {
        let lines = text(Self.status(), rows: rows)
        #expect(lines.count == rows)
        #expect(lines.contains { $0.contains("apac-2") })
        #expect(lines.last?.contains("q quit") == true)
    }

    @Test("shows the lines to try before it shows history", arguments: 32...60)
    func suggestions(rows: Int) {
        #expect(text(Self.status(), rows: rows).contains("  dig here"))
    }

    @Test("the dashboard's address stands below the title, whole also on a narrow screen", arguments: [80, 120])
    func link(columns: Int) {
        var view = DemoView()
        let token = "mrd_" + String(repeating: "x", count: 43)
        view.link = DemoDashboard(port: 65_535, token: token, tokenHash: "", role: "operate").link
        let lines = view.lines(Self.status(), rows: 24, columns: columns).map(\.text)
        #expect(lines[1] == "\(columns < 90 ? " " : " Dashboard  ")http://127.0.0.1:65535/#\(token)")
        #expect(lines[1].count <= columns && lines[2].isEmpty)
        #expect(lines.count == 24 && lines.contains { $0.contains("apac-2") })
    }

    @Test("a row too short for the clients shows their sum")
    func short() {
        let lines = text(Self.status(), rows: 18)
        #expect(lines.contains(" 9 clients: 900 ok, 0 failed"))
    }

    @Test("marks what is down, unknown, draining or killed")
    func marks() {
        var status = Self.status()
        status.regions[0].mark = .draining
        status.regions[1].mark = .down
        status.regions[1].isKilled = true
        status.regions[0].virtualServers[0].mark = .unknown
        status.regions[0].virtualServers[0].isKilled = true
        status.regions[0].virtualServers[1].members[2].mark = .down
        status.regions[0].virtualServers[1].members[1].isKilled = true
        status.clients[0].failed = 3
        status.clients[0].lastFailure = "connection refused"
        let lines = text(status)
        #expect(lines[3].contains("◐ eu") && lines[3].hasSuffix("  draining"))
        #expect(lines[4].contains("? eu-1") && lines[4].hasSuffix("  killed, not yet seen"))
        #expect(lines[5].contains("✗ eu-2-3") && lines[5].contains("eu-2-2 killed"))
        #expect(lines[6].contains("✗ us") && lines[6].hasSuffix("  killed, seen down"))
        #expect(lines.contains { $0.contains(" PL") && $0.hasSuffix("3  connection refused") })
    }

    @Test("the selection is reversed, and lines are cut to the screen")
    func ansi() {
        var view = DemoView()
        view.selection = .virtualServer("eu-1")
        let lines = view.lines(Self.status(), rows: 50, columns: 120)
        #expect(lines[4].ansi(columns: 120).contains("\u{1B}[7meu-1\u{1B}[0m"))
        #expect(!lines[5].ansi(columns: 120).contains("\u{1B}[7m"))
        #expect(StyledText("abc", .red).ansi(columns: 2) == "\u{1B}[31mab\u{1B}[0m")
        #expect(StyledText("abc").ansi(columns: 0) == "")
    }

    @Test("a command being typed takes the place of the keys")
    func prompt() {
        var view = DemoView()
        view.prompt = "kill eu"
        view.notice = "nothing yet"
        let lines = text(Self.status(), view: view)
        #expect(lines[48] == " nothing yet")
        #expect(lines[49].hasPrefix(" : kill eu"))
    }

    @Test("one line says who is served where")
    func summary() {
        var status = Self.status()
        status.regions[2].virtualServers[0].mark = .down
        #expect(
            DemoView().summary(status)
                == "2:07  eu up 2/2 VIPs [PL,DE,NL,ZA]  us up 2/2 VIPs [US,BR]  apac up 1/2 VIPs [JP,AU,SG]  "
                + "9 queries/s  180 requests/s  ok 900  failed 0")
    }

    @Test("a node's status is put into the picture")
    func node() throws {
        let node = NodeStatus(
            generation: 3, epoch: 9, uptime: 1, wideIPs: [],
            pools: [
                .init(name: "eu", region: "eu", host: nil, state: "available", virtualServers: []),
                .init(name: "us", region: "us", host: nil, state: "draining", virtualServers: []),
                .init(name: "apac", region: "apac", host: nil, state: "down", virtualServers: []),
            ],
            virtualServers: [
                .init(name: "eu-1", region: "eu", endpoint: "127.1.0.1:8080", state: "available", checks: []),
                .init(
                    name: "eu-2", region: "eu", endpoint: "127.1.0.2:8080", state: "available",
                    checks: [.init(monitor: "virtual-server", state: "unknown", reason: "")]),
            ],
            upstreams: [
                .init(
                    name: "eu-1",
                    members: [
                        .init(
                            endpoint: "127.1.1.2:9000", state: "ejected", open: 0, started: 0, failed: 0,
                            ejections: 0, checks: [])
                    ])
            ], listeners: [], overrides: [], dns: .init(endpoints: [], queries: 100, latest: []),
            proxy: .init(requests: 50, failures: 0, openConnections: 0, drainingConnections: 0))
        var meter = RateMeter<String>()
        var stage = DemoStatus.Stage()
        stage.deadMembers = ["eu-1-3"]
        let now = ContinuousClock.now
        _ = DemoStatus(node: node, plan: Self.plan, stage: stage, elapsed: .zero, meter: &meter, now: now)
        var later = node
        later.dns.queries = 140
        let status = DemoStatus(
            node: later, plan: Self.plan, stage: stage, elapsed: .zero, meter: &meter, now: now + .seconds(4))
        #expect(status.generation == 3)
        #expect(status.queriesPerSecond == 10)
        #expect(status.marks["eu"] == .up)
        #expect(status.marks["us"] == .draining)
        #expect(status.marks["apac"] == .down)
        #expect(status.marks["eu-1"] == .up)
        #expect(status.marks["eu-2"] == .unknown)
        #expect(status.marks["eu-1-1"] == .unknown)
        #expect(status.marks["eu-1-2"] == .ejected)
        #expect(status.regions[0].virtualServers[0].members[2].isKilled)
    }
}

@Suite("Decision feed")
struct DecisionFeedTests {
    private func decision(_ client: String, _ pool: String?, name: String = "api.example.com") -> NodeStatus.Decision {
        .init(name: name, client: client, pool: pool, scope: 16)
    }

    private func country(_ address: String) -> String? { address == "5.0.64.0" ? "PL" : nil }

    @Test("a client gets a line when it is sent elsewhere, not each time it asks")
    func changes() {
        var feed = DecisionFeed()
        for (second, pool) in ["eu", "eu", "us", "us", nil, "eu"].enumerated() {
            feed.follow(
                [decision("5.0.64.0", pool), decision("5.0.64.0", pool, name: "eu.api.example.com")],
                service: "api.example.com", elapsed: .seconds(second), country: country)
        }
        #expect(
            feed.lines.map(\.answer) == ["eu, scope /16", "us, scope /16", "no pool, scope /16", "eu, scope /16"])
        #expect(feed.lines.map(\.time) == [.zero, .seconds(2), .seconds(4), .seconds(5)])
        #expect(feed.lines.allSatisfy { $0.client == "PL" })
    }

    @Test("a stranger gets a line each time, but not while the same decision is still among the latest")
    func strangers() {
        var feed = DecisionFeed()
        let rounds: [[NodeStatus.Decision]] = [
            [decision("127.0.0.1", "eu")], [decision("127.0.0.1", "eu")], [], [decision("127.0.0.1", "eu")],
            [decision("198.51.100.7", "us"), decision("127.0.0.1", "us", name: "x.example.com")],
        ]
        for latest in rounds {
            feed.follow(latest, service: "api.example.com", elapsed: .zero, country: country)
        }
        #expect(feed.lines.map(\.client) == ["127.0.0.1", "127.0.0.1", "127.0.0.1", "198.51.100.7"])
    }
}
