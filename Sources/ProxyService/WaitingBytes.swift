import NIOCore

/// Bytes that wait, in the order in which they came. Small pieces are put together: who sends byte by byte must not cost
/// a buffer for each.
struct WaitingBytes {
    private var pieces: [ByteBuffer] = []
    /// Bytes that wait.
    private(set) var count = 0

    /// Pieces up to this size are put together rather than held one by one.
    static let smallPiece = 8 << 10

    var isEmpty: Bool { pieces.isEmpty }

    /// Memory that they hold, also where it is used by no byte any more.
    var capacity: Int { pieces.reduce(0) { $0 + $1.storageCapacity } }

    /// The piece that goes next.
    var first: ByteBuffer? { pieces.first }

    /// Whether nothing waits behind ``first``.
    var isLast: Bool { pieces.count == 1 }

    mutating func append(_ bytes: ByteBuffer) {
        let length = bytes.readableBytes
        guard length > 0 else { return }
        count += length
        let last = pieces.count - 1
        if length <= Self.smallPiece, last >= 0, pieces[last].readableBytes <= Self.smallPiece {
            // Where as much goes as comes, the piece never becomes empty: the room in front of it is used again.
            if pieces[last].writableBytes < length { pieces[last].discardReadBytes() }
            pieces[last].writeImmutableBuffer(bytes)
        } else if bytes.storageCapacity > 2 * length {
            // Little that waits should not hold all of the memory that it was read into.
            pieces.append(ByteBuffer(bytes: bytes.readableBytesView))
        } else {
            pieces.append(bytes)
        }
    }

    /// Forgets bytes of the first piece, at most all of it.
    mutating func removeFirst(_ length: Int) {
        count -= length
        if length == pieces[0].readableBytes {
            pieces.removeFirst()
        } else {
            pieces[0].moveReaderIndex(forwardBy: length)
        }
    }

    mutating func popFirst() -> ByteBuffer? {
        guard let piece = pieces.first else { return nil }
        removeFirst(piece.readableBytes)
        return piece
    }

    mutating func removeAll() {
        pieces = []
        count = 0
    }
}
