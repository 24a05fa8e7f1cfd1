import NIOCore
import TrafficModel

/// Reads the response to an HTTP probe as it comes in and gives the verdict as early as it can.
///
/// As strict as the proxy: a response that it would answer with 502 must not keep a member up.
struct ProbeResponse: Sendable {
    /// Head and interim heads together, in bytes.
    static let headLimit = 64 * 1024
    /// Bytes of the body, after chunked is undone, in which the expected text must end.
    static let bodyLimit = 64 * 1024

    private enum State {
        case head
        case body(remaining: Int)
        case bodyUntilClose
        case chunkSize
        case chunk(remaining: Int)
        case chunkEnd
    }

    private let expectedStatus: [ClosedRange<Int>]
    private let hasBody: Bool
    private var matcher: TextMatcher?
    private var state = State.head
    private var pending = ByteBuffer()
    private var headBytes = 0
    private var bodyBytes = 0

    init(check: Monitor.HTTPCheck) {
        expectedStatus = check.expectedStatus
        hasBody = check.method != "HEAD"
        matcher = check.expectedBody.map { TextMatcher(Array($0.utf8)) }
    }

    /// Takes what was received; the verdict if there is one by now.
    mutating func receive(_ bytes: inout ByteBuffer) -> ProbeOutcome? {
        pending.writeBuffer(&bytes)
        while true {
            switch state {
            case .head:
                guard let line = takeHead() else {
                    return pending.readableBytes + headBytes > Self.headLimit
                        ? .failure(.malformed("the head is too long")) : nil
                }
                if let outcome = readHead(line) { return outcome }
            case .body(let remaining):
                let (taken, outcome) = search(atMost: remaining)
                if let outcome { return outcome }
                if taken == remaining { return .failure(.body) }
                state = .body(remaining: remaining - taken)
                return nil
            case .bodyUntilClose:
                return search(atMost: .max).outcome
            case .chunkSize:
                guard let line = takeLine() else {
                    return pending.readableBytes > 1024 ? .failure(.malformed("a chunk size is too long")) : nil
                }
                guard let size = Self.chunkSize(line) else { return .failure(.malformed("a chunk size is none")) }
                if size == 0 { return .failure(.body) }
                state = .chunk(remaining: size)
            case .chunk(let remaining):
                let (taken, outcome) = search(atMost: remaining)
                if let outcome { return outcome }
                guard taken == remaining else {
                    state = .chunk(remaining: remaining - taken)
                    return nil
                }
                state = .chunkEnd
            case .chunkEnd:
                guard pending.readableBytes >= 2 else { return nil }
                guard pending.readBytes(length: 2) == [0x0d, 0x0a] else {
                    return .failure(.malformed("a chunk does not end where it says"))
                }
                state = .chunkSize
            }
        }
    }

    /// The peer closed the connection.
    func end() -> ProbeOutcome {
        switch state {
        case .head: .failure(.closed(.response))
        case .bodyUntilClose: .failure(.body)
        case .body, .chunkSize, .chunk, .chunkEnd: .failure(.malformed("the body is cut off"))
        }
    }

    /// Feeds up to `limit` pending bytes to the matcher.
    private mutating func search(atMost limit: Int) -> (taken: Int, outcome: ProbeOutcome?) {
        let count = min(limit, pending.readableBytes, Self.bodyLimit - bodyBytes)
        let isFound = matcher?.find(in: pending.readableBytesView.prefix(count)) ?? true
        pending.moveReaderIndex(forwardBy: count)
        pending.discardReadBytes()
        bodyBytes += count
        if isFound { return (count, .success) }
        return (count, bodyBytes == Self.bodyLimit ? .failure(.body) : nil)
    }

    private mutating func readHead(_ head: [UInt8]) -> ProbeOutcome? {
        guard let response = ResponseHead(head) else { return .failure(.malformed("the head cannot be read")) }
        // Interim responses (RFC 9110 section 15.2) precede the one that counts.
        if (100...199).contains(response.status), response.status != 101 { return nil }
        guard expectedStatus.contains(where: { $0.contains(response.status) }) else {
            return .failure(.status(response.status))
        }
        guard let matcher else { return .success }
        if matcher.isEmpty { return .success }
        if !hasBody || response.status == 204 || response.status == 304 { return .failure(.body) }
        switch response.framing {
        case .length(let length): state = .body(remaining: length)
        case .chunked: state = .chunkSize
        case .untilClose: state = .bodyUntilClose
        }
        return nil
    }

