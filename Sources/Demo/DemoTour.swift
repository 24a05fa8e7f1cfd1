import Addresses
import DNSWire

/// Plays what the demo shows without a person, and checks each promise: waits are for conditions, each with a bound
/// that follows from the configuration.
struct DemoTour: Sendable {
    struct Failure: Error { var reason: String }

    let stage: DemoStage
    let dns: DNSExchange
    let bounds: TourBounds
    let print: @Sendable (String) -> Void

    private static let steps = 7

    init(stage: DemoStage, dns: DNSExchange, print: @escaping @Sendable (String) -> Void) {
        self.stage = stage
        self.dns = dns
        self.print = print
        bounds = TourBounds(timing: stage.plan.timing)
    }

    /// Plays all steps; the first that fails ends the tour.
    ///
    /// - Returns: whether every step held.
    func run() async -> Bool {
        let timing = stage.plan.timing
        print(
            """
            Meridian tour: \(stage.plan.regions.count) regions, \(stage.plan.virtualServers.count) VIPs, \
            \(stage.plan.members.count) members, clients in \(stage.clients.map(\.country.code).joined(separator: " ")), \
            each at \(DemoClient.pace) requests/s
            Short times, so that the tour is short: checks every \(timing.interval.tenths), \(timing.fall) failures are \
            down, TTL \(timing.ttl) s.
            So a failure is detected within \(timing.detection.tenths) and left by the last client \
            \(timing.ttl) s later; \(bounds.margin.tenths) more is allowed to a busy machine.
            """)
        let start = ContinuousClock.now
        do {
            try await begin()
            try await step(1, "steer by country", "each client reaches its country's region; 0 failures", steer)
            try await step(
                2, "kill member eu-1-2", "ejected at the first failed connection, then seen down; 0 failures",
                killMember)
            try await step(
                3, "kill VIP eu-1", "left by the answers, then by the clients; failures within bound", killServer)
            try await step(
                4, "kill region apac", "its clients move to us; failures within bound", killRegion)
            try await step(5, "revive all", "every client is home again; 0 failures", reviveAll)
            try await step(6, "drain region eu", "its clients leave and come back; 0 failures", drainRegion)
            try await step(7, "all down", "answers as if all were up (all_down: open), then recovery", allDown)
        } catch let failure as Failure {
            print("    FAILED    \(failure.reason)")
            return false
        } catch {
            print("    FAILED    \(error)")
            return false
        }
        let ledgers = ledgers
        print(
            """

            tour passed in \((ContinuousClock.now - start).tenths): \(Self.steps) steps, \
            \(ledgers.reduce(0) { $0 + $1.succeeded }) requests succeeded, \
            \(ledgers.reduce(0) { $0 + $1.failed }) failed, each of them inside its announced window
            """)
        return true
    }

    // MARK: Steps

    private func begin() async throws {
        _ = try await until("all VIPs and members are seen up", within: bounds.answersReturn) {
            await stage.status().marks.values.allSatisfy { $0 == .up }
        }
        _ = try await until("every client is served", within: bounds.clientsMove) {
            ledgers.allSatisfy { $0.streak >= 5 }
        }
    }

    private func steer() async throws -> String {
        let mark = mark()
        var homes: [String: [String]] = [:]
        for client in stage.clients {
            let reply = try await ask(DemoPlan.service, subnet: client.subnet)
            let name = try name(DemoPlan.service)
            guard let alias = reply.alias(of: name), let region = stage.plan.region(host: alias.description) else {
                throw Failure(reason: "\(client.country.code): \(reply.words(for: name))")
            }
            guard region.name == client.country.home else {
                throw Failure(
                    reason:
                        "\(client.country.code) \(client.subnet) is answered \(region.name), not \(client.country.home)"
                )
            }
            guard let scope = reply.clientSubnet?.scope, scope > 0 else {
                throw Failure(reason: "\(client.country.code): the answer claims to hold for every client")
            }
            homes[region.name, default: []].append(client.country.code)
        }
        _ = try await until("every client is served by its own region", within: bounds.clientsMove) {
            isHome(ledgers)
        }
        let words = stage.plan.regions.map { "\(homes[$0.name, default: []].joined(separator: " ")) → \($0.name)" }
        return try words.joined(separator: ", ") + "; " + nothingFailed(since: mark)
    }

