import AdminAPI
import ArgumentParser
import ControlPlane
import Dispatch
import FoundationEssentials
import Synchronization

/// Names for completions, asked of the running node. Where it is away, slow or refuses there are none, and nothing is
/// said: somebody is typing.
enum LiveNames {
    enum Kind {
        case region, pool, wideIP, virtualServer, member, upstream, listener, window, shift
    }

    /// Milliseconds for all of it, however many questions there are, and whatever else is waited for, such as a token file
    /// that is a pipe. What has not come by then is not offered.
    private static let patience = 400
    /// More than anybody reads through.
    private static let limit = 1000

    static func completion(_ kinds: Kind...) -> CompletionKind {
        .custom { words, index, _ in names(of: kinds, CompletedLine(words: words, index: index)) }
    }

    /// For `KIND NAME`: names of the kind that stands before.
    static var subject: CompletionKind {
        .custom { words, index, _ in
            let line = CompletedLine(words: words, index: index)
            let kinds: [(String, Kind)] = [
                ("region", .region), ("pool", .pool), ("wide-ip", .wideIP), ("virtual-server", .virtualServer),
                ("vip", .virtualServer),
                ("member", .member),
            ]
            return names(of: kinds.filter { line.words.dropFirst(2).contains($0.0) }.prefix(1).map(\.1), line)
        }
    }

    /// For two regions, or with `--pool` two pools.
    static var places: CompletionKind {
        .custom { words, index, _ in
            let line = CompletedLine(words: words, index: index)
            return names(of: [line.words.contains("--pool") ? .pool : .region], line)
        }
    }

    private static func names(of kinds: [Kind], _ line: CompletedLine) -> [String] {
        let found = Found(kinds.count)
        let waiting = DispatchGroup()
        // A queue of its own for each is a thread of its own. Those that are not done in time end with the process.
        DispatchQueue(label: "node").async(group: waiting) {
            // What cannot be asked has no names.
            guard let client = try? client(for: line) else { return }
            for (index, kind) in kinds.enumerated() {
                DispatchQueue(label: "list").async(group: waiting) {
                    // Nor has what is refused: a shell that completes shows no errors.
                    found.set((try? names(of: kind, line.current, client)) ?? [], at: index)
                }
            }
        }
        _ = waiting.wait(timeout: .now() + .milliseconds(patience))
        return found.all.filter { $0.hasPrefix(line.current) && CompletionText.isHarmless($0) }
            .map { CompletionText.offered($0, to: CompletionShell.requesting) }
    }

    private static func client(for line: CompletedLine) throws -> AdminClient {
        var node = AdminNode()
        node.connection = NodeConnection(
            socket: line.value("--socket"), admin: line.value("--admin"), tokenFile: line.value("--token-file"),
            ca: line.value("--ca"), certificate: line.value("--certificate"), key: line.value("--key"))
        node.config = line.value("-c", "--config")
        return try node.quietClient(patience: .milliseconds(patience))
    }

    /// What was found so far, in the order in which it was asked for.
    private final class Found: Sendable {
        private let names: Mutex<[[String]]>

        init(_ count: Int) { names = Mutex(Array(repeating: [], count: count)) }

        func set(_ some: [String], at index: Int) { names.withLock { $0[index] = some } }

        var all: [String] { names.withLock { $0.flatMap(\.self) } }
    }

    private struct Item: Decodable { var name: String }
    private struct List: Decodable { var items: [Item] }
    private struct Numbered: Decodable { var id: Int }

    private static func names(of kind: Kind, _ prefix: String, _ client: AdminClient) throws -> [String] {
        let collection: String
        switch kind {
        case .region: collection = "regions"
        case .pool: collection = "pools"
        case .wideIP: collection = "wide-ips"
        case .virtualServer: collection = "virtual-servers"
        case .member: collection = "members"
        case .upstream: collection = "upstreams"
        case .listener: collection = "listeners"
        case .window:
            return try JSONDecoder().decode([Item].self, from: Data(try client.call("GET", "/v1/windows").body)).map(
                \.name)
        case .shift:
            return try JSONDecoder().decode([Numbered].self, from: Data(try client.call("GET", "/v1/shifts").body))
                .map { "\($0.id)" }
        }
        let search = prefix.isEmpty ? "" : "&search=\(QueryText.encoded(prefix))"
        let body = try client.call("GET", "/v1/\(collection)?limit=\(limit)\(search)").body
        return try JSONDecoder().decode(List.self, from: Data(body)).items.map(\.name)
    }
}

/// A command line that somebody is typing, as a shell's completion passes it on.
private struct CompletedLine {
    /// With the program's name first.
    let words: [String]
    /// The one at the cursor.
    let index: Int

    var current: String { words.indices.contains(index) ? words[index] : "" }

    /// The value of an option: `--name VALUE` or `--name=VALUE`.
    func value(_ names: String...) -> String? {
        for (place, word) in words.enumerated() {
            for name in names {
                if word == name, place + 1 < words.count, !words[place + 1].isEmpty { return words[place + 1] }
                if name.hasPrefix("--"), word.hasPrefix(name + "=") { return String(word.dropFirst(name.count + 1)) }
            }
        }
        return nil
    }
}
