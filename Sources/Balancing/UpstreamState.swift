import Addresses
import Synchronization

/// What is known about one upstream at run time; like ``MemberState`` it outlives reloads.
final class UpstreamState: Sendable {
    /// What a turn order depends on: when it is unchanged, loops go on where they were.
    struct LayoutMember: Hashable {
        var serial: UInt64
        var weight: UInt32
    }

    /// Small and stable; loops index their own state by it. Reused after the upstream is gone.
    let slot: Int
    let budget = RetryBudget()
    private let latestLayout = Mutex<(members: [LayoutMember], number: UInt64)>(([], 0))

    init(slot: Int) { self.slot = slot }

    func layout(for members: [LayoutMember], orElse next: UInt64) -> UInt64 {
        latestLayout.withLock { latest in
            if latest.number != 0, latest.members == members { return latest.number }
            latest = (members, next)
            return next
        }
    }
}
