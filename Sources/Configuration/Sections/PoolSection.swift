internal import DNSWire
internal import TrafficModel

/// `pools:`.
enum PoolSection {
    private static let fresh = Pool(name: "")

    struct Places: Sendable {
        var host: Position?
        var answer: Position
        var virtualServers: Position
        var method: Position
        var allDown: Position
        var stages: [StageSection.Places]
        var hasHost: Bool
        var hasRegion: Bool
    }

    static let region = Shape<Int>.reference(.region).field(
        "region", "The region it stands for; that of its virtual servers, when they share one, if absent.")
    static let virtualServers = Shape<[Located<Int>]>.list(of: Shape<Int>.reference(.virtualServer).located).field(
        "virtual_servers", "Its virtual servers, in order.")
    static let method = Shape<Pool.Method>.choice().field(
        "method", default: fresh.method, "How the host name's answers are chosen.")
    static let answer = answerShape.field(
        "answer", default: fresh.answer, shown: "cname",
        """
        What a wide IP answers with: a CNAME to the pool's host name (`cname`), the virtual servers' addresses \
        (`addresses`), or a CNAME to a name that others serve (`{ external: NAME }`).
        """)
    static let host = Shape<DomainName>.domainName.located.field(
        "host", "The name that resolves to the pool's virtual servers; the region's host for `answer: cname` if absent."
    )
    static let ttl = Shape<UInt32>.ttl().field("ttl", default: fresh.ttl, "Of the CNAME and of the addresses.")
    static let maxAnswers = Shape<Int>.integer(1...16).field(
        "max_answers", default: fresh.maxAnswers, "The most addresses in one answer.")
    static let ratio = Shape<Int>.integer(0...65535).field(
        "ratio", default: fresh.ratio, "Its share when a wide IP steers by ratio.")
    static let allDown = Shape<AllDownPolicy>.allDown.field(
        "all_down", default: fresh.allDown, shown: "open",
        "What the host name answers when every virtual server is down.")
    static let score = Shape<Int>.integer(0...1_000_000).field(
        "score", default: fresh.score, "Its rank where a wide IP orders or weighs by score; more is better.")
    static let https = ServiceBindingSection.shape.field(
        "https", "What HTTPS questions are told, beside the addresses that A and AAAA questions get.")
    static let minimumTTL = Shape<UInt32>.ttl(1000...604_800_000).field(
        "min_ttl",
        "Lets the TTL sink to the time in which a monitor may change the answer, to no less than this; fixed if absent."
    )
    static let minimumUp = Shape<MinimumUp>.minimumUp.field(
        "min_up", default: fresh.minimumUp,
        "How many of its virtual servers, or which share of them, must be available for wide IPs to choose it.")
    static let enabled = Shape<Bool>.boolean.field("enabled", default: fresh.enabled, "Whether it may be chosen.")

    static let model = ObjectModel(
        title: "pools.NAME", summary: "Virtual servers that stand for each other; usually all of one region.",
        fields: [
            region.description, virtualServers.description, method.description, answer.description, host.description,
            ttl.description, maxAnswers.description, ratio.description, score.description, allDown.description,
            StageSection.pool.field.description, minimumUp.description, https.description, minimumTTL.description,
            enabled.description,
        ])

    static let external = Shape<DomainName>.domainName.field(
        "external", required: true, "A name that others serve.")
    static let answerModel = ObjectModel(
        title: "pools.NAME.answer", summary: "", fields: [external.description])

    private static let answerShape = Shape<Pool.Answer>(
        .anyOf([
            .scalar(ScalarDescription(kind: "word", range: "cname, addresses", words: ["cname", "addresses"])),
            .object(answerModel),
        ])
    ) { node, context in
        if case .map = node.content {
            return ObjectReader(answerModel, node, context)?.read(external, context).map { .external($0) }
        }
        switch node.content {
        case .scalar("cname", _): return .cname
        case .scalar("addresses", _): return .addresses
        default:
            context.error(
                node.position, "\(node.noun) is no way to answer", "write cname, addresses or { external: NAME }")
            return nil
        }
    }

    static let shape = Shape<[Named<Drafted<Pool, Places>>]>.map(key: "name", of: pool)

