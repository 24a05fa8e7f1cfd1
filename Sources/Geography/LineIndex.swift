import FlatTables

/// IPv4 ranges by the million, laid out for the processor's cache: a look-up reads one line of 64 bytes for the
/// address's first 16 bits, and one with the ranges around it. Both are far apart in tables larger than the cache, where
/// each further step would wait for memory once more.
struct LineIndex: Sendable, BitwiseCopyable {
    /// From this many ranges on it is worth its 8 MB.
    static let crowd = 1 << 18

    /// One for each value of the first 16 bits.
    private let buckets: FlatTable<Bucket>
    private let lines: FlatTable<Line>
    /// Ranges of the list that this was made of.
    let count: Int

    /// Ranges side by side, as many as a cache line holds, all beginning within one bucket.
    private struct Line: BitwiseCopyable {
        static var capacity: Int { 10 }

        /// The last 16 bits of each range's first address. What comes before the first is the line before's.
        var starts = InlineArray<10, UInt16>(repeating: 0)
        var count: UInt32 = 0
        var values = InlineArray<10, UInt32>(repeating: 0)
    }

    private struct Bucket: BitwiseCopyable {
        static var capacity: Int { 24 }

        /// The first address of the range that the bucket's lowest address is in: it may be in a bucket before.
        var before: UInt32
        /// The first address of the first range that begins after the bucket; 0: none does.
        var after: UInt32
        var line: UInt32
        var lineCount: UInt16
        /// Lines for each of `firsts`: one, but in a bucket of more ranges than a city has networks.
        var stride: UInt16
        /// The first start in every `stride`th line but the first.
        var firsts = InlineArray<24, UInt16>(repeating: .max)
    }

    init(_ list: RangeList<UInt32>) {
        let starts = list.starts
        count = starts.count
        var buckets: [Bucket] = []
        buckets.reserveCapacity(1 << 16)
        var lines: [Line] = []
        lines.reserveCapacity(starts.count / Line.capacity + 1 << 16)
        // The range that the bucket's lowest address is in.
        var position = 0
        for number in 0..<UInt32(1 << 16) {
            let lowest = number << 16
            while position + 1 < starts.count, starts[position + 1] <= lowest { position += 1 }
            var bucket = Bucket(
                before: starts[position], after: 0, line: UInt32(lines.count), lineCount: 0, stride: 1)
            var line = Line()
            line.count = 1
            line.values[0] = list.values[position]
            while position + 1 < starts.count, starts[position + 1] <= lowest | 0xffff {
                position += 1
                if line.count == Line.capacity {
                    lines.append(line)
                    line = Line()
                }
                line.starts[Int(line.count)] = UInt16(truncatingIfNeeded: starts[position])
                line.values[Int(line.count)] = list.values[position]
                line.count += 1
            }
            lines.append(line)
            if position + 1 < starts.count { bucket.after = starts[position + 1] }
            let first = Int(bucket.line)
            let lineCount = lines.count - first
            let stride = (lineCount - 1) / (Bucket.capacity + 1) + 1
            bucket.lineCount = UInt16(lineCount)
            bucket.stride = UInt16(stride)
            for (index, offset) in Swift.stride(from: stride, to: lineCount, by: stride).enumerated() {
                bucket.firsts[index] = lines[first + offset].starts[0]
            }
            buckets.append(bucket)
        }
        self.buckets = FlatTable(buckets)
        self.lines = FlatTable(lines)
    }

    func deallocate() {
        buckets.deallocate()
        lines.deallocate()
    }

    func lookup(_ key: UInt32) -> PrefixTable.Match {
        let number = Int(key >> 16)
        let low = UInt16(truncatingIfNeeded: key)
        let stride = Int(buckets[number].stride)
        let lineCount = Int(buckets[number].lineCount)
        let first = Int(buckets[number].line)
        // Without branches, for they could not be foretold: how many groups of lines begin at the address or below.
        // Places without a group hold the highest address, and count for it alone.
        var group = 0
        for index in 0..<Bucket.capacity { group += buckets[number].firsts[index] <= low ? 1 : 0 }
        group = min(group, (lineCount - 1) / stride)
        var line = group * stride
        if stride > 1 {
            var count = min(stride, lineCount - line)
            while count > 1 {
                let half = count / 2
                if lines[first + line + half].starts[0] <= low { line += half }
                count -= half
            }
        }
        let place = first + line
        let filled = Int(lines[place].count)
        // The first start of a line is never above an address that was led to it.
        var index = 0
        for later in 1..<Line.capacity {
            index += later < filled && lines[place].starts[later] <= low ? 1 : 0
        }
        let upper = key & 0xffff_0000
        let start =
            line == 0 && index == 0 ? buckets[number].before : upper | UInt32(lines[place].starts[index])
        let next: UInt32
        if index + 1 < filled {
            next = upper | UInt32(lines[place].starts[index + 1])
        } else if line + 1 == lineCount {
            next = buckets[number].after
        } else if stride == 1 {
            next = upper | UInt32(buckets[number].firsts[line])
        } else {
            next = upper | UInt32(lines[place + 1].starts[0])
        }
        return PrefixTable.Match(key, value: lines[place].values[index], start: start, next: next)
    }
}
