import Maintenance
import Testing
import TrafficModel

@Suite("When windows open and close")
struct MaintenanceCalendarTests {
    private static func time(_ text: String) throws -> WallTime { try #require(WallTime(text: text)) }

    private static func window(_ days: String, _ at: String, _ zone: String, hours: Int = 1) throws -> MaintenanceWindow
    {
        let rule = CalendarRule(
            days: try #require(CalendarRule.Days(days)), time: try #require(CalendarRule.minutes(at)), zone: zone)
        return MaintenanceWindow(subject: .region("eu"), schedule: .rule(rule), duration: .seconds(hours * 3600))
    }

    @Test(
        "the next start of a rule",
        arguments: [
            // 25 November 2026 is a Wednesday.
            ("weekly wed", "02:30", "UTC", "2026-11-25T00:00:00Z", "2026-11-25T02:30:00Z"),
            ("weekly wed", "02:30", "UTC", "2026-11-25T03:29:59Z", "2026-11-25T02:30:00Z"),
            ("weekly wed", "02:30", "UTC", "2026-11-25T03:30:00Z", "2026-12-02T02:30:00Z"),
            ("weekly mon, fri", "23:30", "UTC", "2026-11-28T00:29:00Z", "2026-11-27T23:30:00Z"),
            ("weekly tue", "02:30", "Europe/Berlin", "2026-11-25T00:00:00Z", "2026-12-01T01:30:00Z"),
            ("weekly tue", "00:30", "Asia/Tokyo", "2026-11-25T00:00:00Z", "2026-11-30T15:30:00Z"),
            (
                "weekly mon, tue, wed, thu, fri, sat, sun", "00:00", "UTC", "2026-12-31T12:00:00Z",
                "2027-01-01T00:00:00Z"
            ),
            ("monthly 15", "02:30", "UTC", "2026-11-25T00:00:00Z", "2026-12-15T02:30:00Z"),
            ("monthly 31", "02:30", "UTC", "2027-01-31T12:00:00Z", "2027-03-31T02:30:00Z"),
            ("monthly last", "02:30", "UTC", "2027-02-01T00:00:00Z", "2027-02-28T02:30:00Z"),
            ("monthly last", "02:30", "UTC", "2028-02-01T00:00:00Z", "2028-02-29T02:30:00Z"),
            ("monthly second tue", "02:30", "UTC", "2026-11-25T00:00:00Z", "2026-12-08T02:30:00Z"),
            ("monthly last sun", "02:30", "UTC", "2026-11-25T00:00:00Z", "2026-11-29T02:30:00Z"),
            ("monthly first mon, 20", "02:30", "UTC", "2026-12-08T00:00:00Z", "2026-12-20T02:30:00Z"),
            // Summer time begins: the half hour after two is left out, and three o'clock is the first after it.
            ("weekly sun", "02:30", "Europe/Berlin", "2027-03-28T00:00:00Z", "2027-03-28T01:00:00Z"),
            ("weekly sun", "02:30", "America/New_York", "2027-03-14T05:00:00Z", "2027-03-14T07:00:00Z"),
            // Summer time ends: half past two comes twice, and the first one is meant.
            ("weekly sun", "02:30", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"),
            ("weekly sun", "01:30", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z"),
            // A day that begins at one o'clock.
            ("weekly sun", "00:00", "Africa/Cairo", "2026-04-20T00:00:00Z", "2026-04-25T21:00:00Z"),
            ("monthly 24", "00:30", "Africa/Cairo", "2026-04-20T00:00:00Z", "2026-04-23T22:00:00Z"),
        ])
    func starts(days: String, at: String, zone: String, now: String, start: String) throws {
        let window = try Self.window(days, at, zone)
        let found = MaintenanceCalendar.occurrence(of: window, notEndedAt: try Self.time(now))
        #expect(found?.starts.text == start)
        #expect(found.map { $0.ends.milliseconds - $0.starts.milliseconds } == 3_600_000)
    }

    @Test("a window lasts as long as it says, also over a change of the clock")
    func length() throws {
        let window = try Self.window("weekly sun", "01:00", "Europe/Berlin", hours: 6)
        for (now, end) in [
            ("2027-03-28T00:00:00Z", "2027-03-28T06:00:00Z"), ("2026-10-25T00:00:00Z", "2026-10-25T05:00:00Z"),
        ] {
            #expect(MaintenanceCalendar.occurrence(of: window, notEndedAt: try Self.time(now))?.ends.text == end)
        }
    }

    @Test("a window that is longer than its rule's period is found while it is open")
    func long() throws {
        let window = try Self.window("monthly 1", "00:00", "UTC", hours: 31 * 24)
        let found = MaintenanceCalendar.occurrence(of: window, notEndedAt: try Self.time("2026-11-30T23:59:59Z"))
        #expect(found?.starts.text == "2026-11-01T00:00:00Z")
    }

    @Test("draining comes before, and nothing after")
    func phases() throws {
        var window = MaintenanceWindow(
            subject: .region("eu"), schedule: .once(start: .init(milliseconds: 100_000)), duration: .seconds(50))
        window.lead = .seconds(20)
        let found = try #require(MaintenanceCalendar.occurrence(of: window, notEndedAt: .init(milliseconds: 0)))
        let phases: [(Int64, WindowRun.Phase?)] = [
            (79_999, nil), (80_000, .draining), (99_999, .draining), (100_000, .open), (149_999, .open), (150_000, nil),
        ]
        for (now, phase) in phases { #expect(found.phase(at: .init(milliseconds: now)) == phase, "\(now)") }
        #expect(MaintenanceCalendar.occurrence(of: window, notEndedAt: .init(milliseconds: 150_000)) == nil)
    }

    @Test("what is remembered never differs from what is computed, however the clock jumps")
    func jumps() throws {
        let windows = [
            "a": try Self.window("weekly tue, sat", "02:30", "Europe/Berlin", hours: 5),
            "b": try Self.window("monthly last, second wed", "23:00", "America/New_York", hours: 30),
            "c": MaintenanceWindow(
                subject: .pool("p"), schedule: .once(start: try Self.time("2026-12-05T00:00:00Z")),
                duration: .seconds(86_400)),
        ]
        var calendar = MaintenanceCalendar()
        var generator = SystemRandomNumberGenerator()
        var now = try Self.time("2026-12-01T00:00:00Z")
        for _ in 0..<1500 {
            let jump: Int64 = Int.random(in: 0..<10, using: &generator) == 0 ? 40 * 86_400_000 : 3_600_000
            now.milliseconds += Int64.random(in: -jump...jump, using: &generator)
            for (name, window) in windows {
                #expect(
                    calendar.occurrence(of: window, named: name, at: now)
                        == MaintenanceCalendar.occurrence(of: window, notEndedAt: now), "\(name) at \(now.text)")
            }
        }
    }

    @Test("there is no zone of a made-up name", arguments: ["Mars/Olympus", "", "europe/nowhere", "02:30"])
    func zones(name: String) { #expect(!MaintenanceCalendar.isZone(name)) }
}

@Suite("Times as people write them")
struct WallTimeTextTests {
    @Test(
        "instants",
        arguments: [
            ("2026-12-01T02:00:00Z", "2026-12-01T02:00:00Z"), ("2026-12-01T02:00Z", "2026-12-01T02:00:00Z"),
            ("2026-12-01T02:00+01:00", "2026-12-01T01:00:00Z"), ("2026-12-01T02:00:30-08:30", "2026-12-01T10:30:30Z"),
            ("2028-02-29T00:00Z", "2028-02-29T00:00:00Z"),
        ])
    func instants(text: String, expected: String) { #expect(WallTime(text: text)?.text == expected) }

    @Test(
        "what is none",
        arguments: [
            "", "T", "2026-12-01", "2026-12-01T02:00", "2026-13-01T02:00Z", "2026-02-29T02:00Z", "2026-12-01T24:00Z",
            "2026-12-01T02:60Z", "26-12-01T02:00Z", "2026-12-01T02:00+1", "2026-12-01T02:00+25:00", "2026-12-1T02:00Z",
            "2026-12-01T02:00:00.5Z", "-026-12-01T02:00Z", "2026-12-01T+2:00Z",
        ])
    func refused(text: String) { #expect(WallTime(text: text) == nil) }

    @Test("the next time of day, in a zone")
    func next() throws {
        let now = try #require(WallTime(text: "2026-11-25T13:30:00Z"))
        #expect(WallTime.next("14:00", after: now, zone: "UTC")?.text == "2026-11-25T14:00:00Z")
        #expect(WallTime.next("13:30", after: now, zone: "UTC")?.text == "2026-11-26T13:30:00Z")
        #expect(WallTime.next("14:00", after: now, zone: "Europe/Berlin")?.text == "2026-11-26T13:00:00Z")
        #expect(WallTime.next("25:00", after: now, zone: "UTC") == nil)
    }

    @Test(
        "days of rules read as they are written",
        arguments: ["weekly mon", "weekly tue, sun", "monthly 1, 31, last, first mon, fourth sat, last sun"])
    func days(text: String) { #expect(CalendarRule.Days(text)?.text == text) }

    @Test(
        "what are no days",
        arguments: [
            "", "weekly", "weekly ", "weekly monday", "monthly 0", "monthly 32", "monthly fifth mon", "daily mon",
            "weekly mon,", "monthly +1",
        ])
    func noDays(text: String) { #expect(CalendarRule.Days(text) == nil) }
}
