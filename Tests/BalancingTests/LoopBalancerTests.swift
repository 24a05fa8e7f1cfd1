import Testing
import TrafficModel

@testable import Balancing

@Suite("Turns: round robin and ratio")
struct TurnTests {
    @Test("round robin takes turns whatever the ratios are", arguments: [1, 2, 3, 7])
    func roundRobin(count: Int) {
        var fixture = Fixture(ratios: (0..<count).map { $0 + 1 })
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 1)
        let picks = (0..<count * 5).compactMap { _ in try? loop.pick(snapshot).get() }
        for start in 0...(picks.count - count) {
            #expect(Set(picks[start..<start + count]).count == count)
        }
    }

    static let ratios: [[Int]] = [
        [1, 1], [3, 1], [5, 1, 1], [2, 3, 5], [60, 30, 10], [1, 100], [7, 7, 7, 1], [65_535, 1, 32_767],
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    ]

    @Test("ratio holds the shares within 1 % over 100,000 picks", arguments: ratios)
    func shares(ratios: [Int]) {
        var fixture = Fixture(method: .ratio, ratios: ratios)
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 2)
        var counts = Array(repeating: 0, count: ratios.count)
        let picks = 100_000
        for _ in 0..<picks {
            if let member = try? loop.pick(snapshot).get() { counts[member] += 1 }
        }
        let total = Double(ratios.reduce(0, +))
        for (count, ratio) in zip(counts, ratios) {
            let expected = Double(picks) * Double(ratio) / total
            #expect(abs(Double(count) - expected) <= max(1, expected * 0.01))
        }
    }

    @Test("ratio is smooth: every window of any length holds whole shares within the member count", arguments: ratios)
    func smooth(ratios: [Int]) {
        var fixture = Fixture(method: .ratio, ratios: ratios)
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 3)
        let total = Double(ratios.reduce(0, +))
        let picks = (0..<2_000).compactMap { _ in try? loop.pick(snapshot).get() }
        for member in ratios.indices {
            // How far ahead of its share the member is after each pick; a window is the difference of two.
            var ahead = 0.0
            var lowest = 0.0
            var highest = 0.0
            for pick in picks {
                ahead += (pick == member ? 1 : 0) - Double(ratios[member]) / total
                lowest = min(lowest, ahead)
                highest = max(highest, ahead)
            }
            #expect(highest - lowest < Double(ratios.count) + 1)
        }
    }

    @Test("5, 1, 1 is no burst: the light members come between")
    func noBurst() {
        var fixture = Fixture(method: .ratio, ratios: [5, 1, 1])
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 4)
        let picks = (0..<700).compactMap { _ in try? loop.pick(snapshot).get() }
        var run = 0
        var longest = 0
        for pick in picks {
            run = pick == 0 ? run + 1 : 0
            longest = max(longest, run)
        }
        #expect(longest <= 4)
    }

    @Test("a heavy member that goes away leaves no debts behind")
    func debtsAreForgiven() {
        var fixture = Fixture(method: .ratio, ratios: [60_000, 1, 1])
        var loop = LoopBalancer(seed: 5)
        let all = fixture.compile()
        for _ in 0..<10_007 { _ = loop.pick(all) }
        fixture.set(.down, member: 0)
        let rest = fixture.compile()
        var counts = [0, 0, 0]
        for _ in 0..<20 {
            if let member = try? loop.pick(rest).get() { counts[member] += 1 }
        }
        #expect(counts[0] == 0)
        #expect(abs(counts[1] - counts[2]) <= 4)
    }

    @Test("loops with different seeds do not walk in step")
    func loopsDiffer() {
        var fixture = Fixture(ratios: Array(repeating: 1, count: 8))
        let snapshot = fixture.compile()
        let firsts = (0..<32).compactMap { seed -> Int? in
            var loop = LoopBalancer(seed: UInt64(seed))
            return try? loop.pick(snapshot).get()
        }
        #expect(Set(firsts).count > 3)
    }

    @Test("turns go on where they were when another snapshot has the same members")
    func turnsSurvive() {
        var fixture = Fixture(ratios: [1, 1, 1, 1])
        var loop = LoopBalancer(seed: 6)
        var picks: [Int] = []
        for _ in 0..<40 {
            let snapshot = fixture.compile()
            fixture.intent.generation += 1
            if let pick = try? loop.pick(snapshot).get() { picks.append(pick) }
        }
        for start in 0...36 { #expect(Set(picks[start..<start + 4]).count == 4) }
    }
}

