/// Reads master files (RFC 1035 section 5, RFC 2308 section 4 for `$TTL`, RFC 3597 for unknown types and classes).
///
/// All mistakes are reported, up to ``diagnosticLimit``: a record that is wrong is left out and reading goes on with the
/// next. The parser opens no files: those that `$INCLUDE` names are given by its caller. `$GENERATE` is refused.
package struct ZoneFileParser {
    /// Gives the file that `$INCLUDE` names, or says why there is none.
    package typealias Inclusion = (String) -> Result<IncludedZoneFile, ZoneInclusionError>

    /// Files inside each other; no zone that people keep in order needs more.
    package static let inclusionDepth = 8
    /// Files of one zone.
    package static let inclusionLimit = 1000
    /// A file that is no zone file at all would otherwise give a line of complaint for each of its own.
    package static let diagnosticLimit = 500

    /// - Parameters:
    ///   - file: names the text in diagnostics.
    ///   - origin: completes relative names until `$ORIGIN` says otherwise.
    ///   - defaultTTL: of records that give none while there is no `$TTL`; `nil`: the TTL given last, else the SOA's
    ///     MINIMUM, else a diagnostic.
    package static func parse(
        _ text: [UInt8], file: String, origin: DomainName, defaultTTL: UInt32?
    ) -> (records: [ResourceRecord], diagnostics: [ZoneFileDiagnostic]) {
        let (records, diagnostics) = parseLocated(text, file: file, origin: origin, defaultTTL: defaultTTL)
        return (records.map(\.record), diagnostics)
    }

    /// As ``parse(_:file:origin:defaultTTL:)``, with the place of each record, which ``ZoneChecks`` reports.
    /// - Parameters:
    ///   - identity: tells this file from others that it includes; `file` if empty.
    ///   - inclusion: without it `$INCLUDE` is refused.
    package static func parseLocated(
        _ text: [UInt8], file: String, origin: DomainName, defaultTTL: UInt32?, identity: String = "",
        including inclusion: Inclusion? = nil
    ) -> (records: [LocatedRecord], diagnostics: [ZoneFileDiagnostic]) {
        var parser = ZoneFileParser(
            text: text, file: file, origin: origin, defaultTTL: defaultTTL, inclusion: inclusion ?? refuse)
        parser.open = [identity.isEmpty ? file : identity]
        parser.run()
        return (parser.records, parser.diagnostics)
    }

    private static func refuse(_ path: String) -> Result<IncludedZoneFile, ZoneInclusionError> {
        .failure(ZoneInclusionError(message: "$INCLUDE is not read here; put the records of \"\(path)\" here"))
    }

    private var text: [UInt8]
    private var file: String
    private let inclusion: Inclusion
    /// The files that are being read, the innermost last, by identity.
    private var open: [String] = []
    private var inclusions = 0
    private var isStopped = false
    private var origin: DomainName
    private var defaultTTL: UInt32?
    private var lastTTL: UInt32?
    private var lastOwner: DomainName?
    /// The last owner name was wrong: lines that repeat it are read for their own mistakes only.
    private var lastOwnerIsWrong = false
    private var fields: [TextField] = []
    private var records: [LocatedRecord] = []
    private var diagnostics: [ZoneFileDiagnostic] = []

    private init(
        text: [UInt8], file: String, origin: DomainName, defaultTTL: UInt32?, inclusion: @escaping Inclusion
    ) {
        self.text = text
        self.inclusion = inclusion
        self.file = file
        self.origin = origin
        self.defaultTTL = defaultTTL
    }

    private mutating func run() {
        var lexer = ZoneFileLexer(text: text)
        while !lexer.isAtEnd, !isStopped {
            if diagnostics.count >= Self.diagnosticLimit {
                isStopped = true
                diagnostics.append(
                    .init(
                        file: file, line: diagnostics.last?.line ?? 0, column: 1,
                        message: "\(Self.diagnosticLimit) mistakes found; the rest of the file was not read"))
                return
            }
            if let failure = lexer.nextEntry(into: &fields) {
                diagnostics.append(
                    .init(file: file, line: failure.line, column: failure.column, message: failure.message))
                continue
            }
            guard !fields.isEmpty else { continue }
            do throws(FieldError) {
                try readEntry(repeatsOwner: lexer.beginsWithBlank)
            } catch {
                report(error)
            }
        }
    }

    private mutating func report(_ error: FieldError) {
        var line = fields[fields.count - 1].line
        var column = fields[fields.count - 1].column + fields[fields.count - 1].range.count
        if error.field < fields.count {
            line = fields[error.field].line
            column = fields[error.field].column
        }
        diagnostics.append(.init(file: file, line: line, column: column, message: error.message))
    }

    private func string(_ position: Int) -> String { String(decoding: text[fields[position].range], as: UTF8.self) }

    private mutating func readEntry(repeatsOwner: Bool) throws(FieldError) {
        if text[fields[0].range].first == UInt8(ascii: "$"), !repeatsOwner, !fields[0].isQuoted {
            try readDirective()
            return
        }
        var position = 0
        let owner: DomainName
        if repeatsOwner {
            guard let last = lastOwner ?? (lastOwnerIsWrong ? origin : nil) else {
                throw FieldError(
                    message: "the line begins with a blank, but there is no owner name before it to repeat", field: 0)
            }
            owner = last
        } else {
            lastOwner = nil
            lastOwnerIsWrong = true
            owner = try name(at: 0)
            lastOwner = owner
            lastOwnerIsWrong = false
            position = 1
        }
        var ttl: UInt32?
        var hasClass = false
        while position < fields.count {
            if ttl == nil, let value = TimeText.parse(text[fields[position].range]) {
                ttl = value
            } else if !hasClass, try isClass(position) {
                hasClass = true
            } else {
                break
            }
            position += 1
        }
        let type = try readType(at: position, hasTTL: ttl != nil)
        var reader = RecordDataReader(text: text, fields: fields, from: position + 1, origin: origin)
        let data = try reader.read(type: type)
        lastTTL = ttl ?? lastTTL
        guard let used = ttl ?? defaultTTL ?? lastTTL ?? (type == .soa ? minimum(ofSOA: data) : nil) else {
            throw FieldError(
                message: "the record has no TTL; write one before its type, or $TTL 1h at the top of the file",
                field: position)
        }
        if type == .soa { lastTTL = lastTTL ?? used }
        guard !lastOwnerIsWrong else { return }
        records.append(
            LocatedRecord(
                ResourceRecord(owner: owner, type: type, ttl: used, data: data), file: file, line: fields[0].line,
                column: fields[0].column))
    }

    private func minimum(ofSOA data: [UInt8]) -> UInt32 {
        data.suffix(4).reduce(0) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
    }

    private func name(at position: Int) throws(FieldError) -> DomainName {
        let field = fields[position]
        if field.range.count == 1, text[field.range.lowerBound] == UInt8(ascii: "@"), !field.isQuoted { return origin }
        do throws(NameTextError) {
            return try DomainName.parse(text[field.range], relativeTo: origin)
        } catch {
            throw FieldError(message: "\"\(string(position))\": \(error)", field: position)
        }
    }

    /// Whether the field is a class; throws for one that is not IN.
    private func isClass(_ position: Int) throws(FieldError) -> Bool {
        let bytes = text[fields[position].range]
        guard (2...10).contains(bytes.count) else { return false }
        // No text is made for what nearly every line has: IN, or a type.
        switch (bytes[bytes.startIndex] | 0x20, bytes[bytes.startIndex + 1] | 0x20) {
        case (UInt8(ascii: "i"), UInt8(ascii: "n")): return bytes.count == 2
        case (UInt8(ascii: "c"), UInt8(ascii: "h")), (UInt8(ascii: "c"), UInt8(ascii: "s")),
            (UInt8(ascii: "c"), UInt8(ascii: "l")), (UInt8(ascii: "h"), UInt8(ascii: "s")),
            (UInt8(ascii: "a"), UInt8(ascii: "n")):
            break
        default: return false
        }
        switch string(position).uppercased() {
        case "IN", "CLASS1": return true
        case "CH", "HS", "CS", "ANY":
            throw FieldError(message: "class \(string(position)) is not served; write IN", field: position)
        case let other where other.hasPrefix("CLASS") && UInt16(other.dropFirst(5)) != nil:
            throw FieldError(message: "class \(string(position)) is not served; write IN", field: position)
        default: return false
        }
    }

    private func readType(at position: Int, hasTTL: Bool) throws(FieldError) -> RecordType {
        guard position < fields.count else {
            throw FieldError(message: "the record has no type; write A, AAAA, CNAME, MX, TXT …", field: position)
        }
        if !fields[position].isQuoted, let type = RecordType(common: text[fields[position].range]) { return type }
        guard !fields[position].isQuoted, let type = RecordType(string(position)) else {
            let shown = String(decoding: text[fields[position].range].prefix(60), as: UTF8.self)
            if !hasTTL, !shown.isEmpty, shown.utf8.allSatisfy({ (48...57).contains($0) }) {
                throw FieldError(
                    message: "the TTL \(shown) is longer than 2147483647 s (RFC 2181 section 8); make it a day or less",
                    field: position)
            }
            throw FieldError(
                message: "\"\(shown)\" is not a \(hasTTL ? "" : "TTL, class or ")record type; write A, AAAA, CNAME, "
                    + "MX, TXT …, or TYPE1 to TYPE65535", field: position)
        }
        guard type.isData else {
            throw FieldError(message: "\(type) records cannot be stored in a zone", field: position)
        }
        return type
    }

    private mutating func readDirective() throws(FieldError) {
        let directive = string(0).uppercased()
        switch directive {
        case "$ORIGIN":
            guard fields.count > 1 else {
                throw FieldError(message: "$ORIGIN has no name; write $ORIGIN example.com.", field: 1)
            }
            origin = try name(at: 1)
        case "$TTL":
            guard fields.count > 1, let value = TimeText.parse(text[fields[1].range]) else {
                throw FieldError(
                    message: "$TTL needs a time: seconds up to 2147483647, or such as 1h30m", field: 1)
            }
            defaultTTL = value
        case "$INCLUDE":
            try include()
            return
        case "$GENERATE":
            throw FieldError(message: "$GENERATE is not part of the standard; write the records out", field: 0)
        default:
            throw FieldError(message: "\(string(0)) is not a directive; $ORIGIN, $TTL and $INCLUDE are", field: 0)
        }
        if fields.count > 2 {
            throw FieldError(message: "\(directive) takes one value; take the rest out", field: 2)
        }
    }

    /// `$INCLUDE FILE [ORIGIN]`: the file's records stand here. Its `$ORIGIN`, `$TTL` and owner names hold to its own end
    /// only, so that nothing in it changes what the lines behind the directive mean (RFC 1035 section 5.1).
    private mutating func include() throws(FieldError) {
        guard fields.count > 1, !fields[1].range.isEmpty else {
            throw FieldError(message: "$INCLUDE has no file; write $INCLUDE FILE, or $INCLUDE FILE ORIGIN", field: 1)
        }
        guard fields.count < 4 else {
            throw FieldError(message: "$INCLUDE takes a file and an origin; take the rest out", field: 3)
        }
        let start = fields.count > 2 ? try name(at: 2) : origin
        guard open.count <= Self.inclusionDepth else {
            throw FieldError(
                message: "files are included \(Self.inclusionDepth) deep already; put the records of this one here",
                field: 1)
        }
        inclusions += 1
        guard inclusions <= Self.inclusionLimit else {
            throw FieldError(
                message: "the zone includes \(Self.inclusionLimit) files already; put some of them together", field: 1)
        }
        let included: IncludedZoneFile
        switch inclusion(string(1)) {
        case .success(let file): included = file
        case .failure(let error): throw FieldError(message: error.message, field: 1)
        }
        guard !open.contains(included.identity) else {
            throw FieldError(message: "\"\(string(1))\" includes itself; take one of the two $INCLUDE out", field: 1)
        }
        let outer = (text, file, origin, defaultTTL, lastOwner, lastOwnerIsWrong)
        open.append(included.identity)
        (text, file, origin) = (included.text, included.name, start)
        run()
        open.removeLast()
        (text, file, origin, defaultTTL, lastOwner, lastOwnerIsWrong) = outer
    }
}

