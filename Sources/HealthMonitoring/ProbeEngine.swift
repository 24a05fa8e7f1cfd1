import Addresses
import Logging
import NIOCore
import NIOSSL
import TrafficModel

/// Runs the probes of all targets. Lives on one event loop: nothing here is locked.
///
/// One repeated task turns the wheel; a probe is one connection with one handler. A probe that is due when
/// ``maximumInFlight`` run waits in line.
final class ProbeEngine {
    /// How late a probe or a timeout may be.
    static let tickLength: TimeAmount = .milliseconds(20)

    private let loop: any EventLoop
    private let maximumInFlight: Int
    private let logger: Logger
    private let sources: ProbeSources
    private let onChange: @Sendable ([HealthChange]) -> Void
    /// Where this process listens.
    private var listeners: Set<Endpoint> = []
    private var generator = SystemRandomNumberGenerator()

    private var wheel: TimerWheel
    private var ticker: RepeatedTask?
    private var slots: [ProbeTarget?] = []
    private var freeSlots: [Int] = []
    private var byTarget: [HealthTarget: ProbeTarget] = [:]
    /// Targets that are due and wait for a place; one that was removed meanwhile is skipped.
    private var line = CircularBuffer<ProbeTarget>()
    private var contexts: TLSContexts
    /// Whether verdicts against a state are reported before it turns.
    private var tellsDoubts = false
    private var changes: [HealthChange] = []
    private var lastDelivery = NIODeadline.uptimeNanoseconds(0)
    private var lastWarning = NIODeadline.uptimeNanoseconds(0)
    /// Probes that could not be made since the last warning.
    private var unreported = 0
    private var firstRoundWaiters: [(id: UInt64, promise: EventLoopPromise<Bool>)] = []
    private var nextWaiter: UInt64 = 0
    private var beforeFirst = 0
    private var inFlight = 0
    private var waiting = 0
    private var totals = HealthCounts()
    /// The next turn of the loop will start those in line.
    private var isAdmitting = false
    private var isStopped = false

    init(
        loop: any EventLoop, maximumInFlight: Int, logger: Logger, sources: ProbeSources,
        onChange: @escaping @Sendable ([HealthChange]) -> Void
    ) {
        self.loop = loop
        self.maximumInFlight = max(maximumInFlight, 1)
        self.logger = logger
        self.sources = sources
        self.onChange = onChange
        contexts = TLSContexts()
        wheel = TimerWheel(
            slots: 1024, tickLength: UInt64(Self.tickLength.nanoseconds), now: NIODeadline.now().uptimeNanoseconds)
    }

    // MARK: Targets

    func update(
        _ targets: Set<HealthTarget>, listeners: Set<Endpoint> = [], contexts: TLSContexts, tellsDoubts: Bool = false
    ) {
        guard !isStopped else { return }
        if self.listeners != listeners {
            self.listeners = listeners
            for record in byTarget.values { record.isOwn = isOwn(record.target) }
        }
        self.tellsDoubts = tellsDoubts
        self.contexts = contexts
        let now = NIODeadline.now().uptimeNanoseconds
        // The same question to the same place, asked at another pace: what is known stays known.
        var heirs: [HealthTarget.Question: ProbeTarget] = [:]
        for (target, record) in byTarget where !targets.contains(target) {
            heirs[target.question] = record
            remove(record)
        }
        for target in targets where byTarget[target] == nil {
            add(target, heir: heirs[target.question], now: now)
        }
        startTicker()
        admit(now: now)
        checkFirstRound()
    }

    func stop() {
        isStopped = true
        ticker?.cancel()
        ticker = nil
        for record in byTarget.values { remove(record) }
        line.removeAll()
        for waiter in firstRoundWaiters { waiter.promise.succeed(false) }
        firstRoundWaiters.removeAll()
    }

    private func add(_ target: HealthTarget, heir: ProbeTarget?, now: UInt64) {
        let slot = freeSlots.popLast() ?? slots.count
        if slot == slots.count { slots.append(nil) }
        let record: ProbeTarget
        do {
            record = try ProbeTarget(target, slot: slot, now: now, heir: heir)
        } catch {
            // Only an address of neither 4 nor 16 bytes gets here, and there is no such address.
            logger.error("a target cannot be probed", metadata: ["target": "\(target.endpoint)", "reason": "\(error)"])
            freeSlots.append(slot)
            return
        }
        record.isOwn = isOwn(target)
        slots[slot] = record
        byTarget[target] = record
        if record.machine.state != .unknown {
            record.isPastFirst = true
            report(record, previous: .unknown)
        } else {
            beforeFirst += 1
        }
        enqueue(record, now: now)
    }

