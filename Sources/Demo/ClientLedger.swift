import Addresses
import Synchronization

/// What happened to one client's requests; written by the client, read by the view and the tour.
final class ClientLedger: Sendable {
    struct Failure: Sendable {
        var time: ContinuousClock.Instant
        var reason: String
    }

    struct Snapshot: Sendable {
        var succeeded: UInt64 = 0
        var failed: UInt64 = 0
        /// Successes since the last failure.
        var streak: UInt64 = 0
        var byRegion: [String: UInt64] = [:]
        /// Where the last request that succeeded was answered.
        var region: String?
        var member: String?
        /// The VIP of the last request, whether it succeeded or not.
        var address: IPAddress?
        /// The last ones, oldest first.
        var failures: [Failure] = []
    }

    /// Failures kept with their time; more only count.
    static let failureLimit = 2000

    private let state = Mutex(Snapshot())

    var snapshot: Snapshot { state.withLock { $0 } }

    func succeed(region: String, member: String, address: IPAddress) {
        state.withLock { state in
            state.succeeded += 1
            state.streak += 1
            state.byRegion[region, default: 0] += 1
            state.region = region
            state.member = member
            state.address = address
        }
    }

    func fail(_ reason: String, address: IPAddress?, at time: ContinuousClock.Instant) {
        state.withLock { state in
            state.failed += 1
            state.streak = 0
            if let address { state.address = address }
            if state.failures.count == Self.failureLimit { state.failures.removeFirst() }
            state.failures.append(Failure(time: time, reason: reason))
        }
    }
}
