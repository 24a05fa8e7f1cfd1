import Addresses
import Balancing
import DNSService
import DNSWire
import HealthMonitoring
import Logging
import ProxyService
import Steering
import Telemetry
import TrafficModel

extension Node {
    /// Turns that are logged one by one when many come at once; the journal has them all.
    private static let logLimit = 200

    /// Takes note of what monitors found. First verdicts that something is up are no news.
    func note(_ changes: [HealthChange]) {
        var events: [NodeEvent] = []
        for change in changes where change.state != change.previous {
            watch.findings[change.target] = change.reason
            guard change.previous != .unknown || change.state == .down else { continue }
            events.append(
                NodeEvent(
                    .check, Self.subject(of: change.target), from: "\(change.previous)", to: "\(change.state)",
                    reason: change.reason))
        }
        journal.record(events)
    }

    static func subject(of target: HealthTarget) -> NodeEvent.Subject {
        .init("monitor", "\(target.monitor.name)/\(target.endpoint)")
    }

    /// Tells what turned since the last time. Call it after each new snapshot.
    func noteTurns() {
        let intent = compiler.intent
        let states = StateTable(snapshot, of: intent, overrides: effective)
        let turns = states.turns(since: watch.states, in: intent, oldIntent: watch.intent)
        if watch.intent.generation != intent.generation {
            let targets = intent.healthTargets
            watch.findings = watch.findings.filter { targets.contains($0.key) }
            watch.intent = intent
        }
        watch.states = states
        tell(turns)
    }

    /// Tells what turns without a snapshot: members that are ejected or come back, certificates.
    func lookAround() {
        var states = watch.states
        states.lookAtMembers(of: snapshot)
        let turns = states.turns(since: watch.states, in: watch.intent, oldIntent: watch.intent)
        watch.states = states
        tell(turns)
        noteCertificates()
        let now = MonotonicClock.now
        routeFailures.look(at: proxy.routes, now: now)
        let (access, queries) = (proxy.status, dnsCounters.logs.counts)
        tell(accessLines.look(lost: access.droppedLogLines, failures: access.logFailures, now: now), of: "access")
        tell(queryLines.look(lost: queries.dropped, failures: queries.failures, now: now), of: "query")
    }

    private func tell(_ news: LostLines.News?, of log: String) {
        switch news {
        case .begun:
            logger.error(
                "lines of a log are lost: its disk is full, or its file cannot be written or not fast enough",
                metadata: ["log": "\(log)"])
        case .over(let count):
            logger.notice("lines of a log are lost no more", metadata: ["log": "\(log)", "lost": "\(count)"])
        case nil: break
        }
    }

    private func tell(_ turns: [StateTable.Turn]) {
        guard !turns.isEmpty else { return }
        let events = turns.map { turn in
            let (reason, author) = reason(of: turn)
            return NodeEvent(
                .transition, subject(of: turn.part), from: turn.from.text, to: turn.to.text, reason: reason,
                author: author)
        }
        journal.record(events)
        for event in events.prefix(Self.logLimit) {
            logger.info(
                "state changed",
                metadata: [
                    "kind": "\(event.subject?.kind ?? "")", "name": "\(event.subject?.name ?? "")",
                    "from": "\(event.from ?? "")", "to": "\(event.to ?? "")", "reason": "\(event.reason)",
                ])
        }
        if events.count > Self.logLimit {
            logger.info("more states changed", metadata: ["count": "\(events.count - Self.logLimit)"])
        }
    }

    /// Tells of a shift at each tenth of the way.
    func noteProgress(of id: Int64, from old: Shift, to new: Shift) {
        guard new.share > 0 else { return }
        let step = { (progress: Double) in Int(progress / new.share * 10) }
        guard step(old.progress) != step(new.progress) else { return }
        journal.record(
            NodeEvent(
                .shiftProgress, .init("shift", "\(id)"), from: Self.percent(old.progress),
                to: Self.percent(new.progress), reason: new.words, author: new.author))
    }

    private func subject(of part: StateTable.Part) -> NodeEvent.Subject {
        let intent = compiler.intent
        return switch part {
        case .member(let upstream, let member):
            .init("member", "\(intent.upstreams[upstream].name)/\(intent.upstreams[upstream].members[member].endpoint)")
        case .virtualServer(let position): .init("virtual-server", intent.virtualServers[position].name)
        case .pool(let position): .init("pool", intent.pools[position].name)
        case .region(let position): .init("region", intent.regions[position].name)
        case .wideIP(let position): .init("wide-ip", intent.wideIPs[position].name.description)
        }
    }

    // MARK: Reasons

    private func reason(of turn: StateTable.Turn) -> (text: String, author: String) {
        let intent = compiler.intent
        let effect: EffectiveOverrides.Effect? =
            switch turn.part {
            case .member(let upstream, let member): effective.members[.init(upstream: upstream, member: member)]
            case .virtualServer(let position): effective.servers[position]
            case .pool(let position): effective.pools[position]
            case .region(let position): effective.regions[position]
            case .wideIP(let position): effective.wideIPs[position]
            }
        if let effect, effect.entry.verdict != .weight, effect.entry.verdict != .cutover {
            return (effect.words, effect.entry.author)
        }
        if turn.to == .cutOver, let effect = cutover(of: turn.part) { return (effect.words, effect.entry.author) }
        let text =
            switch turn.part {
            case .member(let upstream, let member): memberReason(upstream, member, turn.to)
            case .virtualServer(let position): serverReason(position, turn.to)
            case .pool(let position): poolReason(position)
            case .region(let position): regionReason(position)
            case .wideIP(let position):
                intent.wideIPs[position].enabled
                    ? Self.tally(
                        "pools", intent.wideIPs[position].pools.map { (intent.pools[$0].name, watch.states.pools[$0]) })
                    : "disabled in the configuration"
            }
        return (text, "")
    }