    /// Whether a listener takes its probes: one with its address, or one with all of the machine's.
    private func isOwn(_ target: HealthTarget) -> Bool {
        let port = target.monitor.port ?? target.endpoint.port
        let address = target.endpoint.address
        return listeners.contains(Endpoint(address: address, port: port))
            || listeners.contains { $0.port == port && $0.address.isUnspecified }
    }

    private func remove(_ record: ProbeTarget) {
        byTarget[record.target] = nil
        slots[record.slot] = nil
        freeSlots.append(record.slot)
        wheel.cancel(record.slot * 2)
        wheel.cancel(record.slot * 2 + 1)
        if !record.isPastFirst { beforeFirst -= 1 }
        if record.isWaiting {
            record.isWaiting = false
            waiting -= 1
        }
        if let probe = record.probe {
            record.probe = nil
            inFlight -= 1
            probe.cancel()
        }
    }

    // MARK: Probes

    private func startTicker() {
        guard ticker == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        ticker = loop.scheduleRepeatedTask(initialDelay: Self.tickLength, delay: Self.tickLength) { _ in
            bound.value.tick()
        }
    }

    private func tick() {
        let now = NIODeadline.now().uptimeNanoseconds
        while let timer = wheel.popDue(now: now) {
            guard let record = slots[timer / 2] else { continue }
            if timer & 1 == 1 { record.probe?.timeOut() } else { enqueue(record, now: now) }
        }
        admit(now: now)
        deliver()
    }

    private func enqueue(_ record: ProbeTarget, now: UInt64) {
        record.isWaiting = true
        record.dueAt = now
        waiting += 1
        line.append(record)
    }

    /// Starts those in line as far as there are places.
    private func admit(now: UInt64) {
        while inFlight < maximumInFlight, let record = line.popFirst() {
            guard record.isWaiting else { continue }
            record.isWaiting = false
            waiting -= 1
            start(record, now: now)
        }
    }

    private func start(_ record: ProbeTarget, now: UInt64) {
        if record.dueAt < now { totals.delayed += 1 }
        record.startedAt = now
        inFlight += 1
        let tls: NIOSSLClientHandler?
        do {
            tls = try contexts.handler(for: record.monitor)
        } catch {
            record.probe = nil
            finished(record, .inconclusive("TLS cannot be set up: \("\(error)".prefix(200))"))
            return
        }
        let probe = Probe(record, tls: tls, sources: sources) { [unowned self] outcome in self.finished(record, outcome)
        }
        record.probe = probe
        wheel.schedule(record.slot * 2 + 1, at: now + UInt64(record.timeout))
        probe.start(on: loop)
    }

    private func finished(_ record: ProbeTarget, _ outcome: ProbeOutcome) {
        let now = NIODeadline.now().uptimeNanoseconds
        let load = record.probe?.load
        record.probe = nil
        inFlight -= 1
        wheel.cancel(record.slot * 2 + 1)
        let isFirst = !record.isPastFirst
        if isFirst {
            record.isPastFirst = true
            beforeFirst -= 1
        }
        record.lastOutcome = outcome
        record.lastDuration = now - min(record.startedAt, now)
        switch outcome {
        case .success:
            record.measure(load: load, duration: now - min(record.startedAt, now), now: now)
            judge(record, isSuccess: true, now: now)
        case .failure: judge(record, isSuccess: false, now: now)
        case .inconclusive(let reason):
            record.inconclusive += 1
            totals.inconclusive += 1
            warn(record, reason)
        }
        let next = record.startedAt + record.monitor.delay(afterFirst: isFirst, using: &generator)
        wheel.schedule(record.slot * 2, at: max(next, now))
        if isFirst { checkFirstRound() }
        // Not from within: a start that fails at once would recurse for as long as the line is.
        if !line.isEmpty, !isAdmitting {
            isAdmitting = true
            loop.assumeIsolated().execute {
                self.isAdmitting = false
                self.admit(now: NIODeadline.now().uptimeNanoseconds)
            }
        }
    }

