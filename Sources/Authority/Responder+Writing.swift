import DNSWire
import FlatTables

extension Responder {
    /// QR; AA and TC go with it.
    private static let response: UInt16 = 0x8000
    static let authoritative: UInt16 = 0x0400
    static let truncated: UInt16 = 0x0200

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

    @inline(__always)
    private func writeQuestion(_ message: RawSpan, _ writer: inout ResponseWriter) {
        writer.append(message, from: 12, count: query.questionEnd &- 12)
    }

    /// Header and question. `false` when `size` bytes of answer do not fit behind them with OPT: then the response is
    /// complete already, with TC and no answer at all, for resolvers use nothing of a truncated one (RFC 2181
    /// section 9).
    @inline(__always)
    func begin(
        _ message: RawSpan, _ data: AuthorityData, flags: UInt16 = authoritative, answers: UInt16,
        authorities: UInt16 = 0, additionals: UInt16 = 0, size: Int, scope: UInt8, _ writer: inout ResponseWriter
    ) -> Bool {
        let options: UInt16 = query.hasEDNS ? 1 : 0
        let whole = query.questionEnd &+ size &+ optionsSize(data)
        guard whole <= sizeLimit else {
            if whole <= writer.limit { counters.count(.truncatedWithoutCookie) }
            // Over TCP there is nowhere to go on to. Zones with sets of this size are refused beforehand.
            writeEmpty(flags: isTCP ? 2 : flags | Self.truncated, scope: scope, message, data, &writer)
            return false
        }
        writeHeader(
            flags: flags, questions: 1, answers: answers, authorities: authorities, additionals: additionals &+ options,
            &writer)
        writeQuestion(message, &writer)
        return true
    }

    /// A response that has nothing but its question and options, which fit into 512 bytes whatever the query was.
    func writeEmpty(
        flags: UInt16, scope: UInt8, upperCode: UInt16 = 0, error: ExtendedError? = nil, _ message: RawSpan,
        _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        if flags & Self.truncated != 0 { counters.count(.truncated) }
        writeHeader(
            flags: flags, questions: query.hasQuestion ? 1 : 0, answers: 0, authorities: 0,
            additionals: query.hasEDNS ? 1 : 0, &writer)
        writeQuestion(message, &writer)
        writeOptions(message, data, scope: scope, upperCode: upperCode, error: error, &writer)
    }

    /// A prepared answer: copied, with its pointers set; without what is not required where that does not fit.
    @inline(__always)
    mutating func write(
        _ position: Int, scope: UInt8, _ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        let prepared = data.prepared[position]
        outcome = prepared.outcome
        let flags = (prepared.isAuthoritative ? Self.authoritative : 0) | UInt16(prepared.responseCode)
        var part = prepared.whole
        if prepared.cutCount != 0 {
            let room = sizeLimit &- query.questionEnd &- optionsSize(data)
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
    mutating func writeError(
        _ code: UInt16, _ outcome: Outcome, because error: ExtendedError? = nil, scope: UInt8 = 0, _ message: RawSpan,
        _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        self.outcome = outcome
        // RFC 9660 section 3.2: versions are told with answers from a zone only.
        versionZone = -1
        writeEmpty(
            flags: code & 15, scope: scope, upperCode: code >> 4, error: error, message, data, &writer)
    }

    /// CHAOS names that operators ask for (RFC 4892); everything else is not ours.
    mutating func answerOtherClass(_ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter) {
        guard query.recordClass == QueryMessage.chaos, query.type == .txt || query.type == .any,
            let position = ChaosName(name).answer(in: data)
        else {
            let isKnown = query.recordClass == QueryMessage.chaos
            writeError(5, .refused, because: isKnown ? .notAuthoritative : .notSupported, message, data, &writer)
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
