import Geography

/// Sees a decision being made. Decisions are generic over it, so that one that is not watched pays nothing, and one that
/// is watched is the same decision.
protocol DecisionTrace {
    static var isOn: Bool { get }

    mutating func begin(_ subject: SteeredSubject, _ program: Program)
    /// `match`: what a look-up of the client's network found.
    mutating func ran(
        _ operation: Operation, before: [Int], after: borrowing Candidates, isLeft: Bool, match: PrefixTable.Match?)
    /// Operators send clients of the pool that was chosen to another, perhaps this one.
    mutating func redirected(_ wideIP: Int, _ redirection: Redirections.Redirection, isMoved: Bool)
}

/// Of decisions for queries.
struct NoTrace: DecisionTrace {
    static var isOn: Bool {
        @inline(__always)
        get { false }
    }

    /// ThreadSanitizer looks at the address of what is passed inout, and what is empty has none.
    private var place: UInt8 = 0

    @inline(__always)
    mutating func begin(_: SteeredSubject, _: Program) {}
    @inline(__always)
    mutating func ran(
        _: Operation, before: [Int], after: borrowing Candidates, isLeft: Bool, match: PrefixTable.Match?
    ) {}
    @inline(__always)
    mutating func redirected(_: Int, _: Redirections.Redirection, isMoved: Bool) {}
}
