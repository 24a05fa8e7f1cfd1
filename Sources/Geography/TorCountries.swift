/// Reads the country files of Debian's tor-geoipdb: lines of `first,last,code`, sorted, with addresses as decimal
/// numbers in `geoip` (`Key` is `UInt32`) and as IPv6 text in `geoip6` (`UInt128`). `??` is an unknown country.
enum TorCountries<Key: TorAddress> {
    static func read(_ bytes: Span<UInt8>, faults: inout [GeographyFault]) -> GeographyDatabase {
        var places = PlaceNumbers()
        var placeOfCode = [UInt32](repeating: .max, count: 1 << 16)
        // The shortest usual lines have some 24 bytes, and most IPv6 ranges are followed by a gap.
        var builder = RangeListBuilder<Key>(gap: 0, capacity: bytes.count / 24)
        var scanner = LineScanner()
        while scanner.startLine(bytes) {
            switch parseLine(bytes, &scanner) {
            case .nothing:
                break
            case .range(let first, let last, let code):
                var place = placeOfCode[Int(code)]
                if place == .max {
                    place = places.number(of: Self.place(ofCode: code))
                    placeOfCode[Int(code)] = place
                }
                guard !builder.add(first, through: last, place) else { break }
                scanner.at = scanner.lineStart
                faults.append(
                    last < first
                        ? scanner.fault("the range ends before it starts", "write the lower address first")
                        : scanner.fault(
                            "the range does not start after the end of the range before it",
                            "sort the lines by their first address and remove what overlaps"))
            case .fault(let fault):
                faults.append(fault)
            }
            if faults.count == GeographyDatabase.problemLimit { break }
            scanner.skipLine(bytes)
        }
        let list = builder.finishWithGap()
        return GeographyDatabase(places: places.places, ranges: Key.map(list))
    }

    private enum Line {
        case nothing
        case range(Key, Key, code: UInt16)
        case fault(GeographyFault)
    }

    private static func parseLine(_ bytes: Span<UInt8>, _ scanner: inout LineScanner) -> Line {
        if scanner.isAtLineEnd(bytes) || bytes[scanner.at] == UInt8(ascii: "#") { return .nothing }
        guard let first = Key.scan(bytes, &scanner), scanner.take(UInt8(ascii: ","), bytes) else {
            return .fault(scanner.fault("expected \(Key.form) and a comma", Self.advice))
        }
        guard let last = Key.scan(bytes, &scanner), scanner.take(UInt8(ascii: ","), bytes) else {
            return .fault(scanner.fault("expected \(Key.form) as the end of the range and a comma", Self.advice))
        }
        guard let high = codeByte(bytes, &scanner), let low = codeByte(bytes, &scanner), scanner.isAtLineEnd(bytes)
        else {
            return .fault(scanner.fault("expected a country code of two letters and the end of the line", Self.advice))
        }
        return .range(first, last, code: UInt16(high) << 8 | UInt16(low))
    }

    /// A letter, as upper case, a digit or a question mark.
    private static func codeByte(_ bytes: Span<UInt8>, _ scanner: inout LineScanner) -> UInt8? {
        guard scanner.at < bytes.count else { return nil }
        let byte = bytes[scanner.at]
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "?"):
            scanner.at += 1
            return byte
        case UInt8(ascii: "a")...UInt8(ascii: "z"):
            scanner.at += 1
            return byte - 32
        default:
            return nil
        }
    }

    private static func place(ofCode code: UInt16) -> Place {
        let letters = [UInt8(code >> 8), UInt8(code & 255)]
        guard !letters.contains(UInt8(ascii: "?")) else { return Place() }
        return Countries.place(forCode: String(decoding: letters, as: UTF8.self))
    }

    private static var advice: String { "each line is \(Key.example) as in tor-geoipdb's \(Key.fileName)" }
}

/// Reads text line by line and keeps count.
struct LineScanner {
    var at = 0
    private(set) var line = 0
    private(set) var lineStart = 0

    /// Begins the line at `at`; `false` at the end of the text.
    mutating func startLine(_ bytes: Span<UInt8>) -> Bool {
        guard at < bytes.count else { return false }
        lineStart = at
        line += 1
        return true
    }

