import Addresses
import DNSWire
import Testing
import TrafficModel

@Suite("What overrides come to")
struct EffectiveOverridesTests {
    /// Regions eu, us, ap with a virtual server and a pool each; api steers over all, www over eu and us, both by
    /// position 0 and 1; an upstream web with two members.
    private static func intent() throws -> Intent {
        var intent = Intent()
        for (index, name) in ["eu", "us", "ap"].enumerated() {
            intent.regions.append(Region(name: name))
            let endpoint = try #require(Endpoint("192.0.2.\(index + 1):80"))
            intent.virtualServers.append(VirtualServer(name: "\(name)-1", endpoint: endpoint, region: index))
            var pool = Pool(name: "\(name)-pool")
            pool.region = index
            pool.virtualServers = [index]
            intent.pools.append(pool)
        }
        let name = { (text: String) in try DomainName.parse(Array(text.utf8)[...], relativeTo: .root) }
        intent.wideIPs = [
            WideIP(name: try name("api.example.com"), pools: [0, 1, 2]),
            WideIP(name: try name("www.example.com"), pools: [0, 1]),
        ]
        intent.upstreams = [
            Upstream(
                name: "web",
                members: [
                    .init(endpoint: try #require(Endpoint("10.0.0.1:80"))),
                    .init(endpoint: try #require(Endpoint("10.0.0.2:80"))),
                ])
        ]
        return intent
    }

    private func entry(_ verdict: Overrides.Verdict, since: Int64 = 0, to target: String? = nil) -> Overrides.Entry {
        .init(verdict: verdict, target: target, reason: "", since: .init(milliseconds: since))
    }

    @Test("the exact name goes before patterns, the longer pattern before the shorter, the newer before the older")
    func precedence() throws {
        let intent = try Self.intent()
        var overrides = Overrides()
        func verdict() -> Overrides.Verdict? {
            EffectiveOverrides(overrides, in: intent).servers[0]?.entry.verdict
        }
        #expect(verdict() == nil)
        overrides.entries[.region("*")] = entry(.drain, since: 9)
        #expect(verdict() == .drain)
        overrides.entries[.region("e?")] = entry(.forceDown, since: 5)
        #expect(verdict() == .forceDown, "a pattern that says more")
        overrides.entries[.region("?u")] = entry(.drain, since: 6)
        #expect(verdict() == .drain, "the newer of equal ones")
        overrides.entries[.region("eu")] = entry(.disable, since: 1)
        #expect(verdict() == .disable, "the name itself")
        overrides.entries[.virtualServer("*")] = entry(.forceUp)
        #expect(verdict() == .forceUp, "a virtual server's own, even by pattern, before its region's")
        overrides.entries[.virtualServer("eu-1")] = entry(.drain)
        #expect(verdict() == .drain)
    }

    @Test("an operator's word goes before a window's on the same subject, and a window's exact name before a pattern")
    func windows() throws {
        let intent = try Self.intent()
        var state = OperatorState()
        let window = MaintenanceWindow(
            subject: .region("eu"), schedule: .once(start: .init(milliseconds: 0)), duration: .seconds(10))
        let run = WindowRun(phase: .open, starts: .init(milliseconds: 50), ends: .init(milliseconds: 60))
        func verdict() -> Overrides.Verdict? {
            EffectiveOverrides(state, windows: ["w": window], in: intent).servers[0]?.entry.verdict
        }
        #expect(verdict() == nil, "a window that does not run says nothing")
        state.runs["w"] = run
        #expect(verdict() == .drain)
        state.overrides.entries[.region("eu*")] = entry(.forceUp, since: 99)
        #expect(verdict() == .drain, "exact before pattern")
        state.overrides.entries[.region("eu")] = entry(.forceUp)
        #expect(verdict() == .forceUp, "the operator's before the window's, though older")
    }

    @Test("what a window of disabling says depends on whether it has begun")
    func phases() throws {
        let intent = try Self.intent()
        var window = MaintenanceWindow(
            subject: .pool("eu-pool"), schedule: .once(start: .init(milliseconds: 0)), duration: .seconds(10))
        window.verdict = .disable
        var state = OperatorState()
        for (phase, expected) in [(WindowRun.Phase.draining, Overrides.Verdict.drain), (.open, .disable)] {
            state.runs["w"] = WindowRun(phase: phase, starts: .init(milliseconds: 0), ends: .init(milliseconds: 1))
            let effect = EffectiveOverrides(state, windows: ["w": window], in: intent).pools[0]
            #expect(effect?.entry.verdict == expected)
            #expect(effect?.entry.window == "w")
        }
    }

    @Test("weights of a region and of what is in it multiply, beside verdicts")
    func weights() throws {
        let intent = try Self.intent()
        var overrides = Overrides()
        overrides.weights[.region("eu")] = .init(verdict: .weight, factor: 0.5, reason: "")
        overrides.weights[.pool("eu-*")] = .init(verdict: .weight, factor: 4, reason: "")
        overrides.weights[.member(upstream: "web", endpoint: "10.0.0.2:*")] = .init(
            verdict: .weight, factor: 0.25, reason: "")
        overrides.entries[.region("eu")] = entry(.drain)
        let effective = EffectiveOverrides(overrides, in: intent)
        #expect(effective.poolFactors == [0: 2])
        #expect(effective.serverFactors == [0: 0.5])
        #expect(effective.memberFactors == [.init(upstream: 0, member: 1): 0.25])
        #expect(effective.servers[0]?.entry.verdict == .drain)
    }

    @Test("a cutover redirects every wide IP that has both, and stands in for the pool where all have")
    func cutover() throws {
        let intent = try Self.intent()
        var overrides = Overrides()
        overrides.entries[.region("eu")] = entry(.cutover, to: "us")
        var effective = EffectiveOverrides(overrides, in: intent)
        #expect(effective.redirects[0] == [.init(from: 0, to: [1], shift: nil)])
        #expect(effective.redirects[1] == [.init(from: 0, to: [1], shift: nil)])
        #expect(effective.substitutes == [0: [1]])
        #expect(effective.servers[0] == nil, "its virtual servers are as available as they are")
        overrides.entries[.region("eu")] = entry(.cutover, to: "ap")
        effective = EffectiveOverrides(overrides, in: intent)
        #expect(effective.redirects[0] == [.init(from: 0, to: [2], shift: nil)])
        #expect(effective.redirects[1] == nil)
        #expect(effective.substitutes.isEmpty, "www stays")
    }

    @Test("what goes to a pool that is cut over goes on, and circles end")
    func chains() throws {
        let intent = try Self.intent()
        var state = OperatorState()
        state.overrides.entries[.region("eu")] = entry(.cutover, to: "us")
        state.overrides.entries[.region("us")] = entry(.cutover, to: "ap")
        var effective = EffectiveOverrides(state, windows: [:], in: intent)
        #expect(effective.redirects[0]?.map(\.to) == [[2], [2]])
        state.overrides.entries[.region("ap")] = entry(.cutover, to: "eu")
        effective = EffectiveOverrides(state, windows: [:], in: intent)
        #expect(effective.redirects[0]?.count == 3)
        state.overrides.entries = [.region("us"): entry(.cutover, to: "ap")]
        state.shifts[7] = Shift(
            wideIP: "api.*", kind: .region, from: "eu", to: "us", share: 0.5, slope: 1, progress: 0.25)
        effective = EffectiveOverrides(state, windows: [:], in: intent)
        #expect(effective.redirects[0]?.contains(.init(from: 0, to: [2], shift: 7)) == true)
        #expect(effective.redirects[1] == nil)
        #expect(effective.progress == [7: 0.25])
    }

    @Test("a pool's own word goes before its region's cutover")
    func ownWord() throws {
        let intent = try Self.intent()
        var overrides = Overrides()
        overrides.entries[.region("eu")] = entry(.cutover, to: "us")
        overrides.entries[.pool("eu-pool")] = entry(.drain)
        let effective = EffectiveOverrides(overrides, in: intent)
        #expect(effective.redirects.isEmpty)
        #expect(effective.pools[0]?.entry.verdict == .drain)
    }
}

@Suite("Shifts over time")
struct ShiftTests {
    @Test("grow to their share and no further, and go back as they came")
    func ramp() {
        var shift = Shift(wideIP: "*", kind: .region, from: "eu", to: "us", share: 0.3, slope: 0.01)
        shift.advance(by: .seconds(10))
        #expect(abs(shift.progress - 0.1) < 1e-9)
        #expect(abs(shift.remaining / .seconds(1) - 20) < 1e-6)
        shift.advance(by: .seconds(-10))
        #expect(abs(shift.progress - 0.1) < 1e-9, "time does not go back")
        shift.advance(by: .seconds(1000))
        #expect(shift.progress == 0.3 && shift.hasArrived && !shift.isOver)
        shift.isReturning = true
        #expect(!shift.hasArrived)
        shift.advance(by: .seconds(15))
        #expect(abs(shift.progress - 0.15) < 1e-9)
        shift.advance(by: .seconds(16))
        #expect(shift.isOver)
    }
}
