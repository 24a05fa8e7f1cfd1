/// What records say, and whether the zone knows the names that they lead to.
extension ZoneChecks {
    private enum Place {
        /// An owner, or the wildcard that stands for it.
        case owner(Int)
        /// There, but its data is not in this file; or in a part of the zone that others answer for.
        case elsewhere
        /// Nothing but names below it.
        case empty
        case missing
    }

    private mutating func place(of name: DomainName) -> Place {
        if let position = positions[name], cut(above: name) == nil { return .owner(position) }
        if steered.contains(name) || isInChild(name) || cut(above: name) != nil || redirection(above: name) != nil {
            return .elsewhere
        }
        let existing = allNonTerminals()
        if existing.contains(name) { return .empty }
        // RFC 4592 section 3.3.1: the wildcard of the closest encloser, and of no other.
        var current = name.parent
        while let encloser = current, encloser.isAtOrBelow(origin) {
            if positions[encloser] != nil || existing.contains(encloser) {
                let wildcard = DomainName(wire: [1, UInt8(ascii: "*")] + encloser.wire)
                return wildcard.flatMap { positions[$0] }.map { .owner($0) } ?? .missing
            }
            current = encloser.parent
        }
        return .missing
    }

    private func isInChild(_ name: DomainName) -> Bool {
        guard !children.isEmpty else { return false }
        var current: DomainName? = name
        while let candidate = current, candidate != origin {
            if children.contains(candidate) { return true }
            current = candidate.parent
        }
        return false
    }

    private mutating func allNonTerminals() -> Set<DomainName> {
        if let nonTerminals { return nonTerminals }
        var result: Set<DomainName> = []
        for name in owners.map(\.name) + Array(steered) + Array(children) where name != origin {
            var current = name.parent
            while let candidate = current, candidate != origin, result.insert(candidate).inserted {
                current = candidate.parent
            }
        }
        nonTerminals = result
        return result
    }

    mutating func checkTargets() {
        for owner in owners {
            guard cut(above: owner.name).map({ $0 == owner.name }) ?? true else { continue }
            for set in owner.sets {
                for index in set.records { checkTarget(located[index]) }
            }
        }
    }

    private mutating func checkTarget(_ located: LocatedRecord) {
        let record = located.record
        let isAlias = record.type == .cname || record.type == .dname
        guard let target = isAlias ? DomainName(wire: record.data) : record.target, target.isAtOrBelow(origin) else {
            return
        }
        let what = record.type == .ns ? "the name server \(target)" : "the \(record.type) target \(target)"
        // Of a delegation's servers, those inside it have their addresses here and nowhere else.
        if record.type == .ns, cuts.contains(record.owner), target.isAtOrBelow(record.owner) {
            if set(target, .a).isEmpty, set(target, .aaaa).isEmpty {
                warn("\(what) lies in this zone but has no A or AAAA record; write one", at: located)
            }
            return
        }
        switch place(of: target) {
        case .elsewhere: break
        case .missing:
            let missing =
                record.type == .ns
                ? "lies in this zone but has no A or AAAA record; write one"
                : "does not exist in this zone; write its records, or correct the name"
            warn("\(what) \(missing)", at: located)
        case .empty:
            if record.type != .dname {
                warn("\(what) has no records of its own; write them, or correct the name", at: located)
            }
        case .owner(let position):
            guard !isAlias, record.type != .svcb, record.type != .https else { return }
            let host = owners[position]
            if host.has(.cname) {
                warn("\(what) is a CNAME, which RFC 2181 section 10.3 forbids; name its target", at: located)
            } else if !host.has(.a), !host.has(.aaaa) {
                warn("\(what) lies in this zone but has no A or AAAA record; write one", at: located)
            }
        }
    }

    mutating func checkContents() {
        let doubled = DomainName(wire: origin.wire.dropLast() + origin.wire)
        for owner in owners {
            for set in owner.sets {
                guard let first = firstRecord(of: set) else { continue }
                if let doubled, origin != .root, owner.name.isAtOrBelow(doubled) {
                    warn("\(owner.name) has the zone's name twice; write a dot at its end", at: first)
                }
                if set.type == .a || set.type == .aaaa || set.type == .mx, !isHostName(owner.name) {
                    warn(
                        "\(owner.name) is no host name (RFC 1123 section 2.1): letters, digits and hyphens are",
                        at: first)
                }
                if set.type == .ds, !cuts.contains(owner.name) {
                    warn(
                        "\(owner.name) has DS records but is not delegated; write its NS records, or take them out",
                        at: first)
                }
                for index in set.records { checkContent(located[index], doubled: doubled) }
            }
        }
    }

    private mutating func checkContent(_ located: LocatedRecord, doubled: DomainName?) {
        let record = located.record
        if let problem = record.digestProblem { warn(problem, at: located) }
        if record.type == .svcb || record.type == .https, record.data.starts(with: [0, 0]),
            record.data.count > 2 + (record.target?.wire.count ?? 1)
        {
            warn(
                "the \(record.type) record of \(record.owner) has priority 0, so its parameters are ignored "
                    + "(RFC 9460 section 2.4.2); take them out", at: located)
        }
        let isAlias = record.type == .cname || record.type == .ptr || record.type == .dname
        guard let target = isAlias ? DomainName(wire: record.data) : record.target else { return }
        if let doubled, origin != .root, target.isAtOrBelow(doubled) {
            warn("the \(record.type) target \(target) has the zone's name twice; write a dot at its end", at: located)
        }
        guard [.ns, .mx, .srv].contains(record.type) else { return }
        if target.isAddress {
            warn("the \(record.type) target \(target) is an address; name a host that has it", at: located)
        } else if !isHostName(target) {
            warn(
                "the \(record.type) target \(target) is no host name (RFC 1123 section 2.1): letters, digits and hyphens "
                    + "are", at: located)
        }
    }

    /// Labels of letters, digits and inner hyphens; a wildcard may stand in front.
    private func isHostName(_ name: DomainName) -> Bool {
        var index = name.isWildcard ? 2 : 0
        let wire = name.wire
        while wire[index] != 0 {
            let label = wire[(index + 1)...(index + Int(wire[index]))]
            guard label.allSatisfy({ RecordFormat.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }),
                label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-")
            else { return false }
            index += 1 + label.count
        }
        return true
    }
}

extension DomainName {
    /// Whether it is four numbers with dots: an IPv4 address in the wrong place, with the origin behind it or not.
    fileprivate var isAddress: Bool {
        var index = 0
        for _ in 0..<4 {
            let length = Int(wire[index])
            guard (1...3).contains(length), wire[(index + 1)...(index + length)].allSatisfy({ (48...57).contains($0) })
            else { return false }
            index += 1 + length
        }
        return true
    }
}

extension ResourceRecord {
    /// What is wrong with the length of a digest whose kind is known: nothing will ever match it.
    fileprivate var digestProblem: String? {
        let (kind, header, sizes): (Int, Int, [UInt8: Int])
        switch type {
        case .ds, .cds, .dlv: (kind, header, sizes) = (3, 4, [1: 20, 2: 32, 4: 48])
        case .sshfp: (kind, header, sizes) = (1, 2, [1: 20, 2: 32])
        case .tlsa, .smimea: (kind, header, sizes) = (2, 3, [1: 32, 2: 64])
        case .zonemd: (kind, header, sizes) = (5, 6, [1: 48, 2: 64])
        default: return nil
        }
        guard data.count > header, let size = sizes[data[kind]], data.count - header != size else { return nil }
        return "the digest of \(owner) has \(data.count - header) bytes; its kind, \(data[kind]), has \(size)"
    }
}
