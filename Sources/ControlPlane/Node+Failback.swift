import Logging
import StateStore
import Steering
import Telemetry
import TrafficModel

extension Node {
    /// How often conditions that end by time are looked at.
    private static let failbackInterval = Duration.seconds(1)

    /// Lets a virtual server be used again that waits for an operator.
    package func resume(_ server: String, by author: Author) async throws(ChangeError) {
        try await takeTurn()
        defer { changes.leave() }
        guard compiler.intent.virtualServers.contains(where: { $0.name == server }) else {
            throw .unknown("the configuration has no virtual-server named \(server)", field: "name")
        }
        guard failback.locked.contains(server) else {
            throw .refused(["the virtual server \(server) does not wait for anybody"])
        }
        let record = AuditRecord(
            time: .now, author: author.name, origin: author.origin, action: .resume, subject: .virtualServer(server))
        try await make([.lock(server, false)], isForced: true, [record])
        _ = failback.resume(server)
        updateConditions()
    }

    /// Writes down which virtual servers wait for an operator, as soon as that changes: one that fell just before the
    /// node was killed must not come back by itself.
    func rememberLocks() async {
        guard failback.locked != operators.locks else { return }
        await changes.enterAnyway()
        defer { changes.leave() }
        let locked = failback.locked
        let made =
            locked.subtracting(operators.locks).map { StateChange.lock($0, true) }
            + operators.locks.subtracting(locked).map { .lock($0, false) }
        do throws(StateStoreError) {
            try await store?.apply(made, [])
        } catch {
            // It is tried again in a second.
            logger.error("locks were not written down", metadata: ["reason": "\(error)"])
            return
        }
        for change in made { change.apply(to: &operators) }
    }

    /// Ends conditions whose time has come, until the task is cancelled.
    package func followFailback() async {
        while !Task.isCancelled {
            updateConditions()
            await rememberLocks()
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
