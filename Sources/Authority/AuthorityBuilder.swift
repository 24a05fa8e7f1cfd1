import DNSWire
import Steering
import TrafficModel

/// Sorts the records of all zones into the names that exist, and finds out what each of them is.
struct AuthorityBuilder {
    struct Draft {
        enum Kind { case authoritative, delegation }

        let name: DomainName
        let zone: Int
        var kind = Kind.authoritative
        var sets: [(type: RecordType, records: [ResourceRecord])] = []
        var subject: SteeredSubject?

        func set(_ type: RecordType) -> [ResourceRecord]? { sets.first { $0.type == type }?.records }

        /// The DNAME that moves everything below this name; a wildcard has none (RFC 4592 section 4.4).
        var redirection: ResourceRecord? {
            kind == .delegation || name.isWildcard ? nil : set(.dname)?.first
        }

        mutating func add(_ record: ResourceRecord) {
            if let index = sets.firstIndex(where: { $0.type == record.type }) {
                sets[index].records.append(record)
            } else {
                sets.append((record.type, [record]))
            }
        }
    }

    /// Where a CNAME's target lies.
    enum Place {
        case node(Int)
        /// Below the DNAME at this node.
        case redirected(Int)
        case nameError(zone: Int)
        /// At or below the delegation at this node.
        case delegated(Int)
        case outside
    }

    let zones: [Zone]
    let steered: [(name: DomainName, subject: SteeredSubject)]
    private(set) var nodes: [Draft] = []
    private(set) var soa: [ResourceRecord?]
    /// Addresses in delegated parts of zones, by name.
    private(set) var glue: [DomainName: [ResourceRecord]] = [:]
    /// DS records that a zone holds for the apex of another that is served here too.
    private(set) var parentDS: [DomainName: [ResourceRecord]] = [:]
    /// The zone that delegates a zone of ours, by that zone's apex.
    private(set) var parentZone: [DomainName: Int] = [:]
    /// Steered names with `?` or `*`, of each zone, the closest first.
    private(set) var patterns: [[DomainName]]
    private var positions: [DomainName: Int] = [:]
    /// The name whose child was inserted last: the next one is most often its child too.
    private var latestParent: DomainName?
    /// Whether the part of another zone is cut out of a zone's names.
    private var hasZoneBelow: [Bool]
    private let origins: [DomainName: Int]
    private var cuts: Set<DomainName> = []
    private var redirections: Set<DomainName> = []

    init(zones: [Zone], steered: [(name: DomainName, subject: SteeredSubject)]) {
        self.zones = zones
        self.steered = steered
        hasZoneBelow = zones.map { _ in false }
        patterns = zones.map { _ in [] }
        soa = zones.map { zone in zone.records.first { $0.type == .soa && $0.owner == zone.origin } }
        // Two zones of one origin are a mistake that configurations cannot have; the first would win.
        origins = Dictionary(zones.enumerated().map { ($1.origin, $0) }) { first, _ in first }
    }

    mutating func build() {
        for zone in zones {
            guard let above = zone.origin.parent, let parent = self.zone(of: above) else { continue }
            parentZone[zone.origin] = parent
            hasZoneBelow[parent] = true
        }
        let records = zones.reduce(0) { $0 + $1.records.count } + steered.count
        nodes.reserveCapacity(records)
        positions.reserveCapacity(records)
        for (position, zone) in zones.enumerated() {
            for record in zone.records where record.type == .ns && record.owner != zone.origin {
                if isOf(record.owner, zone: position) { cuts.insert(record.owner) }
            }
            for record in zone.records where record.type == .dname && !record.owner.isWildcard {
                if isOf(record.owner, zone: position) { redirections.insert(record.owner) }
            }
        }
        for (position, zone) in zones.enumerated() {
            insert(zone.origin, zone: position)
            for record in zone.records { add(record, from: position) }
        }
        for (name, subject) in steered {
            guard let zone = zone(of: name), exists(name, inZone: zone) else { continue }
            nodes[insert(name, zone: zone)].subject = subject
            if name.isPattern { patterns[zone].append(name) }
        }
        for zone in zones.indices where !patterns[zone].isEmpty {
            let ranked = patterns[zone].enumerated().sorted {
                ($1.element.literalCount, $0.offset) < ($0.element.literalCount, $1.offset)
            }
            patterns[zone] = ranked.prefix(NamePattern.limit).map(\.element)
        }
        // The names between a zone and the one above it exist too (RFC 8020), whoever serves the zone.
        for (origin, zone) in parentZone {
            if let above = origin.parent, exists(above, inZone: zone) { insert(above, zone: zone) }
        }
    }

    /// Whether the zone itself answers for a name in it: no delegation and no DNAME stands in between.
    private func exists(_ name: DomainName, inZone zone: Int) -> Bool {
        cut(of: name, zone: zone) == nil && !isRedirected(name, zone: zone)
    }

