internal import Addresses
internal import TrafficModel

/// `stages:` of wide IPs and pools.
struct StageSection: Sendable {
    struct Places: Sendable {
        var stage: Position
        var records: [TopologyRecordSection.Places]
    }

    typealias DraftedStage = Drafted<Stage, Places>

    static let wideIP = StageSection(
        title: "wide_ips.NAME.stages[]", records: TopologyRecordSection.pools.shape,
        field: "The steps of the decision, instead of `method`, `topology` and `all_down`.")
    static let pool = StageSection(
        title: "pools.NAME.stages[]", records: TopologyRecordSection.servers.shape,
        field: "The steps of the choice among its virtual servers, instead of `method` and `all_down`.")

    /// More steps than anybody can follow.
    static let limit = 32

    let field: Field<[DraftedStage]>

    private static let words = [
        "available", "last-known-good", "nearest", "latency", "persist", "round-robin", "draw", "otherwise",
    ]

    private init(title: String, records: Shape<Drafted<TopologyRecord, TopologyRecordSection.Places>>, field: String) {
        let stages = StageShapes(title: title, records: records)
        let word = ScalarDescription(
            kind: "word", range: Self.words.joined(separator: ", "), words: Self.words)
        let stage = Shape<DraftedStage>(.anyOf([.scalar(word), .object(stages.model)])) { node, context in
            if case .map = node.content { return stages.read(node, context) }
            let action: Stage.Action? =
                switch node.content {
                case .scalar("available", _): .available
                case .scalar("last-known-good", _): .lastKnownGood
                case .scalar("nearest", _): .nearest(within: nil)
                case .scalar("latency", _): .latency(margin: StageShapes.defaultMargin)
                case .scalar("persist", _): .persist(v4: 24, v6: 56)
                case .scalar("round-robin", _): .roundRobin
                case .scalar("draw", _): .draw
                case .scalar("otherwise", _): .otherwise
                default: nil
                }
            guard let action else {
                context.error(
                    node.position, "\(node.noun) is no stage",
                    "write \(Self.words.joined(separator: ", ")), or a mapping as { take: 2 }")
                return nil
            }
            return Drafted(value: Stage(action), places: Places(stage: node.position, records: []))
        }
        self.field = Shape<[DraftedStage]>.list(of: stage, minimum: 1).field("stages", field)
    }
}

/// The mappings that a stage may be, for one kind of candidates.
struct StageShapes: Sendable {
    /// Differences below this are noise on the Internet.
    static let defaultMargin = Duration.milliseconds(10)

    let model: ObjectModel
    private let topology: Field<(Topology, [TopologyRecordSection.Places])>

    init(title: String, records: Shape<Drafted<TopologyRecord, TopologyRecordSection.Places>>) {
        topology = Self.topologyShape(title: title + ".topology", records: records).field(
            "topology", "Orders or filters by records about the client's network.")
        model = ObjectModel(
            title: title, summary: "One step: it filters, orders, weighs or limits what the steps before it left.",
            fields: [
                Self.available.description, Self.outliers.description, topology.description, Self.nearest.description,
                Self.latency.description,
                Self.order.description, Self.weigh.description, Self.shed.description, Self.persist.description,
                Self.take.description, Self.answer.description, Self.empty.description,
            ],
            exactlyOne: [
                "available", "outliers", "topology", "nearest", "latency", "order", "weigh", "shed", "persist", "take",
                "answer",
            ])
    }

    func read(_ node: SourceNode, _ context: DecodingContext) -> StageSection.DraftedStage? {
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var records: [TopologyRecordSection.Places] = []
        var action: Stage.Action?
        if reader.read(Self.available, context) != nil { action = .available }
        if let value = reader.read(Self.outliers, context) { action = .outliers(factor: value) }
        if let (value, places) = reader.read(topology, context) {
            action = .topology(value)
            records = places
        }
        if let value = reader.read(Self.nearest, context) { action = value }
        if let value = reader.read(Self.latency, context) { action = value }
        if let value = reader.read(Self.order, context) { action = .order(by: value) }
        if let value = reader.read(Self.weigh, context) { action = .weigh(by: value) }
        if let value = reader.read(Self.shed, context) { action = .shed(value) }
        if let value = reader.read(Self.persist, context) { action = value }
        if let value = reader.read(Self.take, context) { action = .take(value) }
        if let value = reader.read(Self.answer, context) { action = .answer(value) }
        guard let action else { return nil }
        return Drafted(
            value: Stage(action, whenEmpty: reader.read(Self.empty, context)),
            places: .init(stage: node.position, records: records))
    }

