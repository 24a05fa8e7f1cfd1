import Testing

@testable import Telemetry

@Suite("The wall clock of logs")
struct LogTimeTests {
    private func text(_ time: LogTime) -> String {
        var bytes: [UInt8] = []
        bytes.append(time: time)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Nanoseconds.
    private let second = 1_000_000_000
    /// Where the monotonic clock of these tests begins.
    private let start: UInt64 = 5_000_000_000_000

    private func reading(_ wall: Int, at now: UInt64) -> ClockReading { .init(before: now, wall: wall, after: now) }

    @Test(
        "days, months and years turn",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (-1000, "1969-12-31T23:59:59.000Z"),
            (-86_400_001, "1969-12-30T23:59:59.999Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
            (1_735_689_600_000, "2025-01-01T00:00:00.000Z"), (4_102_444_800_007, "2100-01-01T00:00:00.007Z"),
        ])
    func turns(milliseconds: Int, expected: String) {
        var time = LogTime()
        time.refresh(at: start) { reading(milliseconds * 1_000_000, at: start) }
        #expect(text(time) == expected)
        // The last nanosecond of the same millisecond.
        time = LogTime()
        time.refresh(at: start) { reading(milliseconds * 1_000_000 + 999_999, at: start) }
        #expect(text(time) == expected)
    }

    @Test("between two looks the wall clock follows the other, over midnight too")
    func follows() {
        var time = LogTime()
        var looks = 0
        let wall = 1_735_689_599 * second + 950_000_000
        for step in 0..<10 {
            time.refresh(at: start + UInt64(step) * 10_000_000) {
                looks += 1
                return reading(wall, at: start)
            }
            let expected = step < 5 ? "2024-12-31T23:59:59.9\(5 + step)0Z" : "2025-01-01T00:00:00.0\(step - 5)0Z"
            #expect(text(time) == expected)
        }
        #expect(looks == 1)
    }

    @Test("a clock that was set is noticed at the next look, and one that went back too")
    func set() {
        var time = LogTime()
        time.refresh(at: start) { reading(1_000 * second, at: start) }
        for (offset, wall, expected) in [
            (99_000_000, 0, "1970-01-01T00:16:40.099Z"), (100_000_000, 0, "1970-01-01T00:00:00.000Z"),
            (200_000_000, 7_200 * second, "1970-01-01T02:00:00.000Z"),
        ] {
            let now = start + UInt64(offset)
            time.refresh(at: now) { reading(wall, at: now) }
            #expect(text(time) == expected)
        }
    }

    @Test("a look during which the thread lost its processor is repeated, and the shortest one counts")
    func interrupted() {
        var readings = [
            ClockReading(before: 0, wall: 0, after: 50_000_000),
            ClockReading(before: 50_000_000, wall: 70_000_000, after: 50_000_100),
            ClockReading(before: 0, wall: 1, after: 0),
        ]
        let pair = ClockPair { readings.removeFirst() }
        #expect(readings.count == 1 && pair.wall == 70_000_000 && pair.monotonic == 50_000_050)
        #expect(pair.wall(at: 50_000_050) == 70_000_000 && pair.wall(at: 40_000_050) == 60_000_000)

        var gaps: [UInt64] = [900_000, 300_000, 500_000, 400_000, 0]
        let shortest = ClockPair {
            let gap = gaps.removeFirst()
            return ClockReading(before: 0, wall: Int(gap), after: gap)
        }
        #expect(gaps == [0] && shortest.wall == 300_000 && shortest.monotonic == 150_000)
    }

    @Test("the line's moment is that of the request, however late the look at the clock")
    func late() {
        var time = LogTime()
        time.refresh(at: start) { reading(second, at: start + 5_000_000) }
        #expect(text(time) == "1970-01-01T00:00:00.995Z")
    }
}
