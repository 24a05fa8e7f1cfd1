import Synchronization

/// What one loop counted for a route or a member since it last added it to what all loops counted.
package struct TrafficTally: Sendable {
    /// By the first digit of the status; 0: the connection ended before there was one.
    package private(set) var responses = InlineArray<6, UInt32>(repeating: 0)
    package private(set) var bytes: UInt64 = 0
    package private(set) var nanoseconds: UInt64 = 0
    /// By ``DurationSteps``; without those that had no response.
    package private(set) var steps = InlineArray<16, UInt32>(repeating: 0)

    package init() {}

    /// Takes in one request or connection that came to its end.
    ///
    /// - Parameters:
    ///   - status: 0 without a response.
    ///   - bytes: sent to the client.
    ///   - nanoseconds: for a route from the request's head to the response's end, for a member from when the request
    ///     was sent to the response's first byte.
    package mutating func count(status: Int, bytes: Int, nanoseconds: UInt64) {
        responses[min(max(status / 100, 0), 5)] &+= 1
        self.bytes &+= UInt64(bytes)
        self.nanoseconds &+= nanoseconds
        if status > 0 { steps[DurationSteps.step(of: nanoseconds)] &+= 1 }
    }
}

/// What all loops counted for a route or a member. It outlives reloads.
package final class TrafficCounters: Sendable {
    private let none = Atomic<UInt64>(0)
    private let informational = Atomic<UInt64>(0)
    private let successes = Atomic<UInt64>(0)
    private let redirections = Atomic<UInt64>(0)
    private let clientErrors = Atomic<UInt64>(0)
    private let serverErrors = Atomic<UInt64>(0)
    private let bytes = Atomic<UInt64>(0)
    private let nanoseconds = Atomic<UInt64>(0)
    private let steps = SharedCounters(count: DurationSteps.count)

    init() {}

    deinit { steps.deallocate() }

    package func add(_ tally: TrafficTally) {
        none.wrappingAdd(UInt64(tally.responses[0]), ordering: .relaxed)
        informational.wrappingAdd(UInt64(tally.responses[1]), ordering: .relaxed)
        successes.wrappingAdd(UInt64(tally.responses[2]), ordering: .relaxed)
        redirections.wrappingAdd(UInt64(tally.responses[3]), ordering: .relaxed)
        clientErrors.wrappingAdd(UInt64(tally.responses[4]), ordering: .relaxed)
        serverErrors.wrappingAdd(UInt64(tally.responses[5]), ordering: .relaxed)
        bytes.wrappingAdd(tally.bytes, ordering: .relaxed)
        nanoseconds.wrappingAdd(tally.nanoseconds, ordering: .relaxed)
        for step in 0..<DurationSteps.count where tally.steps[step] != 0 {
            steps.add(UInt64(tally.steps[step]), at: step)
        }
    }

    /// How many responses took how long, by ``DurationSteps``.
    package var durations: [UInt64] { (0..<DurationSteps.count).map { steps.value(at: $0) } }

    /// Adds ``durations`` to `counts`, which has as many.
    package func addDurations(to counts: inout [UInt64]) {
        for step in 0..<DurationSteps.count { counts[step] &+= steps.value(at: step) }
    }

    /// The figures so far.
    package var totals: TrafficTotals {
        TrafficTotals(
            unanswered: none.load(ordering: .relaxed), informational: informational.load(ordering: .relaxed),
            successes: successes.load(ordering: .relaxed), redirections: redirections.load(ordering: .relaxed),
            clientErrors: clientErrors.load(ordering: .relaxed), serverErrors: serverErrors.load(ordering: .relaxed),
            bytes: bytes.load(ordering: .relaxed), nanoseconds: nanoseconds.load(ordering: .relaxed))
    }
}

/// What ``TrafficCounters`` said at one moment.
package struct TrafficTotals: Sendable, Hashable {
    /// Connections that ended before there was a response.
    package var unanswered: UInt64
    package var informational: UInt64
    package var successes: UInt64
    package var redirections: UInt64
    package var clientErrors: UInt64
    package var serverErrors: UInt64
    package var bytes: UInt64
    package var nanoseconds: UInt64

    package var requests: UInt64 {
        unanswered + informational + successes + redirections + clientErrors + serverErrors
    }
}
