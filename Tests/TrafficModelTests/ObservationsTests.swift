import Addresses
import Testing

@testable import TrafficModel

@Suite("What was measured, over a reload")
struct ObservationsTests {
    private func target(_ port: UInt16, _ name: String, interval: Int = 5, path: String? = nil) -> HealthTarget {
        var check = Monitor.HTTPCheck()
        check.path = path ?? "/"
        var monitor = Monitor(name: name, check: path == nil ? .tcp : .http(check))
        monitor.interval = .seconds(interval)
        return HealthTarget(endpoint: Endpoint(address: .v4(0x7f00_0001), port: port), monitor: monitor)
    }

    @Test("only what is asked still is kept, and another pace or name of the same question takes it over")
    func keep() {
        var observations = Observations()
        observations.health = [
            target(1, "a"): .down, target(2, "a"): .up, target(3, "a", path: "/x"): .down, target(4, "a"): .down,
        ]
        observations.keep([
            target(1, "a", interval: 9), target(2, "b"), target(3, "a", path: "/y"), target(4, "a"), target(5, "a"),
        ])
        #expect(
            observations.health == [target(1, "a", interval: 9): .down, target(2, "b"): .up, target(4, "a"): .down])
    }
}
