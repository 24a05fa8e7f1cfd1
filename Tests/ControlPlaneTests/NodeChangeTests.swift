import Addresses
import Authority
import ConfigurationLoading
import Logging
import StateStore
import Steering
import Synchronization
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

    private static let author = Author(name: "test", origin: "test")

    /// - Parameter after: what a reload finds in addition.
    private func node(wideIPs: Int = 1, _ more: String = "", after: String? = nil) async throws -> Node {
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

    private func entry(_ verdict: Overrides.Verdict) -> Overrides.Entry { .init(verdict: verdict, reason: "") }

    private func refused(_ change: () async throws(ChangeError) -> Void) async -> String? {
        do throws(ChangeError) {
            try await change()
            return nil
        } catch {
            guard case .refused(let reasons) = error else { return "\(error)" }
            return reasons.joined(separator: "; ")
        }
    }

    private func isNear(_ value: Double?, _ wanted: Double) -> Bool { abs((value ?? .infinity) - wanted) < 1e-6 }

    private func at(_ seconds: Int64) -> WallTime { WallTime(milliseconds: seconds * 1000) }

    @Test("a change is not made once its permission is gone, though it was there when the change began to wait")
    func permission() async throws {
        let node = try await node()
        let isGiven = Mutex(true)
        #expect(await node.changes.enter())
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
