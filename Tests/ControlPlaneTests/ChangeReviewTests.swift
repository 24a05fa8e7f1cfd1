import Addresses
import DNSWire
import Geography
import Steering
import Testing
import TrafficModel

@testable import ControlPlane

/// Regions eu, us and ap with a virtual server and a pool each; api over all of them, www over eu and us; an upstream
/// with two members.
private struct World {
    var intent = Intent()
    var observations = Observations()
    var state = OperatorState()

    init(policy: AllDownPolicy = .closed) throws {
        let check = Monitor(name: "m", check: .tcp)
        intent.monitors = [check]
        for (index, name) in ["eu", "us", "ap"].enumerated() {
            intent.regions.append(Region(name: name))
            let endpoint = try #require(Endpoint("192.0.2.\(index + 1):80"))
            var server = VirtualServer(name: "\(name)-1", endpoint: endpoint, region: index)
            server.monitors = [0]
            intent.virtualServers.append(server)
            var pool = Pool(name: name)
            pool.region = index
            pool.virtualServers = [index]
            pool.host = DomainName("\(name).example.net")
            intent.pools.append(pool)
        }
        for (name, pools) in [("api.example.com", [0, 1, 2]), ("www.example.com", [0, 1])] {
            var wideIP = WideIP(name: try #require(DomainName(name)), pools: pools)
            wideIP.allDown = policy
            intent.wideIPs.append(wideIP)
        }
        intent.upstreams = [
            Upstream(
                name: "web",
                members: [
                    .init(endpoint: try #require(Endpoint("10.0.0.1:80"))),
                    .init(endpoint: try #require(Endpoint("10.0.0.2:80"))),
                ])
        ]
    }

    mutating func fail(_ region: Int) {
        let target = HealthTarget(endpoint: intent.virtualServers[region].endpoint, monitor: intent.monitors[0])
        observations.health[target] = .down
    }

    private func side(_ state: OperatorState) -> ChangeReview.Side {
        let overrides = EffectiveOverrides(state, windows: [:], in: intent)
        let plan = SteeringPlan(intent: intent, geography: GeographyDatabase())
        return .init(
            overrides: overrides,
            steering: SteeringSnapshot(
                plan: plan, intent: intent, overrides: overrides, observations: observations, epoch: 1),
            shifts: state.shifts)
    }

    /// What is against a change of the state.
    func objections(_ change: (inout OperatorState) -> Void) -> [String] {
        var next = state
        change(&next)
        return ChangeReview(intent: intent, observations: observations).objections(from: side(state), to: side(next))
    }

    func objections(_ verdict: Overrides.Verdict, _ subject: Overrides.Subject, to target: String? = nil) -> [String] {
        objections { $0.overrides.entries[subject] = .init(verdict: verdict, target: target, reason: "") }
    }

    mutating func set(_ verdict: Overrides.Verdict, _ subject: Overrides.Subject, to target: String? = nil) {
        state.overrides.entries[subject] = .init(verdict: verdict, target: target, reason: "")
    }
}

@Suite("Names and upstreams that must keep something to answer with")
struct AnswerReviewTests {
    @Test(
        "the last pool of a name cannot be taken out, by whatever level",
        arguments: [
            Overrides.Subject.region("us"), .region("?s"), .pool("us"), .pool("*"), .virtualServer("us-1"),
            .virtualServer("us-*"),
        ])
    func last(subject: Overrides.Subject) throws {
        var world = try World()
        #expect(world.objections(.disable, .region("us")).isEmpty)
        world.set(.forceDown, .region("eu"))
        let found = world.objections(.disable, subject)
        #expect(found.count == 1 && found[0].contains("www.example.com"), "\(found)")
        #expect(world.objections(.forceUp, subject).isEmpty)
        if subject != .pool("*") {
            #expect(world.objections(.drain, subject).isEmpty, "draining is answered if it must")
        }
    }

    @Test("what monitors hold down counts, and what is broken already is nobody's fault")
    func health() throws {
        var world = try World()
        world.fail(0)
        #expect(world.objections(.disable, .region("us")).first?.contains("www.example.com") == true)
        world.fail(1)
        #expect(world.objections(.disable, .region("us")).isEmpty, "www had no answer before")
        #expect(world.objections(.disable, .region("ap")).first?.contains("api.example.com") == true)
    }

    @Test("a name that answers openly with what is down must not lose that either")
    func open() throws {
        var world = try World(policy: .open)
        world.fail(0)
        world.fail(1)
        #expect(world.objections(.disable, .region("eu")).isEmpty, "us is still answered")
        world.set(.disable, .region("eu"))
        #expect(world.objections(.disable, .region("us")).first?.contains("www.example.com") == true)
        #expect(world.objections(.forceDown, .region("us")).isEmpty)
    }

    @Test("a name with a last resort may lose all its pools")
    func lastResort() throws {
        var world = try World(policy: .pool(2))
        world.set(.disable, .region("eu"))
        #expect(world.objections(.disable, .region("us")).isEmpty)
        #expect(world.objections(.disable, .wideIP("www.example.com")).isEmpty == false)
    }

    @Test("a cutover counts as what takes over is")
    func cutover() throws {
        var world = try World()
        #expect(world.objections(.cutover, .region("eu"), to: "us").isEmpty)
        world.fail(1)
        let found = world.objections(.cutover, .region("eu"), to: "us")
        #expect(found.count == 1 && found[0].contains("www.example.com"), "\(found)")
        world.set(.cutover, .region("eu"), to: "us")
        #expect(world.objections { $0.overrides.entries = [:] }.isEmpty, "taking it back makes it better")
    }

    @Test("an upstream keeps a member")
    func members() throws {
        var world = try World()
        let (one, two) = (
            Overrides.Subject.member(upstream: "web", endpoint: "10.0.0.1:80"),
            Overrides.Subject.member(upstream: "web", endpoint: "*2:80")
        )
        #expect(world.objections(.disable, one).isEmpty)
        world.set(.disable, one)
        #expect(world.objections(.forceDown, two) == ["upstream web would have no member to send to"])
        #expect(world.objections(.drain, two).isEmpty, "draining members serve if they must")
        let weighed = world.objections { $0.overrides.weights[two] = .init(verdict: .weight, factor: 0, reason: "") }
        #expect(weighed == ["upstream web would have no member to send to"])
    }
}

@Suite("Safety rules")
struct SafetyRuleTests {
    private func world(_ bound: Safety.Rule.Bound, _ regions: [Int] = [0, 1, 2]) throws -> World {
        var world = try World(policy: .pool(2))
        world.intent.safety.rules = [Safety.Rule(name: "keep", bound: bound, regions: regions)]
        return world
    }

    @Test(
        "at most one region is taken out at a time, by whatever means",
        arguments: [
            (Overrides.Verdict.drain, Overrides.Subject.region("us"), String?.none), (.disable, .region("us"), nil),
            (.forceDown, .region("us"), nil), (.drain, .region("u*"), nil), (.drain, .virtualServer("us-1"), nil),
            (.drain, .virtualServer("*"), nil), (.drain, .pool("us"), nil), (.cutover, .region("us"), "ap"),
            (.cutover, .pool("us"), "ap"),
        ])
    func drained(verdict: Overrides.Verdict, subject: Overrides.Subject, target: String?) throws {
        var world = try world(.drained(atMost: 1))
        world.set(.drain, .region("eu"))
        let found = world.objections(verdict, subject, to: target)
        #expect(found.first?.hasPrefix("safety rule keep: ") == true, "\(found)")
        world.state.overrides.entries = [:]
        if subject != .virtualServer("*") { #expect(world.objections(verdict, subject, to: target).isEmpty) }
        #expect(world.objections(.forceUp, subject).isEmpty)
    }

    @Test("a whole shift takes a region out; a part of one does not")
    func shifts() throws {
        var world = try world(.drained(atMost: 1))
        world.set(.drain, .region("eu"))
        for (share, isRefused) in [(0.99, false), (1, true)] {
            let found = world.objections {
                $0.shifts[1] = Shift(wideIP: "*", kind: .region, from: "us", to: "ap", share: share, slope: 1)
            }
            #expect(found.isEmpty != isRefused, "\(found)")
        }
    }

    @Test("windows count as operators do")
    func windows() throws {
        var world = try world(.drained(atMost: 0))
        let window = MaintenanceWindow(
            subject: .region("eu"), schedule: .once(start: .init(milliseconds: 0)), duration: .seconds(1))
        world.intent.windows["w"] = window
        var state = world.state
        state.runs["w"] = WindowRun(phase: .draining, starts: .init(milliseconds: 0), ends: .init(milliseconds: 1))
        let overrides = EffectiveOverrides(state, windows: world.intent.windows, in: world.intent)
        #expect(overrides.servers[0]?.entry.verdict == .drain)
        let plan = SteeringPlan(intent: world.intent, geography: GeographyDatabase())
        func side(_ overrides: EffectiveOverrides) -> ChangeReview.Side {
            .init(
                overrides: overrides,
                steering: SteeringSnapshot(
                    plan: plan, intent: world.intent, overrides: overrides, observations: Observations(), epoch: 1),
                shifts: [:])
        }
        let found = ChangeReview(intent: world.intent, observations: Observations()).objections(
            from: side(EffectiveOverrides()), to: side(overrides))
        #expect(found == ["safety rule keep: 1 of eu, us, ap would be taken out, at most 0 may be"])
    }

    @Test("enough regions stay enabled and work")
    func enabled() throws {
        var world = try world(.enabled(atLeast: 1), [0, 1])
        #expect(world.objections(.disable, .region("eu")).isEmpty)
        world.fail(1)
        #expect(
            world.objections(.drain, .region("eu"))
                == ["safety rule keep: 0 of eu, us would be enabled and work, 1 must"])
        #expect(world.objections(.drain, .region("us")).isEmpty, "it is down anyway")
        world.fail(0)
        #expect(world.objections(.drain, .region("eu")).isEmpty, "nothing gets worse")
    }

    @Test("a virtual server of its own mind keeps its region in")
    func own() throws {
        var world = try world(.drained(atMost: 0))
        world.set(.forceUp, .virtualServer("eu-1"))
        #expect(world.objections(.drain, .region("eu")).isEmpty)
        world.set(.drain, .region("eu"))
        #expect(
            world.objections { $0.overrides.entries[.virtualServer("eu-1")] = nil }.count == 1, "an enable that drains")
    }
}
