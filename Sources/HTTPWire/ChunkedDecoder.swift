/// Takes the chunked coding off a body (RFC 9112 section 7.1), however the bytes are split. It buffers nothing: what is
/// consumed is gone, and the caller keeps what is not.
///
///     size --CRLF--> data --CRLF--> size … size 0 --CRLF--> trailers --empty line--> end
package struct ChunkedDecoder: Sendable {
    package enum Event: Sendable, Hashable {
        /// These bytes belong to the body.
        case data(Range<Int>)
        /// The trailer section's fields are in these bytes, which end with the empty line; the body ended before it.
        case end(trailers: Range<Int>)
        /// All that can be consumed was.
        case incomplete
        case failed(HeadError)
    }

    private enum State: Sendable {
        case sizeStart
        case size
        /// Blanks behind the size. RFC 9112 section 7.1.1 has them before an extension only; servers that keep a field of
        /// fixed width for the size fill it with them.
        case blank
        case `extension`
        case sizeLineFeed
        case data
        case dataReturn
        case dataLineFeed
        case trailers
    }

    /// Extension bytes per body; nobody uses them but attackers.
    package static let extensionLimit = 4096
    /// Bytes of the trailer section.
    package static let trailerLimit = 8192
    /// A size has at most this many digits; more cannot be counted in a 64-bit number.
    private static let sizeDigits = 16

    private var state = State.sizeStart
    private var digits = 0
    private var remaining = 0
    private var extensionBytes = 0
    /// Bytes of the trailer section that were searched for its end.
    private var searched = 0

    package init() {}

    /// The next event of `bytes`, whose first byte is the first that was not consumed yet.
    ///
    /// - Parameter offset: where to go on; it is moved past what was consumed. With `.incomplete`, the bytes from
    ///   there on must be given again, with more behind them: none but those of an unfinished trailer section.
    package mutating func next(_ bytes: Span<UInt8>, offset: inout Int) -> Event {
        while offset < bytes.count {
            switch state {
            case .data:
                let end = remaining < bytes.count - offset ? offset + remaining : bytes.count
                let range = offset..<end
                remaining -= range.count
                offset = end
                if remaining == 0 { state = .dataReturn }
                return .data(range)
            case .trailers:
                return trailers(bytes, &offset)
            default:
                if let error = take(bytes[offset]) { return .failed(error) }
                offset += 1
            }
        }
        return .incomplete
    }

    private mutating func take(_ byte: UInt8) -> HeadError? {
        switch state {
        case .sizeStart, .size:
            if let value = CharacterClass.hexValue(byte) {
                digits += 1
                // The top bit must stay clear, so that the size is a positive number.
                guard digits <= Self.sizeDigits, remaining >> 59 == 0 else { return .badChunkSize }
                remaining = remaining << 4 | Int(value)
                state = .size
                return nil
            }
            guard case .size = state else { return .badChunkSize }
            if byte == 0x0d {
                state = .sizeLineFeed
            } else if byte == UInt8(ascii: ";") {
                state = .extension
            } else if isBlank(byte) {
                state = .blank
            } else {
                return .badChunkSize
            }
        case .blank:
            if byte == 0x0d {
                state = .sizeLineFeed
            } else if byte == UInt8(ascii: ";") {
                state = .extension
            } else if !isBlank(byte) {
                return .badChunkSize
            }
            extensionBytes += 1
            guard extensionBytes <= Self.extensionLimit else { return .chunkExtensionTooLong }
        case .extension:
            if byte == 0x0d {
                state = .sizeLineFeed
                return nil
            }
            guard byte >= 0x20 ? byte != 0x7f : byte == 0x09 else { return .badChunkSize }
            extensionBytes += 1
            guard extensionBytes <= Self.extensionLimit else { return .chunkExtensionTooLong }
        case .sizeLineFeed:
            guard byte == 0x0a else { return .badChunkSize }
            digits = 0
            state = remaining == 0 ? .trailers : .data
        case .dataReturn:
            guard byte == 0x0d else { return .badChunkEnd }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == 0x0a else { return .badChunkEnd }
            state = .sizeStart
        case .data, .trailers:
            break
        }
        return nil
    }

    /// Looks for the empty line. The fields before it are not looked at here: ``TrailerFields`` parses them.
    private mutating func trailers(_ bytes: Span<UInt8>, _ offset: inout Int) -> Event {
        let start = offset
        var index = start + searched
        while index < bytes.count {
            if bytes[index] == 0x0a {
                guard index > start, bytes[index - 1] == 0x0d else { return .failed(.bareLineFeed) }
                if index == start + 1 || (index >= start + 3 && bytes[index - 2] == 0x0a) {
                    guard index + 1 - start <= Self.trailerLimit else { return .failed(.trailersTooLarge) }
                    offset = index + 1
                    state = .sizeStart
                    searched = 0
                    return .end(trailers: start..<index + 1)
                }
            }
            index += 1
        }
        searched = index - start
        return searched > Self.trailerLimit ? .failed(.trailersTooLarge) : .incomplete
    }
}

/// The fields behind a chunked body.
package final class TrailerFields {
    package internal(set) var fields = FieldTable()

    package init() {}

    /// Parses a whole trailer section as ``ChunkedDecoder`` found it, of at most its limit. Fields that must not come behind a body are
    /// marked as dropped (RFC 9110 section 6.5.1).
    ///
    /// - Returns: `nil`, or what is wrong.
    package func parse(_ bytes: Span<UInt8>) -> HeadError? { Self.parse(bytes, into: &fields) }

    // Apart from the property and not inlined: Swift 6.3.1 fails to verify the optimised form that works on the
    // property itself.
    @inline(never)
    private static func parse(_ bytes: Span<UInt8>, into fields: inout FieldTable) -> HeadError? {
        fields.removeAll()
        guard bytes.count <= ChunkedDecoder.trailerLimit else { return .trailersTooLarge }
        var summary = FieldSummary()
        do throws(HeadStop) {
            _ = try FieldParser.parse(
                bytes, from: 0, limits: HeadLimits(bytes: ChunkedDecoder.trailerLimit), part: .trailers, into: &fields,
                summary: &summary)
        } catch {
            if case .failed(let reason) = error { return reason }
            return .badFieldName
        }
        for index in 0..<fields.count {
            let line = fields[index]
            if line.name.isForbiddenInTrailers || FieldName.isForwarded(bytes.extracting(line.nameRange.range)) {
                fields.drop(index)
            }
        }
        return nil
    }
}
