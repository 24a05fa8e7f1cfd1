import TrafficModel

/// The projection of the dashboard's map, Natural Earth I (Šavrič, Jenny and Patterson, 2011), in the frame that
/// `scripts/draw-world` draws the land in.
enum WorldMap {
    struct Point: Sendable, Hashable {
        var x: Double
        var y: Double
    }

    static let width = 1000.0
    static let north = 82.0
    static let south = -56.5
    static let height = project(latitude: south, longitude: 0).y

    /// Places beyond the frame are put on its edge.
    static func place(_ location: Location) -> Point {
        project(latitude: min(max(location.latitude, south + 1), north - 1), longitude: location.longitude)
    }

    private static let scale = width / (2 * Double.pi * 0.8707)
    private static let top = ordinate(north)

    private static func project(latitude: Double, longitude: Double) -> Point {
        let square = radians(latitude) * radians(latitude)
        let fourth = square * square
        let stretch =
            0.8707 - 0.131979 * square
            + fourth * (-0.013791 + fourth * (0.003971 * square - 0.001529 * fourth))
        return Point(x: width / 2 + radians(longitude) * stretch * scale, y: (top - ordinate(latitude)) * scale)
    }

    private static func ordinate(_ latitude: Double) -> Double {
        let angle = radians(latitude)
        let square = angle * angle
        let fourth = square * square
        return angle
            * (1.007226 + square * (0.015085 + fourth * (-0.044475 + 0.028874 * square - 0.005916 * fourth)))
    }

    private static func radians(_ degrees: Double) -> Double { degrees * .pi / 180 }

    /// An arc from one place to another that bends to the north, so that ways there and back are apart.
    static func arc(from start: Point, to end: Point) -> String {
        let (dx, dy) = (end.x - start.x, end.y - start.y)
        let length = (dx * dx + dy * dy).squareRoot()
        let lift = min(length * 0.28, 90)
        let side = dx >= 0 ? 1.0 : -1.0
        let middle = Point(
            x: (start.x + end.x) / 2 + side * dy / max(length, 1) * lift,
            y: (start.y + end.y) / 2 - side * dx / max(length, 1) * lift)
        return "M\(text(start))Q\(text(middle)) \(text(end))"
    }

    static func text(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    private static func text(_ point: Point) -> String { "\(text(point.x)) \(text(point.y))" }
}
