/// The query's name in lower case, in memory made once per worker.
@safe @usableFromInline
package struct FoldedName: ~Copyable {
    /// Room in front, so that a 16-byte store that ends with the name may begin before it, and behind, so that an
    /// 8-byte load may go past its end.
    private static let slack = 16
    private let storage: UnsafeMutableRawPointer
    /// The first byte of the name in wire form; `length` bytes and eight zero bytes are set.
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
    mutating func fold(_ message: RawSpan, offset: Int, length: Int, labelCount: Int) {
        precondition(length >= 1 && length <= 255)
        self.length = length
        self.labelCount = labelCount
        if length >= 16 {
            var index = 0
            while index &+ 16 <= length {
                // 0 <= index and index + 16 <= length <= 255.
                unsafe Self.store(message.vector16(at: offset &+ index), at: start + index)
                index &+= 16
            }
            // The last sixteen bytes, which overlap what was stored.
            unsafe Self.store(message.vector16(at: offset &+ length &- 16), at: start + (length &- 16))
        } else if offset &+ length >= 16 {
            // Takes up to `slack` bytes in front of the name along, which nobody reads.
            unsafe Self.store(message.vector16(at: offset &+ length &- 16), at: start + (length &- 16))
        } else {
            for index in 0..<length {
                let byte = message.byte(at: offset &+ index)
                let folded = byte &- 65 < 26 ? byte | 0x20 : byte
                unsafe start.storeBytes(of: folded, toByteOffset: index, as: UInt8.self)
            }
        }
        // length + 8 <= 255 + slack.
        unsafe start.storeBytes(of: 0, toByteOffset: length, as: UInt64.self)
    }

    @inline(__always)
    private static func store(_ bytes: SIMD16<UInt8>, at target: UnsafeMutableRawPointer) {
        let isUpper = (bytes &- 65) .< SIMD16(repeating: 26)
        let folded = bytes | SIMD16(repeating: 0x20).replacing(with: 0, where: .!isUpper)
        unsafe target.storeBytes(of: folded, as: SIMD16<UInt8>.self)
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
