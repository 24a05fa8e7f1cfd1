/// The code for strings of RFC 7541 appendix B. It is canonical: all of it follows from the lengths.
///
/// A table of eight bits finds the characters that text is made of; longer codes are found by their lengths' first
/// codes.
@safe
struct HuffmanDecoder: @unchecked Sendable {
    /// For each eight bits: the symbol, and above it the length of its code; 0: a longer one. Never changes and is
    /// never freed, which is why it may be shared.
    private let short: UnsafePointer<UInt16>
    private let first: [UInt32]
    /// Where a length's symbols begin in `symbols`.
    private let starts: [Int]
    private let counts: [Int]
    private let symbols: [UInt16]

    static let shared = HuffmanDecoder()

    private static let end: UInt16 = 256
    private static let longest = 30

    private init() {
        let order = (0..<257).sorted { (Self.lengths[$0], $0) < (Self.lengths[$1], $1) }
        symbols = order.map { UInt16($0) }
        var first = [UInt32](repeating: 0, count: Self.longest + 1)
        var starts = [Int](repeating: 0, count: Self.longest + 1)
        var counts = [Int](repeating: 0, count: Self.longest + 1)
        let table = UnsafeMutablePointer<UInt16>.allocate(capacity: 256)
        unsafe table.initialize(repeating: 0, count: 256)
        var code: UInt32 = 0
        var previous = 0
        for (position, symbol) in order.enumerated() {
            let length = Int(Self.lengths[symbol])
            code <<= UInt32(length - previous)
            previous = length
            if counts[length] == 0 {
                first[length] = code
                starts[length] = position
            }
            counts[length] += 1
            if length <= 8 {
                let low = Int(code) << (8 - length)
                for index in low..<low + 1 << (8 - length) {
                    unsafe table[index] = UInt16(length) << 8 | UInt16(symbol)
                }
            }
            code += 1
        }
        unsafe short = UnsafePointer(table)
        self.first = first
        self.starts = starts
        self.counts = counts
    }

    /// The most bytes that `count` bytes of code can stand for: five bits are the shortest code.
    static func mostDecoded(_ count: Int) -> Int { count * 8 / 5 + 1 }

    /// Writes what `code` stands for to `output`.
    ///
    /// - Parameter output: has room for ``mostDecoded(_:)`` bytes.
    /// - Returns: the bytes written; `nil` for a code that must not be (RFC 7541 section 5.2): the end's own symbol,
    ///   padding of more than seven bits or of others than ones.
    func decode(_ code: Span<UInt8>, to output: UnsafeMutablePointer<UInt8>) -> Int? {
        var written = 0
        // Bits that were read and not used, at the top.
        var bits: UInt64 = 0
        var available = 0
        var index = 0
        let count = code.count
        let raw = unsafe code.bytes
        decoding: while true {
            if index &+ 8 <= count {
                // Eight bytes are there. What of them is beyond those that are counted is read again, the same.
                let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
                bits |= word.bigEndian &>> UInt64(available)
                index &+= (63 &- available) >> 3
                available |= 56
            }
            while available <= 56, index < count {
                // `index` is below the count.
                bits |= UInt64(unsafe code[unchecked: index]) &<< UInt64(56 &- available)
                available &+= 8
                index &+= 1
            }
            guard available > 0 else { return written }
            while true {
                // Eight bits are an index of the table.
                let entry = unsafe short[Int(bits &>> 56)]
                let length = Int(entry >> 8)
                guard length > 0, length <= available else { break }
                // Each five bits give one byte at most, which is what there is room for.
                unsafe output[written] = UInt8(truncatingIfNeeded: entry)
                written &+= 1
                bits &<<= UInt64(length)
                available &-= length
                if available < 8 { continue decoding }
            }
            // The rest of a longer code may not have been read.
            if available < Self.longest, index < count { continue }
            if available < 8, bits == ~0 << UInt64(64 &- available) { return written }
            guard let (symbol, longer) = long(bits, available), symbol != Self.end else { return nil }
            unsafe output[written] = UInt8(truncatingIfNeeded: symbol)
            written &+= 1
            bits <<= UInt64(longer)
            available &-= longer
        }
    }

    /// A code of more than eight bits.
    private func long(_ bits: UInt64, _ available: Int) -> (UInt16, Int)? {
        var length = 9
        while length <= min(Self.longest, available) {
            let code = UInt32(truncatingIfNeeded: bits >> UInt64(64 - length))
            if counts[length] > 0, code >= first[length], Int(code - first[length]) < counts[length] {
                return (symbols[starts[length] + Int(code - first[length])], length)
            }
            length += 1
        }
        return nil
    }

    /// Bits of each byte's code, and of the end's.
    private static let lengths: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
        28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15,
        6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22,
        20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23,
        23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22,
        22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26,
        27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27,
        26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
    ]
}
