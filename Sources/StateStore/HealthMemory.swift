/// What a monitor asks of which place, in words that outlive a change of the configuration's order.
package struct HealthMemory: Sendable, Hashable {
    package let endpoint: String
    package let monitor: String

    package init(endpoint: String, monitor: String) {
        self.endpoint = endpoint
        self.monitor = monitor
    }
}
