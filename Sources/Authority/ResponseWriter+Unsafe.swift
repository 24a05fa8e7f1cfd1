import DNSWire
import FlatTables

/// Writes one response into memory of the caller. Nothing is ever written past `limit`: what does not fit sets
/// `isFull` instead.
@safe
struct ResponseWriter {
    private let base: UnsafeMutableRawPointer
    let limit: Int
    private(set) var count = 0
    private(set) var isFull = false

    /// `limit` bytes at `base` must be writable.
    @unsafe
    init(base: UnsafeMutableRawPointer, limit: Int) {
        unsafe self.base = base
        self.limit = limit
    }

    /// Where the next `size` bytes go; `nil` when they do not fit.
    @inline(__always) @unsafe
    private mutating func reserve(_ size: Int) -> UnsafeMutableRawPointer? {
        guard limit &- count >= size else {
            isFull = true
            return nil
        }
        count &+= size
        return unsafe base + (count &- size)
    }

    /// The low four bits of the RCODE (RFC 1035 section 4.1.1); 0 before the header is written.
    @inline(__always)
    var code: Int {
        // The flags' second byte is there when the header is.
        count >= 4 ? Int(unsafe base.load(fromByteOffset: 3, as: UInt8.self) & 15) : 0
    }

    @inline(__always)
    mutating func append8(_ value: UInt8) {
        guard let target = unsafe reserve(1) else { return }
        unsafe target.storeBytes(of: value, as: UInt8.self)
    }

    @inline(__always)
    mutating func append16(_ value: UInt16) {
        guard let target = unsafe reserve(2) else { return }
        unsafe target.storeBytes(of: value.bigEndian, as: UInt16.self)
    }

    @inline(__always)
    mutating func append32(_ value: UInt32) {
        guard let target = unsafe reserve(4) else { return }
        unsafe target.storeBytes(of: value.bigEndian, as: UInt32.self)
    }

    /// Bytes that were written before; nothing where they were not.
    mutating func replace32(_ value: UInt32, at offset: Int) {
        guard offset >= 0, offset &+ 4 <= count else { return }
        // offset + 4 <= count, and so many bytes were written.
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }

    @inline(__always)
    mutating func append64(_ value: UInt64) {
        guard let target = unsafe reserve(8) else { return }
        unsafe target.storeBytes(of: value.bigEndian, as: UInt64.self)
    }

    /// Bytes that are already in network order.
    @inline(__always)
    mutating func appendAddress(_ address: TargetAddress) {
        if address.isV6 {
            guard let target = unsafe reserve(16) else { return }
            unsafe target.storeBytes(of: address.first, as: UInt64.self)
            unsafe target.storeBytes(of: address.second, toByteOffset: 8, as: UInt64.self)
        } else {
            guard let target = unsafe reserve(4) else { return }
            unsafe target.storeBytes(of: UInt32(truncatingIfNeeded: address.first), as: UInt32.self)
        }
    }

    /// Bytes of the query, which must be inside it.
    @inline(__always)
    mutating func append(_ message: RawSpan, from offset: Int, count size: Int) {
        precondition(offset >= 0 && size >= 0 && offset &+ size <= message.byteCount)
        guard let target = unsafe reserve(size) else { return }
        unsafe message.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe target.copyMemory(from: source + offset, byteCount: size)
        }
    }

    /// Bytes of a table, which must be inside it.
    @inline(__always)
    mutating func append(_ table: FlatTable<UInt8>, from offset: Int, count size: Int) {
        precondition(offset >= 0 && size >= 0 && offset &+ size <= table.count)
        guard let target = unsafe reserve(size) else { return }
        unsafe target.copyMemory(from: table.address(of: offset), byteCount: size)
    }

    /// ASCII text.
    mutating func append(_ text: StaticString) {
        guard let target = unsafe reserve(text.utf8CodeUnitCount) else { return }
        unsafe target.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    /// Turns the distances at the pointers' places into compression pointers; the answer began at `start`, and the
    /// question's name ends at `nameEnd`.
    @inline(__always)
    func resolvePointers(_ pointers: FlatTable<UInt16>, from first: Int, count: Int, start: Int, nameEnd: Int) {
        for index in 0..<count {
            let place = start &+ Int(pointers[first &+ index])
            precondition(place &+ 2 <= self.count)
            // Written already, by the line above.
            let distance = unsafe Int16(bitPattern: UInt16(bigEndian: (base + place).loadUnaligned(as: UInt16.self)))
            let pointer = 0xc000 | UInt16(truncatingIfNeeded: nameEnd &- Int(distance))
            unsafe (base + place).storeBytes(of: pointer.bigEndian, as: UInt16.self)
        }
    }

    /// Replaces the 16 bits at `offset`, which must have been written.
    @inline(__always)
    func replace16(_ value: UInt16, at offset: Int) {
        precondition(offset >= 0 && offset &+ 2 <= count)
        unsafe (base + offset).storeBytes(of: value.bigEndian, as: UInt16.self)
    }

    /// Takes everything back.
    @inline(__always)
    mutating func clear() {
        count = 0
        isFull = false
    }

    /// Takes back what was written from `start` on.
    mutating func shorten(to start: Int) {
        precondition(start >= 0 && start <= count)
        count = start
    }

    /// `size` bytes that were written at `offset`, once more.
    @inline(__always)
    mutating func append(ownBytesAt offset: Int, count size: Int) {
        precondition(offset >= 0 && size >= 0 && offset &+ size <= count)
        guard let target = unsafe reserve(size) else { return }
        // Inside by the lines above; what is reserved lies behind what was written.
        unsafe target.copyMemory(from: base + offset, byteCount: size)
    }

    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < count)
        return unsafe base.load(fromByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    func number16(at offset: Int) -> UInt16 {
        precondition(offset >= 0 && offset &+ 2 <= count)
        return unsafe UInt16(bigEndian: (base + offset).loadUnaligned(as: UInt16.self))
    }

    /// Reads an uncompressed name that was written at `offset` into `name`.
    func fold(into name: inout FoldedName, nameAt offset: Int, length: Int) {
        precondition(offset >= 8 && length >= 1 && length <= 255 && offset &+ length <= count)
        var labels = 0
        var index = offset
        while byte(at: index) != 0 {
            labels &+= 1
            index &+= 1 &+ Int(byte(at: index))
        }
        // Written, by the first line; nothing writes while it is read.
        let message = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: count)
        name.fold(message, offset: offset, length: length, labelCount: labels)
    }
}
