internal import DNSWire
internal import TrafficModel

extension ConfigurationAssembly {
    mutating func assemblePools() {
        for entry in draft.pools {
            var pool = entry.value?.value ?? Pool(name: "")
            pool.name = entry.name
            if let places = entry.value?.places { complete(&pool, places, at: entry.position) }
            intent.pools.append(pool)
        }
        for (position, entry) in draft.pools.enumerated() {
            if let places = entry.value?.places { checkStages(of: intent.pools[position], places, at: entry.position) }
        }
        checkAllDownCycles()
    }

    /// What cannot work without itself never works.
    func checkDependencies() {
        guard intent.dependents == nil else { return }
        for start in intent.virtualServers.indices {
            // The way back to the start, breadth first.
            var before: [Int: Int] = [:]
            var line = [start]
            while !line.isEmpty, before[start] == nil {
                let server = line.removeFirst()
                for needed in intent.virtualServers[server].dependsOn where before[needed] == nil {
                    before[needed] = server
                    line.append(needed)
                }
            }
            guard var server = before[start] else { continue }
            var circle = [start]
            while server != start {
                circle.append(server)
                server = before[server] ?? start
            }
            let names = ([start] + circle.reversed()).map { intent.virtualServers[$0].name }.joined(separator: " → ")
            context.error(
                draft.virtualServers[start].position, "depends_on goes in a circle: \(names)", "take one of them out")
            return
        }
    }

    private mutating func complete(_ pool: inout Pool, _ places: PoolSection.Places, at position: Position) {
        let regions = Set(pool.virtualServers.compactMap { index in draft.virtualServers[index].value?.region })
        if pool.region == nil, regions.count == 1 { pool.region = regions.first }
        if let region = pool.region {
            for index in pool.virtualServers {
                guard let other = draft.virtualServers[index].value?.region, other != region else { continue }
                context.warning(
                    places.virtualServers,
                    """
                    the virtual server "\(draft.virtualServers[index].name)" is in region \
                    "\(draft.regions[other].name)", its pool in "\(draft.regions[region].name)"
                    """, "put it in a pool of its region, or correct its region")
            }
        }
        var hostPosition = places.host ?? position
        if pool.answer == .cname, pool.host == nil, let region = pool.region,
            let inherited = draft.regions[region].value
        {
            pool.host = inherited.value.host
            hostPosition = places.host ?? position
        }
        switch pool.answer {
        case .cname where pool.host == nil:
            if isFollowing(pool, places) { break }
            context.error(
                position, "the pool \"\(pool.name)\" answers with a CNAME, but neither it nor its region has a host",
                "add host: NAME to one of them, or answer: addresses")
        case .cname, .addresses:
            if pool.virtualServers.isEmpty {
                context.error(
                    position, "the pool \"\(pool.name)\" has no virtual servers",
                    "list some under virtual_servers, or write answer: { external: NAME }")
            }
        case .external(let name):
            checkExternal(name, of: pool, at: places.answer)
        }
        if let host = pool.host { steer(host, what: "the pool \"\(pool.name)\"", at: hostPosition, isPool: true) }
    }

    /// Whether the pool has no host because of a mistake that was already told.
    private func isFollowing(_ pool: Pool, _ places: PoolSection.Places) -> Bool {
        if places.hasHost || pool.virtualServers.contains(where: { draft.virtualServers[$0].value == nil }) {
            return true
        }
        guard let region = pool.region else { return places.hasRegion }
        return draft.regions[region].value.map { $0.places != nil } ?? true
    }

    private func checkExternal(_ name: DomainName, of pool: Pool, at position: Position) {
        if pool.host == name {
            context.error(
                position, "the pool \"\(pool.name)\" answers with a CNAME to its own host", "write answer: cname")
        } else if zone(of: name) == nil {
            context.warning(
                position, "the CNAME target \(name) lies outside the served zones",
                "make sure that its own name servers answer for it")
        }
    }

    /// A host name's answer when all is down may be another pool's, but not in a circle.
    private func checkAllDownCycles() {
        for (start, entry) in draft.pools.enumerated() {
            guard let places = entry.value?.places else { continue }
            let position = places.stages.last?.stage ?? places.allDown
            let what = places.stages.isEmpty ? "all_down" : "the answer of its stages"
            if let other = intent.pools[start].lastResort, intent.pools[other].virtualServers.isEmpty,
                case .external? = draft.pools[other].value?.value.answer
            {
                context.error(
                    position, "the pool \"\(intent.pools[other].name)\" has no addresses to answer for a host name",
                    "name a pool with virtual servers")
            }
            var seen: [Int] = []
            var current = start
            while intent.pools.indices.contains(current), let next = intent.pools[current].lastResort {
                seen.append(current)
                if next == start {
                    // Each circle is told once, at its first pool.
                    guard seen.min() == start else { break }
                    let names = (seen + [start]).map { intent.pools[$0].name }.joined(separator: " → ")
                    context.error(
                        position, "\(what) goes in a circle: \(names)", "end it with open, closed, servfail or refused"
                    )
                    break
                }
                if seen.contains(next) { break }
                current = next
            }
        }
    }

    mutating func assembleWideIPs() {
        for entry in draft.wideIPs {
            guard let (value, places) = entry.value.map({ ($0.value, $0.places) }) else { continue }
            var wideIP = value
            let what = "the wide IP \(entry.name.shortened)"
            if let name = Shape<DomainName>.domainName.read(entry.keyNode, context) {
                wideIP.name = name
                steer(name, what: what, at: entry.position)
                checkApex(name, of: wideIP, at: entry.position)
            }
            for alias in places.aliases {
                steer(alias.value, what: "an alias of \(what)", at: alias.position)
                checkApex(alias.value, of: wideIP, at: alias.position)
            }
            if case .pool(let pool) = wideIP.allDown, wideIP.pools.contains(pool) {
                context.warning(
                    places.allDown, "all_down names the pool \"\(context.name(.pool, pool))\", which is already tried",
                    "name another pool, or write open")
            }
            checkStages(of: wideIP, places)
            checkTargets(wideIP, at: entry.position)
            intent.wideIPs.append(wideIP)
        }
    }

    /// A CNAME cannot stand beside the SOA and NS records of a zone's apex (RFC 1034 section 3.6.2).
    private func checkApex(_ name: DomainName, of wideIP: WideIP, at position: Position) {
        guard servedNames.contains(name) else { return }
        let pools = wideIP.pools + wideIP.pipeline.flatMap(\.pools)
        guard let pool = pools.first(where: { intent.pools[$0].answer.isExternal }) else { return }
        context.error(
            position,
            "\(name) is a zone's own name, which cannot be a CNAME, and the addresses of pool "
                + "\"\(intent.pools[pool].name)\" are others' to give",
            "list virtual servers in the pool, or steer a name below, as www.\(name)")
    }

    private func checkTargets(_ wideIP: WideIP, at position: Position) {
        for index in wideIP.pools {
            guard case .external(let target) = intent.pools[index].answer else { continue }
            if target == wideIP.name || wideIP.aliases.contains(target) {
                context.error(
                    position, "\(target) would be a CNAME to itself through the pool \"\(intent.pools[index].name)\"",
                    "name another target")
            }
        }
    }
}

extension Pool.Answer {
    fileprivate var isExternal: Bool { if case .external = self { true } else { false } }
}
