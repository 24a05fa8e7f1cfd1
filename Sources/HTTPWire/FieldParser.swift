/// Parses the field section that requests, responses and trailers have in common (RFC 9112 section 5).
enum FieldParser {
    enum Part { case request, response, trailers }

    /// Reads fields into `table` up to and including the empty line.
    ///
    /// - Returns: the offset behind the empty line.
    static func parse(
        _ bytes: Span<UInt8>, from offset: Int, limits: HeadLimits, part: Part, into table: inout FieldTable,
        summary: inout FieldSummary
    ) throws(HeadStop) -> Int {
        var index = offset
        let count = bytes.count
        while true {
            guard index < count else { throw .incomplete }
            let first = bytes[index]
            if first == 0x0d {
                guard index + 1 < count else { throw .incomplete }
                guard bytes[index + 1] == 0x0a else { throw .failed(.bareCarriageReturn) }
                if summary.nominations > 0 { dropNominated(bytes, &table) }
                return index + 2
            }
            let nameEnd = endOfToken(bytes, from: index)
            guard nameEnd < count else { throw .incomplete }
            guard nameEnd > index, bytes[nameEnd] == UInt8(ascii: ":") else {
                switch first {
                case 0x0a: throw .failed(.bareLineFeed)
                case 0x20, 0x09: throw .failed(.foldedField)
                default: throw .failed(.badFieldName)
                }
            }
            var start = nameEnd + 1
            while start < count, isBlank(bytes[start]) { start += 1 }
            let lineEnd = endOfValue(bytes, from: start)
            guard lineEnd + 1 < count else {
                if lineEnd < count, bytes[lineEnd] != 0x0d { throw .failed(badEnd(bytes[lineEnd])) }
                throw .incomplete
            }
            guard bytes[lineEnd] == 0x0d else { throw .failed(badEnd(bytes[lineEnd])) }
            guard bytes[lineEnd + 1] == 0x0a else { throw .failed(.bareCarriageReturn) }
            var end = lineEnd
            while end > start, isBlank(bytes[end - 1]) { end -= 1 }

            let nameRange = ByteRange(index, nameEnd)
            let value = ByteRange(start, end)
            let name = FieldName.known(bytes.extracting(index..<nameEnd))
            var isDropped = false
            if name == .other {
                if limits.underscores != .keep {
                    if hasUnderscore(bytes, nameRange) {
                        guard limits.underscores == .drop else { throw .failed(.underscoreInFieldName) }
                        isDropped = true
                    }
                } else if part == .request, hasUnderscore(bytes, nameRange) {
                    isDropped = FieldName.imitatesIdentity(bytes.extracting(nameRange.range))
                }
            } else {
                isDropped = name.isHopByHop
                if part != .trailers { try summary.note(name, value, bytes, isRequest: part == .request) }
            }
            let line = FieldLine(name: name, isDropped: isDropped, nameRange: nameRange, value: value)
            guard table.append(line, limit: limits.fields) else { throw .failed(.tooManyFields) }
            index = lineEnd + 2
        }
    }

    private static func badEnd(_ byte: UInt8) -> HeadError { byte == 0x0a ? .bareLineFeed : .badFieldValue }

    private static func hasUnderscore(_ bytes: Span<UInt8>, _ range: ByteRange) -> Bool {
        for index in range.range where bytes[index] == UInt8(ascii: "_") { return true }
        return false
    }

    /// RFC 9110 section 7.6.1: what `Connection` names goes no further than this connection.
    private static func dropNominated(_ bytes: Span<UInt8>, _ table: inout FieldTable) {
        for position in 0..<table.count where table[position].name == .connection {
            var list = ListReader(table[position].value)
            while let option = list.next(bytes) {
                for other in 0..<table.count {
                    let line = table[other]
                    guard line.nameRange.count == option.count, !line.isDropped, !line.name.isEndToEnd else { continue }
                    if equalsIgnoringCase(bytes.extracting(line.nameRange.range), bytes.extracting(option.range)) {
                        table.drop(other)
                    }
                }
            }
        }
    }
}
