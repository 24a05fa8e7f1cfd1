import FlatTables
import TrafficModel

/// How long answers may be kept by what is known now: until the soonest time at which a monitor, or a condition, can
/// change what is answered.
enum StateTTL {
    /// What TTLs are cut to. Few steps, so that caches and signatures see few different answers.
    static let steps: [UInt32] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600]

    /// The largest step within these nanoseconds, at least `minimum`.
    static func limit(_ nanoseconds: UInt64, minimum: UInt32) -> UInt32 {
        guard nanoseconds != never else { return .max }
        let seconds = nanoseconds / 1_000_000_000
        return max(steps.last { UInt64($0) <= seconds } ?? 1, minimum)
    }

    /// Nothing that is foreseen changes it.
    static let never = UInt64.max

    static func nanoseconds(_ duration: Duration) -> UInt64 { UInt64(max(duration / .nanoseconds(1), 0)) }
}

extension SteeringSnapshot {
    /// The most that the TTL of a subject's answers may be now; `nil`: nothing limits it.
    package func ttlLimit(of subject: SteeredSubject) -> UInt32? {
        guard plan.usesStateTTL else { return nil }
        let limit =
            switch subject {
            case .poolHost(let position): ttlLimits[position]
            case .wideIP(let position): ttlLimits[plan.pools.count + position]
            }
        return limit == .max ? nil : limit
    }

    /// By pool, then by wide IP.
    static func ttlLimits(
        _ intent: Intent, dependents: [Int], overrides: EffectiveOverrides, observations: Observations, now: UInt64
    ) -> [UInt32] {
        var soonest = intent.virtualServers.indices.map {
            soonestChange(of: $0, intent, overrides: overrides, observations: observations, now: now)
        }
        for position in dependents {
            for other in intent.virtualServers[position].dependsOn {
                soonest[position] = min(soonest[position], soonest[other])
            }
        }
        func soonestOfPool(_ position: Int) -> UInt64 {
            intent.pools[position].virtualServers.map { soonest[$0] }.min() ?? StateTTL.never
        }
        return intent.pools.indices.map { position in
            intent.pools[position].minimumTTL.map { StateTTL.limit(soonestOfPool(position), minimum: $0) } ?? .max
        }
            + intent.wideIPs.map { wideIP in
                guard let minimum = wideIP.minimumTTL else { return .max }
                return StateTTL.limit(wideIP.pools.map(soonestOfPool).min() ?? StateTTL.never, minimum: minimum)
            }
    }

    private static func soonestChange(
        of place: Int, _ intent: Intent, overrides: EffectiveOverrides, observations: Observations, now: UInt64
    ) -> UInt64 {
        // What operators decided changes when they say so.
        let server = intent.virtualServers[place]
        guard server.enabled else { return StateTTL.never }
        switch verdict(on: place, overrides) {
        case .disable?, .forceDown?, .forceUp?: return StateTTL.never
        case .drain?, .cutover?, .weight?, nil: break
        }
        var hold: UInt64 = 0
        switch observations.conditions[server.name] {
        case .locked?: return StateTTL.never
        case .held(let end)?, .damped(let end)?: return end > now ? end - now : 0
        case nil: hold = StateTTL.nanoseconds(intent.failback(of: server)?.hold ?? .zero)
        }
        let isDown = intent.health(of: server, in: observations.health) == .down
        var result = StateTTL.never
        for position in server.monitors {
            let monitor = intent.monitors[position]
            let target = HealthTarget(endpoint: server.endpoint, monitor: monitor)
            let interval = StateTTL.nanoseconds(monitor.interval)
            let isTargetDown = observations.health[target] == .down
            // Those that have it up cannot bring it back.
            if isDown, !isTargetDown { continue }
            // The next verdict may be the last that is missing.
            let rounds = observations.wavering.contains(target) ? 1 : isTargetDown ? monitor.rise : monitor.fall
            let change = interval.multipliedReportingOverflow(by: UInt64(max(rounds, 1)))
            result = min(result, (change.overflow ? StateTTL.never - hold : change.partialValue) &+ (isDown ? hold : 0))
        }
        return result
    }
}
