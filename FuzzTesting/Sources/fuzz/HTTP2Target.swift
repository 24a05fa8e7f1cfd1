@testable import HTTP2Wire

/// Connections of HTTP/2: how the bytes are cut does not matter, whatever comes is within the limits, and what is sent
/// for it is made of whole frames. Fields that were read are written again, and read as they were.
///
/// The first byte says whose side this is and how the rest is cut.
final class HTTP2Target: FuzzTarget {
    static let name = "http2"
    private static let streams = 8
    private static let fieldBytes = 4096
    private static let window = 1000

    init() {}

    func run(_ input: Span<UInt8>) {
        guard input.count >= 1 else { return }
        let isServer = input[0] & 1 == 0
        let step = 1 + Int(input[0] >> 1)
        let bytes = (isServer ? Self.preface : []) + input.array(from: 1)
        let whole = Side(isServer)
        whole.feed(bytes)
        let parts = Side(isServer)
        for start in stride(from: 0, to: bytes.count, by: step) {
            parts.feed(Array(bytes[start..<min(start + step, bytes.count)]))
        }
        require(whole.log == parts.log, "a cut does not change what happens: \(whole.log) \(parts.log)")
        require(whole.bodies == parts.bodies, "nor what bodies are made of")
        require(whole.checkOutput() == parts.checkOutput(), "nor what is sent")
    }

    /// One side of a connection, whose user answers each request at once.
    private final class Side {
        let session: HTTP2Session
        private(set) var log: [String] = []
        private(set) var bodies: [Int: [UInt8]] = [:]
        private var pending: [UInt8] = []
        private var encoder = FieldEncoder()
        private var decoder = FieldDecoder()
        private let copy = FieldSection()

        init(_ isServer: Bool) {
            var limits = HTTP2Session.Limits()
            limits.streams = HTTP2Target.streams
            limits.fieldBytes = HTTP2Target.fieldBytes
            limits.streamWindow = HTTP2Target.window
            limits.resets = 20
            limits.controls = 30
            session = HTTP2Session(role: isServer ? .server : .client, limits: limits, fields: FieldSection())
            session.start()
            guard !isServer else { return }
            for isHead in [false, true, false] {
                let stream = session.open(isHead: isHead)
                session.beginFields()
                session.add(fixed: StaticIndex.get)
                session.endFields(stream, isEnd: true)
            }
        }

