internal import DNSWire

extension AuthorityData {
    /// Where a name leads.
    enum Match {
        /// The name itself, or the wildcard that stands for it (RFC 4592).
        case node(Int)
        /// Below the delegation at this node.
        case belowDelegation(Int)
        /// Below the DNAME at this node.
        case belowRedirection(Int)
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
                if node.below != 0 { return .node(Int(node.below) &- 1) }
                return .nameError(zone: Int(node.zone))
            }
            if labels == 0 { return .outside }
            unsafe skipLabel(&start, &length)
            labels &-= 1
        }
    }

    /// `start` stands on a label that is not the root, inside the folded name.
    @inline(__always)
    private func skipLabel(_ start: inout UnsafeRawPointer, _ length: inout Int) {
        let size = unsafe 1 &+ Int(start.load(as: UInt8.self))
        unsafe start += size
        length &-= size
    }

    /// Position of the node of a name; the folded name has eight readable bytes behind it.
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
                let node = nodes[position]
                if Int(node.nameLength) == length,
                    unsafe NameHash.equal(names.address(of: Int(node.name)), name, length: length)
                {
                    return position
                }
            }
            index = (index &+ 1) & mask
        }
    }
}

extension NodeSlot {
    /// A table that is at most half full, so that a miss ends soon.
    static func table(for names: [DomainName], seed: UInt64) -> [NodeSlot] {
        var capacity = 4
        while capacity < 2 * names.count { capacity *= 2 }
        var table = [NodeSlot](repeating: NodeSlot(tag: 0, node: 0), count: capacity)
        for (position, name) in names.enumerated() {
            let padded = name.folded + [UInt8](repeating: 0, count: 8)
            let hash = unsafe padded.withUnsafeBytes { bytes in
                // `padded` is never empty, and has eight bytes behind the name.
                unsafe NameHash.hash(bytes.baseAddress!, length: name.folded.count, seed: seed)
            }
            var index = Int(truncatingIfNeeded: hash) & (capacity - 1)
            while table[index].node != 0 { index = (index + 1) & (capacity - 1) }
            table[index] = NodeSlot(tag: UInt32(truncatingIfNeeded: hash >> 32), node: UInt32(position + 1))
        }
        return table
    }
}
