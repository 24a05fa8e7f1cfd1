/// The orders in which wide IPs try their pools, one behind the other; equal ones are stored once.
struct PoolOrders {
    private struct Key: Hashable {
        let pools: [Int]
        let preferred: [[Int]]
    }

    /// Where each order begins in `pools`, and then where the last ends.
    private(set) var starts: [UInt32] = [0]
    private(set) var pools: [UInt32] = []
    private var known: [Key: UInt32] = [:]

    /// Where in `starts` a wide IP's orders begin: as configured, then one for each of its records, whose pools go first.
    mutating func position(of all: [Int], preferred: [[Int]]) -> UInt32 {
        let key = Key(pools: all, preferred: preferred)
        if let position = known[key] { return position }
        let position = UInt32(starts.count - 1)
        known[key] = position
        for first in [[]] + preferred {
            pools += (first + all.filter { !first.contains($0) }).map { UInt32($0) }
            starts.append(UInt32(pools.count))
        }
        return position
    }
}
