/// What a virtual server that was down must show before clients are sent to it again, beyond what its monitors' `rise`
/// asks for.
package struct Failback: Sendable, Hashable {
    /// Falls that are too many, and how soon they are forgotten.
    package struct Damping: Sendable, Hashable {
        /// Each fall counts one; with so many it stays out until half of that is left.
        package var falls: Int
        /// After this time a fall counts half.
        package var halfLife: Duration

        package init(falls: Int, halfLife: Duration) {
            self.falls = falls
            self.halfLife = halfLife
        }
    }

    /// How long it must have been up without a break.
    package var hold = Duration.zero
    /// Whether an operator must resume it.
    package var manual = false
    package var damping: Damping?

    package init() {}

    /// Whether it asks for anything at all.
    package var isAny: Bool { hold > .zero || manual || damping != nil }
}

/// Why a virtual server that its monitors have up is kept out.
package enum ServerCondition: Sendable, Hashable {
    /// It came up not long ago: until this monotonic time, if it stays up.
    case held(until: UInt64)
    /// It fell too often: until this monotonic time, if it does not fall again.
    case damped(until: UInt64)
    /// Until an operator resumes it.
    case locked
}

/// How many virtual servers a pool needs to be available.
package enum MinimumUp: Sendable, Hashable {
    case count(Int)
    /// A part of all, rounded up.
    case share(Double)

    package func count(of all: Int) -> Int {
        switch self {
        case .count(let count): count
        // Less a hair, so that 50 % of 4 is 2 whatever the last bit of the product is.
        case .share(let share): Int((share * Double(all) - 1e-9).rounded(.up))
        }
    }
}
