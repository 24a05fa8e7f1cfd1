/// What makes records a zone that can be served: RFC 1034 section 3.6.2 and 4.2, RFC 2181 sections 5, 6 and 10.
///
/// An error is what makes answers wrong or impossible. A warning is what is answered as it stands but helps nobody, or
/// what was left out or mended.
package struct ZoneChecks {
    /// The most bytes that the data of one set may have: it must fit into one message with its names.
    package static let setSizeLimit = 64_000
    /// Above this, in seconds, a passing NODATA of a steered name would be kept by resolvers for longer than an outage
    /// should last (RFC 2308 section 5).
    package static let negativeTTLAdvice: UInt32 = 60

    /// Checks the records of one zone and cleans them: duplicates are removed, each set gets one TTL, and records with a
    /// mistake are left out.
    /// - Parameters:
    ///   - steered: names that wide IPs and pools answer; they must not lie below a delegation or a DNAME.
    ///   - children: zones below this one that are served too: names in them are there.
    ///   - file, line, column: where the zone itself was written, for what is missing in it.
    package static func check(
        origin: DomainName, records: [LocatedRecord], steered: [DomainName] = [], children: [DomainName] = [],
        file: String = "", line: Int = 0, column: Int = 0
    ) -> (records: [ResourceRecord], diagnostics: [ZoneFileDiagnostic]) {
        var checks = ZoneChecks(
            origin: origin, steered: Set(steered), children: Set(children),
            place: LocatedRecord(.placeholder, file: file, line: line, column: column), located: records)
        checks.group()
        checks.checkApex()
        checks.checkAliases()
        checks.checkSizes()
        checks.checkBoundaries(steered: steered)
        checks.checkTargets()
        checks.checkContents()
        if !steered.isEmpty { checks.checkNegativeTTL() }
        return (checks.clean(), checks.diagnostics)
    }

    /// The records of one owner and type; none where a mistake took them out.
    struct RecordSet {
        let type: RecordType
        /// Positions in `located`.
        var records: Few<Int>
        /// The data of all records, as it is compared, once there are many.
        var known: Set<[UInt8]> = []
    }

    struct Owner {
        let name: DomainName
        var sets = Few<RecordSet>()

        func has(_ type: RecordType) -> Bool { sets.contains { $0.type == type && !$0.records.isEmpty } }
    }

    let origin: DomainName
    let steered: Set<DomainName>
    let children: Set<DomainName>
    private let place: LocatedRecord
    /// The records as they were given, with one TTL for each set.
    private(set) var located: [LocatedRecord]
    /// In the order of the file.
    private(set) var owners: [Owner] = []
    private(set) var positions: [DomainName: Int] = [:]
    private(set) var diagnostics: [ZoneFileDiagnostic] = []
    /// Names that other servers answer for: owners of NS records below the origin.
    var cuts: Set<DomainName> = []
    /// Owners of DNAME records.
    var redirections: Set<DomainName> = []
    /// Names that exist only because others lie below them; made when first needed.
    var nonTerminals: Set<DomainName>?

    private init(
        origin: DomainName, steered: Set<DomainName>, children: Set<DomainName>, place: LocatedRecord,
        located: [LocatedRecord]
    ) {
        self.origin = origin
        self.steered = steered
        self.children = children
        self.place = place
        self.located = located
    }

    mutating func report(
        _ message: String, at location: LocatedRecord? = nil, severity: ZoneFileDiagnostic.Severity = .error
    ) {
        let location = location.flatMap { $0.line == 0 ? nil : $0 } ?? place
        diagnostics.append(
            .init(
                severity: severity, file: location.file, line: location.line, column: location.column, message: message)
        )
    }

    mutating func warn(_ message: String, at location: LocatedRecord?) {
        report(message, at: location, severity: .warning)
    }

    // MARK: Grouping

    private mutating func group() {
        owners.reserveCapacity(located.count)
        positions.reserveCapacity(located.count)
        // Most records stand behind one of the same owner.
        var latest: Int?
        for index in located.indices {
            let record = located[index].record
            if let position = latest, owners[position].name.wire == record.owner.wire {
                add(index, to: position)
                continue
            }
            guard record.owner.isAtOrBelow(origin) else {
                report(
                    "\(record.owner) is outside the zone \(origin); a name without closing dot gets the origin appended",
                    at: located[index])
                continue
            }
            let next = owners.count
            // Writes where it finds nothing: one search instead of two.
            let position = Self.entered(&positions[record.owner, default: next])
            if position == next { owners.append(Owner(name: record.owner)) }
            latest = position
            add(index, to: position)
        }
    }

    private static func entered(_ position: inout Int) -> Int { position }

    /// What another software made of the zone when it signed it; it would not fit what is answered here.
    private static let signatures: Set<RecordType> = [.rrsig, .sig, .nsec, .nsec3, .nsec3param]
    /// From so many records of a set on, looking through them for a duplicate takes too long.
    private static let searchLimit = 16

    private mutating func add(_ index: Int, to position: Int) {
        let record = located[index].record
        guard !Self.signatures.contains(record.type) else {
            warn(
                "the \(record.type) record of \(record.owner) is left out, because signatures are not served from files; "
                    + "take it out", at: located[index])
            return
        }
        guard let set = owners[position].sets.firstIndex(where: { $0.type == record.type }) else {
            owners[position].sets.append(RecordSet(type: record.type, records: Few(index)))
            if record.type == .ns, record.owner != origin { cuts.insert(record.owner) }
            if record.type == .dname { redirections.insert(record.owner) }
            return
        }
        guard isNew(record, owner: position, set: set) else {
            warn("the same \(record.type) record of \(record.owner) is there already; take one out", at: located[index])
            return
        }
        let ttl = owners[position].sets[set].records.first.map { located[$0].record.ttl } ?? record.ttl
        owners[position].sets[set].records.append(index)
        if ttl != record.ttl {
            let lowest = min(ttl, record.ttl)
            warn(
                "the \(record.type) records of \(record.owner) have different TTLs; \(lowest) is used for all",
                at: located[index])
            for other in owners[position].sets[set].records { located[other].record.ttl = lowest }
        }
    }

    private mutating func isNew(_ record: ResourceRecord, owner: Int, set: Int) -> Bool {
        let data = RecordFormat.folded(record.data, type: record.type)
        let known = owners[owner].sets[set].records.lazy.map { [located] in
            RecordFormat.folded(located[$0].record.data, type: record.type)
        }
        if known.count < Self.searchLimit { return !known.contains(data) }
        if owners[owner].sets[set].known.isEmpty { owners[owner].sets[set].known = Set(known) }
        return owners[owner].sets[set].known.insert(data).inserted
    }

    mutating func remove(_ type: RecordType, of name: DomainName) {
        guard let position = positions[name], let set = owners[position].sets.firstIndex(where: { $0.type == type })
        else { return }
        owners[position].sets[set].records.removeAll()
        if type == .ns { cuts.remove(name) }
        if type == .dname { redirections.remove(name) }
    }

    func records(_ type: RecordType, of owner: Owner) -> [LocatedRecord] {
        owner.sets.first { $0.type == type }?.records.map { located[$0] } ?? []
    }

    func first(_ type: RecordType, of owner: Owner) -> LocatedRecord? {
        owner.sets.first { $0.type == type }.flatMap(firstRecord)
    }

    func firstRecord(of set: RecordSet) -> LocatedRecord? { set.records.first.map { located[$0] } }

    func set(_ owner: DomainName, _ type: RecordType) -> [LocatedRecord] {
        positions[owner].map { records(type, of: owners[$0]) } ?? []
    }

    private func clean() -> [ResourceRecord] {
        var result: [ResourceRecord] = []
        result.reserveCapacity(located.count)
        for owner in owners {
            for set in owner.sets {
                for index in set.records { result.append(located[index].record) }
            }
        }
        return result
    }

    // MARK: Checks of single names

    private mutating func checkApex() {
        let soa = set(origin, .soa)
        if soa.isEmpty { report("the zone \(origin) has no SOA record; write one at its origin") }
        for extra in soa.dropFirst() { report("the zone \(origin) has a second SOA record; take one out", at: extra) }
        if set(origin, .ns).isEmpty { report("the zone \(origin) has no NS record; name its servers at its origin") }
        for owner in owners where owner.name != origin {
            if let first = first(.soa, of: owner) {
                report("the SOA record of \(owner.name) is not at the zone's origin, \(origin); take it out", at: first)
                remove(.soa, of: owner.name)
            }
            if owner.name.isWildcard, let first = first(.ns, of: owner) {
                report("a wildcard cannot be delegated (RFC 4592 section 4.2); take the NS record out", at: first)
                remove(.ns, of: owner.name)
            }
        }
    }

    private mutating func checkAliases() {
        for owner in owners {
            for extra in records(.dname, of: owner).dropFirst() {
                report("\(owner.name) has a second DNAME; a name is redirected to one other", at: extra)
            }
            if owner.name.isWildcard, let first = first(.dname, of: owner) {
                report("a wildcard cannot be redirected (RFC 4592 section 4.4); take the DNAME record out", at: first)
                remove(.dname, of: owner.name)
            }
            guard let first = first(.cname, of: owner) else { continue }
            if owner.name == origin {
                report("a zone's origin cannot be a CNAME: its SOA and NS records stand there", at: first)
                remove(.cname, of: owner.name)
                continue
            }
            for extra in records(.cname, of: owner).dropFirst() {
                report("\(owner.name) has a second CNAME; a name is an alias of one other", at: extra)
            }
            if let other = owner.sets.first(where: { $0.type != .cname && !$0.records.isEmpty }) {
                report(
                    "\(owner.name) has a CNAME and \(other.type) data; a name with a CNAME has nothing else", at: first)
            }
            reportLoop(from: owner.name, first)
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
        for owner in owners {
            for set in owner.sets {
                // Each record costs 12 bytes with a compressed owner name.
                let size = set.records.reduce(0) { $0 + located[$1].record.data.count + 12 }
                guard size > Self.setSizeLimit, let last = set.records.last.map({ located[$0] }) else { continue }
                report(
                    "the \(set.type) records of \(owner.name) have \(size) bytes; \(Self.setSizeLimit) fit in a message",
                    at: last)
                remove(set.type, of: owner.name)
            }
        }
    }

    private mutating func checkNegativeTTL() {
        guard let soa = set(origin, .soa).first else { return }
        let minimum = soa.record.data.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let negative = min(minimum, soa.record.ttl)
        if negative > Self.negativeTTLAdvice {
            warn(
                "resolvers keep \"no such data\" for \(negative) s in this zone, which holds wide IPs or pools; "
                    + "set the SOA's minimum to \(Self.negativeTTLAdvice) s or less", at: soa)
        }
    }
}

extension ResourceRecord {
    fileprivate static let placeholder = ResourceRecord(owner: .root, type: .a, ttl: 0, data: [])
}
