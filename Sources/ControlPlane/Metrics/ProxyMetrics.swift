import Balancing
import ProxyService
package import Telemetry

/// What the VIP tier counts.
package enum ProxyMetrics {
    static let requests = MetricFamily(
        "meridian_http_requests_total", .counter, ["listener", "route", "class"],
        "Requests by route and class of the status; class `none`: the connection ended before there was a response.")
    static let seconds = MetricFamily(
        "meridian_http_request_seconds", .histogram, ["listener", "route"],
        "Time from the head of a request to the end of its response.")
    static let sent = MetricFamily(
        "meridian_http_sent_bytes_total", .counter, ["listener", "route"], "Bytes of responses sent to clients.")
    static let upstreamSeconds = MetricFamily(
        "meridian_upstream_response_seconds", .histogram, ["upstream"],
        "Time from sending a request to a member to the first byte of its response; for TCP, of its connection.")
    static let members = MetricFamily(
        "meridian_upstream_members", .gauge, ["upstream", "state"],
        "Members by state: available, draining, ejected, disabled, down.")
    static let refusedRetries = MetricFamily(
        "meridian_upstream_refused_retries_total", .counter, ["upstream"], "Retries that the budget did not allow.")
    static let memberRequests = MetricFamily(
        "meridian_member_requests_total", .counter, ["upstream", "member", "class"],
        "Requests that members answered, by class of the status; class `none`: without a response.")
    static let memberSeconds = MetricFamily(
        "meridian_member_response_seconds_total", .counter, ["upstream", "member"],
        "Time that the members took to begin their responses, all together.")
    static let memberBytes = MetricFamily(
        "meridian_member_sent_bytes_total", .counter, ["upstream", "member"],
        "Bytes of members' responses sent to clients.")
    static let memberOpen = MetricFamily(
        "meridian_member_open", .gauge, ["upstream", "member"], "Requests or connections in progress.")
    static let memberStarted = MetricFamily(
        "meridian_member_started_total", .counter, ["upstream", "member"],
        "Requests or connections ever sent to the member.")
    static let memberFailures = MetricFamily(
        "meridian_member_failures_total", .counter, ["upstream", "member"],
        "Connections to the member that were refused, reset or timed out.")
    static let memberEjections = MetricFamily(
        "meridian_member_ejections_total", .counter, ["upstream", "member"], "Times that the member was ejected.")
    static let memberAvailable = MetricFamily(
        "meridian_member_available", .gauge, ["upstream", "member"],
        "1: the member is chosen for new work; 0: it is draining, ejected, disabled or down.")
    static let connections = MetricFamily(
        "meridian_listener_connections", .gauge, ["listener"], "Client connections that are open.")
    static let accepted = MetricFamily(
        "meridian_listener_accepted_total", .counter, ["listener"], "Client connections ever accepted.")
    static let draining = MetricFamily(
        "meridian_proxy_draining_connections", .gauge, [], "Open connections of listeners that were removed.")
    static let buffered = MetricFamily(
        "meridian_proxy_buffered_bytes", .gauge, [], "Bytes that wait in buffers of connections.")
    static let waiting = MetricFamily(
        "meridian_proxy_waiting_requests", .gauge, [], "Requests that wait for a place on a member.")
    static let received = MetricFamily(
        "meridian_proxy_received_bytes_total", .counter, [], "Bytes received from clients.")
    static let upstreamConnections = MetricFamily(
        "meridian_proxy_upstream_connections_total", .counter, [], "Connections made to members.")
    static let events = MetricFamily(
        "meridian_proxy_events_total", .counter, ["event"],
        "What requests and connections met with: retries, time limits, malformed heads, aborts, queues; probes of this "
            + "node itself, which no count of requests has.")
    static let limits = MetricFamily(
        "meridian_proxy_limited_total", .counter, ["limit"],
        "What was refused or closed because of a limit: rate, connections, connections of a source, body, queue, buffers, "
            + "floods and streams of HTTP/2.")
    static let tls = MetricFamily(
        "meridian_tls_handshakes_total", .counter, ["result"],
        "TLS handshakes with clients, by version, and those that failed.")
    static let certificates = MetricFamily(
        "meridian_certificate_expiry_timestamp_seconds", .gauge, ["certificate"],
        "When a certificate, or the first of its chain, ends; seconds since 1970.")

    package static let all = [
        requests, seconds, sent, upstreamSeconds, members, refusedRetries, memberRequests, memberSeconds, memberBytes,
        memberOpen, memberStarted, memberFailures, memberEjections, memberAvailable, connections, accepted, draining,
        buffered, waiting, received, upstreamConnections, events, limits, tls, certificates,
    ]
}

