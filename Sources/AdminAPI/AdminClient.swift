import Glibc

/// Calls the admin API of a node on this machine. Blocking: for the command line, not for servers.
package struct AdminClient {
    package struct Response {
        package let status: Int
        package let body: [UInt8]
    }

    private let socketPath: String

    package init(socketPath: String) { self.socketPath = socketPath }

    /// Whether something accepts connections on the socket.
    package static func isAnswering(_ socketPath: String) -> Bool {
        guard let descriptor = try? connect(socketPath) else { return false }
        close(descriptor)
        return true
    }

    /// - Throws: `AdminError` with a line that says what to do when nobody serves the socket.
    package func call(
        _ method: String, _ path: String, json: [UInt8] = [], accept: String? = nil
    ) throws(AdminError) -> Response {
        let descriptor = try Self.connect(socketPath)
        defer { close(descriptor) }
        let accepted = accept.map { "Accept: \($0)\r\n" } ?? ""
        let head = """
            \(method) \(path) HTTP/1.1\r\nHost: meridian\r\nConnection: close\r\n\(accepted)\
            Content-Type: application/json\r\nContent-Length: \(json.count)\r\n\r\n
            """
        try Self.writeAll(Array(head.utf8) + json, to: descriptor)
        let received = try Self.readAll(from: descriptor)
        // The server is ours and closes after one answer of known length, so the body is all after the blank line.
        let separator: [UInt8] = [13, 10, 13, 10]
        guard let end = received.indices.first(where: { received[$0...].starts(with: separator) }),
            let status = Int(String(decoding: received.prefix(12).suffix(3), as: UTF8.self))
        else {
            throw AdminError(text: "\(socketPath): the answer is not HTTP; does another program serve this socket?")
        }
        return Response(status: status, body: Array(received[(end + 4)...]))
    }

    /// Asks for an answer that goes on, such as server-sent events.
    package func stream(_ path: String) throws(AdminError) -> AdminStream {
        let descriptor = try Self.connect(socketPath)
        let head = "GET \(path) HTTP/1.1\r\nHost: meridian\r\nAccept: text/event-stream\r\n\r\n"
        do {
            try Self.writeAll(Array(head.utf8), to: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        return try AdminStream(descriptor: descriptor)
    }

    private static func connect(_ path: String) throws(AdminError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard bytes.count <= room else {
            throw AdminError(text: "\(path): a socket's path has at most \(room) bytes")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw AdminError(text: "socket: \(reason(errno))") }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.connect(descriptor, $0, length) }
        }
        guard result == 0 else {
            let reason = reason(errno)
            close(descriptor)
            throw AdminError(text: "\(path): \(reason); is `meridian run` serving with this admin.socket?")
        }
        return descriptor
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(AdminError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw AdminError(text: "the node closed the connection: \(reason(errno))") }
            rest = rest.dropFirst(count)
        }
    }

    private static func readAll(from descriptor: Int32) throws(AdminError) -> [UInt8] {
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return received }
            guard count > 0 else { throw AdminError(text: "the answer broke off: \(reason(errno))") }
            received += chunk[..<count]
        }
    }

    static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}

/// What went wrong between an operator and a node, as one line.
package struct AdminError: Error, CustomStringConvertible {
    package let text: String
    package var description: String { text }

    package init(_ text: String) { self.text = text }

    init(text: String) { self.text = text }
}
