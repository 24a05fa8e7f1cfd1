internal import TrafficModel

/// The top of the file: its sections. Decoding, the JSON Schema and the reference all start here.
enum ConfigurationModel {
    static let dns = NameServerSection.shape.field("dns", "The DNS role of this node.")
    static let geography = GeographySection.shape.field("geography", "Where clients' networks are.")
    static let regions = RegionSection.shape.field("regions", "Places with virtual servers.")
    static let monitors = MonitorSection.shape.field("monitors", "How to find out whether a target works.")
    static let virtualServers = VirtualServerSection.shape.field(
        "virtual_servers", "Addresses that regions are reached at.")
    static let pools = PoolSection.shape.field("pools", "Virtual servers that stand for each other.")
    static let wideIPs = WideIPSection.shape.field("wide_ips", "Names that answer each client with the best pool.")
    static let zones = ZoneSection.shape.field("zones", "Zones this node is authoritative for.")
    static let zoneFolders = ZoneFolderSection.shape.field(
        "zone_folders", "Folders of zone files: more zones this node is authoritative for.")
    static let certificates = CertificateSection.shape.field("certificates", "Certificates and their keys.")
    static let listeners = ListenerSection.shape.field("listeners", "Addresses of the VIP tier that this node serves.")
    static let upstreams = UpstreamSection.shape.field("upstreams", "Members that serve the same requests.")
    static let proxy = ProxySection.shape.field("proxy", "What holds for all listeners.")
    static let measurements = MeasurementSection.shape.field(
        "measurements", "Loads and latencies that others measure.")
    static let safety = SafetySection.shape.field("safety", "Limits to what operators can do at run time.")
    static let windows = WindowSection.shape.field("windows", "Times of maintenance.")
    static let admin = AdminSection.shape.field("admin", "How operators reach the running program.")
    static let metrics = MetricsSection.shape.field("metrics", "What is told to a Prometheus.")
    static let objectives = ObjectiveSection.shape.field("sla", "What wide IPs and pools are to reach.")
    static let log = LogSection.shape.field("log", "What the program says about itself.")

    static let model = ObjectModel(
        title: "the configuration", summary: "",
        fields: [
            dns.description, geography.description, regions.description, monitors.description,
            virtualServers.description, pools.description, wideIPs.description, zones.description,
            zoneFolders.description, certificates.description, listeners.description, upstreams.description,
            proxy.description,
            measurements.description, safety.description, windows.description, admin.description,
            metrics.description, objectives.description, log.description,
        ])
}
