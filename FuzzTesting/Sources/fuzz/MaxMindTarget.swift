import Addresses

@testable import Geography

/// MaxMind DB files, which nobody checks before they are copied onto a machine.
final class MaxMindTarget: FuzzTarget {
    static let name = "mmdb"

    init() {}

    func run(_ input: Span<UInt8>) {
        guard let database = try? GeographySourceFile.File.parse(input, as: .maxMind, path: "db") else { return }
        checkRanges(database)
    }

    static var seeds: [[UInt8]] {
        func country(_ code: String) -> MaxMindValue { .map([("country", .map([("iso_code", .string(code))]))]) }
        let city = MaxMindValue.map([
            ("city", .map([("names", .map([("de", .string("Warschau")), ("en", .string("Warsaw"))]))])),
            ("continent", .map([("code", .string("EU"))])), ("country", .map([("iso_code", .string("PL"))])),
            ("location", .map([("latitude", .double(52.25)), ("longitude", .float(21))])),
            ("subdivisions", .array([.map([("iso_code", .string("14"))])])),
            ("unknown", .array([.uint128(.max), .int32(-1), .bytes([1, 2, 3]), .boolean(true), .map([])])),
        ])
        var result: [[UInt8]] = []
        for recordSize in [24, 28, 32] {
            for isIPv6 in [false, true] {
                var writer = MaxMindWriter(recordSize: recordSize, isIPv6: isIPv6)
                writer.insert("10.0.0.0/8", country("DE"))
                writer.insert("10.1.0.0/16", recordSize == 28 ? city : country("PL"))
                if isIPv6 {
                    writer.insert("2001:db8::/32", .map([("autonomous_system_number", .uint32(64_496))]))
                    writer.alias("2002::/16")
                }
                result.append(writer.file)
            }
        }
        var shared = MaxMindWriter()
        let text = shared.store(.string("FR"))
        let place = shared.store(.map([("country", .map([("iso_code", .pointer(text))]))]))
        shared.insert("192.0.2.0/24", .pointer(place))
        shared.insert("::/64", offset: place)
        return result + [shared.file]
    }

    static let words: [[UInt8]] =
        [
            "\u{1b}binary_format_major_version", "\u{4a}node_count", "\u{4b}record_size", "\u{4a}ip_version", "country",
            "iso_code", "location", "latitude", "subdivisions", "continent", "names",
        ].map { Array($0.utf8) }
        + [[0xab, 0xcd, 0xef] + Array("MaxMind.com".utf8), [0x20, 0], [0xe1], [0xff], [0x1f, 4], [0x5f], [0x9e]]
}

/// The properties of every database: its ranges are in order, and a look-up finds the value of the range that it is
/// in, with a scope within which everything has that value.
func checkRanges(_ database: GeographyDatabase) {
    let (v4, v6) = (database.ranges.v4, database.ranges.v6)
    checkOrder(v4, database.places.count)
    checkOrder(v6, database.places.count)
    require(Set(database.places).count == database.places.count, "places differ")
    let numbers = Dictionary(uniqueKeysWithValues: database.places.enumerated().map { ($1, UInt32($0)) })
    let table = database.table { numbers[$0] ?? .max }
    for start in v4.starts.prefix(200) {
        for key in [start, start &- 1] {
            let match = table.lookup(.v4(key))
            require(match.value == v4.values[v4.position(of: key)], "the value of \(key)")
            checkScope(key, match, v4)
        }
    }
    for start in v6.starts.prefix(200) {
        for key in [start, start &- 1] where key >> 32 != 0xffff {
            let match = table.lookup(.v6(key))
            require(match.value == v6.values[v6.position(of: key)], "the value of \(key)")
            checkScope(key, match, v6)
        }
    }
}

private func checkOrder<Key>(_ list: RangeList<Key>, _ places: Int) {
    require(list.starts.first == 0 && list.starts.count == list.values.count, "ranges cover the space")
    require(zip(list.starts, list.starts.dropFirst()).allSatisfy { $0 < $1 }, "ranges are in order")
    require(zip(list.values, list.values.dropFirst()).allSatisfy { $0 != $1 }, "neighbours differ")
    require(list.values.allSatisfy { $0 < places }, "values are places")
}

private func checkScope<Key>(_ key: Key, _ match: PrefixTable.Match, _ list: RangeList<Key>) {
    let length = Int(match.length)
    require(length <= Key.bitWidth, "a scope has no more bits than an address")
    let host = length == Key.bitWidth ? 0 : Key.max >> Key(length)
    require(
        list.position(of: key & ~host) == list.position(of: key | host), "a scope lies in one range: \(key)/\(length)")
    guard length > 0 else { return }
    let wider = Key.max >> Key(length - 1)
    require(
        list.position(of: key & ~wider) != list.position(of: key | wider), "and is the widest: \(key)/\(length)")
}
