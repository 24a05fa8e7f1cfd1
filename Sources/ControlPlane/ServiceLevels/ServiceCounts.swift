/// What a wide IP or pool did in some time.
package struct ServiceCounts: Sendable, Hashable {
    /// Responses without an error of the server: any status below 500.
    package var good: UInt64 = 0
    /// Responses with a status of 500 or more, of members or made here.
    package var bad: UInt64 = 0
    /// Milliseconds with and without something to answer with.
    package var up: UInt64 = 0
    package var down: UInt64 = 0

    package init() {}

    package init(good: UInt64 = 0, bad: UInt64 = 0, up: UInt64 = 0, down: UInt64 = 0) {
        self.good = good
        self.bad = bad
        self.up = up
        self.down = down
    }

    package static func += (left: inout ServiceCounts, right: ServiceCounts) {
        left.good &+= right.good
        left.bad &+= right.bad
        left.up &+= right.up
        left.down &+= right.down
    }

    /// The part of the requests that was good; `nil` without any.
    package var requestAvailability: Double? { good + bad == 0 ? nil : Double(good) / Double(good + bad) }
    /// The part of the time in which there was something to answer with; `nil` when nobody looked.
    package var timeAvailability: Double? { up + down == 0 ? nil : Double(up) / Double(up + down) }
}
