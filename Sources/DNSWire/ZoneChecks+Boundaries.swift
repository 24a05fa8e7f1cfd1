/// Where a zone ends: delegations (RFC 1034 section 4.2.1) and DNAMEs (RFC 6672 section 2.4).
extension ZoneChecks {
    mutating func checkBoundaries(steered: [DomainName]) {
        guard !cuts.isEmpty || !redirections.isEmpty else { return }
        let servers = delegatedServers()
        for owner in owners {
            checkBoundary(at: owner)
            checkHidden(owner, servers: servers)
        }
        for name in steered {
            if let cut = cut(above: name) {
                report("\(name) is never answered here, because \(cut) is delegated", at: set(cut, .ns).first)
            } else if let redirection = redirection(above: name) {
                report(
                    "\(name) is never answered here, because \(redirection) has a DNAME",
                    at: set(redirection, .dname).first
                )
            }
        }
    }

    /// The highest delegation at or above a name.
    func cut(above name: DomainName) -> DomainName? {
        guard !cuts.isEmpty else { return nil }
        var found: DomainName?
        var current: DomainName? = name
        while let candidate = current, candidate != origin {
            if cuts.contains(candidate) { found = candidate }
            current = candidate.parent
        }
        return found
    }

    /// A DNAME above a name.
    func redirection(above name: DomainName) -> DomainName? {
        guard !redirections.isEmpty, name != origin else { return nil }
        var current = name.parent
        while let candidate = current {
            if redirections.contains(candidate) { return candidate }
            current = candidate == origin ? nil : candidate.parent
        }
        return nil
    }

    /// Hosts whose addresses go with delegations.
    private func delegatedServers() -> Set<DomainName> {
        Set(
            cuts.flatMap { cut in set(cut, .ns).compactMap(\.record.target) }
                + set(origin, .ns).compactMap(\.record.target))
    }

    private mutating func checkBoundary(at owner: Owner) {
        let isCut = cuts.contains(owner.name)
        if isCut, let first = first(.dname, of: owner) {
            report("\(owner.name) is delegated and has a DNAME; take one of the two out", at: first)
        }
        guard isCut, cut(above: owner.name) == owner.name else { return }
        let servers = records(.ns, of: owner)
        let isUnreachable = servers.allSatisfy { located in
            guard let server = located.record.target, server.isAtOrBelow(owner.name) else { return false }
            return set(server, .a).isEmpty && set(server, .aaaa).isEmpty
        }
        if isUnreachable, let first = servers.first {
            report(
                "nobody finds the servers of \(owner.name), because all of them lie inside it and none has an A or AAAA "
                    + "record here; write one for each", at: first)
        }
    }

    private mutating func checkHidden(_ owner: Owner, servers: Set<DomainName>) {
        if let cut = cut(above: owner.name) {
            for set in owner.sets {
                guard let first = firstRecord(of: set) else { continue }
                if owner.name == cut, [.ns, .ds, .dname].contains(set.type) { continue }
                if set.type == .a || set.type == .aaaa, servers.contains(owner.name) { continue }
                warn(
                    "the \(set.type) records of \(owner.name) are never answered, because \(cut) is delegated; "
                        + "take them out", at: first)
            }
        } else if let redirection = redirection(above: owner.name) {
            guard let first = owner.sets.first(where: { !$0.records.isEmpty }).flatMap(firstRecord) else { return }
            report(
                "\(owner.name) lies below the DNAME of \(redirection), where nothing may be (RFC 6672 section 2.4); take "
                    + "one of the two out", at: first)
        }
    }
}
