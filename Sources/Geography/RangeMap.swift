package import Addresses

/// The IPv4 and the IPv6 space, each cut into ranges with a value: the form in which maps are built and combined.
///
/// IPv4-mapped IPv6 addresses (::ffff:0:0/96) are taken as their IPv4 addresses, in networks and in questions.
package struct RangeMap: Sendable, Equatable {
    let v4: RangeList<UInt32>
    let v6: RangeList<UInt128>

    init(v4: RangeList<UInt32>, v6: RangeList<UInt128>) {
        self.v4 = v4
        self.v6 = v6
    }

    /// The same value everywhere.
    package init(default value: UInt32) {
        v4 = RangeList(filledWith: value)
        v6 = RangeList(filledWith: value)
    }

    /// The most specific network around an address wins, the later among equal ones; `default` where there is none.
    package init(prefixes: [(IPPrefix, UInt32)], default: UInt32) {
        var networks4: [RangeList<UInt32>.Network] = []
        var networks6: [RangeList<UInt128>.Network] = []
        for (prefix, value) in prefixes {
            switch prefix.address {
            case .v4(let first):
                networks4.append(.init(first: first, length: prefix.length, value: value))
            case .v6(let first):
                if prefix.length >= 96, case .v4(let mapped) = prefix.address.unmapped {
                    networks4.append(.init(first: mapped, length: prefix.length - 96, value: value))
                } else {
                    networks6.append(.init(first: first, length: prefix.length, value: value))
                }
            }
        }
        v4 = RangeList(networks: networks4, default: `default`)
        v6 = RangeList(networks: networks6, default: `default`)
    }

    /// Ranges of both families together.
    package var count: Int { v4.starts.count + v6.starts.count }

    package func value(of address: IPAddress) -> UInt32 {
        switch address.unmapped {
        case .v4(let key): v4.values[v4.position(of: key)]
        case .v6(let key): v6.values[v6.position(of: key)]
        }
    }

    /// `transform` is called once per range.
    package func mapValues(_ transform: (UInt32) -> UInt32) -> RangeMap {
        RangeMap(v4: v4.mapValues(transform), v6: v6.mapValues(transform))
    }

    /// The map of which each address has `combine(its value here, its value in other)`; one call per pair of ranges
    /// that overlap.
    package func combining(_ other: RangeMap, _ combine: (UInt32, UInt32) -> UInt32) -> RangeMap {
        RangeMap(v4: v4.combining(other.v4, combine), v6: v6.combining(other.v6, combine))
    }

    /// The networks' values over this map's: the most specific network wins, the later among equal ones, and this map
    /// where there is none.
    package func overlaying(prefixes: [(IPPrefix, UInt32)]) -> RangeMap {
        let numbered = prefixes.enumerated().map { ($0.element.0, UInt32($0.offset + 1)) }
        return combining(RangeMap(prefixes: numbered, default: 0)) { below, number in
            number == 0 ? below : prefixes[Int(number) - 1].1
        }
    }
}
