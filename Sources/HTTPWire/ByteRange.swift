/// Where something lies in the bytes of a head, as offsets from the head's first byte.
///
/// Sixteen bits are enough because a head has at most ``HeadLimits/largestHead`` bytes.
@usableFromInline
package struct ByteRange: Hashable, Sendable {
    @usableFromInline let first: UInt16
    @usableFromInline let length: UInt16

    /// - Precondition: `0 <= start <= end <= 65,535`.
    @inlinable
    package init(_ start: Int, _ end: Int) {
        first = UInt16(start)
        length = UInt16(end - start)
    }

    /// No bytes, at the beginning.
    @inlinable
    package init() {
        first = 0
        length = 0
    }

    @inlinable package var start: Int { Int(first) }
    @inlinable package var end: Int { Int(first) + Int(length) }
    @inlinable package var count: Int { Int(length) }
    @inlinable package var isEmpty: Bool { length == 0 }
    /// The same as a Swift range, for `Span.extracting`.
    @inlinable package var range: Range<Int> { start..<end }
}
