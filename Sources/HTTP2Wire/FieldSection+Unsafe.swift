/// The fields of one message as they were decoded: all of their bytes behind one another. One is made per event loop
/// and used for every message.
@safe
package final class FieldSection {
    struct Field {
        var offset: UInt32
        var nameCount: UInt32
        var valueCount: UInt32
        var token: FieldToken
        var marks: FieldMarks
    }

    package private(set) var count = 0
    /// As RFC 9113 section 6.5.2 counts: each field's bytes and 32 more.
    private(set) var listSize = 0
    private var byteCount = 0
    private var bytes: UnsafeMutablePointer<UInt8>
    private var byteCapacity: Int
    private var fields: UnsafeMutablePointer<Field>
    private var fieldCapacity: Int

    // What the check of the section has found.

    package internal(set) var method = -1
    package internal(set) var scheme = -1
    package internal(set) var path = -1
    package internal(set) var authority = -1
    package internal(set) var protocolName = -1
    package internal(set) var host = -1
    package internal(set) var contentLength = -1
    package internal(set) var cookies = 0
    /// The length that the message says; `nil`: none, or none that is a number.
    package internal(set) var length: Int?
    /// Of a response.
    package internal(set) var status = 0

    package init() {
        byteCapacity = 4096
        fieldCapacity = 64
        unsafe bytes = .allocate(capacity: byteCapacity)
        unsafe fields = .allocate(capacity: fieldCapacity)
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe fields.deallocate()
    }

    func removeAll() {
        count = 0
        listSize = 0
        byteCount = 0
        method = -1
        scheme = -1
        path = -1
        authority = -1
        protocolName = -1
        host = -1
        contentLength = -1
        cookies = 0
        length = nil
        status = 0
    }

    /// Bytes of all names and values.
    package var size: Int { byteCount }

    @inline(__always)
    private func field(_ index: Int) -> Field {
        precondition(index >= 0 && index < count, "no such field")
        return unsafe fields[index]
    }

    package func token(_ index: Int) -> FieldToken { field(index).token }

    func marks(_ index: Int) -> FieldMarks { field(index).marks }

    @_lifetime(borrow self)
    package func name(_ index: Int) -> Span<UInt8> {
        let field = field(index)
        return span(Int(field.offset), Int(field.nameCount))
    }

    @_lifetime(borrow self)
    package func value(_ index: Int) -> Span<UInt8> {
        let field = field(index)
        return span(Int(field.offset + field.nameCount), Int(field.valueCount))
    }

    @_lifetime(borrow self)
    private func span(_ offset: Int, _ length: Int) -> Span<UInt8> {
        // Fields name bytes that were written; nothing is added while the span is in use.
        let span = unsafe Span(_unsafeStart: UnsafePointer(bytes) + offset, count: length)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    // MARK: Adding

    private func reserve(_ length: Int) {
        guard byteCapacity - byteCount < length else { return }
        let capacity = max(byteCount + length, 2 * byteCapacity)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        unsafe larger.update(from: bytes, count: byteCount)
        unsafe bytes.deallocate()
        unsafe bytes = larger
        byteCapacity = capacity
    }

    /// Adds bytes to the field that is being made.
    func append(_ source: Span<UInt8>) {
        let length = source.count
        guard length > 0 else { return }
        reserve(length)
        // There is room, and an address where there are bytes.
        unsafe source.withUnsafeBufferPointer { buffer in
            unsafe (bytes + byteCount).update(from: buffer.baseAddress.unsafelyUnwrapped, count: length)
        }
        byteCount += length
    }

    /// Adds what a string in Huffman's code stands for.
    ///
    /// - Returns: how much that is; `nil` when it is malformed.
    func append(decoded code: Span<UInt8>, _ decoder: HuffmanDecoder) -> Int? {
        reserve(HuffmanDecoder.mostDecoded(code.count))
        guard let length = unsafe decoder.decode(code, to: bytes + byteCount) else { return nil }
        byteCount += length
        return length
    }

    /// The last bytes that were added.
    @_lifetime(borrow self)
    func last(_ length: Int) -> Span<UInt8> { span(byteCount - length, length) }

    /// The last bytes that were added are a field.
    func close(nameCount: Int, valueCount: Int, token: FieldToken, marks: FieldMarks) {
        if count == fieldCapacity {
            let larger = UnsafeMutablePointer<Field>.allocate(capacity: 2 * fieldCapacity)
            unsafe larger.update(from: fields, count: count)
            unsafe fields.deallocate()
            unsafe fields = larger
            fieldCapacity *= 2
        }
        let length = nameCount + valueCount
        // There is room for one more.
        unsafe fields[count] = Field(
            offset: UInt32(byteCount - length), nameCount: UInt32(nameCount), valueCount: UInt32(valueCount),
            token: token, marks: marks)
        count += 1
        listSize += length + DynamicTable.overhead
    }
}
