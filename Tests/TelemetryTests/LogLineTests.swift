import Addresses
import Foundation
import Telemetry
import Testing

@Suite("Lines of access and query logs")
struct LogLineTests {
    private func text(of line: borrowing LogLine) -> String {
        let bytes = line.bytes
        return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }

    private func line(isJSON: Bool, _ value: [UInt8]) -> String {
        var line = LogLine()
        line.begin(isJSON: isJSON)
        line.field("path", escaped: value.span)
        line.field("status", 200)
        line.end()
        return text(of: line)
    }

    static let hostile: [[UInt8]] = [
        Array("a b\" c\\ d".utf8), Array("x\r\nstatus=200 admin=yes".utf8), Array("x\",\"status\":500,\"y\":\"".utf8),
        Array("\u{1b}[2J\u{7f}\u{9b}31m".utf8), [0, 1, 2, 0xff, 0xfe, 0x80], Array("\u{202e}gpj.exe".utf8),
        Array("\u{2028}\u{2029}".utf8), Array(0...255),
    ]

    @Test("nothing that a client sends leaves its field of a text line", arguments: hostile)
    func text(value: [UInt8]) {
        let line = line(isJSON: false, value)
        #expect(line.utf8.dropLast().allSatisfy { (0x20..<0x7f).contains($0) })
        let fields = line.dropLast().split(separator: " ")
        #expect(fields.count == 2 && fields[0].hasPrefix("path=") && fields[1] == "status=200")
    }

    @Test("nothing that a client sends leaves its field of a JSON line, and every byte can be told", arguments: hostile)
    func json(value: [UInt8]) throws {
        let line = line(isJSON: true, value)
        #expect(line.utf8.dropLast().allSatisfy { (0x20..<0x7f).contains($0) } && line.hasSuffix("}\n"))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object.count == 2 && object["status"] as? Int == 200)
        #expect((object["path"] as? String)?.unicodeScalars.map { UInt8($0.value) } == value)
    }

