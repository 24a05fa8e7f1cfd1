/// One field of a head: where its name and value lie.
package struct FieldLine: Sendable {
    package var name: FieldName
    /// Not to be forwarded: hop-by-hop, named in `Connection`, or with an underscore.
    package var isDropped: Bool
    package var nameRange: ByteRange
    /// Without the white space around it; may be empty.
    package var value: ByteRange

    init(name: FieldName, isDropped: Bool, nameRange: ByteRange, value: ByteRange) {
        self.name = name
        self.isDropped = isDropped
        self.nameRange = nameRange
        self.value = value
    }
}

/// The fields of a head in their order, in place: nothing is allocated for a head.
package struct FieldTable: ~Copyable {
    private var lines: InlineArray<256, FieldLine>
    package private(set) var count = 0

    package init() {
        lines = InlineArray(
            repeating: FieldLine(name: .other, isDropped: true, nameRange: ByteRange(), value: ByteRange()))
    }

    mutating func removeAll() { count = 0 }

    /// - Returns: `false` when the table has `limit` fields already.
    mutating func append(_ line: FieldLine, limit: Int) -> Bool {
        guard count < limit, count < HeadLimits.mostFields else { return false }
        lines[count] = line
        count += 1
        return true
    }

    /// - Precondition: `index < count`.
    package subscript(index: Int) -> FieldLine {
        precondition(index < count, "no such field")
        return lines[index]
    }

    mutating func drop(_ index: Int) {
        precondition(index < count, "no such field")
        lines[index].isDropped = true
    }

    /// The value of the first field of this name.
    package func first(_ name: FieldName) -> ByteRange? {
        for index in 0..<count where lines[index].name == name { return lines[index].value }
        return nil
    }

    package func contains(_ name: FieldName) -> Bool { first(name) != nil }
}
