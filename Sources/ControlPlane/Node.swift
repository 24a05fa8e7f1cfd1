import Addresses
import Authority
import Balancing
package import ConfigurationLoading
import DNSService
import Geography
import HealthMonitoring
package import Logging
import NIOCore
import NIOPosix
import ProxyService
import Telemetry
package import TrafficModel

/// A running node: it owns the inputs, compiles them at each change, and publishes the result to both tiers.
///
/// Changes are made one after another on this actor. A change that cannot be applied leaves everything as it was.
package actor Node {
    private let configurationPath: String
    private let loader: @Sendable (String) -> LoadResult
    private let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let registry: MemberRegistry
    private let seed = UInt64.random(in: .min ... .max)
    private let poolSlots = PoolSlots()
    let started = ContinuousClock.now

    private(set) var compiler: Compiler
    private(set) var overrides = Overrides()
    private var observations = Observations()
    private(set) var snapshot: Snapshot

    private let authority: Published<AuthoritySnapshot>
    private let balancing: Published<BalancingSnapshot>
    private(set) var dns: DNSServer?
    let proxy: ProxyServer
    let health: HealthMonitor
    private let healthChanges: AsyncStream<[HealthChange]>

    /// Loads the configuration, binds every address, and serves. Nothing serves when any part cannot.
    ///
    /// - Parameter loader: how a path becomes an intent; the demo passes one that reads from memory.
    package static func start(
        configurationPath: String,
        loader: @escaping @Sendable (String) -> LoadResult = { ConfigurationLoader.load(path: $0) },
        logger: Logger
    ) async throws(StartError) -> Node {
        let result = loader(configurationPath)
        for warning in result.diagnostics where result.intent != nil { logger.warning("\(warning)") }
        guard let intent = result.intent else {
            throw StartError(reasons: result.diagnostics.map(\.description))
        }
        let node = Node(
            configurationPath: configurationPath, loader: loader, intent: intent,
            geography: result.geography ?? GeographyDatabase(), logger: logger)
        do {
            try await node.begin()
        } catch {
            await node.stop()
            throw StartError(reasons: ["\(configurationPath): \(error)"])
        }
        return node
    }

    private init(
        configurationPath: String, loader: @escaping @Sendable (String) -> LoadResult, intent: Intent,
        geography: GeographyDatabase, logger: Logger
    ) {
        self.configurationPath = configurationPath
        self.loader = loader
        self.logger = logger
        group = MultiThreadedEventLoopGroup(
            numberOfThreads: intent.proxy.threads > 0 ? intent.proxy.threads : System.coreCount)
        registry = MemberRegistry(seed: seed)
        compiler = Compiler(intent: intent, geography: geography, registry: registry, seed: seed, poolSlots: poolSlots)
        snapshot = compiler.compile(
            overrides: overrides, observations: observations, epoch: 1, now: MonotonicClock.now, previous: nil)
        authority = Published(snapshot.authority)
        balancing = Published(snapshot.balancing)
        proxy = ProxyServer(group: group, published: balancing, accessLog: intent.proxy.accessLog, logger: logger)
        let (changes, continuation) = AsyncStream.makeStream(of: [HealthChange].self)
        healthChanges = changes
        health = HealthMonitor(group: group, logger: logger) { continuation.yield($0) }
    }

    private func begin() async throws {
        try await proxy.apply(snapshot.balancing)
        dns = try makeNameServer(compiler.intent.dns)
        health.update(targets: compiler.intent.healthTargets)
        logger.info(
            "serving",
            metadata: [
                "configuration": "\(configurationPath)", "generation": "\(snapshot.generation)",
                "dns.endpoints": "\(compiler.intent.dns.listen.map(\.description).joined(separator: " "))",
                "listeners": "\(compiler.intent.listeners.map(\.endpoint.description).joined(separator: " "))",
            ])
    }

    private func makeNameServer(_ settings: NameServer) throws -> DNSServer? {
        guard !settings.listen.isEmpty else { return nil }
        let server = DNSServer(settings: settings, published: authority, group: group, logger: logger)
        try server.start(replacing: dns?.endpoints ?? [])
        return server
    }

    /// Where operators reach this node; `nil`: nowhere.
    package var adminSocketPath: String? { compiler.intent.admin.socketPath }

    /// Applies what monitors find, until the task is cancelled.
    package func followHealth() async {
        for await changes in healthChanges { apply(changes) }
    }

    private func apply(_ changes: [HealthChange]) {
        for change in changes { observations.health[change.target] = change.state }
        publish()
    }

    private func publish() {
        snapshot = compiler.compile(
            overrides: overrides, observations: observations, epoch: snapshot.epoch + 1, now: MonotonicClock.now,
            previous: snapshot)
        authority.publish(snapshot.authority)
        balancing.publish(snapshot.balancing)
    }

    // MARK: Changes

    /// Reads the configuration again and swaps it in. An error leaves the old one in force.
    package func reload() async -> ReloadOutcome {
        let result = loader(configurationPath)
        guard var intent = result.intent else {
            logger.error(
                "reload refused: the configuration in force stays",
                metadata: ["reasons": "\(result.diagnostics.map(\.description))"])
            return ReloadOutcome(
                applied: false, generation: snapshot.generation, messages: result.diagnostics.map(\.description))
        }
        intent.generation = snapshot.generation + 1
        let candidate = Compiler(
            intent: intent, geography: result.geography ?? GeographyDatabase(), registry: registry, seed: seed,
            poolSlots: poolSlots)
        let next = candidate.compile(
            overrides: overrides, observations: observations, epoch: snapshot.epoch + 1, now: MonotonicClock.now,
            previous: snapshot)
        do {
            let replacement = intent.dns == compiler.intent.dns ? dns : try makeNameServer(intent.dns)
            do {
                try await proxy.apply(next.balancing)
            } catch {
                if replacement !== dns { replacement?.shutdown() }
                throw error
            }
            if replacement !== dns {
                dns?.shutdown()
                dns = replacement
            }
        } catch {
            logger.error("reload refused: the configuration in force stays", metadata: ["reason": "\(error)"])
            return ReloadOutcome(
                applied: false, generation: snapshot.generation, messages: ["\(configurationPath): \(error)"])
        }
        let targets = intent.healthTargets
        observations.keep(targets)
        compiler = candidate
        publish()
        health.update(targets: targets)
        logger.info("reloaded", metadata: ["generation": "\(snapshot.generation)"])
        return ReloadOutcome(
            applied: true, generation: snapshot.generation, messages: result.diagnostics.map(\.description))
    }

    /// Sets or, with `nil`, clears an override; `false` when the configuration has no such thing.
    package func override(_ subject: Overrides.Subject, with entry: Overrides.Entry?) -> Bool {
        guard compiler.intent.has(subject) || (entry == nil && overrides.entries[subject] != nil) else { return false }
        overrides.entries[subject] = entry
        logger.notice(
            "override",
            metadata: [
                "kind": "\(subject.kind)", "name": "\(subject.name)",
                "verdict": "\(entry?.verdict.rawValue ?? "cleared")", "reason": "\(entry?.reason ?? "")",
            ])
        publish()
        return true
    }

    /// Stops taking new work, lets open requests end within the configured drain time, and closes.
    package func stop() async {
        dns?.shutdown()
        await proxy.shutdown(gracefulWithin: compiler.intent.proxy.drainTimeout)
        await health.shutdown()
        try? await group.shutdownGracefully()
    }
}
