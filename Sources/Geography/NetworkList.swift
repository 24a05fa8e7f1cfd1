import Addresses

/// Reads lists of `network,region`: one to a line, with spaces where one likes, `#` before a comment and empty lines.
/// A network is `192.0.2.0/24`, `2001:db8::/32` or a single address. The most specific network around an address
/// counts, in whatever order they stand.
enum NetworkList {
    static func read(_ bytes: Span<UInt8>, faults: inout [GeographyFault]) -> GeographyDatabase {
        var places = PlaceNumbers()
        var networks: [(IPPrefix, UInt32)] = []
        var seen: [IPPrefix: (line: Int, place: UInt32)] = [:]
        var scanner = LineScanner()
        while scanner.startLine(bytes) {
            do throws(GeographyFault) {
                if let (network, region) = try parseLine(bytes, &scanner) {
                    let place = places.number(of: Place(network: region))
                    if let earlier = seen[network], earlier.place != place {
                        scanner.at = scanner.lineStart
                        throw scanner.fault(
                            "\(network) is in another region on line \(earlier.line)", "keep one of the two lines")
                    }
                    seen[network] = (scanner.line, place)
                    networks.append((network, place))
                }
            } catch {
                faults.append(error)
                if faults.count == GeographyDatabase.problemLimit { break }
            }
            scanner.skipLine(bytes)
        }
        return GeographyDatabase(places: places.places, ranges: RangeMap(prefixes: networks, default: 0))
    }

    /// `nil` for a line without content. The scanner ends on the line.
    private static func parseLine(
        _ bytes: Span<UInt8>, _ scanner: inout LineScanner
    ) throws(GeographyFault)
        -> (IPPrefix, String)?
    {
        skipSpaces(bytes, &scanner)
        let start = scanner.at
        guard let text = try field(bytes, &scanner) else {
            guard !scanner.isAtLineEnd(bytes), bytes[scanner.at] == UInt8(ascii: ",") else { return nil }
            throw scanner.fault("the network is missing", "write `network,region`")
        }
        guard scanner.take(UInt8(ascii: ","), bytes) else {
            throw scanner.fault("expected a comma and a region after the network", "write `network,region`")
        }
        let behindComma = scanner.at
        scanner.at = start
        guard let network = IPPrefix(text) else { throw networkFault(text, scanner) }
        scanner.at = behindComma
        skipSpaces(bytes, &scanner)
        guard let region = try field(bytes, &scanner) else {
            throw scanner.fault("the region is missing", "write `network,region`")
        }
        guard scanner.isAtLineEnd(bytes) || bytes[scanner.at] == UInt8(ascii: "#") else {
            throw scanner.fault("a second comma", "write `network,region`, one network to a line")
        }
        return (network, region)
    }

    /// What stands before a comma, a comment or the end of the line, without spaces around it; `nil` if that is
    /// nothing. The scanner is at its first byte, and is left behind it.
    private static func field(_ bytes: Span<UInt8>, _ scanner: inout LineScanner) throws(GeographyFault) -> String? {
        var content: [UInt8] = []
        while !scanner.isAtLineEnd(bytes) {
            let byte = bytes[scanner.at]
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "#") { break }
            guard byte >= 32 && byte != 127 || byte == UInt8(ascii: "\t") else {
                throw scanner.fault("control character \(byte)", "save the list as plain UTF-8 text")
            }
            content.append(byte)
            scanner.at += 1
        }
        while let last = content.last, isSpace(last) { content.removeLast() }
        guard !content.isEmpty else { return nil }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw scanner.fault("the text before this is not UTF-8", "save the list as plain UTF-8 text")
        }
        return text
    }

    private static func skipSpaces(_ bytes: Span<UInt8>, _ scanner: inout LineScanner) {
        while scanner.at < bytes.count, isSpace(bytes[scanner.at]) { scanner.at += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func networkFault(_ text: String, _ scanner: LineScanner) -> GeographyFault {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else {
            return scanner.fault("\"\(text)\" is not a network", "write it as 192.0.2.0/24 or 2001:db8::/32")
        }
        guard parts.count == 2, let length = Int(parts[1]), let network = IPPrefix(address, length: length) else {
            return scanner.fault(
                "\"\(text)\" has no length of 0 to \(address.byteCount * 8)",
                "write it as 192.0.2.0/24 or 2001:db8::/32")
        }
        return scanner.fault("\(text) has bits set past its length", "write \(network), or \(address) for one address")
    }
}
