internal import Addresses
internal import DNSWire
internal import TrafficModel

/// Puts the parts of a draft together and checks what holds between them.
struct ConfigurationAssembly {
    let draft: ConfigurationDraft
    let context: DecodingContext
    var intent = Intent()
    /// Steered names and what each is, to tell when a second one claims it.
    var steered: [DomainName: (what: String, position: Position)] = [:]
    /// Names with `?` or `*`, by zone.
    private var patternCounts: [DomainName: Int] = [:]
    /// Each is compared with every name that does not exist otherwise.
    static let patternLimit = 64
    var served: [ServedZone] = []
    var servedNames: Set<DomainName> = []
    /// What the configuration in force got from zone files; `nil`: nothing is in force.
    let cache: ZoneCache?
    /// What this one got.
    var loaded = ZoneCache()
    var failures: [ZoneFailure] = []
    /// Zone files that were read, not taken over.
    var filesRead = 0

    init(_ draft: ConfigurationDraft, _ context: DecodingContext, cache: ZoneCache? = nil) {
        self.draft = draft
        self.context = context
        self.cache = cache
    }

    /// An intent without dangling positions if no error was reported, else one that must not be used.
    mutating func assemble() -> Intent {
        intent.dns = draft.dns?.value ?? NameServer()
        intent.geography = draft.geography.map(\.value)
        intent.proxy = draft.proxy
        intent.measurements = draft.measurements
        intent.admin = draft.admin?.value ?? AdminSettings()
        intent.metrics = draft.metrics?.value ?? MetricsSettings()
        intent.regions = draft.regions.map { entry in
            var region = entry.value?.value ?? Region(name: "")
            region.name = entry.name
            return region
        }
        intent.monitors = draft.monitors.map { entry in
            var monitor = entry.value?.value ?? Monitor(name: "", check: .tcp)
            monitor.name = entry.name
            return monitor
        }
        intent.virtualServers = draft.virtualServers.map { entry in
            let nowhere = Endpoint(address: .v4(0), port: 0)
            var server = entry.value ?? VirtualServer(name: "", endpoint: nowhere, region: 0)
            server.name = entry.name
            return server
        }
        intent.certificates = draft.certificates.map { entry in
            var certificate = entry.value?.value ?? Certificate(name: "", chainPath: "", keyPath: "")
            certificate.name = entry.name
            return certificate
        }
        intent.upstreams = draft.upstreams.map { entry in
            var upstream = entry.value?.value ?? Upstream(name: "", members: [])
            upstream.name = entry.name
            return upstream
        }
        checkDependencies()
        readServedZones()
        assemblePools()
        assembleWideIPs()
        assembleZones()
        assembleListeners()
        assembleSafety()
        assembleObjectives()
        assembleLogs()
        assembleWindows()
        checkRoles()
        // A misspelt reference would make a complaint of each part it does not reach.
        if !context.hasErrors {
            checkRegionHosts()
            checkUnused()
        }
        return intent
    }

    /// The served zone that a name lies in: the longest.
    func zone(of name: DomainName) -> DomainName? {
        var current: DomainName? = name
        while let candidate = current {
            if servedNames.contains(candidate) { return candidate }
            current = candidate.parent
        }
        return nil
    }

    /// Makes a name answered by `what`; reports a second claim and a name outside the zones.
    ///
    /// - Parameter isPool: whether it is the host of a pool, which must be one name.
    mutating func steer(_ name: DomainName, what: String, at position: Position, isPool: Bool = false) {
        if let other = steered[name] {
            context.error(
                position, "\(name) is already the name of \(other.what) (line \(other.position.line))",
                "give \(what) a name of its own")
            return
        }
        steered[name] = (what, position)
        if isPool, name.isWildcard || name.isPattern {
            context.error(position, "\(name) stands for many names", "give the pool a host name in full")
        }
        if let zone = zone(of: name) {
            guard name.isPattern else { return }
            patternCounts[zone, default: 0] += 1
            if patternCounts[zone] == Self.patternLimit + 1 {
                context.error(
                    position, "more than \(Self.patternLimit) names with ? or * in the zone \(zone)",
                    "use a wildcard, as *.example.com, or list the names")
            }
            return
        }
        // Of many zones, a few show what is meant.
        let examples = served.prefix(8).map(\.origin.description).joined(separator: ", ")
        context.error(
            position, "\(name) lies outside every served zone",
            served.isEmpty
                ? "add zones: with a zone that holds it"
                : "add a zone that holds it, or move it into \(examples)\(served.count > 8 ? " …" : "")")
    }

    private func checkRegionHosts() {
        let used = Set(intent.pools.compactMap(\.host))
        for entry in draft.regions {
            guard let host = entry.value?.value.host, !used.contains(host), let position = entry.value?.places else {
                continue
            }
            context.warning(
                position, "no pool answers for the host \(host) of region \"\(entry.name)\"",
                "add a pool of the region with answer: cname, or remove the host")
        }
    }

    private func checkRoles() {
        if draft.dns == nil, draft.dnsPosition == nil {
            for (section, first) in [
                ("wide_ips", draft.wideIPs.first?.position), ("zones", draft.zones.first?.position),
                ("zone_folders", draft.zoneFolders.first?.path.position),
            ] {
                guard let first else { continue }
                context.warning(first, "\(section) are given, but nothing answers DNS", "add dns: { listen: [...] }")
            }
            if draft.listeners.isEmpty, !context.hasErrors {
                context.error(.start, "this configuration serves nothing", "add dns: with listen:, or listeners:")
            }
        } else if let position = draft.dnsPosition, draft.zones.isEmpty, draft.zoneFolders.isEmpty {
            context.warning(position, "there are no zones, so that every query is refused", "add zones:")
        }
    }

    private func checkUnused() {
        func warn(_ part: Part, _ positions: [Position], _ advice: String) {
            for (index, position) in positions.enumerated() where !context.isUsed(part, index) {
                context.warning(
                    position, "the \(part.noun) \"\(context.name(part, index))\" is not used", advice)
            }
        }
        warn(.region, draft.regions.map(\.position), "name it in a virtual server or pool, or remove it")
        warn(.monitor, draft.monitors.map(\.position), "list it under monitors of what it shall watch, or remove it")
        warn(.virtualServer, draft.virtualServers.map(\.position), "list it in a pool, or remove it")
        warn(.certificate, draft.certificates.map(\.position), "list it in a listener's tls, or remove it")
        warn(.upstream, draft.upstreams.map(\.position), "name it in a listener, or remove it")
        for (index, entry) in draft.pools.enumerated() where !context.isUsed(.pool, index) {
            guard intent.pools[index].host == nil else { continue }
            context.warning(
                entry.position, "the pool \"\(entry.name)\" is not used", "list it in a wide IP, or remove it")
        }
        let usesPlaces = topologySources.contains { !$0.source.isPrefix } || !nearestStages.isEmpty
        // The dashboard draws by it where clients are.
        let isShown = intent.admin.socketPath != nil || intent.admin.listener != nil
        if !usesPlaces, !isShown, let first = draft.geography.first {
            context.warning(first.position, "the geography is not used", "add topology records, or remove it")
        }
    }
}
