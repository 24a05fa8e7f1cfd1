/// The promises of the tour, all derived from the timing of the configuration.
struct TourBounds: Sendable {
    let timing: DemoPlan.Timing
    /// What a busy machine may add to any of them: a client's patience, and a second of late wake-ups.
    let margin: Duration

    init(timing: DemoPlan.Timing, margin: Duration = DemoClient.patience + .seconds(1)) {
        self.timing = timing
        self.margin = margin
    }

    /// From a failure until the node answers otherwise.
    var answersMove: Duration { timing.detection + margin }
    /// From a failure until no client fails any more: one may have asked just before the answers moved.
    var failureWindow: Duration { timing.detection + timing.lifetime + margin }
    /// From a recovery until it is answered again: members come up first, then the VIPs that are watched through them.
    var answersReturn: Duration { timing.recovery * 2 + margin }
    /// From a recovery until every client is where it belongs.
    var clientsReturn: Duration { answersReturn + timing.lifetime }
    /// From a change of the answers until every client has followed.
    var clientsMove: Duration { timing.lifetime + margin }
}

/// Counts at one moment, to tell what a step did to the clients.
struct TourMark: Sendable {
    let time: ContinuousClock.Instant
    let succeeded: UInt64
    let failed: UInt64

    init(time: ContinuousClock.Instant, ledgers: [ClientLedger.Snapshot]) {
        self.time = time
        succeeded = ledgers.reduce(0) { $0 + $1.succeeded }
        failed = ledgers.reduce(0) { $0 + $1.failed }
    }

    /// Requests that failed since, in order.
    func failures(in ledgers: [ClientLedger.Snapshot]) -> [ClientLedger.Failure] {
        ledgers.flatMap { $0.failures.filter { $0.time >= time } }.sorted { $0.time < $1.time }
    }

    /// What went wrong since, if anything may have: failures outside `window`, counted from the mark.
    func verdict(_ ledgers: [ClientLedger.Snapshot], window: Duration) -> (summary: String, isWithin: Bool) {
        let failures = failures(in: ledgers)
        let requests = ledgers.reduce(0) { $0 + $1.succeeded + $1.failed } - succeeded - failed
        guard let last = failures.last else { return ("0 of \(requests) requests failed", true) }
        let span = last.time - time
        let summary = "\(failures.count) of \(requests) requests failed, the last after \(span.tenths)"
        guard span <= window else { return (summary + " (\(last.reason)), bound \(window.tenths)", false) }
        return (summary, true)
    }
}
