import Addresses
import DNSWire
import Steering
import Testing
import TrafficModel

/// Random configurations in operators' words, random states, random questions: what an explanation says is what the
/// wire has.
@Suite("Explanations and the wire")
struct ExplainedWireTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    private static let filters = [
        "available", "last-known-good", "{ outliers: 2 }", "{ shed: { by: connections, soft: 20%, hard: 90% } }",
        "{ nearest: { within: 3000km } }",
        "{ topology: { use: only, match: longest, records: [{ continents: [EU], pools: [eu, us] }, { prefixes: [10.2.0.0/17, 10.9.0.0/16], pools: [ap] }] } }",
    ]
    private static let orders = [
        "nearest", "latency", "{ order: connections }", "{ order: { quality: { score: 2, cpu: 1 } } }",
        "{ topology: { records: [{ countries: [JP], pools: [ap] }, { asns: [64501], not: { prefixes: [10.1.128.0/17] }, pools: [us, ap] }] } }",
    ]
    private static let choices = [
        "round-robin", "draw", "persist", "{ persist: { v4: 20 } }", "{ weigh: ratio }, draw",
        "{ weigh: ratio }, persist",
        "{ weigh: capacity }, draw", "{ weigh: score }, persist",
    ]
    private static let answers = [
        "drop", "zone-data", "nodata", "{ code: nxdomain, ttl: 7s }", "servfail", "{ pool: spare }",
        "{ addresses: [192.0.2.50, \"2001:db8::50\"] }",
    ]

    private static func stages(_ generator: inout Generator) -> String {
        func alternative() -> [String] {
            var result = ["available"]
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                result.append(filters.randomElement(using: &generator) ?? "available")
            }
            if Bool.random(using: &generator) {
                result.append(orders.randomElement(using: &generator) ?? "nearest")
            }
            // An order before a choice would be undone by it, and is refused.
            else {
                result.append(choices.randomElement(using: &generator) ?? "draw")
            }
            return result
        }
        var result = alternative()
        if Bool.random(using: &generator) { result += ["otherwise"] + alternative() }
        if Bool.random(using: &generator) {
            result += ["otherwise", "{ answer: \(answers.randomElement(using: &generator) ?? "drop") }"]
        }
        return "stages: [\(result.joined(separator: ", "))]"
    }

    @Test("over a hundred thousand random questions", arguments: [UInt64(1), 2, 3, 4, 5])
    func random(seed: UInt64) throws {
        var generator = Generator(state: seed)
        var differing: [String] = []
        var answered: Set<String> = []
        for _ in 0..<100 {
            let pool =
                [
                    "", "answer: addresses, host: eu.lb.example.net, https: { port: 8443 }",
                    "method: ratio, min_ttl: 1s", "min_up: 2",
                ]
                .randomElement(using: &generator) ?? ""
            var world = try MethodWorld(
                Self.stages(&generator), eu: pool, region: ["", "bias: 50%"].randomElement(using: &generator) ?? "",
                names:
                    "example.com: { pools: [eu, us], method: ratio, aliases: [\"x?.example.com\"], ttl: 20s, min_ttl: 2s }"
            )
            for server in ["eu-1", "eu-2", "us-1", "ap-1"] {
                if Int.random(in: 0...2, using: &generator) == 0 { world.down(server) }
                if Int.random(in: 0...4, using: &generator) == 0 { world.override(.virtualServer(server), .drain) }
                for criterion in [Criterion.connections, .cpu, .response] {
                    world.measure(criterion, [server: Double.random(in: 0...200, using: &generator)])
                }
            }
            try world.measureLatency("10.9.64.0/18", ["eu": 20, "us": 30, "ap": 10])
            for _ in 0..<200 {
                let name =
                    ["api.example.com", "eu.lb.example.net", "example.com", "x1.example.com"]
                    .randomElement(using: &generator) ?? ""
                let type = [RecordType.a, .aaaa, .https, .txt].randomElement(using: &generator) ?? .a
                let network = UInt32.random(in: 0...0xffff, using: &generator)
                let client =
                    "10.\([1, 2, 3, 9].randomElement(using: &generator) ?? 1).\(network >> 8).\(network & 0xfe)/31"
                let (difference, kind) = try world.differenceFromExplanation(name, type, from: client)
                if let difference { differing.append(difference) }
                answered.insert(kind)
            }
        }
        #expect(differing.isEmpty, "\(differing.count), such as \(differing.first ?? "")")
        // Whether a code, silence or the zone was met is a matter of the seed.
        #expect(answered.isSuperset(of: ["alias", "addresses", "service", "noData"]))
    }
}
