/// What the configuration says, with every reference resolved: the first input of `compile`.
///
/// References between parts are positions in the arrays below, so an `Intent` that exists has none that dangle.
package struct Intent: Sendable {
    /// Rises with each configuration that was accepted; 1 is the first.
    package var generation: UInt64 = 1
    package var dns = NameServer()
    package var geography: [GeographySource] = []
    package var regions: [Region] = []
    package var monitors: [Monitor] = []
    package var virtualServers: [VirtualServer] = []
    package var pools: [Pool] = []
    package var wideIPs: [WideIP] = []
    package var zones: [Zone] = []
    package var certificates: [Certificate] = []
    package var listeners: [Listener] = []
    package var upstreams: [Upstream] = []
    package var proxy = ProxySettings()
    package var measurements = MeasurementSettings()
    package var admin = AdminSettings()

    package init() {}
}
