/// What a change would do if it were made now: the answer to a change with `dry_run=true`.
package struct ChangePreview: Codable, Sendable {
    /// Why it would be refused without force; a change without force is refused at once instead.
    package var objections: [String] = []
    /// Names of which some clients would be answered otherwise, those with the most first; at most ``nameLimit``.
    package var names: [Name] = []
    /// How many there are.
    package var movedNames = 0
    /// Steered names in all: wide IPs, and host names of pools.
    package var allNames = 0
    /// Client networks that were tried for each name, the latest that asked among them.
    package var clients = 0
    package var states: [State] = []
    /// Requests and connections that are open now on members and listeners that would get nothing new.
    package var openConnections = 0
    /// Shifts that would move nobody then, each with why.
    package var remarks: [String] = []
    /// Overrides of operators that it would take the place of.
    package var replaced: [NodeStatus.Override] = []

    package static let nameLimit = 100

    package struct Name: Codable, Sendable {
        package var name: String
        /// The part of its answers that would go elsewhere, 0...1, by the clients that were tried.
        package var moved: Double
        /// Shares of answers by pool; of a pool's host name by virtual server. `no answer` is one too.
        package var before: [String: Double]
        package var after: [String: Double]
    }

    /// Something that would be in another state.
    package struct State: Codable, Sendable {
        package var kind: String
        package var name: String
        package var before: String
        package var after: String
    }

    /// Whether anybody would notice.
    package var isNothing: Bool { movedNames == 0 && states.isEmpty }

    package init() {}
}
