import Addresses
import TestSupport
import Testing

@testable import Geography

@Suite("Ranges and the look-up table")
struct PrefixTableTests {
    /// The networks' values by the definition: the most specific around the address, the later among equals.
    private func naiveValue(_ networks: [(IPPrefix, UInt32)], _ address: IPAddress, default: UInt32) -> UInt32 {
        var best = -1
        var value = `default`
        for (prefix, candidate) in networks where prefix.length >= best && prefix.contains(address) {
            best = prefix.length
            value = candidate
        }
        return value
    }

    /// A universe of `1 << bits` networks below `base`, so small that each can be asked about.
    private struct Universe: CustomTestStringConvertible {
        var base: IPPrefix
        var bits: Int
        var testDescription: String { "\(base), \(bits) bits" }

        /// The address of the cell's lowest or highest bits, which have the cell's value both.
        func address(_ cell: Int, highest: Bool = false) -> IPAddress {
            let shift = base.address.byteCount * 8 - base.length - bits
            switch base.address {
            case .v4(let value):
                let low: UInt32 = highest ? ~(~0 << UInt32(shift)) : 0
                return .v4(value | UInt32(cell) << UInt32(shift) | low)
            case .v6(let value):
                let low: UInt128 = highest ? ~(~0 << UInt128(shift)) : 0
                return .v6(value | UInt128(cell) << UInt128(shift) | low)
            }
        }
    }

    private static let universes = [
        Universe(base: IPPrefix("0.0.0.0/0")!, bits: 6),
        Universe(base: IPPrefix("10.1.0.0/16")!, bits: 5),
        Universe(base: IPPrefix("255.255.255.192/26")!, bits: 6),
        Universe(base: IPPrefix("0.0.0.0/26")!, bits: 6),
        Universe(base: IPPrefix("::/0")!, bits: 6),
        Universe(base: IPPrefix("2001:db8::/61")!, bits: 6),
        Universe(base: IPPrefix("2001:db8::/122")!, bits: 6),
        Universe(base: IPPrefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffc0/122")!, bits: 6),
    ]

    @Test("values and scopes are those of a naive walk", arguments: universes.indices)
    func agreesWithNaiveWalk(universeIndex: Int) throws {
        let universe = Self.universes[universeIndex]
        let base = universe.base
        let width = base.address.byteCount * 8
        for seed in UInt64(0)..<12 {
            var random = SplitMix64(seed: seed)
            var networks: [(IPPrefix, UInt32)] = []
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                let cell = Int.random(in: 0..<(1 << universe.bits), using: &random)
                let length = base.length + Int.random(in: 0...universe.bits, using: &random)
                let prefix = try #require(IPPrefix(universe.address(cell), length: length))
                networks.append((prefix, UInt32.random(in: 0...3, using: &random)))
            }
            let map = RangeMap(prefixes: networks, default: 2)
            let table = PrefixTable(map)
            let values = (0..<(1 << universe.bits)).map { naiveValue(networks, universe.address($0), default: 2) }
            for cell in values.indices {
                // The widest network around the cell with one value, found by widening step by step.
                var length = base.length + universe.bits
                while length > 0 {
                    let wider = try #require(IPPrefix(universe.address(cell), length: length - 1))
                    let inside = values.indices.filter { wider.contains(universe.address($0)) }
                    let reachesOutside = length - 1 < base.length
                    guard inside.allSatisfy({ values[$0] == values[cell] }), !reachesOutside || values[cell] == 2
                    else { break }
                    length -= 1
                }
                // A cell whose value is the same in all its addresses is never cut finer.
                for highest in [false, true] {
                    let address = universe.address(cell, highest: highest)
                    #expect(map.value(of: address) == values[cell], "seed \(seed), \(address)")
                    let match = table.lookup(address)
                    #expect(match.value == values[cell], "seed \(seed), \(address)")
                    #expect(Int(match.length) == length, "seed \(seed), \(address) of \(networks)")
                    #expect(Int(match.length) <= width)
                }
            }
        }
    }

    @Test("one value everywhere has scope 0")
    func constant() {
        let table = PrefixTable(RangeMap(default: 7))
        for address in ["0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] {
            #expect(table.lookup(IPAddress(address)!) == .init(value: 7, length: 0))
        }
        #expect(table.count == 2)
    }

