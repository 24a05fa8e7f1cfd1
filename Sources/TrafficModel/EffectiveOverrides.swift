internal import DNSWire

/// What overrides, windows and shifts come to for each part of one configuration. It is made once per change of them,
/// so that each further epoch finds its answers by position.
///
/// Of the overrides that match a name of one level, one holds: the exact name before patterns, the pattern that says
/// more of the name before the one that says less, an operator's before a window's, the newer before the older. A
/// virtual server's own goes before its region's. Weights of a region and of what is in it multiply.
package struct EffectiveOverrides: Sendable {
    /// An override and what it was said about.
    package struct Effect: Sendable, Hashable {
        package var subject: Overrides.Subject
        package var entry: Overrides.Entry
    }

    package struct Member: Sendable, Hashable {
        package var upstream: Int
        package var member: Int

        package init(upstream: Int, member: Int) {
            self.upstream = upstream
            self.member = member
        }
    }

    /// Clients of one pool of a wide IP that go to another.
    package struct Redirect: Sendable, Hashable {
        /// Positions in `Intent.pools`.
        package var from: Int
        /// In the order in which they are tried.
        package var to: [Int]
        /// `nil`: a cutover, of all and without a way back.
        package var shift: Int64?

        package init(from: Int, to: [Int], shift: Int64? = nil) {
            self.from = from
            self.to = to
            self.shift = shift
        }
    }

    /// By position in the intent. Verdicts that change what is available; cutovers are in `redirects`.
    package private(set) var wideIPs: [Int: Effect] = [:]
    package private(set) var regions: [Int: Effect] = [:]
    /// A pool's own, or its region's where it has no virtual servers.
    package private(set) var pools: [Int: Effect] = [:]
    /// A virtual server's own, or its region's.
    package private(set) var servers: [Int: Effect] = [:]
    package private(set) var members: [Member: Effect] = [:]

    /// What shares are multiplied by, where it is not 1.
    package private(set) var poolFactors: [Int: Double] = [:]
    package private(set) var serverFactors: [Int: Double] = [:]
    package private(set) var memberFactors: [Member: Double] = [:]

    /// By wide IP.
    package private(set) var redirects: [Int: [Redirect]] = [:]
    /// Pools that are cut over in every wide IP that has them, with what takes over: its state counts for theirs.
    package private(set) var substitutes: [Int: [Int]] = [:]
    /// By region and by pool: the cutover that takes everything from it.
    package private(set) var regionCutovers: [Int: Effect] = [:]
    package private(set) var poolCutovers: [Int: Effect] = [:]
    /// Where shifts stand. Only this changes as they go on.
    package var progress: [Int64: Double] = [:]

    package init() {}

    /// - Parameter windows: all that there are, by name; those with a run hold.
    package init(_ state: OperatorState, windows: [String: MaintenanceWindow], in intent: Intent) {
        var states = state.overrides.entries.map { Effect(subject: $0, entry: $1) }
        for (name, run) in state.runs {
            guard let window = windows[name] else { continue }
            states.append(Effect(subject: window.subject, entry: window.entry(named: name, in: run)))
        }
        let weights = state.overrides.weights.map { Effect(subject: $0, entry: $1) }
        guard !states.isEmpty || !weights.isEmpty || !state.shifts.isEmpty else { return }
        resolve(Layers(states), in: intent)
        multiply(Layers(weights), in: intent)
        redirect(Layers(states), state.shifts, in: intent)
        progress = state.shifts.mapValues(\.progress)
    }

    /// Of overrides alone.
    package init(_ overrides: Overrides, in intent: Intent) {
        var state = OperatorState()
        state.overrides = overrides
        self.init(state, windows: [:], in: intent)
    }

    // MARK: Verdicts

    private mutating func resolve(_ layers: Layers, in intent: Intent) {
        let kept = { (effect: Effect?) in effect?.entry.verdict == .cutover ? nil : effect }
        if layers.has(.region) {
            for (index, region) in intent.regions.enumerated() {
                regions[index] = kept(layers.effect(.region, region.name))
            }
        }
        if layers.has(.wideIP) {
            for (index, wideIP) in intent.wideIPs.enumerated() {
                wideIPs[index] = layers.effect(.wideIP, wideIP.name.description)
            }
        }
        if layers.has(.virtualServer) || !regions.isEmpty {
            for (index, server) in intent.virtualServers.enumerated() {
                servers[index] = layers.effect(.virtualServer, server.name) ?? regions[server.region]
            }
        }
        if layers.has(.pool) || !regions.isEmpty {
            for (index, pool) in intent.pools.enumerated() {
                let inherited = pool.virtualServers.isEmpty ? pool.region.flatMap { regions[$0] } : nil
                pools[index] = kept(layers.effect(.pool, pool.name)) ?? inherited
            }
        }
        if layers.has(.member) {
            Self.forEachMember(of: intent) { position, name in members[position] = layers.effect(.member, name) }
        }
    }

    private mutating func multiply(_ layers: Layers, in intent: Intent) {
        func factor(_ kind: Overrides.Subject.Kind, _ name: String) -> Double {
            layers.effect(kind, name)?.entry.factor ?? 1
        }
        func note(_ factor: Double, _ key: WritableKeyPath<Self, [Int: Double]>, _ index: Int) {
            if factor != 1 { self[keyPath: key][index] = factor }
        }
        let ofRegions = layers.has(.region) ? intent.regions.map { factor(.region, $0.name) } : []
        let ofRegion = { (region: Int?) in ofRegions.isEmpty ? 1 : region.map { ofRegions[$0] } ?? 1 }
        if layers.has(.virtualServer) || !ofRegions.isEmpty {
            for (index, server) in intent.virtualServers.enumerated() {
                note(factor(.virtualServer, server.name) * ofRegion(server.region), \.serverFactors, index)
            }
        }
        if layers.has(.pool) || !ofRegions.isEmpty {
            for (index, pool) in intent.pools.enumerated() {
                note(factor(.pool, pool.name) * ofRegion(pool.region), \.poolFactors, index)
            }
        }
        if layers.has(.member) {
            Self.forEachMember(of: intent) { position, name in
                let factor = factor(.member, name)
                if factor != 1 { memberFactors[position] = factor }
            }
        }
    }

    private static func forEachMember(of intent: Intent, _ body: (Member, String) -> Void) {
        for (upstreamIndex, upstream) in intent.upstreams.enumerated() {
            for (index, member) in upstream.members.enumerated() {
                body(Member(upstream: upstreamIndex, member: index), "\(upstream.name)/\(member.endpoint)")
            }
        }
    }

    // MARK: Redirects

    /// Where a cutover sends the clients of a pool of a wide IP; positions in the intent.
    package func cutover(of pool: Int, in wideIP: Int) -> Redirect? {
        redirects.isEmpty ? nil : redirects[wideIP]?.first { $0.from == pool && $0.shift == nil }
    }

    private mutating func redirect(_ layers: Layers, _ shifts: [Int64: Shift], in intent: Intent) {
        for (index, pool) in intent.pools.enumerated() {
            let own = layers.effect(.pool, pool.name)
            let effect = own ?? pool.region.flatMap { layers.effect(.region, intent.regions[$0].name) }
            if let effect, effect.entry.verdict == .cutover { poolCutovers[index] = effect }
        }
        for (index, region) in intent.regions.enumerated() {
            if let effect = layers.effect(.region, region.name), effect.entry.verdict == .cutover {
                regionCutovers[index] = effect
            }
        }
        guard !poolCutovers.isEmpty || !shifts.isEmpty else { return }
        var uses: [Int: Int] = [:]
        var ordered: [Int: [[Int]]] = [:]
        for (index, wideIP) in intent.wideIPs.enumerated() {
            var found: [Redirect] = []
            for pool in wideIP.pools {
                uses[pool, default: 0] += 1
                guard let effect = poolCutovers[pool], let target = effect.entry.target else { continue }
                let to = wideIP.pools.filter { intent.pools[$0].isOf(effect.subject.kind, target, in: intent) }
                if !to.isEmpty { found.append(Redirect(from: pool, to: to)) }
            }
            for (id, shift) in shifts.sorted(by: { $0.key < $1.key }) where shift.concerns(wideIP) {
                let to = wideIP.pools.filter { intent.pools[$0].isOf(shift.kind, shift.to, in: intent) }
                guard !to.isEmpty else { continue }
                for pool in wideIP.pools where intent.pools[pool].isOf(shift.kind, shift.from, in: intent) {
                    found.append(Redirect(from: pool, to: to, shift: id))
                }
            }
            guard !found.isEmpty else { continue }
            found = Self.followed(found)
            redirects[index] = found
            for redirect in found where redirect.shift == nil {
                ordered[redirect.from, default: []].append(redirect.to)
            }
        }
        for (pool, targets) in ordered where targets.count == uses[pool] && Set(targets).count == 1 {
            substitutes[pool] = targets[0]
        }
    }

    /// What goes to a pool that is cut over itself goes on to what took over.
    private static func followed(_ redirects: [Redirect]) -> [Redirect] {
        let orders = Dictionary(
            redirects.filter { $0.shift == nil }.map { ($0.from, $0.to) }, uniquingKeysWith: { first, _ in first })
        return redirects.map { redirect in
            var redirect = redirect
            var seen: Set<Int> = [redirect.from]
            while let next = redirect.to.first(where: { orders[$0] != nil }), seen.insert(next).inserted {
                redirect.to = redirect.to.flatMap { $0 == next ? orders[next] ?? [] : [$0] }
            }
            return redirect
        }
    }
}

