import ConfigurationLoading
import ControlPlane
import Demo
import Logging
import Testing

@testable import meridian

@Suite("The layout of top")
struct TopViewTests {
    /// Of a node with something in each table.
    private static func rates() async throws -> TrafficRates {
        let address = "127.79.\(Int.random(in: 1...254)).\(Int.random(in: 1...254))"
        let yaml = """
            dns: { listen: ["\(address):9753"] }
            regions: { eu: {}, us: {} }
            virtual_servers:
              eu-1: { address: "192.0.2.1:80", region: eu }
              us-1: { address: "192.0.2.2:80", region: us }
            pools:
              eu: { region: eu, virtual_servers: [eu-1], answer: addresses }
              us: { region: us, virtual_servers: [us-1], answer: addresses }
            wide_ips: { api.example.com: { pools: [eu, us] } }
            zones: { example.com: { ns: [ns1.example.com] } }
            upstreams: { app: { members: ["192.0.2.3:80", "192.0.2.4:80"] } }
            listeners: { web: { address: "\(address):9780", routes: [{ upstream: app }] } }
            """
        let node = try await Node.start(
            configurationPath: "test.yaml",
            loader: { path, _ in ConfigurationLoader.load(text: yaml, name: path) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let status = await node.status()
        return TrafficRates(before: status, after: status)
    }

    @Test("it fills a screen of any size, however small, and goes no further")
    func sizes() async throws {
        let rates = try await Self.rates()
        for kind in TrafficRates.Kind.allCases {
            #expect(!rates.table(kind).rows.isEmpty)
            for (columns, rows) in (Array(1...90) + [500]).flatMap({ width in [1, 2, 3, 8, 24].map { (width, $0) } }) {
                var view = TopView(kind: kind)
                // Every column that it can be sorted by, and further down than there are rows.
                for _ in rates.table(kind).columns {
                    for key: KeyReader.Key in [.character("s"), .down] { _ = view.take(key) }
                    let lines = view.lines(rates, size: (columns, rows), palette: .plain)
                    #expect(lines.count == rows, "\(kind), \(columns) by \(rows): \(lines)")
                }
            }
        }
    }

    @Test("names give way to figures as far as they can be told apart", arguments: 1...40)
    func names(columns: Int) {
        let name = "a-name-of-thirty-three-characters"
        let table = TrafficRates.Table(
            kind: .members, columns: [.init(title: "OPEN", decimals: 0)],
            rows: [.init(name: name, figures: [7])])
        let lines = TopView.rows(table, sortedBy: 0, from: 0, count: 1, columns: columns, palette: .plain)
        // The title and a figure stand in "  OPEN".
        let room = max(columns - 6, columns / 2)
        let shown = room >= name.count ? name : String(lines[1].prefix { $0 != " " })
        #expect(lines.count == 2 && lines[1].hasPrefix(shown) && lines[1].hasSuffix(" 7"), "\(lines)")
        #expect(shown == name || shown.count == max(room, 1) && shown.contains("…"), "\(lines)")
    }
}
