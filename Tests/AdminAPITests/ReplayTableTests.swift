import Testing

@testable import AdminAPI

@Suite("Changes that are sent again")
struct ReplayTableTests {
    private func key(_ text: String, of owner: String = "ann") -> ReplayTable.Key { .init(owner: owner, key: text) }
    private func answer(_ size: Int = 1) -> ReplayTable.Answer {
        .init(status: 201, contentType: "application/json", body: [UInt8](repeating: 1, count: size))
    }

    private func word(_ verdict: ReplayTable.Verdict) -> String {
        switch verdict {
        case .go: "go"
        case .replay(let answer): "replay \(answer.body.count)"
        case .other: "other"
        case .busy: "busy"
        case .full: "full"
        }
    }

    @Test("one that is known is answered as before, another with its key is refused, and one of somebody else is new")
    func verdicts() {
        let table = ReplayTable()
        let start = ContinuousClock.now
        #expect(word(table.begin(key("k"), fingerprint: [1], now: start)) == "go")
        #expect(word(table.begin(key("k"), fingerprint: [1], now: start)) == "busy")
        #expect(word(table.begin(key("k"), fingerprint: [2], now: start)) == "other")
        table.finish(key("k"), with: answer(7))
        #expect(word(table.begin(key("k"), fingerprint: [1], now: start)) == "replay 7")
        #expect(word(table.begin(key("k"), fingerprint: [2], now: start)) == "other")
        #expect(word(table.begin(key("k", of: "bob"), fingerprint: [1], now: start)) == "go")
        let later = start + ReplayTable.lifetime + .seconds(1)
        #expect(word(table.begin(key("k"), fingerprint: [2], now: later)) == "go", "a day is over")
    }

    @Test("one that came to nothing may come again")
    func failure() {
        let table = ReplayTable()
        #expect(word(table.begin(key("k"), fingerprint: [1])) == "go")
        table.finish(key("k"), with: nil)
        #expect(word(table.begin(key("k"), fingerprint: [2])) == "go")
        #expect(table.count == 1)
    }

    @Test("at its bounds it forgets the oldest answers, and what is being made never")
    func bounds() {
        let table = ReplayTable(capacity: 3, byteLimit: 10)
        let start = ContinuousClock.now
        for index in 0..<3 {
            #expect(word(table.begin(key("\(index)"), fingerprint: [0], now: start + .seconds(index))) == "go")
        }
        #expect(word(table.begin(key("late"), fingerprint: [0], now: start)) == "full")
        table.finish(key("0"), with: answer(4))
        table.finish(key("1"), with: answer(4))
        #expect(word(table.begin(key("3"), fingerprint: [0], now: start + .seconds(3))) == "go")
        #expect(word(table.begin(key("1"), fingerprint: [0], now: start + .seconds(3))) == "replay 4")
        #expect(table.count == 3, "0 was forgotten")
        table.finish(key("2"), with: answer(7))
        #expect(word(table.begin(key("2"), fingerprint: [0], now: start + .seconds(3))) == "replay 7")
        #expect(table.count == 2, "1 gave its bytes to 2")
        table.finish(key("3"), with: answer(11))
        #expect(table.count == 1, "what is larger than all of it is not kept")
    }
}
