import Addresses
import Synchronization

/// How many connections each client address has open, over all loops. Touched once when a connection begins and once
/// when it ends, and only while there is a limit.
final class SourceTable: Sendable {
    /// Locks that connections spread over.
    private static let stripes = 16
    private let tables: [Stripe]

    private final class Stripe: Sendable {
        let counts = Mutex<[IPAddress: Int]>([:])
    }

    init() { tables = (0..<Self.stripes).map { _ in Stripe() } }

    /// An IPv6 client has a whole /64 of addresses, so that is what is counted.
    static func key(_ address: IPAddress) -> IPAddress {
        if case .v6(let value) = address { return .v6((value >> 64) << 64) }
        return address
    }

    /// Counts one more connection; `false`, and nothing counted, when there are `limit` already.
    func enter(_ address: IPAddress, limit: Int) -> Bool {
        let key = Self.key(address)
        return stripe(key).counts.withLock { counts in
            guard counts[key, default: 0] < limit else { return false }
            counts[key, default: 0] += 1
            return true
        }
    }

    func leave(_ address: IPAddress) {
        let key = Self.key(address)
        stripe(key).counts.withLock { counts in
            guard let count = counts[key] else { return }
            counts[key] = count > 1 ? count - 1 : nil
        }
    }

    /// Addresses with a connection.
    var count: Int { tables.reduce(0) { $0 + $1.counts.withLock { $0.count } } }

    private func stripe(_ key: IPAddress) -> Stripe {
        let folded =
            switch key {
            case .v4(let value): UInt64(value)
            case .v6(let value): UInt64(truncatingIfNeeded: value >> 64)
            }
        return tables[Int(truncatingIfNeeded: (folded &* 0x9e37_79b9_7f4a_7c15) >> 60) % Self.stripes]
    }
}
