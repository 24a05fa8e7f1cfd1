import ControlPlane

/// How a part fares, as the dashboard shows it: by a shape, a colour and a word.
enum Condition: String, Codable, Sendable, CaseIterable, Comparable {
    case up
    /// Nothing is known about it yet.
    case unknown
    /// Something in it is not as it should be, and it still works.
    case degraded
    case draining
    /// It works, and all that would go to it goes to another.
    case cutOver = "cut-over"
    /// Kept out for a while because connections to it failed.
    case ejected
    case disabled
    case down

    /// The better comes first.
    static func < (left: Condition, right: Condition) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// - Parameter state: as ``NodeStatus`` words it.
    init(state: String, checks: [NodeStatus.Check] = []) {
        switch state {
        case "available": self = checks.contains { $0.state == "unknown" } ? .unknown : .up
        case "draining": self = .draining
        case "cut-over": self = .cutOver
        case "down": self = .down
        case "degraded": self = .degraded
        case "disabled": self = .disabled
        case "ejected": self = .ejected
        default: self = .unknown
        }
    }

    /// Of something that is made of parts and works as long as one of them does.
    init(of parts: some Collection<Condition>) {
        guard let best = parts.min(), let worst = parts.max() else {
            self = .unknown
            return
        }
        switch best {
        case .up: self = worst <= .unknown ? .up : .degraded
        case .degraded: self = .degraded
        case .unknown: self = worst == .unknown ? .unknown : .degraded
        case .draining, .cutOver, .ejected, .disabled, .down: self = best
        }
    }

    /// Whether an operator should look at it.
    var needsAttention: Bool { self >= .degraded }
}
