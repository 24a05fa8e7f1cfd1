import ConfigurationLoading
import Synchronization
import TrafficModel

/// Where the demo's node loads its configuration from: the text once, and at each reload the same without the listeners
/// of VIPs that are dead.
final class DemoSource: Sendable {
    static let name = "demo.yaml"

    let loaded: LoadResult
    private let dead = Mutex<Set<String>>([])

    init(_ plan: DemoPlan) {
        loaded = ConfigurationLoader.load(text: DemoConfiguration.text(plan), name: Self.name)
    }

    var deadVirtualServers: Set<String> { dead.withLock { $0 } }

    func kill(_ names: some Sequence<String>) { dead.withLock { $0.formUnion(names) } }
    func revive(_ names: some Sequence<String>) { dead.withLock { $0.subtract(names) } }

    func load() -> LoadResult {
        let dead = deadVirtualServers
        var result = loaded
        result.intent?.listeners.removeAll { dead.contains($0.name) }
        return result
    }
}