@Suite("Least connections and random two")
struct LoadTests {
    @Test("least connections evens out what is open, by ratio", arguments: [[1, 1, 1], [2, 1, 1], [1, 3]])
    func leastConnections(ratios: [Int]) {
        var fixture = Fixture(method: .leastConnections, ratios: ratios)
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 1)
        let total = ratios.reduce(0, +)
        var open: [Held] = []
        for _ in 0..<total * 10 {
            if let lease = loop.lease(snapshot) { open.append(lease) }
        }
        for (member, ratio) in zip(snapshot.upstreams[0].members, ratios) {
            #expect(member.state.openCount == ratio * 10)
        }
        #expect(open.count == total * 10)
        open.removeAll()
        #expect(snapshot.upstreams[0].members.allSatisfy { $0.state.openCount == 0 })
    }

    @Test("an idle upstream is used by turns, not always from the first member")
    func tiesRotate() {
        var fixture = Fixture(method: .leastConnections, ratios: [1, 1, 1])
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 2)
        var counts = [0, 0, 0]
        for _ in 0..<300 {
            if let member = try? loop.pick(snapshot).get() { counts[member] += 1 }
        }
        #expect(counts.allSatisfy { (98...102).contains($0) })
    }

    @Test("random two never takes the most loaded of three, and spreads idle ones by ratio")
    func randomTwo() {
        var fixture = Fixture(method: .randomTwo, ratios: [1, 1, 2])
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 3)
        var counts = [0, 0, 0]
        for _ in 0..<100_000 {
            if let member = try? loop.pick(snapshot).get() { counts[member] += 1 }
        }
        // With nothing open the first draw decides, and it is by ratio.
        #expect(abs(Double(counts[2]) - 50_000) < 1_000)
        #expect(abs(Double(counts[0]) - 25_000) < 1_000)

        guard let busy = loop.lease(snapshot, excluding: [1, 2]) else {
            Issue.record("no lease")
            return
        }
        for _ in 0..<1_000 { #expect(loop.pick(snapshot) != .success(0)) }
        #expect(busy.member == 0)
    }

    @Test("random two with two members takes the less loaded always")
    func twoOfTwo() {
        var fixture = Fixture(method: .randomTwo, ratios: [1, 1])
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 4)
        let busy = loop.lease(snapshot, excluding: [0])
        for _ in 0..<100 { #expect(loop.pick(snapshot) == .success(0)) }
        #expect(busy?.member == 1)
    }
}

@Suite("Who can be chosen")
struct EligibilityTests {
    static let methods = Upstream.Method.allCases

    @Test("never one that is down, excluded, full or without ratio; exhaustion is told", arguments: methods)
    func property(method: Upstream.Method) {
        var random = SeededGenerator(seed: 99)
        for round in 0..<300 {
            let count = Int(random.next() % 8) + 1
            var fixture = Fixture(method: method, ratios: (0..<count).map { _ in Int(random.next() % 4) })
            for index in 0..<count {
                fixture.intent.upstreams[0].members[index].backup = random.next() % 4 == 0
                fixture.intent.upstreams[0].members[index].maxConnections =
                    random.next() % 3 == 0 ? Int(random.next() % 3) : nil
                fixture.set([.up, .unknown, .down][Int(random.next() % 3)], member: index)
                fixture.set(([nil, nil, nil] + Overrides.Verdict.allCases)[Int(random.next() % 6)], member: index)
            }
            let snapshot = fixture.compile()
            let upstream = snapshot.upstreams[0]
            var loop = LoopBalancer(seed: UInt64(round))
            for _ in 0..<20 {
                let tried = (0..<count).filter { _ in random.next() % 3 == 0 }
                var usable = upstream.members.indices.filter { index in
                    let member = upstream.members[index]
                    return member.ratio > 0 && member.availability != .down && !tried.contains(index)
                        && member.maxConnections != 0
                }
                // The first step that has anyone decides.
                let steps: [(MemberSnapshot) -> Bool] = [
                    { $0.availability == .available && !$0.backup }, { $0.availability == .available && $0.backup },
                    { $0.availability == .drained },
                ]
                for step in steps {
                    let inStep = usable.filter { step(upstream.members[$0]) }
                    if !inStep.isEmpty {
                        usable = inStep
                        break
                    }
                }
                switch loop.pick(snapshot, excluding: tried) {
                case .success(let member): #expect(usable.contains(member))
                case .failure: #expect(usable.isEmpty)
                }
            }
            #expect(upstream.members.allSatisfy { $0.state.openCount == 0 })
        }
    }

    @Test(
        "what monitors and operators say together",
        arguments: [
            (HealthState.unknown, Overrides.Verdict?.none, MemberSnapshot.Availability.available),
            (.up, nil, .available), (.down, nil, .down),
            (.up, .drain, .drained), (.unknown, .drain, .drained), (.down, .drain, .down),
            (.up, .forceDown, .down), (.unknown, .forceDown, .down),
            (.down, .forceUp, .available), (.unknown, .forceUp, .available),
        ])
    func availability(health: HealthState, verdict: Overrides.Verdict?, expected: MemberSnapshot.Availability) {
        var fixture = Fixture(ratios: [1])
        fixture.set(health, member: 0)
        fixture.set(verdict, member: 0)
        let member = fixture.compile().upstreams[0].members[0]
        #expect(member.availability == expected)
        #expect(member.health == health)
        #expect(member.verdict == verdict)
    }