    /// Goes behind the end of the line.
    mutating func skipLine(_ bytes: Span<UInt8>) {
        while at < bytes.count {
            at += 1
            if bytes[at - 1] == UInt8(ascii: "\n") { return }
        }
    }

    /// Takes one byte if it is the next.
    mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    /// At LF, CR LF or the end of the text.
    func isAtLineEnd(_ bytes: Span<UInt8>) -> Bool {
        guard at < bytes.count else { return true }
        if bytes[at] == UInt8(ascii: "\n") { return true }
        return bytes[at] == UInt8(ascii: "\r") && (at + 1 == bytes.count || bytes[at + 1] == UInt8(ascii: "\n"))
    }

    /// A fault at the current byte.
    func fault(_ reason: String, _ advice: String) -> GeographyFault {
        GeographyFault(position: .line(line, column: at - lineStart + 1), reason: reason, advice: advice)
    }
}

/// An address as the file of its family writes it.
protocol TorAddress: FixedWidthInteger, UnsignedInteger, Sendable {
    /// Reads an address and leaves the scanner behind it, or at the byte that is wrong.
    static func scan(_ bytes: Span<UInt8>, _ scanner: inout LineScanner) -> Self?
    static func map(_ list: RangeList<Self>) -> RangeMap
    static var form: String { get }
    static var example: String { get }
    static var fileName: String { get }
}

extension UInt32: TorAddress {
    static func scan(_ bytes: Span<UInt8>, _ scanner: inout LineScanner) -> UInt32? {
        var value: UInt64 = 0
        var at = scanner.at
        defer { scanner.at = at }
        while at < bytes.count {
            let digit = bytes[at] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            value = value &* 10 &+ UInt64(digit)
            guard value <= UInt64(UInt32.max) else { return nil }
            at += 1
        }
        return at > scanner.at ? UInt32(truncatingIfNeeded: value) : nil
    }

    static func map(_ list: RangeList<UInt32>) -> RangeMap { RangeMap(v4: list, v6: RangeList(filledWith: 0)) }
    static var form: String { "an IPv4 address as a decimal number" }
    static var example: String { "16777216,16777471,AU" }
    static var fileName: String { "geoip" }
}

extension UInt128: TorAddress {
    static func scan(_ bytes: Span<UInt8>, _ scanner: inout LineScanner) -> UInt128? {
        var at = scanner.at
        defer { scanner.at = at }
        // Groups come in from the right; `::` splits them into `upper` and those that are still in `lower`.
        var upper: UInt128 = 0
        var upperGroups = 0
        var lower: UInt128 = 0
        var groups = 0
        var hasGap = false
        while true {
            if !hasGap, at + 1 < bytes.count, bytes[at] == UInt8(ascii: ":"),
                groups == 0 || bytes[at - 1] != UInt8(ascii: ":"),
                bytes[at + 1] == UInt8(ascii: ":")
            {
                hasGap = true
                upper = lower
                upperGroups = groups
                lower = 0
                at += 2
                guard at < bytes.count, hexDigit(bytes[at]) != nil else { break }
            } else if groups > 0 {
                guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { break }
                at += 1
            }
            var group: UInt32 = 0
            let start = at
            while at < bytes.count, at - start < 4, let digit = hexDigit(bytes[at]) {
                group = group << 4 | UInt32(digit)
                at += 1
            }
            guard at > start, groups < 8 else { return nil }
            lower = lower << 16 | UInt128(group)
            groups += 1
        }
        guard hasGap else { return groups == 8 ? lower : nil }
        guard groups < 8 else { return nil }
        return upperGroups == 0 ? lower : upper << UInt128(128 - 16 * upperGroups) | lower
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static func map(_ list: RangeList<UInt128>) -> RangeMap { RangeMap(v4: RangeList(filledWith: 0), v6: list) }
    static var form: String { "an IPv6 address" }
    static var example: String { "2001:200::,2001:200:134:ffff:ffff:ffff:ffff:ffff,JP" }
    static var fileName: String { "geoip6" }
}
