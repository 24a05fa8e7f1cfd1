import Addresses
import NIOCore
import NIOHPACK
import Synchronization
import TestSupport

/// A client of HTTP/2 that sends the frames a test tells it to, good or bad: it keeps no state of streams.
final class HTTP2TestClient: Sendable {
    enum Kind: UInt8, Sendable {
        case data = 0
        case headers = 1
        case priority = 2
        case reset = 3
        case settings = 4
        case ping = 6
        case goAway = 7
        case windowUpdate = 8
        case continuation = 9
    }

    struct Frame: Sendable, CustomStringConvertible {
        var kind: UInt8
        var flags: UInt8
        var stream: UInt32
        var payload: [UInt8]

        var isEnd: Bool { flags & 1 != 0 && kind <= 1 }
        /// Of a RST_STREAM.
        var code: UInt32 { number(0) }
        func number(_ offset: Int) -> UInt32 {
            payload.count < offset + 4
                ? .max : payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }
        var description: String { "\(kind)/\(flags) of \(stream): \(payload.count) bytes" }
    }

    /// What came of one stream.
    struct Response: Sendable {
        /// A line for each field, a section for each HEADERS.
        var heads: [[String]] = []
        var body: [UInt8] = []
        var isEnd = false
        var resetCode: UInt32?

        var status: String? {
            heads.last { $0.first?.hasPrefix(":status: ") ?? false }?.first.map { String($0.dropFirst(9)) }
        }
        var text: String { String(decoding: body, as: UTF8.self) }
        func has(_ line: String) -> Bool { heads.contains { $0.contains(line) } }
    }

    private struct State {
        var decoder: HPACKDecoder
        var consumed = 0
        var frames: [Frame] = []
        var responses: [UInt32: Response] = [:]
    }

    let connection: TestClient
    private let state: Mutex<State>

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    init(_ endpoint: Endpoint, settings: [(UInt16, UInt32)] = [], isPaused: Bool = false) async throws {
        connection = try await TestClient(endpoint, isPaused: isPaused)
        state = Mutex(State(decoder: HPACKDecoder(allocator: ByteBufferAllocator())))
        var payload: [UInt8] = []
        for (name, value) in settings { payload += Self.bytes(UInt32(name)).suffix(2) + Self.bytes(value) }
        connection.post(Self.preface + Self.frame(.settings, payload))
    }

    static func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    static func frame(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8]) -> [UInt8] {
        Array(bytes(UInt32(payload.count)).dropFirst()) + [kind.rawValue, flags] + bytes(stream) + payload
    }

    /// Fields as literals that are not indexed (RFC 7541 section 6.2.2).
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { name, value in [0] + string(name) + string(value) }
    }

    private static func string(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
        var length: [UInt8] = [127]
        var rest = bytes.count - 127
        while rest >= 128 {
            length.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return length + [UInt8(rest)] + bytes
    }

    static let get: [(String, String)] = [
        (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a"),
    ]

    static func post(_ more: [(String, String)] = []) -> [(String, String)] {
        [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")] + more
    }

    func send(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8]) {
        connection.post(Self.frame(kind, flags: flags, stream: stream, payload))
    }

    /// HEADERS with END_HEADERS.
    func request(_ stream: UInt32, _ fields: [(String, String)] = get, isEnd: Bool = true) {
        send(.headers, flags: isEnd ? 5 : 4, stream: stream, Self.block(fields))
    }

    func data(_ stream: UInt32, _ bytes: [UInt8], isEnd: Bool = false) {
        send(.data, flags: isEnd ? 1 : 0, stream: stream, bytes)
    }

    func open(_ stream: UInt32, by increment: UInt32) {
        send(.windowUpdate, stream: stream, Self.bytes(increment))
    }

    var frames: [Frame] {
        parse()
        return state.withLock { $0.frames }
    }

    func response(_ stream: UInt32) -> Response {
        parse()
        return state.withLock { $0.responses[stream] ?? Response() }
    }

    /// How much more may be sent on a stream than at first.
    func room(_ stream: UInt32) -> Int {
        frames.filter { $0.kind == Kind.windowUpdate.rawValue && $0.stream == stream }.reduce(0) {
            $0 + Int($1.number(0))
        }
    }

    private func parse() {
        let bytes = connection.receivedBytes
        state.withLock { state in
            while bytes.count - state.consumed >= 9 {
                let start = state.consumed
                let length = Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
                guard bytes.count - start >= 9 + length else { return }
                let frame = Frame(
                    kind: bytes[start + 3], flags: bytes[start + 4],
                    stream: bytes[start + 5..<start + 9].reduce(0) { $0 << 8 | UInt32($1) },
                    payload: Array(bytes[start + 9..<start + 9 + length]))
                state.consumed = start + 9 + length
                state.frames.append(frame)
                Self.take(frame, &state)
            }
        }
    }

    private static func take(_ frame: Frame, _ state: inout State) {
        var response = state.responses[frame.stream] ?? Response()
        switch frame.kind {
        case Kind.headers.rawValue:
            var block = ByteBuffer(bytes: frame.payload)
            let fields = try? state.decoder.decodeHeaders(from: &block)
            response.heads.append(fields?.map { "\($0.name): \($0.value)" } ?? ["not decoded"])
        case Kind.data.rawValue: response.body += frame.payload
        case Kind.reset.rawValue: response.resetCode = frame.code
        default: break
        }
        if frame.isEnd { response.isEnd = true }
        state.responses[frame.stream] = response
    }

    /// Waits until what came of a stream satisfies `condition`.
    @discardableResult
    func wait(_ stream: UInt32, until condition: (Response) -> Bool) async throws -> Response {
        let found = try await waitForFrames { _ in condition(self.response(stream)) }
        _ = found
        return response(stream)
    }

    /// Waits for the end of a stream.
    @discardableResult
    func end(of stream: UInt32) async throws -> Response {
        try await wait(stream) { $0.isEnd || $0.resetCode != nil }
    }

    @discardableResult
    func waitForFrames(until condition: ([Frame]) -> Bool) async throws -> [Frame] {
        var all: [Frame] = []
        let came = try await Patience.lasts {
            let isClosed = connection.isClosed
            all = frames
            if condition(all) { return true }
            guard !isClosed else { throw TestClient.Ended(description: "closed; got \(all)") }
            return false
        }
        guard came else { throw TestClient.Ended(description: "not in time; got \(all)") }
        return all
    }

    /// Waits for the connection's end and returns the code of the last GOAWAY.
    func goAwayCode() async throws -> UInt32? {
        try await connection.waitForEnd()
        return frames.last { $0.kind == Kind.goAway.rawValue }?.number(4)
    }

    func close() async { await connection.close() }
}
