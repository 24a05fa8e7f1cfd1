package import Addresses
package import DNSWire
import FlatTables
import Steering
import TrafficModel

/// Turns queries into responses for one thread: bytes in, bytes out, no allocation, no lock, no text.
///
/// Addresses of a CNAME's target are never added to a wide IP's answer, although the target may be ours: the message has
/// one ECS scope (RFC 7871 section 7.2.1), and resolvers would store both names under it, so the wide IP's scope would
/// decide for whom the pool's addresses are kept. The resolver asks for the target by itself, and caches each with its
/// own TTL and scope.
package struct Responder: ~Copyable {
    package let counters: WorkerCounters
    /// Monotonic nanoseconds, for rate limits and the list of latest decisions; the caller sets it once per batch.
    package var time: UInt64 = 0
    /// Seconds of the wall clock since 1970, modulo 2³², for cookies; the caller sets it once per batch.
    package var wallTime: UInt32 = 0
    package internal(set) var sequence: UInt64
    var query = QueryMessage()
    private(set) var isTCP = false
    /// The name of the last question.
    package internal(set) var name = FoldedName()
    var decision = SteeringDecision()
    /// What became of the query; counted when the response is complete.
    package internal(set) var outcome = Outcome.dropped
    /// What question, answer and options may take together.
    private(set) var sizeLimit = 0
    /// Whose version ZONEVERSION is answered with; -1: none.
    var versionZone = -1
    private(set) var epoch: UInt64 = 0
    /// For the response, if the query has a client cookie.
    var serverCookie = ServerCookie(head: 0, hash: 0)
    var dailySecrets = DailySecrets()
    private var limiter = ResponseRateLimiter()
    private let workers: UInt64

    /// - Parameters:
    ///   - sequence: where round robin and ratio start; different for each thread, so that they do not all send their
    ///     first clients to the same place.
    ///   - workers: how many threads share the queries of a network, and so its rate of responses.
    package init(counters: WorkerCounters, sequence: UInt64 = 0, workers: Int = 1) {
        self.counters = counters
        self.sequence = sequence
        self.workers = UInt64(max(workers, 1))
    }

    /// The smallest buffer that ``respond(to:from:port:overTCP:snapshot:into:)`` may be given for UDP: the largest
    /// `udpSize`. For TCP it is 65,535.
    package static let udpBufferSize = 4096

    /// Answers one message.
    ///
    /// - Parameters:
    ///   - source: who asked; the client, where no believed Client Subnet option says otherwise.
    ///   - port: where from; over UDP answers to port 0 go nowhere, or to a reflector.
    ///   - output: at least 512 bytes; no more than fit are written.
    /// - Returns: the response's length; 0: there must be none.
    package mutating func respond(
        to message: RawSpan, from source: IPAddress, port: UInt16, overTCP: Bool, snapshot: AuthoritySnapshot,
        into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        let data = snapshot.data
        isTCP = overTCP
        counters.count(overTCP ? .tcpQueries : .udpQueries)
        counters.count(.bytesReceived, message.byteCount)
        guard port != 0 || overTCP, let base = output.baseAddress, output.count >= 512 else {
            // Of the query before nothing may be taken for this one.
            query.forget()
            return drop()
        }
        // RFC 7828 section 3.2.1: over UDP the option is ignored.
        let accepted = overTCP ? data.policy.options : data.policy.options.subtracting(.keepalive)
        let verdict = query.read(message, accepting: accepted, name: &name)
        // Without EDNS a UDP response has 512 bytes at most (RFC 1035 section 4.2.1).
        var limit = 512
        if overTCP {
            limit = min(output.count, 65_535)
        } else if query.hasEDNS {
            limit = min(max(Int(query.udpSize), 512), data.udpSize, output.count)
        }
        // `limit` is at most the buffer's size.
        var writer = unsafe ResponseWriter(base: base, limit: limit)
        versionZone = -1
        var cookie = CookieVerdict.absent
        if query.hasEDNS {
            counters.count(.edns)
            if !query.options.isEmpty {
                if query.hasClientSubnet { counters.count(.clientSubnet) }
                if query.options.contains(.cookie) {
                    cookie = checkCookie(message, source: source, policy: data.policy)
                }
            }
        }
        sizeLimit = overTCP || cookie == .good ? limit : min(limit, data.policy.sizeWithoutCookie)
        switch verdict {
        case .question:
            counters.count(WorkerCounters.Question(query.type), overTCP: overTCP)
            if data.policy.requiresCookies, !overTCP, cookie != .good {
                demandCookie(cookie, message, data, &writer)
            } else {
                answer(message, source: source, snapshot: snapshot, data: data, &writer)
            }
        case .cookieQuestion:
            writeError(cookie == .bad ? 23 : 0, .cookie, message, data, &writer)
        case .tooShort, .response:
            return drop()
        case .malformed:
            writeError(1, .formatError, message, data, &writer)
        case .unsupportedOpcode:
            outcome = .notImplemented
            // Of what an unknown operation means by the other fields, nothing is known: header only, no flag copied.
            writer.append16(query.id)
            writer.append16(0x8000 | query.flags & 0x7800 | 4)
            writer.append64(0)
        case .unsupportedVersion:
            writeError(16, .badVersion, message, data, &writer)
        }
        if outcome == .dropped { return drop() }
        if data.policy.rateLimit.isOn, !overTCP, cookie != .good,
            !mayLeave(to: source, message, data, &writer)
        {
            counters.count(.rateLimited)
            return drop()
        }
        counters.count(outcome, code: writer.code)
        counters.count(.bytesSent, writer.count)
        return writer.count
    }

    private mutating func drop() -> Int {
        outcome = .dropped
        counters.count(.dropped, code: 0)
        return 0
    }

    /// A client without a cookie must come over TCP; one with a cookie is given one that is good (RFC 7873
    /// section 5.2).
    private mutating func demandCookie(
        _ cookie: CookieVerdict, _ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        guard cookie == .absent else {
            writeError(23, .cookie, message, data, &writer)
            return
        }
        outcome = .cookie
        writeEmpty(flags: Self.truncated, scope: 0, message, data, &writer)
    }

    /// Applies the rate limit to a response that is complete; `false`: it is not sent.
    private mutating func mayLeave(
        to source: IPAddress, _ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter
    ) -> Bool {
        let kind: ResponseRateLimit.Kind =
            switch outcome {
            case .answered: .answers
            case .noData: .noData
            case .nameError: .nameErrors
            case .referral: .referrals
            default: .errors
            }
        let displaced = limiter.displaced
        let verdict = limiter.verdict(
            kind, to: source, policy: data.policy.rateLimit, share: workers, seed: data.seed, now: time)
        if limiter.displaced != displaced { counters.count(.rateForgotten) }
        switch verdict {
        case .send:
            return true
        case .drop:
            return false
        case .truncate:
            counters.count(.rateSlipped)
            // What has no question is a header, and tells a client nothing about TCP.
            guard query.hasQuestion else { return true }
            writer.clear()
            writeEmpty(flags: Self.truncated, scope: 0, message, data, &writer)
            return true
        }
    }

    @inline(__always)
    private mutating func answer(
        _ message: RawSpan, source: IPAddress, snapshot: AuthoritySnapshot, data: AuthorityData,
        _ writer: inout ResponseWriter
    ) {
        epoch = snapshot.epoch
        guard query.recordClass == QueryMessage.internet else {
            answerOtherClass(message, data, &writer)
            return
        }
        // Zones are not handed out.
        if query.type == .axfr || query.type == .ixfr {
            writeError(5, .refused, because: .notSupported, message, data, &writer)
            return
        }
        switch data.match(name) {
        case .outside:
            writeError(5, .refused, because: .notAuthoritative, message, data, &writer)
        case .nameError(let zone):
            answers(fromZone: zone, data)
            write(Int(data.zones[zone].nameError), scope: 0, message, data, &writer)
        case .empty(let zone):
            answers(fromZone: zone, data)
            write(Int(data.zones[zone].noData), scope: 0, message, data, &writer)
        case .belowDelegation(let position):
            answers(fromZone: Int(data.nodes[position].zone), data)
            write(Int(data.nodes[position].otherAnswer), scope: 0, message, data, &writer)
        case .belowRedirection(let position):
            answers(fromZone: Int(data.nodes[position].zone), data)
            redirect(from: position, message, data, &writer)
        case .node(let position):
            let node = data.nodes[position]
            // DS at an apex is the parent's to answer.
            if !node.isApex || query.type != .ds { answers(fromZone: Int(node.zone), data) }
            // Addresses of the zone at a steered name are what its stages fall back on.
            let isFallback = node.isSteered && (query.type == .a || query.type == .aaaa)
            if !isFallback, let prepared = data.nodes.answer(for: query.type, at: position, node) {
                write(prepared, scope: 0, message, data, &writer)
                return
            }
            if node.isSteered, !node.isApex || query.type == .a || query.type == .aaaa || query.type == .https {
                steer(position, node, message, source: source, snapshot: snapshot, data: data, &writer)
            } else if query.type == .any {
                write(Int(node.anyAnswer), scope: 0, message, data, &writer)
            } else {
                write(Int(node.otherAnswer), scope: 0, message, data, &writer)
            }
        }
    }
}