    static let empty = Shape<Stage.Exhaustion>.choice().field(
        "empty", default: .next,
        "When the step would leave nothing: go on behind the next `otherwise`, or keep what there was.")

    static let available = Shape<ObjectReader>(.object(ObjectModel(title: "available", summary: "", fields: []))) {
        ObjectReader(ObjectModel(title: "available", summary: "", fields: []), $0, $1)
    }.field("available", "Keeps what is available; where nothing is, what drains.")

    static let outliers = Shape<Double>.decimal(1.5...1000).field(
        "outliers", "Takes out what answers health checks so many times slower than the best.")

    static let take = Shape<Int>.integer(1...16).field("take", "Keeps so many of the first.")

    // MARK: Places

    private static func topologyShape(
        title: String, records: Shape<Drafted<TopologyRecord, TopologyRecordSection.Places>>
    ) -> Shape<(Topology, [TopologyRecordSection.Places])> {
        let list = Shape<[Drafted<TopologyRecord, TopologyRecordSection.Places>]>.list(of: records, minimum: 1).field(
            "records", required: true, "About which clients, and which candidates they are sent to.")
        let match = Shape<Topology.Match>.choice().field(
            "match", default: .first,
            "Whether the first record that matches decides, or the one with the most specific source.")
        let use = Shape<Topology.Use>.choice().field(
            "use", default: .prefer, "Whether the record's candidates go first, or no others stay.")
        let model = ObjectModel(
            title: title, summary: "", fields: [list.description, match.description, use.description])
        return Shape(.object(model)) { node, context in
            guard let reader = ObjectReader(model, node, context), let read = reader.read(list, context) else {
                return nil
            }
            let topology = Topology(
                read.map(\.value), match: reader.read(match, context), use: reader.read(use, context))
            return (topology, read.map(\.places))
        }
    }

    static let within = Shape<Double>.kilometres.field("within", "Leaves out candidates that are further away.")
    static let nearest = objectShape("nearest", [within.description]) { reader, context in
        .nearest(within: reader.read(within, context))
    }.field("nearest", "Orders by great-circle distance from the client.")

    static let margin = Shape<Duration>.duration(0...10_000).field(
        "margin", default: defaultMargin, "Differences that do not count.")
    static let latency = objectShape("latency", [margin.description]) { reader, context in
        .latency(margin: reader.read(margin, context))
    }.field("latency", "Orders by measured latency, where there is evidence; geography before it decides elsewhere.")

    static let v4 = Shape<Int>.integer(1...32).field("v4", default: 24, "The length that IPv4 networks are cut to.")
    static let v6 = Shape<Int>.integer(1...128).field("v6", default: 56, "The length that IPv6 networks are cut to.")
    static let persist = objectShape("persist", [v4.description, v6.description]) { reader, context in
        .persist(v4: reader.read(v4, context), v6: reader.read(v6, context))
    }.field("persist", "Keeps a client's network with its candidate, by consistent hashing that heeds the shares.")

    private static func objectShape(
        _ title: String, _ fields: [FieldDescription],
        _ make: @escaping @Sendable (ObjectReader, DecodingContext) -> Stage.Action
    ) -> Shape<Stage.Action> {
        let model = ObjectModel(title: title, summary: "", fields: fields)
        return Shape(.object(model)) { node, context in
            ObjectReader(model, node, context).map { make($0, context) }
        }
    }

    // MARK: Measurements

    private static let criteria = Criterion.allCases.map(\.rawValue)
    private static let quality = Shape<[Criterion: Double]>.quality.field(
        "quality", required: true, "Coefficients by criterion; the sum decides.")
    private static let qualityModel = ObjectModel(title: "quality", summary: "", fields: [quality.description])

    static let order = criterionShape(
        word: "list", Stage.Order.list, { .criterion($0) }, quality: { .quality($0) }
    ).field(
        "order",
        "Best first: fewest `connections`, most `capacity` and the like; `list`: as configured; or a weighted sum.")
    static let weigh = criterionShape(
        word: "ratio", Stage.Weight.ratio, { .criterion($0) }, quality: { .quality($0) }
    ).field("weigh", "Gives shares by `ratio`, by a criterion or by a weighted sum, for `draw` and `persist`.")

