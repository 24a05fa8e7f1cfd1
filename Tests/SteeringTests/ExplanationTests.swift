import Addresses
import DNSWire
import Steering
import TestSupport
import Testing
import TrafficModel

@testable import Geography

/// Random configurations of stages over random places, loads and health.
struct RandomWorld {
    var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    /// A few nested and neighbouring networks of 10.0.0.0/8, so that clients fall into all of them.
    mutating func prefix() -> IPPrefix {
        let length = number(9...26)
        return IPPrefix(.v4(0x0A00_0000 | UInt32(number(0...0xFFFF)) << 8 & 0x00FF_FF00), length: length)!
    }

    mutating func client() -> IPAddress { .v4(0x0A00_0000 | UInt32(number(0...0xFF_FFFF))) }

    mutating func topology(_ pools: Int) -> Topology {
        let records = (0..<number(1...4)).map { _ in
            TopologyRecord(
                sources: number(0...4) == 0 ? [] : [number(0...1) == 0 ? .prefix(prefix()) : .country("PL")],
                exceptions: number(0...2) == 0 ? [.prefix(prefix())] : [.continent("NA")],
                candidates: Array(Set((0..<number(1...2)).map { _ in number(0...(pools - 1)) })))
        }
        return Topology(
            records, match: number(0...1) == 0 ? .first : .longest, use: number(0...1) == 0 ? .prefer : .only)
    }

    mutating func fixture() -> StageFixture {
        let pools = number(1...5)
        var stages: [Stage] = number(0...4) == 0 ? [] : [Stage(.available)]
        for _ in 0..<number(0...4) {
            let actions: [Stage.Action] = [
                .topology(topology(pools)), .nearest(within: number(0...1) == 0 ? nil : 4000),
                .latency(margin: .milliseconds(5)), .order(by: .list), .order(by: .criterion(.connections)),
                .weigh(by: .ratio), .weigh(by: .criterion(.capacity)),
                .shed(.init(.bits, soft: .absolute(100), hard: .absolute(200))), .roundRobin, .draw,
                .persist(v4: 24, v6: 56), .persist(v4: 20, v6: 48),
            ]
            stages.append(
                Stage(actions[number(0...(actions.count - 1))], whenEmpty: number(0...3) == 0 ? .keep : .next))
        }
        if number(0...1) == 0 {
            stages += [Stage(.otherwise), Stage(.topology(topology(pools))), Stage(.draw)]
        }
        var fixture = StageFixture(stages, pools: pools, ratios: (0..<pools).map { _ in number(0...3) })
        fixture.locate(
            (0..<6).map { index in
                let place =
                    index % 2 == 0
                    ? Place(country: "PL", continent: "EU", coordinates: .init(latitude: 52, longitude: 21))
                    : Place(country: "US", continent: "NA", coordinates: .init(latitude: 40, longitude: -100))
                return (prefix().description, place)
            })
        for region in 0..<pools {
            fixture.intent.regions[region].location = Location(
                latitude: Double(number(-60...60)), longitude: Double(number(-170...170)))
            fixture.observations.measurements.latency[prefix(), default: [:]]["r\(region)"] = .init(
                roundTrip: Double(number(1...200)) / 1000, count: 5, source: "test", time: fixture.now)
            for other in 0..<pools {
                fixture.observations.measurements.latency[
                    IPPrefix(.v4(0x0A40_0000), length: 10)!, default: [:]]["r\(other)"] = .init(
                        roundTrip: Double(other * 7 % 5 + 1) / 100, count: 5, source: "test", time: fixture.now)
            }
            if number(0...3) == 0 { fixture.disable(region) }
        }
        fixture.measure(.connections, (0..<pools).map { _ in number(0...2) == 0 ? nil : Double(number(0...9)) })
        fixture.measure(.capacity, (0..<pools).map { _ in Double(number(1...9)) })
        fixture.measure(.bits, (0..<pools).map { _ in Double(number(50...250)) })
        return fixture
    }
}

private func isSame(_ left: SteeringDecision, _ right: SteeringDecision) -> Bool {
    left.answer == right.answer && left.service == right.service && left.serverCount4 == right.serverCount4
        && left.chosenServers == right.chosenServers && left.ttl == right.ttl
        && left.scope == right.scope && left.pool == right.pool && left.negativeTTL == right.negativeTTL
}

@Suite("Explaining decisions")
struct ExplanationTests {
    @Test("an explanation is the decision, over a hundred thousand random questions", arguments: [UInt64(1), 2, 3, 4])
    func explainsTheDecision(seed: UInt64) {
        var world = RandomWorld(seed: seed)
        var decision = SteeringDecision()
        var differing = 0
        var unsteady = 0
        for _ in 0..<250 {
            let snapshot = world.fixture().snapshot()
            for _ in 0..<100 {
                let client = ClientNetwork(address: world.client())
                let sequence = world.generator.next()
                let family = AddressFamily.allCases[world.number(0...3)]
                let subject = world.number(0...3) == 0 ? SteeredSubject.poolHost(0) : .wideIP(0)
                snapshot.decide(subject, family: family, client: client, sequence: sequence, into: &decision)
                let record = snapshot.explain(subject, family: family, client: client, sequence: sequence)
                if !isSame(decision, record.decision) { differing += 1 }
                // The last step's first candidate is what was chosen.
                if case .alias(let pool) = decision.answer, record.steps.last?.after.first != .pool(pool) {
                    unsteady += 1
                }
            }
        }
        #expect(differing == 0)
        #expect(unsteady == 0)
    }

