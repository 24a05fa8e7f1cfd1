import DNSWire
import Steering
import Testing
import TrafficModel

extension MethodCase {
    private static let eu = "eu.lb.example.net"

    private static func aws(_ row: String, _ play: @escaping @Sendable () throws -> Void) -> MethodCase {
        MethodCase("Route 53", row, play)
    }

    static let route53: [MethodCase] = [
        aws("simple, multivalue") {
            var world = try MethodWorld("")
            #expect(Set(try world.ask(eu)) == ["192.0.2.1", "192.0.2.2"])
            world.down("eu-2")
            try world.expect(["192.0.2.1"], eu)
        },
        aws("weighted; weight 0 only while no other is healthy") {
            var world = try MethodWorld("", eu: "method: ratio")
            try world.expectShares(["192.0.2.1": 0.75, "192.0.2.2": 0.25], of: eu)
            var zero = try MethodWorld("", eu: "method: ratio", server: "ratio: 0")
            try zero.expectShares(["192.0.2.2": 1], of: eu)
            zero.down("eu-2")
            try zero.expect(["192.0.2.1"], eu)
        },
        aws("failover") {
            var world = try MethodWorld("")
            world.down("eu-1", "eu-2")
            try world.expect(["us"])
            world.up("eu-1")
            try world.expect(["eu"])
        },
        aws("latency") {
            var world = try MethodWorld("stages: [available, nearest, latency]")
            try world.measureLatency("10.1.0.0/24", ["eu": 60, "us": 12])
            try world.expect(["us"], from: MethodWorld.warsaw)
            try world.expect(["eu"], from: "10.1.1.0/24")
        },
        aws("geolocation, IP-based") {
            var world = try MethodWorld(
                "stages: [available, { topology: { match: longest, records: [{ continents: [AS], pools: [us] }, "
                    + "{ countries: [JP], pools: [ap] }, { prefixes: [10.9.0.0/16], pools: [ap] }] } }]")
            try world.expect(["ap"], from: MethodWorld.tokyo)
            try world.expect(["ap"], from: MethodWorld.unknown)
            try world.expect(["eu"], from: MethodWorld.sanJose)
        },
        aws("geoproximity; bias") {
            var world = try MethodWorld("stages: [available, nearest]")
            try world.expect(["us"], from: MethodWorld.sanJose)
            var biased = try MethodWorld("stages: [available, nearest]", region: "bias: 90%")
            try biased.expect(["eu"], from: MethodWorld.sanJose)
            try biased.expect(["ap"], from: MethodWorld.tokyo)
            var away = try MethodWorld("stages: [available, nearest]", region: "bias: -90%")
            #expect(try away.ask(from: MethodWorld.warsaw) != ["eu"])
        },
        aws("all unhealthy: all healthy") {
            var world = try MethodWorld("all_down: open")
            world.down("eu-1", "eu-2", "us-1", "ap-1")
            try world.expect(["eu"])
        },
        aws("calculated checks") {
            var world = try MethodWorld("", eu: "min_up: 1", server: "depends_on: [us-1, ap-1]")
            world.down("us-1")
            try world.expect(["192.0.2.2"], eu)
        },
        aws("evaluate target health") {
            var world = try MethodWorld("")
            world.down("eu-1")
            try world.expect(["eu"])
            world.down("eu-2")
            try world.expect(["us"])
        },
        aws("routing control, zonal shift") {
            var world = try MethodWorld("")
            world.override(.region("eu"), .drain)
            try world.expect(["us"])
            world.down("us-1", "ap-1")
            // What drains is still better than what is down.
            try world.expect(["eu"])
            world.override(.region("eu"), .forceDown)
            world.up("us-1")
            try world.expect(["us"])
        },
        aws("alias at an apex") {
            var world = try MethodWorld("", names: "example.com: { pools: [us] }")
            try world.expect(["198.51.100.1"], "example.com")
            try world.expect(["0 us.lb.example.net."], "example.com", .https)
        },
    ]

    private static func filter(_ row: String, _ play: @escaping @Sendable () throws -> Void) -> MethodCase {
        MethodCase("NS1", row, play)
    }

