import Foundation
import Testing

@Suite("The example alerts and dashboard")
struct MonitoringExampleScenarios {
    private static let examples = MetricsScenarios.repository.appending(path: "examples")

    /// Names of metrics in an expression, without what series of histograms add.
    private static func metrics(in text: String) -> Set<String> {
        let names = text.matches(of: /\b(?:meridian|process)_[a-z0-9_]+/).map { String($0.output) }
        return Set(
            names.map { name in
                ["_bucket", "_sum", "_count"].first(where: name.hasSuffix).map { String(name.dropLast($0.count)) }
                    ?? name
            })
    }

    /// Families that docs/metrics.md tells, which another test compares with what is served.
    private static func families() throws -> Set<String> {
        let text = try String(
            contentsOf: MetricsScenarios.repository.appending(path: "docs/metrics.md"), encoding: .utf8)
        return Set(text.matches(of: /(?m)^\| `([a-z_]+)`/).map { String($0.output.1) })
    }

    private static func expressions(in value: Any) -> [String] {
        switch value {
        case let list as [Any]: list.flatMap(expressions)
        case let map as [String: Any]:
            map.flatMap { key, value in
                if key == "expr", let text = value as? String { [text] } else { expressions(in: value) }
            }
        default: []
        }
    }

    @Test("promtool accepts the alerts, and they fire as their test says")
    func alerts() throws {
        let folder = Self.examples.appending(path: "prometheus").path
        for command in ["check rules alerts.yaml", "test rules alerts.test.yaml", "check config prometheus.yml"] {
            let result = try Program.run("sh", ["-c", "cd \(folder) && promtool \(command)"])
            #expect(result.status == 0, "\(command): \(result)")
        }
        let text = try String(contentsOfFile: folder + "/alerts.yaml", encoding: .utf8)
        let used = Self.metrics(in: text)
        #expect(used.count > 10)
        #expect(used.subtracting(try Self.families()) == [])
        // What no test plays could be misspelt in its labels.
        let tested = try String(contentsOfFile: folder + "/alerts.test.yaml", encoding: .utf8)
        #expect(Self.metrics(in: tested).subtracting(try Self.families()) == [])
    }

    @Test("the dashboard's expressions can be read, and name what is served")
    func dashboard() throws {
        let data = try Data(contentsOf: Self.examples.appending(path: "grafana/meridian.json"))
        let board = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let expressions = Self.expressions(in: board)
        #expect(expressions.count > 40)
        let used = Self.metrics(in: expressions.joined(separator: "\n"))
        #expect(used.subtracting(try Self.families()) == [])

        let panels = try #require(board["panels"] as? [[String: Any]])
        #expect(Set(panels.compactMap { $0["id"] as? Int }).count == panels.count, "two panels have one number")
        let rules = expressions.enumerated().map { index, expression in
            let whole = expression.replacing("$__rate_interval", with: "5m").replacing("$instance", with: ".*")
                .replacing("$job", with: "meridian")
            return "  - { record: \"dashboard:\(index)\", expr: '\(whole.replacing("'", with: "''"))' }"
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "board-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        let text = "groups:\n- name: dashboard\n  rules:\n" + rules.joined(separator: "\n") + "\n"
        try text.write(to: file, atomically: true, encoding: .utf8)
        let result = try Program.run("promtool", ["check", "rules", file.path])
        #expect(result.status == 0 && result.output.contains("\(rules.count) rules"), "\(result)")
    }
}
