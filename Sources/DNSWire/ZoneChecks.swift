/// What makes records a zone that can be served: RFC 1034 section 3.6.2 and 4.2, RFC 2181 sections 5, 6 and 10.
package struct ZoneChecks {
    /// The most bytes that the data of one set may have: it must fit into one message with its names.
    package static let setSizeLimit = 64_000
    /// Above this, in seconds, a passing NODATA of a steered name would be kept by resolvers for longer than an outage
    /// should last (RFC 2308 section 5).
    package static let negativeTTLAdvice: UInt32 = 60

    /// Checks the records of one zone and cleans them: duplicates are removed, each set gets one TTL, and records with a
    /// mistake are left out.
    /// - Parameters:
    ///   - steered: names that wide IPs and pools answer; they must not lie below a delegation.
    ///   - file, line, column: where the zone itself was written, for what is missing in it.
    package static func check(
        origin: DomainName, records: [LocatedRecord], steered: [DomainName] = [], file: String = "", line: Int = 0,
        column: Int = 0
    ) -> (records: [ResourceRecord], diagnostics: [ZoneFileDiagnostic]) {
        var checks = ZoneChecks(
            origin: origin, place: LocatedRecord(.placeholder, file: file, line: line, column: column))
        checks.group(records)
        checks.checkApex()
        checks.checkAliases()
        checks.checkSizes()
        checks.checkDelegations(steered: steered)
        checks.checkNameServers(steered: steered)
        if !steered.isEmpty { checks.checkNegativeTTL() }
        return (checks.clean(), checks.diagnostics)
    }

    private struct SetKey: Hashable {
        var owner: DomainName
        var type: RecordType
    }

    private let origin: DomainName
    private let place: LocatedRecord
    /// The sets in the order of the file; `nil` where a mistake took one out.
    private var groups: [(key: SetKey, records: [LocatedRecord]?)] = []
    private var positions: [SetKey: Int] = [:]
    private var wildcards: Set<DomainName> = []
    private var diagnostics: [ZoneFileDiagnostic] = []

    private init(origin: DomainName, place: LocatedRecord) {
        self.origin = origin
        self.place = place
    }

    private mutating func report(
        _ message: String, at location: LocatedRecord? = nil, severity: ZoneFileDiagnostic.Severity = .error
    ) {
        let location = location.flatMap { $0.line == 0 ? nil : $0 } ?? place
        diagnostics.append(
            .init(
                severity: severity, file: location.file, line: location.line, column: location.column, message: message)
        )
    }

    private mutating func group(_ records: [LocatedRecord]) {
        groups.reserveCapacity(records.count)
        positions.reserveCapacity(records.count)
        for located in records {
            let record = located.record
            guard record.owner.isAtOrBelow(origin) else {
                report(
                    "\(record.owner) is outside the zone \(origin); a name without closing dot gets the origin appended",
                    at: located)
                continue
            }
            if record.type == .dname {
                report("DNAME records are not served; write CNAME records for the names that are used", at: located)
                continue
            }
            let key = SetKey(owner: record.owner, type: record.type)
            guard let position = positions[key], let first = groups[position].records?.first else {
                positions[key] = groups.count
                groups.append((key, [located]))
                if record.owner.isWildcard { wildcards.insert(record.owner) }
                continue
            }
            let data = RecordFormat.folded(record.data, type: record.type)
            let isKnown = groups[position].records?.contains { other in
                RecordFormat.folded(other.record.data, type: record.type) == data
            }
            if isKnown == true {
                report(
                    "the same \(record.type) record of \(record.owner) is there already; take one out", at: located,
                    severity: .warning)
                continue
            }
            var added = located
            if first.record.ttl != record.ttl {
                let lowest = min(first.record.ttl, record.ttl)
                report(
                    "the \(record.type) records of \(record.owner) have different TTLs; \(lowest) is used for all",
                    at: located, severity: .warning)
                for index in groups[position].records?.indices ?? 0..<0 {
                    groups[position].records?[index].record.ttl = lowest
                }
                added.record.ttl = lowest
            }
            groups[position].records?.append(added)
        }
    }

    private mutating func remove(_ key: SetKey) {
        if let position = positions.removeValue(forKey: key) { groups[position].records = nil }
    }

    private func set(_ owner: DomainName, _ type: RecordType) -> [LocatedRecord] {
        positions[SetKey(owner: owner, type: type)].flatMap { groups[$0].records } ?? []
    }

    private mutating func checkApex() {
        let soa = set(origin, .soa)
        if soa.isEmpty { report("the zone \(origin) has no SOA record; write one at its origin") }
        for extra in soa.dropFirst() { report("the zone \(origin) has a second SOA record; take one out", at: extra) }
        if set(origin, .ns).isEmpty { report("the zone \(origin) has no NS record; name its servers at its origin") }
        for (key, records) in groups where (key.type == .soa || key.type == .ns) && key.owner != origin {
            guard let first = records?.first else { continue }
            if key.type == .soa {
                report("the SOA record of \(key.owner) is not at the zone's origin, \(origin); take it out", at: first)
                remove(key)
            } else if key.type == .ns, key.owner.isWildcard {
                report("a wildcard cannot be delegated (RFC 4592 section 4.2); take the NS record out", at: first)
                remove(key)
            }
        }
    }

    private mutating func checkAliases() {
        let aliases = groups.filter { $0.key.type == .cname }
        guard !aliases.isEmpty else { return }
        let others = Dictionary(
            groups.filter { $0.key.type != .cname }.map { ($0.key.owner, $0.key.type) }
        ) { first, _ in first }
        for (key, records) in aliases {
            guard let records, let first = records.first else { continue }
            if key.owner == origin {
                report("a zone's origin cannot be a CNAME: its SOA and NS records stand there", at: first)
                remove(key)
                continue
            }
            for extra in records.dropFirst() {
                report("\(key.owner) has a second CNAME; a name is an alias of one other", at: extra)
            }
            if let other = others[key.owner] {
                report("\(key.owner) has a CNAME and \(other) data; a name with a CNAME has nothing else", at: first)
            }
            reportLoop(from: key.owner, first)
        }
    }

    /// Follows the CNAMEs of the zone from one of them, and reports a loop once: at its smallest name.
    private mutating func reportLoop(from start: DomainName, _ located: LocatedRecord) {
        var name = start
        var visited: Set<DomainName> = []
        var isSmallest = true
        while visited.insert(name).inserted {
            guard let target = set(name, .cname).first.flatMap({ DomainName(wire: $0.record.data) }) else { return }
            name = target
            if name.folded.lexicographicallyPrecedes(start.folded) { isSmallest = false }
        }
        if name == start, isSmallest {
            report("the CNAME of \(start) leads back to itself; no address will ever be found", at: located)
        }
    }

    private mutating func checkSizes() {
        for (key, records) in groups {
            guard let records, let last = records.last else { continue }
            // Each record costs 12 bytes with a compressed owner name.
            let size = records.reduce(0) { $0 + $1.record.data.count + 12 }
            if size > Self.setSizeLimit {
                report(
                    "the \(key.type) records of \(key.owner) have \(size) bytes; \(Self.setSizeLimit) fit in a message",
                    at: last)
                remove(key)
            }
        }
    }

    /// The delegation that `name` lies at or below, if any: the highest one.
    private func cut(above name: DomainName) -> DomainName? {
        var found: DomainName?
        var current: DomainName? = name
        while let candidate = current, candidate != origin {
            if positions[SetKey(owner: candidate, type: .ns)] != nil { found = candidate }
            current = candidate.parent
        }
        return found
    }

    private mutating func checkDelegations(steered: [DomainName]) {
        var cuts: Set<DomainName> = []
        var servers: Set<DomainName> = []
        for (key, records) in groups where key.type == .ns {
            guard let records else { continue }
            if key.owner != origin { cuts.insert(key.owner) }
            for record in records {
                if let server = DomainName(wire: record.record.data) { servers.insert(server) }
            }
        }
        guard !cuts.isEmpty else { return }
        for (key, records) in groups where key.owner != origin {
            guard let first = records?.first, let cut = cut(above: key.owner) else { continue }
            if key.owner == cut, key.type == .ns || key.type == .ds { continue }
            if key.type == .a || key.type == .aaaa, servers.contains(key.owner) { continue }
            report(
                "the \(key.type) records of \(key.owner) are never answered, because \(cut) is delegated; take them out",
                at: first, severity: .warning)
        }
        for name in steered {
            if let cut = cut(above: name) {
                report("\(name) is never answered here, because \(cut) is delegated", at: set(cut, .ns).first)
            }
        }
    }

    private mutating func checkNameServers(steered: [DomainName]) {
        let steered = Set(steered)
        for (key, records) in groups where key.type == .ns {
            for located in records ?? [] {
                guard let server = DomainName(wire: located.record.data), server.isAtOrBelow(origin) else { continue }
                // A server in a part of the zone that another delegation gives away has its address there.
                if let cut = cut(above: server), cut != key.owner { continue }
                let hasAddress = !set(server, .a).isEmpty || !set(server, .aaaa).isEmpty || steered.contains(server)
                if !hasAddress, !isWildcardMatch(server) {
                    report(
                        "the name server \(server) lies in this zone but has no A or AAAA record; write one",
                        at: located, severity: .warning)
                }
                if !set(server, .cname).isEmpty {
                    report(
                        "the name server \(server) is a CNAME, which RFC 2181 section 10.3 forbids", at: located,
                        severity: .warning)
                }
            }
        }
    }

    private func isWildcardMatch(_ name: DomainName) -> Bool {
        var current = name.parent
        while let parent = current, parent.isAtOrBelow(origin) {
            if let wildcard = DomainName(wire: [1, UInt8(ascii: "*")] + parent.wire), wildcards.contains(wildcard) {
                return true
            }
            current = parent.parent
        }
        return false
    }

    private mutating func checkNegativeTTL() {
        guard let soa = set(origin, .soa).first else { return }
        let minimum = soa.record.data.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let negative = min(minimum, soa.record.ttl)
        if negative > Self.negativeTTLAdvice {
            report(
                "resolvers keep \"no such data\" for \(negative) s in this zone, which holds wide IPs or pools; "
                    + "set the SOA's minimum to \(Self.negativeTTLAdvice) s or less", at: soa, severity: .warning)
        }
    }

    private func clean() -> [ResourceRecord] {
        groups.flatMap { ($0.records ?? []).map(\.record) }
    }
}

extension ResourceRecord {
    fileprivate static let placeholder = ResourceRecord(owner: .root, type: .a, ttl: 0, data: [])
}
