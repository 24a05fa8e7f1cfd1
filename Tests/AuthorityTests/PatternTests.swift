import DNSWire
import TestSupport
import Testing
import TrafficModel

@testable import Authority

@Suite("Names with ? and *")
struct PatternTests {
    private static func fixture() -> Fixture {
        var intent = Fixture.intent()
        var shop = WideIP(name: DomainName("shop-?.example.com")!, pools: [0])
        shop.aliases = [DomainName("*.v?.shop.example.com")!, DomainName("*.child.example.com")!]
        let any = WideIP(name: DomainName("s*.example.com")!, pools: [1])
        let inner = WideIP(name: DomainName("a.*x.inner.example.com")!, pools: [1])
        intent.wideIPs += [shop, any, inner]
        intent.zones[0] = Fixture.zone("example.com", Fixture.zoneText + "\nshop-3 TXT \"x\"\ntoshop CNAME shop-1")
        return Fixture(intent)
    }

    @Test(
        "the closest pattern answers what has no name of its own",
        arguments: [
            ("shop-1.example.com", "us"), ("SHOP-Z.Example.com", "us"), ("shop-12.example.com", "eu"),
            ("s.example.com", "eu"), ("sub-x.example.com", "eu"), ("x.v1.shop.example.com", "us"),
            ("y.x.v2.shop.example.com", "us"), ("a.x.inner.example.com", "eu"), ("a.yyx.inner.example.com", "eu"),
            ("shop-?.example.com", "us"), ("q.child.example.com", "us"),
        ])
    func matches(name: String, pool: String) throws {
        var fixture = Self.fixture()
        let response = try fixture.ask(name)
        #expect(response.alias(of: try #require(DomainName(name))) == DomainName("\(pool).api.example.com"))
    }

    @Test(
        "names above those that match exist, and have nothing",
        arguments: ["v1.shop.example.com", "yx.inner.example.com"])
    func above(name: String) throws {
        var fixture = Self.fixture()
        let response = try fixture.ask(name)
        #expect(response.responseCode == 0 && response.answers.isEmpty)
        #expect(response.authorityText == negative)
    }

    @Test(
        "a name of its own, and what no pattern matches, stay as they are",
        arguments: [
            ("shop-3.example.com", UInt8(0)), ("a.shop-1.example.com", 3), ("v12.shop.example.com", 3),
            ("x.w1.shop.example.com", 3), ("b.x.inner.example.com", 3), ("c.a.x.inner.example.com", 3),
            ("t.example.com", 3), ("host.sub.example.com", 0),
        ])
    func others(name: String, code: UInt8) throws {
        var fixture = Self.fixture()
        let response = try fixture.ask(name)
        #expect(response.responseCode == UInt16(code) && response.answers.isEmpty, "\(response.answerText)")
    }

    @Test("a static CNAME to a name that a pattern answers ends there")
    func alias() throws {
        var fixture = Self.fixture()
        let response = try fixture.ask("toshop.example.com")
        #expect(response.responseCode == 0)
        #expect(response.answerText == ["toshop.example.com 300 CNAME shop-1.example.com."])
    }

    /// As a definition says it, without thought of speed.
    private static func isLike(_ pattern: ArraySlice<UInt8>, _ label: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return label.isEmpty }
        if first == UInt8(ascii: "*") {
            return (label.startIndex...label.endIndex).contains { isLike(pattern.dropFirst(), label[$0...]) }
        }
        guard let byte = label.first, first == UInt8(ascii: "?") || first == byte else { return false }
        return isLike(pattern.dropFirst(), label.dropFirst())
    }

    private static func labels(_ name: DomainName) -> [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        var index = 0
        while name.folded[index] != 0 {
            let end = index + 1 + Int(name.folded[index])
            result.append(name.folded[(index + 1)..<end])
            index = end
        }
        return result
    }

    @Test("random names and patterns compare as the definition says", arguments: [UInt64(1), 2, 3])
    func random(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        func label(_ letters: String) -> String {
            String(
                (0..<Int.random(in: 1...5, using: &generator)).map { _ in letters.randomElement(using: &generator)! })
        }
        var matching = 0
        for _ in 0..<20_000 {
            let pattern = (0..<Int.random(in: 1...3, using: &generator)).map { _ in label("ab?**") }
            let name = (0..<Int.random(in: 1...4, using: &generator)).map { _ in label("ab") }
            let (left, right) = (
                try #require(DomainName(pattern.joined(separator: "."))),
                try #require(DomainName(name.joined(separator: ".")))
            )
            let (wanted, labels) = (Self.labels(left), Self.labels(right))
            let isOpen = left.isWildcard
            let tail = isOpen ? wanted.dropFirst() : wanted[...]
            let isLong = isOpen ? labels.count >= wanted.count : labels.count == wanted.count
            let isMatch = isLong && zip(tail, labels.suffix(tail.count)).allSatisfy { Self.isLike($0, $1) }
            let isAbove =
                labels.count < wanted.count
                && zip(wanted.suffix(labels.count), labels).allSatisfy { Self.isLike($0, $1) }
            if isMatch { matching += 1 }
            switch left.compare(right) {
            case .matches: #expect(isMatch, "\(left) \(right)")
            case .isAbove: #expect(isAbove, "\(left) \(right)")
            case .differs: #expect(!isMatch && !isAbove, "\(left) \(right)")
            }
        }
        #expect(matching > 1000)
    }

    @Test("as many patterns as the limit are heeded, and the closest of them")
    func limit() throws {
        var intent = Fixture.intent()
        for number in 0..<NamePattern.limit {
            intent.wideIPs.append(WideIP(name: DomainName("p\(number)-*.example.com")!, pools: [number % 2]))
        }
        var fixture = Fixture(intent)
        for number in 0..<NamePattern.limit {
            let name = "p\(number)-x.example.com"
            #expect(
                try fixture.ask(name).answerText == ["\(name) 30 CNAME \(["us", "eu"][number % 2]).api.example.com."])
        }
    }
}
