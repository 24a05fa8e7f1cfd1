import FlatTables
import Geography
package import TrafficModel

/// One epoch of steering: a plan and what is available now. Immutable; the DNS workers share it.
package final class SteeringSnapshot: Sendable {
    package let plan: SteeringPlan
    package let epoch: UInt64
    /// By position in `Intent.virtualServers` and `Intent.pools`.
    package let servers: [Availability]
    package let pools: [Availability]
    /// The same, as the answering threads read it.
    private let serverRanks: FlatTable<Availability>
    private let poolRanks: FlatTable<Availability>

    package init(
        plan: SteeringPlan, intent: Intent, overrides: Overrides, observations: Observations, epoch: UInt64
    ) {
        self.plan = plan
        self.epoch = epoch
        let servers = intent.virtualServers.map { server in
            Self.availability(of: server, in: intent, overrides: overrides, observations: observations)
        }
        self.servers = servers
        pools = intent.pools.map { pool in
            Self.availability(of: pool, servers: servers, in: intent, overrides: overrides)
        }
        serverRanks = FlatTable(servers)
        poolRanks = FlatTable(pools)
    }

    deinit {
        serverRanks.deallocate()
        poolRanks.deallocate()
    }

    /// Begins to load what ``decide(_:family:client:sequence:into:)`` needs of the wide IP at `position`.
    @inline(__always)
    package func prefetch(wideIP position: Int) { plan.wideIPs.prefetch(position) }

    /// Decides what `subject` answers. Allocates nothing.
    ///
    /// - Parameters:
    ///   - family: what the question asks for.
    ///   - sequence: rises with each decision of a worker; it spreads round robin and ratio evenly even where a worker
    ///     shares one sequence among many names.
    package func decide(
        _ subject: SteeredSubject, family: AddressFamily, client: ClientNetwork, sequence: UInt64,
        into decision: inout SteeringDecision
    ) {
        decision.scope = 0
        decision.serverCount = 0
        decision.pool = -1
        switch subject {
        case .poolHost(let pool):
            answerAddresses(of: pool, family: family, sequence: sequence, into: &decision)
        case .wideIP(let position):
            decideWideIP(position, family: family, client: client, sequence: sequence, into: &decision)
        }
    }

    // MARK: Wide IP: which pool

    private func decideWideIP(
        _ position: Int, family: AddressFamily, client: ClientNetwork, sequence: UInt64,
        into decision: inout SteeringDecision
    ) {
        let wideIP = plan.wideIPs[position]
        decision.ttl = wideIP.hasTTL ? wideIP.ttl : 30
        guard wideIP.enabled else {
            decision.answer = .noData
            return
        }
        var order = Int(wideIP.firstOrder)
        if wideIP.table >= 0 {
            let match = plan.indexes[Int(wideIP.table)].lookup(client.address)
            order &+= Int(match.value)
            decision.scope = match.length
        }
        let candidates = Int(plan.orders[order])..<Int(plan.orders[order &+ 1])
        if let pool = choosePool(candidates, method: wideIP.method, sequence: sequence) {
            answer(with: pool, wideIP, family: family, sequence: sequence, into: &decision)
            return
        }
        switch wideIP.allDown {
        case .open:
            let pool = pick(from: candidates, method: wideIP.method, rank: .down, sequence: sequence) ?? 0
            answer(with: Int(pool), wideIP, family: family, sequence: sequence, into: &decision)
        case .pool(let pool):
            answer(with: Int(pool), wideIP, family: family, sequence: sequence, into: &decision)
        case .closed:
            decision.answer = .noData
        case .rcode(let code):
            decision.answer = .failure(rcode: code)
        }
    }

    private func answer(
        with pool: Int, _ wideIP: SteeringPlan.WideIPPlan, family: AddressFamily, sequence: UInt64,
        into decision: inout SteeringDecision
    ) {
        if plan.pools[pool].answersAddresses {
            answerAddresses(of: pool, family: family, sequence: sequence, into: &decision)
        } else {
            decision.answer = .alias(pool: pool)
            decision.pool = Int32(truncatingIfNeeded: pool)
            decision.ttl = plan.pools[pool].ttl
        }
        if wideIP.hasTTL { decision.ttl = wideIP.ttl }
    }

    /// Available pools first, then draining ones; `nil` when all are down. `candidates` are positions in
    /// `SteeringPlan.candidates`.
    private func choosePool(_ candidates: Range<Int>, method: WideIP.Method, sequence: UInt64) -> Int? {
        let choice =
            pick(from: candidates, method: method, rank: .available, sequence: sequence)
            ?? pick(from: candidates, method: method, rank: .draining, sequence: sequence)
        return choice.map { Int($0) }
    }

    private func pick(
        from candidates: Range<Int>, method: WideIP.Method, rank: Availability, sequence: UInt64
    ) -> UInt32? {
        switch method {
        case .topology, .globalAvailability:
            for index in candidates where poolRanks[Int(plan.candidates[index])] == rank {
                return plan.candidates[index]
            }
            return nil
        case .roundRobin, .ratio:
            var total: UInt64 = 0
            var count: UInt64 = 0
            for index in candidates where poolRanks[Int(plan.candidates[index])] == rank {
                total += UInt64(plan.pools[Int(plan.candidates[index])].ratio)
                count += 1
            }
            guard count > 0 else { return nil }
            // All ratios zero means equal shares: an answer is better than none.
            let weighted = method == .ratio && total > 0
            var position = Spread.position(sequence, of: weighted ? total : count)
            for index in candidates where poolRanks[Int(plan.candidates[index])] == rank {
                let pool = plan.candidates[index]
                let weight = weighted ? UInt64(plan.pools[Int(pool)].ratio) : 1
                if position < weight { return pool }
                position -= weight
            }
            return nil
        }
    }

    // MARK: Pool: which virtual servers

    private func answerAddresses(
        of position: Int, family: AddressFamily, sequence: UInt64, into decision: inout SteeringDecision
    ) {
        let pool = plan.pools[position]
        decision.pool = Int32(truncatingIfNeeded: position)
        decision.ttl = pool.ttl
        decision.answer = .noData
        guard family != .any else { return }
        let wantsV4 = family == .v4
        if fill(from: pool, wantsV4: wantsV4, rank: .available, sequence: sequence, into: &decision)
            || fill(from: pool, wantsV4: wantsV4, rank: .draining, sequence: sequence, into: &decision)
        {
            decision.answer = .addresses
            return
        }
        switch pool.allDown {
        case .closed:
            break
        case .rcode(let code):
            decision.answer = .failure(rcode: code)
        case .open:
            if fill(from: pool, wantsV4: wantsV4, rank: .down, sequence: sequence, into: &decision) {
                decision.answer = .addresses
            }
        case .pool(let other):
            let backup = plan.pools[Int(other)]
            for rank in [Availability.available, .draining, .down]
            where fill(from: backup, wantsV4: wantsV4, rank: rank, sequence: sequence, into: &decision) {
                decision.answer = .addresses
                return
            }
        }
    }

    /// Writes the virtual servers of one rank and family in the order to answer; `false` when there is none.
    private func fill(
        from pool: SteeringPlan.PoolPlan, wantsV4: Bool, rank: Availability, sequence: UInt64,
        into decision: inout SteeringDecision
    ) -> Bool {
        var count: UInt64 = 0
        var total: UInt64 = 0
        let servers = Int(pool.firstServer)..<(Int(pool.firstServer) + Int(pool.serverCount))
        for index in servers where matches(index, wantsV4: wantsV4, rank: rank) {
            count += 1
            total += UInt64(plan.servers[Int(plan.poolServers[index])].ratio)
        }
        guard count > 0 else { return false }
        switch pool.method {
        case .globalAvailability:
            for index in servers where matches(index, wantsV4: wantsV4, rank: rank) {
                decision.servers[0] = plan.poolServers[index]
                break
            }
            decision.serverCount = 1
        case .ratio:
            // One address, for clients spread over several as they like and would undo the ratio.
            let weighted = total > 0
            var position = Spread.position(sequence, of: weighted ? total : count)
            for index in servers where matches(index, wantsV4: wantsV4, rank: rank) {
                let server = plan.poolServers[index]
                let weight = weighted ? UInt64(plan.servers[Int(server)].ratio) : 1
                if position < weight {
                    decision.servers[0] = server
                    break
                }
                position -= weight
            }
            decision.serverCount = 1
        case .roundRobin:
            let start = Int(Spread.position(sequence, of: count))
            let answers = min(Int(count), pool.maxAnswers)
            var place = 0
            for index in servers where matches(index, wantsV4: wantsV4, rank: rank) {
                var slot = place - start
                if slot < 0 { slot += Int(count) }
                if slot < answers { decision.servers[slot] = plan.poolServers[index] }
                place += 1
            }
            decision.serverCount = answers
        }
        return true
    }

    /// `index` is a position in `SteeringPlan.poolServers`.
    private func matches(_ index: Int, wantsV4: Bool, rank: Availability) -> Bool {
        let server = Int(plan.poolServers[index])
        return serverRanks[server] == rank && plan.servers[server].isV4 == wantsV4
    }
}
