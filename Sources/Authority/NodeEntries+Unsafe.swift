import DNSWire
import FlatTables

/// What a look-up finds: the head of a name's entry, in front of its types and its name.
struct NodeEntry: BitwiseCopyable {
    /// Position in `AuthorityData.zones`.
    var zone: UInt32
    /// Position of the wide IP or pool.
    var subject: UInt32
    /// For types that are not among the entry's: NODATA, a referral, or the end of a CNAME chain.
    var otherAnswer: UInt32
    /// For ANY.
    var anyAnswer: UInt32
    /// The entry of `*` below this name, plus one; 0: none. Of a redirection: as ``Node/below``.
    var below: UInt32
    var answerCount: UInt32
    var nameLength: UInt8
    var isSteered: Bool
    /// Steered, and a zone's apex: types other than A, AAAA and HTTPS are never steered here.
    var isApex: Bool
    var isPoolHost: Bool
    /// Everything below belongs to other servers.
    var isDelegation: Bool
    /// Everything below is found elsewhere.
    var isRedirection: Bool
}

/// The entries of all names in one piece of memory: head, then type and answer of each set, then the name in lower case.
///
/// A usual entry has 60 bytes and lies within one line of the cache: a look-up costs one line of the hash table, one of
/// the entries, and one of the answers, whatever the number of names.
struct NodeEntries: Sendable {
    /// Entries begin at multiples of this; a position counts them.
    static let unit = 16
    static let line = 64
    /// So much may be read behind a name (``NameHash``).
    private static let slack = 8
    private static let head = MemoryLayout<NodeEntry>.stride

    private let bytes: FlatTable<UInt8>
    /// How many there are.
    let count: Int
    /// Where each of the given nodes is now.
    private(set) var positions: [UInt32] = []

    /// - Parameter nodes: as ``AnswerTables`` has them, with their `names` and `answers`.
    init(_ nodes: [Node], names: [UInt8], answers: [TypedAnswer]) {
        count = nodes.count
        positions.reserveCapacity(nodes.count)
        var end = 0
        for node in nodes {
            let size = Self.head + 8 * Int(node.answerCount) + Int(node.nameLength)
            let start = (end + Self.unit - 1) / Self.unit * Self.unit
            // What fits into one line shall be in one.
            let isCut = size <= Self.line && start % Self.line + size > Self.line
            let place = isCut ? (start + Self.line - 1) / Self.line * Self.line : start
            positions.append(UInt32(place / Self.unit))
            end = place + size
        }
        let total = end + Self.slack
        let memory = UnsafeMutableRawPointer.allocate(byteCount: total, alignment: Self.line)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: total)
        for (index, node) in nodes.enumerated() {
            // Each entry has the place that was counted for it above.
            let entry = unsafe memory + Int(positions[index]) * Self.unit
            unsafe entry.storeBytes(
                of: NodeEntry(
                    zone: node.zone, subject: node.subject, otherAnswer: node.otherAnswer, anyAnswer: node.anyAnswer,
                    below: node.isRedirection || node.below == 0
                        ? node.below : positions[Int(node.below) - 1] + 1,
                    answerCount: node.answerCount, nameLength: node.nameLength, isSteered: node.isSteered,
                    isApex: node.isApex, isPoolHost: node.isPoolHost, isDelegation: node.isDelegation,
                    isRedirection: node.isRedirection),
                as: NodeEntry.self)
            var next = unsafe entry + Self.head
            for answer in answers[Int(node.firstAnswer)..<Int(node.firstAnswer) + Int(node.answerCount)] {
                unsafe next.storeBytes(of: UInt32(answer.type), as: UInt32.self)
                unsafe next.storeBytes(of: answer.prepared, toByteOffset: 4, as: UInt32.self)
                unsafe next += 8
            }
            unsafe names.withUnsafeBytes { names in
                let name = unsafe names[Int(node.name)..<Int(node.name) + Int(node.nameLength)]
                unsafe next.copyMemory(from: UnsafeRawBufferPointer(rebasing: name).baseAddress!, byteCount: name.count)
            }
        }
        unsafe bytes = FlatTable(
            owning: memory.bindMemory(to: UInt8.self, capacity: total), count: total)
    }

    func deallocate() { bytes.deallocate() }

    /// The positions were needed to build the tables that refer to them.
    mutating func forgetPositions() { positions = [] }

    @inline(__always)
    subscript(position: Int) -> NodeEntry {
        unsafe address(position).loadUnaligned(as: NodeEntry.self)
    }

    /// The head of the entry at `position` is inside.
    @inline(__always) @unsafe
    private func address(_ position: Int) -> UnsafeRawPointer {
        let offset = position &* Self.unit
        precondition(position >= 0 && offset &+ Self.head <= bytes.count)
        return unsafe bytes.address(of: offset)
    }

    /// The prepared answer that the entry has for a type; `nil`: none.
    @inline(__always)
    func answer(for type: RecordType, at position: Int, _ entry: NodeEntry) -> Int? {
        // The entry was written with `answerCount` of these behind its head.
        var next = unsafe address(position) + Self.head
        for _ in 0..<entry.answerCount {
            if unsafe next.load(as: UInt32.self) == UInt32(type.rawValue) {
                return unsafe Int(next.load(fromByteOffset: 4, as: UInt32.self))
            }
            unsafe next += 8
        }
        return nil
    }

    /// Whether the entry at `position` is that of a name in lower case; eight bytes behind it must be readable.
    @inline(__always) @unsafe
    func isName(_ name: UnsafeRawPointer, length: Int, at position: Int) -> Bool {
        let entry = self[position]
        guard Int(entry.nameLength) == length else { return false }
        // The entry was written with its name here, and with eight bytes behind the last one.
        let own = unsafe address(position) + Self.head + 8 * Int(entry.answerCount)
        return unsafe NameHash.equal(own, name, length: length)
    }

    func name(at position: Int) -> DomainName? {
        let entry = self[position]
        let start = position * Self.unit + Self.head + 8 * Int(entry.answerCount)
        return DomainName(wire: (start..<start + Int(entry.nameLength)).map { bytes[$0] })
    }

    /// Begins to load an entry.
    @inline(__always)
    func prefetch(_ position: Int) { bytes.prefetch(position &* Self.unit) }

    /// Begins to load the first of an entry's answers: most names have one type.
    @inline(__always)
    func prefetchAnswer(at position: Int, _ entry: NodeEntry, of prepared: PreparedAnswers) {
        guard entry.answerCount > 0 else { return }
        // The entry was written with this behind its head.
        prepared.prefetch(Int(unsafe (address(position) + Self.head).load(fromByteOffset: 4, as: UInt32.self)))
    }
}
