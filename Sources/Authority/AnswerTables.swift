import Addresses
import DNSWire
import Steering
import TrafficModel

/// Turns drafts into the flat tables of ``ZoneTables``, with every answer prepared.
struct AnswerTables {
    private(set) var nodes: [Node] = []
    private(set) var names: [UInt8] = []
    private(set) var answers: [TypedAnswer] = []
    private(set) var pointers: [UInt16] = []
    /// What ``PreparedAnswers`` holds.
    private(set) var bytes: [UInt8] = []
    private(set) var zones: [ZoneAnswers] = []
    private(set) var targets: [TargetName] = []
    private(set) var services: [TargetName] = []
    /// Of all zones, in their order; nodes as in `nodes`.
    private(set) var patterns: [NamePattern] = []
    private(set) var patternBytes: [UInt8] = []
    private(set) var serverAnswer: UInt32 = 0
    private(set) var versionAnswer: UInt32 = 0

    private let builder: AuthorityBuilder
    /// Whether answers come with what spares a resolver its next questions.
    private let isFull: Bool
    /// What ANY is told at names with data (RFC 8482 section 4.2).
    private let anyAnswer: UInt32
    /// CNAMEs followed within one answer; resolvers go on from there.
    private static let chainLimit = Responder.chainLimit
    /// An answer that is this long already gets no additional data: little of it would ever fit.
    private static let supplementLimit = 4096
    /// RFC 8482 suggests a long TTL, for the sake of those who repeat such questions.
    private static let anyTTL: UInt32 = 3600

    init(builder: AuthorityBuilder, source: ZoneTables.Source) {
        self.builder = builder
        isFull = source.responses == .full
        anyAnswer = 0
        var any = AnswerWriter(tail: .root, isWhole: false)
        any.appendAnswer(
            type: .hinfo, ttl: Self.anyTTL, data: [7] + Array("RFC8482".utf8) + [0])
        store(any, outcome: .answered)
        if let server = source.identity.server { serverAnswer = storeChaos(server) + 1 }
        if let version = source.identity.version { versionAnswer = storeChaos(version) + 1 }

        for zone in source.zones.indices {
            let origin = source.zones[zone].origin
            var negative = AnswerWriter(tail: origin, isWhole: false)
            appendSOA(of: zone, to: &negative)
            let noData = store(negative, outcome: .noData)
            let nameError = store(negative, outcome: .nameError, responseCode: Responder.nameError)
            zones.append(ZoneAnswers(noData: noData, nameError: nameError, originLength: UInt8(origin.wire.count)))
        }
        for position in builder.nodes.indices { appendNode(position) }
        for (position, draft) in builder.nodes.enumerated() {
            guard draft.name.isWildcard, let parent = draft.name.parent, let above = builder.position(of: parent) else {
                continue
            }
            if !nodes[above].isRedirection { nodes[above].below = UInt32(position + 1) }
        }
        for zone in zones.indices {
            zones[zone].firstPattern = UInt32(patterns.count)
            for pattern in builder.patterns[zone] {
                guard let node = builder.position(of: pattern) else { continue }
                patterns.append(
                    NamePattern(
                        offset: UInt32(patternBytes.count), labelCount: UInt8(pattern.labelCount),
                        isOpen: pattern.isWildcard, node: UInt32(node)))
                patternBytes += pattern.folded
            }
            zones[zone].patternCount = UInt32(patterns.count) - zones[zone].firstPattern
        }
        for (name, binding) in zip(source.targets, source.services) {
            let zone = name.flatMap { builder.zone(of: $0) }
            targets.append(
                TargetName(
                    offset: UInt32(bytes.count), length: UInt8(name?.wire.count ?? 0),
                    zone: UInt32(zone.map { $0 + 1 } ?? 0)))
            bytes += name?.wire ?? []
            let service = binding.map(Self.serviceData) ?? []
            services.append(TargetName(offset: UInt32(bytes.count), length: UInt8(service.count), zone: 0))
            bytes += service
        }
    }

    /// The data of a pool's HTTPS records up to the hints: ServiceMode, the owner's name, and parameters with smaller
    /// keys than theirs (RFC 9460 section 2.2).
    private static func serviceData(_ binding: ServiceBinding) -> [UInt8] {
        let protocols = binding.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        var data: [UInt8] = [0, 1, 0]
        if !protocols.isEmpty { data += [0, 1, 0, UInt8(protocols.count)] + protocols }
        if let port = binding.port { data += [0, 3, 0, 2, UInt8(port >> 8), UInt8(port & 255)] }
        return data
    }

    // MARK: Storing

