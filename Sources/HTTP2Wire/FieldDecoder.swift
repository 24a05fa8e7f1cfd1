/// Reads field blocks (RFC 7541) of one connection.
struct FieldDecoder {
    enum Result {
        case decoded
        /// The table is out of step: the connection is lost.
        case malformed
        /// The fields are more than is allowed.
        case tooLarge
    }

    /// The size of the table that peers may use as long as they are not told otherwise, which they are not here.
    static let tableSize = 4096

    private let table = DynamicTable(largest: FieldDecoder.tableSize)
    private let fixed = StaticTable.shared
    private let huffman = HuffmanDecoder.shared

    /// Reads a whole block.
    ///
    /// - Parameter limit: what the fields may be together, counted as in RFC 9113 section 6.5.2.
    mutating func decode(_ block: Span<UInt8>, into section: FieldSection, limit: Int) -> Result {
        section.removeAll()
        var index = 0
        while index < block.count {
            let byte = block[index]
            if byte & 0x80 != 0 {
                guard let place = integer(block, &index, bits: 7), addEntry(place, to: section) else {
                    return .malformed
                }
            } else if byte & 0xe0 == 0x20 {
                // RFC 7541 section 4.2: only where a block begins.
                guard section.count == 0, let size = integer(block, &index, bits: 5), size <= table.largest else {
                    return .malformed
                }
                table.setLimit(size)
            } else {
                let isKept = byte & 0x40 != 0
                guard let place = integer(block, &index, bits: isKept ? 6 : 4),
                    addLiteral(block, &index, name: place, isKept: isKept, to: section)
                else { return .malformed }
            }
            guard section.listSize <= limit else { return .tooLarge }
        }
        return .decoded
    }

    private func addEntry(_ place: Int, to section: FieldSection) -> Bool {
        if place >= 1, place <= StaticTable.count {
            let entry = fixed[place]
            section.append(fixed.bytes(of: entry))
            section.close(nameCount: entry.nameCount, valueCount: entry.valueCount, token: entry.token, marks: [])
            return true
        }
        guard place > StaticTable.count, place - StaticTable.count <= table.count else { return false }
        let entry = table.entry(at: place - StaticTable.count)
        section.append(table.bytes(of: entry))
        section.close(
            nameCount: Int(entry.nameCount), valueCount: Int(entry.valueCount), token: entry.token, marks: entry.marks)
        return true
    }

    private func addLiteral(
        _ block: Span<UInt8>, _ index: inout Int, name place: Int, isKept: Bool, to section: FieldSection
    ) -> Bool {
        let nameCount: Int
        let token: FieldToken
        var marks: FieldMarks
        if place == 0 {
            guard let length = string(block, &index, to: section) else { return false }
            nameCount = length
            token = FieldToken.known(section.last(length))
            marks = FieldMarks.ofName(section.last(length), token)
        } else if place <= StaticTable.count {
            let entry = fixed[place]
            section.append(fixed.bytes(of: entry).extracting(0..<entry.nameCount))
            (nameCount, token, marks) = (entry.nameCount, entry.token, [])
        } else {
            guard place - StaticTable.count <= table.count else { return false }
            let entry = table.entry(at: place - StaticTable.count)
            section.append(table.bytes(of: entry).extracting(0..<Int(entry.nameCount)))
            (nameCount, token, marks) = (Int(entry.nameCount), entry.token, entry.marks.intersection(.badName))
        }
        guard let valueCount = string(block, &index, to: section) else { return false }
        marks.formUnion(FieldMarks.ofValue(section.last(valueCount)))
        if isKept {
            keep(section.last(nameCount + valueCount), nameCount: nameCount, token: token, marks: marks)
        }
        section.close(nameCount: nameCount, valueCount: valueCount, token: token, marks: marks)
        return true
    }

    private func keep(_ bytes: Span<UInt8>, nameCount: Int, token: FieldToken, marks: FieldMarks) {
        let room = unsafe table.insert(
            nameCount: nameCount, valueCount: bytes.count - nameCount, token: token, marks: marks)
        guard let room = unsafe room else { return }
        // As much room as was asked for.
        for index in 0..<bytes.count { unsafe room[index] = bytes[index] }
    }

    /// RFC 7541 section 5.2.
    private func string(_ block: Span<UInt8>, _ index: inout Int, to section: FieldSection) -> Int? {
        guard index < block.count else { return nil }
        let isCoded = block[index] & 0x80 != 0
        guard let length = integer(block, &index, bits: 7), length <= block.count - index else { return nil }
        let bytes = block.extracting(index..<index + length)
        index += length
        if isCoded { return section.append(decoded: bytes, huffman) }
        section.append(bytes)
        return length
    }

    /// RFC 7541 section 5.1. Numbers of more than 28 bits mean nothing here, and are malformed.
    private func integer(_ block: Span<UInt8>, _ index: inout Int, bits: Int) -> Int? {
        let mask = 1 << bits - 1
        var value = Int(block[index]) & mask
        index += 1
        guard value == mask else { return value }
        var shift = 0
        while index < block.count {
            let byte = block[index]
            index += 1
            value += Int(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
            guard shift <= 21 else { return nil }
        }
        return nil
    }
}
