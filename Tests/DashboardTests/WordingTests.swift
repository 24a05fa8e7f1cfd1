import Testing

@testable import Dashboard

@Suite("Figures in words")
struct WordingTests {
    @Test(
        "counts have three digits and a unit",
        arguments: [
            (0, "0"), (0.004, "0"), (0.05, "0.05"), (3.4, "3.4"), (9.994, "9.99"), (9.996, "10"), (99.94, "99.9"),
            (99.96, "100"), (999.4, "999"), (999.6, "1k"), (1250, "1.25k"), (34_000_000, "34M"), (2.5e12, "2.5T"),
            (.infinity, "—"), (.nan, "—"),
        ])
    func counts(value: Double, text: String) {
        #expect(Wording.count(value) == text)
    }

    @Test(
        "shares never round to all or nothing what is neither",
        arguments: [
            (nil, "—"), (0, "0%"), (0.000_01, "<0.01%"), (0.005, "0.5%"), (0.333, "33.3%"), (0.999_99, ">99.99%"),
            (1, "100%"),
        ] as [(Double?, String)])
    func shares(value: Double?, text: String) {
        #expect(Wording.share(value) == text)
    }

    @Test(
        "latencies have the unit that fits",
        arguments: [(0.000_05, "50 µs"), (0.001, "1 ms"), (0.0123, "12.3 ms"), (0.9996, "1 s"), (2.5, "2.5 s")])
    func latencies(seconds: Double, text: String) {
        #expect(Wording.latency(seconds: seconds) == text)
    }

    @Test(
        "bandwidth has its prefix at the unit",
        arguments: [
            (nil, "—"), (0, "0 bit/s"), (334_000, "334 kbit/s"), (1_250_000, "1.25 Mbit/s"), (.infinity, "—"),
        ] as [(Double?, String)])
    func bits(value: Double?, text: String) {
        #expect(Wording.bits(value) == text)
    }

    @Test(
        "durations",
        arguments: [
            (0.9, "0 s"), (5, "5 s"), (59.9, "59 s"), (60, "1 min"), (61, "1 min"), (3599, "59 min"),
            (3600, "1 h 0 min"), (7260, "2 h 1 min"), (90_000, "1 d 1 h"), (-1, "0 s"), (.infinity, "11574074 d 1 h"),
        ])
    func durations(seconds: Double, text: String) {
        #expect(Wording.duration(seconds: seconds) == text)
    }

    @Test("what is left rounds up", arguments: [(0, "0 s"), (0.1, "1 s"), (59.1, "1 min"), (-3, "0 s")])
    func remaining(seconds: Double, text: String) {
        #expect(Wording.remaining(seconds: seconds) == text)
    }

    @Test(
        "availability has no more digits than it needs, and is 100% without any error only",
        arguments: [
            (nil, "—"), (1, "100%"), (0.999, "99.9%"), (0.99995, "99.995%"), (0.999_999_9, "99.999%"), (0, "0%"),
        ] as [(Double?, String)])
    func availability(value: Double?, text: String) {
        #expect(Wording.availability(value) == text)
    }

    @Test(
        "long names are known by their ends",
        arguments: [
            ("eu", "eu"), ("twenty-letters-it-has", "twenty-let…rs-it-has"),
            ("twenty-letters-it-ha", "twenty-letters-it-ha"),
        ])
    func names(name: String, text: String) {
        #expect(Wording.shortened(name, to: 20) == text)
        #expect(text.count <= 20 || name == text)
    }
}
