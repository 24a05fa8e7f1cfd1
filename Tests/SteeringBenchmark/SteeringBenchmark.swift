import Addresses
import DNSWire
import Geography
import Glibc
import Steering
import TrafficModel

/// Times decisions alone, geography of the size of a city database (compile and look-up), and one flip among many wide
/// IPs; counts how even shares are. With the argument `decisions`, `spread`, `flip` or `city` only that part. Only a release build says anything, so this is a program and not a test of the suite.
@main
struct SteeringBenchmark {
    static func main() {
        let part = CommandLine.arguments.dropFirst().first
        if part == nil || part == "decisions" { decisions() }
        if part == nil || part == "spread" { spread() }
        if part == nil || part == "flip" { flip() }
        if part == nil || part == "city" { city() }
    }

    static func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// What this thread has run: other programs on the machine do not count.
    static func ran() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    @inline(never)
    static func blackHole(_ value: UInt64) { precondition(value != 0x5EED_5EED_5EED_5EED) }

    // MARK: Decisions

    static func decisions() {
        let everyone = [0, 1, 2]
        func geography(_ use: Topology.Use) -> Stage {
            let records = (0..<64).compactMap { IPPrefix("10.\($0).0.0/16") }.enumerated().map {
                TopologyRecord(sources: [.prefix($1)], candidates: Array(everyone[..<(2 + $0 % 2)]))
            }
            return Stage(.topology(Topology(records, use: use)), whenEmpty: .keep)
        }
        let cases: [(String, [Stage])] = [
            ("first available", [Stage(.available)]),
            ("geography", [Stage(.available), geography(.prefer)]),
            ("ratio", [Stage(.available), Stage(.weigh(by: .ratio)), Stage(.draw)]),
            ("geography + ratio", [Stage(.available), geography(.only), Stage(.weigh(by: .ratio)), Stage(.draw)]),
            (
                "geography + ratio + persistence",
                [
                    Stage(.available), geography(.only), Stage(.weigh(by: .ratio)),
                    Stage(.persist(v4: 24, v6: 56)),
                ]
            ),
        ]
        for (title, stages) in cases {
            let snapshot = snapshot(stages)
            let count = 4_000_000
            var best = UInt64.max
            for _ in 0..<5 {
                var decision = SteeringDecision()
                var sum: UInt64 = 0
                let start = ran()
                for index in 0..<count {
                    let client = ClientNetwork(
                        address: .v4(0x0A00_0001 &+ UInt32(truncatingIfNeeded: index &* 7919) << 8 & 0x003F_FF00))
                    snapshot.decide(.wideIP(0), family: .v4, client: client, sequence: UInt64(index), into: &decision)
                    sum &+= UInt64(truncatingIfNeeded: Int(decision.pool))
                }
                best = min(best, ran() - start)
                blackHole(sum)
            }
            print("decision by \(title): \(Double(best * 10 / UInt64(count)) / 10) ns")
        }
    }

    static func snapshot(_ stages: [Stage], pools: Int = 3, disabled: Int? = nil) -> SteeringSnapshot {
        var intent = Intent()
        for index in 0..<pools {
            intent.regions.append(Region(name: "r\(index)"))
            intent.virtualServers.append(
                VirtualServer(
                    name: "s\(index)", endpoint: Endpoint(address: .v4(UInt32(index + 1)), port: 80), region: index))
            var pool = Pool(name: "p\(index)")
            pool.virtualServers = [index]
            pool.ratio = max(3 - index, 1)
            pool.enabled = index != disabled
            pool.host = DomainName("p\(index).example.net")
            intent.pools.append(pool)
        }
        var wideIP = WideIP(name: DomainName("www.example.net") ?? .root, pools: Array(0..<pools))
        wideIP.stages = stages
        intent.wideIPs = [wideIP]
        return SteeringSnapshot(
            plan: SteeringPlan(intent: intent, geography: GeographyDatabase()), intent: intent,
            overrides: EffectiveOverrides(),
            observations: Observations(), epoch: 1)
    }
}
