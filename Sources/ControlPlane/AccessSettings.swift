import Synchronization
package import TrafficModel

/// What those need at each request who let others in, as the configuration in force has it: to be had without a turn at
/// the node.
final class AccessSettings: Sendable {
    struct Values: Sendable {
        var listener: AdminListener?
        /// Of `listener`.
        var certificate: Certificate?
        var metrics: MetricsSettings

        init(_ intent: Intent) {
            listener = intent.admin.listener
            certificate = listener?.tls.map { intent.certificates[$0.certificate] }
            metrics = intent.metrics
        }
    }

    private let values: Mutex<Values>

    init(_ intent: Intent) { values = Mutex(Values(intent)) }

    var current: Values { values.withLock { $0 } }

    func set(_ intent: Intent) { values.withLock { $0 = Values(intent) } }
}

extension Node {
    /// Where operators reach this node over TCP, with the certificate to show; `nil`: nowhere.
    package nonisolated var adminListener: (listener: AdminListener, certificate: Certificate?)? {
        let current = accessSettings.current
        return current.listener.map { ($0, current.certificate) }
    }

    package nonisolated var metricsSettings: MetricsSettings { accessSettings.current.metrics }
}
