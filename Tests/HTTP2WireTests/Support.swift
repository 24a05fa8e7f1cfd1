@testable import HTTP2Wire

/// A field as text; what is not UTF-8 is seen in `bytes`.
struct TestField: Hashable, Sendable, CustomStringConvertible {
    var name: [UInt8]
    var value: [UInt8]

    init(_ name: String, _ value: String) { (self.name, self.value) = (Array(name.utf8), Array(value.utf8)) }
    init(name: [UInt8], value: [UInt8]) { (self.name, self.value) = (name, value) }

    var description: String { "\(String(decoding: name, as: UTF8.self)): \(String(decoding: value, as: UTF8.self))" }
}

extension FieldSection {
    var all: [TestField] {
        (0..<count).map { index in
            let (name, value) = (name(index), value(index))
            return TestField(name: name.indices.map { name[$0] }, value: value.indices.map { value[$0] })
        }
    }
}

extension OutputBytes {
    /// Takes what was written.
    func take() -> [UInt8] {
        let span = bytes
        let all = span.indices.map { span[$0] }
        removeAll(keeping: .max)
        return all
    }
}

extension HTTP2Session {
    /// Sends from an array. Apart from the macros, whose code the compiler fails to check when spans are in it.
    func sends(_ bytes: [UInt8], on stream: Int, isEnd: Bool = true) -> Int {
        send(bytes.span, on: stream, isEnd: isEnd)
    }
}

extension FieldDecoder {
    mutating func reads(_ bytes: [UInt8], into section: FieldSection, limit: Int = 65_536) -> Result {
        decode(bytes.span, into: section, limit: limit)
    }
}

/// Bytes of hexadecimal digits; blanks are passed over.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

enum Frames {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// What every client begins with.
    static let beginning = preface + frame(4)

    static func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    static func frame(_ kind: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        var frame = Array(bytes(UInt32(payload.count)).dropFirst())
        frame += [kind, flags]
        frame += bytes(stream)
        return frame + payload
    }

    /// Literals that are not indexed, with short names and values.
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes += [0, UInt8(name.utf8.count)]
            bytes += name.utf8
            bytes.append(UInt8(value.utf8.count))
            bytes += value.utf8
        }
        return bytes
    }

    static let get: [(String, String)] = [
        (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a"),
    ]

    static func post(_ more: [(String, String)] = []) -> [(String, String)] {
        [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")] + more
    }

    static func request(_ stream: UInt32, _ fields: [(String, String)] = get, isEnd: Bool = true) -> [UInt8] {
        frame(1, flags: isEnd ? 5 : 4, stream: stream, block(fields))
    }

    static func data(_ stream: UInt32, _ text: String, isEnd: Bool = false) -> [UInt8] {
        frame(0, flags: isEnd ? 1 : 0, stream: stream, Array(text.utf8))
    }

    /// Frames of `bytes`, as kind, flags, stream and payload.
    static func parse(_ bytes: [UInt8]) -> [(kind: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] {
        var list: [(kind: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] = []
        var rest = bytes[...]
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let stream = head[5...8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            list.append((head[3], head[4], stream, Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return list
    }
}

/// Feeds a session and notes what it says, in words that do not depend on how the bytes came.
final class Listener {
    let session: HTTP2Session
    private(set) var heads: [[TestField]] = []
    /// By stream number.
    private(set) var bodies: [UInt32: [UInt8]] = [:]
    private(set) var ended: [UInt32] = []
    private(set) var log: [String] = []
    private(set) var failure: ErrorCode?
    private(set) var isFlood = false
    private var numbers: [Int: UInt32] = [:]
    private var pending: [UInt8] = []

    init(_ role: HTTP2Session.Role = .server, _ change: (inout HTTP2Session.Limits) -> Void = { _ in }) {
        var limits = HTTP2Session.Limits()
        limits.streams = 100
        change(&limits)
        session = HTTP2Session(role: role, limits: limits, fields: FieldSection())
    }

    func number(_ place: Int, _ id: UInt32) { numbers[place] = id }

    func feed(_ bytes: [UInt8]) {
        pending += bytes
        var offset = 0
        let all = pending
        while failure == nil {
            let event = session.next(all.span, offset: &offset)
            if event == .incomplete { break }
            take(event, all)
        }
        pending.removeFirst(offset)
    }

    private func take(_ event: HTTP2Session.Event, _ bytes: [UInt8]) {
        switch event {
        case .request(let place), .response(let place):
            numbers[place] = session.id(of: place)
            heads.append(session.fields.all)
            note("head", place)
        case .trailers(let place):
            heads.append(session.fields.all)
            note("trailers", place)
        case .data(let place, let range, let count, let isEnd):
            bodies[numbers[place] ?? 0, default: []] += bytes[range]
            if count == 0, !isEnd { note("empty", place) }
            if isEnd { note("end", place) }
        case .reset(let place, let code): log.append("reset \(numbers[place] ?? 0) \(code.rawValue)")
        case .broken(let place): log.append("broken \(place < 0 ? 0 : numbers[place] ?? 0)")
        case .malformed: log.append("malformed")
        case .refused: log.append("refused")
        case .windowOpened(let place): log.append("window \(place < 0 ? 0 : numbers[place] ?? 0)")
        case .settings: log.append("settings")
        case .pong: log.append("pong")
        case .goAway(let last, let code): log.append("goaway \(last) \(code.rawValue)")
        case .failed(let code, let isFlood):
            failure = code
            self.isFlood = isFlood
            log.append("failed \(code.rawValue)")
        case .incomplete: break
        }
    }

    private func note(_ word: String, _ place: Int) {
        log.append("\(word) \(numbers[place] ?? 0)")
        if session.isInputEnded(place) { ended.append(numbers[place] ?? 0) }
    }
}

/// The same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