extension MetricsWriter {
    /// - Parameter limit: routes, and members, that have series of their own.
    mutating func write(_ proxy: ProxyServer, _ snapshot: BalancingSnapshot, limit: Int, now: UInt64) {
        writeRoutes(snapshot, limit)
        writeUpstreams(snapshot, limit, now)
        writeMembers(snapshot, limit, now)
        let status = proxy.status
        begin(ProxyMetrics.connections)
        for listener in status.listeners { sample(MetricLabels("listener", listener.name), listener.openConnections) }
        begin(ProxyMetrics.accepted)
        for listener in status.listeners { sample(MetricLabels("listener", listener.name), listener.connections) }
        write(ProxyMetrics.draining, UInt64(max(0, status.drainingConnections)))
        write(ProxyMetrics.buffered, UInt64(max(0, status.bufferedBytes)))
        write(ProxyMetrics.waiting, status.waiting)
        write(ProxyMetrics.received, status.bytesIn)
        write(ProxyMetrics.upstreamConnections, status.upstreamConnections)
        begin(ProxyMetrics.events)
        let events: [(StaticString, UInt64)] = [
            ("aborted", status.aborted), ("failed", status.failures), ("retried", status.retries),
            ("replayed", status.replays), ("malformed", status.malformed), ("timed_out", status.timeouts),
            ("loop", status.loops), ("queued", status.queued), ("queue_timed_out", status.queueTimeouts),
            ("http2_connection", status.http2Connections), ("descriptor_pause", status.descriptorPauses),
            ("own_probe", status.probes),
        ]
        for (name, value) in events { sample(MetricLabels(), "event", name, value) }
        begin(ProxyMetrics.limits)
        let limits: [(StaticString, UInt64)] = [
            ("rate", status.rateLimited), ("overload", status.overloaded), ("idle_evicted", status.evicted),
            ("buffer_total", status.hoards),
            ("connections_per_source", status.sourceLimited), ("body_size", status.bodyLimited),
            ("queue_full", status.queueFull), ("http2_flood", status.floods),
            ("http2_streams", status.refusedStreams),
        ]
        for (name, value) in limits { sample(MetricLabels(), "limit", name, value) }
        begin(ProxyMetrics.tls)
        sample(MetricLabels(), "result", "tls1.2", status.tls12)
        sample(MetricLabels(), "result", "tls1.3", status.tls13)
        sample(MetricLabels(), "result", "failed", status.tlsFailures)
        begin(ProxyMetrics.certificates)
        for certificate in proxy.certificates.prefix(limit) {
            sample(MetricLabels("certificate", certificate.name), certificate.end)
        }
    }

    private mutating func writeRoutes(_ snapshot: BalancingSnapshot, _ limit: Int) {
        var known: [(labels: MetricLabels, traffic: [TrafficCounters])] = []
        var rest: [TrafficCounters] = []
        for listener in snapshot.listeners {
            guard case .http(let table) = listener.mode else { continue }
            for route in table.routes {
                if known.count < limit {
                    known.append(
                        (MetricLabels("listener", listener.name).adding("route", route.name), [route.traffic]))
                } else {
                    rest.append(route.traffic)
                }
            }
        }
        if !rest.isEmpty { known.append((MetricLabels("listener", "other").adding("route", "other"), rest)) }
        let totals = known.map { known in known.traffic.map(\.totals) }
        begin(ProxyMetrics.requests)
        for (index, known) in known.enumerated() { writeClasses(known.labels, totals[index]) }
        begin(ProxyMetrics.seconds)
        for (index, known) in known.enumerated() {
            histogram(
                known.labels, bounds: DurationSteps.bounds, counts: Self.sum(known.traffic.map(\.durations)),
                nanoseconds: totals[index].reduce(0) { $0 &+ $1.nanoseconds })
        }
        begin(ProxyMetrics.sent)
        for (index, known) in known.enumerated() {
            sample(known.labels, totals[index].reduce(0) { $0 &+ $1.bytes })
        }
    }

