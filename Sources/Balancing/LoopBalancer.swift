import TrafficModel

/// Chooses members for one event loop. The loop owns it; what loops share are the counters of ``MemberState``.
///
/// Who can be chosen, in this order; the first step that has anyone decides:
/// 1. members that are neither down, drained nor ejected, have a ratio and a free place, and were not tried for this
///    request;
/// 2. the same among backups;
/// 3. the same among drained members: failing a request is worse than one more on a member that is leaving;
/// 4. ejected members, the one whose ejection ends first: passive evidence is weak evidence when nothing is left;
/// 5. none. A member that monitors or an operator hold down, or with ratio 0, is never chosen.
///
/// Within a step the upstream's method decides:
/// - round robin and ratio: smooth weighted round robin (as NGINX does it): each turn gives every candidate its weight
///   and takes the sum from the one that has most. Any run of picks holds the shares as exactly as whole picks can;
/// - least connections: fewest open per weight; ties by turns as above;
/// - random two: two drawn by weight, the one with fewer open per weight.
///
/// In slow start a member's weight grows linearly from 1/256 to full.
package struct LoopBalancer {
    private struct Turns {
        /// 0: unused.
        var layout: UInt64 = 0
        /// What each member is owed, in 256ths of weight; by position.
        var owed: [Int64] = []
    }

    struct Entry {
        var member: Int
        /// In 256ths, 1...2^24.
        var weight: Int64
        var open: Int
    }

    private var generator: SeededGenerator
    /// By ``UpstreamSnapshot/slot``.
    private var turns: [Turns] = []
    /// The candidates of the choice at hand; kept to be reused.
    var entries: [Entry] = []

    /// Loops should have different seeds: equal ones would take the same turns at the same time.
    package init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        entries.reserveCapacity(64)
    }

    /// Chooses a member and reserves a place on it, with no allocation unless the upstream's members changed.
    ///
    /// A choice with nothing tried counts as a request for the retry budget, unless it is asked for `again` because
    /// every member was full.
    ///
    /// - Parameters:
    ///   - upstream: position in `snapshot.upstreams`.
    ///   - tried: members that are out of question for this request.
    ///   - now: monotonic nanoseconds.
    package mutating func choose(
        in snapshot: BalancingSnapshot, upstream: Int, excluding tried: TriedMembers, now: UInt64
    ) -> MemberChoice {
        choose(from: snapshot.upstreams[upstream], excluding: tried, now: now)
    }

    /// The same, of an upstream.
    ///
    /// - Parameter isProbe: whether this node's own monitors ask: then it is counted as no client's.
    package mutating func choose(
        from upstream: UpstreamSnapshot, excluding tried: TriedMembers, now: UInt64, again: Bool = false,
        isProbe: Bool = false
    ) -> MemberChoice {
        if tried.isEmpty, !again { upstream.countRequest(now: now) }
        // A place can be lost to another loop between the scan and the reservation. The next scan sees that member
        // full, so each round has one candidate less, unless places come and go; the bound ends that.
        for _ in 0...upstream.members.count {
            var isEjected = false
            let member: Int
            if gather(upstream.primaries, upstream, tried, now) || gather(upstream.backups, upstream, tried, now)
                || gather(upstream.drained, upstream, tried, now)
            {
                member = pick(upstream)
            } else if let ejected = firstToReturn(upstream, tried) {
                member = ejected
                isEjected = upstream.candidates[ejected].ejectedUntil > now
            } else {
                break
            }
            if let lease = upstream.candidates[member].lease(
                member: member, whileEjected: isEjected, isProbe: isProbe)
            {
                return .member(lease)
            }
        }
        return .none(reason(upstream, tried))
    }

    /// Collects those of `members` that may be chosen now; `false` when there are none.
    mutating func gather(
        _ members: [Int], _ upstream: UpstreamSnapshot, _ tried: TriedMembers, _ now: UInt64
    ) -> Bool {
        entries.removeAll(keepingCapacity: true)
        for member in members {
            let candidate = upstream.candidates[member]
            let open = candidate.open
            let ejectedUntil = candidate.ejectedUntil
            guard ejectedUntil <= now, open < candidate.limit, !tried.contains(member) else { continue }
            var weight = Int64(candidate.weight) << 8
            if upstream.slowStart > 0 {
                let since = max(candidate.cameUpAt, ejectedUntil)
                let age = now - min(since, now)
                if since > 0, age < upstream.slowStart {
                    // Only a share of a second's precision is at stake, and it keeps the product within a word.
                    weight = max(1, weight * Int64(age >> 16) / Int64(max(upstream.slowStart >> 16, 1)))
                }
            }
            entries.append(Entry(member: member, weight: weight, open: open))
        }
        return !entries.isEmpty
    }

    mutating func pick(_ upstream: UpstreamSnapshot) -> Int {
        if entries.count == 1 { return entries[0].member }
        switch upstream.method {
        case .roundRobin, .ratio: break
        case .leastConnections: keepLeastLoaded()
        case .randomTwo: return pickOfTwo()
        }
        return takeTurn(upstream)
    }

    /// Leaves only the entries with the fewest open per weight.
    private mutating func keepLeastLoaded() {
        var kept = 0
        for index in 0..<entries.count {
            let entry = entries[index]
            if kept > 0 {
                if Self.isLess(entries[0], entry) { continue }
                if Self.isLess(entry, entries[0]) { kept = 0 }
            }
            entries[kept] = entry
            kept += 1
        }
        entries.removeLast(entries.count - kept)
    }

    private mutating func pickOfTwo() -> Int {
        let first = draw(without: nil)
        let second = draw(without: first)
        return entries[Self.isLess(entries[second], entries[first]) ? second : first].member
    }

    /// The position of an entry drawn by weight, `excluded` aside.
    private mutating func draw(without excluded: Int?) -> Int {
        var total: Int64 = 0
        for index in entries.indices where index != excluded { total += entries[index].weight }
        var rest = Int64(generator.below(UInt64(total)))
        var last = 0
        for index in entries.indices where index != excluded {
            rest -= entries[index].weight
            last = index
            if rest < 0 { break }
        }
        return last
    }

    private mutating func takeTurn(_ upstream: UpstreamSnapshot) -> Int {
        prepareTurns(upstream)
        let slot = upstream.slot
        var total: Int64 = 0
        for entry in entries { total += entry.weight }
        var best = 0
        var most = Int64.min
        for index in entries.indices {
            let entry = entries[index]
            // With a constant set nobody is ever owed as much as the sum. After a change of the set, old debts larger
            // than that would keep a member out, or give it a run, for as long as it takes to work them off.
            let owed = min(max(turns[slot].owed[entry.member], -total), total) + entry.weight
            turns[slot].owed[entry.member] = owed
            if owed > most {
                most = owed
                best = index
            }
        }
        turns[slot].owed[entries[best].member] -= total
        return entries[best].member
    }

    private mutating func prepareTurns(_ upstream: UpstreamSnapshot) {
        let slot = upstream.slot
        if turns.count <= slot { turns.append(contentsOf: repeatElement(Turns(), count: slot + 1 - turns.count)) }
        guard turns[slot].layout != upstream.layout else { return }
        turns[slot].layout = upstream.layout
        turns[slot].owed.removeAll(keepingCapacity: true)
        // Small random debts put loops out of step with each other.
        for candidate in upstream.candidates {
            turns[slot].owed.append(Int64(generator.below(UInt64(candidate.weight) << 8 + 1)))
        }
    }

    /// Fewer open per weight. The products stay below 2^63: counts are far below 2^32, weights at most 2^24.
    static func isLess(_ one: Entry, _ other: Entry) -> Bool {
        Int64(one.open) * other.weight < Int64(other.open) * one.weight
    }

    /// Among the members that are out only by ejection, the one that returns first.
    func firstToReturn(_ upstream: UpstreamSnapshot, _ tried: TriedMembers) -> Int? {
        var best: (member: Int, until: UInt64)?
        keepFirstToReturn(upstream.primaries, upstream, tried, &best)
        keepFirstToReturn(upstream.backups, upstream, tried, &best)
        keepFirstToReturn(upstream.drained, upstream, tried, &best)
        return best?.member
    }

    private func keepFirstToReturn(
        _ members: [Int], _ upstream: UpstreamSnapshot, _ tried: TriedMembers,
        _ best: inout (member: Int, until: UInt64)?
    ) {
        for member in members {
            let candidate = upstream.candidates[member]
            guard candidate.open < candidate.limit, !tried.contains(member) else { continue }
            let until = candidate.ejectedUntil
            if best.map({ until < $0.until }) ?? true { best = (member, until) }
        }
    }

    func reason(_ upstream: UpstreamSnapshot, _ tried: TriedMembers) -> NoMember {
        let usable = upstream.primaries.count + upstream.backups.count + upstream.drained.count
        if usable == 0 { return .down }
        let isUntried = { (member: Int) in !tried.contains(member) }
        let left =
            upstream.primaries.contains(where: isUntried) || upstream.backups.contains(where: isUntried)
            || upstream.drained.contains(where: isUntried)
        return left ? .full : .tried
    }
}