    private func judge(_ record: ProbeTarget, isSuccess: Bool, now: UInt64) {
        record.checks += 1
        totals.checks += 1
        if !isSuccess {
            record.failures += 1
            totals.failures += 1
        }
        let previous = record.machine.state
        let wasWavering = record.machine.isWavering
        if record.machine.record(isSuccess: isSuccess) {
            record.stateSince = now
        } else if !tellsDoubts || record.machine.isWavering == wasWavering {
            return
        }
        report(record, previous: previous)
    }

    // MARK: Reports

    /// The first change is reported in the next turn of the loop, those that follow within a tick together: a round of
    /// thousands must not make its receiver start anew thousands of times.
    private func report(_ record: ProbeTarget, previous: HealthState) {
        changes.append(
            HealthChange(
                target: record.target, previous: previous, state: record.machine.state,
                isWavering: tellsDoubts && record.machine.isWavering, reason: record.lastReason ?? ""))
        guard changes.count == 1, NIODeadline.now() - lastDelivery >= Self.tickLength else { return }
        loop.assumeIsolated().execute { self.deliver() }
    }

    private func deliver() {
        guard !changes.isEmpty else { return }
        lastDelivery = .now()
        let batch = changes
        changes.removeAll()
        onChange(batch)
    }

    /// Once a second at most, with the number of those before it.
    private func warn(_ record: ProbeTarget, _ reason: String) {
        unreported += 1
        guard NIODeadline.now() - lastWarning >= .seconds(1) else { return }
        lastWarning = .now()
        logger.warning(
            "probes could not be made",
            metadata: [
                "target": "\(record.target.endpoint)", "monitor": "\(record.monitor.name)", "reason": "\(reason)",
                "count": "\(unreported)",
            ])
        unreported = 0
    }

    /// Resolves once every target was probed; `false` when the time is up before.
    func waitForFirstRound(_ promise: EventLoopPromise<Bool>, timeout: TimeAmount) {
        guard !isStopped else { return promise.succeed(false) }
        guard beforeFirst > 0 else {
            // Changes that wait for their tick go first here too.
            deliver()
            return promise.succeed(true)
        }
        let id = nextWaiter
        nextWaiter += 1
        firstRoundWaiters.append((id, promise))
        loop.assumeIsolated().scheduleTask(in: timeout) {
            guard let index = self.firstRoundWaiters.firstIndex(where: { $0.id == id }) else { return }
            self.firstRoundWaiters.remove(at: index).promise.succeed(false)
        }
    }

    private func checkFirstRound() {
        guard beforeFirst == 0, !firstRoundWaiters.isEmpty else { return }
        let waiters = firstRoundWaiters
        firstRoundWaiters.removeAll()
        // After the changes, so that who waited has seen them.
        loop.assumeIsolated().execute {
            self.deliver()
            for waiter in waiters { waiter.promise.succeed(true) }
        }
    }

    func status() -> [TargetStatus] {
        let now = NIODeadline.now().uptimeNanoseconds
        return byTarget.values.map { record in
            TargetStatus(
                target: record.target, state: record.machine.state,
                stateAge: .nanoseconds(Int64(now - min(record.stateSince, now))), lastReason: record.lastReason,
                lastDuration: record.lastDuration.map { .nanoseconds(Int64($0)) }, checks: record.checks,
                failures: record.failures, inconclusive: record.inconclusive, isProbing: record.probe != nil)
        }
    }

    /// What successful probes measured.
    func measurements() -> [TargetMeasurement] {
        byTarget.values.compactMap { record in
            record.responseTime.map {
                TargetMeasurement(
                    target: record.target, responseTime: $0, loads: Criterion.loads(in: record.load),
                    time: record.measuredAt)
            }
        }
    }

    func counts() -> HealthCounts {
        var counts = totals
        counts.targets = byTarget.count
        for record in byTarget.values {
            switch record.machine.state {
            case .up: counts.up += 1
            case .down: counts.down += 1
            case .unknown: counts.unknown += 1
            }
        }
        counts.inFlight = inFlight
        counts.waiting = waiting
        return counts
    }
}
