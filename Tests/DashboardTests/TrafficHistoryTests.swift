import ControlPlane
import Testing

@testable import Dashboard

@Suite("The history of the charts")
struct TrafficHistoryTests {
    private func figures(second: UInt64, queries: UInt64, finished: UInt64 = 0, seconds: Double = 0) -> NodeFigures {
        var figures = NodeFigures()
        figures.instant = second * 1_000_000_000
        figures.time = Int64(second) * 1000
        figures.queries = queries
        figures.finished = finished
        figures.seconds = seconds
        figures.successes = finished
        return figures
    }

    @Test("counters become rates, and a counter that began anew is no rate")
    func rates() {
        var history = TrafficHistory()
        history.add(figures(second: 1, queries: 100))
        #expect(history.lastPoint == nil, "one look tells no rate")
        history.add(figures(second: 3, queries: 300, finished: 10, seconds: 0.5))
        #expect(history.lastPoint?.queries == 100)
        #expect(history.lastPoint?.latency == 0.05)
        #expect(history.lastPoint?.errorShare == 0)
        history.add(figures(second: 4, queries: 5))
        #expect(history.lastPoint?.queries == 0)
        #expect(history.lastPoint?.latency == nil)
    }

    @Test("five minutes by the second, an hour by ten seconds, and no more")
    func bounds() {
        var history = TrafficHistory()
        for second in 0..<8000 { history.add(figures(second: UInt64(second), queries: UInt64(second) * 7)) }
        #expect(history.finePoints.count == TrafficHistory.fineCount)
        #expect(history.coarsePoints.count == TrafficHistory.coarseCount)
        #expect(history.finePoints.map(\.time) == history.finePoints.map(\.time).sorted())
        #expect(history.coarsePoints.allSatisfy { $0.queries == 7 })
        #expect(history.finePoints.last?.time == 7_999_000)
        #expect(history.recent(5)?.queries == 7)
    }

    @Test("a ring keeps the last of what it was given", arguments: [0, 1, 3, 4, 10])
    func ring(count: Int) {
        var ring = Ring<Int>(capacity: 3)
        for number in 0..<count { ring.append(number) }
        #expect(ring.elements == Array((0..<count).suffix(3)))
        #expect(ring.last == (count == 0 ? nil : count - 1))
    }
}
