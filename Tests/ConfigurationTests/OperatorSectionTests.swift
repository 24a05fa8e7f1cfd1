import Testing
import TrafficModel

@testable import ConfigurationLoading

@Suite("Safety rules and windows in the configuration")
struct OperatorSectionTests {
    private static let base = """
        dns: { listen: ["127.0.0.1:5300"] }
        regions: { eu: {}, us: {} }
        virtual_servers:
          eu-1: { address: "192.0.2.1:443", region: eu }
          us-1: { address: "192.0.2.2:443", region: us }
        pools:
          eu: { virtual_servers: [eu-1], answer: addresses }
          us: { virtual_servers: [us-1], answer: addresses }
        wide_ips: { api.example.com: { pools: [eu, us] } }
        zones: { example.com: { ns: [ns1.example.com], records: { ns1: { A: [192.0.2.53] } } } }

        """

    private static func load(_ more: String) -> LoadResult {
        ConfigurationLoader.load(bytes: Array((base + more).utf8), name: "/etc/f.yaml", readsFiles: false)
    }

    @Test("every key arrives where it belongs")
    func keys() throws {
        let result = Self.load(
            """
            safety:
              rules:
                stays: { enabled_at_least: 1, regions: [us, eu] }
                single: { drained_at_most: 0 }
              shift_slope: { share: 25%, per: 2m }
            windows:
              patch: { region: "e?", weekly: [tue, thu], at: "02:30", zone: Europe/Berlin, for: 1h, drain: 15m, reason: patches }
              backup: { pool: "*", monthly: [15, last, second tue], at: 03:00, for: 4h, verdict: disable }
              move: { virtual_server: eu-1, from: "2026-12-01T02:00:00Z", for: 2h }
            """)
        #expect(result.diagnostics.map(\.description) == [])
        let intent = try #require(result.intent)
        #expect(
            intent.safety.rules == [
                .init(name: "stays", bound: .enabled(atLeast: 1), regions: [1, 0]),
                .init(name: "single", bound: .drained(atMost: 0), regions: [0, 1]),
            ])
        #expect(intent.safety.shiftShare == 0.25 && intent.safety.shiftTime == .seconds(120))
        var patch = MaintenanceWindow(
            subject: .region("e?"),
            schedule: .rule(CalendarRule(days: .weekly([.tue, .thu]), time: 150, zone: "Europe/Berlin")),
            duration: .seconds(3600))
        patch.lead = .seconds(900)
        patch.reason = "patches"
        var backup = MaintenanceWindow(
            subject: .pool("*"),
            schedule: .rule(
                CalendarRule(days: .monthly([.day(15), .last, .nth(2, .tue)]), time: 180, zone: "UTC")),
            duration: .seconds(4 * 3600))
        backup.verdict = .disable
        let move = MaintenanceWindow(
            subject: .virtualServer("eu-1"), schedule: .once(start: .init(milliseconds: 1_796_090_400_000)),
            duration: .seconds(7200))
        #expect(intent.windows == ["patch": patch, "backup": backup, "move": move])
    }

    @Test("the defaults")
    func defaults() throws {
        let intent = try #require(Self.load("").intent)
        #expect(intent.safety == Safety() && intent.windows.isEmpty)
        #expect(abs(intent.safety.slopeLimit - 0.1 / 60) < 1e-12)
    }

    @Test(
        "what is wrong is told with its place and what to do",
        arguments: [
            ("safety: { rules: { r: {} } }", "none of the keys enabled_at_least, drained_at_most"),
            ("safety: { rules: { r: { enabled_at_least: 1, drained_at_most: 1 } } }", "exclude each other"),
            ("safety: { rules: { r: { enabled_at_least: 3 } } }", "3 of 2 regions cannot stay enabled"),
            ("safety: { rules: { r: { drained_at_most: 1, regions: [eu, eu] } } }", "listed twice"),
            ("safety: { rules: { r: { drained_at_most: 1, regions: [mars] } } }", "there is no region \"mars\""),
            ("safety: { rules: { \"a b\": { drained_at_most: 1 } } }", "\"a b\" is not a name for a safety rule"),
            ("safety: { shift_slope: { share: 0% } }", "0% is out of range"),
            ("windows: { w: { region: eu, for: 1h } }", "none of the keys from, weekly, monthly"),
            ("windows: { w: { region: eu, weekly: [tue], for: 1h } }", "needs a time of day"),
            ("windows: { w: { weekly: [tue], at: \"02:30\", for: 1h } }", "a window is about one of region, pool"),
            (
                "windows: { w: { region: eu, pool: eu, weekly: [tue], at: \"02:30\", for: 1h } }",
                "a window is about one of region, pool, virtual_server, member, not 2 of them"
            ),
            ("windows: { w: { member: eu, weekly: [tue], at: \"02:30\", for: 1h } }", "named with its upstream"),
            ("windows: { w: { region: eu, weekly: [tues], at: \"02:30\", for: 1h } }", "\"tues\" is not one of mon"),
            ("windows: { w: { region: eu, monthly: [32], at: \"02:30\", for: 1h } }", "\"32\" is no day of a month"),
            ("windows: { w: { region: eu, weekly: [tue], at: \"2:30\", for: 1h } }", "\"2:30\" is no time of day"),
            (
                "windows: { w: { region: eu, weekly: [tue], at: \"02:30\", zone: Mars, for: 1h } }",
                "\"Mars\" is no time zone"
            ),
            ("windows: { w: { region: eu, from: tomorrow, for: 1h } }", "\"tomorrow\" is no instant"),
            (
                "windows: { w: { region: eu, from: \"2026-12-01T02:00Z\", at: \"02:30\", for: 1h } }",
                "at and from exclude each other"
            ),
            ("windows: { w: { region: eu, from: \"2026-12-01T02:00Z\", for: 32d } }", "32d is out of range"),
            (
                "windows: { w: { region: eu, from: \"2026-12-01T02:00Z\", for: 1h, verdict: stop } }",
                "\"stop\" is not what a window can do"
            ),
            (
                "windows: { w: { region: eu, from: \"2026-12-01T02:00Z\", for: 1h, reason: \"a\\nb\" } }",
                "the reason has control characters"
            ),
            (
                "windows: { \"a/b\": { region: eu, from: \"2026-12-01T02:00Z\", for: 1h } }",
                "is not a name for a window"
            ),
        ])
    func mistakes(text: String, wrong: String) {
        let result = Self.load(text)
        #expect(result.intent == nil)
        let lines = result.diagnostics.map(\.description)
        #expect(lines.contains { $0.contains(wrong) && $0.hasPrefix("/etc/f.yaml:1") }, "\(lines)")
    }

    @Test("a window about what is not there yet is told, and allowed")
    func unknown() {
        let result = Self.load("windows: { w: { region: asia, from: \"2026-12-01T02:00Z\", for: 1h } }")
        #expect(result.intent != nil)
        #expect(result.diagnostics.contains { $0.description.contains("nothing is named asia") })
    }
}