    private func killMember() async throws -> String {
        let before = stage.requests(of: "eu-1-2")
        _ = try await until("eu-1-2 is busy", within: bounds.clientsMove * 5) { stage.requests(of: "eu-1-2") > before }
        let mark = mark()
        try await stage.kill(.member("eu-1-2"))
        let down = try await until("eu-1-2 is seen down", within: bounds.answersMove) { await seen("eu-1-2") == .down }
        let siblings = stage.requests(of: "eu-1-1") + stage.requests(of: "eu-1-3")
        _ = try await until("its siblings serve on", within: bounds.clientsMove * 5) {
            stage.requests(of: "eu-1-1") + stage.requests(of: "eu-1-3") >= siblings + 20
        }
        return try "seen down after \(down.tenths); " + nothingFailed(since: mark)
    }

    private func killServer() async throws -> String {
        let address = try virtualServer("eu-1").endpoint.address
        let host = stage.plan.regions[0].host
        let mark = mark()
        try await stage.kill(.virtualServer("eu-1"))
        let moved = try await until("\(host) leaves \(address) out", within: bounds.answersMove, since: mark.time) {
            try await !ask(host, subnet: client("PL").subnet).addresses.contains(address)
        }
        _ = try await until("every client is served", within: bounds.failureWindow, since: mark.time) {
            ledgers.allSatisfy { $0.streak >= 10 && $0.address != address }
        }
        guard ledgers.first?.region == "eu" else { throw Failure(reason: "PL left eu though eu-2 is up") }
        return try "answers moved after \(moved.tenths) (bound \(bounds.answersMove.tenths)); "
            + failures(since: mark, within: bounds.failureWindow)
    }

    // Not optimised: Swift 6.3.1 crashes when it splits this function after inlining.
    @_optimize(none)
    private func killRegion() async throws -> String {
        let mark = mark()
        try await stage.kill(.region("apac"))
        let moved = try await until("SG is answered us", within: bounds.answersMove, since: mark.time) {
            try await region(for: "SG") == "us"
        }
        _ = try await until("apac's clients are served by us", within: bounds.failureWindow, since: mark.time) {
            zip(stage.clients, ledgers).allSatisfy { client, ledger in
                ledger.streak >= 10 && (client.country.home != "apac" || ledger.region == "us")
            }
        }
        return try "answers moved after \(moved.tenths) (bound \(bounds.answersMove.tenths)); "
            + failures(since: mark, within: bounds.failureWindow)
    }

    private func reviveAll() async throws -> String {
        let mark = mark()
        try await stage.revive(.everything)
        let up = try await until("everything is seen up", within: bounds.answersReturn, since: mark.time) {
            await stage.status().marks.values.allSatisfy { $0 == .up }
        }
        let home = try await until("every client is home", within: bounds.clientsReturn, since: mark.time) {
            isHome(ledgers)
        }
        return try "seen up after \(up.tenths), clients home after \(home.tenths); " + nothingFailed(since: mark)
    }

    private func drainRegion() async throws -> String {
        let mark = mark()
        await stage.drain(.region("eu"))
        let left = try await until("eu's clients have left", within: bounds.clientsMove, since: mark.time) {
            ledgers.allSatisfy { $0.region != "eu" }
        }
        let served = stage.plan.members.filter { $0.region == "eu" }.reduce(0) { $0 + stage.requests(of: $1.name) }
        let elsewhere = ledgers.reduce(0) { $0 + $1.succeeded }
        _ = try await until("they are served elsewhere", within: bounds.clientsMove) {
            ledgers.reduce(0) { $0 + $1.succeeded } >= elsewhere + 100
        }
        let after = stage.plan.members.filter { $0.region == "eu" }.reduce(0) { $0 + stage.requests(of: $1.name) }
        guard after == served else { throw Failure(reason: "eu served \(after - served) requests while drained") }
        await stage.resume(.region("eu"))
        let back = ContinuousClock.now
        let home = try await until("every client is home", within: bounds.clientsMove, since: back) { isHome(ledgers) }
        return try "eu was empty after \(left.tenths) and full again \(home.tenths) after its return; "
            + nothingFailed(since: mark)
    }