    private static func criterionShape<Value: Sendable>(
        word: String, _ value: Value, _ criterion: @escaping @Sendable (Criterion) -> Value,
        quality make: @escaping @Sendable ([Criterion: Double]) -> Value
    ) -> Shape<Value> {
        let words = [word] + criteria
        let scalar = ScalarDescription(kind: "word", range: words.joined(separator: ", "), words: words)
        return Shape<Value>(.anyOf([.scalar(scalar), .object(qualityModel)])) { node, context in
            if case .map = node.content {
                return ObjectReader(qualityModel, node, context)?.read(quality, context).map(make)
            }
            if case .scalar(let text, _) = node.content {
                if text == word { return value }
                if let found = Criterion(rawValue: text) { return criterion(found) }
            }
            context.error(
                node.position, "\(node.noun) is nothing to compare by",
                "write \(words.joined(separator: ", ")), or { quality: { cpu: 2, response: 1 } }")
            return nil
        }
    }

    static let by = Shape<Criterion>.choice().field("by", required: true, "What is limited.")
    static let soft = Shape<Stage.Limit>.limit.field(
        "soft", required: true, "Where clients begin to be sent elsewhere: a number, or a share of the capacity.")
    static let hard = Shape<Stage.Limit>.limit.field(
        "hard", required: true, "Where none stays.")
    static let shed = Shape<Stage.Shed>(.object(shedModel)) { node, context in
        guard let reader = ObjectReader(shedModel, node, context) else { return nil }
        let (criterion, low, high) = (
            reader.read(by, context), reader.read(soft, context), reader.read(hard, context)
        )
        guard let criterion, let low, let high else { return nil }
        if !criterion.prefersLess {
            context.error(
                reader.position(of: "by"), "\(criterion.rawValue) is no load", "write connections, bits, cpu or queue")
            return nil
        }
        switch (low, high) {
        case (.absolute(let low), .absolute(let high)) where low < high: break
        case (.share(let low), .share(let high)) where low < high: break
        case (.absolute, .share), (.share, .absolute):
            context.error(
                reader.position(of: "hard"), "one limit is a number and the other a share", "write both in one way")
            return nil
        default:
            context.error(
                reader.position(of: "hard"), "the hard limit is not above the soft one", "write soft below hard")
            return nil
        }
        return Stage.Shed(criterion, soft: low, hard: high)
    }.field("shed", "Sends a growing part of the clients' networks elsewhere between a soft and a hard limit.")
    private static let shedModel = ObjectModel(
        title: "shed", summary: "", fields: [by.description, soft.description, hard.description])

    // MARK: Answers

    static let codes: [(word: String, code: UInt8)] = [
        ("nodata", 0), ("formerr", 1), ("servfail", 2), ("nxdomain", 3), ("notimp", 4), ("refused", 5),
    ]
    static let lastPool = Shape<Int>.reference(.pool).field("pool", "The pool to answer with, whatever its state.")
    static let addresses = Shape<[IPAddress]>.list(of: Shape<IPAddress>.address, minimum: 1).field(
        "addresses", "Addresses that nobody monitors, at most 16.")
    static let code = Shape<String>.word(codes.map(\.word)).field("code", "A response code.")
    static let ttl = Shape<UInt32>.ttl(0...10_800_000).field(
        "ttl", "How long a `nodata` or `nxdomain` may be kept; as long as the zone says if absent.")
    static let answerModel = ObjectModel(
        title: "answer", summary: "An answer that no candidate gives.",
        fields: [lastPool.description, addresses.description, code.description, ttl.description],
        exactlyOne: ["pool", "addresses", "code"])

    static let answer = answerShape.field(
        "answer",
        "Ends the decision: a last pool, fixed addresses, the zone's own records, a response code, or nothing."
    )

    private static let answerShape: Shape<Stage.FixedAnswer> = {
        let words = codes.map(\.word) + ["zone-data", "drop"]
        let scalar = ScalarDescription(kind: "word", range: words.joined(separator: ", "), words: words)
        return Shape<Stage.FixedAnswer>(.anyOf([.scalar(scalar), .object(answerModel)])) { node, context in
            guard case .map = node.content else {
                switch node.content {
                case .scalar("zone-data", _): return .zoneData
                case .scalar("drop", _): return .drop
                case .scalar(let text, _):
                    if let code = codes.first(where: { $0.word == text })?.code { return .code(code, ttl: nil) }
                default: break
                }
                context.error(
                    node.position, "\(node.noun) is no answer",
                    "write \(words.joined(separator: ", ")), { pool: NAME }, { addresses: [...] } or { code: nodata, ttl: 5s }"
                )
                return nil
            }
            guard let reader = ObjectReader(answerModel, node, context) else { return nil }
            if let pool = reader.read(lastPool, context) { return .pool(pool) }
            if let list = reader.read(addresses, context) {
                if list.count > 16 {
                    context.error(reader.position(of: "addresses"), "more than 16 addresses", "leave some out")
                }
                return .addresses(list)
            }
            return code(of: reader, code, context).map { .code($0.code, ttl: $0.ttl) }
        }
    }()

