internal import TrafficModel

/// `proxy:`.
enum ProxySection {
    private static let fresh = ProxySettings()

    static let threads = Shape<Int>.integer(0...1024).field(
        "threads", default: fresh.threads, "Event loops; 0: one for each processor.")
    static let limits = LimitsSection.shape.field("limits", "How much clients may ask.")
    static let via = viaShape.field(
        "via", default: fresh.via,
        "This proxy's name in `Via`, by which it also notices requests that go in a circle; `auto`: one drawn at each start."
    )
    static let underscores = Shape<ProxySettings.Underscores>.choice().field(
        "underscores", default: fresh.underscores,
        "What becomes of fields of requests whose names have an underscore, which many servers take for a hyphen; those that stand for `X-Forwarded-*` and the like are always dropped."
    )
    static let forwardedPath = Shape<ProxySettings.ForwardedPath>.choice().field(
        "forwarded_path", default: fresh.forwardedPath,
        "The path that members get: as received, or as routes are matched with it, without `//`, `/./` and `/../`.")
    static let halfClosed = Shape<ProxySettings.HalfClosed>.choice().field(
        "half_closed", default: fresh.halfClosed,
        "What becomes of a request of HTTP/1.1 whose client ends its side before it has the answer: `serve` answers it; `abort` takes the client for gone, as most are, and frees the member."
    )
    static let drainTimeout = Shape<Duration>.duration(0...86_400_000).field(
        "drain_timeout", default: fresh.drainTimeout, "How long connections of a removed listener or route live on.")
    static let accessLog = LogSection.file.field(
        "access_log", default: fresh.accessLog,
        "A line for each request and connection. `-`: standard output; `off`: none; else a file.")

    static let model = ObjectModel(
        title: "proxy", summary: "What holds for all listeners.",
        fields: [
            threads.description, limits.description, via.description, underscores.description,
            forwardedPath.description, halfClosed.description, drainTimeout.description, accessLog.description,
        ])

    private static let viaShape = Shape<String>.token("name").map(
        text: { via in
            switch via {
            case .automatic: "auto"
            case .off: "off"
            case .name(let name): name
            }
        }
    ) { text, _, _ -> ProxySettings.Via? in
        switch text {
        case "auto": .automatic
        case "off": .off
        default: .name(text)
        }
    }

    static let shape = Shape<ProxySettings>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var proxy = ProxySettings()
        proxy.threads = reader.read(threads, context)
        proxy.limits = reader.read(limits, context) ?? ProxyLimits()
        proxy.via = reader.read(via, context)
        proxy.underscores = reader.read(underscores, context)
        proxy.forwardedPath = reader.read(forwardedPath, context)
        proxy.halfClosed = reader.read(halfClosed, context)
        proxy.drainTimeout = reader.read(drainTimeout, context)
        proxy.accessLog = reader.read(accessLog, context)
        return proxy
    }
}
