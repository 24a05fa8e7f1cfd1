import AdminAPI
import ArgumentParser
import ControlPlane
import FoundationEssentials
import Glibc
import Maintenance
import TrafficModel

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what the running node serves and how it fares.",
        discussion: """
            Of what there is much, such as an upstream with thousands of members, only what is not well is shown, and the \
            rest is counted. --problems shows nothing else.
            """)

    @OptionGroup var node: AdminNode
    @OptionGroup var filter: StatusFilter
    @Flag(help: "Show everything, however much there is.") var all = false
    @Flag(name: .shortAndLong, help: "Show it again and again, until Ctrl-C.") var watch = false
    @Option(help: "With --watch: how often, such as 2s.") var interval = "2s"
    @Flag(help: "Print JSON, for programs; with --watch an object a line.") var json = false

    func validate() throws { _ = try CommandText.seconds(interval, "--interval") }

    func run() throws {
        var text = try text(of: try node.call("GET", "/v1/status"))
        guard watch else { return Terminal.write(text, to: STDOUT_FILENO) }
        let pause = useconds_t(try CommandText.seconds(interval, "--interval")) * 1_000_000
        let isScreen = Terminal.isScreen && !json
        var follower = try StatusFollower(node)
        while true {
            if isScreen {
                let trouble = follower.trouble.map { Palette.output.paint("\($0); trying again", .bad) + "\n" } ?? ""
                Terminal.write(Self.screen(trouble + text, Terminal.size), to: STDOUT_FILENO)
            } else if follower.trouble == nil {
                Terminal.write((json ? "" : "-- \(WallTime.now.text)\n") + text, to: STDOUT_FILENO)
            }
            usleep(pause)
            if let body = try follower.look(speaks: !isScreen) { text = try self.text(of: body) }
        }
    }

    private func text(of body: [UInt8]) throws -> String {
        if json, filter.isEmpty { return try NodeText.document(body) + "\n" }
        let status = try filter.apply(to: try NodeText.decode(NodeStatus.self, from: body, isShown: !json))
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return NodeText.escaped(try encoder.encode(status)) + "\n"
        }
        return filter.problems
            ? StatusTable.problems(of: status, palette: .output, isWhole: all)
            : StatusTable.text(of: status, palette: .output, isWhole: all)
    }

    /// As much as fits, written over what was there, so that nothing flickers. Lines that are too long wrap, and count
    /// as what they take.
    private static func screen(_ text: String, _ size: (columns: Int, rows: Int)) -> String {
        var shown: [Substring] = []
        var rows = 0
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        for line in lines {
            rows += max(1, (line.count + size.columns - 1) / size.columns)
            guard rows < size.rows else { break }
            shown.append(line)
        }
        let hidden = lines.count - shown.count
        return "\u{1b}[H" + shown.map { $0 + "\u{1b}[K\n" }.joined()
            + (hidden > 0 ? "… \(hidden) lines more\u{1b}[K" : "")
            + "\u{1b}[J"
    }
}
