import Glibc

/// An answer that goes on, read line by line. Blocking, as ``AdminClient`` is.
package struct AdminStream: ~Copyable {
    private let descriptor: Int32
    /// What was received and not read yet.
    private var received: [UInt8] = []
    /// Bytes left of the chunk at hand (RFC 9112 section 7.1); 0: the size of one comes next.
    private var chunk = 0
    private var isFirstChunk = true
    private var line: [UInt8] = []

    /// A line of an event is far shorter; one that is longer is not of our node.
    private static let lineLimit = 1 << 20

    /// - Parameter descriptor: of a connection on which the request was sent; closed with this.
    init(descriptor: Int32) throws(AdminError) {
        self.descriptor = descriptor
        let head = try Self.readHead(descriptor, &received)
        guard head.hasPrefix("HTTP/1.1 200 ") else {
            let status = head.dropFirst(9).prefix(3)
            throw AdminError("the node answered with status \(status)")
        }
        guard head.lowercased().contains("\r\ntransfer-encoding: chunked") else {
            throw AdminError("the node answered with something else than a stream")
        }
    }

    deinit { close(descriptor) }

    /// The next line, without its end; `nil`: the stream ended.
    package mutating func nextLine() throws(AdminError) -> [UInt8]? {
        while true {
            if chunk == 0 {
                guard let size = try nextSize() else { return nil }
                chunk = size
            }
            if received.isEmpty, try !Self.fill(descriptor, &received) { return nil }
            let part = received.prefix(chunk)
            guard let end = part.firstIndex(of: 10) else {
                line += part
                take(part.count)
                guard line.count <= Self.lineLimit else { throw AdminError("a line of the stream has no end") }
                continue
            }
            let whole = line + part[..<end]
            line = []
            take(end + 1)
            return whole.last == 13 ? whole.dropLast() : whole
        }
    }

    private mutating func take(_ count: Int) {
        received.removeFirst(count)
        chunk -= count
    }

    /// The size of the next chunk; `nil` for the last.
    private mutating func nextSize() throws(AdminError) -> Int? {
        // The end of the chunk before stands in front of it.
        if !isFirstChunk { _ = try takeSizeLine() }
        isFirstChunk = false
        guard let text = try takeSizeLine(), let size = Int(text, radix: 16), size > 0 else { return nil }
        return size
    }

    private mutating func takeSizeLine() throws(AdminError) -> String? {
        while true {
            if let end = received.firstIndex(of: 10) {
                let text = String(decoding: received[..<end].filter { $0 != 13 }, as: UTF8.self)
                received.removeFirst(end + 1)
                return text
            }
            guard try Self.fill(descriptor, &received) else { return nil }
        }
    }

    private static func readHead(_ descriptor: Int32, _ received: inout [UInt8]) throws(AdminError) -> String {
        let separator: [UInt8] = [13, 10, 13, 10]
        while true {
            if let end = received.indices.first(where: { received[$0...].starts(with: separator) }) {
                let head = String(decoding: received[..<(end + 2)], as: UTF8.self)
                received.removeFirst(end + 4)
                return head
            }
            guard received.count < 65_536, try fill(descriptor, &received) else {
                throw AdminError("the answer is not HTTP; does another program serve this socket?")
            }
        }
    }

    /// `false` at the end.
    private static func fill(_ descriptor: Int32, _ received: inout [UInt8]) throws(AdminError) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return false }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw AdminError("the answer broke off: \(AdminClient.reason(errno))") }
            received += bytes[..<count]
            return true
        }
    }
}
