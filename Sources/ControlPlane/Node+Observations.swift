import Balancing
import HealthMonitoring
import Steering
import TrafficModel

extension Node {
    /// Applies what monitors find, until the task is cancelled.
    package func followHealth() async {
        for await changes in healthChanges {
            apply(changes)
            await rememberLocks()
        }
    }

    private func apply(_ changes: [HealthChange]) {
        for change in changes {
            observations.health[change.target] = change.state
            if store != nil { unwrittenHealth[change.target.memory] = change.state }
            if change.isWavering {
                observations.wavering.insert(change.target)
            } else {
                observations.wavering.remove(change.target)
            }
        }
        note(changes)
        updateConditions(after: Set(changes.map(\.target)))
    }

    /// Publishes only what some stage heeds.
    func replace(_ measurements: Measurements) {
        guard measurements != observations.measurements else { return }
        let isHeeded = compiler.plan.heeds(measurements, unlike: observations.measurements)
        observations.measurements = measurements
        if isHeeded { publish(AvailabilityChanges()) }
    }
}
