import ControlPlane

/// How wide IPs and pools keep to their objectives, as rows: the worst first.
extension NodePicture {
    /// On the overview.
    static let fewLevels = 5
    /// `meridian sla` has all.
    static let levelLimit = 200

    func levelRows(limit: Int = NodePicture.levelLimit) -> [Row] {
        let measured = levels.compactMap { level in
            // What was served says more than what could have been.
            (level.requests ?? level.time).map { (level: level, measure: $0) }
        }
        return measured.sorted {
            ($0.measure.budgetRemaining, $0.level.kind, $0.level.name)
                < ($1.measure.budgetRemaining, $1.level.kind, $1.level.name)
        }.prefix(limit).map(Self.row)
    }

    private static func row(_ level: ServiceLevel, _ measure: ServiceLevel.Measure) -> Row {
        let left = measure.budgetRemaining
        let burn = measure.burnRate["1h"] ?? 0
        let condition: Condition = left <= 0 ? .down : burn > 1 ? .degraded : .up
        let word =
            switch condition {
            case .down: "Spent"
            case .degraded: "Burning"
            default: "Kept"
            }
        return Row(
            "\(level.kind):\(level.name)", condition,
            [
                "kind": SubjectKind(rawValue: level.kind)?.word ?? level.kind, "name": level.name,
                "word": word, "icon": condition.icon,
                "objective": Wording.availability(level.objective), "days": "\(level.days)",
                "by": level.requests == nil ? "time" : "requests",
                "hour": Wording.availability(measure.availability["1h"]),
                "period": Wording.availability(measure.availability["period"]),
                "bar": WorldMap.text(min(max(left, 0), 1) * 100) + "%",
                "left": left < 0 ? "overspent" : "\(Wording.share(left)) left",
                "burn": burn > 0 ? "× \(Wording.count(burn))" : "0",
                "href": ServiceQuery(text: level.name).href,
            ])
    }
}