    @Test("a value is cut off at the limit, and says so")
    func limit() {
        let long = [UInt8](repeating: UInt8(ascii: "a"), count: LogLine.valueLimit + 1)
        for isJSON in [false, true] { #expect(line(isJSON: isJSON, long).utf8.count < LogLine.valueLimit + 64) }
        #expect(line(isJSON: false, long).contains("aaa... status"))
        #expect(!line(isJSON: false, Array(long.dropLast())).contains("..."))
    }

    @Test("each byte is escaped or not wherever it stands", arguments: [false, true])
    func everyByte(isJSON: Bool) {
        for length in 1...20 {
            for place in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var value = [UInt8](repeating: UInt8(ascii: "x"), count: length)
                    value[place] = byte
                    let isPlain = (isJSON ? 0x20 : 0x21)...0x7e ~= Int(byte) && byte != 0x22 && byte != 0x5c
                    let escape = (isJSON ? "\\u00" : "\\x") + (byte < 16 ? "0" : "") + String(byte, radix: 16)
                    let shown = isPlain ? String(UnicodeScalar(byte)) : escape
                    let x = { String(repeating: "x", count: $0) }
                    var line = LogLine(isJSON: isJSON)
                    line.append(escaped: value.span)
                    guard text(of: line) == x(place) + shown + x(length - place - 1) else {
                        Issue.record("\(byte) at \(place) of \(length): \(text(of: line))")
                        return
                    }
                    line.removeAll()
                    let label = [UInt8(length)] + value
                    let labels = label + label + Self.padding
                    let isTaken = line.append(labels: labels.span)
                    let isExpected = 0x2d...0x7e ~= byte && ![0x5c, 0x2e].contains(byte)
                    let once = String(decoding: value, as: UTF8.self)
                    guard isTaken == isExpected, text(of: line) == (isTaken ? once + "." + once : "") else {
                        Issue.record("\(byte) at \(place) of \(length), taken: \(isTaken), as \(text(of: line))")
                        return
                    }
                }
            }
        }
    }

    @Test(
        "labels of all lengths, also those whose length is a separator's or a letter's code",
        arguments: [[], [1], [46], [63], [1, 1], [3, 7, 3], [46, 46, 46], [63, 63, 63, 61], [7, 1, 40, 2, 33, 9]])
    func labels(lengths: [Int]) {
        let names = lengths.map { String(repeating: "n", count: $0 - 1) + "-" }
        let wire: [UInt8] = names.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + Self.padding
        var line = LogLine()
        line.append(text: "name=")
        let isTaken = line.append(labels: wire.span)
        #expect(isTaken)
        #expect(text(of: line) == "name=" + (names.isEmpty ? "." : names.joined(separator: ".")))
    }

    /// The last label, and what stands behind a name.
    private static let padding = [UInt8](repeating: 0, count: 17)

    @Test("one byte that needs an escape is found in names of any shape")
    func oddBytes() {
        var random = SystemRandomNumberGenerator()
        let odd: [UInt8] = [0, 7, 0x1f, 0x20, 0x22, 0x2e, 0x5c, 0x7f, 0x80, 0xae, 0xdc, 0xff]
        for _ in 0..<5000 {
            var wire: [UInt8] = []
            var places: [Int] = []
            repeat {
                let length = Int.random(in: 1...63, using: &random)
                guard wire.count + 1 + length <= 254 else { break }
                places += wire.count + 1..<wire.count + 1 + length
                wire += [UInt8(length)] + (0..<length).map { _ in UInt8.random(in: 0x61...0x7a, using: &random) }
            } while Bool.random(using: &random)
            guard !places.isEmpty else { continue }
            var line = LogLine()
            let isPlainTaken = line.append(labels: (wire + Self.padding).span)
            for place in places.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)) {
                wire[place] = odd.randomElement(using: &random)!
            }
            line.removeAll()
            let isTaken = line.append(labels: (wire + Self.padding).span)
            guard isPlainTaken, !isTaken, line.count == 0 else {
                Issue.record("\(wire)")
                return
            }
        }
    }

    @Test("pieces are copied whole, whatever their length and where the memory ends")
    func pieces() {
        let word = "abcdefghijklmnopqrstuvwxyz01234"
        for length in 0...LogPiece.limit {
            let text = String(word.prefix(length))
            let piece = LogPiece(isJSON: false) { line in for byte in text.utf8 { line.append(byte) } }
            #expect(piece.count == length)
            for fill in [0, 1, 990, 991, 992, 993, 1000, 1023, 1024] {
                var line = LogLine()
                for _ in 0..<fill { line.append(UInt8(ascii: "x")) }
                line.append(piece)
                line.append(piece)
                line.append(text: "|")
                #expect(self.text(of: line) == String(repeating: "x", count: fill) + text + text + "|")
            }
        }
    }

    @Test("random values are written as byte by byte", arguments: [false, true])
    func random(isJSON: Bool) {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let odd = UInt8.random(in: 0...40, using: &random)
            let value = (0..<Int.random(in: 1...64, using: &random)).map { _ in
                UInt8.random(in: 0...40, using: &random) < odd
                    ? UInt8.random(in: 0...255, using: &random) : UInt8.random(in: 0x61...0x7a, using: &random)
            }
            var whole = LogLine(isJSON: isJSON)
            whole.append(escaped: value.span)
            var single = LogLine(isJSON: isJSON)
            for byte in value { single.append(escaped: [byte].span) }
            #expect(text(of: whole) == text(of: single))
        }
    }

    @Test("lines stand behind each other in either form", arguments: [false, true])
    func lines(isJSON: Bool) {
        var line = LogLine()
        line.begin(isJSON: isJSON)
        line.field("a", nanoseconds: 1_000_001_500)
        line.field("b", 2)
        line.field("c", text: "x")
        line.field("d", high: 1, low: 0xabc_0123_4567_89de)
        line.end()
        // One without fields is one, too.
        line.begin(isJSON: isJSON)
        line.end()
        line.begin(isJSON: isJSON)
        line.field("e", -1)
        line.end()
        let expected =
            isJSON
            ? "{\"a\":1.000001,\"b\":2,\"c\":\"x\",\"d\":\"00000000000000010abc0123456789de\"}\n{}\n{\"e\":-1}\n"
            : "a=1.000001 b=2 c=x d=00000000000000010abc0123456789de\n\ne=-1\n"
        #expect(text(of: line) == expected)
    }

    @Test(
        "numbers",
        arguments: [0, 9, 10, 99, 100, 999, 1000, 12_345_678_901, 9_999_999_999_999_999, -1, -10, .max, .min])
    func numbers(value: Int) {
        var bytes: [UInt8] = []
        bytes.append(decimal: value)
        #expect(String(decoding: bytes, as: UTF8.self) == "\(value)")
        var line = LogLine()
        line.append(decimal: value)
        #expect(text(of: line) == "\(value)")
    }

    @Test("the largest numbers, and all of few digits")
    func manyNumbers() {
        var line = LogLine()
        line.append(decimal: UInt64.max)
        line.append(text: " ")
        line.append(decimal: 10_000_000_000_000_000_000 as UInt64)
        #expect(text(of: line) == "18446744073709551615 10000000000000000000")
        for value in 0...12_000 {
            line.removeAll()
            line.append(decimal: value)
            #expect(text(of: line) == "\(value)")
        }
        for value in UInt16.min...UInt16.max {
            line.removeAll()
            line.append(decimal: value)
            guard text(of: line) == "\(value)" else {
                Issue.record("\(value) is \(text(of: line))")
                return
            }
        }
    }

    @Test("every octet in every place of an address")
    func octets() {
        var line = LogLine()
        for place in 0..<4 {
            for octet in UInt32(0)..<256 {
                let value = octet << UInt32(24 - 8 * place) | 0x0102_0304 & ~(255 << UInt32(24 - 8 * place))
                line.removeAll()
                line.append(ipv4: value)
                line.append(text: "|")
                #expect(text(of: line) == "\(IPAddress.v4(value))|")
            }
        }
    }

    @Test(
        "seconds, also when they are written again",
        arguments: [
            (0, "0.000000"), (999, "0.000000"), (1000, "0.000001"), (123_456_789, "0.123456"),
            (9_999_999_999, "9.999999"), (1_234_567_890_123, "1234.567890"), (.max, "18446744073.709551"),
        ] as [(UInt64, String)])
    func seconds(nanoseconds: UInt64, expected: String) {
        var line = LogLine()
        line.append(text: "a=")
        line.append(seconds: nanoseconds)
        line.append(text: " b")
        #expect(text(of: line) == "a=\(expected) b")
        // Written again, it says something else in the same place; a shorter number leaves the rest as it is.
        let next = line.count
        line.append(text: "0.000000")
        line.replace(at: ([2, UInt32(next)] as [UInt32]).span, seconds: 8_765_432_999)
        #expect(text(of: line) == "a=8.765432\(expected.dropFirst(8)) b8.765432")
    }

    @Test("there is room for what is written wherever a line's memory ends", arguments: [false, true])
    func room(isJSON: Bool) {
        let escape = isJSON ? "\\u00ff" : "\\xff"
        for length in [2047, 2048, 2049, 3000] {
            let value = [UInt8](repeating: 0xff, count: length)
            let expected = String(repeating: escape, count: min(length, 2048)) + (length > 2048 ? "..." : "")
            // Memory grows to 1024 bytes, and then to twice as much or what is needed.
            for fill in Array(0...40) + Array(1000...1030) + Array(2030...2060) + Array(4080...4110) {
                var line = LogLine(isJSON: isJSON)
                for _ in 0..<fill { line.append(UInt8(ascii: "x")) }
                line.append(escaped: value.span)
                line.append(text: "|")
                guard line.count == fill + expected.utf8.count + 1 else {
                    Issue.record("\(fill) and \(length): \(line.count) bytes")
                    return
                }
                let text = text(of: line)
                guard text.hasSuffix("x" + expected + "|") || fill == 0 && text == expected + "|" else {
                    Issue.record("\(fill) and \(length)")
                    return
                }
            }
        }
    }

    @Test(
        "addresses are written as everywhere else",
        arguments: [
            "0.0.0.0", "1.20.255.100", "255.255.255.255", "::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1",
            "2001:0:0:1::", "0:0:1::", "::2:0:0:3:0:0", "1:0:0:2::3", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "a:b:c:d:e:f:10:1000", "fe80::abcd:12:0:5", "0:1:2:3:4:5:6:7", "1:2:3:4:5:6:7:0",
        ])
    func addresses(text address: String) throws {
        let value = try #require(IPAddress(address))
        var line = LogLine()
        line.append(address: value)
        #expect(text(of: line) == value.description)
        line.removeAll()
        line.append(address: value, port: 65_535)
        #expect(text(of: line) == Endpoint(address: value, port: 65_535).description)
    }

    @Test("the time of day is that of the wall clock, in UTC, to the millisecond")
    func time() throws {
        var time = LogTime()
        let before = Date()
        time.refresh()
        let after = Date()
        var bytes: [UInt8] = []
        bytes.append(time: time)
        let text = String(decoding: bytes, as: UTF8.self)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let told = try style.parse(text)
        #expect(told > before.addingTimeInterval(-0.002) && told < after.addingTimeInterval(0.002), "\(text)")
    }
}
