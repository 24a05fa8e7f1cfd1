import AdminAPI
import ControlPlane
import Logging
import ServiceLifecycle

/// Tells the service manager when the node serves, that it still does, and when it ends.
struct SupervisedService: Service {
    let node: Node
    let manager: ServiceManager
    let logger: Logger

    /// Until the admin socket is there, at most; commands after `systemctl start` shall find it.
    private static let patience = Duration.seconds(5)
    /// How often the status is told where no watchdog asks for more.
    private static let interval = Duration.seconds(10)

    func run() async throws {
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { await report() }
        } onGracefulShutdown: {
            manager.tell("STOPPING=1", "STATUS=ending")
        }
    }

    private func report() async {
        await waitForAdminSocket()
        manager.tell("READY=1", "STATUS=\(await node.summary)")
        let interval = manager.watchdogInterval.map { min($0, Self.interval) } ?? Self.interval
        // Fails only when it is cancelled.
        while (try? await Task.sleep(for: interval)) != nil {
            // A node or a loop that hangs does not come back from here, and then the watchdog hears nothing.
            let stuck = await node.visitThreads()
            guard stuck == 0 else {
                logger.error("threads of DNS answer no more: the watchdog is not told", metadata: ["count": "\(stuck)"])
                continue
            }
            manager.tell("WATCHDOG=1", "STATUS=\(await node.summary)")
        }
    }

    private func waitForAdminSocket() async {
        guard let path = await node.adminSocketPath else { return }
        let deadline = ContinuousClock.now + Self.patience
        while !AdminClient.isAnswering(path), ContinuousClock.now < deadline {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
        }
    }
}
