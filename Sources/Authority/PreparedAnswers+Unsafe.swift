import FlatTables

/// All prepared answers in one piece of memory, each with its head in front of its bytes, and with them what else goes
/// into answers.
struct PreparedAnswers: Sendable {
    /// Answers begin at multiples of this; a position counts them.
    private static let unit = 16
    private static let head = MemoryLayout<PreparedAnswer>.size

    let bytes: FlatTable<UInt8>

    /// - Parameter bytes: what ``begin(_:)`` and ``append(_:to:)`` wrote.
    init(_ bytes: [UInt8]) { self.bytes = FlatTable(bytes) }

    func deallocate() { bytes.deallocate() }

    @inline(__always)
    subscript(position: Int) -> PreparedAnswer {
        let offset = position &* Self.unit
        precondition(position >= 0 && offset &+ MemoryLayout<PreparedAnswer>.stride <= bytes.count)
        // Inside by the line above.
        return unsafe bytes.address(of: offset).loadUnaligned(as: PreparedAnswer.self)
    }

    /// Begins to load an answer of usual size.
    @inline(__always)
    func prefetch(_ position: Int) {
        bytes.prefetch(position &* Self.unit)
        bytes.prefetch(position &* Self.unit &+ 47)
    }

    // MARK: Building

    /// The position of the answer that is appended next.
    static func begin(_ bytes: inout [UInt8]) -> UInt32 {
        bytes += repeatElement(0, count: -bytes.count & (unit - 1))
        return UInt32(bytes.count / unit)
    }

    /// Where the bytes of the answer at `position` begin.
    static func offset(at position: UInt32) -> UInt32 { position * UInt32(unit) + UInt32(head) }

    /// Its bytes follow.
    static func append(_ answer: PreparedAnswer, to bytes: inout [UInt8]) {
        // A trivial value.
        unsafe withUnsafeBytes(of: answer) { unsafe bytes.append(contentsOf: $0.prefix(head)) }
    }
}
