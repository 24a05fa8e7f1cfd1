import Addresses
import Authority
import ConfigurationLoading
import Logging
import StateStore
import Steering
import Synchronization
import TestSupport
import Testing
import TrafficModel

@testable import ControlPlane

/// A node that serves nothing but decides, with a clock of the test's.
@Suite("Changes of a node")
struct NodeChangeTests {
    private static let yaml = """
        regions: { eu: {}, us: {} }
        virtual_servers:
          eu-1: { address: "192.0.2.1:80", region: eu }
          us-1: { address: "192.0.2.2:80", region: us }
        pools:
          eu: { virtual_servers: [eu-1], answer: addresses }
          us: { virtual_servers: [us-1], answer: addresses }
        wide_ips:
        WIDE
        zones: { example.com: { ns: [ns1.example.com] } }
        upstreams: { web: { members: ["127.0.0.1:9"] } }
        listeners: { web: { address: "PLACE:9777", upstream: web } }
        proxy: { access_log: "off" }
        """

    static let author = Author(name: "test", origin: "test")

    /// - Parameter after: what a reload finds in addition.
    func node(wideIPs: Int = 1, _ more: String = "", after: String? = nil) async throws -> Node {
        let names = (0..<wideIPs).map { "  n\($0).example.com: { pools: [eu, us] }" }.joined(separator: "\n")
        let place = "127.77.\(Int.random(in: 1...254)).\(Int.random(in: 1...254))"
        let text = Self.yaml.replacing("WIDE", with: names).replacing("PLACE", with: place) + "\n" + more
        let next = after.map { text + "\n" + $0 }
        let isFirst = Mutex(true)
        return try await Node.start(
            configurationPath: "test.yaml",
            loader: { path, _ in
                let current = isFirst.withLock { first in
                    defer { first = false }
                    return first ? text : next ?? text
                }
                return ConfigurationLoader.load(text: current, name: path)
            }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func entry(_ verdict: Overrides.Verdict) -> Overrides.Entry { .init(verdict: verdict, reason: "") }

    func refused(_ change: () async throws(ChangeError) -> Void) async -> String? {
        do throws(ChangeError) {
            try await change()
            return nil
        } catch {
            guard case .refused(let reasons) = error else { return "\(error)" }
            return reasons.joined(separator: "; ")
        }
    }

    func isNear(_ value: Double?, _ wanted: Double) -> Bool { abs((value ?? .infinity) - wanted) < 1e-6 }

    private func at(_ seconds: Int64) -> WallTime { WallTime(milliseconds: seconds * 1000) }

    @Test("a change is not made once its permission is gone, though it was there when the change began to wait")
    func permission() async throws {
        let node = try await node()
        let isGiven = Mutex(true)
        #expect(await node.changes.enter() == .entered)
        let permission = Permission { isGiven.withLock { $0 } }
        async let waiting = Permission.$current.withValue(permission) {
            await refused {
                () async throws(ChangeError) in
                try await node.override(.region("eu"), with: entry(.drain), by: Self.author)
            }
        }
        isGiven.withLock { $0 = false }
        await node.changes.leave()
        #expect(await waiting == "notPermitted")
        #expect(await node.operators == OperatorState(), "nothing was changed")
        isGiven.withLock { $0 = true }
        let allowed = await Permission.$current.withValue(permission) {
            await refused {
                () async throws(ChangeError) in
                try await node.override(.region("eu"), with: entry(.drain), by: Self.author)
            }
        }
        #expect(allowed == nil, "and its turn was given to the next")
        await node.stop()
    }

    @Test("a change is not made behind the back of who asked for it and went away", .timeLimit(.minutes(5)))
    func departure() async throws {
        let node = try await node()
        #expect(await node.changes.enter() == .entered)
        let presence = Presence()
        async let waiting = Presence.$current.withValue(presence) {
            await refused {
                () async throws(ChangeError) in
                try await node.override(.region("eu"), with: entry(.drain), by: Self.author)
            }
        }
        #expect(await Patience.lasts { await node.changes.waitingCount > 0 })
        presence.end()
        #expect(await waiting == "abandoned")
        await node.changes.leave()
        #expect(await node.operators == OperatorState(), "nothing was changed")
        #expect(await node.changes.refusedCount == 0, "it was not turned away")
        await node.stop()
    }

    /// Refuses settings when told to, and counts what it took over.
    private final class Follower: AccessFollower {
        struct Unfit: Error, CustomStringConvertible {
            var description: String { "the files do not fit" }
        }
        let state = Mutex((isRefusing: false, prepared: 0, taken: 0))

        func prepare(_ listener: AdminListener?, _ certificate: Certificate?) throws -> @Sendable () -> Void {
            guard !state.withLock({ $0.isRefusing }) else { throw Unfit() }
            state.withLock { $0.prepared += 1 }
            return { [self] in state.withLock { $0.taken += 1 } }
        }
    }

    @Test("a reload with which nobody could be let in changes nothing, and its dry run says so")
    func access() async throws {
        let node = try await node(wideIPs: 1, "", after: "log: { format: json }")
        let follower = Follower()
        try await node.join(follower)
        #expect(follower.state.withLock { $0.taken } == 1, "what is in force")
        follower.state.withLock { $0.isRefusing = true }
        for trial in [Trial(), nil] {
            let outcome = try await Trial.$current.withValue(trial) { try await node.reload(by: Self.author) }
            #expect(!outcome.applied && outcome.generation == 1)
            #expect(outcome.messages == ["test.yaml: admin.tls: the files do not fit"])
        }
        #expect(await node.snapshot.generation == 1)
        follower.state.withLock { $0.isRefusing = false }
        _ = try await Trial.$current.withValue(Trial()) { try await node.reload(by: Self.author) }
        #expect(follower.state.withLock { $0.taken } == 1, "a dry run takes nothing over")
        #expect(try await node.reload(by: Self.author).generation == 2)
        #expect(follower.state.withLock { $0.prepared } == 3 && follower.state.withLock { $0.taken } == 2)
        await node.stop()
    }

    @Test("a window drains and opens what it is about, and all is as before at its end")
    func window() async throws {
        let node = try await node()
        var window = MaintenanceWindow(
            subject: .region("eu"), schedule: .once(start: at(100)), duration: .seconds(50))
        window.lead = .seconds(20)
        window.verdict = .disable
        let planned = window
        await node.change { $0.windows["w"] = planned }
        let expected: [(Int64, Availability)] = [
            (79, .available), (80, .draining), (99, .draining), (100, .disabled), (149, .disabled), (150, .available),
        ]
        for (time, state) in expected {
            await node.advance(to: at(time), elapsed: .zero)
            #expect(await node.snapshot.authority.steering.pools[0] == state, "\(time)")
        }
        #expect(await node.operators == OperatorState(), "nothing is left of it")
        await node.stop()
    }

    @Test("a window that may not begin begins when it may, and is told as refused until then")
    func refusedWindow() async throws {
        let node = try await node(wideIPs: 1, "safety: { rules: { one: { drained_at_most: 1 } } }")
        try await node.override(.region("us"), with: entry(.drain), by: Self.author)
        let window = MaintenanceWindow(
            subject: .region("eu"), schedule: .once(start: .now.advanced(by: .seconds(-10))), duration: .seconds(3600))
        try await node.addWindow("w", window, by: Self.author)
        for _ in 0..<3 { await node.advance(to: .now, elapsed: .zero) }
        #expect(await node.windowStatus.map(\.state) == ["refused"])
        #expect(await node.snapshot.authority.steering.pools == [.available, .draining])
        try await node.clearOverride(.region("us"), by: Self.author)
        await node.advance(to: .now, elapsed: .zero)
        #expect(await node.windowStatus.map(\.state) == ["open"])
        #expect(await node.snapshot.authority.steering.pools == [.draining, .available])
        let again = await refused { () async throws(ChangeError) in
            try await node.override(.region("us"), with: entry(.drain), by: Self.author)
        }
        #expect(again == "safety rule one: 2 of eu, us would be taken out, at most 1 may be")
        try await node.override(.region("us"), with: entry(.drain), by: Self.author, isForced: true)
        await node.stop()
    }

    @Test("a window that was refused until it was over is told as missed, once", arguments: [false, true])
    func missedWindow(drains: Bool) async throws {
        let node = try await node(
            wideIPs: 1, drains ? "" : "safety: { rules: { one: { drained_at_most: 1 } } }")
        var window = MaintenanceWindow(
            subject: .region(drains ? "*" : "eu"), schedule: .once(start: at(100)), duration: .seconds(50))
        window.verdict = .disable
        window.lead = .seconds(20)
        if !drains { try await node.override(.region("us"), with: entry(.drain), by: Self.author) }
        let planned = window
        await node.change { $0.windows["w"] = planned }
        for time: Int64 in [80, 100, 149, 150, 151] { await node.advance(to: at(time), elapsed: .zero) }
        let records = try await node.audit(latest: 10).filter { $0.kind == "window" }.map {
            "\($0.action) \($0.detail)"
        }
        let refusals = records.filter { $0.hasPrefix("refuseWindow ") }
        let missed = records.filter { $0.hasPrefix("missWindow ") }
        #expect(refusals.count == (drains ? 1 : 2) && missed.count == 1, "\(records)")
        let what = drains ? "open" : "begin"
        #expect(missed.first == "missWindow it did not \(what): \(refusals[0].dropFirst(13))", "\(records)")
        #expect(await node.refusedRuns.isEmpty)
        #expect(await node.operators.windows.isEmpty)
        await node.stop()
    }

    @Test("a window that drained and may not open is told as refused, with why, and goes on draining")
    func refusedOpening() async throws {
        let node = try await node()
        var window = MaintenanceWindow(
            subject: .region("*"), schedule: .once(start: .now.advanced(by: .seconds(60))), duration: .seconds(3600))
        window.lead = .seconds(120)
        window.verdict = .disable
        try await node.addWindow("w", window, by: Self.author)
        await node.advance(to: .now, elapsed: .zero)
        var told = try #require(await node.windowStatus.first)
        #expect(told.state == "draining" && told.isDraining && told.refusal == nil, "\(told)")
        let planned = MaintenanceWindow(
            subject: .region("*"), schedule: .once(start: .now.advanced(by: .seconds(-1))), duration: .seconds(3600))
        window.schedule = planned.schedule
        let begun = window
        await node.change { $0.windows["w"] = begun }
        for _ in 0..<2 { await node.advance(to: .now, elapsed: .zero) }
        told = try #require(await node.windowStatus.first)
        #expect(told.state == "refused" && told.isDraining, "\(told)")
        #expect(told.refusal?.contains("would have nothing to answer with") ?? false, "\(told)")
        #expect(await node.snapshot.authority.steering.pools == [.draining, .draining])
        _ = try await node.cancelWindow("w", by: Self.author)
        #expect(await node.windowStatus.isEmpty)
        await node.stop()
    }

    @Test("a reload to rules that do not hold is told, before it and after")
    func brokenRule() async throws {
        let node = try await node(after: "safety: { rules: { two: { enabled_at_least: 2 } } }")
        func told(_ outcome: ReloadOutcome) -> [String] { outcome.messages.filter { $0.contains("rule") } }
        #expect(told(try await node.reload(by: Self.author)) == [])
        try await node.override(.region("us"), with: entry(.drain), by: Self.author, isForced: true)
        let expected = ["test.yaml: warning: safety rule two: 1 of eu, us are enabled and work, 2 must"]
        let trial = Trial()
        let tried = try await Trial.$current.withValue(trial) { try await node.reload(by: Self.author) }
        #expect(told(tried) == expected)
        let outcome = try await node.reload(by: Self.author)
        #expect(outcome.applied && told(outcome) == expected)
        try await node.clearOverride(.region("us"), by: Self.author)
        #expect(told(try await node.reload(by: Self.author)) == [])
        await node.stop()
    }

    @Test("a reload that leaves an order without its subject says so, before it and after")
    func lostOrder() async throws {
        let node = try await node()
        try await node.override(.region("eu"), with: entry(.drain), by: Self.author, isForced: true)
        func told(_ outcome: ReloadOutcome) -> [String] { outcome.messages.filter { $0.contains("has no effect") } }
        #expect(told(try await node.reload(by: Self.author)) == [])
        await node.change { $0.overrides[.region("gone"), ofWeight: false] = $0.overrides.entries[.region("eu")] }
        let trial = Trial()
        let tried = try await Trial.$current.withValue(trial) { try await node.reload(by: Self.author) }
        for outcome in [tried, try await node.reload(by: Self.author)] {
            let told = told(outcome)
            #expect(told.count == 1 && told.allSatisfy { $0.contains("region gone is drained by") }, "\(told)")
        }
        await node.stop()
    }

    @Test("a shift goes by the time that passes and not by the calendar, and back as it came")
    func shift() async throws {
        let node = try await node()
        var plan = ShiftPlan(
            wideIP: "*", kind: .region, from: "eu", to: "us", share: 0.5, duration: .seconds(299), reason: "")
        let steep = await refused { () async throws(ChangeError) in _ = try await node.startShift(plan, by: Self.author)
        }
        #expect(steep == "50% in 4m59s is steeper than safety.shift_slope, 10% in 1m: it takes 5m")
        plan.duration = .seconds(300)
        #expect(try await node.startShift(plan, by: Self.author) == 1)
        func progress() async -> Double? { await node.operators.shifts[1]?.progress }
        await node.advance(to: .now, elapsed: .seconds(60))
        #expect(isNear(await progress(), 0.1))
        await node.advance(to: .now.advanced(by: .seconds(1_000_000)), elapsed: .zero)
        await node.advance(to: at(0), elapsed: .zero)
        #expect(isNear(await progress(), 0.1), "whatever the calendar says")
        let second = await refused { () async throws(ChangeError) in
            _ = try await node.startShift(plan, by: Self.author)
        }
        #expect(second == "shift 1 moves clients of eu already: cancel it first")
        await node.advance(to: .now, elapsed: .seconds(10_000))
        #expect(await progress() == 0.5)
        let back = try await node.cancelShift(1, by: Self.author)
        #expect(isNear(back / .seconds(1), 300))
        await node.advance(to: .now, elapsed: .seconds(150))
        #expect(isNear(await progress(), 0.25))
        await node.advance(to: .now, elapsed: .seconds(151))
        #expect(await progress() == nil)
        #expect(try await node.startShift(plan, by: Self.author) == 2, "no number is used twice")
        _ = try await node.cancelShift(2, by: Self.author)
        #expect(await node.operators.shifts.isEmpty, "nobody was moved yet")
        await node.stop()
    }

    @Test("so many overrides, windows and shifts, and not one more")
    func limits() async throws {
        let node = try await node(wideIPs: Shift.limit + 1)
        let window = MaintenanceWindow(
            subject: .region("eu"), schedule: .once(start: .now.advanced(by: .seconds(9999))), duration: .seconds(1))
        await node.change { state in
            for index in 1..<Overrides.limit {
                state.overrides.entries[.region("eu" + String(repeating: "*", count: index))] = entry(.forceUp)
            }
            for index in 1..<MaintenanceWindow.limit { state.windows["w\(index)"] = window }
            for index in 1..<Int64(Shift.limit) {
                state.shifts[index] = Shift(
                    wideIP: "n\(index).example.com", kind: .region, from: "eu", to: "us", share: 0.1, slope: 0)
            }
            state.lastShift = Int64(Shift.limit) - 1
        }
        for isLast in [true, false] {
            let override = await refused { () async throws(ChangeError) in
                try await node.override(.region(isLast ? "us" : "u*"), with: entry(.forceUp), by: Self.author)
            }
            let planned = await refused { () async throws(ChangeError) in
                try await node.addWindow(isLast ? "last" : "more", window, by: Self.author)
            }
            let plan = ShiftPlan(
                wideIP: isLast ? "n0.*" : "n\(Shift.limit).*", kind: .region, from: "eu", to: "us", share: 0.1,
                duration: .seconds(600), reason: "")
            let shift = await refused { () async throws(ChangeError) in
                _ = try await node.startShift(plan, by: Self.author)
            }
            for (found, number) in [
                (override, Overrides.limit), (planned, MaintenanceWindow.limit), (shift, Shift.limit),
            ] {
                #expect(isLast ? found == nil : found?.hasPrefix("there are \(number) ") == true, "\(found ?? "")")
            }
        }
        // What is there can be changed and taken back.
        try await node.override(.region("us"), with: entry(.drain), by: Self.author)
        try await node.clearOverride(.region("us"), by: Self.author)
        await node.stop()
    }

    @Test("what monitors last found counts for what is still asked, and for nothing else")
    func health() throws {
        let endpoint = try #require(Endpoint("192.0.2.1:80"))
        let other = try #require(Endpoint("192.0.2.2:80"))
        let monitor = Monitor(name: "web", check: .tcp)
        let known = HealthTarget(endpoint: endpoint, monitor: monitor)
        let unknown = HealthTarget(endpoint: other, monitor: monitor)
        let observations = Observations(
            [known.memory: .down, HealthMemory(endpoint: "192.0.2.2:80", monitor: "gone"): .down],
            for: [known, unknown])
        #expect(observations.health == [known: .down])
    }
}

extension Node {
    /// Sets what operators decided, without review.
    fileprivate func change(_ change: @Sendable (inout OperatorState) -> Void) {
        change(&operators)
        effective = effective(operators)
        publish()
    }
}
