import Addresses
import DNSWire
import Steering
import TrafficModel

/// Turns drafts into the flat tables of ``AuthorityData``, with every answer prepared.
struct AnswerTables {
    private(set) var nodes: [Node] = []
    private(set) var names: [UInt8] = []
    private(set) var answers: [TypedAnswer] = []
    private(set) var prepared: [PreparedAnswer] = []
    private(set) var pointers: [UInt16] = []
    private(set) var bytes: [UInt8] = []
    private(set) var zones: [ZoneAnswers] = []
    private(set) var targets: [TargetName] = []
    private(set) var addresses: [TargetAddress] = []
    private(set) var serverAnswer: UInt32 = 0
    private(set) var versionAnswer: UInt32 = 0

    private let builder: AuthorityBuilder
    /// What ANY is told at names with data (RFC 8482 section 4.2).
    private let anyAnswer: UInt32
    /// CNAMEs followed within one answer; resolvers go on from there.
    private static let chainLimit = 8
    /// RFC 8482 suggests a long TTL, for the sake of those who repeat such questions.
    private static let anyTTL: UInt32 = 3600

    init(builder: AuthorityBuilder, intent: Intent, plan: SteeringPlan, identity: AuthorityData.Identity) {
        self.builder = builder
        anyAnswer = 0
        var any = AnswerWriter(tail: .root, isWhole: false)
        any.appendAnswer(
            type: .hinfo, ttl: Self.anyTTL, data: [7] + Array("RFC8482".utf8) + [0])
        store(any, answers: 1, outcome: .answered)
        if let server = identity.server { serverAnswer = storeChaos(server) + 1 }
        if let version = identity.version { versionAnswer = storeChaos(version) + 1 }

        for zone in intent.zones.indices {
            let origin = intent.zones[zone].origin
            var negative = AnswerWriter(tail: origin, isWhole: false)
            let hasSOA = appendSOA(of: zone, to: &negative)
            let noData = store(negative, authorities: hasSOA, outcome: .noData)
            let nameError = store(negative, authorities: hasSOA, outcome: .nameError, responseCode: 3)
            zones.append(ZoneAnswers(noData: noData, nameError: nameError, originLength: UInt8(origin.wire.count)))
        }
        for position in builder.nodes.indices { appendNode(position) }
        for (position, draft) in builder.nodes.enumerated() {
            guard draft.name.isWildcard, let parent = draft.name.parent, let above = builder.position(of: parent) else {
                continue
            }
            nodes[above].wildcard = UInt32(position + 1)
        }
        for pool in intent.pools.indices {
            let name = plan.target(ofPool: pool)
            let zone = name.flatMap { builder.zone(of: $0) }
            targets.append(
                TargetName(
                    offset: UInt32(bytes.count), length: UInt8(name?.wire.count ?? 0),
                    zone: UInt32(zone.map { $0 + 1 } ?? 0)))
            bytes += name?.wire ?? []
        }
        for server in intent.virtualServers.indices { addresses.append(TargetAddress(plan.address(ofServer: server))) }
    }

    // MARK: Storing

    @discardableResult
    private mutating func store(
        _ writer: AnswerWriter, answers: Int = 0, authorities: Int = 0, additionals: Int = 0, outcome: Outcome,
        responseCode: UInt8 = 0, isAuthoritative: Bool = true
    ) -> UInt32 {
        prepared.append(
            PreparedAnswer(
                offset: UInt32(bytes.count), length: UInt32(writer.bytes.count), firstPointer: UInt32(pointers.count),
                pointerCount: UInt16(writer.pointers.count), answers: UInt16(answers), authorities: UInt16(authorities),
                additionals: UInt16(additionals), outcome: outcome, responseCode: responseCode,
                isAuthoritative: isAuthoritative))
        bytes += writer.bytes
        pointers += writer.pointers
        return UInt32(prepared.count - 1)
    }

    private mutating func storeChaos(_ text: String) -> UInt32 {
        let text = Array(text.utf8.prefix(255))
        var writer = AnswerWriter(tail: .root, isWhole: false)
        writer.appendAnswer(
            type: .txt, recordClass: QueryMessage.chaos, ttl: 0, data: [UInt8(text.count)] + text)
        return store(writer, answers: 1, outcome: .answered)
    }

    /// The SOA as negative answers carry it: its TTL is how long the "no" may be kept (RFC 2308 section 3).
    private func appendSOA(of zone: Int, to writer: inout AnswerWriter) -> Int {
        guard let soa = builder.soa[zone] else { return 0 }
        let minimum = soa.data.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        writer.append(soa, ttl: min(soa.ttl, minimum))
        return 1
    }

    // MARK: Nodes

