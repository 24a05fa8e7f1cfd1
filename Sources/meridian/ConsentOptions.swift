import ArgumentParser
import ControlPlane
import FoundationEssentials
import Glibc

/// Whether a change may be made: people at a terminal see what would move and are asked.
///
/// Without a terminal there is nobody to ask, and the command is the order: scripts and `ssh` go on as they are, and
/// what safety rules forbid is refused in any case.
struct ConsentOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
    @Flag(help: "Show what would move, and change nothing.") var dryRun = false
    @Flag(help: "Print JSON, for programs.") var json = false

    private struct Report: Encodable {
        var done: String
    }

    /// Says what was done.
    func report(_ text: String) {
        guard json else { return print(text) }
        // A text always has a form in JSON.
        if let data = try? JSONEncoder().encode(Report(done: text)) { print(String(decoding: data, as: UTF8.self)) }
    }

    /// Whether somebody will be asked, or shown what would move.
    var showsPreview: Bool { dryRun || !yes && Terminal.canAsk }

    /// `false`: it was a dry run, and has been shown.
    ///
    /// - Parameter words: what would be done: `drain region eu`.
    func allows(_ change: ChangeRequest, _ node: AdminNode, _ words: String) throws -> Bool {
        if dryRun {
            let preview = try change.preview(node)
            if json {
                print(try JSONText.pretty(preview))
            } else {
                print(PreviewText(preview: preview, palette: .output).text(of: words), terminator: "")
            }
            return false
        }
        guard !yes, Terminal.canAsk else { return true }
        let preview = try change.preview(node)
        Terminal.write(
            PreviewText(preview: preview, palette: .of(STDERR_FILENO)).text(of: words), to: STDERR_FILENO)
        guard
            !preview.isNothing || !preview.objections.isEmpty || !preview.replaced.isEmpty
                || !preview.remarks.isEmpty
        else { return true }
        guard Terminal.ask("\(words)?") else {
            Terminal.error("nothing was changed")
            throw ExitCode.declined
        }
        return true
    }
}

/// JSON for programs.
enum JSONText {
    static func pretty(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return NodeText.escaped(try encoder.encode(value))
    }
}
