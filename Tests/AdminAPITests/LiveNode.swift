import ConfigurationLoading
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing
import TrafficModel

@testable import AdminAPI
@testable import ControlPlane

/// A node with the admin API on a loopback port. Time passes when a test says so, and changes wait for as long as a test
/// has their turn.
final class LiveNode: Sendable {
    let node: Node
    let metrics: MetricsEndpoint
    private let tokens: [String: (token: String, hash: AdminTokenHash)]
    private let text: Text
    private let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let services: ServiceGroup
    private let running: Task<Void, any Error>
    let address: String

    /// What the file of the configuration says now.
    private final class Text: Sendable {
        let value = Mutex("")
    }

    init() async throws {
        address = "127.78.\(Int.random(in: 1...254)).\(Int.random(in: 1...254))"
        tokens = Dictionary(uniqueKeysWithValues: ["ann", "bob", "carol"].map { ($0, AdminToken.make()) })
        let text = Text()
        self.text = text
        text.value.withLock { [yaml = Self.yaml(address, tokens, Self.roles)] in $0 = yaml }
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        node = try await Node.start(
            configurationPath: "test.yaml",
            loader: { path, _ in ConfigurationLoader.load(text: text.value.withLock { $0 }, name: path) },
            logger: logger)
        metrics = MetricsEndpoint(node: node)
        let services = ServiceGroup(
            services: [AdminService(node: node, socketPath: nil, metrics: metrics, logger: logger)], logger: logger)
        self.services = services
        running = Task { try await services.run() }
        // It says nowhere that it listens but in its log.
        #expect(await Patience.lasts { (try? await exchange("")) != nil })
    }

    static let roles = ["ann": "operate", "bob": "operate", "carol": "admin"]

    private static func yaml(
        _ address: String, _ tokens: [String: (token: String, hash: AdminTokenHash)], _ roles: [String: String]
    ) -> String {
        let entries = roles.sorted { $0.key < $1.key }.map { name, role in
            "    \(name): { role: \(role), hash: \"\(tokens[name]?.hash.text ?? "")\" }"
        }
        return """
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
            admin:
              listen: "\(address):9778"
              tokens:
            \(entries.joined(separator: "\n"))
            """
    }

    /// What a reload will find: tokens of these names, with their roles.
    func configure(_ roles: [String: String]) {
        let yaml = Self.yaml(address, tokens, roles)
        text.value.withLock { $0 = yaml }
    }

    /// An answer, whole.
    struct Answer {
        var status: Int
        /// By name in lower case.
        var fields: [String: String]
        var body: String

        init?(_ text: String) {
            let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
            let lines = parts[0].split(separator: "\r\n")
            guard parts.count == 2, let first = lines.first, let status = Int(first.dropFirst(9).prefix(3)) else {
                return nil
            }
            self.status = status
            fields = Dictionary(
                lines.dropFirst().compactMap { line in
                    line.firstIndex(of: ":").map {
                        (line[..<$0].lowercased(), String(line[line.index($0, offsetBy: 2)...]))
                    }
                }, uniquingKeysWith: { first, _ in first })
            body = String(parts[1])
        }
    }

    struct NoAnswer: Error {}

    /// - Parameter name: of a token.
    func ask(
        _ method: String, _ path: String, as name: String, _ fields: [(String, String)] = [], _ body: String = ""
    ) async throws -> Answer {
        let head = text(method, path, as: name, fields, length: body.utf8.count)
        guard let answer = Answer(try await exchange(head + body)) else { throw NoAnswer() }
        return answer
    }

    /// The head of a request.
    func text(
        _ method: String, _ path: String, as name: String, _ fields: [(String, String)] = [], length: Int
    ) -> String {
        "\(method) \(path) HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\n"
            + "Authorization: Bearer \(tokens[name]?.token ?? "")\r\nContent-Length: \(length)\r\n"
            + fields.map { "\($0): \($1)\r\n" }.joined() + "\r\n"
    }

    /// Drains a region.
    func drain(_ region: String, as name: String, _ fields: [(String, String)] = []) async throws -> Answer {
        try await ask(
            "PUT", "/v1/overrides/region", as: name, fields, #"{"name":"\#(region)","verdict":"drain"}"#)
    }

    private final class Reader: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let bytes = Mutex(ByteBuffer())

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes.withLock { _ = $0.writeImmutableBuffer(unwrapInboundIn(data)) }
        }
    }

    /// Sends a text, and gives all that comes until the connection closes; nothing for an empty text.
    ///
    /// - Parameter rest: what is sent when `answer` has come.
    func exchange(_ text: String, then rest: String = "", after answer: String = "") async throws -> String {
        let reader = Reader()
        let channel = try await ClientBootstrap(group: loops)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(reader) }
            }.connect(host: address, port: 9778).get()
        guard !text.isEmpty else {
            try await channel.close()
            return ""
        }
        try await channel.writeAndFlush(ByteBuffer(string: text))
        if !rest.isEmpty {
            #expect(await Patience.lasts { String(buffer: reader.bytes.withLock { $0 }) == answer })
            try await channel.writeAndFlush(ByteBuffer(string: rest))
        }
        try await channel.closeFuture.get()
        return String(buffer: reader.bytes.withLock { $0 })
    }

    func count(_ name: AdminCounters.Name) -> UInt64? { node.adminCounters.totals[name.rawValue] }

    /// Returns when so many changes wait for their turn.
    func waitForLine(of count: Int) async {
        #expect(await Patience.lasts { await node.changes.waitingCount == count })
    }

    func end() async throws {
        await services.triggerGracefulShutdown()
        try await running.value
        await node.stop()
        try await loops.shutdownGracefully()
    }
}
