import Testing
import TrafficModel

@testable import ControlPlane

@Suite("The journal of events")
struct JournalTests {
    private static let start = WallTime(milliseconds: 1_000_000)
    private static let base: UInt64 = 1_000_000_000

    private func journal(
        events: Int = 10, turnsPerSubject: Int = 3, turns: Int = 6, subscribers: Int = 2
    ) -> Journal {
        var limits = Journal.Limits()
        limits.events = events
        limits.turnsPerSubject = turnsPerSubject
        limits.turns = turns
        limits.subscribers = subscribers
        return Journal(limits: limits, now: Self.start)
    }

    private func turn(_ name: String, _ from: String = "available", _ to: String = "down") -> NodeEvent {
        NodeEvent(.transition, .init("pool", name), from: from, to: to, reason: "because")
    }

    @Test("numbers rise by one, and a reader goes on behind the last that it saw")
    func reading() {
        let journal = journal()
        #expect(journal.end == Self.base)
        journal.record((1...4).map { turn("p\($0)") })
        let first = journal.events(after: Self.base, limit: 3)
        #expect(first.events.map(\.id) == [1, 2, 3].map { Self.base + $0 })
        let rest = journal.events(after: first.cursor, limit: 3)
        #expect(rest.events.map(\.subject?.name) == ["p4"])
        #expect(journal.events(after: rest.cursor, limit: 3).events.isEmpty)
        #expect(journal.events(after: 0, limit: 100).events.count == 4, "0 stands before the oldest")
        #expect(journal.latest(2).events.map(\.subject?.name) == ["p3", "p4"])
    }

    @Test("a reader that is too slow is told how many it missed, once")
    func gap() {
        let journal = journal(events: 10)
        journal.record((1...25).map { turn("p\($0)") })
        let page = journal.events(after: Self.base + 5, limit: 100)
        #expect(page.events.first?.kind == .gap)
        #expect(page.events.first?.count == 10)
        #expect(page.events.first?.id == 0)
        #expect(page.events.dropFirst().map(\.id) == (16...25).map { Self.base + $0 })
        #expect(journal.events(after: page.cursor, limit: 100).events.isEmpty)
        #expect(journal.counts.lost == 10)
    }

    @Test("a reader of an earlier life of the node gets all that is kept", arguments: [base - 77, base + 1000])
    func restart(cursor: UInt64) {
        let journal = journal()
        journal.record([turn("a"), turn("b")])
        let page = journal.events(after: cursor, limit: 100)
        #expect(page.events.map(\.kind) == [.gap, .transition, .transition])
        #expect(page.events.first?.count == nil, "nobody knows how many there were")
    }

    @Test("a filter leaves out what is not asked for, and reading goes on behind it")
    func filter() {
        let journal = journal()
        journal.record([
            turn("eu-1"), NodeEvent(.start), NodeEvent(.overrideSet, .init("pool", "eu-1"), author: "ann"), turn("us"),
        ])
        var filter = EventFilter()
        filter.kinds = [.transition]
        #expect(journal.latest(10, where: filter).events.map(\.subject?.name) == ["eu-1", "us"])
        filter.name = Glob("eu*")
        let page = journal.events(after: Self.base, limit: 10, where: filter)
        #expect(page.events.map(\.subject?.name) == ["eu-1"])
        #expect(page.cursor == journal.end)
        filter = EventFilter()
        filter.subjectKinds = ["region"]
        #expect(journal.latest(10, where: filter).events.isEmpty)
    }

    @Test("a subject keeps its latest turns, all together keep the latest, and events are no turns")
    func history() {
        let journal = journal(turnsPerSubject: 3, turns: 6)
        let name = { NodeEvent.Subject("pool", $0) }
        for index in 1...5 { journal.record(turn("a", "\(index)", "\(index + 1)")) }
        #expect(journal.history(of: name("a")).map(\.from) == ["3", "4", "5"])
        journal.record([NodeEvent(.overrideSet, name("a")), turn("b")])
        #expect(journal.history(of: name("a")).count == 3)
        #expect(journal.history(of: name("b")).map(\.reason) == ["because"])
        // Six entries are kept in all: those of `a` that it dropped itself fall out first.
        journal.record([turn("c"), turn("c")])
        #expect(journal.history(of: name("a")).count == 3)
        journal.record(turn("c"))
        #expect(journal.history(of: name("a")).map(\.from) == ["4", "5"])
        journal.record([turn("d"), turn("d")])
        #expect(journal.history(of: name("a")).isEmpty)
        #expect(journal.history(of: name("b")).count == 1)
    }

    @Test("only so many may follow, and a place that is let go is free")
    func subscribers() {
        let journal = journal(subscribers: 2)
        var places = [journal.subscribe(), journal.subscribe()]
        #expect(places.allSatisfy { $0 != nil })
        #expect(journal.subscribe() == nil)
        #expect(journal.counts.refusedSubscribers == 1)
        #expect(journal.counts.subscribers == 2)
        places.removeLast()
        #expect(journal.counts.subscribers == 1)
        #expect(journal.subscribe() != nil)
    }

    @Test("who waits is woken by an event, by the end, by cancelling and by time, and not held up by what is there")
    func waiting() async {
        let journal = journal()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { await journal.waitForNews(after: Self.base, atMost: .seconds(600)) } }
            journal.record(turn("a"))
            await group.waitForAll()
        }
        await journal.waitForNews(after: Self.base, atMost: .seconds(600))
        await journal.waitForNews(after: Self.base + 1, atMost: .milliseconds(1))
        let task = Task { await journal.waitForNews(after: Self.base + 1, atMost: .seconds(600)) }
        task.cancel()
        await task.value
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await journal.waitForNews(after: Self.base + 1, atMost: .seconds(600)) }
            journal.close()
            await group.waitForAll()
        }
        #expect(journal.isClosed)
        #expect(journal.subscribe() == nil)
    }

    @Test("a reason is one line of bounded length, without control characters")
    func reason() {
        #expect(NodeEvent(.start, reason: "a\nb\u{1b}[31mc\u{85}").reason == "a b [31mc ")
        let long = NodeEvent(.start, reason: String(repeating: "ä", count: 5000)).reason
        #expect(long == String(repeating: "ä", count: 512))
    }
}
