import Addresses
import Authority
import Balancing
import DNSWire
import Steering
import TrafficModel

/// Watches what wide IPs and pools do, and gives what is new to their records.
///
/// Which requests are a pool's: those of the routes of this node's listeners that have the address and port of one of its
/// virtual servers. A wide IP's are those of its pools whose route is for its name or for every host.
struct ServiceMeter {
    /// Wide IPs, and pools, that have records; those beyond have none.
    static let subjectLimit = 1000
    /// A longer pause is time in which nobody looked, as when the machine slept.
    static let longestStep: UInt64 = 5_000_000_000

    private var generation: UInt64 = 0
    private(set) var subjects: [ServiceSubject] = []
    /// Positions in `Intent.pools`, for each subject: one of them must work.
    private var pools: [[Int]] = []
    private var routes: [(key: String, traffic: TrafficCounters)] = []
    /// Positions in `subjects` of those that a route's requests count for.
    private var subjectsOfRoute: [[Int]] = []
    private var known: [String: ServiceCounts] = [:]
    private var lastLook: UInt64?

    init() {}

    /// What is new since the last look, for each of ``subjects``.
    ///
    /// - Parameter now: monotonic nanoseconds.
    mutating func look(
        _ intent: Intent, _ snapshot: Snapshot, _ overrides: EffectiveOverrides, now: UInt64
    )
        -> [ServiceCounts]
    {
        if generation != snapshot.generation || lastLook == nil { index(intent, snapshot) }
        let elapsed = lastLook.map { now - min($0, now) } ?? 0
        let time = elapsed <= Self.longestStep ? elapsed / 1_000_000 : 0
        // What is less than a millisecond is not lost.
        lastLook = now - (elapsed <= Self.longestStep ? elapsed % 1_000_000 : 0)
        let steering = snapshot.authority.steering
        var counts = subjects.indices.map { position in
            let isWideIP = subjects[position].kind == .wideIP
            let isUp =
                pools[position].contains { pool in
                    let found =
                        isWideIP
                        ? steering.availability(ofPool: pool, in: position, overrides) : steering.pools[pool]
                    return found.isWorking
                } && !isTakenOut(subjects[position], position, overrides)
            return ServiceCounts(up: isUp ? time : 0, down: isUp ? 0 : time)
        }
        for (position, route) in routes.enumerated() {
            let totals = route.traffic.totals
            let present = ServiceCounts(
                good: totals.informational &+ totals.successes &+ totals.redirections &+ totals.clientErrors,
                bad: totals.serverErrors)
            // A route that is seen for the first time began before anybody looked.
            let before = known.updateValue(present, forKey: route.key) ?? present
            guard present != before else { continue }
            // Counters begin anew where a route was away.
            let new = ServiceCounts(
                good: present.good >= before.good ? present.good - before.good : present.good,
                bad: present.bad >= before.bad ? present.bad - before.bad : present.bad)
            for subject in subjectsOfRoute[position] { counts[subject] += new }
        }
        return counts
    }

    private func isTakenOut(_ subject: ServiceSubject, _ position: Int, _ overrides: EffectiveOverrides) -> Bool {
        guard subject.kind == .wideIP else { return false }
        switch overrides.wideIPs[position]?.entry.verdict {
        case .disable, .forceDown: return true
        default: return false
        }
    }

    private mutating func index(_ intent: Intent, _ snapshot: Snapshot) {
        generation = snapshot.generation
        let wideIPs = intent.wideIPs.prefix(Self.subjectLimit)
        let ownPools = intent.pools.indices.prefix(Self.subjectLimit)
        // Wide IPs come first: their places are those in the intent.
        subjects =
            wideIPs.map { ServiceSubject(kind: .wideIP, name: $0.name.description) }
            + ownPools.map { ServiceSubject(kind: .pool, name: intent.pools[$0].name) }
        pools = wideIPs.map(\.pools) + ownPools.map { [$0] }

        let endpoints = intent.pools.map { pool in Set(pool.virtualServers.map { intent.virtualServers[$0].endpoint }) }
        routes = []
        subjectsOfRoute = []
        let previous = known
        known = [:]
        for listener in snapshot.balancing.listeners {
            guard case .http(let table) = listener.mode,
                let configured = intent.listeners.first(where: { $0.name == listener.name }),
                case .http(let conditions) = configured.mode
            else { continue }
            let served = endpoints.indices.filter { endpoints[$0].contains(listener.endpoint) }
            guard !served.isEmpty else { continue }
            let isServed = Set(served)
            let candidates = wideIPs.indices.filter { wideIPs[$0].pools.contains(where: isServed.contains) }
            for (route, condition) in zip(table.routes, conditions) {
                let key = "\(listener.name)\u{0}\(route.name)"
                routes.append((key, route.traffic))
                known[key] = previous[key]
                let hosts = condition.hosts.map { $0.lowercased() }
                let names = candidates.filter { Self.serves(hosts, wideIPs[$0]) }
                subjectsOfRoute.append(names + served.filter { $0 < ownPools.count }.map { $0 + wideIPs.count })
            }
        }
    }

    /// Whether a route for these hosts serves the name; none: every host.
    static func serves(_ hosts: [String], _ wideIP: WideIP) -> Bool {
        guard !hosts.isEmpty else { return true }
        let names = ([wideIP.name] + wideIP.aliases).map { $0.description.lowercased() }.map {
            $0.hasSuffix(".") ? String($0.dropLast()) : $0
        }
        return hosts.contains { host in
            names.contains { name in
                name == host || host.hasPrefix("*.") && name.hasSuffix(host.dropFirst())
                    || Glob(name).isPattern && Glob(name).matches(host)
            }
        }
    }
}
