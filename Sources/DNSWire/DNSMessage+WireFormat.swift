extension DNSMessage {
    // MARK: Values to bytes

    /// The message in wire form, names uncompressed.
    package var wire: [UInt8] {
        var bytes: [UInt8] = []
        let flags =
            (isResponse ? 0x8000 : 0) | UInt16(opcode & 15) << 11 | (isAuthoritative ? 0x0400 : 0)
            | (isTruncated ? 0x0200 : 0) | (recursionDesired ? 0x0100 : 0) | (recursionAvailable ? 0x0080 : 0)
            | (authenticData ? 0x0020 : 0) | (checkingDisabled ? 0x0010 : 0) | responseCode & 15
        for number in [
            id, flags, UInt16(questions.count), UInt16(answers.count), UInt16(authorities.count),
            UInt16(additionals.count + (edns == nil ? 0 : 1)),
        ] {
            Self.append(number, to: &bytes)
        }
        for question in questions {
            bytes += question.name.wire
            Self.append(question.type.rawValue, to: &bytes)
            Self.append(question.recordClass, to: &bytes)
        }
        for record in answers + authorities + additionals {
            bytes += record.owner.wire
            Self.append(record.type.rawValue, to: &bytes)
            Self.append(1, to: &bytes)
            Self.append(UInt16(record.ttl >> 16), to: &bytes)
            Self.append(UInt16(truncatingIfNeeded: record.ttl), to: &bytes)
            Self.append(UInt16(record.data.count), to: &bytes)
            bytes += record.data
        }
        if let edns {
            let options = edns.options.flatMap { option in
                var bytes: [UInt8] = []
                Self.append(option.code, to: &bytes)
                Self.append(UInt16(option.data.count), to: &bytes)
                return bytes + option.data
            }
            bytes.append(0)
            Self.append(RecordType.opt.rawValue, to: &bytes)
            Self.append(edns.udpSize, to: &bytes)
            bytes += [UInt8(truncatingIfNeeded: responseCode >> 4), edns.version, edns.dnssecOK ? 0x80 : 0, 0]
            Self.append(UInt16(options.count), to: &bytes)
            bytes += options
        }
        return bytes
    }

    private static func append(_ number: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(number >> 8))
        bytes.append(UInt8(truncatingIfNeeded: number))
    }

    // MARK: Bytes to values

    /// Reads a whole message; names in the data of records that may be compressed are written out.
    package init(wire: some Collection<UInt8>) throws(DNSMessageError) {
        var reader = Reader(bytes: Array(wire))
        id = try reader.number()
        let flags = try reader.number()
        isResponse = flags & 0x8000 != 0
        opcode = UInt8(flags >> 11 & 15)
        isAuthoritative = flags & 0x0400 != 0
        isTruncated = flags & 0x0200 != 0
        recursionDesired = flags & 0x0100 != 0
        recursionAvailable = flags & 0x0080 != 0
        authenticData = flags & 0x0020 != 0
        checkingDisabled = flags & 0x0010 != 0
        responseCode = flags & 15
        let counts = [try reader.number(), try reader.number(), try reader.number(), try reader.number()]
        for _ in 0..<counts[0] {
            questions.append(
                Question(
                    name: try reader.name(), type: RecordType(rawValue: try reader.number()),
                    recordClass: try reader.number()))
        }
        for _ in 0..<counts[1] { answers.append(try reader.record().record) }
        for _ in 0..<counts[2] { authorities.append(try reader.record().record) }
        for _ in 0..<counts[3] {
            let (record, recordClass) = try reader.record()
            guard record.type == .opt else {
                additionals.append(record)
                continue
            }
            guard edns == nil, record.owner == .root else { throw .badEDNS }
            edns = try Self.edns(record, udpSize: recordClass)
            responseCode |= UInt16(record.ttl >> 24) << 4
        }
        guard reader.index == reader.bytes.count else { throw .trailingBytes }
    }

    private static func edns(_ record: ResourceRecord, udpSize: UInt16) throws(DNSMessageError) -> EDNS {
        var edns = EDNS()
        edns.udpSize = udpSize
        edns.version = UInt8(truncatingIfNeeded: record.ttl >> 16)
        edns.dnssecOK = record.ttl & 0x8000 != 0
        var reader = Reader(bytes: record.data)
        while reader.index < reader.bytes.count {
            do throws(DNSMessageError) {
                let code = try reader.number()
                edns.options.append(.init(code: code, data: try reader.take(Int(try reader.number()))))
            } catch {
                throw .badEDNS
            }
        }
        return edns
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func number() throws(DNSMessageError) -> UInt16 {
            guard index + 2 <= bytes.count else { throw .truncated }
            index += 2
            return UInt16(bytes[index - 2]) << 8 | UInt16(bytes[index - 1])
        }

        mutating func take(_ count: Int) throws(DNSMessageError) -> [UInt8] {
            guard index + count <= bytes.count else { throw .truncated }
            index += count
            return Array(bytes[index - count..<index])
        }

        mutating func name() throws(DNSMessageError) -> DomainName {
            var wire: [UInt8] = []
            var position = index
            // Pointers must go backward, each further than the one before, so that they cannot loop.
            var limit = index
            var hasJumped = false
            while true {
                guard position < bytes.count else { throw .truncated }
                let length = Int(bytes[position])
                if length >= 0xc0 {
                    guard position + 1 < bytes.count else { throw .truncated }
                    let target = (length & 0x3f) << 8 | Int(bytes[position + 1])
                    // Backward only, and never into the header, where no name can stand.
                    guard target >= 12, target < limit else { throw .badName }
                    if !hasJumped { index = position + 2 }
                    hasJumped = true
                    limit = target
                    position = target
                    continue
                }
                guard length <= 63 else { throw .badName }
                guard position + 1 + length <= bytes.count else { throw .truncated }
                wire += bytes[position...position + length]
                guard wire.count <= 255 else { throw .badName }
                position += 1 + length
                if length == 0 { break }
            }
            if !hasJumped { index = position }
            guard let name = DomainName(wire: wire) else { throw .badName }
            return name
        }

        mutating func record() throws(DNSMessageError) -> (record: ResourceRecord, recordClass: UInt16) {
            let owner = try name()
            let type = RecordType(rawValue: try number())
            let recordClass = try number()
            let ttl = UInt32(try number()) << 16 | UInt32(try number())
            let length = Int(try number())
            let end = index + length
            guard end <= bytes.count else { throw .truncated }
            let data = try data(of: type, end: end)
            return (ResourceRecord(owner: owner, type: type, ttl: ttl, data: data), recordClass)
        }

        /// RFC 3597 section 4: only the types of RFC 1035 may hold compressed names; SRV is met in practice.
        private mutating func data(of type: RecordType, end: Int) throws(DNSMessageError) -> [UInt8] {
            var data: [UInt8] = []
            switch type {
            case .ns, .cname, .ptr:
                data = try name().wire
            case .soa:
                data = try name().wire
                data += try name().wire
            case .mx:
                data = try take(2)
                data += try name().wire
            case .srv:
                data = try take(6)
                data += try name().wire
            default:
                return try take(end - index)
            }
            if type == .soa { data += try take(20) }
            guard index == end else { throw .badRecord(type) }
            return data
        }
    }
}
