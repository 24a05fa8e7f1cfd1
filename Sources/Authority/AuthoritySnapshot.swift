package import Steering

/// What the answering threads pin: the answers of a configuration and the steering of an epoch.
package final class AuthoritySnapshot: Sendable {
    package let data: AuthorityData
    package let steering: SteeringSnapshot

    package init(data: AuthorityData, steering: SteeringSnapshot) {
        self.data = data
        self.steering = steering
    }

    package var generation: UInt64 { data.generation }
    package var epoch: UInt64 { steering.epoch }
}
