import ArgumentParser
import ControlPlane
import Demo
import FoundationEssentials
import Glibc

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch what the node does now: rates of names, routes and members on the whole screen.",
        discussion: """
            Keys: Tab or 1 to 6 for another table, s for another column to sort by, up and down to move, q to leave. \\
            Without a terminal, or with --once, it prints the tables once.
            """)

    @OptionGroup var node: AdminNode
    @Option(help: "How often it looks: 1s.") var interval = "1s"
    @Option(help: "The table to begin with: \(TrafficRates.Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
    var table: String?
    @Flag(help: "Look twice, print, and end.") var once = false
    @Option(help: "With --once: rows of each table.") var rows = 20
    @Flag(help: "Print JSON, for programs, once.") var json = false

    private func kind() throws -> TrafficRates.Kind? {
        guard let table else { return nil }
        guard let kind = TrafficRates.Kind(rawValue: table) else {
            let known = TrafficRates.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--table \(table): one of \(known)")
        }
        return kind
    }

    func validate() throws {
        _ = try kind()
        _ = try CommandText.seconds(interval, "--interval")
        guard rows > 0 else { throw ValidationError("--rows: 1 or more") }
    }

    func run() throws {
        let pause = try CommandText.seconds(interval, "--interval")
        let first = try look()
        guard !once, !json, Terminal.isScreen, let screen = Screen() else {
            sleep(UInt32(clamping: pause))
            let rates = TrafficRates(before: first, after: try look())
            return json ? try printJSON(rates) : try printTables(rates)
        }
        let signal = try show(on: screen, from: first, pause: Int(pause) * 1000)
        // The screen is given back by now; the signal does what it would have done.
        if let signal { Terminal.end(by: signal) }
    }

    private func look() throws -> NodeStatus {
        try NodeText.decode(NodeStatus.self, from: try node.call("GET", "/v1/status"))
    }

    /// - Returns: the signal that ended it; `nil`: the user did.
    private func show(on screen: consuming Screen, from first: NodeStatus, pause: Int) throws -> Int32? {
        let clock = ContinuousClock()
        var view = TopView(kind: try kind() ?? .routes)
        var follower = try StatusFollower(node)
        var keys = KeyReader()
        var rates = TrafficRates(before: first, after: first)
        var due = clock.now + .milliseconds(pause)
        while true {
            screen.draw(
                view.lines(rates, trouble: follower.trouble, size: Terminal.size, palette: .output))
            let wait = max(0, min(1000, Int((due - clock.now) / .milliseconds(1))))
            switch screen.next(milliseconds: Int32(wait)) {
            case .bytes(let bytes):
                for key in keys.keys(bytes) where view.take(key) == .leave { return nil }
            case .end: return nil
            case .signal(let signal): return signal
            case .changed: continue
            case nil:
                _ = keys.keys([])
            }
            if clock.now >= due {
                if let body = try follower.look(speaks: false) {
                    rates = TrafficRates(before: rates.after, after: try NodeText.decode(NodeStatus.self, from: body))
                }
                due = clock.now + .milliseconds(pause)
            }
        }
    }

    private func kinds(_ rates: TrafficRates) throws -> [TrafficRates.Table] {
        if let kind = try kind() { return [rates.table(kind)] }
        return TrafficRates.Kind.allCases.map(rates.table).filter { !$0.rows.isEmpty }
    }

    private func printTables(_ rates: TrafficRates) throws {
        var lines = ["queries \(rates.queries.text(decimals: 1))/s  requests \(rates.requests.text(decimals: 1))/s"]
        for table in try kinds(rates) {
            lines.append("")
            lines += TopView.rows(table, sortedBy: 0, from: 0, count: rows, palette: .output)
        }
        Terminal.write(lines.map { $0 + "\n" }.joined(), to: STDOUT_FILENO)
    }

    private struct Report: Encodable {
        struct Row: Encodable {
            var name: String
            var state: String?
            var figures: [String: Double]
        }

        var seconds: Double
        var queries: Double
        var requests: Double
        var tables: [String: [Row]]
    }

    private func printJSON(_ rates: TrafficRates) throws {
        var report = Report(seconds: rates.seconds, queries: rates.queries, requests: rates.requests, tables: [:])
        for table in try kinds(rates) {
            report.tables[table.kind.rawValue] = table.sorted(by: 0).prefix(rows).map { row in
                let named = zip(table.columns, row.figures).compactMap { column, figure in
                    figure.map { (column.title.lowercased(), $0) }
                }
                return .init(
                    name: row.name, state: row.state,
                    figures: Dictionary(named, uniquingKeysWith: { first, _ in first }))
            }
        }
        print(try JSONText.pretty(report))
    }
}
