/// Translates a MaxMind DB, version 2 of the format, into ranges and places.
///
/// The file is a binary tree over the bits of the address, 16 zero bytes, the data that the tree's leaves point to, and
/// the metadata. IPv4 addresses are in the tree of an IPv6 file at ::/96, and other networks that embed IPv4 addresses
/// (2002::/16 and the like) may lead to the same nodes; those are left unknown, so that nothing is counted twice.
struct MaxMindReader: ~Escapable {
    private let bytes: Span<UInt8>
    private let data: MaxMindData
    private let nodeCount: UInt32
    private let recordSize: Int
    private let isIPv6: Bool
    /// When the database was made, in seconds since 1970, if it says so.
    let buildTime: UInt64?

    /// What begins the metadata; the last one in the file counts.
    private static let marker: [UInt8] = [0xab, 0xcd, 0xef] + Array("MaxMind.com".utf8)
    /// The metadata's greatest size, with the marker.
    private static let metadataLimit = 128 * 1024
    /// Zero bytes between the tree and the data.
    private static let separator = 16

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) throws(GeographyFault) {
        self.bytes = bytes
        guard let markerOffset = Self.lastMarker(bytes) else {
            throw MaxMindData.fault(bytes.count, "no metadata marker: this is not a MaxMind DB, or its end is missing")
        }
        let start = markerOffset + Self.marker.count
        let metadata = MaxMindData(bytes, start: start, end: bytes.count)
        var budget = MaxMindData.valueLimit
        let values = try metadata.members(
            ["binary_format_major_version", "node_count", "record_size", "ip_version", "build_epoch"],
            of: metadata.value(at: start), &budget)
        func number(_ position: Int, _ name: String) throws(GeographyFault) -> UInt64 {
            guard let offset = values[position] else {
                throw MaxMindData.fault(start, "the metadata has no \(name)")
            }
            guard let value = try metadata.unsigned(metadata.value(at: offset)) else {
                throw MaxMindData.fault(offset, "the metadata's \(name) is not a number")
            }
            return value
        }
        let version = try number(0, "binary_format_major_version")
        guard version == 2 else {
            throw MaxMindData.fault(start, "version \(version) of the MaxMind DB format, only 2 is known")
        }
        let nodes = try number(1, "node_count")
        let size = try number(2, "record_size")
        let family = try number(3, "ip_version")
        guard size == 24 || size == 28 || size == 32 else {
            throw MaxMindData.fault(start, "records of \(size) bits, only 24, 28 and 32 are known")
        }
        guard family == 4 || family == 6 else {
            throw MaxMindData.fault(start, "IP version \(family), only 4 and 6 exist")
        }
        guard let nodeCount = UInt32(exactly: nodes), nodes > 0 else {
            throw MaxMindData.fault(start, "a tree of \(nodes) nodes")
        }
        let treeSize = Int(nodes) * Int(size) / 4
        guard treeSize + Self.separator <= markerOffset else {
            throw MaxMindData.fault(markerOffset, "the file ends within its tree of \(nodes) nodes")
        }
        for offset in treeSize..<(treeSize + Self.separator) where bytes[offset] != 0 {
            throw MaxMindData.fault(offset, "expected 16 zero bytes behind the tree")
        }
        // Nothing depends on it, so one of another type is none.
        if let offset = values[4] {
            buildTime = try metadata.unsigned(metadata.value(at: offset))
        } else {
            buildTime = nil
        }
        self.nodeCount = nodeCount
        recordSize = Int(size)
        isIPv6 = family == 6
        data = MaxMindData(bytes, start: treeSize + Self.separator, end: markerOffset)
    }

    private static func lastMarker(_ bytes: Span<UInt8>) -> Int? {
        var at = bytes.count - marker.count
        let lowest = max(0, bytes.count - metadataLimit)
        while at >= lowest {
            if bytes[at] == marker[0], marker.indices.allSatisfy({ bytes[at + $0] == marker[$0] }) { return at }
            at -= 1
        }
        return nil
    }

    func database() throws(GeographyFault) -> GeographyDatabase {
        var walk = Walk(budget: 2 * Int(nodeCount) + 256, valuesLeft: data.totalValueLimit)
        guard isIPv6 else {
            let v4: RangeList<UInt32> = try ranges(below: 0, leavingOut: nil, &walk)
            return GeographyDatabase(
                places: walk.places.places, ranges: RangeMap(v4: v4, v6: RangeList(filledWith: 0)))
        }
        var root: UInt32 = 0
        var depth = 0
        while depth < 96, root < nodeCount {
            root = record(of: root, right: false)
            depth += 1
        }
        let v4: RangeList<UInt32> = try ranges(below: root, leavingOut: nil, &walk)
        let v6: RangeList<UInt128> = try ranges(below: 0, leavingOut: root < nodeCount ? root : nil, &walk)
        return GeographyDatabase(places: walk.places.places, ranges: RangeMap(v4: v4, v6: v6))
    }

    /// What is gathered on the way through the tree.
    private struct Walk {
        var places = PlaceNumbers()
        /// Of each offset in the data that was met, its place.
        var placeOfOffset: [Int: UInt32] = [:]
        /// How many more nodes may be visited: a tree whose parts are shared, or that leads back to itself, would take
        /// for ever.
        var budget: Int
        var valuesLeft: Int
    }

    private func ranges<Key: FixedWidthInteger & UnsignedInteger & Sendable>(
        below root: UInt32, leavingOut alias: UInt32?, _ walk: inout Walk
    ) throws(GeographyFault) -> RangeList<Key> {
        var builder = RangeListBuilder<Key>(gap: 0)
        var pending: [(record: UInt32, depth: Int, first: Key)] = [(root, 0, 0)]
        while let (record, depth, first) = pending.popLast() {
            guard record < nodeCount, record != alias else {
                builder.begin(at: first, record == alias ? 0 : try place(of: record, &walk))
                continue
            }
            guard depth < Key.bitWidth else {
                throw MaxMindData.fault(
                    Int(record) * recordSize / 4, "node \(record) is deeper than an address has bits")
            }
            walk.budget -= 1
            guard walk.budget >= 0 else {
                throw MaxMindData.fault(Int(record) * recordSize / 4, "the tree's nodes lead to each other in circles")
            }
            let bit: Key = 1 << Key(Key.bitWidth - 1 - depth)
            pending.append((self.record(of: record, right: true), depth + 1, first | bit))
            pending.append((self.record(of: record, right: false), depth + 1, first))
        }
        return builder.finish()
    }

    /// One of the two records of a node below `nodeCount`, all of which are within the file.
    private func record(of node: UInt32, right: Bool) -> UInt32 {
        let size = recordSize / 4
        let at = Int(node) * size
        switch recordSize {
        case 24:
            let start = right ? at + 3 : at
            return bigEndian(start, 3)
        case 28:
            // The byte in the middle has the upper four bits of both.
            let middle = UInt32(bytes[at + 3])
            return right ? (middle & 15) << 24 | bigEndian(at + 4, 3) : (middle >> 4) << 24 | bigEndian(at, 3)
        default:
            return bigEndian(right ? at + 4 : at, 4)
        }
    }

    private func bigEndian(_ start: Int, _ count: Int) -> UInt32 {
        var value: UInt32 = 0
        for offset in start..<(start + count) { value = value << 8 | UInt32(bytes[offset]) }
        return value
    }

    /// The place that a record beyond the nodes stands for.
    private func place(of record: UInt32, _ walk: inout Walk) throws(GeographyFault) -> UInt32 {
        if record == nodeCount { return 0 }
        let behindTree = Int(record) - Int(nodeCount) - Self.separator
        guard behindTree >= 0, data.start + behindTree < data.end else {
            throw MaxMindData.fault(data.start, "record \(record) of the tree points outside the data")
        }
        if let known = walk.placeOfOffset[behindTree] { return known }
        let place = try data.place(at: data.start + behindTree, total: &walk.valuesLeft)
        let number = walk.places.number(of: place)
        walk.placeOfOffset[behindTree] = number
        return number
    }
}
