import Foundation
import Telemetry
import Testing

@Suite("Lines of access and query logs")
struct LogLineTests {
    private func line(isJSON: Bool, _ value: [UInt8]) -> String {
        var line = LogLine()
        line.begin(isJSON: isJSON)
        line.field("path", escaped: value.span)
        line.field("status", 200)
        line.end()
        return String(decoding: line.bytes, as: UTF8.self)
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

    @Test("parts join a line in either form", arguments: [false, true])
    func parts(isJSON: Bool) {
        var part = LogLine()
        part.begin(isJSON: isJSON)
        part.field("b", 2)
        part.field("c", text: "x")
        var empty = LogLine()
        empty.begin(isJSON: isJSON)
        var line = LogLine()
        line.begin(isJSON: isJSON)
        line.field("a", nanoseconds: 1_000_001_500)
        line.append(part)
        line.append(empty)
        line.field("d", high: 1, low: 0xabc)
        line.end()
        let expected =
            isJSON
            ? "{\"a\":1.000001,\"b\":2,\"c\":\"x\",\"d\":\"00000000000000010000000000000abc\"}\n"
            : "a=1.000001 b=2 c=x d=00000000000000010000000000000abc\n"
        #expect(String(decoding: line.bytes, as: UTF8.self) == expected)
    }

    @Test("numbers", arguments: [0, 9, 10, 99, 100, 12_345_678_901, -1, -10, .max, .min])
    func numbers(value: Int) {
        var bytes: [UInt8] = []
        bytes.append(decimal: value)
        #expect(String(decoding: bytes, as: UTF8.self) == "\(value)")
    }

    @Test("the time of day is that of the wall clock, in UTC, to the millisecond")
    func time() throws {
        var time = LogTime()
        let before = Date()
        time.refresh()
        let after = Date()
        let text = String(decoding: time.bytes, as: UTF8.self)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let told = try style.parse(text)
        #expect(told > before.addingTimeInterval(-0.002) && told < after.addingTimeInterval(0.002), "\(text)")
    }
}
