import Logging
package import StateStore
package import TrafficModel

/// Why an override was not changed.
package enum OverrideError: Error, Sendable {
    /// The configuration has no such thing.
    case unknownSubject
    /// It could not be made to last.
    case notStored(StateStoreError)
}

extension Node {
    /// How often expiries are looked for. The calendar's clock may be set at any time, so no timer can be trusted to
    /// fire at an instant of it.
    private static let expiryInterval = Duration.seconds(1)

    /// Sets or, with `nil`, clears an override. It is on the disk before it takes effect, so that a node that is killed
    /// in between comes back with what it acknowledged.
    package func override(
        _ subject: Overrides.Subject, with entry: Overrides.Entry?, by author: Author
    ) async throws(OverrideError) {
        await changes.enter()
        defer { changes.leave() }
        guard compiler.intent.has(subject) || (entry == nil && overrides.entries[subject] != nil) else {
            throw .unknownSubject
        }
        var entry = entry
        entry?.author = author.name
        entry?.since = .now
        let record = AuditRecord(
            time: .now, author: author.name, origin: author.origin,
            action: entry == nil ? .clearOverride : .setOverride, subject: subject,
            detail: entry?.verdict.rawValue ?? "", reason: entry?.reason ?? "")
        try await apply(subject, entry, record)
    }

    /// Ends overrides whose time has come, until the task is cancelled.
    package func followExpiries() async {
        while !Task.isCancelled {
            await expireOverrides(at: .now)
            do { try await Task.sleep(for: Self.expiryInterval) } catch { return }
        }
    }

    private func expireOverrides(at now: WallTime) async {
        guard overrides.entries.values.contains(where: { $0.hasExpired(at: now) }) else { return }
        await changes.enter()
        defer { changes.leave() }
        for (subject, entry) in overrides.entries where entry.hasExpired(at: now) {
            let record = AuditRecord(
                time: now, author: Author.clock.name, origin: Author.clock.origin, action: .expireOverride,
                subject: subject, detail: entry.verdict.rawValue, reason: entry.reason)
            do {
                try await apply(subject, nil, record)
            } catch {
                // It stays in force and is tried again in a second; the log has said why.
                continue
            }
        }
    }

    private func apply(
        _ subject: Overrides.Subject, _ entry: Overrides.Entry?, _ record: AuditRecord
    ) async throws(OverrideError) {
        do throws(StateStoreError) {
            try await store?.change(subject, to: entry, record)
        } catch {
            logger.error("an override was not changed", metadata: ["reason": "\(error)"])
            throw .notStored(error)
        }
        overrides.entries[subject] = entry
        logger.notice(
            "override",
            metadata: [
                "kind": "\(subject.kind)", "name": "\(subject.name)",
                "verdict": "\(entry?.verdict.rawValue ?? "cleared")", "reason": "\(record.reason)",
                "author": "\(record.author)", "origin": "\(record.origin)",
            ])
        publish()
    }

    /// A record that cannot be written does not undo what it is about; the log has it, and says so.
    func record(_ record: AuditRecord) async {
        do throws(StateStoreError) {
            try await store?.record(record)
        } catch {
            logger.error("the audit trail misses a record", metadata: ["reason": "\(error)", "record": "\(record)"])
        }
    }

    /// The latest changes, newest first; `nil` when the configuration has no `admin.state`.
    package func audit(latest count: Int) async throws(StateStoreError) -> [AuditRecord]? {
        try await store?.audit(latest: count)
    }
}
