import Addresses
import DNSWire
import Geography
import Steering
import Testing
import TrafficModel

@Suite("Stages: shares")
struct ShareStageTests {
    @Test("ratios are honoured within one per cent over a million queries")
    func ratio() {
        let fixture = StageFixture(.available, .weigh(by: .ratio), .draw, ratios: [5, 3, 2])
        for (share, wanted) in zip(fixture.snapshot().shares(1_000_000, pools: 3), [0.5, 0.3, 0.2]) {
            #expect(abs(share - wanted) <= 0.01)
        }
    }

    @Test("ratios are honoured within one per cent by persistence, over a million networks")
    func weightedPersistence() {
        let fixture = StageFixture(
            .available, .weigh(by: .ratio), .persist(v4: 24, v6: 56), ratios: [5, 3, 2])
        for (share, wanted) in zip(fixture.snapshot().shares(1_000_000, pools: 3), [0.5, 0.3, 0.2]) {
            #expect(abs(share - wanted) <= 0.01)
        }
    }

    @Test(
        "persistence moves no more clients than those of the pool that leaves, and two per cent",
        arguments: [2, 5, 20], [false, true])
    func persistence(count: Int, weighted: Bool) {
        var actions: [Stage.Action] = [.available, .persist(v4: 24, v6: 56)]
        if weighted { actions.insert(.weigh(by: .ratio), at: 1) }
        var fixture = StageFixture(
            actions.map { Stage($0) }, pools: count, ratios: weighted ? (0..<count).map { $0 % 3 + 1 } : [])
        let before = fixture.snapshot()
        fixture.disable(0)
        let after = fixture.snapshot()
        let clients = 20_000
        var moved = 0
        var ofTheLeaving = 0
        for index in 0..<clients {
            let client = IPAddress.v4(UInt32(index) << 8).text
            let (first, second) = (before.decide(client).pool, after.decide(client).pool)
            if first != second { moved += 1 }
            if first == 0 { ofTheLeaving += 1 }
        }
        #expect(moved == ofTheLeaving)
        if !weighted { #expect(Double(moved) / Double(clients) <= 1 / Double(count) + 0.02) }
    }

    @Test(
        "a client network keeps its pool, and the scope is the network's",
        arguments: [("203.0.113.", 24), ("2001:db8::", 56)])
    func persistentScope(prefix: String, length: UInt8) {
        let snapshot = StageFixture(.available, .persist(v4: 24, v6: 56)).snapshot()
        let decisions = (1...9).map { snapshot.decide("\(prefix)\($0)", sequence: UInt64($0)) }
        #expect(Set(decisions.map(\.pool)).count == 1)
        #expect(Set(decisions.map(\.scope)) == [length])
    }

    @Test("one candidate left: the answer does not depend on the client")
    func single() {
        var fixture = StageFixture(.available, .persist(v4: 24, v6: 56))
        fixture.disable(0, 2)
        #expect(fixture.decide().pool == 1)
        #expect(fixture.decide().scope == 0)
    }

    @Test("random N: a draw and take give each address its share, and none twice")
    func randomSample() {
        var fixture = StageFixture(.available, pools: 1)
        for index in 1..<6 {
            fixture.intent.virtualServers.append(
                VirtualServer(
                    name: "s\(index)", endpoint: Endpoint(address: .v4(UInt32(index)), port: 80), region: 0))
        }
        fixture.intent.pools[0].virtualServers = Array(0..<6)
        fixture.intent.pools[0].stages = [Stage(.available), Stage(.draw), Stage(.take(2))]
        let snapshot = fixture.snapshot()
        var counts = [Int](repeating: 0, count: 6)
        var pairs: Set<Set<UInt32>> = []
        for sequence in 0..<60_000 {
            let servers = snapshot.decide("192.0.2.1", sequence: UInt64(sequence), of: .poolHost(0)).chosenServers
            #expect(Set(servers).count == 2)
            pairs.insert(Set(servers))
            for server in servers { counts[Int(server)] += 1 }
        }
        #expect(pairs.count == 15)
        for count in counts { #expect(abs(Double(count) / 20_000 - 1) <= 0.05) }
    }

    @Test("ratio 0 is drawn while no other is left, and not as a second address")
    func zeroRatio() {
        var fixture = StageFixture(.available, .weigh(by: .ratio), .draw, ratios: [0, 1, 0])
        #expect(Set((0..<50).map { fixture.decide(sequence: $0).pool }) == [1])
        fixture.disable(1)
        #expect(Set((0..<50).map { fixture.decide(sequence: $0).pool }) == [0, 2])
    }

    @Test("more than 64 candidates are no more than 64")
    func capacity() {
        let fixture = StageFixture(.roundRobin, pools: 65)
        #expect(Set((0..<1000).map { fixture.snapshot(nil).decide("192.0.2.1", sequence: $0).pool }).count == 64)
    }
}

@Suite("Stages: places")
struct PlaceStageTests {
    private static let places: [(network: String, place: Place)] = [
        (
            "10.1.0.0/16",
            Place(country: "PL", continent: "EU", city: "Warsaw", coordinates: .init(latitude: 52.2, longitude: 21))
        ),
        (
            "10.2.0.0/16",
            Place(country: "US", continent: "NA", subdivision: "CA", coordinates: .init(latitude: 34, longitude: -118))
        ),
        ("10.3.0.0/16", Place(country: "US", continent: "NA", asn: 64496, isp: "Example Net")),
        ("10.4.0.0/16", Place(country: "DE", continent: "EU", network: "office")),
    ]

    private func fixture(_ topology: Topology) -> StageFixture {
        var fixture = StageFixture(.topology(topology))
        fixture.locate(Self.places)
        return fixture
    }

    @Test(
        "every kind of source matches its clients and no others",
        arguments: [
            (TopologyRecord.Source.country("PL"), "10.1.0.1"), (.continent("NA"), "10.2.0.1"),
            (.subdivision(country: "US", code: "CA"), "10.2.0.1"), (.city(country: "PL", name: "Warsaw"), "10.1.0.1"),
            (.asn(64496), "10.3.0.1"), (.isp("Example Net"), "10.3.0.1"), (.network("office"), "10.4.0.1"),
            (.prefix(IPPrefix("10.4.128.0/17")!), "10.4.200.1"),
        ])
    func sources(source: TopologyRecord.Source, client: String) {
        let fixture = fixture(Topology([TopologyRecord(sources: [source], candidates: [2])]))
        #expect(fixture.decide(client).pool == 2)
        #expect(fixture.decide("10.9.0.1").pool == 0)
        for other in ["10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1"] where other != client {
            let isSameContinent = source == .continent("NA") && other == "10.3.0.1"
            #expect(fixture.decide(other).pool == (isSameContinent ? 2 : 0))
        }
    }

    @Test("exceptions take clients out of a record, networks too, and a record of exceptions alone is about the others")
    func exceptions() {
        let carved = fixture(
            Topology([
                TopologyRecord(
                    sources: [.continent("NA")], exceptions: [.asn(64496), .prefix(IPPrefix("10.2.5.0/24")!)],
                    candidates: [1])
            ]))
        #expect(carved.decide("10.2.0.1").pool == 1)
        #expect(carved.decide("10.2.5.1").pool == 0)
        #expect(carved.decide("10.2.5.1").scope == 24)
        #expect(carved.decide("10.3.0.1").pool == 0)
        let others = fixture(
            Topology([TopologyRecord(sources: [], exceptions: [.continent("EU")], candidates: [1])]))
        #expect(["10.1.0.1", "10.2.0.1", "10.9.0.1"].map { others.decide($0).pool } == [0, 1, 1])
    }

    @Test("the longest match goes before the order of the list, the first before what is more specific")
    func match() {
        let records = [
            TopologyRecord(sources: [.continent("EU")], candidates: [1]),
            TopologyRecord(sources: [.country("PL")], candidates: [2]),
            TopologyRecord(sources: [.prefix(IPPrefix("10.1.0.0/16")!)], candidates: [0]),
            TopologyRecord(sources: [.prefix(IPPrefix("10.1.2.0/24")!)], candidates: [1]),
        ]
        let first = fixture(Topology(records))
        #expect(["10.1.0.1", "10.1.2.1", "10.4.0.1"].map { first.decide($0).pool } == [1, 1, 1])
        let longest = fixture(Topology(records, match: .longest))
        #expect(["10.1.0.1", "10.1.2.1", "10.4.0.1"].map { longest.decide($0).pool } == [0, 1, 1])
        let shorter = fixture(Topology(Array(records.prefix(2)), match: .longest))
        #expect(["10.1.0.1", "10.4.0.1"].map { shorter.decide($0).pool } == [2, 1])
    }

    @Test("with `only` the record's pools alone remain, and a client that none matches goes on behind otherwise")
    func only() {
        var fixture = StageFixture([
            Stage(.available),
            Stage(.topology(Topology([TopologyRecord(sources: [.country("PL")], candidates: [2, 1])], use: .only))),
            Stage(.weigh(by: .ratio)), Stage(.draw), Stage(.otherwise), Stage(.available),
        ])
        fixture.locate(Self.places)
        #expect(Set((0..<20).map { fixture.decide("10.1.0.1", sequence: $0).pool }) == [1, 2])
        #expect(fixture.decide("10.9.0.1").pool == 0)
        fixture.disable(1, 2)
        #expect(fixture.decide("10.1.0.1").pool == 0)
    }

    @Test(
        "a region's bias makes it look nearer or further away",
        arguments: [(0.0, 1), (0.2, 1), (0.6, 0), (0.99, 0), (-0.5, 1), (-0.99, 1)])
    func bias(bias: Double, pool: Int32) {
        var fixture = StageFixture(.available, .nearest(within: nil), pools: 2)
        fixture.locate([("10.1.0.0/16", Place(country: "PL", coordinates: .init(latitude: 0, longitude: 0)))])
        // Twice as far away.
        fixture.intent.regions[0].location = Location(latitude: 0, longitude: 60)
        fixture.intent.regions[1].location = Location(latitude: 0, longitude: 30)
        fixture.intent.regions[0].bias = bias
        #expect(fixture.decide("10.1.0.1").pool == pool)
        // With the other further away than the globe is wide, the order is as it was.
        fixture.intent.regions[1].bias = -0.99
        #expect(fixture.decide("10.1.0.1").pool == (bias < -0.98 ? 1 : 0))
    }

    @Test("the nearest region first, a limit leaves out the others, and an unknown place changes nothing")
    func nearest() {
        var fixture = StageFixture(.available, .nearest(within: nil))
        fixture.locate(Self.places)
        fixture.intent.regions[0].location = Location(latitude: 1.3, longitude: 103.8)
        fixture.intent.regions[1].location = Location(latitude: 50.1, longitude: 8.7)
        fixture.intent.regions[2].location = Location(latitude: 37.4, longitude: -122)
        #expect(["10.1.0.1", "10.2.0.1", "10.9.0.1"].map { fixture.decide($0).pool } == [1, 2, 0])
        fixture.disable(1)
        // Warsaw to Singapore 9,500 km, to California 9,600 km.
        #expect(fixture.decide("10.1.0.1").pool == 0)
        fixture.intent.wideIPs[0].stages = [
            Stage(.available), Stage(.nearest(within: 5000)), Stage(.otherwise), Stage(.answer(.code(5, ttl: nil))),
        ]
        #expect(fixture.decide("10.1.0.1").answer == .failure(rcode: 5))
        #expect(fixture.decide("10.2.0.1").pool == 2)
    }
}

@Suite("Stages: the way through them")
struct StageFlowTests {
    @Test("a stage that would leave nothing goes on behind otherwise, keeps what there was, or ends in NODATA")
    func exhaustion() {
        let none = Topology([TopologyRecord(sources: [.country("PL")], candidates: [1])], use: .only)
        #expect(StageFixture(.topology(none)).decide().answer == .noData)
        #expect(StageFixture([Stage(.topology(none), whenEmpty: .keep)]).decide().pool == 0)
        let further = StageFixture(
            .topology(none), .otherwise, .topology(none), .otherwise, .answer(.pool(2)))
        #expect(further.decide().pool == 2)
    }

    @Test("an answer of its own: addresses by family, the zone, nothing, a code with its TTL")
    func fixedAnswers() throws {
        let addresses = try ["192.0.2.77", "2001:db8::77", "192.0.2.78"].map { try #require(IPAddress($0)) }
        let fixture = StageFixture(.answer(.addresses(addresses)))
        let snapshot = fixture.snapshot()
        let v4 = snapshot.decide("192.0.2.1")
        #expect(v4.answer == .addresses)
        #expect(v4.chosenServers.map { snapshot.plan.address(ofServer: Int($0)) } == [addresses[0], addresses[2]])
        let v6 = snapshot.decide("192.0.2.1", family: .v6)
        #expect(v6.chosenServers.map { snapshot.plan.address(ofServer: Int($0)) } == [addresses[1]])
        #expect(snapshot.decide("192.0.2.1", family: .any).answer == .noData)
        #expect(StageFixture(.answer(.zoneData)).decide().answer == .zoneData)
        #expect(StageFixture(.answer(.drop)).decide().answer == .drop)
        let code = StageFixture(.answer(.code(3, ttl: 5))).decide()
        #expect(code.answer == .failure(rcode: 3))
        #expect(code.negativeTTL == 5)
        #expect(StageFixture(.answer(.code(0, ttl: nil))).decide().negativeTTL == nil)
    }

    @Test("the short form and its stages decide alike, whatever works")
    func shortForm() throws {
        let records = [TopologyRecord(sources: [.prefix(try #require(IPPrefix("10.0.0.0/8")))], candidates: [2, 1])]
        for method in WideIP.Method.allCases {
            for allDown in [AllDownPolicy.open, .closed, .pool(1), .rcode(2), .lastKnownGood] {
                for down in 0..<8 {
                    var short = StageFixture([], ratios: [3, 2, 1])
                    short.intent.wideIPs[0].stages = nil
                    short.intent.wideIPs[0].method = method
                    short.intent.wideIPs[0].topology = records
                    short.intent.wideIPs[0].allDown = allDown
                    for server in 0..<3 where down >> server & 1 != 0 { short.disable(server) }
                    var long = short
                    long.intent.wideIPs[0].stages = short.intent.wideIPs[0].pipeline
                    for sequence in 0..<6 {
                        for client in ["10.0.0.1", "192.0.2.1"] {
                            let (left, right) = (
                                short.decide(client, sequence: UInt64(sequence)),
                                long.decide(client, sequence: UInt64(sequence))
                            )
                            #expect(left.answer == right.answer)
                            #expect(left.scope == right.scope)
                        }
                    }
                    let decision = short.decide("10.0.0.1")
                    if down == 7 {
                        switch allDown {
                        case .open, .lastKnownGood: #expect(decision.pool >= 0)
                        case .closed: #expect(decision.answer == .noData)
                        case .pool: #expect(decision.pool == 1)
                        case .rcode: #expect(decision.answer == .failure(rcode: 2))
                        }
                    } else if method == .topology {
                        #expect(decision.pool == [2, 1, 0].first { down >> $0 & 1 == 0 }.map { Int32($0) })
                    }
                }
            }
        }
    }

    @Test("a pool that answers with another's servers ends there, whatever their state")
    func otherPool() {
        var fixture = StageFixture(.available)
        fixture.intent.pools[0].stages = [Stage(.available), Stage(.otherwise), Stage(.answer(.pool(1)))]
        fixture.intent.pools[1].stages = [Stage(.available), Stage(.otherwise), Stage(.answer(.pool(2)))]
        fixture.disable(0, 1)
        #expect(fixture.snapshot().decide("192.0.2.1", of: .poolHost(0)).chosenServers == [1])
    }

    @Test("a draining candidate is taken when nothing else is available")
    func draining() {
        var fixture = StageFixture(.available)
        fixture.overrides.entries[.pool("p0")] = .init(verdict: .drain, reason: "")
        #expect(fixture.decide().pool == 1)
        fixture.disable(1, 2)
        #expect(fixture.decide().pool == 0)
    }
}

extension IPAddress {
    var text: String { "\(self)" }
}
