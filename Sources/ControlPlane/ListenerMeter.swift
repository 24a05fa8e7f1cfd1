import Addresses
import Balancing
import Glibc
import ProxyService
import TrafficModel

/// Turns what this node's listeners count into the loads of the virtual servers that they are.
///
/// A listener is a virtual server when both have the same address and port. Rates are smoothed over a few rounds, so
/// that a second without requests is no idle server.
struct ListenerMeter {
    private struct Totals {
        var requests: UInt64
        var bytes: UInt64
        var requestRate: Double?
        var bitRate: Double?
    }

    private var totals: [String: Totals] = [:]
    private var lastRound: UInt64 = 0
    private var processor: (time: UInt64, share: Double?) = (0, nil)

    /// A new rate counts for so much of the smoothed one.
    private static let weight = 0.3

    /// - Parameter now: monotonic nanoseconds.
    mutating func read(
        _ intent: Intent, _ proxy: ProxyServer, _ balancing: BalancingSnapshot, now: UInt64
    )
        -> LoadFeeds.Readings
    {
        guard !intent.listeners.isEmpty, !intent.virtualServers.isEmpty else { return [:] }
        let elapsed = Double(now - min(lastRound, now)) / 1e9
        measureProcessor(elapsed)
        lastRound = now
        let statuses = Dictionary(proxy.status.listeners.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let byEndpoint = Dictionary(
            balancing.listeners.map { (statuses[$0.name]?.endpoint ?? $0.endpoint, $0) },
            uniquingKeysWith: { first, _ in first })
        var seen: Set<String> = []
        var result: LoadFeeds.Readings = [:]
        for server in intent.virtualServers {
            guard let listener = byEndpoint[server.endpoint], let status = statuses[listener.name] else { continue }
            if seen.insert(listener.name).inserted { count(listener, balancing, elapsed) }
            let source = "listener \(listener.name)"
            func reading(_ value: Double?) -> Measurements.Reading? {
                value.map { .init(value: $0, source: source, time: now) }
            }
            var readings: [Criterion: Measurements.Reading] = [:]
            readings[.connections] = reading(Double(status.openConnections))
            readings[.requests] = reading(totals[listener.name]?.requestRate)
            readings[.bits] = reading(totals[listener.name]?.bitRate)
            readings[.cpu] = reading(processor.share)
            let members = Self.members(of: listener, balancing).filter { $0.availability == .available }
            readings[.members] = reading(Double(members.count))
            let limits = members.compactMap(\.maxConnections)
            if !limits.isEmpty, limits.count == members.count {
                readings[.capacity] = reading(Double(limits.reduce(0, +)))
            }
            result[server.name] = readings
        }
        totals = totals.filter { seen.contains($0.key) }
        return result
    }

    private mutating func count(_ listener: ListenerSnapshot, _ balancing: BalancingSnapshot, _ elapsed: Double) {
        let counted: [TrafficTotals] =
            switch listener.mode {
            case .http(let table): table.routes.map(\.traffic.totals)
            case .tcp(let upstream): balancing.upstreams[upstream].members.map(\.state.traffic.totals)
            }
        let requests = counted.reduce(0) { $0 &+ $1.requests }
        let bytes = counted.reduce(0) { $0 &+ $1.bytes }
        let before = totals[listener.name]
        var now = Totals(
            requests: requests, bytes: bytes, requestRate: before?.requestRate, bitRate: before?.bitRate)
        // Counters begin anew where a reload made others of them.
        if let before, elapsed > 0, requests >= before.requests, bytes >= before.bytes {
            now.requestRate = Self.smooth(before.requestRate, Double(requests - before.requests) / elapsed)
            now.bitRate = Self.smooth(before.bitRate, Double(bytes - before.bytes) * 8 / elapsed)
        }
        totals[listener.name] = now
    }

    private static func smooth(_ rate: Double?, _ latest: Double) -> Double {
        rate.map { $0 + (latest - $0) * weight } ?? latest
    }

    private static func members(of listener: ListenerSnapshot, _ balancing: BalancingSnapshot) -> [MemberSnapshot] {
        let upstreams: Set<Int> =
            switch listener.mode {
            case .http(let table):
                Set(table.routes.compactMap { if case .upstream(let at) = $0.action { at } else { nil } })
            case .tcp(let upstream): [upstream]
            }
        return upstreams.flatMap { balancing.upstreams[$0].members }
    }

    /// The share of the machine's processors that this process uses.
    private mutating func measureProcessor(_ elapsed: Double) {
        var clock = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &clock)
        let time = UInt64(clock.tv_sec) * 1_000_000_000 + UInt64(clock.tv_nsec)
        let cores = Double(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1))
        if processor.time > 0, elapsed > 0 {
            let share = min(Double(time - processor.time) / 1e9 / elapsed / cores, 1)
            processor.share = Self.smooth(processor.share, share)
        }
        processor.time = time
    }
}
