import Addresses
import DNSWire
import Steering
import TrafficModel

@testable import Geography

/// A wide IP over pools of one virtual server each, every one in a region of its own.
struct StageFixture {
    var intent = Intent()
    var overrides = Overrides()
    var observations = Observations()
    var geography = GeographyDatabase()
    var now: UInt64 = 1_000_000_000_000

    init(_ stages: [Stage], pools: Int = 3, ratios: [Int] = []) {
        for position in 0..<pools {
            intent.regions.append(Region(name: "r\(position)"))
            let address = IPAddress.v4(0xC000_0200 + UInt32(position))
            intent.virtualServers.append(
                VirtualServer(name: "s\(position)", endpoint: Endpoint(address: address, port: 80), region: position))
            var pool = Pool(name: "p\(position)")
            pool.region = position
            pool.virtualServers = [position]
            pool.host = DomainName("p\(position).example.net")
            if position < ratios.count { pool.ratio = ratios[position] }
            intent.pools.append(pool)
        }
        var wideIP = WideIP(name: DomainName("www.example.net") ?? .root, pools: Array(0..<pools))
        wideIP.stages = stages
        intent.wideIPs = [wideIP]
    }

    init(_ actions: Stage.Action..., pools: Int = 3, ratios: [Int] = []) {
        self.init(actions.map { Stage($0) }, pools: pools, ratios: ratios)
    }

    /// Places by network, over nothing else.
    mutating func locate(_ places: [(network: String, place: Place)]) {
        var known: [Place] = [Place()]
        var networks: [(IPPrefix, UInt32)] = []
        for (text, place) in places {
            guard let prefix = IPPrefix(text) else { continue }
            if !known.contains(place) { known.append(place) }
            networks.append((prefix, UInt32(known.firstIndex(of: place) ?? 0)))
        }
        geography = GeographyDatabase(places: known, ranges: RangeMap(prefixes: networks, default: 0))
    }

    mutating func disable(_ servers: Int...) {
        for server in servers { intent.virtualServers[server].enabled = false }
    }

    mutating func measure(_ criterion: Criterion, _ values: [Double?], age: Duration = .zero, confidence: Double = 1) {
        let time = now - UInt64(age / .nanoseconds(1))
        for (position, value) in values.enumerated() {
            guard let value else { continue }
            observations.measurements.loads["s\(position)", default: [:]][criterion] = .init(
                value: value, source: "test", time: time, confidence: confidence)
        }
    }

    func plan() -> SteeringPlan { SteeringPlan(intent: intent, geography: geography) }

    func snapshot(_ plan: SteeringPlan? = nil, previous: SteeringSnapshot? = nil) -> SteeringSnapshot {
        SteeringSnapshot(
            plan: plan ?? self.plan(), intent: intent, overrides: EffectiveOverrides(overrides, in: intent),
            observations: observations, epoch: 1,
            now: now, previous: previous)
    }

    func decide(_ client: String = "203.0.113.9", sequence: UInt64 = 0, family: AddressFamily = .v4) -> SteeringDecision
    {
        snapshot().decide(client, sequence: sequence, family: family)
    }
}

extension SteeringSnapshot {
    func decide(
        _ client: String, sequence: UInt64 = 0, family: AddressFamily = .v4, of subject: SteeredSubject = .wideIP(0)
    ) -> SteeringDecision {
        var decision = SteeringDecision()
        let address = IPAddress(client) ?? .v4(0)
        decide(
            subject, family: family, client: ClientNetwork(address: address), sequence: sequence, into: &decision)
        return decision
    }

    /// How often each pool is chosen over `count` queries from networks of their own.
    func shares(_ count: Int, pools: Int) -> [Double] {
        var chosen = [Int](repeating: 0, count: pools)
        var decision = SteeringDecision()
        for index in 0..<count {
            let client = ClientNetwork(address: .v4(UInt32(truncatingIfNeeded: index) << 8 &+ 1))
            decide(.wideIP(0), family: .v4, client: client, sequence: UInt64(index), into: &decision)
            if decision.pool >= 0 { chosen[Int(decision.pool)] += 1 }
        }
        return chosen.map { Double($0) / Double(count) }
    }
}
