/// What wide IPs and pools are to reach.
package struct ObjectiveSettings: Sendable, Hashable {
    /// The part of requests, or of time, that must be good.
    package var objective = 0.999
    /// Days that it is reckoned over.
    package var days = 30
    /// Other objectives, by the name of a wide IP or pool.
    package var byName: [String: Double] = [:]

    package init() {}

    package func objective(of name: String) -> Double { byName[name] ?? objective }
}
