import Synchronization

/// Keeps retries from multiplying an outage: they may add at most a share to the requests of the last ten seconds, and
/// always ``minimum`` of them. Shared by all loops.
///
/// Ten buckets of one second, the current one included, so the window is between nine and ten seconds long. A bucket is
/// one word: the second it belongs to above, the count below; a bucket of an old second counts as empty.
package final class RetryBudget: Sendable {
    /// Retries that the window always allows, so that a quiet upstream can be retried at all.
    package static let minimum = 10
    static let window: UInt64 = 10

    // One ring each. Sixteen, not ten, so that the position is a mask.
    private let requests = Ring()
    private let retries = Ring()
    private let refused = Atomic<UInt64>(0)

    init() {}

    /// Retries that were not made because the budget was spent.
    package var refusedCount: UInt64 { refused.load(ordering: .relaxed) }

    func countRequest(now: UInt64) { requests.add(second: now / 1_000_000_000) }

    /// Takes one retry from the budget; `false` when it is spent.
    ///
    /// The retry is counted before it is judged and taken back if refused: loops that ask at once can refuse one
    /// another, but never exceed the budget.
    func take(share: Double, now: UInt64) -> Bool {
        let second = now / 1_000_000_000
        retries.add(second: second)
        let allowed = max(Double(Self.minimum), share * Double(requests.sum(second: second)))
        if Double(retries.sum(second: second)) <= allowed { return true }
        retries.takeBack(second: second)
        refused.wrappingAdd(1, ordering: .relaxed)
        return false
    }

    private final class Ring: Sendable {
        private let buckets: [Bucket]

        init() { buckets = (0..<16).map { _ in Bucket() } }

        func add(second: UInt64) { buckets[Int(second & 15)].add(stamp: second & 0xffff_ffff) }

        func takeBack(second: UInt64) { buckets[Int(second & 15)].takeBack(stamp: second & 0xffff_ffff) }

        func sum(second: UInt64) -> UInt64 {
            var total: UInt64 = 0
            for age in 0..<min(RetryBudget.window, second + 1) {
                total += buckets[Int((second - age) & 15)].count(stamp: (second - age) & 0xffff_ffff)
            }
            return total
        }
    }

    private final class Bucket: Sendable {
        private let word = Atomic<UInt64>(0)

        func add(stamp: UInt64) {
            var seen = word.load(ordering: .relaxed)
            while true {
                let next = seen >> 32 == stamp ? seen + 1 : stamp << 32 | 1
                // A loop whose clock reading is a moment old must not wipe the bucket of a newer second.
                if seen >> 32 > stamp { return }
                let result = word.weakCompareExchange(expected: seen, desired: next, ordering: .relaxed)
                if result.exchanged { return }
                seen = result.original
            }
        }

        func takeBack(stamp: UInt64) {
            var seen = word.load(ordering: .relaxed)
            while seen >> 32 == stamp, seen & 0xffff_ffff > 0 {
                let result = word.weakCompareExchange(expected: seen, desired: seen - 1, ordering: .relaxed)
                if result.exchanged { return }
                seen = result.original
            }
        }

        func count(stamp: UInt64) -> UInt64 {
            let seen = word.load(ordering: .relaxed)
            return seen >> 32 == stamp ? seen & 0xffff_ffff : 0
        }
    }
}
