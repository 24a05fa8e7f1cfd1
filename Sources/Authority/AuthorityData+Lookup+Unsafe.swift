import DNSWire
import FlatTables

extension AuthorityData {
    /// Where a name leads.
    enum Match {
        /// The name itself, or the wildcard that stands for it (RFC 4592).
        case node(Int)
        /// Below the delegation at this node.
        case belowDelegation(Int)
        /// Below the DNAME at this node.
        case belowRedirection(Int)
        /// Above names that match a pattern of the zone, a position in `zones`: it exists, without data.
        case empty(zone: Int)
        /// No such name in the zone, a position in `zones`.
        case nameError(zone: Int)
        case outside
    }

    @inline(__always)
    func match(_ name: borrowing FoldedName) -> Match {
        var start = unsafe UnsafeRawPointer(name.start)
        var length = name.length
        var labels = name.labelCount
        // What is deeper than everything that exists cannot be found: do not let long names cost a look-up a label.
        while labels > depth {
            unsafe skipLabel(&start, &length)
            labels &-= 1
        }
        if labels == name.labelCount {
            if let node = unsafe find(start, length: length) { return .node(node) }
            if labels == 0 { return .outside }
            unsafe skipLabel(&start, &length)
            labels &-= 1
        }
        while true {
            if let position = unsafe find(start, length: length) {
                // The closest encloser. Nothing below a delegation is in the table, so that names there end up here too.
                let node = nodes[position]
                if node.isDelegation { return .belowDelegation(position) }
                if node.isRedirection { return .belowRedirection(position) }
                if zones[Int(node.zone)].patternCount > 0, let match = matchPattern(name, zone: Int(node.zone)) {
                    return match
                }
                if node.below != 0 { return .node(Int(node.below) &- 1) }
                return .nameError(zone: Int(node.zone))
            }
            if labels == 0 { return .outside }
            unsafe skipLabel(&start, &length)
            labels &-= 1
        }
    }

    private func matchPattern(_ name: borrowing FoldedName, zone: Int) -> Match? {
        let start = unsafe UnsafeRawPointer(name.start)
        let labels = name.labelCount
        var isAbove = false
        let first = Int(zones[zone].firstPattern)
        for index in first..<(first &+ Int(zones[zone].patternCount)) {
            let pattern = patterns[index]
            let offset = Int(pattern.offset)
            // Positions are within labels, whose lengths both names are made of: they end with the root.
            let verdict = NamePattern.compare(
                { patternBytes[offset &+ $0] }, labels: Int(pattern.labelCount), isOpen: pattern.isOpen,
                { unsafe start.load(fromByteOffset: $0, as: UInt8.self) }, labels: labels)
            switch verdict {
            case .matches: return .node(Int(pattern.node))
            case .isAbove: isAbove = true
            case .differs: break
            }
        }
        return isAbove ? .empty(zone: zone) : nil
    }

    /// `start` stands on a label that is not the root, inside the folded name.
    @inline(__always)
    private func skipLabel(_ start: inout UnsafeRawPointer, _ length: inout Int) {
        let size = unsafe 1 &+ Int(start.load(as: UInt8.self))
        unsafe start += size
        length &-= size
    }

    /// Position of the entry of a name; the folded name has eight readable bytes behind it.
    @inline(__always)
    private func find(_ name: UnsafeRawPointer, length: Int) -> Int? {
        let hash = unsafe NameHash.hash(name, length: length, seed: seed)
        let mask = slots.count &- 1
        var index = Int(truncatingIfNeeded: hash) & mask
        let tag = UInt32(truncatingIfNeeded: hash >> 32)
        while true {
            let slot = slots[index]
            if slot.node == 0 { return nil }
            if slot.tag == tag {
                let position = Int(slot.node) &- 1
                if unsafe nodes.isName(name, length: length, at: position) { return position }
            }
            index = (index &+ 1) & mask
        }
    }

    // MARK: Looking ahead

    /// Begins to load the place of a name in the hash table.
    @inline(__always)
    func prefetchSlot(_ hash: UInt64) { slots.prefetch(Int(truncatingIfNeeded: hash) & (slots.count &- 1)) }

    /// The position of the entry that a name with this hash most likely has; `nil`: there is no such name. Begins to load
    /// it.
    @inline(__always)
    func prefetchEntry(_ hash: UInt64) -> Int? {
        let mask = slots.count &- 1
        var index = Int(truncatingIfNeeded: hash) & mask
        let tag = UInt32(truncatingIfNeeded: hash >> 32)
        while true {
            let slot = slots[index]
            if slot.node == 0 { return nil }
            if slot.tag == tag {
                nodes.prefetch(Int(slot.node) &- 1)
                return Int(slot.node) &- 1
            }
            index = (index &+ 1) & mask
        }
    }
}

extension NodeSlot {
    /// A table that is at most half full, so that a miss ends soon.
    ///
    /// - Parameter positions: where each node's entry is.
    static func table(for nodes: [Node], at positions: [UInt32], names: [UInt8], seed: UInt64) -> [NodeSlot] {
        var capacity = 4
        while capacity < 2 * nodes.count { capacity *= 2 }
        var table = [NodeSlot](repeating: NodeSlot(tag: 0, node: 0), count: capacity)
        // The hash may read so far behind a name.
        let padded = names + [UInt8](repeating: 0, count: 8)
        unsafe padded.withUnsafeBytes { bytes in
            for (index, node) in nodes.enumerated() {
                // Each name is inside, and `padded` is never empty.
                let hash = unsafe NameHash.hash(
                    bytes.baseAddress! + Int(node.name), length: Int(node.nameLength), seed: seed)
                var place = Int(truncatingIfNeeded: hash) & (capacity - 1)
                while table[place].node != 0 { place = (place + 1) & (capacity - 1) }
                table[place] = NodeSlot(tag: UInt32(truncatingIfNeeded: hash >> 32), node: positions[index] + 1)
            }
        }
        return table
    }
}
