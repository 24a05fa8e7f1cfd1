import Addresses
import Authority
import DNSWire
import Geography
import Steering
import TrafficModel

extension SteeringBenchmark {
    /// One member's flip among many wide IPs, each with two pools and two monitored virtual servers of its own: from what
    /// a monitor found to the answer that says so.
    static func flip() {
        let count = 100_000
        var intent = Intent()
        intent.monitors = [Monitor(name: "web", check: .tcp)]
        intent.regions = [Region(name: "eu"), Region(name: "us")]
        intent.zones = [zone("example.net")]
        for index in 0..<count {
            for region in 0..<2 {
                let number = 2 * index + region
                var server = VirtualServer(
                    name: "s\(number)",
                    endpoint: Endpoint(address: .v4(0x0A00_0000 + UInt32(number)), port: 443), region: region)
                server.monitors = [0]
                intent.virtualServers.append(server)
                var pool = Pool(name: "p\(number)")
                pool.region = region
                pool.virtualServers = [number]
                pool.answer = .addresses
                intent.pools.append(pool)
            }
            intent.wideIPs.append(
                WideIP(name: DomainName("n\(index).example.net") ?? .root, pools: [2 * index, 2 * index + 1]))
        }
        let plan = SteeringPlan(intent: intent, geography: GeographyDatabase())
        let data = AuthorityData(intent: intent, plan: plan, seed: 1, cookieSeed: SipKey(first: 1, second: 2))
        var observations = Observations()
        for server in intent.virtualServers {
            observations.health[HealthTarget(endpoint: server.endpoint, monitor: intent.monitors[0])] = .up
        }
        let start = now()
        var steering = SteeringSnapshot(
            plan: plan, intent: intent, overrides: EffectiveOverrides(), observations: observations, epoch: 1)
        print("snapshot of \(count) wide IPs and \(2 * count) monitored servers: \(milliseconds(now() - start)) ms")
        var responder = Responder(counters: WorkerCounters())
        var output = [UInt8](repeating: 0, count: 512)
        var worst: UInt64 = 0
        for round in 0..<20 {
            let index = round * 4999 % count
            let server = intent.virtualServers[2 * index]
            let target = HealthTarget(endpoint: server.endpoint, monitor: intent.monitors[0])
            let query = DNSMessage(id: 1, name: intent.wideIPs[index].name, type: .a).wire
            let begin = now()
            observations.health[target] = .down
            steering = SteeringSnapshot(
                plan: plan, intent: intent, overrides: EffectiveOverrides(), observations: observations,
                epoch: UInt64(round + 2),
                previous: steering, changes: AvailabilityChanges(targets: [target]))
            let snapshot = AuthoritySnapshot(data: data, steering: steering)
            let length = unsafe output.withUnsafeMutableBytes { output in
                unsafe responder.respond(
                    to: query.span.bytes, from: .v4(1), port: 53, overTCP: false, snapshot: snapshot, into: output)
            }
            worst = max(worst, now() - begin)
            guard let answer = try? DNSMessage(wire: Array(output[..<length])).answers.first,
                answer.data.last == UInt8(truncatingIfNeeded: 2 * index + 1)
            else {
                print("the answer is not the other server's")
                return
            }
        }
        print("one flip, from the verdict to the answer: \(worst / 1000) µs at worst of 20")
    }

    private static func zone(_ origin: String) -> Zone {
        let name = DomainName(origin) ?? .root
        let text = "$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n"
        let parsed = ZoneFileParser.parse(Array(text.utf8), file: "z", origin: name, defaultTTL: nil)
        return Zone(origin: name, records: parsed.records)
    }

    /// How near shares come to weights, and how many clients move when one of ten pools leaves.
    static func spread() {
        let weights = snapshot([Stage(.available), Stage(.weigh(by: .ratio)), Stage(.draw)])
        var counts = [0, 0, 0]
        var decision = SteeringDecision()
        for sequence in 0..<UInt64(1_000_000) {
            weights.decide(
                .wideIP(0), family: .v4, client: ClientNetwork(address: .v4(1)), sequence: sequence, into: &decision)
            counts[Int(decision.pool)] += 1
        }
        let errors = zip(counts, [3.0, 2, 1]).map { abs(Double($0) / 1_000_000 - $1 / 6) * 100 }
        print("shares of 3, 2 and 1 over 1,000,000 queries: \(errors.max() ?? 0) % off at most")
        let whole = snapshot([Stage(.available), Stage(.persist(v4: 24, v6: 56))], pools: 10)
        let without = snapshot([Stage(.available), Stage(.persist(v4: 24, v6: 56))], pools: 10, disabled: 3)
        var moved = 0
        for index in 0..<UInt32(1_000_000) {
            let client = ClientNetwork(address: .v4(index << 8))
            whole.decide(.wideIP(0), family: .v4, client: client, sequence: 0, into: &decision)
            let before = decision.pool
            without.decide(.wideIP(0), family: .v4, client: client, sequence: 0, into: &decision)
            if decision.pool != before { moved += 1 }
        }
        print("clients that move when one of 10 pools leaves: \(Double(moved) / 10_000) %")
    }
}
