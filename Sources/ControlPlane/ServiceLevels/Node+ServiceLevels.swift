import Logging
import StateStore
import Telemetry
import TrafficModel

extension Node {
    private static let serviceInterval = Duration.seconds(1)
    /// Looks between two times that records are written down: what is lost when the node is killed.
    private static let looksBetweenWrites = 60

    /// Watches what wide IPs and pools do, until the task is cancelled.
    package func followServices() async {
        var meter = ServiceMeter()
        var generation: UInt64 = 0
        var looks = 0
        recallServices()
        while !Task.isCancelled {
            let settings = compiler.intent.objectives
            let counts = meter.look(compiler.intent, snapshot, effective, now: MonotonicClock.now)
            if snapshot.generation != generation {
                generation = snapshot.generation
                services.keep(meter.subjects, days: settings.days)
            }
            services.add(counts, of: meter.subjects, days: settings.days, at: WallTime.now.milliseconds / 1000)
            looks += 1
            if looks % Self.looksBetweenWrites == 0 { await rememberServices() }
            // Cancelled: the loop ends by its condition.
            try? await Task.sleep(for: Self.serviceInterval)
        }
        // In a task of its own: what is cancelled cannot write any more.
        await Task { await rememberServices() }.value
    }

    private func recallServices() {
        guard let store else { return }
        do throws(StateStoreError) {
            let kept = try store.services().compactMap { memory in
                ServiceSubject.Kind(rawValue: memory.kind).map {
                    (ServiceSubject(kind: $0, name: memory.name), memory.data)
                }
            }
            services = ServiceLevels(
                Dictionary(kept, uniquingKeysWith: { first, _ in first }), days: compiler.intent.objectives.days)
        } catch {
            logger.error("service levels begin anew", metadata: ["reason": "\(error)"])
        }
    }

    private func rememberServices() async {
        guard let store, !services.records.isEmpty else { return }
        let records = services.records
        let memories = await Self.memories(of: records)
        do throws(StateStoreError) {
            try await store.remember(services: memories)
        } catch {
            // It is tried again in a minute.
            logger.error("service levels were not written down", metadata: ["reason": "\(error)"])
        }
    }

    /// Away from the node: there may be two thousand.
    @concurrent
    private static func memories(of records: [ServiceSubject: ServiceRecord]) async -> [ServiceMemory] {
        records.map { ServiceMemory(kind: $0.kind.rawValue, name: $0.name, data: $1.bytes) }
    }
}

extension NodeView {
    /// How all wide IPs and pools keep to their objectives.
    package func serviceLevels() -> [ServiceLevel] {
        services.status(intent.objectives, at: WallTime.now.milliseconds / 1000)
    }
}
