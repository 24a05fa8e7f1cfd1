import Synchronization

/// What a choice reads of one member.
///
/// The reference is unmanaged: scanning the members of an upstream would otherwise retain and release objects that all
/// loops share, at about 150 ns each under contention. It is safe because an ``UpstreamSnapshot`` owns its candidates
/// and holds the same states in `members`, so a candidate that can be read has a state that lives.
@safe
struct Candidate: Sendable {
    /// 0...65,535.
    let weight: UInt32
    /// Requests or connections at once; `Int.max`: no limit.
    let limit: Int
    private let state: Unmanaged<MemberState>

    init(_ state: MemberState, weight: UInt32, limit: Int) {
        self.weight = weight
        self.limit = limit
        unsafe self.state = Unmanaged.passUnretained(state)
    }

    var ejectedUntil: UInt64 { unsafe state._withUnsafeGuaranteedRef { $0.ejectedUntil.load(ordering: .relaxed) } }
    var cameUpAt: UInt64 { unsafe state._withUnsafeGuaranteedRef { $0.cameUpAt.load(ordering: .relaxed) } }
    var open: Int { unsafe state._withUnsafeGuaranteedRef { $0.open.load(ordering: .relaxed) } }

    /// Reserves a place; `nil` when the member is full by now. This is where the state is retained.
    func lease(member: Int, whileEjected: Bool, isProbe: Bool) -> MemberLease? {
        let state = unsafe self.state.takeUnretainedValue()
        guard state.enter(limit: limit, isProbe: isProbe) else { return nil }
        return MemberLease(member: member, state: state, whileEjected: whileEjected)
    }
}