    @Test("all monitors must agree that a member is up")
    func severalMonitors() {
        var fixture = Fixture(ratios: [1])
        fixture.intent.monitors.append(Monitor(name: "other", check: .tcp))
        fixture.intent.upstreams[0].monitors = [0, 1]
        fixture.set(.up, member: 0)
        #expect(fixture.compile().upstreams[0].members[0].health == .unknown)
        let other = HealthTarget(endpoint: Fixture.endpoint(0), monitor: fixture.intent.monitors[1])
        fixture.observations.health[other] = .down
        #expect(fixture.compile().upstreams[0].members[0].health == .down)
        fixture.observations.health[other] = .up
        #expect(fixture.compile().upstreams[0].members[0].health == .up)
    }

    @Test("overrides of regions and pools do not reach members")
    func otherSubjects() {
        var fixture = Fixture(ratios: [1])
        fixture.overrides.entries[.region("u")] = .init(verdict: .forceDown, reason: "")
        fixture.overrides.entries[.pool("u")] = .init(verdict: .drain, reason: "")
        #expect(fixture.compile().upstreams[0].members[0].availability == .available)
    }

    @Test("backups serve only when no other member can, and a full one cannot")
    func backups() {
        var fixture = Fixture(ratios: [1, 1])
        fixture.intent.upstreams[0].members[1].backup = true
        fixture.intent.upstreams[0].members[0].maxConnections = 1
        var snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 1)
        for _ in 0..<10 { #expect(loop.pick(snapshot) == .success(0)) }
        do {
            let only = loop.lease(snapshot)
            #expect(only?.member == 0)
            #expect(loop.pick(snapshot) == .success(1))
        }
        #expect(loop.pick(snapshot) == .success(0))
        #expect(loop.pick(snapshot, excluding: [0]) == .success(1))
        fixture.set(.down, member: 0)
        snapshot = fixture.compile()
        #expect(loop.pick(snapshot) == .success(1))
    }

    @Test("a drained member serves when nothing else can, before an ejected one")
    func drainedIsLast() {
        var fixture = Fixture(ratios: [1, 1, 1])
        fixture.set(.drain, member: 2)
        var loop = LoopBalancer(seed: 1)
        let snapshot = fixture.compile()
        for _ in 0..<20 { #expect(loop.pick(snapshot) != .success(2)) }
        #expect(loop.pick(snapshot, excluding: [0, 1]) == .success(2))
        #expect(snapshot.upstreams[0].reportFailure(member: 0, reason: .refused, now: 0))
        #expect(loop.pick(snapshot, excluding: [1]) == .success(2))
    }

    @Test("why there is none")
    func reasons() {
        var fixture = Fixture(ratios: [1, 1])
        fixture.intent.upstreams[0].members[0].maxConnections = 1
        fixture.set(.down, member: 1)
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 1)
        #expect(loop.pick(snapshot, excluding: [0]) == .failure(Refusal(reason: .tried)))
        do {
            let only = loop.lease(snapshot)
            #expect(only != nil)
            #expect(loop.pick(snapshot) == .failure(Refusal(reason: .full)))
        }
        fixture.set(.forceDown, member: 0)
        let down = fixture.compile()
        #expect(loop.pick(down) == .failure(Refusal(reason: .down)))
        fixture.intent.upstreams[0].members = []
        let empty = fixture.compile()
        #expect(loop.pick(empty) == .failure(Refusal(reason: .down)))
    }

    @Test("a limit holds when loops race for the last places")
    func racingLoops() async {
        var fixture = Fixture(ratios: [1, 1])
        fixture.intent.upstreams[0].members[0].maxConnections = 3
        fixture.intent.upstreams[0].members[1].maxConnections = 4
        let snapshot = fixture.compile()
        let held = await withTaskGroup(of: Int.self) { group in
            for seed in 0..<4 {
                group.addTask {
                    var loop = LoopBalancer(seed: UInt64(seed))
                    var most = 0
                    for _ in 0..<2_000 {
                        var leases: [Held] = []
                        while let lease = loop.lease(snapshot) { leases.append(lease) }
                        most = max(most, leases.count)
                    }
                    return most
                }
            }
            return await group.reduce(0, max)
        }
        #expect((1...7).contains(held))
        #expect(snapshot.upstreams[0].members.allSatisfy { $0.state.openCount == 0 })
    }
}

@Suite("Tried members")
struct TriedMembersTests {
    @Test("holds as many as it says")
    func capacity() {
        var tried = TriedMembers()
        #expect(tried.isEmpty)
        for member in 0..<TriedMembers.capacity { tried.insert(member * 4_000) }
        #expect(tried.count == TriedMembers.capacity)
        for member in 0..<TriedMembers.capacity { #expect(tried.contains(member * 4_000)) }
        #expect(!tried.contains(1))
    }

    @Test("tries are bounded by it", arguments: [(-1, 1), (0, 1), (3, 3), (16, 16), (17, 16), (1_000, 16)])
    func tries(configured: Int, effective: Int) {
        var fixture = Fixture(ratios: [1])
        fixture.intent.upstreams[0].tries = configured
        #expect(fixture.compile().upstreams[0].tries == effective)
    }
}
