import Authority
import Steering
import TrafficModel

/// Whether shifts move anybody, as the other orders of operators and what is available have it.
struct ShiftStanding {
    let intent: Intent
    /// With the shifts in it.
    let overrides: EffectiveOverrides
    let steering: SteeringSnapshot

    /// Why a shift moves nobody.
    enum Obstacle {
        /// No name has pools of both any more.
        case apart
        /// All of those clients go elsewhere by an order, which goes before it.
        case cutOver(EffectiveOverrides.Effect)
        /// What it would move comes back by an order.
        case sentBack(EffectiveOverrides.Effect?)
        /// Nobody is sent to what is in another state than available.
        case unused(String, Availability)
        case noTarget(String)

        var words: String {
            switch self {
            case .apart: "no name has pools of both"
            case .cutOver(let effect): effect.orderWords
            case .sentBack(let effect): effect?.orderWords ?? "what it moves is sent back"
            case .unused(let name, let state): "nobody is sent to \(name), which is \(state)"
            case .noTarget(let name): "nothing in \(name) is available"
            }
        }
    }

    /// - Returns: `nil`: it moves those that it is to move, of one name at least.
    func obstacle(of id: Int64, _ shift: Shift) -> Obstacle? {
        var first: Obstacle?
        for position in intent.wideIPs.indices {
            let redirects = overrides.redirects[position] ?? []
            for redirect in redirects where redirect.shift == id {
                guard let found = obstacle(of: redirect, shift, intent.wideIPs[position], redirects) else { return nil }
                first = first ?? found
            }
        }
        return first ?? .apart
    }

    private func obstacle(
        of redirect: EffectiveOverrides.Redirect, _ shift: Shift, _ wideIP: WideIP,
        _ redirects: [EffectiveOverrides.Redirect]
    ) -> Obstacle? {
        if redirects.contains(where: { $0.shift == nil && $0.from == redirect.from }),
            let order = overrides.poolCutovers[redirect.from]
        {
            return .cutOver(order)
        }
        // As steering chooses: the first that is available.
        guard let target = redirect.to.first(where: { steering.pools[$0] == .available }) else {
            return .noTarget(shift.to)
        }
        guard target != redirect.from else {
            let given = wideIP.pools.lazy.filter { intent.pools[$0].isOf(shift.kind, shift.to, in: intent) }
            return .sentBack(given.compactMap { overrides.poolCutovers[$0] }.first)
        }
        let state = steering.pools[redirect.from]
        return state == .available ? nil : .unused(shift.from, state)
    }

    /// Whether an order sends all those clients to where a shift would send them: it takes over from there.
    func isForestalled(_ id: Int64) -> Bool {
        var isFound = false
        for redirects in overrides.redirects.values {
            for redirect in redirects where redirect.shift == id {
                let order = redirects.first { $0.shift == nil && $0.from == redirect.from }
                guard order?.to == redirect.to else { return false }
                isFound = true
            }
        }
        return isFound
    }
}

extension EffectiveOverrides.Effect {
    /// Of a cutover.
    var orderWords: String { "\(subject) is cut over to \(entry.target ?? "")" }
}

extension NodeView {
    var shiftStanding: ShiftStanding {
        ShiftStanding(intent: intent, overrides: effective, steering: snapshot.authority.steering)
    }
}
