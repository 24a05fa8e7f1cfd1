internal import TrafficModel

/// `safety:`.
enum SafetySection {
    private static let fresh = Safety()

    static let enabled = Shape<Int>.integer(1...1000).field(
        "enabled_at_least", "How many of the regions must stay enabled and have something that works.")
    static let drained = Shape<Int>.integer(0...1000).field(
        "drained_at_most", "How many of the regions may be taken out at a time.")
    static let regions = Shape<[Located<Int>]>.list(of: Shape<Int>.reference(.region).located, minimum: 1).field(
        "regions", "The regions that it counts; all if absent.")

    static let ruleModel = ObjectModel(
        title: "safety.rules.NAME", summary: "What no command, window, shift or cutover may bring about.",
        fields: [enabled.description, drained.description, regions.description],
        exactlyOne: ["enabled_at_least", "drained_at_most"])

    /// No regions: all.
    struct Draft: Sendable {
        var rule: Safety.Rule
        var bound: Position
    }

    private static let rule = Shape<Draft>(.object(ruleModel)) { node, context in
        guard let reader = ObjectReader(ruleModel, node, context) else { return nil }
        let list = unique(reader.read(regions, context) ?? [], of: .region, context)
        let bound: Safety.Rule.Bound
        if let count = reader.read(enabled, context) {
            bound = .enabled(atLeast: count)
        } else if let count = reader.read(drained, context) {
            bound = .drained(atMost: count)
        } else {
            return nil
        }
        return Draft(
            rule: Safety.Rule(name: "", bound: bound, regions: list), bound: reader.position(of: "enabled_at_least"))
    }

    static let share = Shape<Double>.share(1...100).field(
        "share", default: fresh.shiftShare, "So much of the clients at most.")
    static let time = Shape<Duration>.duration(1000...86_400_000).field(
        "per", default: fresh.shiftTime, "In so much time.")
    static let slopeModel = ObjectModel(
        title: "safety.shift_slope", summary: "How fast a shift may grow.",
        fields: [share.description, time.description])
    private static let slope = Shape<ObjectReader>(.object(slopeModel)) { node, context in
        ObjectReader(slopeModel, node, context)
    }

    static let rules = Shape<[Named<Draft>]>.map(key: "name", of: rule).field(
        "rules", "What no command, window, shift or cutover may bring about.")
    static let shiftSlope = slope.field("shift_slope", "How fast a shift may grow: 10% in 1m if absent.")
    static let model = ObjectModel(
        title: "safety", summary: "Limits to what operators can do at run time.",
        fields: [rules.description, shiftSlope.description])

    struct Whole: Sendable {
        var rules: [Named<Draft>] = []
        var safety = Safety()
    }

    static let shape = Shape<Whole>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var whole = Whole()
        whole.rules = reader.read(rules, context) ?? []
        if let slope = reader.read(shiftSlope, context) {
            whole.safety.shiftShare = slope.read(share, context)
            whole.safety.shiftTime = slope.read(time, context)
        }
        return whole
    }
}

extension ConfigurationAssembly {
    mutating func assembleSafety() {
        intent.safety = draft.safety.safety
        for entry in draft.safety.rules {
            guard var rule = entry.value?.rule else { continue }
            rule.name = entry.name
            if rule.regions.isEmpty { rule.regions = Array(intent.regions.indices) }
            if case .enabled(let count) = rule.bound, count > rule.regions.count {
                context.error(
                    entry.value?.bound ?? entry.position,
                    "\(count) of \(rule.regions.count) regions cannot stay enabled",
                    "write at most \(rule.regions.count), or list more regions")
            }
            intent.safety.rules.append(rule)
        }
    }
}
