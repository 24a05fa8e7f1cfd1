import Testing

@testable import ControlPlane
@testable import Dashboard

@Suite("Answers of the last seconds")
struct AnswerHistoryTests {
    private func counts(_ eu: UInt64, _ us: UInt64) -> AnswerCounts {
        var counts = AnswerCounts()
        counts.pools = ["eu": eu, "us": us]
        counts.wideIPs = ["api.example.com": eu + us]
        return counts
    }

    private func second(_ second: Int) -> UInt64 { UInt64(second) * 1_000_000_000 + 7_000_000 }

    @Test("names, regions and the total tell the same at each second of a load that begins, goes on and ends")
    func fit() throws {
        var history = AnswerHistory()
        var traffic = TrafficHistory()
        var (eu, us): (UInt64, UInt64) = (100, 50)
        for now in 0..<80 {
            // Twenty a second, from the tenth on, for forty seconds.
            if (11...50).contains(now) { (eu, us) = (eu + 15, us + 5) }
            history.add(counts(eu, us), instant: second(now))
            var figures = NodeFigures()
            figures.instant = second(now)
            figures.queries = eu + us
            traffic.add(figures)
            let picture = PictureFixture.picture(PictureFixture.status(), answers: history)
            guard now > 0 else {
                #expect(picture.regions.map(\.answers) == [nil, nil], "one look tells no rate")
                continue
            }
            let total = try #require(traffic.recent(AnswerHistory.rateSeconds)).queries
            let regions = picture.regions.compactMap(\.answers)
            #expect(regions.count == 2 && abs(regions.reduce(0, +) - total) < 1e-9, "second \(now)")
            #expect(picture.pools.compactMap(\.answers) == regions)
            #expect(abs((picture.wideIPs[0].answers ?? -1) - total) < 1e-9)
            if (15...50).contains(now) { #expect(abs(total - 20) < 1e-9 && abs(regions[0] - 15) < 1e-9) }
            if now >= 55 { #expect(regions == [0, 0]) }
            // Shares have a longer memory, and an end.
            let shares = picture.regions.map { region in region.share.map { ($0 * 1e9).rounded() / 1e9 } }
            if (11..<65).contains(now) {
                #expect(shares == [0.75, 0.25], "second \(now)")
            } else {
                #expect(shares == [nil, nil], "second \(now)")
            }
        }
    }

    @Test("looks that come seldom tell the time between them, and looks that come often are bounded")
    func spans() throws {
        var history = AnswerHistory()
        history.add(counts(0, 0), instant: second(1))
        history.add(counts(600, 60), instant: second(61))
        history.add(counts(900, 90), instant: second(61))
        #expect(history.count == 2, "no time has passed")
        let rates = try #require(history.rates)
        #expect(rates.rate("eu", \.pools) == 10 && rates.rate("nobody", \.pools) == 0)
        history.add(counts(5, 100), instant: second(70))
        #expect(history.rates?.rate("eu", \.pools) == 0, "a count that fell began anew")
        for step in 0..<10_000 { history.add(counts(0, 0), instant: second(71) + UInt64(step) * 1_000_000) }
        #expect(history.count <= AnswerHistory.limit)
        for now in 80..<200 { history.add(counts(0, 0), instant: second(now)) }
        #expect(history.count == AnswerHistory.shareSeconds + 1)
    }
}
