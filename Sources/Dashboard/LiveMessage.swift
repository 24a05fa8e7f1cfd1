/// What goes to open pages at each tick: texts and rows by their places, and the newest point of the charts.
struct LiveMessage: Encodable, Sendable {
    /// Rises by one with each picture; a page that misses one asks for the charts again.
    var number: UInt64
    var time: Int64
    /// Texts by the name of their place on the page.
    var texts: [String: String]
    /// What happened since the picture before, in words; empty: nothing.
    var news: String
    /// Of the node as a whole.
    var state: String
    var point: ChartPoint?
    /// All rows of lists, by the name of the list.
    var lists: [String: [Row]]

    enum CodingKeys: String, CodingKey {
        case number = "n"
        case time = "t"
        case texts = "f"
        case news = "e"
        case state = "s"
        case point = "p"
        case lists = "l"
    }
}

/// A point of the charts: time, DNS queries, failed ones, good responses, 4xx, 5xx, mean latency in seconds, bytes,
/// open connections.
struct ChartPoint: Encodable, Sendable {
    let point: TrafficHistory.Point

    func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        try list.encode(point.time)
        for value in [
            point.queries, point.failedQueries, point.good, point.clientErrors, point.serverErrors,
        ] { try list.encode(Self.short(value)) }
        if let latency = point.latency { try list.encode(Self.short(latency * 1000)) } else { try list.encodeNil() }
        try list.encode(Self.short(point.bytes))
        try list.encode(Self.short(point.openConnections))
    }

    /// Thousandths are finer than any pixel.
    private static func short(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
