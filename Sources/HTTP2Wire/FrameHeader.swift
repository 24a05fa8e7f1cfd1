/// The nine bytes before each frame's payload (RFC 9113 section 4.1).
struct FrameHeader {
    enum Kind {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let priority: UInt8 = 2
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let pushPromise: UInt8 = 5
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8
        static let continuation: UInt8 = 9
    }

    enum Flags {
        static let endStream: UInt8 = 1
        static let ack: UInt8 = 1
        static let endHeaders: UInt8 = 4
        static let padded: UInt8 = 8
        static let priority: UInt8 = 32
    }

    static let size = 9
    /// The largest payload that a peer may send as long as it is not told otherwise, which it is not here.
    static let largestPayload = 16_384

    let length: Int
    let kind: UInt8
    let flags: UInt8
    /// Without the reserved bit.
    let stream: UInt32

    /// - Precondition: nine bytes are there from `offset` on.
    init(_ bytes: Span<UInt8>, at offset: Int) {
        length = Int(bytes[offset]) << 16 | Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2])
        kind = bytes[offset + 3]
        flags = bytes[offset + 4]
        stream = number(bytes, at: offset + 5) & 0x7fff_ffff
    }

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
}

/// Four bytes, the first the highest.
func number(_ bytes: Span<UInt8>, at offset: Int) -> UInt32 {
    UInt32(bytes[offset]) << 24 | UInt32(bytes[offset + 1]) << 16 | UInt32(bytes[offset + 2]) << 8
        | UInt32(bytes[offset + 3])
}