    @discardableResult
    private mutating func store(
        _ writer: AnswerWriter, outcome: Outcome, responseCode: UInt8 = 0, isAuthoritative: Bool = true
    ) -> UInt32 {
        let position = PreparedAnswers.begin(&bytes)
        PreparedAnswers.append(
            PreparedAnswer(
                offset: PreparedAnswers.offset(at: position), length: UInt32(writer.bytes.count),
                firstPointer: UInt32(pointers.count), pointerCount: UInt16(writer.pointers.count),
                answers: UInt16(writer.answers), authorities: UInt16(writer.authorities),
                additionals: UInt16(writer.additionals), outcome: outcome, responseCode: responseCode,
                isAuthoritative: isAuthoritative, cutCount: UInt8(writer.cuts.count)), to: &bytes)
        bytes += writer.bytes
        pointers += writer.pointers
        for cut in writer.cuts {
            pointers += [
                UInt16(truncatingIfNeeded: cut.length), cut.pointerCount, cut.authorities, cut.additionals,
            ]
        }
        return position
    }

    private mutating func storeChaos(_ text: String) -> UInt32 {
        let text = Array(text.utf8.prefix(255))
        var writer = AnswerWriter(tail: .root, isWhole: false)
        writer.appendAnswer(
            type: .txt, recordClass: QueryMessage.chaos, ttl: 0, data: [UInt8(text.count)] + text)
        return store(writer, outcome: .answered)
    }

    /// The SOA as negative answers carry it: its TTL is how long the "no" may be kept (RFC 2308 section 3).
    private func appendSOA(of zone: Int, to writer: inout AnswerWriter) {
        guard let soa = builder.soa[zone] else { return }
        let minimum = soa.data.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        writer.append(soa, to: .authority, ttl: min(soa.ttl, minimum))
    }

    // MARK: Nodes

