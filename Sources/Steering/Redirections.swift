import FlatTables
import TrafficModel

/// What operators said of wide IPs as wholes, and which clients of a pool they send to another. Empty tables where they
/// said nothing, so that a query pays for one comparison.
struct Redirections: Sendable {
    enum Standing: UInt8, BitwiseCopyable {
        /// As its pools are.
        case asFound
        case disabled
        /// All pools count as up, or as down.
        case up, down
    }

    struct Redirection: BitwiseCopyable {
        /// Positions in `Intent.pools`.
        let from: UInt32
        let to: UInt32
        /// The part of the client networks; `UInt32.max`: all.
        let fraction: UInt32
    }

    /// By wide IP, or empty.
    let standings: FlatTable<Standing>
    /// By wide IP where its redirections begin, and behind the last where they end; or empty.
    let starts: FlatTable<UInt32>
    let list: FlatTable<Redirection>

    init(intent: Intent, pools: [Availability], overrides: EffectiveOverrides) {
        standings = FlatTable(
            count: overrides.wideIPs.isEmpty ? 0 : intent.wideIPs.count,
            { overrides.wideIPs[$0].map { Self.standing($0.entry.verdict) } ?? .asFound })
        guard !overrides.redirects.isEmpty else {
            starts = FlatTable([])
            list = FlatTable([])
            return
        }
        var (starts, list): ([UInt32], [Redirection]) = ([], [])
        starts.reserveCapacity(intent.wideIPs.count + 1)
        for position in intent.wideIPs.indices {
            starts.append(UInt32(list.count))
            for redirect in overrides.redirects[position] ?? [] {
                if let one = Self.redirection(redirect, pools, overrides) { list.append(one) }
            }
        }
        starts.append(UInt32(list.count))
        self.starts = FlatTable(starts)
        self.list = FlatTable(list)
    }

    func deallocate() {
        standings.deallocate()
        starts.deallocate()
        list.deallocate()
    }

    private static func standing(_ verdict: Overrides.Verdict) -> Standing {
        switch verdict {
        case .disable: .disabled
        case .forceUp: .up
        case .forceDown: .down
        case .drain, .cutover, .weight: .asFound
        }
    }

    /// A cutover is an order: it holds though what takes over is down. A shift moves nobody to what does not work.
    private static func redirection(
        _ redirect: EffectiveOverrides.Redirect, _ pools: [Availability], _ overrides: EffectiveOverrides
    ) -> Redirection? {
        guard let best = redirect.to.max(by: { pools[$0].rawValue < pools[$1].rawValue }) else { return nil }
        // The first of equal ones.
        let target = redirect.to.first { pools[$0] == pools[best] } ?? best
        var fraction = UInt32.max
        if let shift = redirect.shift {
            guard pools[target] == .available else { return nil }
            let part = overrides.progress[shift] ?? 0
            guard part > 0 else { return nil }
            if part < 1 { fraction = min(UInt32(part * Double(UInt32.max)), .max - 1) }
        }
        return Redirection(from: UInt32(redirect.from), to: UInt32(target), fraction: fraction)
    }
}
