/// The audit trail of a node without a file for it: what was changed since its start, the latest of it.
package struct RecentAudit: Sendable {
    /// Months of an operator's changes; a record has a kilobyte or two at most.
    package static let limit = 1_000

    private var records: [AuditRecord] = []
    private var lastNumber: Int64 = 0

    package init() {}

    package mutating func append(_ new: [AuditRecord]) {
        for var record in new {
            lastNumber += 1
            record.number = lastNumber
            records.append(record)
        }
        records.removeFirst(max(records.count - Self.limit, 0))
    }

    /// Newest first.
    package func latest(_ count: Int) -> [AuditRecord] { records.suffix(count).reversed() }
}
