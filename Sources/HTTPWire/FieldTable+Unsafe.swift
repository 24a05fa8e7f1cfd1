/// One field of a head: where its name and value lie.
@usableFromInline
package struct FieldLine: Sendable {
    @usableFromInline package var name: FieldName
    /// Not to be forwarded: hop-by-hop, named in `Connection`, or with an underscore.
    @usableFromInline package var isDropped: Bool
    @usableFromInline package var nameRange: ByteRange
    /// Without the white space around it; may be empty.
    @usableFromInline package var value: ByteRange

    init(name: FieldName, isDropped: Bool, nameRange: ByteRange, value: ByteRange) {
        self.name = name
        self.isDropped = isDropped
        self.nameRange = nameRange
        self.value = value
    }
}

/// The fields of a head in their order, in memory that is made once with the table: nothing is allocated for a head.
///
/// Not an `InlineArray`: three kilobytes that belong to a value are copied when a line is asked for.
@safe @usableFromInline
package struct FieldTable: ~Copyable {
    /// Room for as many lines as a head may have; the first `count` are set.
    @usableFromInline let lines: UnsafeMutablePointer<FieldLine>
    @usableFromInline package private(set) var count = 0

    package init() { unsafe lines = UnsafeMutablePointer.allocate(capacity: HeadLimits.mostFields) }

    // A line has nothing that must be undone.
    deinit { unsafe lines.deallocate() }

    mutating func removeAll() { count = 0 }

    /// - Returns: `false` when the table has `limit` fields already.
    mutating func append(_ line: FieldLine, limit: Int) -> Bool {
        guard count < limit, count < HeadLimits.mostFields else { return false }
        // Below the capacity.
        unsafe (lines + count).initialize(to: line)
        count += 1
        return true
    }

    /// - Precondition: `index < count`.
    @inlinable
    package subscript(index: Int) -> FieldLine {
        precondition(index >= 0 && index < count, "no such field")
        return unsafe lines[index]
    }

    mutating func drop(_ index: Int) {
        precondition(index >= 0 && index < count, "no such field")
        unsafe lines[index].isDropped = true
    }

    /// The value of the first field of this name.
    package func first(_ name: FieldName) -> ByteRange? {
        // `index` is below the count.
        for index in 0..<count where unsafe lines[index].name == name { return unsafe lines[index].value }
        return nil
    }

    package func contains(_ name: FieldName) -> Bool { first(name) != nil }
}
