import NIOCore

/// The answer of a node as it comes (RFC 9112): its status, then its body piece by piece.
struct AdminAnswer {
    let status: Int
    /// Seconds until it is worth to ask again, where the node says so.
    let retryAfter: Int?
    private let connection: AdminConnection
    private let address: AdminAddress
    /// What was received and not read yet.
    private var received: [UInt8]
    private var rest: Rest

    /// What of the body is to come.
    private enum Rest {
        case bytes(Int)
        /// The size of a chunk comes next (section 7.1).
        case chunk(isFirst: Bool)
        case inChunk(Int)
        case untilClose
    }

    private static let headLimit = 64 * 1024

    /// Waits for the head of the answer to what was sent.
    init(_ connection: AdminConnection, _ address: AdminAddress, within timeout: TimeAmount) throws(AdminError) {
        self.connection = connection
        self.address = address
        var received: [UInt8] = []
        let separator: [UInt8] = [13, 10, 13, 10]
        var head: String?
        while head == nil {
            if let end = received.indices.first(where: { received[$0...].starts(with: separator) }) {
                head = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 4)
                break
            }
            guard received.count < Self.headLimit,
                let more = try connection.receive(within: timeout)
            else { break }
            received += more
        }
        let lines = head?.split(separator: "\r\n") ?? []
        guard let first = lines.first, first.hasPrefix("HTTP/1.1 "), let status = Int(first.dropFirst(9).prefix(3))
        else {
            throw AdminError("\(address): the answer is not HTTP; does another program serve there?")
        }
        var rest = status == 204 || status == 304 ? Rest.bytes(0) : .untilClose
        var retryAfter: Int?
        for line in lines.dropFirst() {
            let field = line.split(separator: ":", maxSplits: 1).map { $0.drop { $0 == " " }.lowercased() }
            guard field.count == 2 else { continue }
            if field[0] == "content-length", let length = Int(field[1]), length >= 0 { rest = .bytes(length) }
            if field[0] == "retry-after", let seconds = Int(field[1]), seconds >= 0 { retryAfter = seconds }
            if field[0] == "transfer-encoding", field[1] == "chunked" { rest = .chunk(isFirst: true) }
        }
        self.status = status
        self.retryAfter = retryAfter
        self.received = received
        self.rest = rest
    }

    /// The next piece of the body; `nil` at its end.
    ///
    /// - Throws: `AdminError` when the body breaks off.
    mutating func next(within timeout: TimeAmount) throws(AdminError) -> [UInt8]? {
        while true {
            switch rest {
            case .bytes(0): return nil
            case .bytes(let count):
                let piece = try take(count, within: timeout)
                rest = .bytes(count - piece.count)
                return piece
            case .inChunk(0): rest = .chunk(isFirst: false)
            case .inChunk(let count):
                let piece = try take(count, within: timeout)
                rest = .inChunk(count - piece.count)
                return piece
            case .chunk(let isFirst):
                // The end of the chunk before stands in front of it.
                if !isFirst { _ = try takeLine(within: timeout) }
                guard let size = Int(try takeLine(within: timeout), radix: 16), size >= 0 else { throw broken }
                guard size > 0 else {
                    rest = .bytes(0)
                    return nil
                }
                rest = .inChunk(size)
            case .untilClose:
                if received.isEmpty { return try connection.receive(within: timeout) }
                defer { received = [] }
                return received
            }
        }
    }

    private var broken: AdminError { AdminError("\(address): the answer broke off") }

    private mutating func fill(within timeout: TimeAmount) throws(AdminError) {
        guard let more = try connection.receive(within: timeout) else { throw broken }
        received += more
    }

    private mutating func take(_ limit: Int, within timeout: TimeAmount) throws(AdminError) -> [UInt8] {
        if received.isEmpty { try fill(within: timeout) }
        let piece = Array(received.prefix(limit))
        received.removeFirst(piece.count)
        return piece
    }

    private mutating func takeLine(within timeout: TimeAmount) throws(AdminError) -> String {
        while true {
            if let end = received.firstIndex(of: 10) {
                let text = String(decoding: received[..<end].filter { $0 != 13 }, as: UTF8.self)
                received.removeFirst(end + 1)
                return text
            }
            guard received.count < Self.headLimit else { throw broken }
            try fill(within: timeout)
        }
    }
}
