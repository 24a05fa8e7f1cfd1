internal import Addresses

extension QueryMessage {
    /// Reads a message that should be a query. Allocates nothing, whatever the bytes are.
    ///
    /// Strict where leniency helps only attackers: one question at most (RFC 9619), no compression in it, no records
    /// before the additional section (but IXFR's SOA), one OPT owned by the root, well-formed options, and nothing behind
    /// the last record.
    /// - Parameters:
    ///   - accepted: the options that are looked at; others are unknown, and ignored (RFC 6891 section 6.1.2).
    ///   - name: receives the question's name in lower case.
    package mutating func read(_ message: RawSpan, accepting accepted: Options, name: inout FoldedName) -> Verdict {
        forget()
        guard message.byteCount >= 12 else { return .tooShort }
        id = message.number16(at: 0)
        flags = message.number16(at: 2)
        guard flags & 0x8000 == 0 else { return .response }
        guard opcode == 0 else { return .unsupportedOpcode }
        let questions = message.number16(at: 4)
        guard questions <= 1 else { return .malformed }
        if questions == 1 {
            guard readQuestion(message, name: &name) else { return .malformed }
            hasQuestion = true
        } else {
            type = RecordType(rawValue: 0)
        }
        let answers = message.number16(at: 6)
        let authorities = message.number16(at: 8)
        guard answers == 0, authorities == 0 || type == .ixfr else { return .malformed }
        let additionals = message.number16(at: 10)
        // Most queries end here or behind one OPT.
        var offset = questionEnd
        for _ in 0..<authorities {
            guard let record = Record(message, at: offset), record.type != RecordType.opt.rawValue else {
                return .malformed
            }
            offset = record.end
        }
        var verdict = Verdict.question
        for _ in 0..<additionals {
            guard let record = Record(message, at: offset) else { return malformed() }
            if record.type == RecordType.opt.rawValue {
                // RFC 6891 section 6.1.1: one OPT, and its name is the root.
                guard !hasEDNS, record.nameEnd == offset &+ 1 else {
                    hasEDNS = false
                    dnssecOK = false
                    return malformed()
                }
                verdict = readOptions(message, record, accepting: accepted)
            }
            offset = record.end
        }
        guard offset == message.byteCount, verdict != .malformed else { return malformed() }
        if !hasQuestion, verdict == .question {
            return options.contains(.cookie) ? .cookieQuestion : malformed()
        }
        return verdict
    }

    /// Forgets what was read last, for a message of which nothing is read.
    package mutating func forget() {
        hasQuestion = false
        questionEnd = 12
        hasEDNS = false
        dnssecOK = false
        options = []
        // Neither identifier nor flags: there is no question.
        id = 0
        flags = 0
    }

    /// Of a message with a mistake no option is answered.
    private mutating func malformed() -> Verdict {
        options = []
        return .malformed
    }

    private mutating func readQuestion(_ message: RawSpan, name: inout FoldedName) -> Bool {
        var offset = 12
        var labels = 0
        while true {
            guard offset < message.byteCount else { return false }
            let length = Int(message.byte(at: offset))
            offset &+= 1
            if length == 0 { break }
            guard length <= 63 else { return false }
            labels &+= 1
            offset &+= length
        }
        let length = offset &- 12
        guard length <= 255, offset &+ 4 <= message.byteCount else { return false }
        nameLength = length
        type = RecordType(rawValue: message.number16(at: offset))
        recordClass = message.number16(at: offset &+ 2)
        questionEnd = offset &+ 4
        name.fold(message, offset: 12, length: length, labelCount: labels)
        return true
    }

    /// The frame of a record: where its parts are.
    private struct Record {
        let nameEnd: Int
        let type: UInt16
        let data: Int
        let end: Int

        /// `nil` when the record is not there whole.
        init?(_ message: RawSpan, at start: Int) {
            var offset = start
            while true {
                guard offset < message.byteCount else { return nil }
                let length = Int(message.byte(at: offset))
                offset &+= 1
                if length == 0 { break }
                if length >= 0xc0 {
                    // Backward only, past the header, so that no chain of pointers can loop.
                    guard offset < message.byteCount else { return nil }
                    let target = (length & 0x3f) << 8 | Int(message.byte(at: offset))
                    guard target >= 12, target < start else { return nil }
                    offset &+= 1
                    break
                }
                guard length <= 63 else { return nil }
                offset &+= length
            }
            guard offset &- start <= 255, offset &+ 10 <= message.byteCount else { return nil }
            nameEnd = offset
            type = message.number16(at: offset)
            data = offset &+ 10
            end = data &+ Int(message.number16(at: offset &+ 8))
            guard end <= message.byteCount else { return nil }
        }
    }