    private mutating func writeUpstreams(_ snapshot: BalancingSnapshot, _ limit: Int, _ now: UInt64) {
        var known: [(labels: MetricLabels, upstreams: [UpstreamSnapshot])] = snapshot.upstreams.prefix(limit).map {
            (MetricLabels("upstream", $0.name), [$0])
        }
        let rest = Array(snapshot.upstreams.dropFirst(limit))
        if !rest.isEmpty { known.append((MetricLabels("upstream", "other"), rest)) }
        begin(ProxyMetrics.upstreamSeconds)
        for (labels, upstreams) in known {
            var counts = [UInt64](repeating: 0, count: DurationSteps.count)
            var nanoseconds: UInt64 = 0
            for member in upstreams.lazy.flatMap(\.members) {
                member.state.traffic.addDurations(to: &counts)
                nanoseconds &+= member.state.traffic.totals.nanoseconds
            }
            histogram(labels, bounds: DurationSteps.bounds, counts: counts, nanoseconds: nanoseconds)
        }
        begin(ProxyMetrics.members)
        for (labels, upstreams) in known {
            var counts: [StateTable.State: UInt64] = [:]
            for member in upstreams.lazy.flatMap(\.members) { counts[.init(member, now: now), default: 0] += 1 }
            for (state, word) in Self.memberStates { sample(labels, "state", word, counts[state] ?? 0) }
        }
        begin(ProxyMetrics.refusedRetries)
        for (labels, upstreams) in known {
            sample(labels, upstreams.reduce(0) { $0 &+ $1.refusedRetryCount })
        }
    }

    /// In the words of the API.
    private static let memberStates: [(StateTable.State, StaticString)] = [
        (.available, "available"), (.draining, "draining"), (.ejected, "ejected"), (.disabled, "disabled"),
        (.down, "down"),
    ]

    private mutating func writeMembers(_ snapshot: BalancingSnapshot, _ limit: Int, _ now: UInt64) {
        let all = snapshot.upstreams.flatMap { upstream in upstream.members.map { (upstream.name, $0) } }
        let known = all.prefix(limit).map { name, member in
            (
                labels: MetricLabels("upstream", name).adding(
                    "member", String(decoding: member.endpointText, as: UTF8.self)), member: member,
                totals: member.state.traffic.totals
            )
        }
        let rest = all.dropFirst(limit).map(\.1)
        let other = rest.isEmpty ? nil : MetricLabels("upstream", "other").adding("member", "other")
        begin(ProxyMetrics.memberRequests)
        for item in known { writeClasses(item.labels, [item.totals]) }
        if let other { writeClasses(other, rest.map(\.state.traffic.totals)) }
        begin(ProxyMetrics.memberSeconds)
        for item in known { sample(item.labels, nanoseconds: item.totals.nanoseconds) }
        if let other {
            sample(other, nanoseconds: rest.reduce(0) { $0 &+ $1.state.traffic.totals.nanoseconds })
        }
        begin(ProxyMetrics.memberBytes)
        for item in known { sample(item.labels, item.totals.bytes) }
        if let other { sample(other, rest.reduce(0) { $0 &+ $1.state.traffic.totals.bytes }) }
        begin(ProxyMetrics.memberOpen)
        for item in known { sample(item.labels, item.member.state.openCount) }
        if let other { sample(other, rest.reduce(0) { $0 + $1.state.openCount }) }
        begin(ProxyMetrics.memberStarted)
        for item in known { sample(item.labels, item.member.state.startedCount) }
        if let other { sample(other, rest.reduce(0) { $0 &+ $1.state.startedCount }) }
        begin(ProxyMetrics.memberFailures)
        for item in known { sample(item.labels, item.member.state.failureCount) }
        if let other { sample(other, rest.reduce(0) { $0 &+ $1.state.failureCount }) }
        begin(ProxyMetrics.memberEjections)
        for item in known { sample(item.labels, item.member.state.ejectionCount) }
        if let other { sample(other, rest.reduce(0) { $0 &+ $1.state.ejectionCount }) }
        begin(ProxyMetrics.memberAvailable)
        for item in known { sample(item.labels, StateTable.State(item.member, now: now) == .available ? 1 : 0) }
        if let other { sample(other, rest.count { StateTable.State($0, now: now) == .available }) }
    }

    private mutating func writeClasses(_ labels: MetricLabels, _ totals: [TrafficTotals]) {
        sample(labels, "class", "1xx", totals.reduce(0) { $0 &+ $1.informational })
        sample(labels, "class", "2xx", totals.reduce(0) { $0 &+ $1.successes })
        sample(labels, "class", "3xx", totals.reduce(0) { $0 &+ $1.redirections })
        sample(labels, "class", "4xx", totals.reduce(0) { $0 &+ $1.clientErrors })
        sample(labels, "class", "5xx", totals.reduce(0) { $0 &+ $1.serverErrors })
        sample(labels, "class", "none", totals.reduce(0) { $0 &+ $1.unanswered })
    }

    private static func sum(_ counts: [[UInt64]]) -> [UInt64] {
        counts.reduce(into: [UInt64](repeating: 0, count: DurationSteps.count)) { sums, counts in
            for (step, count) in counts.enumerated() { sums[step] &+= count }
        }
    }
}
