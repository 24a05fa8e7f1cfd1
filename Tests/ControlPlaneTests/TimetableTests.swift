import Maintenance
import Testing
import TrafficModel

@testable import ControlPlane

@Suite("What time demands, with a clock of the test's")
struct TimetableTests {
    private func at(_ seconds: Int64) -> WallTime { WallTime(milliseconds: seconds * 1000) }

    private func window(from start: Int64, for length: Int64, lead: Int64 = 0) -> MaintenanceWindow {
        var window = MaintenanceWindow(
            subject: .region("eu"), schedule: .once(start: at(start)), duration: .seconds(length))
        window.lead = .seconds(lead)
        return window
    }

    /// Follows what is due, as the node does, and tells it.
    private struct Follower {
        var timetable = Timetable()
        var state = OperatorState()
        var configured: [String: MaintenanceWindow] = [:]

        mutating func step(_ now: WallTime) -> [Timetable.Due] {
            let windows = configured.merging(state.windows) { first, _ in first }
            let due = timetable.due(state, windows: windows, at: now)
            for one in due {
                switch one {
                case .expireOverride(let subject): state.overrides.entries[subject] = nil
                case .expireWeight(let subject): state.overrides.weights[subject] = nil
                case .run(let name, let run): state.runs[name] = run
                case .forgetWindow(let name): state.windows[name] = nil
                case .forgetSkip(let name): state.skips[name] = nil
                }
            }
            return due
        }
    }

    @Test("a window drains, opens, closes, and is forgotten when an operator planned it")
    func once() {
        var follower = Follower()
        follower.state.windows["w"] = window(from: 100, for: 50, lead: 20)
        #expect(follower.step(at(79)).isEmpty)
        let draining = WindowRun(phase: .draining, starts: at(100), ends: at(150))
        #expect(follower.step(at(80)) == [.run("w", draining)])
        #expect(follower.step(at(99)).isEmpty)
        #expect(follower.step(at(100)) == [.run("w", WindowRun(phase: .open, starts: at(100), ends: at(150)))])
        #expect(follower.step(at(149)).isEmpty)
        #expect(follower.step(at(150)) == [.run("w", nil), .forgetWindow("w")])
        #expect(follower.step(at(120)).isEmpty, "a clock that goes back does not bring it back")
    }

    @Test(
        "a clock that jumps ahead of a window never opens it; one that jumps into it does, and one that jumps out closes it"
    )
    func jumps() {
        var follower = Follower()
        follower.configured["w"] = window(from: 100, for: 50, lead: 20)
        #expect(follower.step(at(50)).isEmpty)
        #expect(follower.step(at(200)).isEmpty, "past it")
        #expect(
            follower.step(at(120)) == [.run("w", WindowRun(phase: .open, starts: at(100), ends: at(150)))], "into it")
        #expect(
            follower.step(at(90)) == [.run("w", WindowRun(phase: .draining, starts: at(100), ends: at(150)))],
            "back before its start")
        #expect(follower.step(at(10)) == [.run("w", nil)], "back before its draining")
        #expect(follower.step(at(130)).count == 1)
        #expect(follower.step(at(1_000_000)) == [.run("w", nil)], "far ahead")
    }

    @Test("a run that is cancelled stays cancelled until its end, and the next one comes")
    func skip() throws {
        var follower = Follower()
        var daily = window(from: 0, for: 600)
        daily.schedule = .rule(
            CalendarRule(days: .weekly(CalendarRule.Weekday.allCases), time: 60, zone: "UTC"))
        follower.configured["w"] = daily
        let day: Int64 = 86_400
        #expect(follower.step(at(3600)).count == 1)
        follower.state.skips["w"] = at(4200)
        #expect(follower.step(at(3601)) == [.run("w", nil)])
        #expect(follower.step(at(4199)).isEmpty)
        #expect(follower.step(at(4200)) == [.forgetSkip("w")])
        #expect(
            follower.step(at(3600 + day))
                == [.run("w", WindowRun(phase: .open, starts: at(3600 + day), ends: at(4200 + day)))])
    }

    @Test("a run closes when its window is gone from the configuration")
    func gone() {
        var follower = Follower()
        follower.state.runs["w"] = WindowRun(phase: .open, starts: at(0), ends: at(100))
        follower.state.skips["v"] = at(1000)
        #expect(Set(follower.step(at(1))) == [.run("w", nil), .forgetSkip("v")])
    }

    @Test("overrides and weights end at their instant, whatever the clock did")
    func expiry() {
        var follower = Follower()
        follower.state.overrides.entries[.region("eu")] = .init(verdict: .drain, reason: "", expires: at(100))
        follower.state.overrides.weights[.pool("a")] = .init(verdict: .weight, reason: "", expires: at(100))
        follower.state.overrides.entries[.region("us")] = .init(verdict: .drain, reason: "")
        #expect(follower.step(at(99)).isEmpty)
        #expect(Set(follower.step(at(100))) == [.expireOverride(.region("eu")), .expireWeight(.pool("a"))])
        #expect(follower.step(at(.max / 2000)).isEmpty)
    }
}
