import Synchronization

/// What the admin API counts. It lies here so that status and metrics can tell it.
package final class AdminCounters: Sendable {
    package enum Name: String, CaseIterable, Sendable {
        case requests
        case connections
        /// Closed because there were too many.
        case refusedConnections
        /// Credentials that were wrong.
        case wrongCredentials
        /// Answered 429 because too many were wrong before.
        case rateLimited
        /// Asked without credentials for what needs them.
        case unauthenticated
        /// Asked for what the role does not allow.
        case forbidden
        /// For a host that is not one of ours.
        case foreignHost
        /// Changes that another site's page wanted to make.
        case crossSite
        case badRequests
        case tooLarge
        case notFound
        case methodNotAllowed
        /// Connections closed because a request did not arrive, or an answer was not taken, in time.
        case slowClients
        case staleTags
        case replays
        case replayConflicts
        case sessions
        case refusedSessions
    }

    private let values = Mutex([UInt64](repeating: 0, count: Name.allCases.count))
    private static let positions = Dictionary(
        uniqueKeysWithValues: Name.allCases.enumerated().map { ($1, $0) })

    package init() {}

    package func count(_ name: Name) {
        guard let position = Self.positions[name] else { return }
        values.withLock { $0[position] += 1 }
    }

    /// By name, since the start.
    package var totals: [String: UInt64] {
        let values = values.withLock { $0 }
        return Dictionary(uniqueKeysWithValues: zip(Name.allCases.map(\.rawValue), values))
    }
}
