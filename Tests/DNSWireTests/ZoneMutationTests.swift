import TestSupport
import Testing

@testable import DNSWire

@Suite("Zone files with random mistakes")
struct ZoneMutationTests {
    private static let origin = DomainName("example.com")!
    private static let words = [
        "A", "NS", "CNAME", "SVCB", "LOC", "APL", "TYPE65280", "\\# 4 00000000", "\\# 0", "\\000", "\\\"", "\"", "(",
        ")",
        ";", "@", ".", "*.", "-1", "0", "255", "256", "65536", "4294967296", "1h", "alpn=h2", "key65535=x", "AAAA", "=",
        ",",
        "1:0.0.0.0/0", "N", "90", "m", ":", "-", "NSEC3", "RRSIG",
    ]

    /// A line with one to three of its bytes or words replaced, doubled or taken out.
    private func mutate(_ line: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var line = line
        for _ in 0...Int(random.next() % 3) {
            guard !line.isEmpty else { break }
            let place = Int(random.next() % UInt64(line.count))
            switch random.next() % 4 {
            case 0: line[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: line.remove(at: place)
            case 2: line.insert(line[place], at: place)
            default:
                let word = Self.words[Int(random.next() % UInt64(Self.words.count))]
                let end = line[place...].firstIndex(of: 0x20) ?? line.endIndex
                line.replaceSubrange(place..<end, with: Array(word.utf8))
            }
        }
        return line
    }

    @Test("what is read can be written and read again; what was checked passes the checks", arguments: 1...6)
    func mutations(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let lines = ZoneOracleTests.everyType.split(separator: "\n").map { Array($0.utf8) }
        var written = 0
        for _ in 0..<60 {
            let text = Array(
                lines.map { random.next() % 2 == 0 ? $0 : mutate($0, &random) }.joined(separator: [0x0a]))
            let (records, problems) = ZoneFileParser.parseLocated(
                text, file: "z", origin: Self.origin, defaultTTL: 60)
            for problem in problems {
                #expect(
                    (1...text.count).contains(problem.line) && problem.column > 0 && !problem.message.contains("\n"))
            }
            let plain = records.map(\.record)
            let again = plain.map { record in
                "\(record.owner == .root ? "" : "\(record.owner)"). \(record.ttl) IN \(record.type) "
                    + RecordText.format(type: record.type, data: record.data)
            }.joined(separator: "\n")
            let reread = ZoneFileParser.parse(Array(again.utf8), file: "z", origin: .root, defaultTTL: nil)
            #expect(reread.diagnostics == [] && reread.records == plain)
            written += plain.count
            let (clean, complaints) = ZoneChecks.check(origin: Self.origin, records: records)
            let twice = ZoneChecks.check(origin: Self.origin, records: clean.map { LocatedRecord($0) })
            #expect(twice.records == clean)
            if !complaints.contains(where: { $0.severity == .error }) {
                #expect(!twice.diagnostics.contains { $0.severity == .error })
            }
        }
        #expect(written > 60 * 40)
    }
}
