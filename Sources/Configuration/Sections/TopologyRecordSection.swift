internal import Addresses
internal import Geography
internal import TrafficModel

/// Topology records, over the pools of a wide IP or the virtual servers of a pool.
struct TopologyRecordSection: Sendable {
    struct Places: Sendable {
        var record: Position
        /// Of the sources, then of the exceptions.
        var sources: [Position]
    }

    static let pools = TopologyRecordSection(
        title: "wide_ips.NAME.topology[]", part: .pool, key: "pools", excludes: .pools,
        summary: "The pools to try first, in order; the wide IP's others follow in theirs.")
    static let servers = TopologyRecordSection(
        title: "pools.NAME.stages[].topology.records[]", part: .virtualServer, key: "virtual_servers",
        excludes: .servers, summary: "The virtual servers to try first, in order; the pool's others follow in theirs.")

    let model: ObjectModel
    private let part: Part
    private let candidates: Field<[Located<Int>]>
    private let exceptions: Field<Sources>

    struct Sources: Sendable {
        var values: [Located<TopologyRecord.Source>]
        var isEmpty: Bool
    }

    private init(title: String, part: Part, key: String, excludes: SourceSection, summary: String) {
        self.part = part
        candidates = Shape<[Located<Int>]>.list(of: Shape<Int>.reference(part).located, minimum: 1).field(
            key, required: true, summary)
        exceptions = excludes.shape.field("not", "Clients that the record is not about, by the same keys.")
        model = ObjectModel(
            title: title, summary: "One source that matches the client is enough.",
            fields: SourceSection.fields + [exceptions.description, candidates.description])
    }

    /// The keys that describe clients, alone: what a record is not about.
    struct SourceSection: Sendable {
        let shape: Shape<Sources>

        static let pools = SourceSection(title: "wide_ips.NAME.topology[].not")
        static let servers = SourceSection(title: "pools.NAME.stages[].topology.records[].not")

        private init(title: String) {
            let model = ObjectModel(title: title, summary: "One that matches is enough.", fields: Self.fields)
            shape = Shape(.object(model)) { node, context in
                guard let reader = ObjectReader(model, node, context) else { return nil }
                let sources = Self.read(reader, context)
                if sources.isEmpty {
                    context.error(node.position, "\"not\" excludes nobody", "give countries, networks or the like")
                }
                return sources
            }
        }

        static let countries = Shape<[Located<String>]>.list(of: Shape<String>.country.located, minimum: 1).field(
            "countries", "ISO 3166-1 codes of two letters.")
        static let continents = Shape<[Located<String>]>.list(of: Shape<String>.continent.located, minimum: 1).field(
            "continents", "AF, AN, AS, EU, NA, OC, SA.")
        static let networks = Shape<[Located<String>]>.list(of: Shape<String>.text("region").located, minimum: 1)
            .field("networks", "Regions that a network list under `geography` names.")
        static let prefixes = Shape<[Located<IPPrefix>]>.list(of: Shape<IPPrefix>.prefix.located, minimum: 1).field(
            "prefixes", "Networks of clients.")
        static let subdivisions = Shape<[Located<TopologyRecord.Source>]>.list(
            of: Shape<TopologyRecord.Source>.subdivision.located, minimum: 1
        ).field("subdivisions", "ISO 3166-2 codes, as US-CA.")
        static let cities = Shape<[Located<TopologyRecord.Source>]>.list(
            of: Shape<TopologyRecord.Source>.city.located, minimum: 1
        ).field("cities", "A country and the city's English name, as PL/Warsaw.")
        static let systems = Shape<[Located<TopologyRecord.Source>]>.list(
            of: Shape<TopologyRecord.Source>.autonomousSystem.located, minimum: 1
        ).field("asns", "Numbers of autonomous systems, as 64496 or AS64496.")
        static let providers = Shape<[Located<String>]>.list(of: Shape<String>.text("provider").located, minimum: 1)
            .field("isps", "Access providers, as the database names them.")

        static let fields = [
            countries.description, continents.description, subdivisions.description, cities.description,
            networks.description, prefixes.description, systems.description, providers.description,
        ]

        static func read(_ reader: ObjectReader, _ context: DecodingContext) -> Sources {
            func named(
                _ field: Field<[Located<String>]>, _ source: (String) -> TopologyRecord.Source
            ) -> [Located<TopologyRecord.Source>] {
                (reader.read(field, context) ?? []).map { Located(value: source($0.value), position: $0.position) }
            }
            var values = named(countries) { .country($0) }
            values += named(continents) { .continent($0) }
            values += named(networks) { .network($0) }
            values += named(providers) { .isp($0) }
            for field in [subdivisions, cities, systems] { values += reader.read(field, context) ?? [] }
            values += (reader.read(prefixes, context) ?? []).map {
                Located(value: .prefix($0.value), position: $0.position)
            }
            return Sources(values: values, isEmpty: !fields.contains { reader.has($0.key) })
        }
    }

    var shape: Shape<Drafted<TopologyRecord, Places>> {
        Shape(.object(model)) { node, context in
            guard let reader = ObjectReader(model, node, context) else { return nil }
            let sources = SourceSection.read(reader, context)
            let excluded = reader.read(exceptions, context)?.values ?? []
            if sources.isEmpty, !reader.has("not") {
                context.error(
                    node.position, "the topology record matches nobody",
                    "give countries, continents, networks or prefixes; clients that no record matches get pools in order"
                )
            }
            let chosen = unique(reader.read(candidates, context) ?? [], of: part, context)
            return Drafted(
                value: TopologyRecord(
                    sources: sources.values.map(\.value), exceptions: excluded.map(\.value), candidates: chosen),
                places: Places(record: node.position, sources: (sources.values + excluded).map(\.position)))
        }
    }
}

extension Shape where Value == TopologyRecord.Source {
    /// `US-CA`.
    static var subdivision: Shape {
        scalar(ScalarDescription(kind: "subdivision code", pattern: "^[A-Z]{2}-[A-Z0-9]{1,3}$")) {
            text, position, context in
            let parts = text.split(separator: "-", maxSplits: 1).map(String.init)
            if parts.count == 2, Countries.continent(of: parts[0]) != nil, (1...3).contains(parts[1].utf8.count),
                parts[1].utf8.allSatisfy({ (65...90).contains($0) || (48...57).contains($0) })
            {
                return .subdivision(country: parts[0], code: parts[1])
            }
            context.error(
                position, "\"\(text.shortened)\" is not a subdivision code",
                "write an ISO 3166-2 code in capitals, as US-CA")
            return nil
        }
    }

    /// `PL/Warsaw`.
    static var city: Shape {
        scalar(ScalarDescription(kind: "country and city", pattern: "^[A-Z]{2}/.+$")) { text, position, context in
            let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
            if parts.count == 2, Countries.continent(of: parts[0]) != nil, !parts[1].isEmpty {
                return .city(country: parts[0], name: parts[1])
            }
            context.error(
                position, "\"\(text.shortened)\" is not a country and a city", "write PL/Warsaw or the like")
            return nil
        }
    }

    static var autonomousSystem: Shape {
        scalar(
            ScalarDescription(
                kind: "AS number", range: "1 to 4294967294", pattern: "^(AS)?[0-9]+$", type: .stringOrInteger)
        ) { text, position, context in
            let digits = text.hasPrefix("AS") ? String(text.dropFirst(2)) : text
            if Units.isNumber(digits), let number = UInt32(digits), number > 0, number < .max { return .asn(number) }
            context.error(position, "\"\(text.shortened)\" is not an AS number", "write 64496 or AS64496")
            return nil
        }
    }
}