    private mutating func appendNode(_ position: Int) {
        let draft = builder.nodes[position]
        let first = answers.count
        let other: UInt32
        var any = zones[draft.zone].noData
        let isApex = draft.name == builder.zones[draft.zone].origin
        if draft.kind == .delegation {
            other = storeReferral(draft)
            any = other
            appendDS(draft.set(.ds) ?? [], of: draft.name, zone: draft.zone)
        } else if let alias = draft.set(.cname)?.first {
            (any, other) = appendChains(draft, alias)
        } else {
            other = zones[draft.zone].noData
            for (type, records) in draft.sets {
                var writer = self.writer(for: draft.name)
                for record in records { writer.appendAnswer(type: type, ttl: record.ttl, data: record.data) }
                append(type, store(writer, answers: records.count, outcome: .answered))
            }
            if !draft.sets.isEmpty { any = anyAnswer }
            if isApex, let parent = builder.parentZone[draft.name] {
                appendDS(builder.parentDS[draft.name] ?? [], of: draft.name, zone: parent)
            }
        }
        var subject: UInt32 = 0
        var isPoolHost = false
        switch draft.subject {
        case .wideIP(let position)?: subject = UInt32(position)
        case .poolHost(let position)?:
            subject = UInt32(position)
            isPoolHost = true
        case nil: break
        }
        nodes.append(
            Node(
                name: UInt32(names.count), nameLength: UInt8(draft.name.wire.count), isSteered: draft.subject != nil,
                isApex: isApex, isPoolHost: isPoolHost, isDelegation: draft.kind == .delegation,
                zone: UInt32(draft.zone), subject: subject, firstAnswer: UInt32(first),
                answerCount: UInt32(answers.count - first), otherAnswer: other, anyAnswer: any, wildcard: 0))
        names += draft.name.folded
    }

    private mutating func append(_ type: RecordType, _ prepared: UInt32) {
        answers.append(TypedAnswer(type: type.rawValue, prepared: prepared))
    }

    /// A wildcard answers names of any length, of which only the part behind its `*` is known.
    private func writer(for name: DomainName) -> AnswerWriter {
        if name.isWildcard, let parent = name.parent { return AnswerWriter(tail: parent, isWhole: false) }
        return AnswerWriter(tail: name, isWhole: true)
    }

    /// DS lies on the parent's side of a delegation.
    private mutating func appendDS(_ records: [ResourceRecord], of name: DomainName, zone: Int) {
        var writer = AnswerWriter(tail: name, isWhole: true)
        guard records.isEmpty else {
            for record in records { writer.appendAnswer(type: .ds, ttl: record.ttl, data: record.data) }
            append(.ds, store(writer, answers: records.count, outcome: .answered))
            return
        }
        let authorities = appendSOA(of: zone, to: &writer)
        append(.ds, store(writer, authorities: authorities, outcome: .noData))
    }

    /// All addresses that the zone has for the servers come along; if they do not fit, TC says so (RFC 9471).
    private mutating func storeReferral(_ draft: AuthorityBuilder.Draft) -> UInt32 {
        var writer = AnswerWriter(tail: draft.name, isWhole: false)
        let servers = draft.set(.ns) ?? []
        var seen: Set<DomainName> = []
        var addresses: [ResourceRecord] = []
        for server in servers {
            writer.append(server)
            guard let name = DomainName(wire: server.data), seen.insert(name).inserted else { continue }
            if name.isAtOrBelow(builder.zones[draft.zone].origin) { addresses += builder.addresses(of: name) }
        }
        for address in addresses { writer.append(address) }
        return store(
            writer, authorities: servers.count, additionals: addresses.count, outcome: .referral, isAuthoritative: false
        )
    }

    // MARK: Aliases

    /// Follows a static CNAME through our zones and prepares an answer for each type at its end.
    ///
    /// A steered name ends the chain: what it answers depends on the client, and an answer with records of two owners
    /// could not say which of them its ECS scope is about (RFC 7871 section 7.2.1 has one scope for the message).
    private mutating func appendChains(
        _ draft: AuthorityBuilder.Draft, _ alias: ResourceRecord
    ) -> (any: UInt32, other: UInt32) {
        var chain = writer(for: draft.name)
        chain.appendAnswer(type: .cname, ttl: alias.ttl, data: alias.data)
        let single = store(chain, answers: 1, outcome: .answered)
        append(.cname, single)
        var count = 1
        var visited: Set<DomainName> = [draft.name]
        var current = DomainName(wire: alias.data)
        while let target = current, count < Self.chainLimit, visited.insert(target).inserted {
            switch builder.place(of: target) {
            case .outside, .delegated:
                return (single, store(chain, answers: count, outcome: .answered))
            case .nameError(let zone):
                let authorities = appendSOA(of: zone, to: &chain)
                // RFC 6604 section 3: the code is about the last name of the chain.
                return (
                    single,
                    store(chain, answers: count, authorities: authorities, outcome: .nameError, responseCode: 3)
                )
            case .node(let position, _):
                let node = builder.nodes[position]
                if node.subject != nil { return (single, store(chain, answers: count, outcome: .answered)) }
                if let next = node.set(.cname)?.first {
                    chain.append(next, owner: target)
                    count += 1
                    current = DomainName(wire: next.data)
                    continue
                }
                for (type, records) in node.sets {
                    var whole = chain
                    for record in records { whole.append(record, owner: target) }
                    append(type, store(whole, answers: count + records.count, outcome: .answered))
                }
                let authorities = appendSOA(of: node.zone, to: &chain)
                return (single, store(chain, answers: count, authorities: authorities, outcome: .noData))
            }
        }
        return (single, store(chain, answers: count, outcome: .answered))
    }
}

extension TargetAddress {
    init(_ address: IPAddress) {
        switch address {
        case .v4(let value):
            self.init(isV6: false, first: UInt64(UInt32(bigEndian: value)), second: 0)
        case .v6(let value):
            self.init(
                isV6: true, first: UInt64(truncatingIfNeeded: value >> 64).bigEndian,
                second: UInt64(truncatingIfNeeded: value).bigEndian)
        }
    }
}
