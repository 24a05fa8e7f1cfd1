internal import DNSWire

/// `zones:`.
enum ZoneSection {
    /// What the section says, before names are completed with the origin.
    struct Draft: Sendable {
        var position: Position
        var nameServers: [Located<String>]
        var authority: Authority
        var ttl: UInt32
        var records: [Named<[RecordDraft]>]
        var file: Located<String>?
    }

    struct RecordDraft: Sendable {
        var type: Located<String>
        var data: Located<String>
        var ttl: UInt32?
    }

    struct Authority: Sendable {
        var primary: Located<String>?
        var mailbox: Located<String>?
        var serial = 1
        var refresh: UInt32 = 3600
        var retry: UInt32 = 600
        var expire: UInt32 = 604_800
        var minimum: UInt32 = 30
    }

    private static let fresh = Authority()

    static let ns = Shape<[Located<String>]>.list(
        of: Shape<String>.text("domain name", limit: 1100).located, minimum: 1
    )
    .field("ns", "The zone's name servers.")
    static let soa = soaShape.field("soa", "The zone's SOA record, where its defaults do not fit.")
    static let ttl = Shape<UInt32>.ttl().field("ttl", default: 3600, "Of records that give none.")
    static let records = recordsShape.field(
        "records",
        """
        Records by owner and type: `www: { A: 192.0.2.1 }`. Owners without a closing dot are completed with the zone's \
        name, and `@` is the zone itself. Beside the types, `ttl` sets the owner's TTL.
        """)
    static let file = Shape<String>.path.located.field("file", "An RFC 1035 zone file with all records of the zone.")

    static let model = ObjectModel(
        title: "zones.NAME",
        summary: """
            A zone this node is authoritative for. Wide IPs and host names of pools lie in zones. Give a file, or `ns` and \
            `records`.
            """,
        fields: [ns.description, soa.description, ttl.description, records.description, file.description],
        exactlyOne: ["ns", "file"], atMostOne: [["file", "records"], ["file", "soa"], ["file", "ttl"]])

    static let primary = Shape<String>.text("domain name").located.field(
        "primary", "MNAME; the first of `ns` if absent.")
    static let mailbox = Shape<String>.text("domain name").located.field(
        "mailbox", "RNAME: the mailbox with a dot for the @; `hostmaster` in the zone if absent.")
    static let serial = Shape<Int>.integer(0...4_294_967_295).field("serial", default: fresh.serial, "SERIAL.")
    static let refresh = Shape<UInt32>.ttl(1000...2_147_483_647_000).field(
        "refresh", default: fresh.refresh, "REFRESH.")
    static let retry = Shape<UInt32>.ttl(1000...2_147_483_647_000).field("retry", default: fresh.retry, "RETRY.")
    static let expire = Shape<UInt32>.ttl(1000...2_147_483_647_000).field("expire", default: fresh.expire, "EXPIRE.")
    static let minimum = Shape<UInt32>.ttl().field(
        "minimum", default: fresh.minimum, "How long resolvers keep that a name or type is absent (RFC 2308).")

    static let soaModel = ObjectModel(
        title: "zones.NAME.soa", summary: "The start of authority (RFC 1035 section 3.3.13).",
        fields: [
            primary.description, mailbox.description, serial.description, refresh.description, retry.description,
            expire.description, minimum.description,
        ])

    private static let soaShape = Shape<Authority>(.object(soaModel)) { node, context in
        guard let reader = ObjectReader(soaModel, node, context) else { return nil }
        var soa = Authority()
        soa.primary = reader.read(primary, context)
        soa.mailbox = reader.read(mailbox, context)
        soa.serial = reader.read(serial, context)
        soa.refresh = reader.read(refresh, context)
        soa.retry = reader.read(retry, context)
        soa.expire = reader.read(expire, context)
        soa.minimum = reader.read(minimum, context)
        return soa
    }

    private static let data = Shape<[Located<String>]>.oneOrList(
        of: Shape<String>.text("record's data", limit: 65_536).located)
    private static let recordTTL = Shape<UInt32>.ttl()
    private static let recordsShape = Shape<[Named<[RecordDraft]>]>.map(key: "owner", of: ownerShape)

    private static let ownerShape = Shape<[RecordDraft]>(
        .map(key: "record type, or `ttl`", data.description)
    ) { node, context in
        guard let pairs = node.pairs(orReport: context, example: "A") else { return nil }
        let ttl = pairs.first { $0.key == "ttl" }.flatMap { recordTTL.read($0.value, context) }
        var drafts: [RecordDraft] = []
        for pair in pairs where pair.key != "ttl" {
            guard RecordType(pair.key) != nil else {
                context.error(
                    pair.keyPosition, "\"\(pair.key.shortened)\" is not a record type",
                    Suggestion.nearest(to: pair.key, in: commonTypes).map { "did you mean \"\($0)\"?" }
                        ?? "write A, AAAA, CNAME, MX, TXT, SRV, CAA, PTR, NS … or TYPE65280, or ttl")
                continue
            }
            if RecordType(pair.key) == .soa {
                context.error(pair.keyPosition, "the SOA record is not written here", "use the zone's soa: key")
                continue
            }
            for text in data.read(pair.value, context) ?? [] {
                drafts.append(
                    RecordDraft(type: Located(value: pair.key, position: pair.keyPosition), data: text, ttl: ttl))
            }
        }
        return drafts
    }

    private static let commonTypes = ["A", "AAAA", "CNAME", "MX", "TXT", "SRV", "CAA", "PTR", "NS", "ttl"]

    static let shape = Shape<[Named<Draft>]>.map(key: "origin", of: zone)

    private static let zone = Shape<Draft>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        return Draft(
            position: node.position, nameServers: reader.read(ns, context) ?? [],
            authority: reader.read(soa, context) ?? Authority(), ttl: reader.read(ttl, context),
            records: reader.read(records, context) ?? [], file: reader.read(file, context))
    }
}