    private func allDown() async throws -> String {
        let mark = mark()
        try await stage.kill(.everything)
        let down = try await until("every VIP is seen down", within: bounds.answersMove, since: mark.time) {
            let status = await stage.status()
            return status.regions.allSatisfy { $0.virtualServers.allSatisfy { $0.mark == .down } }
        }
        // The policy "open" answers as if all were up, so a client in Poland is still told eu.
        let name = try name(DemoPlan.service)
        let reply = try await ask(DemoPlan.service, subnet: client("PL").subnet)
        guard reply.responseCode == 0, reply.alias(of: name)?.description == stage.plan.regions[0].host else {
            throw Failure(reason: "all down: PL is answered \(reply.words(for: name))")
        }
        let pool = try await ask(stage.plan.regions[0].host, subnet: client("PL").subnet)
        guard pool.addresses.count == stage.plan.regions[0].virtualServers.count else {
            throw Failure(reason: "all down: eu has \(pool.addresses.count) addresses")
        }
        let revived = ContinuousClock.now
        try await stage.revive(.everything)
        let up = try await until("everything is seen up", within: bounds.answersReturn, since: revived) {
            await stage.status().marks.values.allSatisfy { $0 == .up }
        }
        _ = try await until("every client is home", within: bounds.clientsReturn, since: revived) {
            isHome(ledgers) && ledgers.allSatisfy { $0.streak >= 10 }
        }
        let outage = revived - mark.time
        return try """
        all seen down after \(down.tenths), PL still answered \(reply.words(for: name)); \
        back up \(up.tenths) after the revival; \
        \(failures(since: mark, within: outage + bounds.answersReturn))
        """
    }

    // MARK: Parts

    private func step(
        _ number: Int, _ title: String, _ expectation: String, _ play: () async throws -> String
    ) async throws {
        print("\n\(number)/\(Self.steps)  \(title)")
        print("    expected  \(expectation)")
        let start = ContinuousClock.now
        let observed = try await play()
        print("    observed  \(observed)")
        print("    ok        \((ContinuousClock.now - start).tenths)")
    }

    private var ledgers: [ClientLedger.Snapshot] { stage.clients.map(\.ledger.snapshot) }

    private func mark() -> TourMark { TourMark(time: .now, ledgers: ledgers) }

    private func isHome(_ ledgers: [ClientLedger.Snapshot]) -> Bool {
        zip(stage.clients, ledgers).allSatisfy { $0.country.home == $1.region }
    }

    private func nothingFailed(since mark: TourMark) throws(Failure) -> String {
        let ledgers = ledgers
        let (summary, _) = mark.verdict(ledgers, window: .zero)
        guard let first = mark.failures(in: ledgers).first else { return summary }
        throw Failure(reason: "\(summary); the first after \((first.time - mark.time).tenths): \(first.reason)")
    }

    private func failures(since mark: TourMark, within window: Duration) throws(Failure) -> String {
        let (summary, isWithin) = mark.verdict(ledgers, window: window)
        guard isWithin else { throw Failure(reason: summary) }
        return "\(summary) (bound \(window.tenths))"
    }

    /// Looks every 25 ms whether a condition holds.
    ///
    /// - Returns: when it first did, from `since`.
    private func until(
        _ what: String, within bound: Duration, since start: ContinuousClock.Instant = .now,
        _ condition: () async throws -> Bool
    ) async throws -> Duration {
        let clock = ContinuousClock()
        while true {
            if try await condition() { return clock.now - start }
            guard clock.now - start <= bound else {
                throw Failure(reason: "not within \(bound.tenths): \(what)")
            }
            try await clock.sleep(for: .milliseconds(25))
        }
    }

    private func seen(_ name: String) async -> DemoStatus.Mark? { await stage.status().marks[name] }

    private func ask(_ text: String, subnet: IPPrefix) async throws -> DNSMessage {
        try await dns.ask(name(text), .a, subnet: subnet)
    }

    private func region(for country: String) async throws -> String? {
        let reply = try await ask(DemoPlan.service, subnet: client(country).subnet)
        return try reply.alias(of: name(DemoPlan.service)).flatMap { stage.plan.region(host: $0.description)?.name }
    }

    private func name(_ text: String) throws(Failure) -> DomainName {
        guard let name = DomainName(text) else { throw Failure(reason: "no domain name: \(text)") }
        return name
    }

    private func client(_ country: String) throws(Failure) -> DemoClient {
        guard let client = stage.clients.first(where: { $0.country.code == country }) else {
            throw Failure(reason: "no client in \(country)")
        }
        return client
    }

    private func virtualServer(_ name: String) throws(Failure) -> DemoPlan.VirtualServer {
        guard let server = stage.plan.virtualServers.first(where: { $0.name == name }) else {
            throw Failure(reason: "no VIP \(name)")
        }
        return server
    }
}
