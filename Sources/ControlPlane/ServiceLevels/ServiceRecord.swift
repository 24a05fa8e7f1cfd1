/// What one wide IP or pool did, for windows from minutes to the period of its objective: three rings of steps that grow
/// longer, 252 in all for 30 days.
struct ServiceRecord: Sendable, Hashable {
    private(set) var minutes = CountRing(step: 60, count: 60)
    private(set) var fives = CountRing(step: 300, count: 72)
    private(set) var quarters: CountRing
    /// Since the process began.
    private(set) var total = ServiceCounts()

    /// - Parameter days: of the objective.
    init(days: Int) { quarters = CountRing(step: 21_600, count: max(days, 1) * 4) }

    mutating func add(_ counts: ServiceCounts, at now: Int64) {
        minutes.add(counts, at: now)
        fives.add(counts, at: now)
        quarters.add(counts, at: now)
        total += counts
    }

    func sum(_ window: ServiceWindow, days: Int, at now: Int64) -> ServiceCounts {
        switch window {
        case .fiveMinutes: minutes.sum(last: 300, at: now)
        case .hour: minutes.sum(last: 3600, at: now)
        case .sixHours: fives.sum(last: 21_600, at: now)
        case .period: quarters.sum(last: Int64(days) * 86_400, at: now)
        }
    }

    /// The same with an objective of another number of days: what fits is kept.
    func resized(days: Int) -> ServiceRecord {
        guard quarters.slots.count != max(days, 1) * 4 else { return self }
        var record = self
        record.quarters = CountRing(
            step: quarters.step, count: max(days, 1) * 4, newest: quarters.newest, slots: quarters.ordered)
        return record
    }
}

/// A time that availability is reckoned over.
package enum ServiceWindow: String, Sendable, CaseIterable {
    case fiveMinutes = "5m"
    case hour = "1h"
    case sixHours = "6h"
    /// That of the objective.
    case period
}

extension ServiceRecord {
    private static let version: UInt8 = 1

    /// For the disk: the rings' steps, numbers in as few bytes as they need.
    var bytes: [UInt8] {
        var bytes = [Self.version]
        for ring in [minutes, fives, quarters] {
            Self.append(UInt64(max(0, ring.newest)), to: &bytes)
            Self.append(UInt64(ring.slots.count), to: &bytes)
            for counts in ring.ordered {
                for number in [counts.good, counts.bad, counts.up, counts.down] { Self.append(number, to: &bytes) }
            }
        }
        return bytes
    }

    /// `nil` for what this version did not write.
    init?(bytes: [UInt8], days: Int) {
        self.init(days: days)
        guard bytes.first == Self.version else { return nil }
        var rest = bytes.dropFirst()
        var rings: [CountRing] = []
        for ring in [minutes, fives, quarters] {
            guard let newest = Self.number(&rest), let count = Self.number(&rest), newest < 1 << 40, count <= 400 else {
                return nil
            }
            var slots: [ServiceCounts] = []
            for _ in 0..<count {
                guard let good = Self.number(&rest), let bad = Self.number(&rest), let up = Self.number(&rest),
                    let down = Self.number(&rest)
                else { return nil }
                slots.append(ServiceCounts(good: good, bad: bad, up: up, down: down))
            }
            rings.append(CountRing(step: ring.step, count: ring.slots.count, newest: Int64(newest), slots: slots))
        }
        guard rest.isEmpty else { return nil }
        (minutes, fives, quarters) = (rings[0], rings[1], rings[2])
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = bytes.popFirst(), shift < 64 {
            number |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
        return nil
    }
}
