import Authority
import DNSService
import DNSWire
package import Telemetry

/// What the DNS role counts.
package enum DNSMetrics {
    static let queries = MetricFamily(
        "meridian_dns_queries_total", .counter, ["type", "transport"],
        "Queries that came, by type (`other`: a rare one, `invalid`: no question) and transport.")
    static let responses = MetricFamily(
        "meridian_dns_responses_total", .counter, ["outcome", "rcode"],
        "Responses by what became of the query and by RCODE; outcome `dropped`: none was sent.")
    static let events = MetricFamily(
        "meridian_dns_events_total", .counter, ["event"],
        "What queries and responses had: EDNS, Client Subnet, cookies, truncation, rate limits, failed sends.")
    static let seconds = MetricFamily(
        "meridian_dns_response_seconds", .histogram, [],
        "Time from reading a batch of queries to the last of its answers; it counts for each query of the batch.")
    static let received = MetricFamily("meridian_dns_received_bytes_total", .counter, [], "Bytes of queries.")
    static let sent = MetricFamily("meridian_dns_sent_bytes_total", .counter, [], "Bytes of responses.")
    static let decisions = MetricFamily(
        "meridian_dns_decisions_total", .counter, ["wide_ip", "pool"],
        "Answers of wide IPs by the pool that was chosen; pool `none`: by no pool.")
    static let poolHosts = MetricFamily(
        "meridian_dns_pool_host_decisions_total", .counter, ["pool"], "Answers of pools' own host names.")
    static let connections = MetricFamily(
        "meridian_dns_tcp_connections", .gauge, [], "Connections of DNS over TCP that are open.")
    static let connectionEvents = MetricFamily(
        "meridian_dns_tcp_events_total", .counter, ["event"],
        "What became of connections of DNS over TCP: accepted, refused at a limit, closed and why.")

    static let stuckThreads = MetricFamily(
        "meridian_dns_stuck_threads", .gauge, [],
        "Threads of DNS over UDP that answer no more: at one batch for more than five seconds.")

    package static let all = [
        queries, responses, events, seconds, received, sent, decisions, poolHosts, connections, connectionEvents,
        stuckThreads,
    ]

    /// Names of events in the form of label values.
    static func label(_ event: WorkerCounters.Event) -> StaticString? {
        switch event {
        case .udpQueries, .tcpQueries, .wideIPDecisions, .poolHostDecisions, .bytesReceived, .bytesSent: nil
        case .edns: "edns"
        case .clientSubnet: "client_subnet"
        case .newCookies: "cookie_new"
        case .goodCookies: "cookie_good"
        case .badCookies: "cookie_bad"
        case .identifiers: "server_identifier"
        case .zoneVersions: "zone_version"
        case .keepalives: "tcp_keepalive"
        case .truncated: "truncated"
        case .truncatedWithoutCookie: "truncated_without_cookie"
        case .rateLimited: "rate_limited"
        case .rateSlipped: "rate_slipped"
        case .rateForgotten: "rate_table_full"
        case .sendFailures: "send_failed"
        }
    }

    /// Words of several parts as label values: `nameError` becomes `name_error`.
    package static func snake(_ word: String) -> String {
        word.reduce(into: "") { text, letter in
            if letter.isUppercase, !text.isEmpty { text.append("_") }
            text.append(contentsOf: letter.lowercased())
        }
    }
}

