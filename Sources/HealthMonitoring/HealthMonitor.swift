package import Addresses
package import Logging
package import NIOCore
import NIOPosix
import Synchronization
package import TrafficModel

/// Probes targets on a schedule and tells when their state turns.
///
/// All probes run on one event loop of the group. Methods may be called from any thread and take effect in the order
/// of the calls.
package final class HealthMonitor: Sendable {
    private let loop: any EventLoop
    private let engine: NIOLoopBoundBox<ProbeEngine?>
    private let contexts = Mutex(TLSContexts())
    /// Where probes of this process's own listeners come from.
    package let sources = ProbeSources()

    /// - Parameters:
    ///   - maximumInFlight: probes that run at once; each takes a file descriptor. More wait in line, and are counted.
    ///   - onChange: called on the event loop with the changes of the last few milliseconds; must not block.
    package init(
        group: any EventLoopGroup, logger: Logger, maximumInFlight: Int = 512,
        onChange: @escaping @Sendable ([HealthChange]) -> Void
    ) {
        let loop = group.next()
        let sources = sources
        let box = NIOLoopBoundBox<ProbeEngine?>.makeEmptyBox(eventLoop: loop)
        self.loop = loop
        engine = box
        loop.execute {
            box.value = ProbeEngine(
                loop: loop, maximumInFlight: maximumInFlight, logger: logger, sources: sources, onChange: onChange)
        }
    }

    /// Replaces the set of targets. Kept ones keep state and schedule; new ones are probed at once; probes of removed
    /// ones are cancelled. A new target that asks the same of the same place as a removed one (only its pace, its
    /// limits or its name differ) takes over what was known, and reports it as a change from unknown.
    ///
    /// - Parameters:
    ///   - listeners: where this process listens: probes that go there are noted in ``sources``.
    ///   - tellsDoubts: whether a verdict against the state, and the end of such, is a change too.
    package func update(
        targets: Set<HealthTarget>, listeners: Set<Endpoint> = [], tellsDoubts: Bool = false
    ) {
        let contexts = contexts.withLock { contexts in
            contexts.prepare(for: targets)
            return contexts
        }
        loop.execute {
            self.engine.value?.update(
                targets, listeners: listeners, contexts: contexts, tellsDoubts: tellsDoubts)
        }
    }

    /// Waits until every target was probed once; `false` when that takes longer than `timeout`.
    package func waitForFirstRound(timeout: Duration) async -> Bool {
        let promise = loop.makePromise(of: Bool.self)
        loop.execute {
            guard let engine = self.engine.value else { return promise.succeed(false) }
            engine.waitForFirstRound(promise, timeout: .nanoseconds(max(timeout.nanoseconds, 0)))
        }
        // It only ever succeeds, except when the loop was shut down under it.
        return (try? await promise.futureResult.get()) ?? false
    }

    /// What is known about each target, in no order.
    package func status() async -> [TargetStatus] {
        (try? await loop.submit { self.engine.value?.status() ?? [] }.get()) ?? []
    }

    /// What successful probes measured, in no order.
    package func measurements() async -> [TargetMeasurement] {
        (try? await loop.submit { self.engine.value?.measurements() ?? [] }.get()) ?? []
    }

    package func counts() async -> HealthCounts {
        (try? await loop.submit { self.engine.value?.counts() ?? HealthCounts() }.get()) ?? HealthCounts()
    }

    /// Cancels all probes and stops the schedule, for good. Call it before the group is shut down.
    package func shutdown() async {
        try? await loop.submit {
            self.engine.value?.stop()
            self.engine.value = nil
        }.get()
    }
}
