import Testing

@testable import Dashboard

@Suite("Names on the map")
struct MapLabelTests {
    @Test("a name stands on the right, unless the edge or another is in the way")
    func sides() {
        #expect(MapLabel.labels([]) == [])
        #expect(MapLabel.labels([(.init(x: 500, y: 200), 4)]) == [.right])
        #expect(MapLabel.labels([(.init(x: 960, y: 200), 4)]) == [.left])
        #expect(MapLabel.labels([(.init(x: 200, y: 200), 20), (.init(x: 800, y: 300), 20)]) == [.right, .left])
        // Two side by side: the name of the first does not cover the second.
        #expect(
            MapLabel.labels([(.init(x: 500, y: 200), 8), (.init(x: 560, y: 200), 8)]) == [.left, .right])
        // Three in a column of the same x: none covers the icon or the name of another.
        #expect(
            MapLabel.labels([(.init(x: 500, y: 180), 8), (.init(x: 500, y: 200), 8), (.init(x: 500, y: 220), 8)])
                == [.right, .left, .right])
        // Between two neighbours.
        #expect(
            MapLabel.labels([(.init(x: 440, y: 200), 8), (.init(x: 500, y: 200), 8), (.init(x: 560, y: 200), 8)])
                == [.left, .above, .right])
    }

    @Test("all have a side where there is no room at all, the same each time")
    func crowd() {
        let places = (0..<200).map { (point: WorldMap.Point(x: 500 + Double($0 % 5), y: 200), length: 12) }
        let labels = MapLabel.labels(places)
        #expect(labels.count == 200)
        #expect(labels == MapLabel.labels(places))
        #expect(Set(labels) == Set(MapLabel.allCases))
    }
}