    @Test("adjacent networks of one value are one")
    func merged() {
        let map = RangeMap(
            prefixes: [
                (IPPrefix("10.0.0.0/9")!, 1), (IPPrefix("10.128.0.0/9")!, 1), (IPPrefix("11.0.0.0/8")!, 1),
                (IPPrefix("10.5.0.0/16")!, 1),
            ], default: 0)
        #expect(map.v4.starts == [0, 10 << 24, 12 << 24])
        #expect(PrefixTable(map).lookup(IPAddress("10.5.1.1")!) == .init(value: 1, length: 7))
    }

    @Test("host networks at both ends of the space")
    func ends() {
        let table = PrefixTable(
            RangeMap(
                prefixes: [
                    (IPPrefix("0.0.0.0/32")!, 1), (IPPrefix("255.255.255.255/32")!, 2), (IPPrefix("::/128")!, 3),
                    (IPPrefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")!, 4),
                ], default: 0))
        #expect(table.lookup(IPAddress("0.0.0.0")!) == .init(value: 1, length: 32))
        #expect(table.lookup(IPAddress("0.0.0.1")!) == .init(value: 0, length: 32))
        #expect(table.lookup(IPAddress("0.0.0.2")!) == .init(value: 0, length: 31))
        #expect(table.lookup(IPAddress("200.0.0.0")!) == .init(value: 0, length: 3))
        #expect(table.lookup(IPAddress("255.255.255.255")!) == .init(value: 2, length: 32))
        #expect(table.lookup(IPAddress("::")!) == .init(value: 3, length: 128))
        #expect(table.lookup(IPAddress("8000::")!) == .init(value: 0, length: 2))
        #expect(table.lookup(IPAddress("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")!) == .init(value: 4, length: 128))
    }

    @Test("IPv4-mapped addresses and networks are IPv4's")
    func mapped() {
        let map = RangeMap(
            prefixes: [(IPPrefix("::ffff:192.0.2.0/120")!, 5), (IPPrefix("198.51.100.0/24")!, 6)], default: 0)
        #expect(map.value(of: IPAddress("192.0.2.1")!) == 5)
        #expect(map.value(of: IPAddress("::ffff:198.51.100.1")!) == 6)
        let table = PrefixTable(map)
        #expect(table.lookup(IPAddress("192.0.2.1")!) == .init(value: 5, length: 24))
        #expect(table.lookup(IPAddress("::ffff:192.0.2.1")!) == .init(value: 5, length: 120))
        #expect(table.lookup(IPAddress("2001:db8::1")!) == .init(value: 0, length: 0))
    }

    @Test("a default network of a family")
    func wholeFamily() {
        let table = PrefixTable(
            RangeMap(prefixes: [(IPPrefix("0.0.0.0/0")!, 1), (IPPrefix("::/0")!, 2)], default: 0))
        #expect(table.lookup(IPAddress("8.8.8.8")!) == .init(value: 1, length: 0))
        #expect(table.lookup(IPAddress("2001:db8::")!) == .init(value: 2, length: 0))
    }

    @Test("many ranges: the index finds each of them")
    func manyRanges() {
        var random = SplitMix64(seed: 5)
        var networks: [(IPPrefix, UInt32)] = []
        for number in UInt32(1)...20_000 {
            let address: IPAddress =
                number % 2 == 0
                ? .v4(UInt32(truncatingIfNeeded: random.next() as UInt64))
                : .v6(0x2a02 << 112 | UInt128(random.next() as UInt64) << 48)
            networks.append((IPPrefix(address, length: address.byteCount == 4 ? 28 : 56)!, number))
        }
        let map = RangeMap(prefixes: networks, default: 0)
        let table = PrefixTable(map)
        for (prefix, _) in networks {
            let match = table.lookup(prefix.address)
            #expect(match.value == map.value(of: prefix.address))
            #expect(Int(match.length) <= prefix.length)
        }
        #expect(table.count == map.count)
    }

    /// A lonely range, a crowd of hosts in one /16, ranges across many, and both ends of the space.
    @Test("crowded IPv4 space: values and scopes are those of the ranges")
    func crowdedSpace() {
        var random = SplitMix64(seed: 11)
        var networks: [(IPPrefix, UInt32)] = []
        func add(_ address: UInt32, _ length: Int) {
            networks.append((IPPrefix(.v4(address), length: length)!, UInt32(networks.count % 9 + 1)))
        }
        for _ in 0..<20_000 {
            add(UInt32(truncatingIfNeeded: random.next() as UInt64), .random(in: 9...30, using: &random))
        }
        for host in 0..<UInt32(8000) { add(0x0a01_0000 | host * 3, 32) }
        for network in 0..<UInt32(256) { add(0x0a02_0000 | network << 8, 24) }
        for network in 0..<UInt32(300) { add(0x0a03_0000 | network << 7, 25) }
        add(0, 32)
        add(.max, 32)
        let list = RangeMap(prefixes: networks, default: 0).v4
        let index = LineIndex(list)
        defer { index.deallocate() }
        #expect(index.count == list.starts.count)
        var wrong: [String] = []
        for position in list.starts.indices {
            let start = list.starts[position]
            let next = position + 1 < list.starts.count ? list.starts[position + 1] : 0
            let last = next &- 1
            for key in [start, start + (last - start) / 2, last] {
                let expected = PrefixTable.Match(key, value: list.values[position], start: start, next: next)
                if index.lookup(key) != expected { wrong.append("\(IPAddress.v4(key))") }
            }
        }
        #expect(wrong.isEmpty, "\(wrong.count) addresses, \(wrong.prefix(5))")
    }

    @Test("a table of very many ranges answers as its map does")
    func crowdedTable() throws {
        // Every /18 has another value than its neighbours.
        let networks = (0..<UInt32(LineIndex.crowd)).map { (IPPrefix(.v4($0 << 14), length: 18)!, $0 % 3) }
        let map = RangeMap(prefixes: networks, default: 0)
        try #require(map.v4.starts.count >= LineIndex.crowd)
        let table = PrefixTable(map)
        #expect(table.count == map.count)
        #expect(table.lookup(.v4(0x0000_4001)) == .init(value: 1, length: 18))
        #expect(table.lookup(IPAddress("::ffff:0.0.64.1")!) == .init(value: 1, length: 114))
        #expect(table.lookup(.v4(.max)) == .init(value: (UInt32(LineIndex.crowd) - 1) % 3, length: 18))
    }
}

@Suite("Combining maps")
struct RangeMapTests {
    @Test("combining agrees with asking both", arguments: UInt64(0)..<20)
    func combining(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func map(_ random: inout SplitMix64) -> RangeMap {
            var networks: [(IPPrefix, UInt32)] = []
            for _ in 0..<10 {
                networks.append(
                    (
                        IPPrefix(
                            .v4(UInt32(truncatingIfNeeded: random.next() as UInt64)),
                            length: .random(in: 0...12, using: &random))!, .random(in: 1...3, using: &random)
                    ))
                let high = UInt128(random.next() as UInt64) << 64
                networks.append(
                    (
                        IPPrefix(.v6(high), length: .random(in: 0...12, using: &random))!,
                        .random(in: 1...3, using: &random)
                    ))
            }
            return RangeMap(prefixes: networks, default: 0)
        }
        let left = map(&random)
        let right = map(&random)
        let both = left.combining(right) { $0 * 4 + $1 }
        for _ in 0..<500 {
            let address: IPAddress =
                Bool.random(using: &random)
                ? .v4(UInt32(truncatingIfNeeded: random.next() as UInt64)) : .v6(UInt128(random.next() as UInt64) << 64)
            #expect(both.value(of: address) == left.value(of: address) * 4 + right.value(of: address))
        }
        #expect(left.combining(right) { first, _ in first } == left)
        #expect(left.combining(right) { _, second in second } == right)
        #expect(both.mapValues { $0 / 4 } == left)
        #expect(both.mapValues { _ in 1 } == RangeMap(default: 1))
    }

    @Test("networks over a map: the most specific wins, and the map where there is none")
    func overlaying() {
        let map = RangeMap(prefixes: [(IPPrefix("10.0.0.0/8")!, 1)], default: 0)
        let over = map.overlaying(prefixes: [
            (IPPrefix("10.1.2.0/24")!, 3), (IPPrefix("10.1.0.0/16")!, 2), (IPPrefix("10.1.2.0/24")!, 0),
        ])
        #expect(over.value(of: IPAddress("10.1.2.3")!) == 0)
        #expect(over.value(of: IPAddress("10.1.3.3")!) == 2)
        #expect(over.value(of: IPAddress("10.2.0.0")!) == 1)
        #expect(over.value(of: IPAddress("11.0.0.0")!) == 0)
    }
}
