import ControlPlane
import Mustache
import Testing
import TrafficModel

@testable import Dashboard

@Suite("Parts of the dashboard")
struct DashboardPartsTests {
    @Test("templates are without mistakes, and the version follows the files")
    func assets() throws {
        let assets = try AssetStore()
        #expect(assets.version == (try AssetStore()).version)
        let text = assets.templates.render(
            Row("<k>", .down, ["name": "\"><script>", "href": "/x\" onclick=\"y"]).context, withTemplate: "problem-row")
        #expect(text?.contains("data-key=\"&lt;k&gt;\"") == true)
        #expect(text?.contains("<script>") == false)
        #expect(text?.contains("\" onclick") == false)
    }

    @Test(
        "what is made of parts works as long as one does",
        arguments: [
            ([], .unknown), ([.up, .up], .up), ([.up, .unknown], .up), ([.up, .down], .degraded),
            ([.down, .down], .down), ([.draining, .down], .draining), ([.unknown, .unknown], .unknown),
            ([.unknown, .down], .degraded), ([.degraded, .down], .degraded),
        ] as [([Condition], Condition)])
    func conditions(parts: [Condition], whole: Condition) {
        #expect(Condition(of: parts) == whole)
    }

    @Test("a query comes back from its own link, whatever is in it")
    func queries() {
        let query = ServiceQuery(text: "a b&c=d/é", condition: .down, page: 3, toggled: ["w:x>p:y&z", "l:1"])
        #expect(query.href == "/services?q=a%20b%26c%3Dd%2F%C3%A9&state=down&page=3&open=l%3A1&open=w%3Ax%3Ep%3Ay%26z")
        #expect(
            ServiceQuery([("q", "a b&c=d/é"), ("state", "down"), ("page", "3"), ("open", "w:x>p:y&z"), ("open", "l:1")])
                == query)
        #expect(ServiceQuery([("state", "purple"), ("page", "-7"), ("nonsense", "1")]) == ServiceQuery())
        let many = (0...ServiceQuery.toggleLimit).map { ("open", "\($0)") }
        #expect(ServiceQuery(many).toggled.isEmpty, "more than a page can have")
    }

    @Test("places are where they are on the map that is drawn")
    func map() {
        let middle = WorldMap.place(Location(latitude: 0, longitude: 0))
        #expect(middle.x == 500)
        let west = WorldMap.place(Location(latitude: 0, longitude: -180))
        #expect(abs(west.x) < 0.001)
        let (warsaw, sydney) = (
            WorldMap.place(Location(latitude: 52, longitude: 21)),
            WorldMap.place(Location(latitude: -34, longitude: 151))
        )
        #expect(warsaw.x < sydney.x && warsaw.y < middle.y && middle.y < sydney.y)
        for latitude in [-90.0, 90] {
            #expect((0...WorldMap.height).contains(WorldMap.place(Location(latitude: latitude, longitude: 0)).y))
        }
        #expect(WorldMap.text(-0.04) == "0" && WorldMap.text(-3.14) == "-3.1" && WorldMap.text(2.96) == "3")
    }

    @Test("every country has a place")
    func countries() {
        for code in ["DE", "US", "BR", "JP", "AU", "ZA", "SG", "XK", "AD", "ZW"] {
            #expect(CountryCentres.location(of: code) != nil, "\(code)")
        }
        #expect(CountryCentres.location(of: "ZZ") == nil)
    }

    @Test("flows are of the last minute, however many they were, and each ends by itself")
    func flowsEnd() {
        var flows = ClientFlows()
        let regions = ["eu": "eu", "us": "us"]
        let start: UInt64 = 500_000_000_000
        func after(_ seconds: UInt64) -> UInt64 { start + seconds * 1_000_000_000 }
        func countries() -> [String] { flows.largest(10).map(\.pair.country) }
        let old = ClientAnswer(time: start - 61_000_000_000, country: "FR", pool: "eu")
        let many = (0..<10_000).map { _ in ClientAnswer(time: start, country: "DE", pool: "eu") }
        flows.add([old] + many, regions: regions, instant: start)
        #expect(countries() == ["DE"], "what a quiet node kept for long is not of now")
        flows.add(
            [.init(time: after(30), country: "US", pool: "us"), .init(time: after(30), country: nil, pool: "us")],
            regions: regions, instant: after(30))
        flows.add([], regions: regions, instant: after(59))
        #expect(countries() == ["DE", "US"])
        flows.add([], regions: regions, instant: after(61))
        #expect(countries() == ["US"])
        #expect(flows.largest(10).map(\.share) == [0.5], "of unknown countries was the other")
        flows.add([], regions: regions, instant: after(91))
        #expect(flows.largest(10).isEmpty)
    }

    @Test("flows fade, and the number of pairs is bounded")
    func flows() {
        var flows = ClientFlows()
        let regions = ["eu": "eu", "us": "us"]
        flows.add(
            [
                ClientAnswer(time: 5, country: "DE", pool: "eu"), ClientAnswer(time: 6, country: "DE", pool: "eu"),
                ClientAnswer(time: 7, country: nil, pool: "us"), ClientAnswer(time: 8, country: "US", pool: "us"),
                ClientAnswer(time: 9, country: "US", pool: nil),
            ], regions: regions, instant: 10)
        #expect(flows.instant == 8 || flows.instant == 9)
        let largest = flows.largest(10)
        #expect(largest.map(\.pair.country) == ["DE", "US"])
        #expect(largest.map(\.share) == [0.5, 0.25])
        let hour: UInt64 = 3_600_000_000_000
        flows.add([], regions: regions, instant: hour)
        #expect(flows.largest(10).isEmpty)
        let many = (0..<2000).map { ClientAnswer(time: hour, country: "C\($0)", pool: "eu") }
        flows.add(many, regions: regions, instant: hour + 1_000_000_000)
        #expect(flows.largest(.max).count == 512)
    }
}
