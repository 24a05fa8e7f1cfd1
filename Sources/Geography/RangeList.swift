/// The whole space of `Key`, cut into ranges that each have a value. Neighbours differ, so the list is as short as
/// can be.
struct RangeList<Key: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable, Equatable {
    /// Strictly rising; the first is 0. A range ends where the next starts.
    let starts: [Key]
    /// One for each start.
    let values: [UInt32]

    init(filledWith value: UInt32) {
        starts = [0]
        values = [value]
    }

    fileprivate init(starts: [Key], values: [UInt32]) {
        self.starts = starts
        self.values = values
    }

    /// The range that `key` is in.
    func position(of key: Key) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= key { low = middle } else { high = middle }
        }
        return low
    }

    func mapValues(_ transform: (UInt32) -> UInt32) -> RangeList {
        var builder = RangeListBuilder<Key>(gap: 0)
        for index in starts.indices { builder.begin(at: starts[index], transform(values[index])) }
        return builder.finish()
    }

    /// One sweep over both lists.
    func combining(_ other: RangeList, _ combine: (UInt32, UInt32) -> UInt32) -> RangeList {
        var builder = RangeListBuilder<Key>(gap: 0, capacity: max(starts.count, other.starts.count))
        var mine = 0
        var theirs = 0
        var start: Key = 0
        while true {
            builder.begin(at: start, combine(values[mine], other.values[theirs]))
            let nextMine = mine + 1 < starts.count ? starts[mine + 1] : nil
            let nextTheirs = theirs + 1 < other.starts.count ? other.starts[theirs + 1] : nil
            switch (nextMine, nextTheirs) {
            case (nil, nil):
                return builder.finish()
            case (let next?, nil):
                start = next
                mine += 1
            case (nil, let next?):
                start = next
                theirs += 1
            case (let left?, let right?):
                start = min(left, right)
                if left == start { mine += 1 }
                if right == start { theirs += 1 }
            }
        }
    }
}

/// Builds a list from its lower end to its upper.
struct RangeListBuilder<Key: FixedWidthInteger & UnsignedInteger & Sendable>: ~Copyable {
    private var starts: [Key] = []
    private var values: [UInt32] = []
    /// The lowest key without a value, unless `isFull`.
    private(set) var next: Key = 0
    private(set) var isFull = false
    /// The value of what no range covers.
    private let gap: UInt32

    init(gap: UInt32, capacity: Int = 0) {
        self.gap = gap
        starts.reserveCapacity(capacity)
        values.reserveCapacity(capacity)
    }

    /// Adds a range above all that were added; `false` when it is not above them or ends before it starts.
    mutating func add(_ first: Key, through last: Key, _ value: UInt32) -> Bool {
        guard !isFull, first >= next, last >= first else { return false }
        if first > next { begin(at: next, gap) }
        begin(at: first, value)
        if last == .max { isFull = true } else { next = last &+ 1 }
        return true
    }

    /// From `start` on the value is `value`, until told otherwise. `start` is above all earlier ones.
    mutating func begin(at start: Key, _ value: UInt32) {
        guard values.last != value else { return }
        starts.append(start)
        values.append(value)
    }

    consuming func finish() -> RangeList<Key> {
        RangeList(starts: starts, values: values)
    }

    /// Fills what is left with the gap's value.
    consuming func finishWithGap() -> RangeList<Key> {
        if !isFull { begin(at: next, gap) }
        return finish()
    }
}

extension RangeList {
    /// A network of the key's space.
    struct Network {
        var first: Key
        var length: Int
        var value: UInt32

        var last: Key { length == 0 ? .max : first | (length == Key.bitWidth ? 0 : Key.max >> Key(length)) }
    }

    /// The most specific network wins; the later among equals.
    init(networks: [Network], default: UInt32) {
        var sorted = networks.enumerated().sorted {
            ($0.element.first, $0.element.length, $0.offset) < ($1.element.first, $1.element.length, $1.offset)
        }.map(\.element)
        // Of equal networks only the last stays.
        var kept = 0
        for index in sorted.indices {
            if kept > 0, sorted[kept - 1].first == sorted[index].first, sorted[kept - 1].length == sorted[index].length
            {
                kept -= 1
            }
            sorted[kept] = sorted[index]
            kept += 1
        }
        sorted.removeSubrange(kept...)

        var builder = RangeListBuilder<Key>(gap: `default`, capacity: 2 * kept + 1)
        // Networks are nested or disjoint: `open` holds those around the current one, from the widest inwards.
        var open: [Network] = []
        for network in sorted {
            while let innermost = open.last, innermost.last < network.first {
                _ = builder.fill(through: innermost.last, innermost.value)
                open.removeLast()
            }
            if network.first > 0 { _ = builder.fill(through: network.first - 1, open.last?.value ?? `default`) }
            open.append(network)
        }
        while let innermost = open.popLast() { _ = builder.fill(through: innermost.last, innermost.value) }
        self = builder.finishWithGap()
    }
}

extension RangeListBuilder {
    /// Gives all keys that have no value yet, up to `last`, this one; `false` when there are none.
    mutating func fill(through last: Key, _ value: UInt32) -> Bool {
        guard !isFull, next <= last else { return false }
        return add(next, through: last, value)
    }
}
