import ControlPlane

/// What the charts show: rates of the whole node, a point each second for five minutes and one each ten seconds for an
/// hour. Its size never changes once it is full.
struct TrafficHistory: Sendable {
    /// Rates over the time since the point before.
    struct Point: Sendable, Hashable {
        /// Milliseconds since 1970.
        var time: Int64
        /// DNS queries a second, and those that failed.
        var queries: Double
        var failedQueries: Double
        /// Responses of the VIP tier a second: 1xx to 3xx, 4xx, 5xx.
        var good: Double
        var clientErrors: Double
        var serverErrors: Double
        /// Seconds that a request took in the mean; `nil`: there was none.
        var latency: Double?
        /// Bytes to clients a second.
        var bytes: Double
        var openConnections: Double

        var requests: Double { good + clientErrors + serverErrors }

        /// Part of 1 of all requests that ended with 5xx; `nil` without requests.
        var errorShare: Double? { requests > 0 ? serverErrors / requests : nil }
    }

    static let fineCount = 300
    static let coarseCount = 360
    /// Fine points that make a coarse one.
    private static let coarseSpan: UInt64 = 10_000_000_000

    private var fine = Ring<Point>(capacity: fineCount)
    private var coarse = Ring<Point>(capacity: coarseCount)
    private var latest: NodeFigures?
    private var coarseStart: NodeFigures?

    mutating func add(_ figures: NodeFigures) {
        defer { latest = figures }
        guard let latest, let start = coarseStart else {
            coarseStart = figures
            return
        }
        if let point = Point(from: latest, to: figures) { fine.append(point) }
        guard figures.instant - min(start.instant, figures.instant) >= Self.coarseSpan else { return }
        if let point = Point(from: start, to: figures) { coarse.append(point) }
        coarseStart = figures
    }

    var lastPoint: Point? { fine.last }
    /// Oldest first.
    var finePoints: [Point] { fine.elements }
    var coarsePoints: [Point] { coarse.elements }

    /// The latest, averaged over a few seconds, so that a figure can be read while it changes.
    func recent(_ count: Int) -> Point? {
        let points = fine.elements.suffix(count)
        guard let last = points.last else { return nil }
        func mean(_ value: (Point) -> Double) -> Double { points.reduce(0) { $0 + value($1) } / Double(points.count) }
        let measured = points.filter { $0.latency != nil && $0.requests > 0 }
        let weight = measured.reduce(0) { $0 + $1.requests }
        return Point(
            time: last.time, queries: mean(\.queries), failedQueries: mean(\.failedQueries), good: mean(\.good),
            clientErrors: mean(\.clientErrors), serverErrors: mean(\.serverErrors),
            latency: weight > 0 ? measured.reduce(0) { $0 + ($1.latency ?? 0) * $1.requests } / weight : nil,
            bytes: mean(\.bytes), openConnections: last.openConnections)
    }
}

extension TrafficHistory.Point {
    /// - Returns: `nil` when no time has passed.
    init?(from old: NodeFigures, to new: NodeFigures) {
        guard new.instant > old.instant else { return nil }
        let elapsed = Double(new.instant - old.instant) / 1e9
        // A figure that fell began anew: a reload made another of it.
        func rate(_ path: KeyPath<NodeFigures, UInt64>) -> Double {
            new[keyPath: path] >= old[keyPath: path] ? Double(new[keyPath: path] - old[keyPath: path]) / elapsed : 0
        }
        let finished = new.finished >= old.finished ? new.finished - old.finished : 0
        self.init(
            time: new.time, queries: rate(\.queries), failedQueries: rate(\.failedQueries),
            good: rate(\.successes) + rate(\.redirections), clientErrors: rate(\.clientErrors),
            serverErrors: rate(\.serverErrors),
            latency: finished > 0 && new.seconds >= old.seconds ? (new.seconds - old.seconds) / Double(finished) : nil,
            bytes: rate(\.bytesOut), openConnections: Double(new.openConnections))
    }
}

/// The last so many elements.
struct Ring<Element: Sendable>: Sendable {
    private var storage: [Element] = []
    private var next = 0
    let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    mutating func append(_ element: Element) {
        if storage.count < capacity {
            storage.append(element)
        } else {
            storage[next] = element
        }
        next = (next + 1) % capacity
    }

    /// Oldest first.
    var elements: [Element] {
        storage.count < capacity ? storage : Array(storage[next...] + storage[..<next])
    }

    var last: Element? { storage.isEmpty ? nil : storage[(next + capacity - 1) % capacity] }
}
