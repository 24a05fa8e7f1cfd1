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
        /// Who set it, as the operating system or the API knows them; empty when unknown.
        package var author: String
        /// When it was set.
        package var since: WallTime
        /// When it ends by itself; `nil`: never.
        package var expires: WallTime?

        package init(
            verdict: Verdict, reason: String, author: String = "", since: WallTime = .init(milliseconds: 0),
            expires: WallTime? = nil
        ) {
            self.verdict = verdict
            self.reason = reason
            self.author = author
            self.since = since
            self.expires = expires
        }

        package func hasExpired(at now: WallTime) -> Bool { expires.map { $0 <= now } ?? false }
    }

    package var entries: [Subject: Entry] = [:]

    package init() {}
}
