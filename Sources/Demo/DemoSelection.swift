/// Moves a selection over the tree with arrow keys: up and down over regions and VIPs, sideways over a VIP's members.
enum DemoSelection {
    static func move(from current: DemoTarget?, key: KeyReader.Key, in plan: DemoPlan) -> DemoTarget? {
        let rows = plan.regions.flatMap { region in
            [[DemoTarget.region(region.name)]]
                + region.virtualServers.map { server in
                    [.virtualServer(server.name)] + server.members.map { .member($0.name) }
                }
        }
        guard let current, let row = rows.firstIndex(where: { $0.contains(current) }),
            let column = rows[row].firstIndex(of: current)
        else { return rows.first?.first }
        switch key {
        case .up: return pick(rows[max(0, row - 1)], column)
        case .down: return pick(rows[min(rows.count - 1, row + 1)], column)
        case .left: return pick(rows[row], column - 1)
        case .right: return pick(rows[row], column + 1)
        default: return current
        }
    }

    private static func pick(_ row: [DemoTarget], _ column: Int) -> DemoTarget {
        row[min(max(0, column), row.count - 1)]
    }
}
