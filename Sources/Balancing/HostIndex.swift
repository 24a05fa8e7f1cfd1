import TrafficModel

/// Which routes name a host: exact names and wildcards in one open-addressing table over the bytes.
///
/// A wildcard's list also has the routes of the wildcards above it, so a look-up yields at most two lists: that of the
/// exact name and that of the longest wildcard. One pass over the host from its end hashes every suffix on the way.
struct HostIndex: Sendable {
    private struct Bucket {
        /// The name's bytes in `names`, a wildcard's with its dot in front.
        var name: Range<Int>
        var hash: UInt64
        /// In `routes`.
        var list: Range<Int>
    }

    /// All lists, each ascending, behind one another.
    let routes: [Int32]
    private let names: [UInt8]
    private let buckets: [Bucket?]

    init(_ table: [Route]) {
        // Exact names as they are, wildcards as ".example.com": a host never begins with a dot, so they cannot meet.
        var lists: [[UInt8]: [Int32]] = [:]
        for (position, route) in table.enumerated() {
            for host in route.hosts {
                var name = host.utf8.map(asciiLowercase)
                if name.starts(with: "*.".utf8) { name.removeFirst() }
                if name.last == UInt8(ascii: ".") { name.removeLast() }
                if lists[name]?.last != Int32(position) { lists[name, default: []].append(Int32(position)) }
            }
        }
        let own = lists
        for name in own.keys where name.first == UInt8(ascii: ".") {
            var merged = Set(lists[name] ?? [])
            for index in name.indices.dropFirst() where name[index] == UInt8(ascii: ".") {
                merged.formUnion(own[Array(name[index...])] ?? [])
            }
            lists[name] = merged.sorted()
        }

        var size = 8
        while size < lists.count * 2 { size *= 2 }
        var buckets: [Bucket?] = Array(repeating: nil, count: size)
        var names: [UInt8] = []
        var routes: [Int32] = []
        for (name, list) in lists {
            var hash = Self.basis
            for byte in name.reversed() { hash = Self.step(hash, byte) }
            var position = Int(truncatingIfNeeded: Self.finish(hash)) & (size - 1)
            while buckets[position] != nil { position = (position + 1) & (size - 1) }
            buckets[position] = Bucket(
                name: names.count..<names.count + name.count, hash: hash,
                list: routes.count..<routes.count + list.count)
            names += name
            routes += list
        }
        self.buckets = buckets
        self.names = names
        self.routes = routes
    }

    /// The ranges in ``routes`` of the exact name and of the longest wildcard; empty where there is none.
    func find(_ host: Span<UInt8>) -> (exact: Range<Int>, wildcard: Range<Int>) {
        var end = host.count
        if end > 1, host[end - 1] == UInt8(ascii: ".") { end -= 1 }
        guard end > 0 else { return (0..<0, 0..<0) }
        var hash = Self.basis
        var wildcard = 0..<0
        var index = end - 1
        while true {
            hash = Self.step(hash, host[index])
            if index == 0 { break }
            if host[index] == UInt8(ascii: "."), let list = list(host, index..<end, hash) { wildcard = list }
            index -= 1
        }
        // No exact name begins with a dot, but an entry for a wildcard does.
        if host[0] == UInt8(ascii: ".") { return (0..<0, wildcard) }
        return (list(host, 0..<end, hash) ?? 0..<0, wildcard)
    }

    private func list(_ host: Span<UInt8>, _ range: Range<Int>, _ hash: UInt64) -> Range<Int>? {
        var position = Int(truncatingIfNeeded: Self.finish(hash)) & (buckets.count - 1)
        while let bucket = buckets[position] {
            if bucket.hash == hash, bucket.name.count == range.count, isEqual(bucket.name, host, range) {
                return bucket.list
            }
            position = (position + 1) & (buckets.count - 1)
        }
        return nil
    }

    private func isEqual(_ name: Range<Int>, _ host: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for offset in 0..<name.count where names[name.lowerBound + offset] != host[range.lowerBound + offset] {
            return false
        }
        return true
    }

    // FNV-1a, 64 bits, from the last byte to the first. The table holds only names of the configuration, so requests
    // cannot make it degenerate.
    private static let basis: UInt64 = 0xcbf2_9ce4_8422_2325
    private static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    /// FNV's low bits mix poorly; the high half is folded in.
    private static func finish(_ hash: UInt64) -> UInt64 { hash ^ (hash >> 32) }
}
