import FoundationEssentials
import Testing

@testable import ControlPlane

@Suite("Logs that cannot be written")
struct LogFilesTests {
    @Test("are found without making any")
    func faults() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "meridian-logs-\(UInt64.random(in: .min ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path
        try Data().write(to: folder.appending(path: "old.log"))
        for good in ["-", "\(path)/new.log", "\(path)/old.log", "/dev/null"] {
            #expect(LogFiles.fault(of: good) == nil, "\(good)")
        }
        for (bad, words) in [
            ("\(path)/none/a.log", "its folder \(path)/none: No such file or directory"), (path, "it is a folder"),
            ("\(path)/old.log/a.log", "Not a directory"),
        ] {
            #expect(LogFiles.fault(of: bad)?.contains(words) == true, "\(bad): \(LogFiles.fault(of: bad) ?? "none")")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["old.log"])
    }

    @Test("are told when lines begin to be lost and when that is over, and not in between")
    func spells() {
        var lines = LostLines()
        let second: UInt64 = 1_000_000_000
        let looks: [(at: UInt64, lost: UInt64, failures: UInt64, news: LostLines.News?)] = [
            (1, 0, 0, nil), (2, 5, 0, .begun), (3, 9, 1, nil), (4, 9, 1, nil), (62, 9, 1, nil), (63, 9, 1, .over(9)),
            (64, 9, 1, nil), (70, 9, 2, .begun), (71, 10, 2, nil), (130, 10, 2, nil), (131, 10, 2, .over(1)),
        ]
        for look in looks {
            let news = lines.look(lost: look.lost, failures: look.failures, now: look.at * second)
            #expect(news == look.news, "\(look)")
        }
    }
}
