/// What operators said at run time: the second input of `compile`. It outlives reloads of the configuration.
package struct Overrides: Sendable, Hashable {
    package enum Verdict: String, Sendable, Hashable, CaseIterable {
        /// Not chosen for anything new while another is available; what runs may end.
        case drain
        /// Treated as down.
        case forceDown = "force-down"
        /// Treated as up, whatever its monitors say.
        case forceUp = "force-up"
    }

    /// What is overridden, by name, so that it survives a reload that reorders.
    package enum Subject: Sendable, Hashable {
        case region(String)
        case pool(String)
        case virtualServer(String)
        /// An upstream's member, by its endpoint's text.
        case member(upstream: String, endpoint: String)
    }

    package struct Entry: Sendable, Hashable {
        package var verdict: Verdict
        package var reason: String

        package init(verdict: Verdict, reason: String) {
            self.verdict = verdict
            self.reason = reason
        }
    }

    package var entries: [Subject: Entry] = [:]

    package init() {}
}