/// Overrides by level, for look-ups by name.
private struct Layers {
    private var exact: [Overrides.Subject: EffectiveOverrides.Effect] = [:]
    /// The one that goes first is first.
    private var patterns: [Overrides.Subject.Kind: [(glob: Glob, effect: EffectiveOverrides.Effect)]] = [:]
    private var kinds: Set<Overrides.Subject.Kind> = []

    init(_ effects: [EffectiveOverrides.Effect]) {
        let ranked = effects.map { ($0, Glob($0.subject.name)) }.map {
            (effect: $0, glob: $1, literals: $1.literalCount)
        }
        for (effect, glob, _) in ranked.sorted(by: Self.goesFirst) {
            kinds.insert(effect.subject.kind)
            if glob.isPattern {
                patterns[effect.subject.kind, default: []].append((glob, effect))
            } else if exact[effect.subject] == nil {
                exact[effect.subject] = effect
            }
        }
    }

    func has(_ kind: Overrides.Subject.Kind) -> Bool { kinds.contains(kind) }

    func effect(_ kind: Overrides.Subject.Kind, _ name: String) -> EffectiveOverrides.Effect? {
        guard kinds.contains(kind) else { return nil }
        return exact[Overrides.Subject(kind, name)]
            ?? patterns[kind]?.first { $0.glob.matches(name) }?.effect
    }

