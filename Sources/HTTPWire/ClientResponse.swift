/// Reads one response as it comes in, for probes and the demonstration. Allocates; not for the data path.
package struct ClientResponse: Sendable {
    package enum Progress: Sendable, Hashable {
        /// More bytes are needed.
        case incomplete
        /// The response is whole.
        case complete
        case failed(HeadError)
    }

    /// `nil` until the head came; never 1xx.
    package private(set) var status: Int?
    package private(set) var fields: [(name: String, value: String)] = []
    /// The body's beginning, up to the limit.
    package private(set) var body: [UInt8] = []
    /// Bytes of the body so far, those past the limit included.
    package private(set) var bodyCount = 0
    /// Whether another request can be sent on the connection, once the response is complete.
    package private(set) var keepsAlive = false
    package private(set) var progress = Progress.incomplete
    /// Bytes behind the end of the response. A server that was asked once should send none.
    package private(set) var surplus: [UInt8] = []

    private let method: Method
    private let bodyLimit: Int
    private let limits: HeadLimits
    private var pending: [UInt8] = []
    private var framing = BodyFraming.none
    private var remaining = 0
    private var chunks = ChunkedDecoder()

    /// - Parameters:
    ///   - method: of the request.
    ///   - bodyLimit: bytes of the body to keep.
    package init(method: String = "GET", bodyLimit: Int = 64 * 1024, limits: HeadLimits = HeadLimits()) {
        self.method = Method.known(Array(method.utf8).span)
        self.bodyLimit = bodyLimit
        self.limits = limits
    }

    /// The value of the first field of this name.
    package func field(_ name: String) -> String? {
        let wanted = Array(name.utf8)
        return fields.first { equalsIgnoringCase(Array($0.name.utf8).span, wanted.span) }?.value
    }

    /// Takes in bytes; an end is final.
    @discardableResult
    package mutating func receive(_ bytes: some Sequence<UInt8>) -> Progress {
        guard progress == .incomplete else {
            surplus += bytes
            return progress
        }
        pending += bytes
        while status == nil {
            let more = readHead()
            guard progress == .incomplete else { return progress }
            guard more else { return .incomplete }
        }
        readBody()
        return progress
    }

    /// The server closed its side.
    @discardableResult
    package mutating func inputClosed() -> Progress {
        guard progress == .incomplete else { return progress }
        if status != nil, framing == .untilClose {
            progress = .complete
        } else {
            progress = .failed(.badStatusLine)
        }
        return progress
    }

    /// Reads one head, interim ones included.
    ///
    /// - Returns: whether there was one.
    private mutating func readHead() -> Bool {
        let head = ResponseHead()
        let bytes = pending
        switch head.parse(bytes.span, limits: limits, method: method) {
        case .incomplete: return false
        case .failed(let error):
            progress = .failed(error)
            return false
        case .complete:
            pending.removeFirst(head.byteCount)
            guard !head.isInterim else { return true }
            status = Int(head.status)
            for index in 0..<head.fields.count {
                let line = head.fields[index]
                fields.append(
                    (
                        String(decoding: bytes[line.nameRange.range], as: UTF8.self),
                        String(decoding: bytes[line.value.range], as: UTF8.self)
                    ))
            }
            keepsAlive = head.keepsAlive
            framing = head.framing
            if case .length(let length) = framing { remaining = length }
            return true
        }
    }

    private mutating func readBody() {
        let bytes = pending
        pending = []
        switch framing {
        case .none:
            surplus = bytes
            progress = .complete
        case .length:
            let count = min(remaining, bytes.count)
            keep(bytes[..<count])
            remaining -= count
            if remaining == 0 {
                surplus = Array(bytes[count...])
                progress = .complete
            }
        case .untilClose:
            keep(bytes[...])
        case .chunked:
            var offset = 0
            while true {
                switch chunks.next(bytes.span, offset: &offset) {
                case .data(let range): keep(bytes[range])
                case .incomplete:
                    pending = Array(bytes[offset...])
                    return
                case .failed(let error):
                    progress = .failed(error)
                    return
                case .end:
                    surplus = Array(bytes[offset...])
                    progress = .complete
                    return
                }
            }
        }
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        bodyCount += bytes.count
        body += bytes.prefix(max(0, bodyLimit - body.count))
    }
}
