import DNSWire
import Steering
import Testing
import TrafficModel

extension MethodCase {
    private static let eu = "eu.lb.example.net"

    private static func one(_ row: String, _ play: @escaping @Sendable () throws -> Void) -> MethodCase {
        MethodCase("gdnsd", row, play)
    }

    static let gdnsd: [MethodCase] = [
        one("geoip: map and nets") {
            var world = try MethodWorld(
                "stages: [available, { topology: { match: longest, records: [{ countries: [US], pools: [us] }, "
                    + "{ prefixes: [10.2.0.0/24], pools: [ap] }, { continents: [NA], pools: [eu] }] } }]")
            try world.expect(["ap"], from: MethodWorld.sanJose)
            try world.expect(["us"], from: "10.2.1.0/24")
        },
        one("geoip: auto_dc_coords") {
            var world = try MethodWorld("stages: [available, nearest]")
            try world.expect(["eu"], from: MethodWorld.warsaw)
            try world.expect(["us"], from: MethodWorld.sanJose)
            try world.expect(["ap"], from: MethodWorld.tokyo)
            world.down("us-1")
            try world.expect(["ap"], from: MethodWorld.sanJose)
        },
        one("geoip: auto_dc_limit") {
            var world = try MethodWorld(
                "stages: [available, { nearest: { within: 2000km } }, otherwise, { answer: { pool: spare } }]")
            try world.expect(["ap"], from: MethodWorld.tokyo)
            world.down("ap-1")
            try world.expect(["spare"], from: MethodWorld.tokyo)
        },
        one("metafo, simplefo") {
            var world = try MethodWorld("")
            try world.expect(["eu"])
            world.down("eu-1", "eu-2")
            try world.expect(["us"])
            world.down("us-1")
            try world.expect(["ap"])
        },
        one("multifo") {
            var world = try MethodWorld("")
            #expect(Set(try world.ask(eu)) == ["192.0.2.1", "192.0.2.2"])
            world.down("eu-1")
            try world.expect(["192.0.2.2"], eu)
            world.down("eu-2")
            #expect(Set(try world.ask(eu)) == ["192.0.2.1", "192.0.2.2"])
        },
        one("weighted, single / multi") {
            var single = try MethodWorld("", eu: "method: ratio")
            try single.expectShares(["192.0.2.1": 0.75, "192.0.2.2": 0.25], of: eu)
            var multi = try MethodWorld("", eu: "stages: [available, { weigh: ratio }, draw, { take: 2 }]")
            #expect(try multi.ask(eu).count == 2)
            try multi.expectShares(["192.0.2.1": 0.75, "192.0.2.2": 0.25], of: eu)
        },
        one("static, null") {
            var world = try MethodWorld("stages: [{ answer: zone-data }]")
            try world.expect(["192.0.2.200"])
            var null = try MethodWorld("stages: [{ answer: nodata }]")
            try null.expect([])
        },
        one("tcp_connect, http_status, extmon, extfile; service_types") {
            var world = try MethodWorld("")
            world.down("eu-1")
            try world.expect(["192.0.2.2"], eu)
            world.up("eu-1")
            #expect(try world.ask(eu).count == 2)
        },
        one("up_thresh of a resource") {
            var world = try MethodWorld("", eu: "min_up: 51%")
            try world.expect(["eu"])
            world.down("eu-2")
            try world.expect(["us"])
        },
        one("up_thresh, ok_thresh, down_thresh of a service") {
            // What monitors say; `rise` and `fall` are theirs. Behind them a hold can be asked for.
            var tracker = FailbackTracker()
            var world = try MethodWorld("", region: "failback: { hold: 60s }")
            world.follow(&tracker, second: 0)
            world.down("eu-1", "eu-2")
            world.follow(&tracker, second: 1)
            world.up("eu-1", "eu-2")
            world.follow(&tracker, second: 2)
            try world.expect(["us"])
            world.follow(&tracker, second: 62)
            try world.expect(["eu"])
        },
        one("TTL by state") {
            var world = try MethodWorld("ttl: 60s, min_ttl: 5s")
            // A probe each 5 s, down after three: 15 s. Down, and up after two: 10 s.
            #expect(try world.response()?.lowestTTL == 15)
            world.down("ap-1")
            #expect(try world.response()?.lowestTTL == 10)
        },
        one("admin_state") {
            var world = try MethodWorld("")
            world.override(.virtualServer("eu-1"), .forceDown)
            try world.expect(["192.0.2.2"], eu)
            world.down("eu-1", "eu-2")
            world.override(.virtualServer("eu-1"), .forceUp)
            try world.expect(["192.0.2.1"], eu)
        },
    ]
}
