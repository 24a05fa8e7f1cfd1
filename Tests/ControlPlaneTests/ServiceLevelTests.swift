import ConfigurationLoading
import DNSWire
import Testing
import TrafficModel

@testable import ControlPlane

@Suite("Service levels")
struct ServiceLevelTests {
    private static let day: Int64 = 86_400
    private static let start: Int64 = 20_000 * 86_400

    @Test("windows hold what came in them, and no more")
    func windows() {
        var record = ServiceRecord(days: 30)
        record.add(ServiceCounts(good: 1), at: Self.start)
        record.add(ServiceCounts(good: 10), at: Self.start + 299)
        record.add(ServiceCounts(good: 100), at: Self.start + 3599)
        record.add(ServiceCounts(good: 1000), at: Self.start + 21_599)
        func good(_ window: ServiceWindow, _ at: Int64) -> UInt64 {
            record.sum(window, days: 30, at: Self.start + at).good
        }
        #expect(good(.fiveMinutes, 21_599) == 1000 && good(.hour, 21_599) == 1000 && good(.sixHours, 21_599) == 1111)
        #expect(good(.sixHours, 21_600) == 1100, "the first five minutes are out")
        #expect(good(.hour, 21_600 + 3600 - 60) == 0)
        #expect(good(.period, 30 * Self.day - 1) == 1111 && good(.period, 30 * Self.day) == 0)
        #expect(record.total.good == 1111)
    }

    @Test("a second is in each window for its time, whatever the pace", arguments: [1, 7, 61, 300, 4000] as [Int64])
    func pace(_ step: Int64) {
        var record = ServiceRecord(days: 30)
        var now = Self.start + 17
        while now < Self.start + 50_000 {
            record.add(ServiceCounts(up: 1), at: now)
            now += step
        }
        let last = now - step
        for (window, seconds, slot) in [
            (ServiceWindow.fiveMinutes, Int64(300), Int64(60)), (.hour, 3600, 60), (.sixHours, 21_600, 300),
        ] {
            let sum = Int64(record.sum(window, days: 30, at: last).up)
            let begin = (last / slot + 1) * slot - seconds
            let expected = (0...).lazy.map { last - $0 * step }.prefix { $0 >= max(begin, Self.start + 17) }.count
            #expect(sum == Int64(expected), "\(window)")
        }
    }

    @Test("a clock that is set back loses and doubles nothing; one set far forward leaves only what is new")
    func clocks() {
        var record = ServiceRecord(days: 30)
        record.add(ServiceCounts(good: 5), at: Self.start + 1000)
        record.add(ServiceCounts(good: 7), at: Self.start)
        #expect(record.sum(.fiveMinutes, days: 30, at: Self.start).good == 12)
        record.add(ServiceCounts(good: 1), at: Self.start + 365 * Self.day)
        for window in ServiceWindow.allCases {
            #expect(record.sum(window, days: 30, at: Self.start + 365 * Self.day).good == 1)
        }
    }

    @Test("what was written down is read as it was, and what is cut off or strange is not read")
    func storage() throws {
        var record = ServiceRecord(days: 30)
        for minute in 0..<5000 {
            record.add(
                ServiceCounts(good: UInt64(minute * 1000), bad: UInt64(minute % 3), up: 60_000, down: 0),
                at: Self.start + Int64(minute) * 60)
        }
        let bytes = record.bytes
        let now = Self.start + 5000 * 60
        let read = try #require(ServiceRecord(bytes: bytes, days: 30))
        for window in ServiceWindow.allCases {
            #expect(read.sum(window, days: 30, at: now) == record.sum(window, days: 30, at: now))
        }
        #expect(bytes.count < 4096)
        for count in bytes.indices.prefix(200) {
            #expect(ServiceRecord(bytes: Array(bytes.prefix(count)), days: 30) == nil)
        }
        #expect(ServiceRecord(bytes: [2] + bytes.dropFirst(), days: 30) == nil)
        #expect(ServiceRecord(bytes: bytes + [0], days: 30) == nil)
        #expect(ServiceRecord(bytes: [1] + [UInt8](repeating: 0xff, count: 64), days: 30) == nil)
        let shorter = try #require(ServiceRecord(bytes: bytes, days: 1))
        #expect(shorter.sum(.period, days: 1, at: now) == record.resized(days: 1).sum(.period, days: 1, at: now))
    }

    @Test("budget and burn rate follow from errors and objective")
    func arithmetic() throws {
        var record = ServiceRecord(days: 30)
        record.add(ServiceCounts(good: 9980, bad: 20, up: 3_600_000), at: Self.start)
        let subject = ServiceSubject(kind: .wideIP, name: "api.example.com")
        let level = ServiceLevel(subject, record, objective: 0.999, days: 30, at: Self.start)
        let requests = try #require(level.requests)
        #expect(abs((requests.availability["5m"] ?? 0) - 0.998) < 1e-9)
        #expect(abs((requests.burnRate["1h"] ?? 0) - 2) < 1e-9)
        #expect(abs(requests.budgetRemaining + 1) < 1e-9, "twice the budget was used")
        let time = try #require(level.time)
        #expect(time.availability["period"] == 1 && time.budgetRemaining == 1 && time.burnRate["6h"] == 0)
        let later = ServiceLevel(subject, record, objective: 0.999, days: 30, at: Self.start + 7200)
        #expect(later.requests?.availability["1h"] == nil && later.requests?.burnRate["1h"] == 0)
        let whole = ServiceLevel(subject, record, objective: 1, days: 30, at: Self.start)
        #expect(whole.requests?.budgetRemaining.isFinite == true)
        let none = ServiceLevel(subject, ServiceRecord(days: 30), objective: 0.999, days: 30, at: Self.start)
        #expect(none.requests == nil && none.time == nil)
    }

    @Test(
        "a route serves the names of its hosts",
        arguments: [
            ([], true), (["api.example.com"], true), (["API.example.com"], true), (["*.example.com"], true),
            (["www.example.com"], false), (["*.example.org"], false), (["*.api.example.com"], false),
            (["www.example.com", "api.example.com"], true),
        ])
    func hosts(hosts: [String], serves: Bool) {
        let wideIP = WideIP(name: DomainName("api.example.com")!, pools: [0])
        #expect(ServiceMeter.serves(hosts.map { $0.lowercased() }, wideIP) == serves)
    }
}