    /// The response code of a mapping and, under `ttl`, how long it may be kept.
    static func code(
        of reader: ObjectReader, _ field: Field<String>, _ context: DecodingContext
    ) -> (code: UInt8, ttl: UInt32?)? {
        guard let word = reader.read(field, context), let found = codes.first(where: { $0.word == word }) else {
            return nil
        }
        if reader.has("ttl"), found.code != 0, found.code != 3 {
            context.error(
                reader.position(of: "ttl"), "a \(word) has no place for a TTL", "remove it, or answer nodata")
        }
        return (found.code, reader.read(ttl, context))
    }
}

extension Shape where Value == String {
    static func word(_ words: [String]) -> Shape {
        scalar(
            ScalarDescription(kind: "word", range: words.joined(separator: ", "), words: words), text: { $0 }
        ) { text, position, context in
            if words.contains(text) { return text }
            context.error(
                position, "\"\(text.shortened)\" is not one of \(words.joined(separator: ", "))",
                Suggestion.nearest(to: text, in: words).map { "did you mean \"\($0)\"?" } ?? "write one of these")
            return nil
        }
    }
}

extension Shape where Value == IPAddress {
    static var address: Shape {
        scalar(ScalarDescription(kind: "address")) { text, position, context in
            if let address = IPAddress(text), !address.isUnspecified { return address }
            context.error(
                position, "\"\(text.shortened)\" is not an address to send clients to",
                "write one like 192.0.2.1 or 2001:db8::1")
            return nil
        }
    }
}

extension Shape where Value == Double {
    /// A distance on the globe.
    static var kilometres: Shape {
        scalar(
            ScalarDescription(kind: "distance", range: "1km to 20100km", pattern: "^[0-9]+km$"),
            text: { "\(Int($0))km" }
        ) { text, position, context in
            guard text.hasSuffix("km"), Units.isNumber(String(text.dropLast(2))), let value = Int(text.dropLast(2))
            else {
                context.error(position, "\"\(text.shortened)\" is not a distance", "write 3000km or the like")
                return nil
            }
            // Half of the globe's circumference is the furthest that anything can be.
            guard (1...20_100).contains(value) else {
                context.error(position, "\(text) is out of range", "write 1km to 20100km")
                return nil
            }
            return Double(value)
        }
    }
}

extension Shape where Value == Stage.Limit {
    /// `800`, `2.5M`, or `80%`.
    static var limit: Shape {
        scalar(
            ScalarDescription(
                kind: "limit", range: "a number, with k, M or G if large, or a share as 80%",
                pattern: "^[0-9]+(\\.[0-9]+)?[kMG%]?$", type: .stringOrInteger)
        ) { text, position, context in
            let factors: [Character: Double] = ["k": 1e3, "M": 1e6, "G": 1e9, "%": 0.01]
            let factor = text.last.flatMap { factors[$0] }
            let digits = factor == nil ? text : String(text.dropLast())
            guard digits.utf8.allSatisfy({ "0123456789.".utf8.contains($0) }), let number = Double(digits),
                number <= 1e15
            else {
                context.error(
                    position, "\"\(text.shortened)\" is not a limit", "write a number as 800 or 2.5M, or a share as 80%"
                )
                return nil
            }
            return text.hasSuffix("%") ? .share(number / 100) : .absolute(number * (factor ?? 1))
        }
    }
}

extension Shape where Value == [Criterion: Double] {
    static var quality: Shape {
        let coefficient = Shape<Double>.decimal(0...1_000_000)
        let entries = Shape<[Named<Double>]>.map(key: "criterion", of: coefficient)
        return Shape(entries.description) { node, context in
            guard let read = entries.read(node, context) else { return nil }
            var result: Value = [:]
            for entry in read {
                guard let criterion = Criterion(rawValue: entry.name) else {
                    let words = Criterion.allCases.map(\.rawValue)
                    context.error(
                        entry.position, "\"\(entry.name.shortened)\" is nothing to compare by",
                        Suggestion.advice(for: entry.name, in: words, none: "write \(words.joined(separator: ", "))"))
                    continue
                }
                if let value = entry.value { result[criterion] = value }
            }
            if result.values.reduce(0, +) == 0 {
                context.error(node.position, "all coefficients are zero", "give one of them a weight")
                return nil
            }
            return result
        }
    }
}
