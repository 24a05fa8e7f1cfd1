import Addresses
import ConfigurationLoading
package import ControlPlane
import DNSWire
import Geography
import Logging
import NIOCore
import NIOPosix
import UnixSignals

/// The three-region picture on loopback addresses: one node with both roles, member servers, clients, and a view.
package enum Demo {
    /// Runs until the person quits, a signal comes, or the tour ends.
    ///
    /// - Parameter operate: lets operators reach the node, until it is cancelled; what it throws ends the demo.
    /// - Returns: whether all went well: always, but for a tour that failed or was interrupted.
    package static func run(
        _ options: DemoOptions, operate: (@Sendable (Node) async throws -> Void)? = nil
    ) async throws(DemoError) -> Bool {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result: Result<Bool, DemoError>
        do throws(DemoError) {
            result = .success(try await prepare(options, operate: operate, on: group))
        } catch {
            result = .failure(error)
        }
        // The loops end with the process at the latest.
        try? await group.shutdownGracefully()
        return try result.get()
    }

    private static func prepare(
        _ options: DemoOptions, operate: (@Sendable (Node) async throws -> Void)?, on group: MultiThreadedEventLoopGroup
    ) async throws(DemoError) -> Bool {
        var options = options
        let reserved = try options.dashboard?.choosePort()
        defer { withExtendedLifetime(reserved) {} }
        let plan = DemoPlan(options: options)
        let source = DemoSource(plan)
        guard source.loaded.intent != nil, let geography = source.loaded.geography else {
            let reasons = source.loaded.diagnostics.map(\.description).joined(separator: "\n")
            throw DemoError(reason: "\(reasons)\nThe demo needs country data: apt-get install tor-geoipdb")
        }
        return try await play(
            plan, source: source, geography: geography, options: options, operate: operate, on: group)
    }

    private static func play(
        _ plan: DemoPlan, source: DemoSource, geography: GeographyDatabase, options: DemoOptions,
        operate: (@Sendable (Node) async throws -> Void)?, on group: MultiThreadedEventLoopGroup
    ) async throws(DemoError) -> Bool {
        try await Loopback.require(plan.virtualServers[0].endpoint.address, on: group)
        let members = plan.members.map { DemoMember(plan: $0, group: group) }
        for member in members {
            do {
                try await member.revive()
            } catch {
                throw DemoError(
                    reason: """
                        cannot serve member \(member.plan.name) at \(member.plan.endpoint): \(error)
                        Choose another port with --member-port.
                        """)
            }
        }
        let node: Node
        do {
            node = try await Node.start(
                configurationPath: DemoSource.name, loader: { _, _ in source.load() },
                logger: Logger(label: "meridian.demo") { _ in SwiftLogNoOpLogHandler() })
        } catch {
            throw DemoError(
                reason: """
                    \(error)
                    The demo serves DNS on \(plan.dns.map(\.description).joined(separator: " and ")) and its VIPs on port \
                    \(options.httpPort) of 127.1.0.1 to 127.3.0.2.
                    If one is taken, choose another with --dns-port or --http-port.
                    """)
        }
        let start = ContinuousClock.now
        let result: Result<Bool, DemoError>
        do throws(DemoError) {
            let clients = try await clients(plan, geography: geography, on: group)
            let stage = DemoStage(
                plan: plan, node: node, source: source, members: members, clients: clients, start: start)
            result = .success(try await follow(stage, node: node, options: options, operate: operate, on: group))
        } catch {
            result = .failure(error)
        }
        await node.stop()
        for member in members { await member.kill() }
        return try result.get()
    }

    private static func clients(
        _ plan: DemoPlan, geography: GeographyDatabase, on group: any EventLoopGroup
    ) async throws(DemoError) -> [DemoClient] {
        let networks = ClientNetworks.find(DemoPlan.countries.map(\.code), in: geography)
        guard let service = DomainName(DemoPlan.service) else { return [] }
        var clients: [DemoClient] = []
        for country in DemoPlan.countries {
            guard let subnet = networks[country.code] else {
                throw DemoError(reason: "\(plan.geoIPv4Path) has no network of \(country.code)")
            }
            clients.append(
                DemoClient(
                    country: country, subnet: subnet, service: service, port: plan.virtualServers[0].endpoint.port,
                    dns: try await exchange(plan, on: group), group: group))
        }
        return clients
    }

    private static func exchange(_ plan: DemoPlan, on group: any EventLoopGroup) async throws(DemoError) -> DNSExchange
    {
        do {
            return try await DNSExchange.open(to: plan.dns[0], on: group, timeout: DemoClient.patience / 2)
        } catch {
            throw DemoError(reason: "cannot open a client's socket: \(error)")
        }
    }

    /// The clients and the monitors run beside what the person, or the tour, does; its end ends all.
    private static func follow(
        _ stage: DemoStage, node: Node, options: DemoOptions, operate: (@Sendable (Node) async throws -> Void)?,
        on group: any EventLoopGroup
    ) async throws(DemoError) -> Bool {
        let dns = try await exchange(stage.plan, on: group)
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        return await withTaskGroup(of: Bool?.self) { tasks in
            tasks.addTask {
                await node.followHealth()
                return nil
            }
            tasks.addTask {
                await node.followTime()
                return nil
            }
            tasks.addTask {
                await node.followServices()
                return nil
            }
            if let operate {
                tasks.addTask {
                    do {
                        try await operate(node)
                        return nil
                    } catch {
                        // Cancelled with the others when the demo ends.
                        if Task.isCancelled { return nil }
                        Terminal.write("\(error)\n")
                        return false
                    }
                }
            }
            for (index, client) in stage.clients.enumerated() {
                let delay = stage.plan.timing.lifetime * index / stage.clients.count
                tasks.addTask {
                    await client.run(after: delay)
                    return nil
                }
            }
            tasks.addTask {
                for await _ in signals { return !options.tour }
                return nil
            }
            tasks.addTask {
                if options.tour { return await DemoTour(stage: stage, dns: dns) { Terminal.write($0 + "\n") }.run() }
                var console = DemoConsole(stage: stage)
                if !options.plain, Terminal.isInteractive, let terminal = Terminal.open() {
                    await console.run(on: terminal)
                } else {
                    await console.runPlain()
                }
                return true
            }
            var outcome = false
            for await finished in tasks {
                if let finished {
                    outcome = finished
                    break
                }
            }
            tasks.cancelAll()
            await tasks.waitForAll()
            dns.close()
            return outcome
        }
    }
}
