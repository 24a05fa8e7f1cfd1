/// A request's line and fields as ranges of the bytes they were parsed from. One is made per event loop and used for
/// every request: parsing allocates nothing, and nothing of it outlives the bytes.
package final class RequestHead {
    package enum TargetForm: Sendable, Hashable { case origin, absolute, asterisk }

    package internal(set) var method = Method.other
    package internal(set) var methodRange = ByteRange()
    package internal(set) var form = TargetForm.origin
    /// The target as it was sent.
    package internal(set) var target = ByteRange()
    /// Without the query; empty in an absolute target that has none.
    package internal(set) var path = ByteRange()
    /// From the question mark on; empty when there is none.
    package internal(set) var query = ByteRange()
    /// Whether ``path`` is normalised as it is: no percent sign, no empty segment, none that begins with a dot.
    package internal(set) var isPathNormal = true
    /// Of the Host field, or of an absolute target, which overrides it (RFC 9112 section 3.2.2).
    package internal(set) var authority = Authority()
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    package internal(set) var minorVersion = 1
    package internal(set) var framing = BodyFraming.none
    package internal(set) var fields = FieldTable()
    /// Bytes from the first on to the end of the head's empty line, an empty line before the request included.
    package internal(set) var byteCount = 0
    /// Whether the client is willing to use the connection again.
    package internal(set) var keepsAlive = true
    /// The client asks to speak WebSocket, and nothing in the request says otherwise.
    package internal(set) var wantsWebSocket = false
    /// The client waits for 100 before it sends the body.
    package internal(set) var expectsContinue = false
    /// The client takes trailers.
    package internal(set) var acceptsTrailers = false
    /// How many more proxies an OPTIONS request may pass (RFC 9110 section 7.6.2); `nil`: any number.
    package internal(set) var maxForwards: Int?

    package init() {}

    /// Parses the head at the beginning of `bytes`; all ranges count from there. After anything but `.complete` the
    /// contents mean nothing.
    ///
    /// It keeps no state between calls: with `.incomplete`, call it again with more bytes. Callers need not do so
    /// before a line feed came, which bounds the work on a head that trickles in.
    package func parse(_ bytes: Span<UInt8>, limits: HeadLimits) -> HeadResult {
        do throws(HeadStop) {
            let limited = bytes.count > limits.bytes ? bytes.extracting(0..<limits.bytes) : bytes
            try parseHead(limited, limits: limits)
            return .complete
        } catch {
            switch error {
            case .failed(let reason): return .failed(reason)
            case .incomplete:
                guard bytes.count >= limits.bytes else { return .incomplete }
                return .failed(hasWholeLine(bytes, limits.bytes) ? .headTooLarge : .targetTooLong)
            }
        }
    }

    private func hasWholeLine(_ bytes: Span<UInt8>, _ limit: Int) -> Bool {
        containsLineFeed(bytes.extracting(min(2, limit)..<limit))
    }

    private func parseHead(_ bytes: Span<UInt8>, limits: HeadLimits) throws(HeadStop) {
        var start = 0
        // RFC 9112 section 2.2: one empty line before the request line is passed over.
        if bytes.count >= 1, bytes[0] == 0x0d {
            guard bytes.count >= 2 else { throw .incomplete }
            guard bytes[1] == 0x0a else { throw .failed(.badRequestLine) }
            start = 2
        }
        let fieldsStart = try parseLine(bytes, from: start)
        var summary = FieldSummary()
        fields.removeAll()
        byteCount = try FieldParser.parse(
            bytes, from: fieldsStart, limits: limits, part: .request, into: &fields, summary: &summary)
        try conclude(bytes, summary)
    }

    private func parseLine(_ bytes: Span<UInt8>, from start: Int) throws(HeadStop) -> Int {
        let count = bytes.count
        let methodEnd = endOfToken(bytes, from: start)
        guard methodEnd - start <= 64 else { throw .failed(.methodTooLong) }
        guard methodEnd < count else { throw .incomplete }
        guard methodEnd > start, bytes[methodEnd] == 0x20 else { throw .failed(.badMethod) }
        methodRange = ByteRange(start, methodEnd)
        method = Method.known(bytes.extracting(start..<methodEnd))

        let targetStart = methodEnd + 1
        let targetEnd = endOfTarget(bytes, from: targetStart)
        guard targetEnd < count else { throw .incomplete }
        guard bytes[targetEnd] == 0x20 else {
            switch bytes[targetEnd] {
            case UInt8(ascii: "#"): throw .failed(.fragmentInTarget)
            case 0x0d, 0x0a: throw .failed(.badRequestLine)
            default: throw .failed(.badTarget)
            }
        }
        guard targetEnd > targetStart else { throw .failed(.badRequestLine) }
        let lineEnd = try parseVersion(bytes, from: targetEnd + 1)
        target = ByteRange(targetStart, targetEnd)
        guard method != .connect, method != .trace else { throw .failed(.methodNotOffered) }
        try parseTarget(bytes)
        return lineEnd
    }

    /// `HTTP/1.1` or `HTTP/1.0` and the end of the line.
    private func parseVersion(_ bytes: Span<UInt8>, from start: Int) throws(HeadStop) -> Int {
        let available = min(bytes.count - start, 5)
        guard isBeginning(bytes.extracting(start..<start + available), of: "HTTP/") else { throw .failed(.badVersion) }
        guard bytes.count - start >= 8 else { throw .incomplete }
        let major = bytes[start + 5]
        let minor = bytes[start + 7]
        guard CharacterClass.isDigit(major), bytes[start + 6] == UInt8(ascii: "."), CharacterClass.isDigit(minor) else {
            throw .failed(.badVersion)
        }
        guard major == UInt8(ascii: "1"), minor <= UInt8(ascii: "1") else { throw .failed(.unsupportedVersion) }
        guard bytes.count - start >= 9 else { throw .incomplete }
        switch bytes[start + 8] {
        case 0x0d: break
        case 0x0a: throw .failed(.bareLineFeed)
        default: throw .failed(.badVersion)
        }
        guard bytes.count - start >= 10 else { throw .incomplete }
        guard bytes[start + 9] == 0x0a else { throw .failed(.bareCarriageReturn) }
        minorVersion = Int(minor &- UInt8(ascii: "0"))
        return start + 10
    }

    private func parseTarget(_ bytes: Span<UInt8>) throws(HeadStop) {
        authority = Authority()
        var pathStart = target.start
        switch bytes[target.start] {
        case UInt8(ascii: "/"):
            form = .origin
        case UInt8(ascii: "*"):
            guard target.count == 1, method == .options else { throw .failed(.badTarget) }
            form = .asterisk
            path = target
            query = ByteRange()
            isPathNormal = true
            return
        default:
            form = .absolute
            let text = bytes.extracting(target.range)
            let scheme = beginsIgnoringCase(text, "http://") ? 7 : beginsIgnoringCase(text, "https://") ? 8 : 0
            guard scheme > 0 else { throw .failed(.badTarget) }
            var end = target.start + scheme
            let start = end
            while end < target.end, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") {
                guard bytes[end] != UInt8(ascii: "@") else { throw .failed(.userInfoInTarget) }
                end += 1
            }
            guard let parsed = Authority(bytes, ByteRange(start, end)), !parsed.host.isEmpty else {
                throw .failed(.badHost)
            }
            authority = parsed
            pathStart = end
        }
        try parsePath(bytes, from: pathStart)
    }

    private func parsePath(_ bytes: Span<UInt8>, from start: Int) throws(HeadStop) {
        let end = target.end
        var index = start
        var isNormal = true
        var previous: UInt8 = 0
        while index < end {
            let byte = bytes[index]
            if byte == UInt8(ascii: "?") { break }
            if byte == UInt8(ascii: "%") {
                guard index + 2 < end, let high = CharacterClass.hexValue(bytes[index + 1]),
                    let low = CharacterClass.hexValue(bytes[index + 2])
                else { throw .failed(.badPercentEncoding) }
                guard high != 0 || low != 0 else { throw .failed(.nulInPath) }
                isNormal = false
            } else if byte == UInt8(ascii: "\\") {
                // Some servers read it as a slash and others do not; no good client sends it (RFC 3986 section 2).
                throw .failed(.badTarget)
            } else if previous == UInt8(ascii: "/"), byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") {
                isNormal = false
            }
            previous = byte
            index += 1
        }
        path = ByteRange(start, index)
        query = ByteRange(index, end)
        isPathNormal = isNormal
    }

    private func conclude(_ bytes: Span<UInt8>, _ summary: FieldSummary) throws(HeadStop) {
        guard summary.hosts <= 1 else { throw .failed(.repeatedHost) }
        guard summary.hosts == 1 || minorVersion == 0 else { throw .failed(.missingHost) }
        if summary.hosts == 1 {
            guard let parsed = Authority(bytes, summary.host) else { throw .failed(.badHost) }
            if form != .absolute { authority = parsed }
        }
        switch summary.coding {
        case .none:
            framing = summary.contentLength.map { .length($0) } ?? .none
        case .chunked, .unknown:
            guard minorVersion == 1 else { throw .failed(.transferEncodingInOldVersion) }
            guard summary.contentLength == nil else { throw .failed(.lengthAndTransferEncoding) }
            guard summary.coding == .chunked else { throw .failed(.unknownTransferEncoding) }
            framing = .chunked
        }
        guard method != .options || !summary.isMaxForwardsBad else { throw .failed(.badMaxForwards) }
        maxForwards = method == .options ? summary.maxForwards : nil
        keepsAlive = !summary.close && (minorVersion == 1 || summary.keepAlive)
        acceptsTrailers = summary.teTrailers
        let hasBody = framing != .none && framing != .length(0)
        expectsContinue = summary.expectContinue && minorVersion == 1 && hasBody
        // RFC 9110 section 7.8. A body before the switch is where proxies and servers disagree, so it rules it out.
        wantsWebSocket =
            summary.webSocket && !summary.otherUpgrade && summary.connectionUpgrade && minorVersion == 1
            && method == .get && framing == .none
    }
}
