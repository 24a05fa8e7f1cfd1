import Addresses
import Synchronization
import TrafficModel

/// Keeps what must outlive a reload: members' run-time states, retry budgets, rate-limit tables. One for the process.
///
/// A state is looked up by what it is about, so a snapshot compiled from a new configuration finds those of the old
/// one. It is dropped at the first compilation that does not name it and at which nothing else holds it any more:
/// a member that is removed and put back while requests still run on it gets its state back.
package final class MemberRegistry: Sendable {
    struct MemberKey: Hashable {
        var upstream: String
        var endpoint: Endpoint
        /// Connections made with other TLS settings are connections to something else.
        var tls: Upstream.TLS?
    }

    struct LimiterKey: Hashable {
        var route: String
        var key: Route.RateLimit.Key
    }

    struct RouteKey: Hashable {
        var listener: String
        var route: String
    }

    struct Contents {
        var members: [MemberKey: MemberState] = [:]
        var upstreams: [String: UpstreamState] = [:]
        var limiters: [LimiterKey: RateTable] = [:]
        var routes: [RouteKey: TrafficCounters] = [:]
        var nextSerial: UInt64 = 1
        var nextLayout: UInt64 = 1
        /// Slots below `slots` that no upstream has.
        var freeSlots: [Int] = []
        var slots = 0
        var generator: SeededGenerator
    }

    private let contents: Mutex<Contents>

    /// The seed keeps strangers from choosing which entries of a rate-limit table collide; take it from the system's
    /// random source.
    package init(seed: UInt64) {
        contents = Mutex(Contents(generator: SeededGenerator(seed: seed)))
    }

    /// Members with a state, for tests and the admin API.
    package var memberCount: Int { contents.withLock { $0.members.count } }
    /// Rate-limit tables kept.
    package var rateTableCount: Int { contents.withLock { $0.limiters.count } }

    /// Runs one compilation: `body` asks for states, and those it did not ask for are dropped unless in use.
    func compile<Result>(_ body: (inout Compilation) -> Result) -> Result {
        contents.withLock { contents in
            var compilation = Compilation(contents: contents)
            contents = Contents(generator: contents.generator)
            let result = body(&compilation)
            contents = compilation.finish()
            return result
        }
    }

    /// A view of the registry while one snapshot is compiled.
    struct Compilation {
        private var contents: Contents
        private var namedMembers: Set<MemberKey> = []
        private var namedUpstreams: Set<String> = []
        private var namedLimiters: Set<LimiterKey> = []
        private var namedRoutes: Set<RouteKey> = []

        init(contents: Contents) { self.contents = contents }

        /// The state of an upstream; `isNew` when no snapshot had it before.
        mutating func upstream(_ name: String) -> (state: UpstreamState, isNew: Bool) {
            namedUpstreams.insert(name)
            if let known = contents.upstreams[name] { return (known, false) }
            let slot: Int
            if let free = contents.freeSlots.popLast() {
                slot = free
            } else {
                slot = contents.slots
                contents.slots += 1
            }
            let state = UpstreamState(slot: slot)
            contents.upstreams[name] = state
            return (state, true)
        }

        mutating func member(
            upstream: String, endpoint: Endpoint, tls: Upstream.TLS?
        ) -> (
            state: MemberState, isNew: Bool
        ) {
            let key = MemberKey(upstream: upstream, endpoint: endpoint, tls: tls)
            namedMembers.insert(key)
            if let known = contents.members[key] { return (known, false) }
            let state = MemberState(upstreamName: upstream, endpoint: endpoint, serial: contents.nextSerial)
            contents.nextSerial += 1
            contents.members[key] = state
            return (state, true)
        }

        /// A number that stands for one list of members and weights; the same as last time when nothing changed.
        mutating func layout(of state: UpstreamState, members: [UpstreamState.LayoutMember]) -> UInt64 {
            let next = contents.nextLayout
            let layout = state.layout(for: members, orElse: next)
            if layout == next { contents.nextLayout += 1 }
            return layout
        }

        mutating func limiter(route: String, limit: Route.RateLimit) -> RateLimiter {
            let key = LimiterKey(route: route, key: limit.key)
            namedLimiters.insert(key)
            if let known = contents.limiters[key] { return RateLimiter(limit: limit, table: known) }
            let table = RateTable(seed: contents.generator.next())
            contents.limiters[key] = table
            return RateLimiter(limit: limit, table: table)
        }

        /// What a route of a listener counts.
        mutating func traffic(listener: String, route: String) -> TrafficCounters {
            let key = RouteKey(listener: listener, route: route)
            namedRoutes.insert(key)
            if let known = contents.routes[key] { return known }
            let made = TrafficCounters()
            contents.routes[key] = made
            return made
        }

        /// Drops what was not asked for and what nothing but the registry holds.
        mutating func finish() -> Contents {
            // The keys are copied first: a dictionary that is being iterated is shared, and then so are its states.
            for key in Array(contents.members.keys) where !namedMembers.contains(key) {
                _ = Self.takeIfUnused(&contents.members, key)
            }
            for key in Array(contents.upstreams.keys) where !namedUpstreams.contains(key) {
                if let dropped = Self.takeIfUnused(&contents.upstreams, key) { contents.freeSlots.append(dropped.slot) }
            }
            for key in Array(contents.limiters.keys) where !namedLimiters.contains(key) {
                _ = Self.takeIfUnused(&contents.limiters, key)
            }
            for key in Array(contents.routes.keys) where !namedRoutes.contains(key) {
                _ = Self.takeIfUnused(&contents.routes, key)
            }
            return contents
        }

        private static func takeIfUnused<Key, State: AnyObject>(
            _ states: inout [Key: State], _ key: Key
        ) -> State? {
            guard var state = states.removeValue(forKey: key) else { return nil }
            if isKnownUniquelyReferenced(&state) { return state }
            states[key] = state
            return nil
        }
    }
}
