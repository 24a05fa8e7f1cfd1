import Addresses
import ConfigurationLoading
import Logging
import StateStore
import Synchronization
import Testing
import TrafficModel

@testable import ControlPlane

/// What a node tells of what turns in it.
@Suite("Events of a node")
struct NodeEventTests {
    private static let yaml = """
        regions: { eu: {}, us: {} }
        virtual_servers:
          eu-1: { address: "192.0.2.1:80", region: eu }
          eu-2: { address: "192.0.2.3:80", region: eu }
          us-1: { address: "192.0.2.2:80", region: us }
        pools:
          eu: { virtual_servers: [eu-1, eu-2], answer: addresses }
          us: { virtual_servers: [us-1], answer: addresses }
        wide_ips:
          a.example.com: { pools: [eu, us] }
        zones: { example.com: { ns: [ns1.example.com] } }
        upstreams: { web: { members: ["127.0.0.1:9", "127.0.0.1:10"] } }
        listeners: { web: { address: "PLACE:9778", upstream: web } }
        proxy: { access_log: "off" }
        """

    private static let author = Author(name: "ann", origin: "test")

    /// What the loader reads.
    private final class File: Sendable {
        let text: Mutex<String>
        init(_ text: String) { self.text = Mutex(text) }
    }

    private func node() async throws -> (Node, File) {
        let place = "127.78.\(Int.random(in: 1...254)).\(Int.random(in: 1...254))"
        let file = File(Self.yaml.replacing("PLACE", with: place))
        let node = try await Node.start(
            configurationPath: "test.yaml",
            loader: { path, _ in ConfigurationLoader.load(text: file.text.withLock { $0 }, name: path) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return (node, file)
    }

    private func lines(_ node: Node, after cursor: UInt64 = 0) -> [String] {
        node.journal.events(after: cursor, limit: 1000).events.map { event in
            [
                event.kind.rawValue, event.subject?.kind, event.subject?.name,
                event.from.map { "\($0) ->" }, event.to, event.reason.isEmpty ? nil : "(\(event.reason))", event.author,
            ].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: " ")
        }
    }

    @Test("an override is told with its author, and then all that turns by it, causes first")
    func override() async throws {
        let (node, _) = try await node()
        try await node.override(
            .virtualServer("eu-1"), with: .init(verdict: .forceDown, reason: "patching"), by: Self.author)
        #expect(
            lines(node) == [
                "start generation 1",
                "override-set virtual-server eu-1 force-down (patching) ann",
                "transition virtual-server eu-1 available -> down "
                    + "(override of virtual-server eu-1: force-down (patching)) ann",
                "transition region eu available -> degraded "
                    + "(1 of 2 virtual servers available (eu-1 down))",
            ])
        let cursor = node.journal.end
        try await node.override(
            .virtualServer("eu-2"), with: .init(verdict: .disable, reason: ""), by: Self.author)
        #expect(
            lines(node, after: cursor).dropFirst(2) == [
                "transition pool eu available -> down (0 of 2 virtual servers available (eu-1 down, eu-2 disabled))",
                "transition region eu degraded -> down (0 of 2 virtual servers available (eu-1 down, eu-2 disabled))",
                "transition wide-ip a.example.com available -> degraded (1 of 2 pools available (eu down))",
            ])
        #expect(node.journal.history(of: .init("region", "eu")).map(\.to) == ["degraded", "down"])
        await node.stop()
        #expect(node.journal.isClosed)
    }

    @Test("a name whose pool is cut over to what is down is down, and its time counts as bad")
    func deadCutover() async throws {
        let (node, _) = try await node()
        try await node.override(
            .region("eu"), with: .init(verdict: .cutover, target: "us", reason: "flood"), by: Self.author)
        var meter = ServiceMeter()
        let base: UInt64 = 1_000_000_000
        func counts(_ time: UInt64) async -> ServiceCounts? {
            let (intent, snapshot, overrides) = await (node.compiler.intent, node.snapshot, node.effective)
            let counts = meter.look(intent, snapshot, overrides, now: base + time * 1_000_000_000)
            return zip(meter.subjects, counts).first { $0.0.kind == .wideIP }?.1
        }
        _ = await counts(0)
        #expect(await counts(1)?.up == 1000)
        let cursor = node.journal.end
        try await node.override(
            .virtualServer("us-1"), with: .init(verdict: .forceDown, reason: ""), by: Self.author, isForced: true)
        #expect(
            lines(node, after: cursor).last
                == "transition wide-ip a.example.com available -> down (0 of 2 pools available (eu cut-over, us down))")
        let dead = await counts(2)
        #expect(dead?.up == 0 && dead?.down == 1000)
        await node.stop()
    }

    @Test("a reload tells what turned by name, whatever the order is, and of nothing that is new")
    func reload() async throws {
        let (node, file) = try await node()
        try await node.override(
            .member(upstream: "web", endpoint: "127.0.0.1:9"), with: .init(verdict: .drain, reason: ""),
            by: Self.author)
        var cursor = node.journal.end
        file.text.withLock {
            $0 = $0.replacing(
                "  eu-1: {", with: "  aa-0: { address: \"192.0.2.9:80\", region: us, enabled: false }\n  eu-1: {"
            ).replacing("region: us }", with: "region: us, enabled: false }")
        }
        #expect(try await node.reload(by: Self.author).applied)
        #expect(
            lines(node, after: cursor) == [
                "transition virtual-server us-1 available -> down (disabled in the configuration)",
                "transition pool us available -> down (0 of 1 virtual servers available (us-1 down))",
                "transition region us available -> down (0 of 2 virtual servers available (aa-0 down, us-1 down))",
                "transition wide-ip a.example.com available -> degraded (1 of 2 pools available (us down))",
                "reload-applied generation 2 ann",
            ])
        cursor = node.journal.end
        file.text.withLock { $0 += "\nregionz: {}" }
        #expect(try await !node.reload(by: Self.author).applied)
        let refused = lines(node, after: cursor)
        #expect(refused.count == 1)
        #expect(refused.first?.hasPrefix("reload-refused refused (test.yaml:") == true, "\(refused)")
        await node.stop()
    }

    @Test("a shift is told at each tenth of its way")
    func shift() async throws {
        let (node, _) = try await node()
        _ = try await node.startShift(
            ShiftPlan(
                wideIP: "*", kind: .region, from: "eu", to: "us", share: 0.5, duration: .seconds(300), reason: ""),
            by: Self.author)
        let cursor = node.journal.end
        for _ in 0..<301 { await node.advance(to: .now, elapsed: .seconds(1)) }
        let events = node.journal.events(after: cursor, limit: 1000).events
        #expect(events.count(where: { $0.kind == .shiftProgress }) == 9)
        #expect(events.last?.kind == .shiftFinished)
        #expect(events.last?.to == "reached 50%")
        await node.stop()
    }
}