    private mutating func appendNode(_ position: Int) {
        let draft = builder.nodes[position]
        let first = answers.count
        let other: UInt32
        var any = zones[draft.zone].noData
        let isApex = draft.name == builder.zones[draft.zone].origin
        if draft.kind == .delegation {
            var referral = AnswerWriter(tail: draft.name, isWhole: false)
            appendReferral(to: draft, &referral)
            other = store(referral, outcome: .referral, isAuthoritative: false)
            any = other
            appendDS(of: draft, behind: AnswerWriter(tail: draft.name, isWhole: true))
        } else if let alias = draft.set(.cname)?.first {
            (any, other) = appendChains(draft, alias)
        } else {
            other = zones[draft.zone].noData
            for (type, records) in draft.sets {
                var writer = self.writer(for: draft.name)
                for record in records { writer.appendAnswer(type: type, ttl: record.ttl, data: record.data) }
                supplement(&writer, with: records, owner: draft.name, zone: draft.zone)
                append(type, store(writer, outcome: .answered))
            }
            if !draft.sets.isEmpty { any = anyAnswer }
            appendDS(of: draft, behind: AnswerWriter(tail: draft.name, isWhole: true))
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
                isRedirection: draft.redirection != nil, zone: UInt32(draft.zone), subject: subject,
                firstAnswer: UInt32(first), answerCount: UInt32(answers.count - first), otherAnswer: other,
                anyAnswer: any, below: UInt32(draft.redirection == nil ? 0 : bytes.count)))
        names += draft.name.folded
        if let redirection = draft.redirection {
            // Type, class, TTL and data as they go into answers, the target uncompressed (RFC 6672 section 2.5).
            var writer = AnswerWriter(tail: .root, isWhole: false)
            writer.appendAnswer(type: .dname, ttl: redirection.ttl, data: redirection.data)
            bytes += writer.bytes.dropFirst(2)
        }
    }

    private mutating func append(_ type: RecordType, _ prepared: UInt32) {
        answers.append(TypedAnswer(type: type.rawValue, prepared: prepared))
    }

    /// A wildcard answers names of any length, of which only the part behind its `*` is known; so does a pattern.
    private func writer(for name: DomainName) -> AnswerWriter {
        if name.isPattern {
            var tail = name
            while tail.isPattern || tail.isWildcard, let parent = tail.parent { tail = parent }
            return AnswerWriter(tail: tail, isWhole: false)
        }
        if name.isWildcard, let parent = name.parent { return AnswerWriter(tail: parent, isWhole: false) }
        return AnswerWriter(tail: name, isWhole: true)
    }

    /// DS lies on the parent's side of a delegation: at other names this does nothing.
    private mutating func appendDS(of draft: AuthorityBuilder.Draft, behind chain: AnswerWriter) {
        let records: [ResourceRecord]
        let zone: Int
        if draft.kind == .delegation {
            (records, zone) = (draft.set(.ds) ?? [], draft.zone)
        } else if draft.name == builder.zones[draft.zone].origin, let parent = builder.parentZone[draft.name] {
            (records, zone) = (builder.parentDS[draft.name] ?? [], parent)
        } else {
            return
        }
        var writer = chain
        for record in records { writer.append(record, to: .answer) }
        if records.isEmpty { appendSOA(of: zone, to: &writer) }
        append(.ds, store(writer, outcome: records.isEmpty ? .noData : .answered))
    }

    /// Addresses of servers inside the delegation are required: if they do not fit, TC says so (RFC 9471 section 3.1).
    /// Those of other servers in the zone come along as far as they fit (section 3.2).
    private func appendReferral(to draft: AuthorityBuilder.Draft, _ writer: inout AnswerWriter) {
        var siblings: [DomainName] = []
        var inside: [DomainName] = []
        var seen: Set<DomainName> = []
        for server in draft.set(.ns) ?? [] {
            writer.append(server, to: .authority)
            guard let name = DomainName(wire: server.data), seen.insert(name).inserted else { continue }
            if name.isAtOrBelow(draft.name) {
                inside.append(name)
            } else if name.isAtOrBelow(builder.zones[draft.zone].origin) {
                siblings.append(name)
            }
        }
        for server in inside {
            for address in builder.addresses(of: server) { writer.append(address, to: .additional) }
        }
        for server in siblings {
            for type in [RecordType.a, .aaaa] {
                let addresses = builder.addresses(of: server).filter { $0.type == type }
                if !addresses.isEmpty { writer.allowCut() }
                for address in addresses { writer.append(address, to: .additional) }
            }
        }
    }

    // MARK: Supplements

    /// Adds the zone's name servers, and the addresses of all hosts that the answer names, as far as they are static and
    /// ours (RFC 1034 section 4.3.2 step 6). Nothing of it is required.
    private func supplement(
        _ writer: inout AnswerWriter, with records: [ResourceRecord], owner: DomainName, zone: Int
    ) {
        guard isFull, let type = records.first?.type else { return }
        var hosts = records.compactMap(\.target)
        let origin = builder.zones[zone].origin
        if !(type == .ns && owner == origin), let apex = builder.position(of: origin) {
            let servers = builder.nodes[apex].set(.ns) ?? []
            if !servers.isEmpty { writer.allowCut() }
            for server in servers { writer.append(server, to: .authority) }
            hosts += servers.compactMap(\.target)
        }
        var seen: Set<DomainName> = []
        for host in hosts where seen.insert(host).inserted {
            // What is in the answer section already is not said again. A wildcard may have been asked for any of its names.
            let isOwner = host == owner || (owner.isWildcard && owner.parent.map { host.isAtOrBelow($0) } == true)
            for addresses in builder.addressSets(of: host) {
                guard let first = addresses.first, !isOwner || first.type != type else { continue }
                guard writer.bytes.count < Self.supplementLimit else { return }
                writer.allowCut()
                for address in addresses { writer.append(address, to: .additional, owner: host) }
            }
        }
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
        let single = store(chain, outcome: .answered)
        append(.cname, single)
        var hops = 1
        var visited: Set<DomainName> = [draft.name]
        // A record stands in an answer once (RFC 2181 section 5), so a DNAME that comes again ends the chain.
        var redirections: Set<Int> = []
        var current = DomainName(wire: alias.data)
        while let target = current, hops < Self.chainLimit, visited.insert(target).inserted {
            hops += 1
            switch builder.place(of: target) {
            case .outside:
                return (single, store(chain, outcome: .answered))
            case .delegated(let position):
                let cut = builder.nodes[position]
                if cut.name == target { appendDS(of: cut, behind: chain) }
                // RFC 1034 section 4.3.2 step 3b. The answer is the aliases, with the AA of the first: where to go on from
                // here is extra.
                chain.allowCut()
                appendReferral(to: cut, &chain)
                return (single, store(chain, outcome: .answered))
            case .nameError(let zone):
                appendSOA(of: zone, to: &chain)
                // RFC 6604 section 3: the code is about the last name of the chain.
                return (single, store(chain, outcome: .nameError, responseCode: Responder.nameError))
            case .redirected(let position):
                let node = builder.nodes[position]
                guard let redirection = node.redirection, let end = DomainName(wire: redirection.data),
                    redirections.insert(position).inserted
                else {
                    return (single, store(chain, outcome: .answered))
                }
                chain.append(redirection, to: .answer)
                guard let next = target.replacing(suffix: node.name, with: end) else {
                    return (single, store(chain, outcome: .failure, responseCode: Responder.nameTooLong))
                }
                chain.append(
                    ResourceRecord(owner: target, type: .cname, ttl: redirection.ttl, data: next.wire), to: .answer)
                current = next
            case .node(let position):
                let node = builder.nodes[position]
                if node.subject != nil { return (single, store(chain, outcome: .answered)) }
                // The wildcard that was asked is never left again, and the question may have been this target.
                if node.name == draft.name { return (single, store(chain, outcome: .answered)) }
                if let next = node.set(.cname)?.first {
                    chain.append(next, to: .answer, owner: target)
                    current = DomainName(wire: next.data)
                    continue
                }
                for (type, records) in node.sets {
                    if type == .dname, redirections.contains(position) {
                        append(type, store(chain, outcome: .answered))
                        continue
                    }
                    var whole = chain
                    for record in records { whole.append(record, to: .answer, owner: target) }
                    supplement(&whole, with: records, owner: target, zone: node.zone)
                    append(type, store(whole, outcome: .answered))
                }
                appendDS(of: node, behind: chain)
                appendSOA(of: node.zone, to: &chain)
                return (single, store(chain, outcome: .noData))
            }
        }
        return (single, store(chain, outcome: .answered))
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
