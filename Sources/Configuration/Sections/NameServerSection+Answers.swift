internal import Addresses
internal import TrafficModel

/// The keys of `dns:` that are about what answers carry and who gets them.
extension NameServerSection {
    private static let fresh = AnswerSettings()
    private static let freshLimit = ResponseRateLimit(rate: 0)

    static let udpSizeWithoutCookie = Shape<Int>.integer(128...4096).field(
        "udp_size_without_cookie",
        "The largest UDP response to a client that has not shown a good DNS cookie; `udp_size` if absent.")
    static let identity = identityShape.field("identity", "What this node tells of itself.")
    static let zoneVersion = Shape<AnswerSettings.ZoneVersion>.choice().field(
        "zone_version", default: fresh.zoneVersion,
        "What ZONEVERSION (RFC 9660) is answered with; `epoch` adds the generation and epoch that decided.")
    static let cookies = cookiesShape.field("cookies", "DNS cookies (RFC 7873, RFC 9018).")
    static let rateLimit = rateLimitShape.field(
        "rate_limit", "Limit the UDP responses that a network without a good cookie gets; without it there is no limit."
    )

    // MARK: Identity

    static let serverName = Shape<String>.text(limit: 255).field(
        "server", "What `id.server` and `hostname.bind` are told in class CHAOS; REFUSED if absent.")
    static let version = Shape<String>.text(limit: 255, allowsEmpty: true).field(
        "version", default: fresh.version ?? "",
        "What `version.bind` and `version.server` are told in class CHAOS; REFUSED if empty.")
    static let identifier = Shape<[UInt8]>.identifier.field(
        "nsid", "The name server identifier (RFC 5001), as text or as 0x and hexadecimal digits; none if absent.")
    static let identityModel = ObjectModel(
        title: "dns.identity", summary: "What this node tells of itself.",
        fields: [serverName.description, version.description, identifier.description])
    private static let identityShape = Shape<ObjectReader>(.object(identityModel)) {
        ObjectReader(identityModel, $0, $1)
    }

    // MARK: Cookies

    static let policy = Shape<AnswerSettings.Cookies.Policy>.choice().field(
        "policy", default: fresh.cookies.policy,
        "`require`: over UDP only clients with a good cookie get an answer. `off`: the option is ignored.")
    static let secrets = Shape<String>.path.field(
        "secrets",
        "A file with the secrets that name servers share: 32 hexadecimal digits a line, the first makes cookies, up to 4 are accepted. If absent this node draws one of its own."
    )
    static let cookiesModel = ObjectModel(
        title: "dns.cookies", summary: "DNS cookies (RFC 7873, RFC 9018).",
        fields: [policy.description, secrets.description])
    private static let cookiesShape = Shape<ObjectReader>(.object(cookiesModel)) {
        ObjectReader(cookiesModel, $0, $1)
    }

    // MARK: Rate limit

    private static let rateRange = 0...1_000_000
    static let rate = Shape<Int>.integer(1...1_000_000).field(
        "rate", required: true, "Responses of each kind that a network gets in a second; so many may come at once.")
    static let answersRate = Shape<Int>.integer(rateRange).field(
        "answers", "Another rate for responses with data; 0: no limit.")
    static let noDataRate = Shape<Int>.integer(rateRange).field(
        "nodata", "Another rate for NODATA; 0: no limit.")
    static let nameErrorRate = Shape<Int>.integer(rateRange).field(
        "nxdomain", "Another rate for NXDOMAIN; 0: no limit.")
    static let referralRate = Shape<Int>.integer(rateRange).field(
        "referrals", "Another rate for referrals; 0: no limit.")
    static let errorRate = Shape<Int>.integer(rateRange).field(
        "errors", "Another rate for REFUSED, FORMERR and other errors; 0: no limit.")
    static let slip = Shape<Int>.integer(0...15).field(
        "slip", default: freshLimit.slip,
        "Of the responses over the limit each so many-th is sent truncated, the others not at all; 0: none is sent.")
    static let prefix4 = Shape<Int>.integer(8...32).field(
        "ipv4_prefix", default: freshLimit.prefix4, "Bits of an IPv4 address that make a network.")
    static let prefix6 = Shape<Int>.integer(16...64).field(
        "ipv6_prefix", default: freshLimit.prefix6, "Bits of an IPv6 address that make a network.")
    static let exempt = Shape<[IPPrefix]>.list(of: .prefix).field("exempt", "Networks that are never limited.")
    static let rateLimitModel = ObjectModel(
        title: "dns.rate_limit",
        summary: "Response-rate limiting. Clients over TCP and those with a good cookie are not limited.",
        fields: [
            rate.description, answersRate.description, noDataRate.description, nameErrorRate.description,
            referralRate.description, errorRate.description, slip.description, prefix4.description,
            prefix6.description, exempt.description,
        ])
    private static let rateLimitShape = Shape<ResponseRateLimit>(.object(rateLimitModel)) { node, context in
        guard let reader = ObjectReader(rateLimitModel, node, context) else { return nil }
        let common = reader.read(rate, context)
        let fields = [answersRate, noDataRate, nameErrorRate, referralRate, errorRate]
        var limit = ResponseRateLimit(rate: common ?? 0)
        limit.rates = fields.map { reader.read($0, context) ?? common ?? 0 }
        limit.slip = reader.read(slip, context)
        limit.prefix4 = reader.read(prefix4, context)
        limit.prefix6 = reader.read(prefix6, context)
        limit.exempt = reader.read(exempt, context) ?? []
        return limit
    }

    static func readAnswers(
        _ reader: ObjectReader, _ places: inout Places, _ context: DecodingContext
    ) -> AnswerSettings {
        var answers = AnswerSettings()
        answers.udpSizeWithoutCookie = reader.read(udpSizeWithoutCookie, context)
        if let identity = reader.read(identity, context) {
            answers.serverName = identity.read(serverName, context)
            let version = identity.read(version, context)
            answers.version = version.isEmpty ? nil : version
            answers.identifier = identity.read(identifier, context) ?? []
        }
        answers.zoneVersion = reader.read(zoneVersion, context)
        if let cookies = reader.read(cookies, context) {
            answers.cookies.policy = cookies.read(policy, context)
            answers.cookies.path = cookies.read(secrets, context)
            places.cookieSecrets = cookies.position(of: "secrets")
        }
        answers.rateLimit = reader.read(rateLimit, context)
        if answers.cookies.policy == .off, let position = answers.cookies.path.map({ _ in places.cookieSecrets }) {
            context.warning(position, "the secrets are not used with policy: off", "remove one of the two")
        }
        return answers
    }
}

extension Shape where Value == [UInt8] {
    /// Bytes as text, or as `0x` and hexadecimal digits; so few that an answer that has nothing else fits into 512 bytes
    /// with them.
    static var identifier: Shape {
        scalar(
            ScalarDescription(kind: "text", range: "1 to 64 bytes"),
            text: { String(decoding: $0, as: UTF8.self) }
        ) { text, position, context in
            var bytes = Array(text.utf8)
            if text.hasPrefix("0x") {
                guard let decoded = Hexadecimal.bytes(text.dropFirst(2)) else {
                    context.error(
                        position, "\"\(text.shortened)\" is not 0x and pairs of hexadecimal digits",
                        "write one like 0x6e6f6465, or text")
                    return nil
                }
                bytes = decoded
            }
            guard (1...64).contains(bytes.count) else {
                context.error(position, "the identifier has \(bytes.count) bytes", "give it 1 to 64")
                return nil
            }
            return bytes
        }
    }
}