    private func isRedirected(_ name: DomainName, zone: Int) -> Bool {
        guard !redirections.isEmpty else { return false }
        var current = name == zones[zone].origin ? nil : name.parent
        while let candidate = current {
            if redirections.contains(candidate) { return true }
            current = candidate == zones[zone].origin ? nil : candidate.parent
        }
        return false
    }

    /// Whether a zone answers for a name.
    private func isOf(_ name: DomainName, zone: Int) -> Bool {
        hasZoneBelow[zone] ? self.zone(of: name) == zone : name.isAtOrBelow(zones[zone].origin)
    }

    /// The zone that answers for a name: the one with the longest origin.
    func zone(of name: DomainName) -> Int? {
        var current: DomainName? = name
        while let candidate = current {
            if let zone = origins[candidate] { return zone }
            current = candidate.parent
        }
        return nil
    }

    /// The highest delegation at or above a name in its zone.
    private func cut(of name: DomainName, zone: Int) -> DomainName? {
        guard !cuts.isEmpty else { return nil }
        var found: DomainName?
        var current: DomainName? = name
        while let candidate = current, candidate != zones[zone].origin {
            if cuts.contains(candidate) { found = candidate }
            current = candidate.parent
        }
        return found
    }

    private mutating func add(_ record: ResourceRecord, from zone: Int) {
        guard isOf(record.owner, zone: zone) else {
            // The child's apex, or below it: only DS belongs to the parent (RFC 4035 section 3.1.4.1).
            if record.type == .ds, origins[record.owner] != nil { parentDS[record.owner, default: []].append(record) }
            return
        }
        if let cut = cut(of: record.owner, zone: zone) {
            if record.type == .a || record.type == .aaaa { glue[record.owner, default: []].append(record) }
            guard cut == record.owner, record.type == .ns || record.type == .ds else { return }
            let position = insert(cut, zone: zone)
            nodes[position].kind = .delegation
            nodes[position].add(record)
            return
        }
        if isRedirected(record.owner, zone: zone) { return }
        nodes[insert(record.owner, zone: zone)].add(record)
    }

    /// Inserts a name with all names between it and its zone's origin: they exist, even without data (RFC 8020).
    @discardableResult
    private mutating func insert(_ name: DomainName, zone: Int) -> Int {
        let next = nodes.count
        // Writes where it finds nothing: one search instead of two.
        let position = Self.entered(&positions[name, default: next])
        guard position == next else { return position }
        nodes.append(Draft(name: name, zone: zone))
        guard name != zones[zone].origin, name.wire[0] != 0 else { return position }
        // A parent is in the table as soon as one child is.
        let rest = name.folded[(1 + Int(name.folded[0]))...]
        if let latestParent, rest.elementsEqual(latestParent.folded) { return position }
        if let parent = name.parent {
            insert(parent, zone: zone)
            latestParent = parent
        }
        return position
    }

    private static func entered(_ position: inout Int) -> Int { position }

    func position(of name: DomainName) -> Int? { positions[name] }

    func place(of name: DomainName) -> Place {
        if let position = positions[name] {
            return nodes[position].kind == .delegation ? .delegated(position) : .node(position)
        }
        var current = name.parent
        while let candidate = current {
            if let position = positions[candidate] {
                let node = nodes[position]
                if node.kind == .delegation { return .delegated(position) }
                if node.redirection != nil { return .redirected(position) }
                if let at = patternPosition(of: name, zone: node.zone) { return .node(at) }
                if let wildcard = DomainName(wire: [1, UInt8(ascii: "*")] + candidate.wire),
                    let at = positions[wildcard]
                {
                    return nodes[at].kind == .delegation ? .delegated(at) : .node(at)
                }
                return .nameError(zone: node.zone)
            }
            current = candidate.parent
        }
        return .outside
    }

    /// The node of the pattern that a name matches, or the one without data that stands above it.
    private func patternPosition(of name: DomainName, zone: Int) -> Int? {
        var above: Int?
        for pattern in patterns[zone] {
            switch pattern.compare(name) {
            case .matches: return positions[pattern]
            case .isAbove:
                var literal: DomainName? = pattern
                while let longer = literal, longer.labelCount > name.labelCount { literal = longer.parent }
                above = above ?? literal.flatMap { positions[$0] }
            case .differs: break
            }
        }
        return above
    }

    /// The addresses this zone knows for a name server: glue, or its own data.
    func addresses(of server: DomainName) -> [ResourceRecord] {
        if let glue = glue[server] { return glue }
        guard let position = positions[server] else { return [] }
        return nodes[position].sets.filter { $0.type == .a || $0.type == .aaaa }.flatMap(\.records)
    }

    /// The addresses that a host has here, by type, if they do not depend on who asks.
    func addressSets(of host: DomainName) -> [[ResourceRecord]] {
        guard case .node(let position) = place(of: host), nodes[position].subject == nil else { return [] }
        return [RecordType.a, .aaaa].compactMap { nodes[position].set($0) }
    }
}
