/// On which side of a place on the dashboard's map its name stands, so that names cover neither each other nor places.
///
/// It depends on the places and their names alone: a name must not jump about while figures beside it change.
enum MapLabel: CaseIterable {
    // The first is taken where nothing is in the way.
    case right, left, above, below

    /// In the words of SVG.
    var anchor: String {
        switch self {
        case .right: "start"
        case .left: "end"
        case .above, .below: "middle"
        }
    }

    /// From the middle of the place, in the units of the map.
    var across: Int { self == .right ? 22 : self == .left ? -22 : 0 }
    var down: Int { self == .above ? -28 : self == .below ? 28 : 0 }

    /// For each place, in their order, the side where least of its name is covered: on large screens before phones.
    static func labels(_ places: [(point: WorldMap.Point, length: Int)]) -> [MapLabel] {
        let screens = [Screen.large, .phone]
        var taken = screens.map { screen in places.map { screen.icon($0.point) } }
        return places.map { place in
            let best = allCases.map { side in
                let boxes = screens.map { $0.box(side, place.point, length: place.length) }
                let covered = zip(boxes, taken).map { box, taken in
                    box.outside + taken.reduce(0) { $0 + box.overlap($1) }
                }
                return (side: side, boxes: boxes, covered: covered)
            }.min { $0.covered.lexicographicallyPrecedes($1.covered) }
            guard let best else { return .right }
            for (screen, box) in best.boxes.enumerated() { taken[screen].append(box) }
            return best.side
        }
    }

    /// How large things are drawn, in the units of the map: as the style sheet has it.
    private struct Screen {
        var letter: Double
        var height: Double
        /// Behind the name.
        var share: Double
        /// Of the sign of a place.
        var radius: Double
        /// From the middle of the place to the name beside it, and to the middle of one above or below.
        var beside: Double
        var above: Double

        static let large = Screen(letter: 8.5, height: 18, share: 55, radius: 17, beside: 22, above: 28)
        static let phone = Screen(letter: 17, height: 34, share: 0, radius: 32, beside: 40, above: 42)

        func icon(_ point: WorldMap.Point) -> Box { Box(center: point, width: 2 * radius, height: 2 * radius) }

        func box(_ side: MapLabel, _ point: WorldMap.Point, length: Int) -> Box {
            let width = Double(length) * letter + share
            var center = point
            switch side {
            case .right: center.x += beside + width / 2
            case .left: center.x -= beside + width / 2
            case .above: center.y -= above
            case .below: center.y += above
            }
            return Box(center: center, width: width, height: height)
        }
    }

    private struct Box {
        var center: WorldMap.Point
        var width: Double
        var height: Double

        func overlap(_ other: Box) -> Double {
            Self.common(center.x, width, other.center.x, other.width)
                * Self.common(center.y, height, other.center.y, other.height)
        }

        /// What is beyond the edge of the map.
        var outside: Double {
            let middle = WorldMap.Point(x: WorldMap.width / 2, y: WorldMap.height / 2)
            return width * height - overlap(Box(center: middle, width: WorldMap.width, height: WorldMap.height))
        }

        /// Of two stretches, each with its middle and length.
        private static func common(_ one: Double, _ length: Double, _ other: Double, _ otherLength: Double) -> Double {
            let end = min(one + length / 2, other + otherLength / 2)
            return max(0, end - max(one - length / 2, other - otherLength / 2))
        }
    }
}
