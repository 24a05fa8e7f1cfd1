/// Counts of the latest steps of time; older ones are forgotten. Steps begin at multiples of their length since 1970, so
/// that a ring that was written down goes on where it was.
struct CountRing: Sendable, Hashable {
    /// Seconds.
    let step: Int64
    private(set) var slots: [ServiceCounts]
    /// The number of the latest step, in steps since 1970.
    private(set) var newest: Int64 = 0

    init(step: Int64, count: Int) {
        self.step = step
        slots = Array(repeating: ServiceCounts(), count: count)
    }

    /// - Parameter slots: the oldest first, and the last of them is that of `newest`.
    init(step: Int64, count: Int, newest: Int64, slots kept: [ServiceCounts]) {
        self.init(step: step, count: count)
        self.newest = newest
        for (back, counts) in kept.suffix(count).reversed().enumerated() where newest >= Int64(back) {
            slots[position(newest - Int64(back))] = counts
        }
    }

    /// The steps, the oldest first.
    var ordered: [ServiceCounts] {
        (0..<slots.count).reversed().map { slots[position(newest - Int64($0))] }
    }

    /// - Parameter now: seconds since 1970. A clock that was set back counts for the latest step, until it has come to it
    ///   again.
    mutating func add(_ counts: ServiceCounts, at now: Int64) {
        move(to: now)
        slots[position(newest)] += counts
    }

    /// What the last `seconds` had, a multiple of the step: the present step, and as many before it as make it up. It is
    /// less by what the present step still has to come.
    func sum(last seconds: Int64, at now: Int64) -> ServiceCounts {
        let present = max(now / step, newest)
        var result = ServiceCounts()
        for number in max(0, present - seconds / step + 1)...max(0, present)
        where number <= newest && newest - number < Int64(slots.count) {
            result += slots[position(number)]
        }
        return result
    }

    private mutating func move(to now: Int64) {
        let present = now / step
        guard present > newest else { return }
        if present - newest >= Int64(slots.count) {
            slots = Array(repeating: ServiceCounts(), count: slots.count)
        } else {
            for number in newest + 1...present { slots[position(number)] = ServiceCounts() }
        }
        newest = present
    }

    private func position(_ number: Int64) -> Int {
        let rest = Int(number % Int64(slots.count))
        return rest < 0 ? rest + slots.count : rest
    }
}
