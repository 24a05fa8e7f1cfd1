import Addresses
import ConfigurationLoading
import Testing
import TrafficModel

@testable import Demo

@Suite("Configuration of the demo")
struct DemoConfigurationTests {
    private let files: CountryFiles

    init() throws { files = try CountryFiles() }

    private func load() -> (DemoPlan, LoadResult) {
        let plan = DemoPlan(options: files.options)
        return (plan, DemoSource(plan).loaded)
    }

    @Test("is accepted without a warning, and says what the plan says")
    func accepted() throws {
        let (plan, result) = load()
        #expect(result.diagnostics.map(\.description) == [])
        let intent = try #require(result.intent)
        #expect(intent.dns.listen == plan.dns)
        #expect(intent.regions.map(\.name) == plan.regions.map(\.name))
        #expect(intent.virtualServers.map(\.endpoint) == plan.virtualServers.map(\.endpoint))
        #expect(intent.listeners.map(\.endpoint) == plan.virtualServers.map(\.endpoint))
        #expect(intent.upstreams.flatMap(\.members).map(\.endpoint) == plan.members.map(\.endpoint))
        #expect(intent.pools.allSatisfy { $0.ttl == UInt32(plan.timing.ttl) })
        #expect(intent.wideIPs.map(\.method) == [.topology])
        for monitor in intent.monitors {
            #expect(monitor.interval == plan.timing.interval && monitor.timeout == plan.timing.timeout)
            #expect(monitor.rise == plan.timing.rise && monitor.fall == plan.timing.fall)
            #expect(monitor.jitter == Double(plan.timing.jitterPercent) / 100)
        }
    }

    @Test("the dashboard listens on loopback, for those with the token alone")
    func dashboard() throws {
        var options = files.options
        let hash = "sha256:" + String(repeating: "0", count: 32) + ":" + String(repeating: "a", count: 64)
        options.dashboard = DemoDashboard(port: 8901, token: "mrd_x", tokenHash: hash, role: "operate")
        let result = DemoSource(DemoPlan(options: options)).loaded
        #expect(result.diagnostics.map(\.description) == [])
        let listener = try #require(result.intent?.admin.listener)
        #expect(listener.endpoint.address.isLoopback && listener.endpoint.port == 8901)
        #expect(listener.tokens.map(\.name) == ["browser"] && listener.tokens.map(\.role) == [.operate])
        #expect(load().1.intent?.admin.listener == nil, "without one, nothing listens")
    }

    @Test("reaches nothing but loopback")
    func loopback() throws {
        let intent = try #require(load().1.intent)
        #expect(intent.dns.listen.allSatisfy { $0.address.isLoopback })
        #expect(intent.virtualServers.allSatisfy { $0.endpoint.address.isLoopback })
        #expect(intent.listeners.allSatisfy { $0.endpoint.address.isLoopback })
        #expect(intent.upstreams.flatMap(\.members).allSatisfy { $0.endpoint.address.isLoopback })
    }

    @Test("country data that is not there is named")
    func missing() {
        var options = files.options
        options.geoIPv4Path = "/nowhere/a \"quoted\" path"
        let result = DemoSource(DemoPlan(options: options)).loaded
        #expect(result.intent == nil)
        #expect(result.diagnostics.contains { $0.description.contains("/nowhere/a \"quoted\" path") })
    }

    @Test("a reload leaves out the listeners of VIPs that are dead, and only those")
    func dead() throws {
        let source = DemoSource(DemoPlan(options: files.options))
        source.kill(["eu-1", "us-2"])
        let some = try #require(source.load().intent)
        #expect(some.listeners.map(\.name) == ["eu-2", "us-1", "apac-1", "apac-2"])
        #expect(some.virtualServers.count == 6)
        source.revive(["eu-1", "us-1"])
        #expect(source.deadVirtualServers == ["us-2"])
        source.revive(["us-2"])
        #expect(source.load().intent?.listeners.count == 6)
    }

    @Test("clients get networks that lie in their countries as a whole, out of the same data")
    func networks() throws {
        let geography = try #require(load().1.geography)
        let found = ClientNetworks.find(["PL", "DE", "JP"], in: geography)
        #expect(found == ["PL": IPPrefix("5.0.64.0/24"), "DE": IPPrefix("5.2.64.0/24")])
    }
}
