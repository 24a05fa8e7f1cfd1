/// The query's name in lower case, in memory made once per worker.
@safe @usableFromInline
package struct FoldedName: ~Copyable {
    /// Room in front, so that an 8-byte store that ends with the name may begin before it, and behind, so that a
    /// 16-byte load may go past its end.
    private static let slack = 16
    /// Zero bytes behind a name.
    private static var padding: Int { 16 }
    private let storage: UnsafeMutableRawPointer
    /// The first byte of the name in wire form; `length` bytes and ``padding`` zero bytes are set.
    @usableFromInline package let start: UnsafeMutableRawPointer
    /// 1...255 when a name has been read.
    @usableFromInline package var length = 0
    /// Labels without the root.
    @usableFromInline package var labelCount = 0

    package init() {
        unsafe storage = UnsafeMutableRawPointer.allocate(byteCount: 255 + 2 * Self.slack, alignment: 16)
        unsafe storage.initializeMemory(as: UInt8.self, repeating: 0, count: 255 + 2 * Self.slack)
        unsafe start = storage + Self.slack
    }

    deinit { unsafe storage.deallocate() }

    /// Copies the name that begins at `offset` of a message and has `length` bytes there, letters in lower case.
    ///
    /// A length byte is at most 63, below the letters, so folding may pass over it.
    @inline(__always)
    package mutating func fold(_ message: RawSpan, offset: Int, length: Int, labelCount: Int) {
        precondition(length >= 1 && length <= 255)
        self.length = length
        self.labelCount = labelCount
        var index = 0
        while index &+ 8 <= length {
            // 0 <= index and index + 8 <= length <= 255.
            unsafe Self.store(message.word(at: offset &+ index), at: start + index)
            index &+= 8
        }
        if index < length {
            // The last eight bytes: they overlap what was stored, or reach into the slack in front of a short name. A
            // question begins behind the header's twelve bytes, so they are there.
            unsafe Self.store(message.word(at: offset &+ length &- 8), at: start + (length &- 8))
        }
        // length + 16 <= 255 + slack.
        unsafe start.storeBytes(of: .zero, toByteOffset: length, as: SIMD2<UInt64>.self)
    }

    /// Eight bytes at once, because comparing the bytes of a SIMD vector is done one by one by this compiler, at ten times
    /// the price.
    @inline(__always)
    private static func store(_ word: UInt64, at target: UnsafeMutableRawPointer) {
        unsafe target.storeBytes(of: folded(word), as: UInt64.self)
    }

    /// Eight bytes with their letters in lower case.
    @inlinable @inline(__always)
    package static func folded(_ word: UInt64) -> UInt64 {
        let low = word & 0x7f7f_7f7f_7f7f_7f7f
        // The top bit of each byte: from A on, from beyond Z on. Bytes above 127 are no letters.
        let fromA = low &+ 0x3f3f_3f3f_3f3f_3f3f
        let beyondZ = low &+ 0x2525_2525_2525_2525
        let isUpper = (fromA ^ beyondZ) & ~word & 0x8080_8080_8080_8080
        return word | isUpper >> 2
    }

    /// The name in wire form.
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            // The memory is there as long as this value, and `length` bytes of it were written.
            let span = unsafe Span<UInt8>(_unsafeStart: start.assumingMemoryBound(to: UInt8.self), count: length)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The name in wire form, and sixteen zero bytes behind it.
    package var paddedBytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            // As above; the padding was written, too.
            let bytes = unsafe start.assumingMemoryBound(to: UInt8.self)
            let span = unsafe Span<UInt8>(_unsafeStart: bytes, count: length + Self.padding)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Whether the name is `wire`: ASCII in wire form, in lower case, with the root's zero byte.
    package borrowing func equals(_ wire: StaticString) -> Bool {
        guard wire.utf8CodeUnitCount == length else { return false }
        for index in 0..<length {
            // index < length, which is the size of both.
            guard unsafe wire.utf8Start[index] == start.load(fromByteOffset: index, as: UInt8.self) else {
                return false
            }
        }
        return true
    }

    /// The name as a value, for tests and diagnostics.
    package var value: DomainName? {
        DomainName(wire: (0..<length).map { unsafe start.load(fromByteOffset: $0, as: UInt8.self) })
    }
}
