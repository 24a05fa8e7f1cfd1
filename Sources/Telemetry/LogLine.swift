/// Lines of a log that a thread is writing, one behind the other: fields as `key=value` or as one JSON object a line. The
/// memory is used again.
///
/// Nothing that a client sends can end a line, begin a field or reach a terminal: see ``append(escaped:)``.
///
/// A line costs little: keys and separators are known to the compiler and become a few stores, and room is made for a whole
/// key or value at once. Each field ends with what separates it from the next, and the end of a line takes that back; so
/// no field has to ask whether it is the first.
@safe @usableFromInline
package struct LogLine: ~Copyable {
    /// Bytes of one value that are written; what is cut off is shown as `...`.
    @inlinable package static var valueLimit: Int { 2048 }

    // The memory is handled in LogLine+Unsafe.swift.
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var capacity = 0
    @usableFromInline package internal(set) var count = 0
    /// Where the line begins that is being written.
    @usableFromInline var start = 0
    @usableFromInline package internal(set) var isJSON: Bool

    /// Takes no memory before the first field.
    @inlinable
    package init(isJSON: Bool = false) {
        unsafe base = Self.noMemory
        self.isJSON = isJSON
    }

    deinit { release() }

    /// Begins a line, behind those that are there.
    @inlinable @inline(__always)
    package mutating func begin(isJSON: Bool) {
        self.isJSON = isJSON
        start = count
        guard isJSON else { return }
        reserve(2)
        put("{\"")
    }

    /// Ends the line.
    @inlinable @inline(__always)
    package mutating func end() {
        reserve(2)
        if isJSON {
            // The separator behind the last field, or the quotation mark of a line without any.
            count &-= count &- start > 2 ? 2 : 1
            put("}\n")
        } else {
            if count > start { count &-= 1 }
            put("\n")
        }
    }

    package mutating func removeAll() {
        count = 0
        start = 0
    }

    // MARK: Fields

    /// A value that others chose.
    @inlinable @inline(__always)
    package mutating func field(_ key: StaticString, escaped value: Span<UInt8>) {
        beginField(key, quoted: true)
        append(escaped: value)
        endField(quoted: true)
    }

    /// A value of letters, digits and punctuation that needs no escape.
    @inlinable @inline(__always)
    package mutating func field(_ key: StaticString, plain value: Span<UInt8>) {
        beginField(key, quoted: true)
        append(value)
        endField(quoted: true)
    }

    @inlinable @inline(__always)
    package mutating func field(_ key: StaticString, text value: StaticString) {
        beginField(key, quoted: true)
        append(text: value)
        endField(quoted: true)
    }

    @inlinable @inline(__always)
    package mutating func field(_ key: StaticString, _ value: Int) {
        beginField(key, quoted: false)
        append(decimal: value)
        endField(quoted: false)
    }

    /// Seconds with microseconds.
    @inlinable @inline(__always)
    package mutating func field(_ key: StaticString, nanoseconds value: UInt64) {
        beginField(key, quoted: false)
        append(seconds: value)
        endField(quoted: false)
    }

    /// A number of 128 bits in 32 hexadecimal digits.
    @inlinable @inline(__always)
    package mutating func field(_ key: StaticString, high: UInt64, low: UInt64) {
        beginField(key, quoted: true)
        append(hexadecimal: high)
        append(hexadecimal: low)
        endField(quoted: true)
    }

    @inlinable @inline(__always)
    package mutating func field(_ key: StaticString, time value: borrowing LogTime) {
        beginField(key, quoted: true)
        append(value.bytes.span)
        endField(quoted: true)
    }

    /// A value that is written by hand: without spaces, quotes and what JSON would escape.
    @inlinable @inline(__always)
    package mutating func field(_ key: StaticString, quoted: Bool, _ write: (inout LogLine) -> Void) {
        beginField(key, quoted: quoted)
        write(&self)
        endField(quoted: quoted)
    }

    /// Begins a field whose value is written by hand, and whose end is told to ``endField(quoted:)``.
    @inlinable @inline(__always)
    package mutating func beginField(_ key: StaticString, quoted: Bool) {
        reserve(key.utf8CodeUnitCount &+ 4)
        put(key)
        guard isJSON else { return put("=") }
        if quoted { put("\":\"") } else { put("\":") }
    }

    @inlinable @inline(__always)
    package mutating func endField(quoted: Bool) {
        reserve(4)
        guard isJSON else { return put(" ") }
        if quoted { put("\",\"") } else { put(",\"") }
    }
}
