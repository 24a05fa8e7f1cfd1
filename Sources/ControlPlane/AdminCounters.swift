import Synchronization

/// What the admin API counts. It lies here so that status and metrics can tell it.
package final class AdminCounters: Sendable {
    package enum Name: String, CaseIterable, Sendable {
        case requests
        case connections
        /// Closed because there were too many.
        case refusedConnections

        // Requests that were refused, each under one reason.

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
        /// Reloads, and trials of them, of a configuration that cannot be served.
        case badConfigurations
        case tooLarge
        case notFound
        case methodNotAllowed
        /// Changes against safety rules, or against how things stand.
        case conflicts
        /// Changes of what somebody else changed since.
        case staleTags
        case replayConflicts
        case refusedSessions
        /// Answered 503 because too many asked at once.
        case busy
        /// Not worked on because their clients went away before their turn came.
        case abandoned
        /// What the node could not do.
        case failures

        // Other things that requests met with.

        /// Connections closed because a request did not arrive, or an answer was not taken, in time.
        case slowClients
        /// Streams that ended because those who followed them may not any more.
        case endedStreams
        case replays
        case sessions
    }

    /// Why requests are refused.
    package static let refusals: [Name] = [
        .wrongCredentials, .rateLimited, .unauthenticated, .forbidden, .foreignHost, .crossSite, .badRequests,
        .badConfigurations, .tooLarge, .notFound, .methodNotAllowed, .conflicts, .staleTags, .replayConflicts,
        .refusedSessions, .busy, .abandoned, .failures,
    ]

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
