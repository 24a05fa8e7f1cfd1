internal import Addresses
internal import TrafficModel

/// `metrics:`.
enum MetricsSection {
    private static let fresh = MetricsSettings()

    static let listen = Shape<Endpoint>.endpoint.field(
        "listen", "An address that answers `GET /metrics` without a token. It cannot change while the program runs.")
    static let clients = Shape<[IPPrefix]>.list(of: .prefix, minimum: 1).field(
        "clients", "Networks that may ask there; only this machine if absent.")
    static let series = Shape<Int>.integer(10...1_000_000).field(
        "series", default: fresh.series,
        "Members, routes, targets and the like that have series of their own, of each kind; the rest are summed up as `other`."
    )
    static let model = ObjectModel(
        title: "metrics", summary: "What is told to a Prometheus; the admin API answers `GET /metrics` in any case.",
        fields: [listen.description, clients.description, series.description])

    /// Its place is that of `listen`.
    static let shape = Shape<Drafted<MetricsSettings, Position>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var metrics = MetricsSettings()
        metrics.listen = reader.read(listen, context)
        metrics.clients = reader.read(clients, context) ?? []
        metrics.series = reader.read(series, context)
        return Drafted(value: metrics, places: reader.position(of: "listen"))
    }
}