    private static let pool = Shape<Drafted<Pool, Places>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var pool = Pool(name: "")
        pool.region = reader.read(region, context)
        let servers = reader.read(virtualServers, context) ?? []
        pool.virtualServers = unique(servers, of: .virtualServer, context)
        pool.method = reader.read(method, context)
        pool.answer = reader.read(answer, context)
        let name = reader.read(host, context)
        pool.host = name?.value
        pool.ttl = reader.read(ttl, context)
        pool.maxAnswers = reader.read(maxAnswers, context)
        pool.ratio = reader.read(ratio, context)
        pool.allDown = reader.read(allDown, context)
        pool.enabled = reader.read(enabled, context)
        pool.score = reader.read(score, context)
        pool.minimumUp = reader.read(minimumUp, context)
        pool.https = reader.read(https, context)
        pool.minimumTTL = reader.read(minimumTTL, context)
        if let minimum = pool.minimumTTL, minimum > pool.ttl {
            context.error(reader.position(of: "min_ttl"), "it is more than the ttl", "write \(pool.ttl)s or less")
        }
        if case .count(let count) = pool.minimumUp, count > servers.count, !servers.isEmpty {
            context.error(
                reader.position(of: "min_up"), "the pool has only \(servers.count) virtual servers",
                "write \(servers.count) or less")
        }
        let stages = reader.read(StageSection.pool.field, context)
        pool.stages = stages.map { $0.map(\.value) }
        if reader.has("stages") {
            for key in ["method", "all_down"] where reader.has(key) {
                context.error(
                    reader.position(of: key), "\(key) and stages exclude each other",
                    "write it as a stage, or remove stages")
            }
        }
        return Drafted(
            value: pool,
            places: Places(
                host: name?.position, answer: reader.position(of: "answer"),
                virtualServers: reader.position(of: "virtual_servers"), method: reader.position(of: "method"),
                allDown: reader.position(of: "all_down"),
                stages: (stages ?? []).map(\.places), hasHost: reader.has("host"), hasRegion: reader.has("region")))
    }
}

/// The positions without repeats, which are reported.
func unique(_ references: [Located<Int>], of part: Part, _ context: DecodingContext) -> [Int] {
    var seen: Set<Int> = []
    return references.compactMap { reference in
        if seen.insert(reference.value).inserted { return reference.value }
        context.error(
            reference.position, "the \(part.noun) \"\(context.name(part, reference.value))\" is listed twice",
            part == .monitor || part == .certificate ? "remove one" : "remove one; to give it a larger share use ratio")
        return nil
    }
}

extension Shape where Value == AllDownPolicy {
    static var allDown: Shape {
        let words = ["open", "closed", "last-known-good", "servfail", "refused"]
        let pool = Shape<Int>.reference(.pool).field("pool", "The pool to answer with, whatever its state.")
        let code = Shape<String>.word(StageShapes.codes.map(\.word)).field("code", "A response code.")
        let model = ObjectModel(
            title: "all_down", summary: "", fields: [pool.description, code.description, StageShapes.ttl.description],
            exactlyOne: ["pool", "code"])
        return Shape(
            .anyOf([
                .scalar(ScalarDescription(kind: "word", range: words.joined(separator: ", "), words: words)),
                .object(model),
            ])
        ) { node, context in
            if case .map = node.content {
                guard let reader = ObjectReader(model, node, context) else { return nil }
                if let pool = reader.read(pool, context) {
                    if reader.has("ttl") {
                        context.error(
                            reader.position(of: "ttl"), "the pool has a TTL of its own", "remove it from here")
                    }
                    return .pool(pool)
                }
                return StageShapes.code(of: reader, code, context).map { .rcode($0.code, ttl: $0.ttl) }
            }
            if case .scalar(let word, _) = node.content {
                switch word {
                case "open": return .open
                case "closed": return .closed
                case "last-known-good": return .lastKnownGood
                case "servfail": return .rcode(2)
                case "refused": return .rcode(5)
                default: break
                }
            }
            context.error(
                node.position, "\(node.noun) is no answer for when all is down",
                "write open, closed, last-known-good, servfail, refused, { pool: NAME } or { code: nodata, ttl: 5s }")
            return nil
        }
    }
}
