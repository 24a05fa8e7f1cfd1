import FlatTables

/// Texts in UTF-8, one behind the other, read without touching a reference count. The owner keeps them alive and frees them.
struct FlatTexts: BitwiseCopyable, Sendable {
    private let bytes: FlatTable<UInt8>
    /// Where each text begins, and where the last one ends.
    private let starts: FlatTable<Int>

    init(_ texts: [String]) {
        var starts = [0]
        var bytes: [UInt8] = []
        for text in texts {
            bytes += text.utf8
            starts.append(bytes.count)
        }
        self.bytes = FlatTable(bytes)
        self.starts = FlatTable(starts)
    }

    var count: Int { starts.count - 1 }

    /// Only as long as the owner lives.
    @unsafe
    subscript(index: Int) -> UnsafeBufferPointer<UInt8> {
        let start = starts[index]
        let length = starts[index + 1] - start
        // The starts lie within the bytes, in their order.
        let first = unsafe bytes.address(of: start).assumingMemoryBound(to: UInt8.self)
        return unsafe UnsafeBufferPointer(start: first, count: length)
    }

    func deallocate() {
        bytes.deallocate()
        starts.deallocate()
    }
}

extension AuthoritySnapshot {
    /// The name of a pool in UTF-8.
    ///
    /// - Parameter position: in `Intent.pools`; `nil` outside of it.
    @_lifetime(borrow self)
    package func poolName(at position: Int) -> Span<UInt8>? {
        guard position >= 0, position < data.poolTexts.count else { return nil }
        // The bytes are there as long as the data, which is there as long as this.
        let span = unsafe data.poolTexts[position].span
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}
