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

    private static let questionBase = Outcome.allCases.count
    private static let eventBase = questionBase + Question.allCases.count
    private let values = CounterArray(count: eventBase + Event.allCases.count)
    private let pools = CounterArray(count: PoolSlots.capacity)
    let decisions = DecisionRing()

    package init() {}

    deinit {
        values.deallocate()
        pools.deallocate()
        decisions.deallocate()
    }

    @inline(__always)
    package func count(_ event: Event, _ amount: Int = 1) {
        values.add(UInt64(truncatingIfNeeded: amount), at: Self.eventBase &+ event.rawValue)
    }

    @inline(__always)
    func count(_ outcome: Outcome) { values.add(at: Int(outcome.rawValue)) }

    @inline(__always)
    func count(_ question: Question) { values.add(at: Self.questionBase &+ question.rawValue) }

    @inline(__always)
    func count(poolSlot: Int) { pools.add(at: poolSlot) }

    package func value(_ event: Event) -> UInt64 { values.value(at: Self.eventBase + event.rawValue) }
    package func value(_ outcome: Outcome) -> UInt64 { values.value(at: Int(outcome.rawValue)) }
    package func value(_ question: Question) -> UInt64 { values.value(at: Self.questionBase + question.rawValue) }
    /// Decisions that chose the pool with this place in ``PoolSlots``.
    package func value(poolSlot: Int) -> UInt64 { pools.value(at: poolSlot) }

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
