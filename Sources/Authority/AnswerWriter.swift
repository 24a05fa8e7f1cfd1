import DNSWire

/// Writes the records of one prepared answer, with compressed names (RFC 1035 section 4.1.4).
struct AnswerWriter {
    enum Section { case answer, authority, additional }

    /// A prepared answer ends early at so many places at most; sets behind the last one come and go together.
    static let cutLimit = 255
    /// A compression pointer reaches 16,383 bytes. The header and the question take 271; the chain of DNAMEs that an
    /// answer may have to stand behind takes ``Responder/redirectionSize``.
    private static let pointerReach = 16_383 - 271 - Responder.redirectionSize

    private(set) var bytes: [UInt8] = []
    private(set) var answers = 0
    private(set) var authorities = 0
    private(set) var additionals = 0
    /// Where the answer may end early, shortest first.
    private(set) var cuts: [AnswerPart] = []
    /// Places of pointers that depend on the length of the question's name.
    private(set) var pointers: [UInt16] = []
    /// The question's name, or the part at its end that is known.
    private let tail: DomainName
    /// Whether `tail` is the whole name, so that every offset is known now.
    private let isWhole: Bool
    /// Names, in lower case, by their distance from the end of the question's name: positive inside it, negative behind.
    private var known: [[UInt8]: Int] = [:]

    init(tail: DomainName, isWhole: Bool) {
        self.tail = tail
        self.isWhole = isWhole
    }

    /// A record of the name that was asked for.
    mutating func appendAnswer(type: RecordType, recordClass: UInt16 = 1, ttl: UInt32, data: [UInt8]) {
        answers += 1
        append(0xc00c)
        appendBody(type: type, recordClass: recordClass, ttl: ttl, data: data)
    }

    /// - Parameter owner: instead of the record's own: what a wildcard stands for.
    mutating func append(
        _ record: ResourceRecord, to section: Section, owner: DomainName? = nil, ttl: UInt32? = nil
    ) {
        switch section {
        case .answer: answers += 1
        case .authority: authorities += 1
        case .additional: additionals += 1
        }
        let owner = owner ?? record.owner
        if isWhole, owner == tail { append(0xc00c) } else { append(owner) }
        appendBody(type: record.type, recordClass: 1, ttl: ttl ?? record.ttl, data: record.data)
    }

    /// From here on, everything may be left out.
    mutating func allowCut() {
        guard cuts.count < Self.cutLimit, bytes.count <= UInt16.max else { return }
        cuts.append(
            AnswerPart(
                length: UInt32(bytes.count), pointerCount: UInt16(pointers.count), authorities: UInt16(authorities),
                additionals: UInt16(additionals)))
    }

    private mutating func appendBody(type: RecordType, recordClass: UInt16, ttl: UInt32, data: [UInt8]) {
        append(type.rawValue)
        append(recordClass)
        append(UInt16(ttl >> 16))
        append(UInt16(truncatingIfNeeded: ttl))
        let length = bytes.count
        append(0)
        appendData(data, type: type)
        let size = bytes.count - length - 2
        bytes[length] = UInt8(truncatingIfNeeded: size >> 8)
        bytes[length + 1] = UInt8(truncatingIfNeeded: size)
    }

    /// Only names in the types of RFC 1035 may be compressed (RFC 3597 section 4).
    private mutating func appendData(_ data: [UInt8], type: RecordType) {
        let fixed: Int
        let names: Int
        switch type {
        case .ns, .cname, .ptr: (fixed, names) = (0, 1)
        case .mx: (fixed, names) = (2, 1)
        case .soa: (fixed, names) = (0, 2)
        default: (fixed, names) = (0, 0)
        }
        bytes += data.prefix(fixed)
        var rest = data.dropFirst(fixed)
        for _ in 0..<names {
            var end = rest.startIndex
            while end < rest.endIndex, rest[end] != 0 { end += 1 + Int(rest[end]) }
            guard end < rest.endIndex, let name = DomainName(wire: Array(rest[...end])) else { break }
            append(name)
            rest = rest[(end + 1)...]
        }
        bytes += rest
    }

    private mutating func append(_ number: UInt16) {
        bytes.append(UInt8(number >> 8))
        bytes.append(UInt8(truncatingIfNeeded: number))
    }

    private mutating func append(_ name: DomainName) {
        if known.isEmpty { rememberTail() }
        var index = 0
        while name.wire[index] != 0 {
            if let distance = known[Array(name.folded[index...])] {
                appendPointer(distance)
                return
            }
            // The four bytes of type and class lie between the question's name and the answer.
            let distance = -(4 + bytes.count)
            if bytes.count < Self.pointerReach { known[Array(name.folded[index...])] = distance }
            let length = Int(name.wire[index])
            bytes += name.wire[index...index + length]
            index += 1 + length
        }
        bytes.append(0)
    }

    private mutating func rememberTail() {
        var rest = tail.folded[...]
        while let length = rest.first, length != 0 {
            known[Array(rest)] = rest.count
            rest = rest.dropFirst(1 + Int(length))
        }
    }

    private mutating func appendPointer(_ distance: Int) {
        if isWhole {
            append(UInt16(0xc000 | (12 + tail.wire.count - distance)))
        } else {
            // What lies further back is in no message.
            if let place = UInt16(exactly: bytes.count) { pointers.append(place) }
            append(UInt16(bitPattern: Int16(distance)))
        }
    }
}
