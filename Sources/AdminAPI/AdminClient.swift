import Glibc
import NIOCore

/// Calls the admin API of a node. Blocking: for the command line, not for servers.
package struct AdminClient {
    package struct Response: Sendable {
        package let status: Int
        package let body: [UInt8]
        /// Seconds until it is worth to ask again, where the node says so.
        package let retryAfter: Int?
    }

    package let address: AdminAddress
    private let token: String?
    private let tls: AdminClientTLS?
    private let connectTimeout: TimeAmount
    /// `nil`: as a question or a change needs it.
    private let patience: Duration?

    /// The largest node answers a question within ten seconds: one that is silent for longer than this hangs.
    private static let questionPatience = Duration.seconds(30)
    /// A reload of a large configuration takes seconds, and changes wait for each other.
    private static let changePatience = Duration.seconds(120)
    /// Whoever waits for an answer wonders after this long.
    private static let unremarkableSilence = TimeAmount.seconds(5)
    /// Far more than the status of ten thousand members.
    private static let bodyLimit = 1 << 28

    /// - Parameter patience: how long to wait for a connection or an answer; `nil`: as long as it may take.
    /// - Throws: `AdminError` when files of the credentials cannot be used.
    package init(
        _ address: AdminAddress, _ credentials: AdminCredentials = .none, patience: Duration? = nil
    ) throws(AdminError) {
        self.address = address
        connectTimeout = patience.map(TimeAmount.init) ?? AdminConnection.connectTimeout
        self.patience = patience
        switch address {
        case .socket: (token, tls) = (nil, nil)
        case .network(let host, _, let isSecure):
            token = credentials.token
            tls = isSecure ? try AdminClientTLS(host: host, credentials) : nil
        }
    }

    /// Whether something accepts connections on the socket.
    package static func isAnswering(_ socketPath: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(socketPath.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, length) == 0 }
        }
    }

    /// - Parameter whenSilent: called once, on another thread, where the node lets itself be waited for; with how long is
    ///   waited at most.
    /// - Throws: `AdminError` with a line that says what to do when nobody serves the address, or it is not to be trusted.
    package func call(
        _ method: String, _ path: String, json: [UInt8] = [], accept: String? = nil,
        whenSilent: (@Sendable (Duration) -> Void)? = nil
    ) throws(AdminError) -> Response {
        let isChange = method != "GET"
        let limit = patience ?? (isChange ? Self.changePatience : Self.questionPatience)
        var answer = try ask(
            method, path,
            [("Connection", "close")] + (accept.map { [("Accept", $0)] } ?? [])
                + (isChange ? [("Content-Type", "application/json"), ("Content-Length", "\(json.count)")] : []),
            isChange ? json : [], limit, whenSilent)
        var body: [UInt8] = []
        while let piece = try answer.next(within: TimeAmount(limit)) {
            body += piece
            guard body.count <= Self.bodyLimit else { throw AdminError("\(address): the answer has no end") }
        }
        return Response(status: answer.status, body: body, retryAfter: answer.retryAfter)
    }

    /// Asks for an answer that goes on, such as server-sent events.
    package func stream(_ path: String) throws(AdminError) -> AdminStream {
        try AdminStream(try ask("GET", path, [("Accept", "text/event-stream")], [], patience ?? Self.questionPatience))
    }

    private func ask(
        _ method: String, _ path: String, _ fields: [(String, String)], _ body: [UInt8], _ limit: Duration,
        _ whenSilent: (@Sendable (Duration) -> Void)? = nil
    ) throws(AdminError) -> AdminAnswer {
        let connection = try AdminConnection(address, timeout: connectTimeout, tls: tls)
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(address.authority)\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if let token { head += "Authorization: Bearer \(token)\r\n" }
        try connection.send(Array(head.utf8) + [13, 10] + body)
        let alarm = whenSilent.map { tell in connection.schedule(in: Self.unremarkableSilence) { tell(limit) } }
        defer { alarm?.cancel() }
        return try AdminAnswer(connection, address, within: TimeAmount(limit))
    }
}
