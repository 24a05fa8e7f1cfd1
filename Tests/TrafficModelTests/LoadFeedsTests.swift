import Testing
import TrafficModel

@Suite("Feeds of load")
struct LoadFeedsTests {
    private func reading(_ value: Double, at time: UInt64, confidence: Double = 1) -> Measurements.Reading {
        .init(value: value, source: "s", time: time, confidence: confidence)
    }

    @Test("a file goes before health checks, those before listeners, each for what it tells")
    func order() {
        var feeds = LoadFeeds()
        feeds.listeners = ["a": [.cpu: reading(1, at: 9), .requests: reading(2, at: 9), .bits: reading(3, at: 9)]]
        feeds.checks = ["a": [.cpu: reading(4, at: 9), .requests: reading(5, at: 9)], "b": [.cpu: reading(6, at: 9)]]
        feeds.file = ["a": [.cpu: reading(7, at: 9)]]
        let merged = feeds.merged(maximumAge: .seconds(1), now: 9)
        #expect(merged["a"]?.mapValues(\.value) == [.cpu: 7, .requests: 5, .bits: 3])
        #expect(merged["b"]?.mapValues(\.value) == [.cpu: 6])
    }

    @Test("what is too old or too vague gives way to the next source, and then is missing")
    func age() {
        var feeds = LoadFeeds()
        feeds.file = ["a": [.cpu: reading(1, at: 10)]]
        feeds.checks = ["a": [.cpu: reading(2, at: 15)]]
        func cpu(_ now: UInt64) -> Double? {
            feeds.merged(maximumAge: .nanoseconds(10), now: now)["a"]?[.cpu]?.value
        }
        #expect(cpu(20) == 1)
        #expect(cpu(21) == 2)
        #expect(cpu(26) == nil)
        feeds.file["a"]?[.cpu] = reading(1, at: 20, confidence: 0.4)
        #expect(cpu(20) == 2)
    }
}
