/// What operators said at run time: the second input of `compile`. It outlives reloads of the configuration.
package struct Overrides: Sendable, Hashable {
    package enum Verdict: String, Sendable, Hashable, CaseIterable {
        /// Not chosen for anything new while another is available; what runs may end.
        case drain
        /// Taken out: not answered even where all that is left is down.
        case disable
        /// Treated as down by its monitors: answered where all is down and the policy is open.
        case forceDown = "force-down"
        /// Treated as up, whatever its monitors say.
        case forceUp = "force-up"
        /// All that would go here goes to `Entry.target`, until it is taken back. Of regions and pools.
        case cutover
        /// Its share is multiplied by `Entry.factor`. It stands beside one of the verdicts above.
        case weight
    }

    /// What is overridden, by name or pattern, so that it survives a reload that reorders.
    package struct Subject: Sendable, Hashable {
        package enum Kind: String, Sendable, Hashable, CaseIterable {
            case wideIP = "wide-ip"
            case pool
            case region
            case virtualServer = "virtual-server"
            case member
        }

        package var kind: Kind
        /// A name or a ``Glob``; a member's is `upstream/endpoint`.
        package var name: String

        package init(_ kind: Kind, _ name: String) {
            self.kind = kind
            self.name = name
        }

        package static func wideIP(_ name: String) -> Subject { Subject(.wideIP, name) }
        package static func pool(_ name: String) -> Subject { Subject(.pool, name) }
        package static func region(_ name: String) -> Subject { Subject(.region, name) }
        package static func virtualServer(_ name: String) -> Subject { Subject(.virtualServer, name) }
        /// An upstream's member, by its endpoint's text.
        package static func member(upstream: String, endpoint: String) -> Subject {
            Subject(.member, "\(upstream)/\(endpoint)")
        }
    }

    package struct Entry: Sendable, Hashable {
        package var verdict: Verdict
        /// Of a cutover: the region or pool that takes over.
        package var target: String?
        /// Of a weight: what its share is multiplied by, 0...``factorLimit``.
        package var factor: Double
        package var reason: String
        /// Who set it, as the operating system or the API knows them; empty when unknown.
        package var author: String
        /// The maintenance window that set it; `nil`: an operator.
        package var window: String?
        /// When it was set.
        package var since: WallTime
        /// When it ends by itself; `nil`: never.
        package var expires: WallTime?

        package init(
            verdict: Verdict, target: String? = nil, factor: Double = 1, reason: String, author: String = "",
            window: String? = nil, since: WallTime = .init(milliseconds: 0), expires: WallTime? = nil
        ) {
            self.verdict = verdict
            self.target = target
            self.factor = factor
            self.reason = reason
            self.author = author
            self.window = window
            self.since = since
            self.expires = expires
        }

        package func hasExpired(at now: WallTime) -> Bool { expires.map { $0 <= now } ?? false }
    }

    /// Verdicts but `weight`.
    package var entries: [Subject: Entry] = [:]
    package var weights: [Subject: Entry] = [:]

    /// A larger share than this many times the configured one belongs into the configuration.
    package static let factorLimit = 100.0
    /// Overrides of one node: each may match every name, and operators must be able to read them all.
    package static let limit = 1000

    package init() {}

    package var count: Int { entries.count + weights.count }
    package var isEmpty: Bool { entries.isEmpty && weights.isEmpty }

    /// The entry beside which no other of its sort can stand.
    package subscript(subject: Subject, ofWeight isWeight: Bool) -> Entry? {
        get { isWeight ? weights[subject] : entries[subject] }
        set { if isWeight { weights[subject] = newValue } else { entries[subject] = newValue } }
    }
}
