internal import DNSWire
internal import Geography
internal import TrafficModel

/// `wide_ips:`.
enum WideIPSection {
    struct Places: Sendable {
        var aliases: [Located<DomainName>]
        var method: Position
        var allDown: Position
        /// Of each topology record.
        var topology: [TopologyRecordSection.Places]
        var stages: [StageSection.Places]
    }

    static let pools = Shape<[Located<Int>]>.list(of: Shape<Int>.reference(.pool).located, minimum: 1).field(
        "pools", required: true, "The pools to choose from, in order.")
    static let aliases = Shape<[Located<DomainName>]>.list(of: Shape<DomainName>.domainName.located).field(
        "aliases", "Other names that answer alike; `?` stands for one character and `*` for any number of them.")
    static let method = Shape<WideIP.Method>.choice().field(
        "method",
        "How the pool is chosen. Default: `topology` with topology records, else `global-availability`.")
    static let topology = Shape<[Drafted<TopologyRecord, TopologyRecordSection.Places>]>.list(
        of: TopologyRecordSection.pools.shape, minimum: 1
    ).field(
        "topology", "Which pools clients are sent to by where they are; the first record that matches decides.")
    static let ttl = Shape<UInt32>.ttl().field("ttl", "Of the answer; the chosen pool's if absent.")
    static let minimumTTL = Shape<UInt32>.ttl(1000...604_800_000).field(
        "min_ttl",
        "Lets the TTL sink to the time in which a monitor may change the answer, to no less than this; fixed if absent."
    )
    static let allDown = Shape<AllDownPolicy>.allDown.field(
        "all_down", default: .open, shown: "open", "What to answer when no pool is available.")
    static let enabled = Shape<Bool>.boolean.field(
        "enabled", default: true, "Whether the name is answered with a pool.")

    static let model = ObjectModel(
        title: "wide_ips.NAME", summary: "A name that answers each client with the best pool.",
        fields: [
            pools.description, aliases.description, method.description, topology.description, ttl.description,
            minimumTTL.description, allDown.description, StageSection.wideIP.field.description, enabled.description,
        ])

    static let shape = Shape<[Named<Drafted<WideIP, Places>>]>.map(key: "domain name", of: wideIP)

    private static let wideIP = Shape<Drafted<WideIP, Places>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var wideIP = WideIP(name: .root, pools: [])
        wideIP.pools = unique(reader.read(pools, context) ?? [], of: .pool, context)
        let others = reader.read(aliases, context) ?? []
        wideIP.aliases = others.map(\.value)
        let records = reader.read(topology, context) ?? []
        wideIP.topology = records.map(\.value)
        wideIP.method =
            reader.read(method, context) ?? (reader.has("topology") ? .topology : .globalAvailability)
        wideIP.ttl = reader.read(ttl, context)
        wideIP.minimumTTL = reader.read(minimumTTL, context)
        if let minimum = wideIP.minimumTTL, let ttl = wideIP.ttl, minimum > ttl {
            context.error(reader.position(of: "min_ttl"), "it is more than the ttl", "write \(ttl)s or less")
        }
        wideIP.allDown = reader.read(allDown, context)
        wideIP.enabled = reader.read(enabled, context)
        let stages = reader.read(StageSection.wideIP.field, context)
        wideIP.stages = stages.map { $0.map(\.value) }
        if reader.has("stages") {
            for key in ["method", "topology", "all_down"] where reader.has(key) {
                context.error(
                    reader.position(of: key), "\(key) and stages exclude each other",
                    "write it as a stage, or remove stages")
            }
            wideIP.method = .globalAvailability
        }
        if wideIP.method == .topology, !reader.has("topology") {
            context.error(
                reader.position(of: "method"), "the method is topology, but there are no topology records",
                "add topology: or choose another method")
        } else if wideIP.method != .topology, reader.has("topology") {
            context.warning(
                reader.position(of: "topology"), "the topology has no effect with method \(wideIP.method.rawValue)",
                "write method: topology or remove it")
        }
        return Drafted(
            value: wideIP,
            places: Places(
                aliases: others, method: reader.position(of: "method"), allDown: reader.position(of: "all_down"),
                topology: records.map(\.places),
                stages: (stages ?? []).map(\.places)))
    }
}

extension Shape where Value == String {
    static var country: Shape {
        scalar(ScalarDescription(kind: "country code", pattern: "^[A-Z]{2}$"), text: { $0 }) {
            text, position, context in
            if Countries.continent(of: text) != nil { return text }
            let upper = text.uppercased()
            let advice: String
            if Countries.continent(of: upper) != nil {
                advice = "did you mean \"\(upper)\"?"
            } else if upper == "UK" {
                advice = "the United Kingdom is \"GB\""
            } else if Countries.continents.contains(upper) {
                advice = "that is a continent: write it under continents"
            } else {
                advice = "write an ISO 3166-1 code of two capital letters, as PL or US"
            }
            context.error(position, "\"\(text.shortened)\" is not a country code", advice)
            return nil
        }
    }

    static var continent: Shape {
        let words = Countries.continents
        return scalar(
            ScalarDescription(kind: "continent code", range: words.joined(separator: ", "), words: words), text: { $0 }
        ) { text, position, context in
            if words.contains(text) { return text }
            let advice =
                words.contains(text.uppercased())
                ? "did you mean \"\(text.uppercased())\"?" : "write one of \(words.joined(separator: ", "))"
            context.error(position, "\"\(text.shortened)\" is not a continent code", advice)
            return nil
        }
    }
}
