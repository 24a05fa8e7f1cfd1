import AdminAPI
import ArgumentParser
import ControlPlane
import Logging
import ServiceLifecycle
import UnixSignals

/// Runs a started node until a signal ends it, or a part of it cannot serve.
enum NodeServices {
    static func run(_ node: Node, _ signals: NodeSignals, logger: Logger) async throws {
        var services: [any Service] = [
            NodeService(node: node), ReloadOnHangup(node: node, signals: signals.hangup),
            ReopenLogs(node: node, signals: signals.user),
        ]
        let metrics = MetricsEndpoint(node: node)
        if let service = MetricsService(metrics, of: node, logger: logger) { services.append(service) }
        let (socketPath, listener) = (await node.adminSocketPath, node.adminListener)
        if socketPath != nil || listener != nil {
            services.append(AdminService(node: node, socketPath: socketPath, metrics: metrics, logger: logger))
        }
        if let manager = ServiceManager() {
            services.append(SupervisedService(node: node, manager: manager, logger: logger))
        }
        // It tells of its own doings what nobody asked, and of an error twice.
        let quiet = Logger(label: "meridian.services") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(
            configuration: .init(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
        do {
            try await group.run()
        } catch {
            Terminal.error("\(error)")
            throw ExitCode(1)
        }
    }
}

/// Signals that tell a running node something. They are trapped before it starts, so that one that comes early waits for
/// it instead of ending the process.
struct NodeSignals {
    let hangup: UnixSignalsSequence
    let user: UnixSignalsSequence

    init() async {
        hangup = await UnixSignalsSequence(trapping: .sighup)
        user = await UnixSignalsSequence(trapping: .sigusr1)
    }
}

/// The data planes and the monitors, from here to shutdown.
struct NodeService: Service {
    let node: Node

    func run() async throws {
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown {
                async let time: Void = node.followTime()
                async let measurements: Void = node.followMeasurements()
                async let failbacks: Void = node.followFailback()
                async let services: Void = node.followServices()
                await node.followHealth()
                await time
                await measurements
                await failbacks
                await services
            }
        } onGracefulShutdown: {
        }
        await node.stop()
    }
}

/// SIGHUP reads the configuration again.
struct ReloadOnHangup: Service {
    let node: Node
    let signals: UnixSignalsSequence

    func run() async throws {
        for await _ in signals.cancelOnGracefulShutdown() {
            // One that is turned away is in the log.
            _ = try? await node.reload(by: .signal)
        }
    }
}

/// SIGUSR1 opens the logs again by their paths: what rotates logs sends it after renaming them.
struct ReopenLogs: Service {
    let node: Node
    let signals: UnixSignalsSequence

    func run() async throws {
        for await _ in signals.cancelOnGracefulShutdown() {
            await node.reopenLogs()
        }
    }
}