    @Test("the scope is never broader than where the answer changes", arguments: [UInt64(5), 6, 7, 8])
    func scope(seed: UInt64) {
        var world = RandomWorld(seed: seed)
        var decision = SteeringDecision()
        var other = SteeringDecision()
        var broader = 0
        var scoped = 0
        for _ in 0..<200 {
            let snapshot = world.fixture().snapshot()
            for _ in 0..<20 {
                let address = world.client()
                let sequence = world.generator.next()
                snapshot.decide(
                    .wideIP(0), family: .v4, client: ClientNetwork(address: address), sequence: sequence,
                    into: &decision)
                if decision.scope > 0 { scoped += 1 }
                guard case .v4(let value) = address else { continue }
                // Every client of the scope must be answered alike, whatever the network that is asked about.
                let mask = IPPrefix.mask4(Int(decision.scope))
                for _ in 0..<40 {
                    let neighbour = value & mask | UInt32(truncatingIfNeeded: world.generator.next()) & ~mask
                    snapshot.decide(
                        .wideIP(0), family: .v4, client: ClientNetwork(address: .v4(neighbour)), sequence: sequence,
                        into: &other)
                    if !isSame(decision, other) { broader += 1 }
                }
            }
        }
        #expect(broader == 0)
        #expect(scoped > 500)
    }

    @Test(
        "with shares or without, the scope is the widest network in which the map says the same",
        arguments: [UInt64(9), 10, 11])
    func exactScope(seed: UInt64) throws {
        var world = RandomWorld(seed: seed)
        var (broader, narrower, scoped) = (0, 0, 0)
        for _ in 0..<200 {
            let topology = world.topology(3)
            var fixture = StageFixture(
                [Stage(.topology(topology), whenEmpty: .keep), Stage(.weigh(by: .ratio)), Stage(.draw)],
                ratios: [world.number(0...2), 1, world.number(1...5)])
            let places = [
                (world.prefix(), Place(country: "PL", continent: "EU")),
                (world.prefix(), Place(country: "US", continent: "NA")),
            ]
            fixture.locate(places.map { ($0.0.description, $0.1) })
            let prefixes =
                places.map(\.0)
                + topology.records.flatMap { $0.sources + $0.exceptions }.compactMap { source in
                    if case .prefix(let prefix) = source { prefix } else { nil }
                }
            // Where what the map says can change.
            var borders: Set<UInt32> = []
            for prefix in prefixes {
                guard case .v4(let start) = prefix.address else { continue }
                borders.insert(start)
                borders.insert((start | ~IPPrefix.mask4(prefix.length)) &+ 1)
            }
            let snapshot = fixture.snapshot()
            func look(_ address: UInt32) -> (record: Int?, scope: Int) {
                let record = snapshot.explain(
                    .wideIP(0), family: .v4, client: ClientNetwork(address: .v4(address)), sequence: 7)
                return (record.steps.first?.record, Int(record.decision.scope))
            }
            for _ in 0..<20 {
                guard case .v4(let client) = world.client() else { continue }
                let (record, scope) = look(client)
                if scope > 0 { scoped += 1 }
                func differs(within length: Int) -> Bool {
                    let mask = IPPrefix.mask4(length)
                    return ([client & mask] + borders.filter { $0 & mask == client & mask }).contains {
                        look($0).record != record
                    }
                }
                if differs(within: scope) { broader += 1 }
                if scope > 0, !differs(within: scope - 1) { narrower += 1 }
            }
        }
        #expect(broader == 0)
        #expect(narrower == 0)
        #expect(scoped > 1000)
    }

    @Test("each step says who went in, who came out, and what share each gets")
    func steps() throws {
        var fixture = StageFixture(
            .available, .shed(.init(.bits, soft: .absolute(0), hard: .absolute(10))), .weigh(by: .ratio), .draw,
            ratios: [6, 3, 1])
        fixture.disable(2)
        fixture.measure(.bits, [0, 0, 0])
        let record = fixture.snapshot().explain(
            .wideIP(0), family: .v4, client: ClientNetwork(address: .v4(1)), sequence: 1)
        try #require(record.steps.count == 5)
        #expect(record.steps.map(\.stage) == [0, 1, 2, 3, nil])
        #expect(record.steps[0].before == [.pool(0), .pool(1), .pool(2)])
        #expect(record.steps[0].after == [.pool(0), .pool(1)])
        #expect(record.steps[1].fractions == [1, 1])
        #expect(record.steps[3].shares?.map { ($0 * 1000).rounded() } == [667, 333])
    }

    @Test("a stage that leaves nothing is told, and one that keeps what it would have removed")
    func exhaustion() {
        let none = Topology([TopologyRecord(sources: [.country("PL")], candidates: [0])], use: .only)
        let record = StageFixture([
            Stage(.topology(none), whenEmpty: .keep), Stage(.topology(none)), Stage(.otherwise), Stage(.available),
        ]).snapshot().explain(.wideIP(0), family: .v4, client: ClientNetwork(address: .v4(1)), sequence: 1)
        #expect(record.steps.map(\.effect) == [.kept, .exhausted, .ran, .ran])
        #expect(record.steps.map(\.record) == [0, 0, nil, nil])
    }
}
