import TrafficModel

/// The records of all wide IPs and pools.
struct ServiceLevels: Sendable {
    private(set) var records: [ServiceSubject: ServiceRecord] = [:]

    init() {}

    /// What was written down before the process was started.
    init(_ kept: [ServiceSubject: [UInt8]], days: Int) {
        records = kept.compactMapValues { ServiceRecord(bytes: $0, days: days) }
    }

    /// - Parameter now: seconds since 1970.
    mutating func add(_ counts: [ServiceCounts], of subjects: [ServiceSubject], days: Int, at now: Int64) {
        for (subject, counts) in zip(subjects, counts) {
            records[subject, default: ServiceRecord(days: days)].add(counts, at: now)
        }
    }

    /// The configuration has others now: records of what is gone are dropped.
    mutating func keep(_ subjects: [ServiceSubject], days: Int) {
        let wanted = Set(subjects)
        records = records.filter { wanted.contains($0.key) }.mapValues { $0.resized(days: days) }
    }

    /// - Parameter now: seconds since 1970.
    func status(_ settings: ObjectiveSettings, at now: Int64) -> [ServiceLevel] {
        records.sorted { $0.key < $1.key }.map { subject, record in
            ServiceLevel(
                subject, record, objective: settings.objective(of: subject.name), days: settings.days, at: now)
        }
    }
}
