import DNSWire
import Steering
import Testing
import TrafficModel

extension MethodCase {
    private static let eu = "eu.lb.example.net"

    private static func lua(_ row: String, _ play: @escaping @Sendable () throws -> Void) -> MethodCase {
        MethodCase("PowerDNS Lua", row, play)
    }

    static let powerDNS: [MethodCase] = [
        lua("ifportup, ifurlup, ifurlextup") {
            var world = try MethodWorld("")
            world.down("eu-2")
            try world.expect(["192.0.2.1"], eu)
        },
        lua("pickrandom") {
            var world = try MethodWorld("stages: [available, draw]")
            try world.expectShares(["eu": 0.333, "us": 0.333, "ap": 0.333])
        },
        lua("pickrandomsample") {
            var world = try MethodWorld("", eu: "stages: [available, draw, { take: 2 }]")
            #expect(Set(try world.ask(eu)) == ["192.0.2.1", "192.0.2.2"])
        },
        lua("pickwrandom") {
            var world = try MethodWorld("stages: [available, { weigh: ratio }, draw]")
            try world.expectShares(["eu": 0.125, "us": 0.25, "ap": 0.625])
        },
        lua("pickhashed") {
            var world = try MethodWorld("stages: [available, persist]")
            try world.expectShares(["eu": 0.333, "us": 0.333, "ap": 0.333], byClient: true)
        },
        lua("pickwhashed, pickchashed") {
            var world = try MethodWorld("stages: [available, { weigh: ratio }, persist]")
            try world.expectShares(["eu": 0.125, "us": 0.25, "ap": 0.625], byClient: true)
            let clients = (0..<200).map { "10.80.\($0).0/24" }
            var before: [String: [String]] = [:]
            for client in clients { before[client] = try world.ask(from: client) }
            world.down("us-1")
            for client in clients where before[client] != ["us"] {
                try world.expect(before[client] ?? [], from: client)
            }
        },
        lua("picknamehashed") {
            var world = try MethodWorld(
                "", names: "\"a*.t.example.com\": { pools: [us] }\n  \"b*.t.example.com\": { pools: [ap] }")
            try world.expect(["us"], "alice.t.example.com")
            try world.expect(["ap"], "bob.t.example.com")
        },
        lua("pickselfweighted") {
            var world = try MethodWorld("stages: [available, { weigh: capacity }, draw]")
            world.measure(.capacity, ["eu-1": 20, "eu-2": 20, "us-1": 40, "ap-1": 20])
            try world.expectShares(["eu": 0.4, "us": 0.4, "ap": 0.2])
        },
        lua("pickclosest") {
            var world = try MethodWorld("stages: [available, nearest]")
            try world.expect(["us"], from: MethodWorld.sanJose)
            try world.expect(["ap"], from: MethodWorld.tokyo)
        },
        lua("country, continent, region, city, asnum, netmask, view") {
            for source in [
                "countries: [JP]", "continents: [AS]", "subdivisions: [JP-13]", "cities: [JP/Tokyo]", "asns: [64503]",
                "prefixes: [10.3.0.0/16]",
            ] {
                var world = try MethodWorld("topology: [{ \(source), pools: [ap] }]")
                try world.expect(["ap"], from: MethodWorld.tokyo)
                try world.expect(["eu"], from: MethodWorld.warsaw)
            }
        },
        lua("backupSelector: all, random, hashed, closest, empty") {
            let choices: [(String, [String]?)] = [
                ("round-robin", nil), ("draw", nil), ("persist", nil), ("nearest", ["ap"]), ("{ answer: nodata }", []),
            ]
            for (behind, wanted) in choices {
                var world = try MethodWorld("stages: [available, otherwise, \(behind)]")
                world.down("eu-1", "eu-2", "us-1", "ap-1")
                let found = try world.ask(from: MethodWorld.tokyo)
                if let wanted { #expect(found == wanted) } else { #expect(found.count == 1) }
            }
        },
        lua("failOnIncompleteCheck; minimumFailures") {
            // Before the first verdict a server counts as up; `fall` is the monitor's.
            var world = try MethodWorld("all_down: { code: servfail }")
            try world.expect(["eu"])
            world.down("eu-1", "eu-2", "us-1", "ap-1")
            try world.expect(["code 2"])
        },
    ]
}
