import DNSWire

/// What one answering thread counted. It alone writes; anyone may read at any time.
package final class WorkerCounters: Sendable {
    package enum Event: Int, CaseIterable, Sendable {
        case udpQueries, tcpQueries
        /// With an OPT record, and with a Client Subnet option that was believed.
        case edns, clientSubnet
        /// With a client cookie alone, with a good server cookie, and with one that is not.
        case newCookies, goodCookies, badCookies
        /// Questions for the name server identifier, the zone's version, and the idle timeout of TCP.
        case identifiers, zoneVersions, keepalives
        /// Answered with TC.
        case truncated
        /// Those that would have fitted with a good cookie.
        case truncatedWithoutCookie
        /// Responses over the rate limit: not sent, sent truncated, and networks that were forgotten while limited.
        case rateLimited, rateSlipped, rateForgotten
        /// Decisions about a wide IP, and about a pool's host name.
        case wideIPDecisions, poolHostDecisions
        case bytesReceived, bytesSent
        /// Messages that a socket did not take.
        case sendFailures
    }

    /// What was asked for.
    package enum Question: Int, CaseIterable, Sendable {
        case a, aaaa, cname, ns, soa, mx, txt, srv, ptr, caa, https, any, other
    }

    /// Upper ends of the steps that ``seconds`` are counted in, in nanoseconds.
    package static let durationBounds: [UInt64] = [
        10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
        100_000_000,
    ]

    /// Of an outcome for each RCODE.
    private static let codes = 16
    private static let questionBase = Outcome.allCases.count * codes
    private static let eventBase = questionBase + 2 * Question.allCases.count
    private static let durationBase = eventBase + Event.allCases.count
    private static let durationSum = durationBase + durationBounds.count + 1
    private let values = CounterArray(count: durationSum + 1)
    /// Decisions about wide IPs that chose a pool and have no place in `pairs`, and those about pools' host names.
    private let pools = CounterArray(count: PoolSlots.capacity)
    private let poolHosts = CounterArray(count: PoolSlots.capacity)
    /// Decisions by wide IP and chosen pool.
    private let pairs = CounterArray(count: PairSlots.capacity)
    let decisions = DecisionRing()

    package init() {}

    /// All that others have counted, but for their latest decisions. Of threads that have ended: nobody else may write
    /// then.
    package init(sumOf others: [WorkerCounters]) {
        for other in others {
            values.add(other.values)
            pools.add(other.pools)
            poolHosts.add(other.poolHosts)
            pairs.add(other.pairs)
        }
    }

    deinit {
        values.deallocate()
        pools.deallocate()
        poolHosts.deallocate()
        pairs.deallocate()
        decisions.deallocate()
    }

    @inline(__always)
    package func count(_ event: Event, _ amount: Int = 1) {
        values.add(UInt64(truncatingIfNeeded: amount), at: Self.eventBase &+ event.rawValue)
    }

    /// - Parameter code: the low four bits of the response's RCODE.
    @inline(__always)
    func count(_ outcome: Outcome, code: Int) { values.add(at: Int(outcome.rawValue) &* Self.codes &+ code & 15) }

    @inline(__always)
    func count(_ question: Question, overTCP: Bool) {
        values.add(at: Self.questionBase &+ question.rawValue &* 2 &+ (overTCP ? 1 : 0))
    }

    @inline(__always)
    func count(poolSlot: Int) { pools.add(at: poolSlot) }

    @inline(__always)
    func count(poolHostSlot: Int) { poolHosts.add(at: poolHostSlot) }

    @inline(__always)
    func count(pairSlot: Int) { pairs.add(at: pairSlot) }

    /// Counts queries that were answered together.
    ///
    /// - Parameter nanoseconds: from when they were read to when the last of their answers was made; counts for each.
    package func count(queries: Int, nanoseconds: UInt64) {
        var step = 0
        while step < Self.durationBounds.count, Self.durationBounds[step] < nanoseconds { step &+= 1 }
        values.add(UInt64(truncatingIfNeeded: queries), at: Self.durationBase &+ step)
        values.add(UInt64(truncatingIfNeeded: queries) &* nanoseconds, at: Self.durationSum)
    }

    package func value(_ event: Event) -> UInt64 { values.value(at: Self.eventBase + event.rawValue) }
    package func value(_ outcome: Outcome) -> UInt64 {
        (0..<Self.codes).reduce(0) { $0 + value(outcome, code: $1) }
    }
    package func value(_ outcome: Outcome, code: Int) -> UInt64 {
        values.value(at: Int(outcome.rawValue) * Self.codes + code)
    }
    package func value(_ question: Question) -> UInt64 {
        value(question, overTCP: false) + value(question, overTCP: true)
    }
    package func value(_ question: Question, overTCP: Bool) -> UInt64 {
        values.value(at: Self.questionBase + question.rawValue * 2 + (overTCP ? 1 : 0))
    }
    /// Decisions that chose the pool with this place in ``PoolSlots``, of wide IPs that have no place in ``PairSlots``
    /// with it.
    package func value(poolSlot: Int) -> UInt64 { pools.value(at: poolSlot) }
    /// Decisions about the host name of the pool with this place in ``PoolSlots``.
    package func value(poolHostSlot: Int) -> UInt64 { poolHosts.value(at: poolHostSlot) }
    /// Decisions with this place in ``PairSlots``.
    package func value(pairSlot: Int) -> UInt64 { pairs.value(at: pairSlot) }
    /// Queries that took so long, for each of ``durationBounds`` and one for what is above; and the sum of all times.
    package var durations: (counts: [UInt64], nanoseconds: UInt64) {
        let counts = (0...Self.durationBounds.count).map { values.value(at: Self.durationBase + $0) }
        return (counts, values.value(at: Self.durationSum))
    }

    /// The latest decisions of this thread, newest first, whose names are those of `data`'s generation.
    package func latestDecisions(_ limit: Int, in data: AuthorityData) -> [Decision] {
        decisions.latest(limit, in: data)
    }
}

extension WorkerCounters.Question {
    @inline(__always)
    init(_ type: RecordType) {
        self =
            switch type.rawValue {
            case 1: .a
            case 28: .aaaa
            case 5: .cname
            case 2: .ns
            case 6: .soa
            case 15: .mx
            case 16: .txt
            case 33: .srv
            case 12: .ptr
            case 257: .caa
            case 65: .https
            case 255: .any
            default: .other
            }
    }
}
