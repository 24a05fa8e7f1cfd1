/// What no command, window, shift or cutover may bring about.
package struct Safety: Sendable, Hashable {
    package struct Rule: Sendable, Hashable {
        package enum Bound: Sendable, Hashable {
            /// At least so many of the regions are neither taken out by operators nor down.
            case enabled(atLeast: Int)
            /// At most so many of the regions are taken out by operators.
            case drained(atMost: Int)
        }

        package var name: String
        package var bound: Bound
        /// Positions in `Intent.regions`.
        package var regions: [Int]

        package init(name: String, bound: Bound, regions: [Int]) {
            self.name = name
            self.bound = bound
            self.regions = regions
        }
    }

    package var rules: [Rule] = []
    /// The steepest shift: so much of the clients...
    package var shiftShare = 0.1
    /// ... in such a time.
    package var shiftTime: Duration = .seconds(60)

    package init() {}

    /// By how much a shift may grow in a second.
    package var slopeLimit: Double { shiftShare / (shiftTime / .seconds(1)) }
}
