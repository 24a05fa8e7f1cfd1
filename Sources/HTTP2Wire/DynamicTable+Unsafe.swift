/// The fields that one side of a connection has told the other to remember (RFC 7541 section 2.3.2): a ring of entries
/// over a ring of their bytes. Nothing is allocated for an entry.
///
/// An entry's bytes, name and value, are behind one another and do not go around the ring's end. The ring has twice
/// the bytes that the entries may have together: what lies at the end unused is then never missed.
@safe
final class DynamicTable {
    struct Entry {
        var offset: UInt32
        var nameCount: UInt32
        var valueCount: UInt32
        var token: FieldToken
        var marks: FieldMarks
        /// Of name and value, where entries are looked for by them.
        var hash: UInt32

        var size: Int { Int(nameCount) + Int(valueCount) + DynamicTable.overhead }
    }

    /// Counted with each entry (RFC 7541 section 4.1).
    static let overhead = 32

    /// The most that ``limit`` can be.
    let largest: Int
    /// What the entries may have together.
    private(set) var limit: Int
    private(set) var size = 0
    private(set) var count = 0
    /// Entries so far: the number of the next.
    private(set) var inserted: UInt32 = 0
    private let entryCapacity: Int
    private var entries: UnsafeMutablePointer<Entry>?
    private var bytes: UnsafeMutablePointer<UInt8>?
    private var end = 0

    init(largest: Int) {
        self.largest = largest
        limit = largest
        entryCapacity = max(largest / Self.overhead, 1)
    }

    deinit {
        unsafe entries?.deallocate()
        unsafe bytes?.deallocate()
    }

    /// - Precondition: `0 <= limit <= largest`.
    func setLimit(_ limit: Int) {
        precondition(limit >= 0 && limit <= largest, "a limit within what was agreed on")
        self.limit = limit
        while size > limit { evict() }
    }

    private func evict() {
        size -= entry(at: count).size
        count -= 1
    }

    private func place(_ number: UInt32) -> Int { Int(number) % entryCapacity }

    /// - Parameter position: 1: the newest.
    /// - Precondition: `1 <= position <= count`.
    @inline(__always)
    func entry(at position: Int) -> Entry {
        guard position >= 1, position <= count, let entries = unsafe entries else {
            preconditionFailure("an entry that is there")
        }
        // Places are below the capacity.
        return unsafe entries[place(inserted &- UInt32(position))]
    }

    /// Whether the entry with this number is still there.
    func has(_ number: UInt32) -> Bool { inserted &- number >= 1 && inserted &- number <= UInt32(count) }

    /// Where it is, 1 being the newest.
    func position(of number: UInt32) -> Int { Int(inserted &- number) }

    /// Name and value behind one another; for an entry that is there, and until the next is.
    @_lifetime(borrow self)
    func bytes(of entry: Entry) -> Span<UInt8> {
        guard let bytes = unsafe bytes else { preconditionFailure("an entry that is there") }
        // Entries name bytes that were written for them.
        let span = unsafe Span(
            _unsafeStart: UnsafePointer(bytes) + Int(entry.offset), count: Int(entry.nameCount + entry.valueCount))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Makes room for an entry, letting go of the oldest.
    ///
    /// - Returns: where its name and value are to be written; `nil` when it is larger than the whole table, which is
    ///   empty then (RFC 7541 section 4.4).
    func insert(
        nameCount: Int, valueCount: Int, token: FieldToken, marks: FieldMarks, hash: UInt32 = 0
    ) -> UnsafeMutablePointer<UInt8>? {
        let length = nameCount + valueCount
        let needed = length + Self.overhead
        while count > 0, size + needed > limit { evict() }
        guard needed <= limit else { return nil }
        let storage = unsafe prepare()
        if end + length > 2 * largest { end = 0 }
        let entry = Entry(
            offset: UInt32(end), nameCount: UInt32(nameCount), valueCount: UInt32(valueCount), token: token,
            marks: marks, hash: hash)
        unsafe storage.entries[place(inserted)] = entry
        inserted &+= 1
        count += 1
        size += needed
        defer { end += length }
        return unsafe storage.bytes + end
    }

    private func prepare() -> (entries: UnsafeMutablePointer<Entry>, bytes: UnsafeMutablePointer<UInt8>) {
        if let entries = unsafe entries, let bytes = unsafe bytes { return unsafe (entries, bytes) }
        let newEntries = UnsafeMutablePointer<Entry>.allocate(capacity: entryCapacity)
        let newBytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * largest)
        unsafe entries = newEntries
        unsafe bytes = newBytes
        return unsafe (newEntries, newBytes)
    }
}
