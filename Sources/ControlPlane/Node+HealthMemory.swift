import Addresses
import Logging
import StateStore
import TrafficModel

extension Node {
    /// Writes down what monitors found since the last time, all at once: it is of use after a restart only, when the
    /// first round of probes is still to come.
    func rememberHealth() async {
        guard let store, !unwrittenHealth.isEmpty else { return }
        let verdicts = unwrittenHealth
        unwrittenHealth = [:]
        do throws(StateStoreError) {
            try await store.remember(verdicts)
        } catch {
            unwrittenHealth.merge(verdicts) { newer, _ in newer }
            logger.error("health was not written down", metadata: ["reason": "\(error)"])
        }
    }

    /// What is watched no more is not remembered.
    func forgetHealth(of old: Set<HealthTarget>, but kept: Set<HealthTarget>) {
        guard store != nil else { return }
        let memories = Set(kept.map(\.memory))
        for target in old where !memories.contains(target.memory) {
            unwrittenHealth[target.memory] = .unknown
        }
    }
}

extension HealthTarget {
    var memory: HealthMemory { HealthMemory(endpoint: endpoint.description, monitor: monitor.name) }
}

extension Observations {
    /// What was known of these targets before the node was started.
    init(_ known: [HealthMemory: HealthState], for targets: Set<HealthTarget>) {
        self.init()
        guard !known.isEmpty else { return }
        for target in targets {
            if let state = known[target.memory] { health[target] = state }
        }
    }
}
