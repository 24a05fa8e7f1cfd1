/// The data of LOC records (RFC 1876), version 0.
enum LocationText {
    /// Bytes in wire form.
    static let size = 16
    /// A latitude of 0, and a longitude of 0.
    private static let origin = 1 << 31
    private static let degree = 3_600_000
    /// Centimetres below which altitudes are counted from.
    private static let depth = 10_000_000

    static func isValid(_ data: ArraySlice<UInt8>) -> Bool {
        let data = Array(data)
        // No size has two forms: nothing is nothing to any power.
        let isSize = { (byte: UInt8) in byte == 0 || (1...9).contains(byte >> 4) && byte & 15 <= 9 }
        guard data.count == size, data[0] == 0, data[1...3].allSatisfy(isSize) else { return false }
        return abs(number(data, 4) - origin) <= 90 * degree && abs(number(data, 8) - origin) <= 180 * degree
    }

    private static func number(_ data: [UInt8], _ offset: Int) -> Int {
        data[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }

    /// A decimal number as a whole one, `digits` places after its point kept; `nil` when it has more, or is none.
    static func decimal(_ text: ArraySlice<UInt8>, digits: Int) -> Int? {
        let isNegative = text.first == UInt8(ascii: "-")
        let parts = (isNegative ? text.dropFirst() : text).split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...10).contains(parts[0].count), parts.last?.isEmpty == false,
            parts.count == 1 || parts[1].count <= digits,
            parts.allSatisfy({ $0.allSatisfy { (48...57).contains($0) } })
        else { return nil }
        let fraction = parts.count == 1 ? [] : Array(parts[1])
        let padded = parts[0] + fraction + [UInt8](repeating: 48, count: digits - fraction.count)
        let value = padded.reduce(0) { $0 * 10 + Int($1 - 48) }
        return isNegative ? -value : value
    }

    /// Metres with an optional `m`, in centimetres.
    static func length(_ text: ArraySlice<UInt8>) -> Int? {
        decimal(text.last == UInt8(ascii: "m") ? text.dropLast() : text, digits: 2)
    }

    /// A digit and a power of ten, of centimetres; smaller digits are lost.
    static func precision(_ centimetres: Int) -> UInt8? {
        guard (0...9_000_000_000).contains(centimetres) else { return nil }
        var (digit, exponent) = (centimetres, 0)
        while digit > 9 {
            digit /= 10
            exponent += 1
        }
        return UInt8(digit << 4 | exponent)
    }

    /// Degrees, minutes and seconds before one of two letters.
    static func angle(_ parts: [ArraySlice<UInt8>], limit: Int, isNegative: Bool) -> UInt32? {
        guard (1...3).contains(parts.count), let degrees = decimal(parts[0], digits: 0) else { return nil }
        let minutes = parts.count > 1 ? decimal(parts[1], digits: 0) : 0
        let milliseconds = parts.count > 2 ? decimal(parts[2], digits: 3) : 0
        guard let minutes, let milliseconds, (0..<60).contains(minutes), (0..<60_000).contains(milliseconds),
            degrees >= 0
        else { return nil }
        let total = degrees * degree + minutes * 60_000 + milliseconds
        guard total <= limit * degree else { return nil }
        return UInt32(origin + (isNegative ? -total : total))
    }

    static func altitude(_ centimetres: Int) -> UInt32? { UInt32(exactly: centimetres + depth) }

    static func format(_ data: ArraySlice<UInt8>) -> String {
        let data = Array(data)
        func angle(_ offset: Int, _ letters: (String, String)) -> String {
            let value = number(data, offset) - origin
            let total = abs(value)
            return "\(total / degree) \(total / 60_000 % 60) \(fixed(total % 60_000, digits: 3)) "
                + (value < 0 ? letters.1 : letters.0)
        }
        func precision(_ byte: UInt8) -> String {
            var value = Int(byte >> 4)
            for _ in 0..<Int(byte & 15) { value *= 10 }
            return fixed(value, digits: 2) + "m"
        }
        let altitude = fixed(number(data, 12) - depth, digits: 2) + "m"
        return [
            angle(4, ("N", "S")), angle(8, ("E", "W")), altitude, precision(data[1]), precision(data[2]),
            precision(data[3]),
        ].joined(separator: " ")
    }

    private static func fixed(_ value: Int, digits: Int) -> String {
        var text = String(abs(value))
        while text.utf8.count <= digits { text = "0" + text }
        return (value < 0 ? "-" : "") + text.dropLast(digits) + "." + text.suffix(digits)
    }
}

extension RecordDataReader {
    /// `52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m`; minutes, seconds, and what follows the altitude may be
    /// left out.
    mutating func readLocation(type: RecordType) throws(FieldError) {
        let latitude = try readAngle("N", "S", limit: 90, type: type)
        let longitude = try readAngle("E", "W", limit: 180, type: type)
        let field = try next("an altitude", type: type)
        guard let altitude = LocationText.length(bytes(of: field)).flatMap(LocationText.altitude) else {
            throw FieldError(
                message: "\(quote(field)) is not an altitude from -100000.00m to 42849672.95m", field: position - 1)
        }
        // 1 m, 10 km and 10 m (section 3).
        var precisions: [UInt8] = [0x12, 0x16, 0x13]
        for index in precisions.indices where position < fields.count {
            let field = try next("a size", type: type)
            guard let precision = LocationText.length(bytes(of: field)).flatMap(LocationText.precision) else {
                throw FieldError(
                    message: "\(quote(field)) is not a size from 0.00m to 90000000.00m", field: position - 1)
            }
            precisions[index] = precision
        }
        wire += [0] + precisions
        append(latitude, bytes: 4)
        append(longitude, bytes: 4)
        append(altitude, bytes: 4)
    }

    private mutating func readAngle(
        _ positive: String, _ negative: String, limit: Int, type: RecordType
    ) throws(FieldError) -> UInt32 {
        let start = position
        var parts: [ArraySlice<UInt8>] = []
        while true {
            let text = bytes(of: try next("\(positive) or \(negative) behind degrees, minutes and seconds", type: type))
            let letter = String(decoding: text, as: UTF8.self).uppercased()
            if letter == positive || letter == negative {
                guard let value = LocationText.angle(parts, limit: limit, isNegative: letter == negative) else {
                    throw FieldError(
                        message: "this is no angle up to \(limit) degrees such as 52 22 23.000 \(positive)",
                        field: start)
                }
                return value
            }
            guard parts.count < 3 else {
                throw FieldError(
                    message: "\(quote(fields[position - 1])) is neither \(positive) nor \(negative)",
                    field: position - 1)
            }
            parts.append(text)
        }
    }
}
