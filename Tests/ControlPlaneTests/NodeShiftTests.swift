import Addresses
import Authority
import StateStore
import Steering
import Testing
import TrafficModel

@testable import ControlPlane

extension NodeChangeTests {
    /// All clients of eu, in half an hour.
    private static func wholeShift(from: String = "eu", to: String = "us") -> ShiftPlan {
        ShiftPlan(
            wideIP: "*", kind: .region, from: from, to: to, share: 1, duration: .seconds(1800), reason: "")
    }

    private func share(_ node: Node, ofPool pool: Int) async -> Double {
        let steering = await node.snapshot.authority.steering
        var decision = SteeringDecision()
        let count = 256
        let chosen = (0..<count).count { index in
            steering.decide(
                .wideIP(0), family: .v4, client: ClientNetwork(address: .v4(UInt32(index + 1) << 24 | 0x100)),
                sequence: 1, into: &decision)
            return Int(decision.pool) == pool
        }
        return Double(chosen) / Double(count)
    }

    @Test("a shift behind a cutover keeps those that the cutover moved, and lets them go back little by little")
    func wayBack() async throws {
        let node = try await node()
        var order = entry(.cutover)
        order.target = "us"
        let cutover = order
        try await node.override(.region("eu"), with: cutover, by: Self.author)
        #expect(await share(node, ofPool: 0) == 0)
        let away = await refused { () async throws(ChangeError) in
            _ = try await node.startShift(Self.wholeShift(from: "us", to: "eu"), by: Self.author)
        }
        #expect(
            away == "nobody would be moved: region eu is cut over to us; take that back first, with enable region eu")
        let trial = Trial()
        _ = try await Trial.$current.withValue(trial) {
            try await node.startShift(Self.wholeShift(), by: Self.author)
        }
        #expect(trial.preview?.remarks == ["it would move nobody: region eu is cut over to us"])
        #expect(await node.operators.shifts.isEmpty)

        let id = try await node.startShift(Self.wholeShift(), by: Self.author)
        let behind = try #require(await node.view().shiftStatus.first)
        #expect(behind.progress == 1 && behind.remaining == 0 && behind.idle == "region eu is cut over to us")
        try await node.clearOverride(.region("eu"), by: Self.author)
        #expect(await share(node, ofPool: 0) == 0, "they stay")
        #expect(await node.view().shiftStatus.first?.idle == nil, "it is the shift that keeps them")
        let back = try await node.cancelShift(id, by: Self.author)
        #expect(isNear(back / .seconds(1), 1800))
        var shares: [Double] = []
        for _ in 0..<3 {
            await node.advance(to: .now, elapsed: .seconds(450))
            shares.append(await share(node, ofPool: 0))
        }
        #expect(shares == shares.sorted() && shares[0] > 0.1 && shares[0] < 0.4 && shares[2] < 1, "\(shares)")
        await node.advance(to: .now, elapsed: .seconds(451))
        #expect(await share(node, ofPool: 0) == 1)
        #expect(await node.operators.shifts.isEmpty)
        await node.stop()
    }

    @Test("what makes a shift void is told with it, and before it is done")
    func voidShift() async throws {
        let node = try await node()
        _ = try await node.startShift(Self.wholeShift(), by: Self.author)
        func idle() async -> String? { await node.view().shiftStatus.first?.idle }
        #expect(await idle() == nil)
        var order = entry(.cutover)
        order.target = "eu"
        let cutover = order
        for (region, entry, words) in [
            ("us", cutover, "region us is cut over to eu"), ("us", entry(.drain), "nothing in us is available"),
            ("eu", entry(.drain), "nobody is sent to eu, which is draining"),
        ] {
            let trial = Trial()
            try await Trial.$current.withValue(trial) {
                try await node.override(.region(region), with: entry, by: Self.author)
            }
            #expect(trial.preview?.remarks == ["shift 1 would move nobody: \(words)"])
            try await node.override(.region(region), with: entry, by: Self.author)
            #expect(await idle() == words)
            let again = Trial()
            try await Trial.$current.withValue(again) {
                try await node.override(.region(region), with: entry, by: Self.author)
            }
            #expect(again.preview?.remarks == [], "it is so already")
            try await node.clearOverride(.region(region), by: Self.author)
            #expect(await idle() == nil)
        }
        await node.stop()
    }
}