/// A file that a zone file includes.
package struct IncludedZoneFile: Sendable {
    /// As diagnostics name it.
    package var name: String
    /// The same for the same file, by whatever path it was reached.
    package var identity: String
    package var text: [UInt8]

    package init(name: String, identity: String, text: [UInt8]) {
        self.name = name
        self.identity = identity
        self.text = text
    }
}

/// Why a file cannot be included: what is wrong; what to do.
package struct ZoneInclusionError: Error, Hashable, Sendable {
    package var message: String

    package init(message: String) { self.message = message }
}

extension RecordType {
    /// Reads the types that zones are full of, for which no text needs to be made; `nil` for all others.
    fileprivate init?(common bytes: ArraySlice<UInt8>) {
        guard bytes.count <= 5, bytes.allSatisfy({ $0 >= UInt8(ascii: "A") }) else { return nil }
        // In upper case, as one number.
        switch bytes.reduce(UInt64(0), { $0 << 8 | UInt64($1 & 0xdf) }) {
        case 0x41: self = .a
        case 0x4141_4141: self = .aaaa
        case 0x4e53: self = .ns
        case 0x4d58: self = .mx
        case 0x5458_54: self = .txt
        case 0x434e_414d_45: self = .cname
        case 0x5352_56: self = .srv
        case 0x5054_52: self = .ptr
        default: return nil
        }
    }
}