        func feed(_ bytes: [UInt8]) {
            pending += bytes
            // Of their exact size and on the heap, so that AddressSanitizer sees what goes past their end.
            let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: pending.count)
            defer { unsafe room.deallocate() }
            _ = unsafe room.initialize(from: pending)
            let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(room))
            var offset = 0
            while true {
                let before = offset
                let event = session.next(span, offset: &offset)
                require(offset >= before && offset <= pending.count, "what is consumed was there")
                if event == .incomplete { break }
                take(event, pending)
            }
            pending.removeFirst(offset)
            require(session.isFailed || pending.count < 9 + 16_384, "what is not consumed is one frame at most")
        }

        private func take(_ event: HTTP2Session.Event, _ bytes: [UInt8]) {
            require(session.streamCount <= max(HTTP2Target.streams, 3), "streams are limited")
            switch event {
            case .request(let stream):
                log.append("request \(session.id(of: stream)) \(fields())")
                session.beginFields()
                session.add(status: 200)
                session.endFields(stream, isEnd: false)
                let body = [UInt8](repeating: 0x61, count: 100)
                _ = session.send(body.span, on: stream, isEnd: true)
                _ = session.closeIfDone(stream)
            case .response(let stream), .trailers(let stream):
                log.append("fields \(session.id(of: stream)) \(fields())")
                _ = session.closeIfDone(stream)
            case .data(let stream, let range, let count, let isEnd):
                require(count >= range.count, "padding counts")
                let id = Int(session.id(of: stream))
                bodies[id, default: []] += bytes[range]
                if isEnd {
                    log.append("end \(id)")
                    _ = session.closeIfDone(stream)
                }
            case .incomplete, .settings, .pong, .windowOpened: break
            case .reset, .broken, .malformed, .refused, .goAway, .failed: log.append("\(event)")
            }
        }

        /// Those that were read, once they were written and read again.
        private func fields() -> String {
            let (section, copy) = (session.fields, self.copy)
            let output = OutputBytes()
            var text = ""
            for index in 0..<section.count {
                encoder.encode(
                    place: 0, name: section.name(index), value: section.value(index), isSecret: false, output)
                let (name, value) = (section.name(index).array(), section.value(index).array())
                text += "\(name): \(value) "
            }
            let result = decoder.decode(output.bytes, into: copy, limit: 1 << 20)
            require(result == .decoded, "what is written can be read")
            require(copy.count == section.count, "and is as much")
            for index in 0..<copy.count {
                let (name, value) = (section.name(index).array(), section.value(index).array())
                let (ownName, ownValue) = (copy.name(index).array(), copy.value(index).array())
                require(ownValue == value, "and the same")
                require(ownName == name.map { lowercase($0) }, "in small letters")
            }
            return text
        }

        /// - Returns: what was sent, without what depends on when windows were opened.
        func checkOutput() -> [[UInt8]] {
            let output = session.output
            var rest = output.bytes.array()[...]
            if session.role == .client { rest = rest.dropFirst(HTTP2Target.preface.count - 9) }
            var frames: [[UInt8]] = []
            while !rest.isEmpty {
                require(rest.count >= 9, "frames are whole")
                let head = Array(rest.prefix(9))
                let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
                require(length <= 16_384 && rest.count >= 9 + length, "and no larger than may be")
                frames.append(Array(rest.prefix(9 + length)))
                rest = rest.dropFirst(9 + length)
            }
            return frames
        }
    }

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4)

    private static func frame(_ kind: UInt8, flags: UInt8 = 0, stream: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xff), kind, flags, 0, 0, 0, stream] + payload
    }

    static var seeds: [[UInt8]] {
        let get: [UInt8] = [0x82, 0x86, 0x84, 0x41, 1, 0x61]
        let post: [UInt8] = [0x83, 0x86, 0x84, 0x41, 1, 0x61, 0x5c, 1, 0x35]
        let kept: [UInt8] = get + [0x40, 3, 0x78, 0x2d, 0x61, 1, 0x62, 0xbe]
        return [
            [0] + frame(1, flags: 5, stream: 1, get) + frame(1, flags: 5, stream: 3, kept),
            [6] + frame(1, flags: 4, stream: 1, post)
                + frame(0, flags: 9, stream: 1, [2] + Array("hello".utf8) + [0, 0]),
            [20] + frame(1, flags: 0x29, stream: 1, [0, 0, 0, 0, 0, 9] + get.prefix(3))
                + frame(9, flags: 4, stream: 1, Array(get.dropFirst(3))),
            [0] + frame(4, [0, 4, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0]) + frame(8, stream: 0, [0, 0, 1, 0])
                + frame(6, get + [0, 0])
                + frame(1, flags: 5, stream: 1, get) + frame(3, stream: 1, [0, 0, 0, 8])
                + frame(2, stream: 1, [0, 0, 0, 0, 1]),
            [1] + frame(4) + frame(1, flags: 4, stream: 1, [0x88]) + frame(0, flags: 0, stream: 1, Array("abc".utf8))
                + frame(1, flags: 5, stream: 1, [0, 1, 0x61, 1, 0x62]),
            [3] + frame(4, [0, 3, 0, 0, 0, 1]) + frame(1, flags: 5, stream: 3, [0x8b])
                + frame(7, [0, 0, 0, 1, 0, 0, 0, 0]),
        ]
    }

    static let words: [[UInt8]] = [
        frame(4), frame(4, flags: 1), frame(1, flags: 5, stream: 1), frame(1, flags: 4, stream: 3),
        frame(9, flags: 4, stream: 1), frame(0, flags: 1, stream: 1), frame(3, stream: 1, [0, 0, 0, 8]),
        frame(8, stream: 1, [0, 0, 0, 1]), frame(6, [0, 0, 0, 0, 0, 0, 0, 0]), frame(7, [0, 0, 0, 0, 0, 0, 0, 0]),
        [0x82, 0x86, 0x84, 0x41, 1, 0x61], [0x88], [0x40, 1, 0x61, 1, 0x62], [0xbe], [0x20], [0x3f, 0xe1, 0x1f],
        Array("content-length".utf8), Array("connection".utf8), Array(":protocol".utf8), Array("te".utf8),
    ]
}
