/// One request or connection that a member was chosen for. The member's count of open ones includes it for as long as
/// the lease lives: drop it (or let it go out of scope) when the exchange is over, on whatever path.
package struct MemberLease: ~Copyable {
    /// Position in the ``UpstreamSnapshot/members`` that it was chosen from.
    package let member: Int
    package let state: MemberState
    /// Chosen although ejected, because nothing else was left.
    package let whileEjected: Bool

    init(member: Int, state: MemberState, whileEjected: Bool) {
        self.member = member
        self.state = state
        self.whileEjected = whileEjected
    }

    deinit { state.leave() }

    /// The member answered (HTTP: a response head; TCP: it accepted the connection).
    package borrowing func reportSuccess() { state.recordSuccess(whileEjected: whileEjected) }
}

/// What ``LoopBalancer/choose(in:upstream:excluding:now:)`` found.
package enum MemberChoice: ~Copyable {
    case member(MemberLease)
    case none(NoMember)
}

/// Why no member could be chosen. All mean 503, except `tried`, where the last try's own failure says more.
package enum NoMember: Sendable, Hashable {
    /// Every member is down by its monitors or an operator, or has ratio 0.
    case down
    /// Every available member has as many requests or connections as it may.
    case full
    /// Every available member was tried for this request.
    case tried
}

/// The members that were tried for one request, by position. At most ``capacity``, which bounds `tries`.
package struct TriedMembers: Sendable {
    package static let capacity = 16

    private var members = InlineArray<16, UInt16>(repeating: 0)
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// Remembers a member. One more than ``capacity`` is a mistake of the caller, who has to stop at
    /// ``UpstreamSnapshot/tries``.
    package mutating func insert(_ member: Int) {
        precondition(count < Self.capacity, "a request has no more than \(Self.capacity) tries")
        members[count] = UInt16(member)
        count += 1
    }

    package func contains(_ member: Int) -> Bool {
        for index in 0..<count where members[index] == member { return true }
        return false
    }
}
