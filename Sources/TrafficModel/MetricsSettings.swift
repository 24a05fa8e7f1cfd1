package import Addresses

/// What is told to a Prometheus.
package struct MetricsSettings: Sendable, Hashable {
    /// Where `GET /metrics` is answered without a token, beside the admin API; `nil`: nowhere.
    package var listen: Endpoint?
    /// Who may ask there.
    package var clients: [IPPrefix] = []
    /// Things of one kind, such as members or routes, that have series of their own; those beyond are summed up as
    /// `other`.
    package var series = 10_000

    package init() {}

    /// - Parameter address: without the form in which IPv6 sockets show IPv4.
    package func allows(_ address: IPAddress) -> Bool {
        clients.isEmpty ? address.isLoopback : clients.contains { $0.contains(address) }
    }
}
