internal import Addresses
internal import DNSWire
internal import TrafficModel

/// One configuration as it was written: the model's parts with the places that checks report.
struct ConfigurationDraft {
    var dns: Drafted<NameServer, NameServerSection.Places>?
    var dnsPosition: Position?
    var geography: [Located<GeographySource>] = []
    var geographyPosition = Position.start
    var regions: [Named<Drafted<Region, Position?>>] = []
    var monitors: [Named<Drafted<Monitor, Position?>>] = []
    var virtualServers: [Named<VirtualServer>] = []
    var pools: [Named<Drafted<Pool, PoolSection.Places>>] = []
    var wideIPs: [Named<Drafted<WideIP, WideIPSection.Places>>] = []
    var zones: [Named<ZoneSection.Draft>] = []
    var zoneFolders: [ZoneFolderSection.Draft] = []
    var certificates: [Named<Drafted<Certificate, CertificateSection.Places>>] = []
    var listeners: [Named<Drafted<Listener, ListenerSection.Places>>] = []
    var upstreams: [Named<Drafted<Upstream, Position?>>] = []
    var proxy = ProxySettings()
    var measurements = MeasurementSettings()
    var safety = SafetySection.Whole()
    var windows: [Named<Located<MaintenanceWindow>>] = []
    var admin: Drafted<AdminSettings, AdminSection.Places>?
    var metrics: Drafted<MetricsSettings, Position>?
    var objectives = ObjectiveSection.Whole()
    var log = LogSettings()
}

/// Reads the sections of a document in the order in which they refer to each other.
enum ConfigurationDecoder {
    static func decode(_ root: SourceNode, _ context: DecodingContext) -> ConfigurationDraft? {
        typealias Model = ConfigurationModel
        guard let reader = ObjectReader(Model.model, root, context) else { return nil }
        for part in Part.allCases {
            guard case .map(let pairs)? = root[part.rawValue]?.content else { continue }
            for pair in pairs { checkName(pair.key, at: pair.keyPosition, noun: part.noun, context) }
            context.declare(part, names: pairs.map(\.key))
        }
        var draft = ConfigurationDraft()
        draft.dns = reader.read(Model.dns, context)
        draft.dnsPosition = reader.has("dns") ? reader.position(of: "dns") : nil
        draft.geography = reader.read(Model.geography, context) ?? []
        draft.geographyPosition = reader.position(of: "geography")
        draft.regions = reader.read(Model.regions, context) ?? []
        draft.monitors = reader.read(Model.monitors, context) ?? []
        draft.virtualServers = reader.read(Model.virtualServers, context) ?? []
        draft.pools = reader.read(Model.pools, context) ?? []
        draft.wideIPs = reader.read(Model.wideIPs, context) ?? []
        draft.zones = reader.read(Model.zones, context) ?? []
        draft.zoneFolders = reader.read(Model.zoneFolders, context) ?? []
        draft.certificates = reader.read(Model.certificates, context) ?? []
        draft.upstreams = reader.read(Model.upstreams, context) ?? []
        draft.listeners = reader.read(Model.listeners, context) ?? []
        draft.proxy = reader.read(Model.proxy, context) ?? ProxySettings()
        draft.measurements = reader.read(Model.measurements, context) ?? MeasurementSettings()
        draft.safety = reader.read(Model.safety, context) ?? SafetySection.Whole()
        draft.windows = reader.read(Model.windows, context) ?? []
        draft.admin = reader.read(Model.admin, context)
        draft.metrics = reader.read(Model.metrics, context)
        draft.objectives = reader.read(Model.objectives, context) ?? ObjectiveSection.Whole()
        draft.log = reader.read(Model.log, context) ?? LogSettings()
        for window in draft.windows { checkName(window.name, at: window.position, noun: "window", context) }
        for rule in draft.safety.rules { checkName(rule.name, at: rule.position, noun: "safety rule", context) }
        return draft
    }

    /// Names end up in logs, metrics and commands.
    private static func checkName(_ name: String, at position: Position, noun: String, _ context: DecodingContext) {
        let allowed = name.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0 & 0xdf) || "-_.".utf8.contains($0)
        }
        guard !allowed || name.isEmpty || name.utf8.count > 64 else { return }
        context.error(
            position, "\"\(name.shortened)\" is not a name for a \(noun)",
            "use 1 to 64 letters, digits, hyphens, underscores and dots")
    }
}
