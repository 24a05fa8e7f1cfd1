import Authority
import FlatTables
import Telemetry

/// What lines of a query log have in common, in the form of the log: each piece ends one value and begins the next. Made once
/// by each thread that writes lines.
struct QueryLogPieces: ~Copyable {
    /// From the client to the ID of a question, or without one.
    let questionOverUDP, questionOverTCP, overUDP, overTCP: LogPiece
    let name, recordClass, noCode, pool, endOfText, subnet, scope, payload, endOfNumber: LogPiece
    let querySize, responseSize, duration: LogPiece
    /// Bytes from the duration in the last piece to the end of the line.
    let afterDuration: Int
    let colon: LogPiece
    /// By number, of types that are in use.
    let types: FlatTable<LogPiece>
    /// Before the number of any other.
    let otherType: LogPiece
    /// By ``position(of:code:)``.
    let codes: FlatTable<LogPiece>
    /// By ``Flags``.
    let flags: FlatTable<LogPiece>

    /// Of a query and its answer, as lines tell them.
    struct Flags: OptionSet {
        let rawValue: Int
        static let truncated = Flags(rawValue: 1)
        static let authoritative = Flags(rawValue: 2)
        static let wantsRecursion = Flags(rawValue: 4)
        static let wantsDNSSEC = Flags(rawValue: 8)
        static let hasCookie = Flags(rawValue: 16)

        /// In the order in which they are written.
        static let words: [(flag: Flags, word: StaticString)] = [
            (.authoritative, ",aa"), (.truncated, ",tc"), (.wantsRecursion, ",rd"), (.wantsDNSSEC, ",do"),
            (.hasCookie, ",cookie"),
        ]
        static let count = 32

        init(rawValue: Int) { self.rawValue = rawValue }

        /// - Parameter header: the third byte of an answer (RFC 1035 section 4.1.1).
        init(header: UInt8) { rawValue = Int(header >> 1 & 3) }
    }

    /// Types that are written by their names.
    private static let typeNames: [(Int, StaticString)] = [
        (1, "A"), (28, "AAAA"), (5, "CNAME"), (2, "NS"), (6, "SOA"), (15, "MX"), (16, "TXT"), (33, "SRV"), (12, "PTR"),
        (257, "CAA"), (65, "HTTPS"), (255, "ANY"),
    ]
    private static let typeCount = 258

    private static let badVersion = 16
    private static let badCookie = 17

    init(isJSON: Bool) {
        func piece(_ write: (inout LogLine) -> Void) -> LogPiece { LogPiece(isJSON: isJSON, write) }
        func transport(_ word: StaticString, hasQuestion: Bool) -> LogPiece {
            piece {
                $0.endField(quoted: true)
                $0.field("transport", text: word)
                if hasQuestion { $0.beginField("id", quoted: false) }
            }
        }
        questionOverUDP = transport("udp", hasQuestion: true)
        questionOverTCP = transport("tcp", hasQuestion: true)
        overUDP = transport("udp", hasQuestion: false)
        overTCP = transport("tcp", hasQuestion: false)
        colon = piece { $0.append(text: ":") }
        name = piece {
            $0.endField(quoted: false)
            $0.beginField("name", quoted: true)
        }
        let names = Dictionary(uniqueKeysWithValues: Self.typeNames)
        types = FlatTable(count: Self.typeCount) { type in
            piece {
                $0.endField(quoted: true)
                if let name = names[type] { return $0.field("type", text: name) }
                // RFC 3597 section 5.
                $0.beginField("type", quoted: true)
                $0.append(text: "TYPE")
                $0.append(decimal: type)
                $0.endField(quoted: true)
            }
        }
        otherType = piece {
            $0.endField(quoted: true)
            $0.beginField("type", quoted: true)
            $0.append(text: "TYPE")
        }
        recordClass = piece { $0.beginField("class", quoted: false) }
        codes = FlatTable(
            ((0..<16).map { (Outcome.answered, $0) } + [(.badVersion, 0), (.cookie, 7)]).map { outcome, code in
                piece {
                    $0.field("rcode", text: outcome.codeName(code))
                    $0.beginField("flags", quoted: true)
                }
            })
        noCode = piece { $0.field("rcode", text: "-") }
        flags = FlatTable(count: Flags.count) { value in
            piece {
                $0.append(text: "qr")
                for (flag, word) in Flags.words where Flags(rawValue: value).contains(flag) { $0.append(text: word) }
                $0.endField(quoted: true)
            }
        }
        pool = piece { $0.beginField("pool", quoted: true) }
        subnet = piece { $0.beginField("ecs", quoted: true) }
        scope = piece { $0.beginField("scope", quoted: false) }
        payload = piece { $0.beginField("edns", quoted: false) }
        endOfText = piece { $0.endField(quoted: true) }
        endOfNumber = piece { $0.endField(quoted: false) }
        querySize = piece { $0.beginField("query_size", quoted: false) }
        responseSize = piece {
            $0.endField(quoted: false)
            $0.beginField("response_size", quoted: false)
        }
        let end = piece {
            $0.endField(quoted: false)
            $0.beginField("duration", quoted: false)
            $0.append(text: "0.000000")
            $0.endField(quoted: false)
            $0.end()
        }
        duration = end
        let start = piece {
            $0.endField(quoted: false)
            $0.beginField("duration", quoted: false)
        }
        afterDuration = end.count - start.count
    }

    deinit {
        types.deallocate()
        codes.deallocate()
        flags.deallocate()
    }

    /// What a line begins with, up to the client, in two pieces.
    static func beginning(_ time: LogTime, isJSON: Bool) -> (LogPiece, LogPiece) {
        // To the point before the milliseconds.
        let length = 20
        let front = LogPiece(isJSON: isJSON) {
            $0.begin(isJSON: isJSON)
            $0.beginField("time", quoted: true)
            $0.append(time.bytes.span.extracting(first: length))
        }
        let back = LogPiece(isJSON: isJSON) {
            $0.append(time.bytes.span.extracting(droppingFirst: length))
            $0.endField(quoted: true)
            $0.beginField("client", quoted: true)
        }
        return (front, back)
    }

    /// - Parameter code: the low four bits, as they stand in the header.
    @inline(__always)
    static func position(of outcome: Outcome, code: Int) -> Int {
        switch outcome {
        case .badVersion: badVersion
        case .cookie where code == 7: badCookie
        default: code
        }
    }
}
