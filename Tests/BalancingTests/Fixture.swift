import Addresses
import TrafficModel

@testable import Balancing

let second: UInt64 = 1_000_000_000

/// Upstreams and what is known about them, compiled on demand against one registry.
struct Fixture {
    var intent = Intent()
    var overrides = Overrides()
    var observations = Observations()
    let registry = MemberRegistry(seed: 7)
    var epoch: UInt64 = 0

    /// One upstream `u` with members 127.0.0.1:1 and up, one for each ratio.
    init(method: Upstream.Method = .roundRobin, ratios: [Int]) {
        var monitor = Monitor(name: "m", check: .tcp)
        monitor.interval = .seconds(1)
        intent.monitors = [monitor]
        var upstream = Upstream(
            name: "u",
            members: ratios.enumerated().map { index, ratio in
                var member = Upstream.Member(endpoint: Self.endpoint(index))
                member.ratio = ratio
                return member
            })
        upstream.method = method
        upstream.monitors = [0]
        intent.upstreams = [upstream]
    }

    static func endpoint(_ index: Int) -> Endpoint {
        Endpoint(address: .v4(0x7f00_0001), port: UInt16(index + 1))
    }

    mutating func set(_ health: HealthState, member: Int) {
        observations.health[HealthTarget(endpoint: Self.endpoint(member), monitor: intent.monitors[0])] = health
    }

    mutating func set(_ verdict: Overrides.Verdict?, member: Int) {
        overrides.entries[.member(upstream: "u", endpoint: Self.endpoint(member).description)] =
            verdict.map { Overrides.Entry(verdict: $0, reason: "test") }
    }

    mutating func compile(now: UInt64 = 0, previous: BalancingSnapshot? = nil) -> BalancingSnapshot {
        epoch += 1
        return BalancingSnapshot(
            intent: intent, overrides: EffectiveOverrides(overrides, in: intent), observations: observations,
            registry: registry, epoch: epoch,
            now: now, previous: previous)
    }
}

extension LoopBalancer {
    /// The member that is chosen for a request that ends at once, or why there is none.
    mutating func pick(
        _ snapshot: BalancingSnapshot, excluding tried: [Int] = [], now: UInt64 = 0
    ) -> Result<Int, Refusal> {
        switch choose(in: snapshot, upstream: 0, excluding: TriedMembers(tried), now: now) {
        case .member(let lease): .success(lease.member)
        case .none(let reason): .failure(Refusal(reason: reason))
        }
    }

    mutating func lease(_ snapshot: BalancingSnapshot, excluding tried: [Int] = [], now: UInt64 = 0) -> Held? {
        switch choose(in: snapshot, upstream: 0, excluding: TriedMembers(tried), now: now) {
        case .member(let lease): Held(lease)
        case .none: nil
        }
    }
}

/// Keeps a lease where only copyable values can be kept.
final class Held {
    private let lease: MemberLease

    init(_ lease: consuming MemberLease) { self.lease = lease }

    var member: Int { lease.member }
    var state: MemberState { lease.state }
    var whileEjected: Bool { lease.whileEjected }

    func reportSuccess() { lease.reportSuccess() }
}

struct Refusal: Error, Equatable {
    var reason: NoMember
}

extension TriedMembers {
    init(_ members: [Int]) {
        self.init()
        for member in members { insert(member) }
    }
}