extension MetricsWriter {
    /// - Parameter limit: series of wide IPs and pools.
    mutating func write(_ dns: DNSCounters, _ pairs: PairSlots, _ pools: PoolSlots, limit: Int) {
        let counters = dns.all
        func sum(_ value: (WorkerCounters) -> UInt64) -> UInt64 { counters.reduce(0) { $0 &+ value($1) } }

        begin(DNSMetrics.queries)
        var invalid = [sum { $0.value(.udpQueries) }, sum { $0.value(.tcpQueries) }]
        for question in WorkerCounters.Question.allCases {
            for (index, transport) in ["udp", "tcp"].enumerated() {
                let count = sum { $0.value(question, overTCP: index == 1) }
                // The total was read before its parts: more may have come since.
                invalid[index] -= min(invalid[index], count)
                sample(MetricLabels("type", "\(question)").adding("transport", transport), count)
            }
        }
        for (index, transport) in ["udp", "tcp"].enumerated() {
            sample(MetricLabels("type", "invalid").adding("transport", transport), invalid[index])
        }

        begin(DNSMetrics.responses)
        for outcome in Outcome.allCases {
            let labels = MetricLabels("outcome", DNSMetrics.snake("\(outcome)"))
            if outcome == .dropped {
                sample(labels, "rcode", "none", sum { $0.value(outcome) })
                continue
            }
            // Several codes without a name of their own are one series.
            var byName: [(name: StaticString, count: UInt64)] = []
            for code in 0..<16 {
                let count = sum { $0.value(outcome, code: code) }
                guard count > 0 else { continue }
                let name = outcome.codeName(code)
                if let known = byName.firstIndex(where: { "\($0.name)" == "\(name)" }) {
                    byName[known].count += count
                } else {
                    byName.append((name, count))
                }
            }
            for (name, count) in byName { sample(labels, "rcode", name, count) }
        }

        begin(DNSMetrics.events)
        for event in WorkerCounters.Event.allCases {
            guard let name = DNSMetrics.label(event) else { continue }
            sample(MetricLabels(), "event", name, sum { $0.value(event) })
        }

        begin(DNSMetrics.seconds)
        var counts = [UInt64](repeating: 0, count: WorkerCounters.durationBounds.count + 1)
        var nanoseconds: UInt64 = 0
        for counter in counters {
            let durations = counter.durations
            for (step, count) in durations.counts.enumerated() { counts[step] &+= count }
            nanoseconds &+= durations.nanoseconds
        }
        histogram(MetricLabels(), bounds: WorkerCounters.durationBounds, counts: counts, nanoseconds: nanoseconds)
        write(DNSMetrics.received, sum { $0.value(.bytesReceived) })
        write(DNSMetrics.sent, sum { $0.value(.bytesSent) })
        writeDecisions(counters, pairs, pools, limit: limit)

        let tcp = dns.tcp
        write(DNSMetrics.connections, UInt64(max(0, tcp.openCount)))
        begin(DNSMetrics.connectionEvents)
        for event in TCPEvents.all {
            sample(MetricLabels("event", DNSMetrics.snake(event.rawValue)), tcp.value(event))
        }
    }

    private enum TCPEvents {
        static let all = TCPCounters.Event.allCases
    }

    private mutating func writeDecisions(
        _ counters: [WorkerCounters], _ pairs: PairSlots, _ pools: PoolSlots, limit: Int
    ) {
        begin(DNSMetrics.decisions)
        var chosen: UInt64 = 0
        var other: UInt64 = 0
        let names = pools.names
        for (slot, pair) in pairs.pairs.enumerated() {
            let count = counters.reduce(0) { $0 &+ $1.value(pairSlot: slot) }
            chosen &+= count
            guard slot < limit else {
                other &+= count
                continue
            }
            sample(MetricLabels("wide_ip", pair.wideIP.description).adding("pool", pair.pool), count)
        }
        // Of wide IPs that are counted by their pools alone.
        for slot in names.indices {
            let count = counters.reduce(0) { $0 &+ $1.value(poolSlot: slot) }
            chosen &+= count
            if slot > 0, slot < limit, count > 0 {
                sample(MetricLabels("wide_ip", "other").adding("pool", names[slot]), count)
            } else {
                other &+= count
            }
        }
        sample(MetricLabels("wide_ip", "other").adding("pool", "other"), other)
        let all = counters.reduce(0) { $0 &+ $1.value(.wideIPDecisions) }
        // The total is read after its parts: it is no smaller.
        sample(MetricLabels("wide_ip", "any").adding("pool", "none"), all - min(all, chosen))

        begin(DNSMetrics.poolHosts)
        var rest: UInt64 = 0
        for slot in names.indices {
            let count = counters.reduce(0) { $0 &+ $1.value(poolHostSlot: slot) }
            guard slot > 0, slot < limit else {
                rest &+= count
                continue
            }
            if count > 0 { sample(MetricLabels("pool", names[slot]), count) }
        }
        sample(MetricLabels("pool", "other"), rest)
    }
}
