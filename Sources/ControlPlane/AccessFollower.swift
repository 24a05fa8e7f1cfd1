package import TrafficModel

/// Makes something of who may reach the node over TCP, and refuses settings of which nothing can be made.
package protocol AccessFollower: Sendable {
    /// Nothing changes before what it returns is called, which cannot fail.
    ///
    /// - Parameters:
    ///   - listener: `nil`: nobody may.
    ///   - certificate: of `listener`.
    /// - Throws: what is wrong, in one line.
    func prepare(_ listener: AdminListener?, _ certificate: Certificate?) throws -> @Sendable () -> Void
}

extension Node {
    /// Has somebody make something of the settings in force, and from now on of those that a reload brings, before they
    /// are in force: a reload that he refuses changes nothing.
    package func join(_ follower: any AccessFollower) async throws {
        // A reload that is under way would be missed.
        await changes.enterAnyway()
        defer { changes.leave() }
        let current = accessSettings.current
        try follower.prepare(current.listener, current.certificate)()
        accessFollower = follower
    }

    /// - Returns: to be called when the reload is in force.
    func prepareAccess(_ intent: Intent) throws -> @Sendable () -> Void {
        guard let accessFollower else { return {} }
        let next = AccessSettings.Values(intent)
        return try accessFollower.prepare(next.listener, next.certificate)
    }
}