    static let ns1: [MethodCase] = [
        filter("up") {
            var world = try MethodWorld("stages: [available]")
            world.down("eu-1", "eu-2")
            try world.expect(["us"])
        },
        filter("geotarget_country, geotarget_regional") {
            var world = try MethodWorld(
                "stages: [available, { topology: { match: longest, records: [{ subdivisions: [US-CA], pools: [ap] }, "
                    + "{ countries: [US], pools: [us] }] } }]")
            try world.expect(["ap"], from: MethodWorld.sanJose)
            try world.expect(["eu"], from: MethodWorld.warsaw)
        },
        filter("geotarget_latlong") {
            var world = try MethodWorld("stages: [available, nearest]")
            try world.expect(["ap"], from: MethodWorld.tokyo)
        },
        filter("geofence_country, geofence_regional, netfence_asn, netfence_prefix") {
            for source in ["countries: [PL]", "subdivisions: [PL-14]", "asns: [64501]", "prefixes: [10.1.0.0/16]"] {
                var world = try MethodWorld(
                    "stages: [{ topology: { use: only, records: [{ \(source), pools: [ap] }] } }, available, "
                        + "otherwise, { answer: refused }]")
                try world.expect(["ap"], from: MethodWorld.warsaw)
                try world.expect(["code 5"], from: MethodWorld.tokyo)
            }
        },
        filter("shuffle, weighted_shuffle") {
            var world = try MethodWorld("stages: [available, draw]")
            try world.expectShares(["eu": 0.333, "us": 0.333, "ap": 0.333])
            var weighted = try MethodWorld("stages: [available, { weigh: ratio }, draw]")
            try weighted.expectShares(["eu": 0.125, "us": 0.25, "ap": 0.625])
        },
        filter("sticky, weighted_sticky, sticky_region, ipv4_prefix_shuffle") {
            var world = try MethodWorld("stages: [available, { weigh: ratio }, { persist: { v4: 20 } }]")
            let first = try world.ask(from: "10.90.16.0/24")
            for number in 17..<32 { try world.expect(first, from: "10.90.\(number).0/24") }
        },
        filter("select_first_n") {
            var world = try MethodWorld("", eu: "stages: [available, { take: 1 }]")
            try world.expect(["192.0.2.1"], eu)
        },
        filter("select_first_region") {
            var world = try MethodWorld("stages: [available, nearest]")
            try world.expect(["eu"], from: MethodWorld.warsaw)
            #expect(try world.ask(eu).count == 2)
        },
        filter("priority, cost") {
            var world = try MethodWorld("stages: [available, { order: score }]")
            try world.expect(["us"])
            world.down("us-1")
            try world.expect(["eu"])
        },
        filter("shed_load") {
            var world = try MethodWorld(
                "stages: [available, { shed: { by: connections, soft: 50%, hard: 100% } }]", pools: "[us, ap]")
            world.measure(.connections, ["us-1": 100, "ap-1": 0])
            try world.expectShares(["us": 1], byClient: true)
            world.measure(.connections, ["us-1": 150])
            try world.expectShares(["us": 0.5, "ap": 0.5], byClient: true)
            world.measure(.connections, ["us-1": 200])
            try world.expectShares(["ap": 1], byClient: true)
        },
        filter("pulsar_performance_sort, pulsar_performance_stabilize") {
            var world = try MethodWorld("stages: [available, { latency: { margin: 20ms } }]")
            try world.measureLatency("10.9.0.0/24", ["eu": 35, "us": 90, "ap": 20])
            try world.expect(["eu"])
            var exact = try MethodWorld("stages: [available, { latency: { margin: 0ms } }]")
            try exact.measureLatency("10.9.0.0/24", ["eu": 35, "us": 90, "ap": 20])
            try exact.expect(["ap"])
        },
        filter("pulsar_availability_threshold") {
            var world = try MethodWorld("stages: [available, { outliers: 3 }]")
            world.measure(.response, ["eu-1": 0.4, "eu-2": 0.4, "us-1": 0.1, "ap-1": 0.2])
            try world.expect(["us"])
        },
    ]
}
