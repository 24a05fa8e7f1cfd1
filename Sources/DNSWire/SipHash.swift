/// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash that nobody can compute without the key, in one register set.
///
/// The message is given in words of eight bytes, each loaded with its first byte lowest.
@usableFromInline
package struct SipHash {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var length = 0

    package init(key: SipKey) {
        v0 = key.first ^ 0x736f_6d65_7073_6575
        v1 = key.second ^ 0x646f_7261_6e64_6f6d
        v2 = key.first ^ 0x6c79_6765_6e65_7261
        v3 = key.second ^ 0x7465_6462_7974_6573
    }

    @inline(__always)
    private mutating func round() {
        v0 = v0 &+ v1
        v1 = Self.rotate(v1, 13) ^ v0
        v0 = Self.rotate(v0, 32)
        v2 = v2 &+ v3
        v3 = Self.rotate(v3, 16) ^ v2
        v0 = v0 &+ v3
        v3 = Self.rotate(v3, 21) ^ v0
        v2 = v2 &+ v1
        v1 = Self.rotate(v1, 17) ^ v2
        v2 = Self.rotate(v2, 32)
    }

    @inline(__always)
    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value &<< count | value &>> (64 &- count)
    }

    /// Eight bytes of the message.
    @inline(__always)
    package mutating func absorb(_ word: UInt64) {
        length &+= 8
        compress(word)
    }

    @inline(__always)
    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    /// The hash of what was absorbed and `count` more bytes, 0...7, which are the lowest of `rest`; its others are zero.
    @inline(__always)
    package mutating func finish(_ rest: UInt64 = 0, count: Int = 0) -> UInt64 {
        compress(UInt64(truncatingIfNeeded: length &+ count) &<< 56 | rest)
        v2 ^= 0xff
        round()
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }
}

/// The 128 bits of a ``SipHash`` key. Its description does not tell them: it is a secret.
@usableFromInline
package struct SipKey: Hashable, Sendable, BitwiseCopyable {
    package let first: UInt64
    package let second: UInt64

    package init(first: UInt64, second: UInt64) {
        self.first = first
        self.second = second
    }

    /// `nil` unless there are 16 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        first = bytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        second = bytes[8...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension SipKey: CustomStringConvertible, CustomReflectable {
    @usableFromInline package var description: String { "SipKey" }
    @usableFromInline package var customMirror: Mirror { Mirror(self, children: []) }
}
