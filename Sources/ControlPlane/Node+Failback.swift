import Logging
import StateStore
import Steering
import Telemetry
import TrafficModel

extension Node {
    /// How often conditions that end by time are looked at.
    private static let failbackInterval = Duration.seconds(1)

    package enum ResumeOutcome: Sendable {
        case resumed
        /// It does not wait for an operator.
        case notLocked
        case unknown
    }

    /// Lets a virtual server be used again that waits for an operator.
    package func resume(_ server: String, by author: Author) async -> ResumeOutcome {
        guard compiler.intent.virtualServers.contains(where: { $0.name == server }) else { return .unknown }
        guard failback.resume(server) else { return .notLocked }
        updateConditions()
        await record(
            AuditRecord(
                time: .now, author: author.name, origin: author.origin, action: .resume, subject: .virtualServer(server)
            )
        )
        return .resumed
    }

    /// Ends conditions whose time has come, until the task is cancelled.
    package func followFailback() async {
        while !Task.isCancelled {
            updateConditions()
            // Cancelled: the loop ends by its condition.
            try? await Task.sleep(for: Self.failbackInterval)
        }
    }

    /// - Parameter targets: whose health changed.
    func updateConditions(after targets: Set<HealthTarget> = []) {
        let before = failback.conditions
        let changed = failback.update(
            compiler.intent, servers: compiler.failbackServers, health: observations.health, now: MonotonicClock.now)
        for position in changed {
            let name = compiler.intent.virtualServers[position].name
            observations.conditions[name] = failback.conditions[name]
            if let condition = failback.conditions[name] {
                logger.notice("kept out", metadata: ["virtual.server": "\(name)", "reason": "\(condition.words)"])
            } else if before[name] != nil {
                logger.notice("let in again", metadata: ["virtual.server": "\(name)"])
            }
        }
        guard !changed.isEmpty || !targets.isEmpty else { return }
        publish(AvailabilityChanges(targets: targets, servers: changed))
    }
}

extension ServerCondition {
    /// As operators read it.
    var words: String {
        switch self {
        case .held: "up for too short a time"
        case .damped: "fell too often"
        case .locked: "waits until an operator resumes it"
        }
    }

    /// With the time that it still lasts.
    func words(now: UInt64) -> String {
        switch self {
        case .held(let end), .damped(let end):
            let seconds = (end > now ? end - now : 0) / 1_000_000_000
            return "\(words): out for another \(seconds) s"
        case .locked: return words
        }
    }
}
