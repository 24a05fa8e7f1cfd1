/// What the fields of a head say together about the connection and the body.
struct FieldSummary {
    enum Coding { case none, chunked, unknown }

    /// Options in `Connection` other than the ones that a proxy acts on; more are refused, as each is compared with
    /// every field.
    static let mostNominations = 16

    var close = false
    var keepAlive = false
    var connectionUpgrade = false
    /// Options of `Connection` that may name fields.
    var nominations = 0
    var hosts = 0
    var host = ByteRange()
    var contentLength: Int?
    var coding = Coding.none
    var codings = 0
    var webSocket = false
    var otherUpgrade = false
    var expectContinue = false
    var teTrailers = false
    var maxForwards: Int?
    var isMaxForwardsBad = false
    /// Of a response's `Keep-Alive: timeout=`.
    var idleSeconds: Int?

    /// Takes in one field.
    mutating func note(
        _ name: FieldName, _ value: ByteRange, _ bytes: Span<UInt8>, isRequest: Bool
    )
        throws(HeadStop)
    {
        switch name {
        case .host:
            hosts += 1
            host = value
        case .contentLength:
            let length = try Self.contentLength(bytes.extracting(value.range))
            if let contentLength {
                // A sender that repeats the field, even with one value, and a recipient that takes the other are how
                // requests are smuggled. Responses of old servers do it, and with equal values it does no harm there.
                guard !isRequest, contentLength == length else { throw .failed(.repeatedContentLength) }
            }
            contentLength = length
        case .transferEncoding:
            codings += 1
            guard codings == 1 else { throw .failed(.repeatedTransferEncoding) }
            coding = try Self.transferCoding(bytes.extracting(value.range))
        case .connection:
            try connection(bytes, value)
        case .upgrade where isRequest:
            var list = ListReader(value)
            while let item = list.next(bytes) {
                if equalsIgnoringCase(bytes.extracting(item.range), "websocket") {
                    webSocket = true
                } else {
                    otherUpgrade = true
                }
            }
        case .upgrade:
            let text = bytes.extracting(value.range)
            if equalsIgnoringCase(text, "websocket") { webSocket = true } else { otherUpgrade = true }
        case .expect where isRequest:
            guard equalsIgnoringCase(bytes.extracting(value.range), "100-continue") else {
                throw .failed(.unknownExpectation)
            }
            expectContinue = true
        case .te where isRequest:
            var list = ListReader(value)
            while let item = list.next(bytes) {
                if equalsIgnoringCase(bytes.extracting(item.range), "trailers") { teTrailers = true }
            }
        case .keepAlive where !isRequest:
            var list = ListReader(value)
            while let item = list.next(bytes) {
                guard beginsIgnoringCase(bytes.extracting(item.range), "timeout=") else { continue }
                idleSeconds = Self.smallNumber(bytes.extracting(item.start + 8..<item.end))
            }
        case .maxForwards where isRequest:
            // Means something for some methods only, and is passed on as it is with the others.
            let number = maxForwards == nil ? Self.smallNumber(bytes.extracting(value.range)) : nil
            if number == nil { isMaxForwardsBad = true }
            maxForwards = number
        default:
            break
        }
    }

    private mutating func connection(_ bytes: Span<UInt8>, _ value: ByteRange) throws(HeadStop) {
        var list = ListReader(value)
        while let item = list.next(bytes) {
            let option = bytes.extracting(item.range)
            guard endOfToken(option, from: 0) == option.count else { throw .failed(.badConnection) }
            if equalsIgnoringCase(option, "close") {
                close = true
            } else if equalsIgnoringCase(option, "keep-alive") {
                keepAlive = true
            } else if equalsIgnoringCase(option, "upgrade") {
                connectionUpgrade = true
            } else {
                nominations += 1
                guard nominations <= Self.mostNominations else { throw .failed(.badConnection) }
            }
        }
    }

    /// 1*DIGIT; what is too large to matter is as large as can be written.
    private static func smallNumber(_ text: Span<UInt8>) -> Int? {
        guard !text.isEmpty else { return nil }
        var value = 0
        for index in 0..<text.count {
            guard CharacterClass.isDigit(text[index]) else { return nil }
            value = min(value * 10 + Int(text[index] &- UInt8(ascii: "0")), 1_000_000)
        }
        return value
    }

    /// 1*DIGIT and nothing else (RFC 9110 section 8.6).
    private static func contentLength(_ text: Span<UInt8>) throws(HeadStop) -> Int {
        guard !text.isEmpty else { throw .failed(.badContentLength) }
        var value = 0
        for index in 0..<text.count {
            let byte = text[index]
            guard CharacterClass.isDigit(byte) else { throw .failed(.badContentLength) }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(byte &- UInt8(ascii: "0")))
            guard !overflow, !carry else { throw .failed(.contentLengthTooLarge) }
            value = sum
        }
        return value
    }

    /// Exactly `chunked` is understood. A list of tokens that ends otherwise is unknown; all else is malformed.
    private static func transferCoding(_ text: Span<UInt8>) throws(HeadStop) -> Coding {
        if equalsIgnoringCase(text, "chunked") { return .chunked }
        var names = 0
        var chunked = 0
        var list = ListReader(ByteRange(0, text.count))
        while let item = list.next(text) {
            let name = text.extracting(item.range)
            guard endOfToken(name, from: 0) == name.count else { throw .failed(.badTransferEncoding) }
            names += 1
            if equalsIgnoringCase(name, "chunked") { chunked += 1 }
        }
        guard names > 0, chunked < 2, chunked < names else { throw .failed(.badTransferEncoding) }
        return .unknown
    }
}

/// Walks the elements of a comma-separated list (RFC 9110 section 5.6.1); empty elements are passed over. Not for
/// fields whose elements may be quoted strings.
struct ListReader {
    private var index: Int
    private let end: Int

    init(_ value: ByteRange) {
        index = value.start
        end = value.end
    }

    mutating func next(_ bytes: Span<UInt8>) -> ByteRange? {
        while index < end {
            var start = index
            while index < end, bytes[index] != UInt8(ascii: ",") { index += 1 }
            var stop = index
            index += 1
            while start < stop, isBlank(bytes[start]) { start += 1 }
            while stop > start, isBlank(bytes[stop - 1]) { stop -= 1 }
            if start < stop { return ByteRange(start, stop) }
        }
        return nil
    }
}

@inline(__always)
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
