import Glibc

/// A place on the globe, as a point of the unit sphere.
struct UnitVector: Hashable {
    let x: Double
    let y: Double
    let z: Double

    /// Of the Earth, on average.
    static let kilometresOfRadius = 6371.0

    /// Degrees.
    init(latitude: Double, longitude: Double) {
        let (phi, lambda) = (latitude * .pi / 180, longitude * .pi / 180)
        x = cos(phi) * cos(lambda)
        y = cos(phi) * sin(lambda)
        z = sin(phi)
    }

    /// Grows with the great-circle distance.
    func squaredChord(to other: UnitVector) -> Double {
        let (dx, dy, dz) = (x - other.x, y - other.y, z - other.z)
        return dx * dx + dy * dy + dz * dz
    }

    static func squaredChord(ofKilometres distance: Double) -> Double {
        let half = min(distance / kilometresOfRadius, .pi) / 2
        return 4 * sin(half) * sin(half)
    }

    /// The great-circle distance.
    func kilometres(to other: UnitVector) -> Double {
        Self.kilometres(ofSquaredChord: squaredChord(to: other))
    }

    static func kilometres(ofSquaredChord squared: Double) -> Double {
        2 * asin(min(1, squared.squareRoot() / 2)) * kilometresOfRadius
    }

    /// Half of the globe's circumference.
    static let longest = kilometresOfRadius * .pi
}
