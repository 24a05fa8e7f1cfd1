/// The table that every connection begins with (RFC 7541 appendix A).
@safe
struct StaticTable: @unchecked Sendable {
    // Sendable although it holds a pointer: what it points at is made once and never changes.
    struct Entry {
        let offset: Int
        let nameCount: Int
        let valueCount: Int
        let token: FieldToken
    }

    /// Never changes and is never freed, which is why it may be shared.
    private let bytes: UnsafePointer<UInt8>
    private let entries: UnsafePointer<Entry>

    static let count = 61
    static let shared = StaticTable()

    private init() {
        var text: [UInt8] = []
        var list: [Entry] = []
        for (name, value) in Self.fields {
            let nameBytes = Array(name.utf8)
            var token = FieldToken.known(nameBytes.span)
            if token == .webSocketKey { token = .other }
            list.append(
                Entry(offset: text.count, nameCount: nameBytes.count, valueCount: value.utf8.count, token: token))
            text += nameBytes
            text += value.utf8
        }
        let storage = UnsafeMutablePointer<UInt8>.allocate(capacity: text.count)
        unsafe storage.initialize(from: text, count: text.count)
        let table = UnsafeMutablePointer<Entry>.allocate(capacity: list.count)
        unsafe table.initialize(from: list, count: list.count)
        unsafe bytes = UnsafePointer(storage)
        unsafe entries = UnsafePointer(table)
    }

    /// - Precondition: `1 <= index <= 61`.
    subscript(index: Int) -> Entry {
        precondition(index >= 1 && index <= Self.count, "an index of the static table")
        return unsafe entries[index - 1]
    }

    /// Name and value behind one another.
    @_lifetime(borrow self)
    func bytes(of entry: Entry) -> Span<UInt8> {
        // The entries name bytes that are there for good.
        let span = unsafe Span(_unsafeStart: bytes + entry.offset, count: entry.nameCount + entry.valueCount)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    private static let fields: [(String, String)] = [
        (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
        (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
        (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
        ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
        ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""), ("cache-control", ""),
        ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
        ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""),
        ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""),
        ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""), ("if-unmodified-since", ""),
        ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""), ("proxy-authenticate", ""),
        ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""), ("retry-after", ""),
        ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""), ("transfer-encoding", ""),
        ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
    ]
}

/// Places in the static table that senders name by themselves.
package enum StaticIndex {
    package static let authority = 1
    package static let get = 2
    package static let post = 3
    package static let root = 4
    package static let http = 6
    package static let https = 7
    package static let status = 8
    package static let contentLength = 28
    package static let contentType = 31
    package static let date = 33
    package static let location = 46
    package static let retryAfter = 53
}