    private mutating func readOptions(_ message: RawSpan, _ record: Record, accepting accepted: Options) -> Verdict {
        hasEDNS = true
        udpSize = message.number16(at: record.nameEnd &+ 2)
        ednsVersion = message.byte(at: record.nameEnd &+ 5)
        dnssecOK = message.byte(at: record.nameEnd &+ 6) & 0x80 != 0
        // What the options of a later version look like is not known.
        guard ednsVersion == 0 else { return .unsupportedVersion }
        var offset = record.data
        while offset < record.end {
            guard offset &+ 4 <= record.end else { return .malformed }
            let code = message.number16(at: offset)
            let length = Int(message.number16(at: offset &+ 2))
            offset &+= 4
            guard offset &+ length <= record.end, readOption(code, message, at: offset, length, accepting: accepted)
            else { return .malformed }
            offset &+= length
        }
        return .question
    }

    /// `false`: FORMERR.
    private mutating func readOption(
        _ code: UInt16, _ message: RawSpan, at offset: Int, _ length: Int, accepting accepted: Options
    ) -> Bool {
        switch code {
        case 3 where accepted.contains(.serverIdentifier):
            // RFC 5001 section 2.1: whatever a query has in it is ignored.
            options.insert(.serverIdentifier)
        case 8 where accepted.contains(.clientSubnet):
            guard !hasClientSubnet, readClientSubnet(message, at: offset, length: length) else { return false }
            options.insert(.clientSubnet)
        case 10 where accepted.contains(.cookie):
            // RFC 7873 section 5.2: the first one counts. Section 5.2.2: other lengths are FORMERR.
            if options.contains(.cookie) { return true }
            guard length == 8 || (16...40).contains(length) else { return false }
            options.insert(.cookie)
            clientCookie = UInt64(littleEndian: message.word(at: offset))
            serverCookieOffset = offset &+ 8
            serverCookieLength = length &- 8
        case 11 where accepted.contains(.keepalive):
            // RFC 7828 section 3.2.1: a client must not send a timeout.
            guard length == 0 else { return false }
            options.insert(.keepalive)
        case 19 where accepted.contains(.zoneVersion):
            // RFC 9660 section 3.1: empty in a query.
            guard length == 0 else { return false }
            options.insert(.zoneVersion)
        default:
            break
        }
        return true
    }

    /// RFC 7871 sections 6 and 7.1: the address has exactly the bytes that SOURCE needs, the bits past it are zero, and
    /// SCOPE is zero in a query.
    private mutating func readClientSubnet(_ message: RawSpan, at offset: Int, length: Int) -> Bool {
        guard length >= 4 else { return false }
        let family = message.number16(at: offset)
        let source = Int(message.byte(at: offset &+ 2))
        guard message.byte(at: offset &+ 3) == 0 else { return false }
        let count = (source &+ 7) >> 3
        guard length == 4 &+ count else { return false }
        switch family {
        case 1:
            guard source <= 32 else { return false }
            var value: UInt32 = 0
            for index in 0..<4 {
                value = value << 8 | (index < count ? UInt32(message.byte(at: offset &+ 4 &+ index)) : 0)
            }
            guard source == 32 || value << UInt32(source) == 0 else { return false }
            subnetAddress = .v4(value)
        case 2:
            guard source <= 128 else { return false }
            var high: UInt64 = 0
            var low: UInt64 = 0
            for index in 0..<8 {
                high = high << 8 | (index < count ? UInt64(message.byte(at: offset &+ 4 &+ index)) : 0)
                low = low << 8 | (index &+ 8 < count ? UInt64(message.byte(at: offset &+ 12 &+ index)) : 0)
            }
            let value = UInt128(high) << 64 | UInt128(low)
            guard source == 128 || value << UInt128(source) == 0 else { return false }
            subnetAddress = .v6(value)
        case 0:
            // No family is what clients send that want no tailored answer and have no address to leave out.
            guard source == 0 else { return false }
            subnetAddress = .v4(0)
        default:
            return false
        }
        subnetFamily = family
        subnetSource = UInt8(source)
        subnetOffset = offset
        subnetLength = length
        return true
    }
}