    private typealias Ranked = (effect: EffectiveOverrides.Effect, glob: Glob, literals: Int)

    private static func goesFirst(_ left: Ranked, _ right: Ranked) -> Bool {
        if left.literals != right.literals { return left.literals > right.literals }
        let (one, other) = (left.effect, right.effect)
        let windows = (one.entry.window ?? "", other.entry.window ?? "")
        if windows.0.isEmpty != windows.1.isEmpty { return windows.0.isEmpty }
        if one.entry.since != other.entry.since { return one.entry.since > other.entry.since }
        return (one.subject.name, windows.0) < (other.subject.name, windows.1)
    }
}

extension Pool {
    /// Whether it is the pool of that name, or a pool of the region of that name.
    package func isOf(_ kind: Overrides.Subject.Kind, _ name: String, in intent: Intent) -> Bool {
        kind == .pool ? self.name == name : region.map { intent.regions[$0].name == name } ?? false
    }
}

extension Shift {
    package func concerns(_ wide: WideIP) -> Bool { wideIP == "*" || Glob(wideIP).matches(wide.name.description) }
}

extension MaintenanceWindow {
    /// What it says while it runs.
    package func entry(named name: String, in run: WindowRun) -> Overrides.Entry {
        Overrides.Entry(
            verdict: run.phase == .draining ? .drain : verdict, reason: reason, author: author, window: name,
            since: run.starts, expires: run.ends)
    }
}
