import Balancing
import ProxyService

/// When routes last failed a client, as far as somebody looked.
///
/// What a route counted says nothing about now: one error a month ago would be a problem for ever.
struct RouteFailures: Sendable {
    private struct Key: Hashable {
        var listener: String
        var name: String
    }

    private struct Count {
        var failures: UInt64
        /// Monotonic nanoseconds of the look that found more than the one before.
        var latest: UInt64?
    }

    private var counts: [Key: Count] = [:]

    /// Compares with the look before; of routes that are gone nothing is kept.
    ///
    /// - Parameter now: monotonic nanoseconds.
    mutating func look(at routes: [RouteStatus], now: UInt64) {
        var next: [Key: Count] = [:]
        next.reserveCapacity(routes.count)
        for route in routes {
            let key = Key(listener: route.listener, name: route.name)
            let failures = route.traffic.serverErrors &+ route.traffic.unanswered
            let known = counts[key] ?? Count(failures: 0)
            next[key] = Count(failures: failures, latest: failures > known.failures ? now : known.latest)
        }
        counts = next
    }

    /// Seconds since its latest failure; `nil`: none is known.
    func age(of route: RouteStatus, now: UInt64) -> Double? {
        guard let latest = counts[Key(listener: route.listener, name: route.name)]?.latest else { return nil }
        return Double(now &- min(latest, now)) / 1e9
    }
}
