/// What a command acts on. Names tell which: `eu` is a region, `eu-1` a VIP, `eu-1-2` a member.
enum DemoTarget: Hashable, Sendable {
    case region(String)
    case virtualServer(String)
    case member(String)
    case everything

    /// `nil` when the plan has nothing of that name.
    init?(_ name: String, in plan: DemoPlan) {
        if name == "all" {
            self = .everything
        } else if plan.regions.contains(where: { $0.name == name }) {
            self = .region(name)
        } else if plan.virtualServers.contains(where: { $0.name == name }) {
            self = .virtualServer(name)
        } else if plan.members.contains(where: { $0.name == name }) {
            self = .member(name)
        } else {
            return nil
        }
    }

    var name: String {
        switch self {
        case .region(let name), .virtualServer(let name), .member(let name): name
        case .everything: "all"
        }
    }

    func virtualServers(in plan: DemoPlan) -> [DemoPlan.VirtualServer] {
        switch self {
        case .region(let name): plan.virtualServers.filter { $0.region == name }
        case .virtualServer(let name): plan.virtualServers.filter { $0.name == name }
        case .member: []
        case .everything: plan.virtualServers
        }
    }

    /// The members that stop with the target: a dead VIP's own members live on, a dead region's do not.
    func members(in plan: DemoPlan) -> [DemoPlan.Member] {
        switch self {
        case .region(let name): plan.members.filter { $0.region == name }
        case .virtualServer: []
        case .member(let name): plan.members.filter { $0.name == name }
        case .everything: plan.members
        }
    }
}
