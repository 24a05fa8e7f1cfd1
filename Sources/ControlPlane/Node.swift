import Addresses
import Authority
import Balancing
package import ConfigurationLoading
import DNSService
import DNSWire
import Geography
import HealthMonitoring
package import Logging
import NIOCore
import NIOPosix
import ProxyService
import Sockets
import StateStore
import Steering
package import Telemetry
import TrafficModel

/// A running node: it owns the inputs, compiles them at each change, and publishes the result to both tiers.
///
/// Changes are made one after another, in the order they came. A change that cannot be applied leaves everything as it
/// was.
package actor Node {
    let configurationPath: String
    private let loader: Loader
    let logger: Logger
    private let log: ProgramLog?
    let group: MultiThreadedEventLoopGroup
    /// The VIP tier's loops.
    private let sockets: SocketLoopGroup
    private let registry: MemberRegistry
    private let seed = UInt64.random(in: .min ... .max)
    private let cookieSeed = SipKey(first: .random(in: .min ... .max), second: .random(in: .min ... .max))
    let poolSlots = PoolSlots()
    let pairSlots = PairSlots()
    let started = ContinuousClock.now

    private(set) var compiler: Compiler {
        didSet { accessSettings.set(compiler.intent) }
    }
    nonisolated let accessSettings: AccessSettings
    /// `nil`: nobody serves `accessSettings`, or not yet.
    var accessFollower: (any AccessFollower)?
    /// What the node does beside its data planes.
    var meter = NodeMeter()
    /// What wide IPs and pools did, for their objectives.
    var services = ServiceLevels()
    var routeFailures = RouteFailures()
    /// What came from zone files: a reload takes over what did not change.
    private(set) var zones: ZoneCache
    /// Of the configuration in force.
    private(set) var diagnostics: [Diagnostic]
    /// Zone files that the configuration in force goes without.
    private(set) var zoneFailures: [ZoneFailure] = []
    /// The latest reload, where it was refused.
    private(set) var refusedReload: NodeStatus.RefusedReload?
    var operators: OperatorState
    /// What `operators` comes to for this configuration.
    var effective: EffectiveOverrides
    var timetable = Timetable()
    /// Runs of windows that may not begin, and the epoch in which that was found.
    var refusedRuns: [String: RefusedRun] = [:]
    /// Of shifts, as far as it is on the disk.
    var storedProgress: [Int64: Double]
    /// Verdicts of monitors that are not on the disk yet.
    var unwrittenHealth: [HealthMemory: HealthState] = [:]
    /// `nil`: nothing outlives the process.
    let store: StateStore?
    /// Without a store.
    var recentAudit = RecentAudit()
    var failback: FailbackTracker
    let changes = Turnstile(line: Turnstile.changeLine)
    var revisions: Revisions
    var observations: Observations
    /// What happens here, for those who watch.
    package nonisolated let journal = Journal()
    package nonisolated let adminCounters = AdminCounters()
    var watch: Watch
    var (accessLines, queryLines) = (LostLines(), LostLines())
    private(set) var snapshot: Snapshot

    private let authority: Published<AuthoritySnapshot>
    private let balancing: Published<BalancingSnapshot>
    private(set) var dns: DNSServer?
    let dnsCounters = DNSCounters()
    let proxy: ProxyServer
    let health: HealthMonitor
    let inherited: InheritedSockets
    let healthChanges: AsyncStream<[HealthChange]>

    /// How a path becomes an intent; at a reload with the zones in force.
    package typealias Loader = @Sendable (String, ZoneCache?) -> LoadResult

    /// Loads the configuration, binds every address, and serves. Nothing serves when any part cannot.
    ///
    /// - Parameters:
    ///   - loader: the demo passes one that reads from memory.
    ///   - log: what `logger` writes to; it is told what the configuration says of it.
    ///   - inherited: sockets that a service manager bound.
    package static func start(
        configurationPath: String,
        loader: @escaping Loader = {
            ConfigurationLoader.load(path: $0, reusing: $1, judgedBy: CertificateFiles.judge)
        },
        log: ProgramLog? = nil,
        inherited: InheritedSockets? = nil,
        logger: Logger
    ) async throws(StartError) -> Node {
        let result = loader(configurationPath, nil)
        if let settings = result.intent?.log { log?.set(settings) }
        for warning in result.diagnostics where result.intent != nil { logger.warning("\(warning)") }
        guard let intent = result.intent else {
            throw StartError(reasons: result.diagnostics.map(\.description))
        }
        let store: StateStore?
        let operators: OperatorState
        let health: [HealthMemory: HealthState]
        do throws(StateStoreError) {
            store = if let path = intent.admin.statePath { try StateStore(path: path) } else { nil }
            operators = try store?.state() ?? OperatorState()
            health = try store?.health() ?? [:]
        } catch {
            throw StartError(reasons: ["\(configurationPath): admin.state: \(error)"])
        }
        let sockets: SocketLoopGroup
        do throws(SocketError) {
            sockets = try SocketLoopGroup(threads: Self.threads(intent))
        } catch {
            throw StartError(reasons: ["the loops for connections cannot be made: \(error)"])
        }
        let node = Node(
            configurationPath: configurationPath, loader: loader, intent: intent,
            geography: result.geography ?? GeographyDatabase(), zones: result.zones, diagnostics: result.diagnostics,
            operators: operators,
            observations: Observations(health, for: intent.healthTargets), store: store, sockets: sockets,
            log: log, inherited: inherited ?? InheritedSockets(logger: logger), logger: logger)
        FreedMemory.giveBack()
        do {
            try await node.begin()
        } catch {
            await node.stop()
            throw StartError(reasons: ["\(configurationPath): \(error)"])
        }
        return node
    }

    private init(
        configurationPath: String, loader: @escaping Loader, intent: Intent, geography: GeographyDatabase,
        zones: ZoneCache, diagnostics: [Diagnostic], operators: OperatorState, observations: Observations,
        store: StateStore?, sockets: SocketLoopGroup, log: ProgramLog?, inherited: InheritedSockets,
        logger: Logger
    ) {
        self.inherited = inherited
        self.log = log
        self.configurationPath = configurationPath
        self.loader = loader
        self.zones = zones
        self.diagnostics = diagnostics
        self.operators = operators
        self.observations = observations
        effective = EffectiveOverrides(
            operators, windows: intent.windows.merging(operators.windows) { configured, _ in configured }, in: intent)
        failback = FailbackTracker(locked: operators.locks)
        storedProgress = operators.shifts.mapValues(\.progress)
        self.store = store
        self.logger = logger
        self.sockets = sockets
        group = MultiThreadedEventLoopGroup(numberOfThreads: Self.threads(intent))
        registry = MemberRegistry(seed: seed)
        accessSettings = AccessSettings(intent)
        compiler = Compiler(
            intent: intent, geography: geography, registry: registry, seed: seed, cookieSeed: cookieSeed,
            poolSlots: poolSlots, pairSlots: pairSlots)
        snapshot = compiler.compile(
            overrides: effective, observations: observations, epoch: 1, now: MonotonicClock.now, previous: nil)
        revisions = Revisions(start: journal.end)
        watch = Watch(snapshot, intent: intent, overrides: effective)
        authority = Published(snapshot.authority)
        balancing = Published(snapshot.balancing)
        let (changes, continuation) = AsyncStream.makeStream(of: [HealthChange].self)
        healthChanges = changes
        let health = HealthMonitor(group: group, logger: logger) { continuation.yield($0) }
        self.health = health
        proxy = ProxyServer(
            group: sockets, published: balancing, accessLog: intent.proxy.accessLog, logger: logger,
            descriptors: DescriptorLimit.current, isOwnProbe: { health.sources.take($0) })
    }

    private static func threads(_ intent: Intent) -> Int {
        intent.proxy.threads > 0 ? intent.proxy.threads : System.coreCount
    }

    private func begin() async throws {
        // Windows that began and overrides that ended while the node was down count from the first answer on.
        await advance(to: .now, elapsed: .zero)
        updateConditions()
        try await proxy.apply(snapshot.balancing, inherited: inherited.forListeners)
        dns = try await makeNameServer(compiler.intent.dns)
        keepInherited()
        health.update(
            targets: compiler.intent.healthTargets, listeners: compiler.intent.listeningEndpoints,
            tellsDoubts: compiler.intent.usesStateTTL)
        logger.info(
            "serving",
            metadata: [
                "configuration": "\(configurationPath)", "generation": "\(snapshot.generation)",
                "dns.endpoints": "\(compiler.intent.dns.listen.map(\.description).joined(separator: " "))",
                "listeners": "\(compiler.intent.listeners.map(\.endpoint.description).joined(separator: " "))",
            ])
        journal.record(NodeEvent(.start, to: "generation \(snapshot.generation)"))
        warnOfFewDescriptors()
    }

    /// Each client's connection needs one, and another towards its member.
    private func warnOfFewDescriptors() {
        let wanted = compiler.intent.proxy.limits.connections
        guard !compiler.intent.listeners.isEmpty, let limit = DescriptorLimit.current else { return }
        let allowed = DescriptorShare(descriptors: limit).connections
        guard allowed < wanted else { return }
        logger.warning(
            "proxy.limits.connections is more than the system has descriptors for, so that fewer are taken; raise its limit (ulimit -Hn)",
            metadata: ["descriptors": "\(limit)", "taken": "\(allowed)", "connections": "\(wanted)"])
    }

    private func makeNameServer(_ settings: NameServer) async throws -> DNSServer? {
        guard !settings.listen.isEmpty else { return nil }
        let server = DNSServer(
            settings: settings, published: authority, group: group, counters: dnsCounters, logger: logger)
        try await server.start(replacing: dns?.endpoints ?? [], inherited: inherited.forDNS)
        return server
    }

    private func keepInherited() {
        inherited.keep(dns: compiler.intent.dns.listen, listeners: compiler.intent.listeners.map(\.endpoint))
    }

    /// Where operators reach this node; `nil`: nowhere.
    package var adminSocketPath: String? { compiler.intent.admin.socketPath }

    /// - Parameter availability: what can have changed who is available; `nil`: anything.
    func publish(_ availability: AvailabilityChanges? = nil) {
        let began = MonotonicClock.now
        snapshot = compiler.compile(
            overrides: effective, observations: observations, epoch: snapshot.epoch + 1, now: began,
            previous: snapshot, changes: availability)
        meter.compiled(in: MonotonicClock.now &- began)
        authority.publish(snapshot.authority)
        balancing.publish(snapshot.balancing)
        noteTurns()
    }

    // MARK: Changes

    /// Reads the configuration again and swaps it in. An error leaves the old one in force.
    ///
    /// - Throws: `ChangeError.busy`.
    package func reload(by author: Author) async throws(ChangeError) -> ReloadOutcome {
        try await takeTurn()
        defer { changes.leave() }
        let outcome = await replaceConfiguration()
        if Trial.current != nil { return outcome }
        meter.reloaded(isApplied: outcome.applied)
        refusedReload = outcome.refusal(at: .now)
        if !outcome.applied { outcome.tellRefusal(logger) }
        await record(
            AuditRecord(
                time: .now, author: author.name, origin: author.origin, action: .reload,
                detail: outcome.applied ? "generation \(outcome.generation)" : "refused",
                reason: outcome.applied ? "" : outcome.errors.first ?? ""))
        return outcome
    }

    private func replaceConfiguration() async -> ReloadOutcome {
        let result = await load(reusing: zones)
        guard var intent = result.intent else { return refused(result.diagnostics) }
        guard intent.admin.statePath == compiler.intent.admin.statePath else {
            return refused("admin.state cannot change while the node runs; restart it")
        }
        let running = compiler.intent
        for (key, isOther) in [
            ("admin.socket", intent.admin.socketPath != running.admin.socketPath),
            ("admin.listen", intent.admin.listener?.endpoint != running.admin.listener?.endpoint),
            ("metrics.listen", intent.metrics.listen != running.metrics.listen),
        ] where isOther {
            return refused("\(key) cannot change while the node runs; restart it")
        }
        let takeOverAccess: @Sendable () -> Void
        do {
            takeOverAccess = try prepareAccess(intent)
        } catch {
            return refused("admin.tls: \(error)")
        }
        intent.generation = snapshot.generation + 1
        let candidate = await makeCompiler(
            for: intent, geography: result.geography ?? GeographyDatabase(), previous: compiler)
        let overrides = EffectiveOverrides(
            operators, windows: intent.windows.merging(operators.windows) { configured, _ in configured }, in: intent)
        if let trial = Trial.current {
            let steering = steering(of: candidate, overrides)
            trial.record(await preview(of: candidate, steering, overrides))
            return ReloadOutcome(
                applied: true, generation: intent.generation,
                result.diagnostics + remarks(on: intent, steering, overrides))
        }
        let next = candidate.compile(
            overrides: overrides, observations: observations, epoch: snapshot.epoch + 1, now: MonotonicClock.now,
            previous: snapshot)
        do {
            let replacement = intent.dns.servesLike(compiler.intent.dns) ? dns : try await makeNameServer(intent.dns)
            do {
                try await proxy.apply(next.balancing, inherited: inherited.forListeners)
            } catch {
                if replacement !== dns { replacement?.shutdown() }
                throw error
            }
            if replacement !== dns {
                dns?.shutdown()
                dns = replacement
            }
        } catch {
            return refused("\(error)")
        }
        let targets = intent.healthTargets
        forgetHealth(of: compiler.intent.healthTargets, but: targets)
        observations.keep(targets)
        if compiler.intent.windows != intent.windows { revisions.bump([.overrides, .windows]) }
        compiler = candidate
        takeOverAccess()
        keepInherited()
        log?.set(intent.log)
        effective = overrides
        _ = failback.update(
            intent, servers: compiler.failbackServers, health: observations.health, now: MonotonicClock.now)
        observations.conditions = failback.conditions
        zones = result.zones
        diagnostics = result.diagnostics
        zoneFailures = result.zoneFailures
        publish()
        health.update(targets: targets, listeners: intent.listeningEndpoints, tellsDoubts: intent.usesStateTTL)
        FreedMemory.giveBack()
        for failure in zoneFailures {
            logger.error(
                "a zone file is broken",
                metadata: [
                    "zone": "\(failure.origin)", "file": "\(failure.file)", "served": "\(failure.isServed)",
                    "reasons": "\(failure.messages.joined(separator: "; "))",
                ])
            journal.record(
                NodeEvent(
                    .zoneBroken, .init("zone", failure.origin.isEmpty ? failure.file : failure.origin),
                    to: failure.isServed ? "served as before" : "not served",
                    reason: failure.messages.joined(separator: "; ")))
        }
        logger.info(
            "reloaded",
            metadata: ["generation": "\(snapshot.generation)", "zone.files.read": "\(result.zoneFilesRead)"])
        warnOfFewDescriptors()
        let remarks = remarks(on: intent, snapshot.authority.steering, effective)
        for remark in remarks { logger.warning("\(remark.message)") }
        return ReloadOutcome(
            applied: true, generation: snapshot.generation, result.diagnostics + remarks, failures: zoneFailures)
    }

    // Reading and compiling a large configuration takes seconds. They run beside the actor, which goes on to apply what
    // monitors find.

    @concurrent
    nonisolated func load(reusing zones: ZoneCache) async -> LoadResult { loader(configurationPath, zones) }

    @concurrent
    private nonisolated func makeCompiler(
        for intent: Intent, geography: GeographyDatabase, previous: Compiler
    ) async -> Compiler {
        Compiler(
            intent: intent, geography: geography, registry: registry, seed: seed, cookieSeed: cookieSeed,
            poolSlots: poolSlots, pairSlots: pairSlots, previous: previous)
    }

    private func refused(_ diagnostics: [Diagnostic]) -> ReloadOutcome {
        ReloadOutcome(applied: false, generation: snapshot.generation, diagnostics)
    }

    /// For what is wrong with the configuration as a whole.
    private func refused(_ message: String) -> ReloadOutcome {
        refused([Diagnostic(severity: .error, file: configurationPath, line: 0, column: 0, message: message)])
    }

    /// Stops taking new work, lets open requests end within the configured drain time, and closes.
    package func stop() async {
        journal.close()
        dns?.shutdown()
        await proxy.shutdown(gracefulWithin: compiler.intent.proxy.drainTimeout)
        // It has been told to end above, so that it has had as much time as the access log.
        await dnsCounters.logs.close()
        await health.shutdown()
        // Fails only when it has ended already.
        try? await sockets.shutdownGracefully()
        try? await group.shutdownGracefully()
    }
}