    /// The cutover that takes everything from a region or pool.
    private func cutover(of part: StateTable.Part) -> EffectiveOverrides.Effect? {
        switch part {
        case .pool(let position): effective.poolCutovers[position]
        case .region(let position): effective.regionCutovers[position]
        case .member, .virtualServer, .wideIP: nil
        }
    }

    /// What the monitors say that have it down; `nil`: none has.
    private func findings(_ monitors: [HealthTarget]) -> String? {
        let down = monitors.filter { observations.health[$0] == .down }
        guard !down.isEmpty else { return nil }
        return down.map { target in
            watch.findings[target].map { "\(target.monitor.name): \($0)" } ?? "\(target.monitor.name) has it down"
        }.joined(separator: "; ")
    }

    private func serverReason(_ position: Int, _ state: StateTable.State) -> String {
        let intent = compiler.intent
        let server = intent.virtualServers[position]
        guard server.enabled else { return "disabled in the configuration" }
        if let condition = observations.conditions[server.name] { return condition.words }
        if let text = findings(
            server.monitors.map { HealthTarget(endpoint: server.endpoint, monitor: intent.monitors[$0]) })
        {
            return text
        }
        if state == .down, let needed = server.dependsOn.first(where: { watch.states.servers[$0] == .down }) {
            return "depends on \(intent.virtualServers[needed].name), which is down"
        }
        return server.monitors.isEmpty ? "no override holds any more" : "its checks succeed"
    }

    private func memberReason(_ upstream: Int, _ member: Int, _ state: StateTable.State) -> String {
        let intent = compiler.intent
        let settings = intent.upstreams[upstream].members[member]
        if let text = findings(
            intent.upstreams[upstream].monitors.map {
                HealthTarget(endpoint: settings.endpoint, monitor: intent.monitors[$0])
            })
        {
            return text
        }
        let known = snapshot.balancing.upstreams[upstream].members[member].state
        if state == .ejected {
            // Rounded up: the last second is one too.
            let seconds = (known.ejectionRemaining(now: MonotonicClock.now) + 999_999_999) / 1_000_000_000
            return "\(known.latestFailure.map { "\($0.reason.text)" } ?? "connections failed"): out for \(seconds) s"
        }
        return intent.upstreams[upstream].monitors.isEmpty ? "nothing speaks against it" : "its checks succeed"
    }

    private func poolReason(_ position: Int) -> String {
        let intent = compiler.intent
        let pool = intent.pools[position]
        guard pool.enabled else { return "disabled in the configuration" }
        guard !pool.virtualServers.isEmpty else { return "no override holds any more" }
        let needed = max(pool.minimumUp.count(of: pool.virtualServers.count), 1)
        return Self.tally(
            "virtual servers",
            pool.virtualServers.map { (intent.virtualServers[$0].name, watch.states.servers[$0]) })
            + (needed > 1 ? ", \(needed) needed" : "")
    }

    private func regionReason(_ position: Int) -> String {
        let intent = compiler.intent
        let servers = intent.virtualServers.indices.filter { intent.virtualServers[$0].region == position }
        guard servers.isEmpty else {
            return Self.tally(
                "virtual servers", servers.map { (intent.virtualServers[$0].name, watch.states.servers[$0]) })
        }
        let pools = intent.pools.indices.filter { intent.pools[$0].region == position }
        return Self.tally("pools", pools.map { (intent.pools[$0].name, watch.states.pools[$0]) })
    }

    /// Names that are listed one by one.
    private static let listLimit = 3

    private static func tally(_ words: String, _ parts: [(name: String, state: StateTable.State)]) -> String {
        let out = parts.filter { $0.state != .available }
        let list = out.prefix(listLimit).map { "\($0.name) \($0.state.text)" }.joined(separator: ", ")
        return "\(parts.count - out.count) of \(parts.count) \(words) available"
            + (out.isEmpty ? "" : " (\(list)\(out.count > listLimit ? " and \(out.count - listLimit) more" : ""))")
    }

    // MARK: Certificates

    private func noteCertificates() {
        let found = proxy.certificates
        var events: [NodeEvent] = []
        for certificate in found {
            let subject = NodeEvent.Subject("certificate", certificate.name)
            var known = watch.certificates[certificate.name] ?? .init(end: certificate.end)
            let left = certificate.daysLeft
            if known.end != certificate.end {
                known = .init(end: certificate.end)
                events.append(
                    NodeEvent(.certificateReplaced, subject, to: "\(left) days left", reason: "its files were replaced")
                )
            }
            if let step = Watch.certificateSteps.last(where: { left < $0 || left <= 0 && $0 == 0 }), step < known.told {
                known.told = step
                events.append(
                    NodeEvent(
                        .certificateExpiring, subject, to: left < 0 ? "ended" : "\(left) days left",
                        reason: "replace its files and reload"))
            }
            watch.certificates[certificate.name] = known
        }
        if watch.certificates.count > found.count {
            let names = Set(found.map(\.name))
            watch.certificates = watch.certificates.filter { names.contains($0.key) }
        }
        journal.record(events)
    }
}

extension EffectiveOverrides.Effect {
    /// What it says, and by whom or what.
    var words: String {
        let source = entry.window.map { "window \($0) over" } ?? "override of"
        return "\(source) \(subject): \(entry.words)" + (entry.reason.isEmpty ? "" : " (\(entry.reason))")
    }
}
