import DNSWire
import Steering
import Testing
import TrafficModel

extension MethodCase {
    private static let eu = "eu.lb.example.net"

    private static func f5(_ row: String, _ play: @escaping @Sendable () throws -> Void) -> MethodCase {
        MethodCase("F5 BIG-IP DNS", row, play)
    }

    static let bigIP: [MethodCase] = [
        f5("preferred, alternate, fallback") {
            var world = try MethodWorld(
                "stages: [available, { topology: { use: only, records: [{ continents: [EU], pools: [eu] }] } }, "
                    + "otherwise, available, { weigh: ratio }, draw, otherwise, { order: list }]")
            try world.expect(["eu"], from: MethodWorld.warsaw)
            world.down("eu-1", "eu-2")
            #expect(try world.ask(from: MethodWorld.warsaw) != ["eu"])
            world.down("us-1", "ap-1")
            try world.expect(["eu"], from: MethodWorld.warsaw)
        },
        f5("round-robin") {
            var world = try MethodWorld("method: round-robin")
            try world.expectShares(["eu": 0.333, "us": 0.333, "ap": 0.333])
        },
        f5("ratio") {
            var world = try MethodWorld("method: ratio")
            try world.expectShares(["eu": 0.125, "us": 0.25, "ap": 0.625])
            world.down("ap-1")
            try world.expectShares(["eu": 0.333, "us": 0.667])
        },
        f5("topology, longest match on / off") {
            let records =
                "[{ prefixes: [10.2.0.0/16], pools: [us] }, { prefixes: [10.2.0.0/24], pools: [ap] }]"
            var first = try MethodWorld("stages: [available, { topology: { records: \(records) } }]")
            try first.expect(["us"], from: MethodWorld.sanJose)
            var longest = try MethodWorld("stages: [available, { topology: { match: longest, records: \(records) } }]")
            try longest.expect(["ap"], from: MethodWorld.sanJose)
            try longest.expect(["us"], from: "10.2.1.0/24")
        },
        f5("topology conditions: continent, country, state, subnet, region, ISP; negated") {
            for source in [
                "continents: [EU]", "countries: [PL]", "subdivisions: [PL-14]", "prefixes: [10.1.0.0/16]",
                "networks: [office]", "isps: [Polska Net]", "asns: [64501]", "cities: [PL/Warsaw]",
                "not: { continents: [NA, AS], prefixes: [10.9.0.0/16] }",
            ] {
                var world = try MethodWorld("topology: [{ \(source), pools: [ap] }]")
                try world.expect(["ap"], from: MethodWorld.warsaw)
                try world.expect(["eu"], from: MethodWorld.sanJose)
                try world.expect(["eu"], from: MethodWorld.unknown)
            }
        },
        f5("global-availability") {
            var world = try MethodWorld("method: global-availability")
            try world.expect(["eu"])
            world.down("eu-1", "eu-2")
            try world.expect(["us"])
            world.up("eu-2")
            try world.expect(["eu"])
        },
        f5("virtual-server-capacity") {
            var world = try MethodWorld("stages: [available, { order: members }]")
            world.measure(.members, ["eu-1": 1, "eu-2": 1, "us-1": 5, "ap-1": 3])
            try world.expect(["us"])
            var weighed = try MethodWorld("stages: [available, { weigh: members }, draw]")
            weighed.measure(.members, ["eu-1": 1, "eu-2": 1, "us-1": 4, "ap-1": 2])
            try weighed.expectShares(["eu": 0.25, "us": 0.5, "ap": 0.25])
        },
        f5("virtual-server-score") {
            var world = try MethodWorld("", eu: "stages: [available, { order: score }, { take: 1 }]")
            try world.expect(["192.0.2.2"], eu)
            world.down("eu-2")
            try world.expect(["192.0.2.1"], eu)
        },
        f5("least-connections, packet-rate, kilobytes-per-second, cpu") {
            for criterion in [Criterion.connections, .packets, .bits, .cpu] {
                var world = try MethodWorld("stages: [available, { order: \(criterion.rawValue) }]")
                world.measure(criterion, ["eu-1": 0.4, "eu-2": 0.4, "us-1": 0.3, "ap-1": 0.2])
                try world.expect(["ap"])
                world.measure(criterion, ["ap-1": 0.9])
                try world.expect(["us"])
            }
        },
        f5("lowest-round-trip-time, fewest-hops, completion-rate") {
            var world = try MethodWorld("stages: [available, latency]")
            try world.measureLatency("10.9.0.0/24", ["eu": 80, "us": 90, "ap": 20])
            try world.expect(["ap"])
            world.down("ap-1")
            try world.expect(["eu"])
            // Nothing was measured: the order of the list.
            try world.expect(["eu"], from: MethodWorld.tokyo)
        },
        f5("quality-of-service; dynamic ratio") {
            var world = try MethodWorld("stages: [available, { order: { quality: { cpu: 1, score: 3 } } }]")
            world.measure(.cpu, ["eu-1": 0.1, "eu-2": 0.1, "us-1": 0.9, "ap-1": 0.9])
            try world.expect(["us"])
            var ratio = try MethodWorld("stages: [available, { weigh: { quality: { members: 1 } } }, draw]")
            ratio.measure(.members, ["eu-1": 1, "eu-2": 1, "us-1": 1, "ap-1": 1])
            try ratio.expectShares(["eu": 0.5, "us": 0.25, "ap": 0.25])
        },
        f5("static-persistence") {
            var world = try MethodWorld("stages: [available, persist]")
            try world.expectShares(["eu": 0.333, "us": 0.333, "ap": 0.333], byClient: true)
            let client = "10.70.7.0/24"
            let before = try world.ask(from: client)
            for _ in 0..<50 { try world.expect(before, from: client) }
        },
        f5("drop-packet, fallback-ip, return-to-dns, none") {
            for (answer, wanted) in [
                ("drop", ["nothing"]), ("{ addresses: [192.0.2.77] }", ["192.0.2.77"]), ("zone-data", ["192.0.2.200"]),
            ] {
                var world = try MethodWorld("stages: [available, otherwise, { answer: \(answer) }]")
                try world.expect(["eu"])
                world.down("eu-1", "eu-2", "us-1", "ap-1")
                try world.expect(wanted)
            }
            var none = try MethodWorld(
                "stages: [{ available: {}, empty: keep }, { topology: { use: only, records: [{ countries: [JP], pools: [ap] }] }, empty: keep }]"
            )
            try none.expect(["eu"], from: MethodWorld.warsaw)
            try none.expect(["ap"], from: MethodWorld.tokyo)
        },
        f5("last resort pool; failure RCODE with TTL") {
            var pool = try MethodWorld("stages: [available, otherwise, { answer: { pool: spare } }]")
            pool.down("eu-1", "eu-2", "us-1", "ap-1")
            try pool.expect(["spare"])
            var code = try MethodWorld("all_down: { code: nxdomain, ttl: 9s }")
            code.down("eu-1", "eu-2", "us-1", "ap-1")
            try code.expect(["code 3"])
            #expect(try code.response()?.authorities.map(\.ttl) == [9])
        },
        f5("max answers returned") {
            var world = try MethodWorld("", eu: "max_answers: 1")
            #expect(try world.ask(eu).count == 1)
            var two = try MethodWorld("", eu: "stages: [available, draw, { take: 2 }]")
            #expect(try two.ask(eu).count == 2)
        },
        f5("minimum members up") {
            var world = try MethodWorld("", eu: "min_up: 2")
            world.down("eu-1")
            try world.expect(["us"])
        },
        f5("dependency list") {
            var world = try MethodWorld("", eu: "min_up: 2", server: "depends_on: [ap-1]")
            try world.expect(["eu"])
            world.down("ap-1")
            try world.expect(["us"])
        },
        f5("manual resume") {
            var tracker = FailbackTracker()
            var world = try MethodWorld("", pools: "[eu, us]", region: "failback: { manual: true }")
            world.follow(&tracker, second: 0)
            world.down("eu-1", "eu-2")
            world.follow(&tracker, second: 1)
            world.up("eu-1", "eu-2")
            world.follow(&tracker, second: 1000)
            try world.expect(["us"])
            for server in ["eu-1", "eu-2"] {
                let isResumed = tracker.resume(server)
                #expect(isResumed)
            }
            world.follow(&tracker, second: 1001)
            try world.expect(["eu"])
        },
        f5("wide-IP aliases, * and ? in names") {
            var world = try MethodWorld(
                "aliases: [\"shop-?.example.com\", \"*.v*.example.com\", www.example.com]", names: "")
            for name in ["shop-1.example.com", "a.v2.example.com", "www.example.com"] {
                try world.expect(["eu"], name)
            }
            try world.expect(["code 3"], "shop-12.example.com")
        },
        f5("enable / disable of wide IPs, pools, servers") {
            var world = try MethodWorld("")
            world.override(.pool("eu"), .forceDown)
            try world.expect(["us"])
            world.override(.region("us"), .forceDown)
            try world.expect(["ap"])
            world.override(.pool("eu"), nil)
            try world.expect(["eu"])
            var off = try MethodWorld("enabled: false")
            try off.expect([])
        },
    ]
}