    /// Takes a head with the empty line behind it, if it is there.
    private mutating func takeHead() -> [UInt8]? {
        let view = pending.readableBytesView
        var previous: (UInt8, UInt8, UInt8) = (0, 0, 0)
        for (offset, byte) in view.enumerated() {
            if byte == 0x0a, previous == (0x0d, 0x0a, 0x0d) {
                headBytes += offset + 1
                return pending.readBytes(length: offset + 1)
            }
            previous = (previous.1, previous.2, byte)
        }
        return nil
    }

    private mutating func takeLine() -> [UInt8]? {
        guard let end = pending.readableBytesView.firstIndex(of: 0x0a) else { return nil }
        return pending.readBytes(length: end - pending.readerIndex + 1)
    }

    /// A chunk-size line with its CRLF; extensions are skipped.
    private static func chunkSize(_ line: [UInt8]) -> Int? {
        guard line.count >= 3, line[line.count - 2] == 0x0d else { return nil }
        let digits = line.dropLast(2).prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 && $0 != 0x09 }
        guard (1...15).contains(digits.count) else { return nil }
        var size = 0
        for digit in digits {
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue, digit < 0x80 else { return nil }
            size = size << 4 | value
        }
        return size
    }
}

/// The parts of a response head that a probe needs.
struct ResponseHead: Equatable {
    enum Framing: Equatable {
        case length(Int)
        case chunked
        case untilClose
    }

    var status: Int
    var framing: Framing

    /// Reads a head up to and with its empty line (RFC 9112 sections 4 to 6); `nil` when it breaks a rule on which
    /// the framing depends.
    init?(_ head: [UInt8]) {
        // A lone CR or LF, or a NUL, makes two readers see two heads.
        for (index, byte) in head.enumerated() {
            if byte == 0x0a, index == 0 || head[index - 1] != 0x0d { return nil }
            if byte == 0x0d, index + 1 == head.count || head[index + 1] != 0x0a { return nil }
            if byte == 0 { return nil }
        }
        let lines = head.dropLast(4).split(separator: 0x0a, omittingEmptySubsequences: false)
            .map { $0.last == 0x0d ? $0.dropLast() : $0 }
        guard let first = lines.first.map(Array.init), first.count >= 12, first.starts(with: "HTTP/1.".utf8),
            first[7] == UInt8(ascii: "0") || first[7] == UInt8(ascii: "1"), first[8] == 0x20,
            first[9...11].allSatisfy({ (48...57).contains($0) }), first.count == 12 || first[12] == 0x20
        else { return nil }
        status = first[9...11].reduce(0) { $0 * 10 + Int($1 - 48) }
        guard (100...599).contains(status) else { return nil }

        var length: Int?
        var isChunked = false
        var hasCoding = false
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                !line[..<colon].contains(where: { $0 <= 0x20 || $0 >= 0x7f })
            else { return nil }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
            let text = String(decoding: value, as: UTF8.self).lowercased()
                .split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
            switch name {
            case "content-length":
                guard let number = Int(text), number >= 0, text.utf8.allSatisfy({ (48...57).contains($0) }),
                    length == nil || length == number
                else { return nil }
                length = number
            case "transfer-encoding":
                guard !hasCoding, text == "chunked" else { return nil }
                hasCoding = true
                isChunked = true
            default: break
            }
        }
        guard !(isChunked && length != nil) else { return nil }
        framing = isChunked ? .chunked : length.map(Framing.length) ?? .untilClose
    }
}

/// Finds a text in a stream of bytes (Knuth, Morris and Pratt), across whatever borders the stream has.
struct TextMatcher: Sendable {
    private let text: [UInt8]
    /// The length of the longest proper prefix that is also a suffix, for each prefix of the text.
    private let fallback: [Int]
    private var matched = 0

    var isEmpty: Bool { text.isEmpty }

    init(_ text: [UInt8]) {
        self.text = text
        var fallback = Array(repeating: 0, count: text.count)
        var length = 0
        for index in text.indices.dropFirst() {
            while length > 0, text[index] != text[length] { length = fallback[length - 1] }
            if text[index] == text[length] { length += 1 }
            fallback[index] = length
        }
        self.fallback = fallback
    }

    /// Goes on with the next bytes; whether the text has occurred.
    mutating func find(in bytes: some Sequence<UInt8>) -> Bool {
        for byte in bytes where matched < text.count {
            while matched > 0, byte != text[matched] { matched = fallback[matched - 1] }
            if byte == text[matched] { matched += 1 }
        }
        return matched == text.count
    }
}
