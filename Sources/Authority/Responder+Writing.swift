import DNSWire
import FlatTables

extension Responder {
    /// QR; AA and TC go with it.
    private static let response: UInt16 = 0x8000
    static let authoritative: UInt16 = 0x0400
    private static let truncated: UInt16 = 0x0200

    /// Bytes of the response's OPT record.
    @inline(__always)
    func optionsSize(extendedError: UInt16) -> Int {
        guard query.hasEDNS else { return 0 }
        return 11 &+ (query.hasClientSubnet ? 4 &+ query.subnetLength : 0) &+ (extendedError == 0 ? 0 : 6)
    }

    @inline(__always)
    private func writeHeader(
        flags: UInt16, questions: UInt64, answers: UInt16, authorities: UInt16, additionals: UInt16,
        _ writer: inout ResponseWriter
    ) {
        // RD is the only flag that is copied: RA, AD and CD mean nothing here, Z must be zero.
        let flags = Self.response | flags | query.flags & QueryMessage.recursionDesired
        writer.append64(UInt64(query.id) << 48 | UInt64(flags) << 32 | questions << 16 | UInt64(answers))
        writer.append32(UInt32(authorities) << 16 | UInt32(additionals))
    }

    /// Header and question. `false` when `size` bytes of answer do not fit behind them with OPT: then the response is
    /// complete already, with TC and no answer at all, for resolvers use nothing of a truncated one (RFC 2181
    /// section 9).
    @inline(__always)
    func begin(
        _ message: RawSpan, _ data: AuthorityData, flags: UInt16 = authoritative, answers: UInt16,
        authorities: UInt16 = 0, additionals: UInt16 = 0, size: Int, scope: UInt8, extendedError: UInt16 = 0,
        _ writer: inout ResponseWriter
    ) -> Bool {
        let options: UInt16 = query.hasEDNS ? 1 : 0
        guard query.questionEnd &+ size &+ optionsSize(extendedError: extendedError) <= writer.limit else {
            // Over TCP there is nowhere to go on to. Zones with sets of this size are refused beforehand.
            let excess: UInt16 = isTCP ? 2 : flags | Self.truncated
            if !isTCP { counters.count(.truncated) }
            writeHeader(
                flags: excess, questions: 1, answers: 0, authorities: 0, additionals: options, &writer)
            writer.append(message, from: 12, count: query.questionEnd &- 12)
            writeOptions(message, data, scope: scope, &writer)
            return false
        }
        writeHeader(
            flags: flags, questions: 1, answers: answers, authorities: authorities, additionals: additionals &+ options,
            &writer)
        writer.append(message, from: 12, count: query.questionEnd &- 12)
        return true
    }

    /// A prepared answer: copied, with its pointers set; without what is not required where that does not fit.
    @inline(__always)
    func write(
        _ position: Int, scope: UInt8, _ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        let prepared = data.prepared[position]
        counters.count(prepared.outcome)
        let flags = (prepared.isAuthoritative ? Self.authoritative : 0) | UInt16(prepared.responseCode)
        var part = prepared.whole
        if prepared.cutCount != 0 {
            let room = writer.limit &- query.questionEnd &- optionsSize(extendedError: 0)
            part = prepared.part(fitting: room, data.pointers)
        }
        guard
            begin(
                message, data, flags: flags, answers: prepared.answers, authorities: part.authorities,
                additionals: part.additionals, size: Int(part.length), scope: scope, &writer)
        else { return }
        let start = writer.count
        writer.append(data.bytes, from: Int(prepared.offset), count: Int(part.length))
        writer.resolvePointers(
            data.pointers, from: Int(prepared.firstPointer), count: Int(part.pointerCount), start: start,
            nameEnd: 12 &+ query.nameLength)
        writeOptions(message, data, scope: scope, &writer)
    }

    /// A response without records. `code` may have the upper bits that only OPT can carry.
    func writeError(
        _ code: UInt16, _ outcome: Outcome, _ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter,
        extendedError: UInt16 = 0, scope: UInt8 = 0
    ) {
        counters.count(outcome)
        guard query.questionEnd > 0 else {
            writeHeader(
                flags: code & 15, questions: 0, answers: 0, authorities: 0, additionals: 0, &writer)
            return
        }
        // Question and options fit into 512 bytes, whatever the query was.
        writeHeader(
            flags: code & 15, questions: 1, answers: 0, authorities: 0, additionals: query.hasEDNS ? 1 : 0, &writer)
        writer.append(message, from: 12, count: query.questionEnd &- 12)
        writeOptions(message, data, scope: scope, upperCode: code >> 4, extendedError: extendedError, &writer)
    }

    /// OPT, if the query had one (RFC 6891 section 6.1.1), with the Client Subnet echoed (RFC 7871 section 7.2.1).
    @inline(__always)
    func writeOptions(
        _ message: RawSpan, _ data: AuthorityData, scope: UInt8, upperCode: UInt16 = 0, extendedError: UInt16 = 0,
        _ writer: inout ResponseWriter
    ) {
        guard query.hasEDNS else { return }
        // The root, type OPT, our size, upper code bits, version 0, DO as it came (RFC 3225 section 3).
        writer.append8(0)
        writer.append32(41 << 16 | UInt32(truncatingIfNeeded: data.udpSize))
        writer.append32(UInt32(upperCode) << 24 | (query.dnssecOK ? 0x8000 : 0))
        writer.append16(UInt16(truncatingIfNeeded: optionsSize(extendedError: extendedError) &- 11))
        if query.hasClientSubnet {
            writer.append32(8 << 16 | UInt32(truncatingIfNeeded: query.subnetLength))
            writer.append(message, from: query.subnetOffset, count: 3)
            writer.append8(scope)
            writer.append(message, from: query.subnetOffset &+ 4, count: query.subnetLength &- 4)
        }
        if extendedError != 0 {
            writer.append32(15 << 16 | 2)
            writer.append16(extendedError)
        }
    }

    /// CHAOS names that operators ask for (RFC 4892); everything else is not ours.
    func answerOtherClass(_ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter) {
        guard query.recordClass == QueryMessage.chaos, query.type == .txt || query.type == .any,
            let position = ChaosName(name).answer(in: data)
        else {
            writeError(5, .refused, message, data, &writer)
            return
        }
        write(position, scope: 0, message, data, &writer)
    }
}

/// The names in class CHAOS that have an answer.
private enum ChaosName {
    case server
    case version
    case other

    init(_ name: borrowing FoldedName) {
        if name.equals("\u{2}id\u{6}server\0") || name.equals("\u{8}hostname\u{4}bind\0") {
            self = .server
        } else if name.equals("\u{7}version\u{4}bind\0") || name.equals("\u{7}version\u{6}server\0") {
            self = .version
        } else {
            self = .other
        }
    }

    func answer(in data: AuthorityData) -> Int? {
        let position: UInt32 =
            switch self {
            case .server: data.serverAnswer
            case .version: data.versionAnswer
            case .other: 0
            }
        return position == 0 ? nil : Int(position) - 1
    }
}
