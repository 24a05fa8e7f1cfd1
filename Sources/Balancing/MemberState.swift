package import Addresses
import Synchronization

/// Why a connection to a member is evidence against it.
package enum PassiveFailure: UInt8, Sendable, Hashable, CaseIterable {
    case refused = 1
    case reset
    case unreachable
    case connectTimeout
    case handshake
    case certificateEnded
    case certificateEarly
    case certificateName
    case certificateUntrusted

    /// As logs and operators read it.
    package var text: StaticString {
        switch self {
        case .refused: "connection refused"
        case .reset: "connection reset"
        case .unreachable: "no route to the member"
        case .connectTimeout: "connect timed out"
        case .handshake: "TLS handshake failed"
        case .certificateEnded: "its certificate has ended"
        case .certificateEarly: "its certificate is not valid yet"
        case .certificateName: "its certificate is for another name"
        case .certificateUntrusted: "no authority that is trusted vouches for its certificate"
        }
    }

    /// The member's certificate was refused.
    package var isOfCertificate: Bool {
        switch self {
        case .certificateEnded, .certificateEarly, .certificateName, .certificateUntrusted: true
        case .refused, .reset, .unreachable, .connectTimeout, .handshake: false
        }
    }
}

/// What is known about one member of one upstream at run time.
///
/// Its identity outlives reloads: every snapshot that has the same upstream name, endpoint and TLS settings refers to
/// the same state, so counts, ejections and pooled connections carry over. All loops share it; every field is a
/// relaxed atomic, because each is a figure of its own and orders nothing else.
package final class MemberState: Sendable {
    package let upstreamName: String
    package let endpoint: Endpoint
    /// Unique in the life of the process. Keep connections by it.
    package let serial: UInt64

    /// Requests (HTTP) or connections (TCP) in progress.
    let open = Atomic<Int>(0)
    /// Monotonic nanoseconds until which passive evidence keeps it out; 0 when it never did or was lifted.
    let ejectedUntil = Atomic<UInt64>(0)
    /// Ejections since the last success: each doubles the next.
    let ejectionsInRow = Atomic<UInt32>(0)
    /// When it last came up, for slow start; 0: it was there from the start.
    let cameUpAt = Atomic<UInt64>(0)
    /// Whether the latest snapshot has it down.
    private let isDown = Atomic<Bool>(false)

    /// Its responses.
    package let traffic = TrafficCounters()

    private let started = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)
    private let ejected = Atomic<UInt64>(0)
    private let lastFailure = Atomic<UInt8>(0)
    private let lastFailureAt = Atomic<UInt64>(0)
    /// Failures that are no news, as bits, and since when they are collected.
    private let told = Atomic<UInt32>(0)
    private let toldSince = Atomic<UInt64>(0)

    init(upstreamName: String, endpoint: Endpoint, serial: UInt64) {
        self.upstreamName = upstreamName
        self.endpoint = endpoint
        self.serial = serial
    }

    /// Requests or connections in progress.
    package var openCount: Int { open.load(ordering: .relaxed) }
    /// Requests or connections of clients that were ever sent its way.
    package var startedCount: UInt64 { started.load(ordering: .relaxed) }
    /// Failures that were reported of those.
    package var failureCount: UInt64 { failed.load(ordering: .relaxed) }
    /// Times it was ejected.
    package var ejectionCount: UInt64 { ejected.load(ordering: .relaxed) }
    /// The last reported failure and its monotonic time in nanoseconds.
    package var latestFailure: (reason: PassiveFailure, at: UInt64)? {
        PassiveFailure(rawValue: lastFailure.load(ordering: .relaxed)).map {
            ($0, lastFailureAt.load(ordering: .relaxed))
        }
    }

    /// Nanoseconds that its ejection still lasts; 0 when it is not ejected.
    package func ejectionRemaining(now: UInt64) -> UInt64 {
        let until = ejectedUntil.load(ordering: .relaxed)
        return until > now ? until - now : 0
    }

    /// Counts one more in progress; `false`, and nothing counted, when that would exceed `limit`.
    ///
    /// - Parameter isProbe: whether it is of this node's own monitors: those take a place, and are no clients.
    func enter(limit: Int, isProbe: Bool) -> Bool {
        let before = open.wrappingAdd(1, ordering: .relaxed).oldValue
        guard before < limit else {
            open.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        if !isProbe { started.wrappingAdd(1, ordering: .relaxed) }
        return true
    }

    func leave() { open.wrappingSubtract(1, ordering: .relaxed) }

    /// Takes note of what a new snapshot says. A member that comes up starts slowly, and so does one that joined a
    /// running upstream; those that were there first do not, or nobody would take the load of the first minute.
    func note(isDown: Bool, joined: Bool, now: UInt64) {
        let wasDown = self.isDown.exchange(isDown, ordering: .relaxed)
        if !isDown, wasDown || joined { cameUpAt.store(max(now, 1), ordering: .relaxed) }
    }

    func record(_ reason: PassiveFailure, now: UInt64, isProbe: Bool) {
        if !isProbe { failed.wrappingAdd(1, ordering: .relaxed) }
        lastFailureAt.store(now, ordering: .relaxed)
        lastFailure.store(reason.rawValue, ordering: .relaxed)
    }

    /// Whether a failure is to be told: each reason once an hour, however often it is met, and by whichever loop.
    ///
    /// - Parameter now: monotonic nanoseconds.
    package func isNews(_ reason: PassiveFailure, now: UInt64) -> Bool {
        let since = toldSince.load(ordering: .relaxed)
        if since == 0 || now >= since + Self.newsInterval,
            toldSince.compareExchange(expected: since, desired: max(now, 1), ordering: .relaxed).exchanged
        {
            told.store(0, ordering: .relaxed)
        }
        let bit: UInt32 = 1 << UInt32(reason.rawValue)
        return told.bitwiseOr(bit, ordering: .relaxed).oldValue & bit == 0
    }

    private static let newsInterval: UInt64 = 3_600_000_000_000

    /// Keeps it out for `base` nanoseconds, doubled for each ejection since the last success, at most ten times
    /// `base`. One event that many connections report counts once: `false` when it is out already.
    func eject(base: UInt64, now: UInt64) -> Bool {
        let until = ejectedUntil.load(ordering: .relaxed)
        guard until <= now else { return false }
        let row = ejectionsInRow.load(ordering: .relaxed)
        // Doubling four times already passes the cap of ten.
        let duration = min(base &<< UInt64(min(row, 4)), base * Self.longestEjection)
        guard
            ejectedUntil.compareExchange(expected: until, desired: now + duration, ordering: .relaxed).exchanged
        else { return false }
        ejectionsInRow.store(min(row + 1, 4), ordering: .relaxed)
        ejected.wrappingAdd(1, ordering: .relaxed)
        return true
    }

    /// A success ends the doubling; one that was tried in spite of an ejection ends that too.
    func recordSuccess(whileEjected: Bool) {
        // The usual case reads and writes nothing.
        guard whileEjected || ejectionsInRow.load(ordering: .relaxed) != 0 else { return }
        ejectionsInRow.store(0, ordering: .relaxed)
        if whileEjected { ejectedUntil.store(0, ordering: .relaxed) }
    }

    /// Ejections grow to this many times the configured one.
    static let longestEjection: UInt64 = 10
}
