import Addresses
import Steering
import Testing
import TrafficModel

@Suite("Stages: load")
struct LoadStageTests {
    @Test(
        "the least loaded first, by each criterion; the most for those where more is better",
        arguments: Criterion.allCases)
    func criteria(criterion: Criterion) {
        var fixture = StageFixture(.available, .order(by: .criterion(criterion)))
        if criterion == .score {
            for (position, score) in [5, 1, 9].enumerated() { fixture.intent.pools[position].score = score }
        } else {
            fixture.measure(criterion, [0.5, 0.1, 0.9])
        }
        #expect(fixture.decide().pool == (criterion.prefersLess ? 1 : 2))
        fixture.disable(criterion.prefersLess ? 1 : 2)
        #expect(fixture.decide().pool == 0)
    }

    @Test("old or vague readings are missing: with fewer than half known, the order stays")
    func missing() {
        var fixture = StageFixture(.available, .order(by: .criterion(.connections)))
        fixture.measure(.connections, [9, 5, 1], age: .seconds(61))
        #expect(fixture.decide().pool == 0)
        fixture.measure(.connections, [9, 5, 1], age: .seconds(60))
        #expect(fixture.decide().pool == 2)
        fixture.measure(.connections, [9, 5, 1], confidence: 0.4)
        #expect(fixture.decide().pool == 0)
        fixture = StageFixture(.available, .order(by: .criterion(.connections)))
        fixture.measure(.connections, [nil, nil, 1])
        #expect(fixture.decide().pool == 0)
        // Two of three are known: the first is taken for their median, 3.
        fixture.measure(.connections, [nil, 5, 1])
        #expect(fixture.decide().pool == 2)
        fixture.disable(2)
        #expect(fixture.decide().pool == 0)
    }

    @Test("the configured capacity stands in for a measured one, and a pool has that of its servers together")
    func capacity() {
        var fixture = StageFixture(.available, .weigh(by: .criterion(.capacity)), .draw)
        for (position, capacity) in [100, 200, 700].enumerated() {
            fixture.intent.virtualServers[position].capacity = capacity
        }
        for (share, wanted) in zip(fixture.snapshot().shares(100_000, pools: 3), [0.1, 0.2, 0.7]) {
            #expect(abs(share - wanted) <= 0.01)
        }
        fixture.measure(.capacity, [500, 500, 1000])
        for (share, wanted) in zip(fixture.snapshot().shares(100_000, pools: 3), [0.25, 0.25, 0.5]) {
            #expect(abs(share - wanted) <= 0.01)
        }
    }

    @Test("quality is a weighted sum of how each compares with the best")
    func quality() {
        var fixture = StageFixture(.available, .order(by: .quality([.cpu: 1, .members: 3])))
        fixture.measure(.cpu, [0.1, 0.9, 0.9])
        fixture.measure(.members, [1, 4, 2])
        #expect(fixture.decide().pool == 1)
        fixture.intent.wideIPs[0].stages = [Stage(.order(by: .quality([.cpu: 9, .members: 3])))]
        #expect(fixture.decide().pool == 0)
    }

    @Test("a growing part of the clients leaves between the limits, always the same, and others get them")
    func shed() {
        var fixture = StageFixture(
            .available, .shed(.init(.bits, soft: .absolute(100), hard: .absolute(200))), pools: 2)
        var staying: Set<UInt32> = Set(0..<2000)
        for (load, wanted) in [(100.0, 1.0), (125, 0.75), (150, 0.5), (175, 0.25), (200, 0)] {
            fixture.measure(.bits, [load, 0])
            let snapshot = fixture.snapshot()
            let kept = Set(
                (0..<UInt32(2000)).filter { snapshot.decide(IPAddress.v4($0 << 8).text).pool == 0 })
            #expect(abs(Double(kept.count) / 2000 - wanted) <= 0.04, "\(load)")
            #expect(kept.isSubset(of: staying))
            staying = kept
            #expect(snapshot.decide("192.0.2.1").scope == (wanted == 0 || wanted == 1 ? 0 : 24))
        }
    }

    @Test("clients come back only when the load is well below, so that it does not swing")
    func hysteresis() {
        var fixture = StageFixture(
            .available, .shed(.init(.cpu, soft: .share(0.5), hard: .share(1))), pools: 2)
        let plan = fixture.plan()
        func share(_ load: Double, _ previous: SteeringSnapshot?) -> (Double, SteeringSnapshot) {
            fixture.measure(.cpu, [load, 0])
            let snapshot = fixture.snapshot(plan, previous: previous)
            let kept = (0..<UInt32(2000)).count { snapshot.decide(IPAddress.v4($0 << 8).text).pool == 0 }
            return (Double(kept) / 2000, snapshot)
        }
        let (high, first) = share(0.75, nil)
        #expect(abs(high - 0.5) <= 0.04)
        // Below the load that sent them away, but not by a tenth: they stay away.
        let (same, second) = share(0.70, first)
        #expect(same == high)
        let (lower, third) = share(0.60, second)
        #expect(lower > high + 0.05)
        #expect(share(0.44, third).0 == 1)
    }

