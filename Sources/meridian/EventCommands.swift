import AdminAPI
import ArgumentParser
import ControlPlane
import FoundationEssentials
import Glibc
import Maintenance
import TrafficModel

/// Which events are shown.
struct EventOptions: ParsableArguments {
    @Option(help: "Kinds of events, with commas between: transition,override-set; all if absent.") var kind: String?
    @Option(
        help: "What they are about: region, wide-ip, pool, virtual-server, member, and so on.",
        completion: .list(["region", "wide-ip", "pool", "virtual-server", "member"]))
    var subject: String?
    @Option(
        help: "Its name, or a pattern with * and ?.",
        completion: LiveNames.completion(.region, .pool, .wideIP, .virtualServer))
    var name: String?
    @Flag(help: "Print JSON, for programs, an object a line.") var json = false

    /// As the query of a URI.
    func query(_ more: [(String, String)]) -> String {
        let all =
            [
                ("kind", kind ?? ""), ("subject", SubjectKind.spelled(subject ?? "")), ("name", name ?? ""),
            ] + more
        return all.filter { !$0.1.isEmpty }.map { "\($0.0)=\(QueryText.encoded($0.1))" }.joined(separator: "&")
    }
}

struct Events: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what happened at the node: states that turned, changes, windows, reloads.",
        discussion: "The node keeps the latest events in memory; `meridian audit` has the changes for good.")

    @OptionGroup var node: AdminNode
    @OptionGroup var options: EventOptions
    @Option(help: "How many of the latest to show.") var last = 20
    @Flag(name: .shortAndLong, help: "Go on with what comes, until Ctrl-C.") var follow = false

    func validate() throws { try EventReader.check(last) }

    func run() throws { try EventReader(node: node, options: options).run(last: last, follows: follow) }
}

struct Log: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Follow what happens at the node, as `events --follow` does.")

    @OptionGroup var node: AdminNode
    @OptionGroup var options: EventOptions
    @Option(help: "How many of the latest to begin with.") var last = 10

    func validate() throws { try EventReader.check(last) }

    func run() throws { try EventReader(node: node, options: options).run(last: last, follows: true) }
}

/// Reads the node's events and prints them.
struct EventReader {
    let node: AdminNode
    let options: EventOptions

    private static let counts = 0...10_000
    /// Seconds before a connection that ended is made again.
    private static let pause = 1
    /// Seconds. No node of ours wants one to stay away for longer.
    private static let longestPause = 300

    static func check(_ last: Int) throws {
        guard counts.contains(last) else {
            throw ValidationError("--last \(last): from \(counts.lowerBound) to \(counts.upperBound)")
        }
    }

    func run(last: Int, follows: Bool) throws {
        let query = options.query([("limit", "\(max(1, last))")])
        let body = try node.call("GET", "/v1/events?\(query)", accept: "application/json")
        let list = try NodeText.decode(EventList.self, from: body, isShown: !options.json)
        for event in list.events.suffix(last) { try show(event) }
        guard follows else { return }
        var cursor = list.cursor
        let client = try node.client()
        var isLost = false
        while true {
            var pause = Self.pause
            do throws(AdminError) {
                try follow(client, from: &cursor) {
                    if isLost { Terminal.error("-- connected again") }
                    isLost = false
                }
            } catch {
                try end(where: error, client)
                pause = min(max(error.response?.retryAfter ?? pause, pause), Self.longestPause)
                if !isLost { Terminal.error("-- \(error); trying again") }
                isLost = true
            }
            // As long as the node asked for, or longer each time: nothing else is to be done meanwhile.
            sleep(UInt32(pause))
        }
    }

    private func follow(_ client: AdminClient, from cursor: inout UInt64, whenConnected: () -> Void) throws(AdminError)
    {
        var stream = try client.stream("/v1/events?\(options.query([("since", "\(cursor)")]))")
        whenConnected()
        while let line = try stream.nextLine() {
            guard line.starts(with: "data: ".utf8) else { continue }
            // A line that is no event is a newer node's.
            let text = line.dropFirst(6)
            guard let event = try? NodeText.decode(NodeEvent.self, from: text, isShown: !options.json) else { continue }
            // Fails only where an event cannot be encoded again, as it was decoded: the next ones are still shown.
            try? show(event)
            if event.id != 0 { cursor = event.id }
        }
        // An end in good order: the node looks again, every few minutes, who it is that follows.
    }

    /// Ends the program where to ask again would be refused again.
    private func end(where error: AdminError, _ client: AdminClient) throws {
        guard let response = error.response, (400..<500).contains(response.status), response.status != 429 else {
            return
        }
        Terminal.error(AdminNode.refusal(response, client.address))
        throw response.status == 400 ? ExitCode.usage : .refused
    }

    private func show(_ event: NodeEvent) throws {
        let line: String
        if options.json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            line = NodeText.escaped(try encoder.encode(event))
        } else {
            line = event.line(.output)
        }
        Terminal.write(line + "\n", to: STDOUT_FILENO)
    }
}

extension NodeEvent {
    /// One line for people.
    func line(_ palette: Palette) -> String {
        let time = WallTime(milliseconds: time).text
        let subject = subject.map { "\($0.kind) \($0.name)" } ?? ""
        let word = { (state: String) in palette.paint(state, Style(state: state)) }
        let turn =
            switch (from, to) {
            case (let from?, let to?): "\(word(from)) → \(word(to))"
            case (nil, let to?): word(to)
            case (let from?, nil): "was \(word(from))"
            case (nil, nil): ""
            }
        return [
            palette.paint(time, .faint), kind.rawValue, palette.paint(subject, .strong), turn,
            count.map { "\($0) missed" } ?? "", reason, author.isEmpty ? "" : "by \(author)",
        ].filter { !$0.isEmpty }.joined(separator: "  ")
    }
}

/// Values in the query of a URI (RFC 3986 section 3.4).
enum QueryText {
    static func encoded(_ value: String) -> String {
        value.utf8.map { byte -> String in
            let isPlain = (48...57).contains(byte) || (65...90).contains(byte & 0xdf) || "-._~".utf8.contains(byte)
            let digits = String(byte, radix: 16)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.utf8.count < 2 ? "0" : "") + digits
        }.joined()
    }
}