    @Test(
        "the largest numbers that can be reported, and none at all, are compared like others",
        arguments: Criterion.allCases)
    func extremes(criterion: Criterion) {
        for values in [[1e15, 1e15, 1e15], [0, 0, 0], [0, 1e15, 1e-300]] as [[Double?]] {
            for stage in [
                Stage.Action.weigh(by: .criterion(criterion)),
                .weigh(by: .quality([criterion: 1_000_000, criterion == .cpu ? .queue : .cpu: 1e-3])),
                .order(by: .criterion(criterion)), .shed(.init(.bits, soft: .share(0.5), hard: .share(1))),
                .outliers(factor: 1.5),
            ] {
                var fixture = StageFixture(.available, stage, .draw)
                fixture.measure(criterion, values)
                fixture.measure(.capacity, values)
                #expect(fixture.decide().pool >= -1)
            }
        }
    }

    @Test("nothing is shed on missing data")
    func shedWithoutData() {
        var fixture = StageFixture(
            .available, .shed(.init(.bits, soft: .absolute(1), hard: .absolute(2))), pools: 2)
        fixture.measure(.bits, [900, 900], age: .seconds(600))
        #expect(fixture.decide().pool == 0)
        fixture.measure(.bits, [900, 900])
        #expect(fixture.decide().answer == .noData)
    }
}

@Suite("Stages: latency")
struct LatencyStageTests {
    private func fixture(
        _ samples: [(String, [Int: (milliseconds: Double, count: Int)])], margin: Duration = .zero
    )
        -> StageFixture
    {
        var fixture = StageFixture(.available, .latency(margin: margin))
        for (network, byRegion) in samples {
            for (region, sample) in byRegion {
                fixture.observations.measurements.latency[IPPrefix(network)!, default: [:]]["r\(region)"] = .init(
                    roundTrip: sample.milliseconds / 1000, count: sample.count, source: "test", time: fixture.now)
            }
        }
        return fixture
    }

    @Test("the fastest region first where there is evidence, the order before it elsewhere")
    func order() {
        let fixture = fixture([("10.1.1.0/24", [0: (90, 5), 1: (40, 5), 2: (10, 5)])])
        #expect(fixture.decide("10.1.1.7").pool == 2)
        #expect(fixture.decide("10.1.1.7").scope == 24)
        #expect(fixture.decide("10.1.2.7").pool == 0)
    }

    @Test("a region without evidence keeps the place that the order before it gave")
    func partial() {
        let fixture = fixture([("10.1.1.0/24", [1: (40, 5), 2: (10, 5)])])
        #expect(fixture.decide("10.1.1.7").pool == 0)
        var without = fixture
        without.disable(0)
        #expect(without.decide("10.1.1.7").pool == 2)
    }

    @Test("differences within the margin do not count")
    func margin() {
        #expect(
            fixture([("10.1.1.0/24", [0: (18, 5), 1: (9, 5)])], margin: .milliseconds(10)).decide("10.1.1.7").pool == 0)
        #expect(
            fixture([("10.1.1.0/24", [0: (20, 5), 1: (9, 5)])], margin: .milliseconds(10)).decide("10.1.1.7").pool == 1)
    }

    @Test("thin evidence of neighbours joins in the network around them")
    func aggregation() {
        let thin = fixture([
            ("10.1.1.0/24", [0: (90, 1), 1: (10, 2)]), ("10.1.2.0/24", [0: (90, 2), 1: (10, 1)]),
        ])
        // Together in 10.1.0.0/20.
        #expect(thin.decide("10.1.9.1").pool == 1)
        #expect(thin.decide("10.1.9.1").scope == 20)
        #expect(thin.decide("10.1.16.1").pool == 0)
    }

    @Test("old samples are none")
    func age() {
        var fixture = fixture([("10.1.1.0/24", [0: (90, 5), 1: (10, 5)])])
        fixture.observations.measurements.maximumLatencyAge = .seconds(10)
        fixture.now += 11_000_000_000
        #expect(fixture.decide("10.1.1.7").pool == 0)
    }

    @Test("no more networks than the table may have")
    func bound() {
        var samples: [(String, [Int: (milliseconds: Double, count: Int)])] = []
        for index in 0..<UInt32(66_000) {
            samples.append(("\(IPAddress.v4(0x0A00_0000 + index << 8))/24", [0: (90, 3), 1: (10, 3)]))
        }
        #expect(fixture(samples).decide("10.1.1.7").pool == 1)
    }
}
