internal import DNSWire
internal import TrafficModel

/// `sla:`.
enum ObjectiveSection {
    private static let fresh = ObjectiveSettings()

    static let objective = Shape<Double>.perCent.field(
        "objective", default: fresh.objective, "The part of requests, and of time, that must be good.")
    static let days = Shape<Int>.integer(1...90).field(
        "days", default: fresh.days, "Days that the objective and its error budget are reckoned over.")
    static let byName = Shape<[Named<Double>]>.map(key: "name", of: .perCent).field(
        "objectives", "Other objectives of wide IPs and pools, by their names.")
    static let model = ObjectModel(
        title: "sla", summary: "What wide IPs and pools are to reach.",
        fields: [objective.description, days.description, byName.description])

    struct Whole: Sendable {
        var settings = ObjectiveSettings()
        var byName: [Named<Double>] = []
    }

    static let shape = Shape<Whole>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var whole = Whole()
        whole.settings.objective = reader.read(objective, context)
        whole.settings.days = reader.read(days, context)
        whole.byName = reader.read(byName, context) ?? []
        return whole
    }
}

extension ConfigurationAssembly {
    mutating func assembleObjectives() {
        intent.objectives = draft.objectives.settings
        let names = intent.pools.map(\.name) + intent.wideIPs.map(\.name.description)
        let known = Set(names)
        for entry in draft.objectives.byName {
            // Names of wide IPs end with the root's dot; few write it.
            guard let name = [entry.name, entry.name + "."].first(where: known.contains) else {
                context.error(
                    entry.position, "there is no wide IP or pool \"\(entry.name.shortened)\"",
                    Suggestion.advice(for: entry.name, in: names, none: "remove it"))
                continue
            }
            intent.objectives.byName[name] = entry.value
        }
    }

    /// Access and query logs keep as much of addresses as `log:` says.
    mutating func assembleLogs() {
        intent.log = draft.log
        intent.proxy.accessLog?.clients = draft.log.clients
        intent.dns.queryLog?.clients = draft.log.clients
        // Each would set the other's lines aside.
        if let dns = draft.dns, let queries = intent.dns.queryLog, let access = intent.proxy.accessLog,
            queries.path != "-", queries.isFile(of: access)
        {
            context.error(
                dns.places.queryLog, "\(queries.path) is the file of proxy.access_log already",
                "name another for one of them")
        }
    }
}

extension LogFile {
    /// Whether the paths say the same, however they are written. Links are not followed: nothing is read here.
    func isFile(of other: LogFile) -> Bool {
        func parts(_ path: String) -> [Substring] { path.split(separator: "/").filter { $0 != "." } }
        return path.hasPrefix("/") == other.path.hasPrefix("/") && parts(path) == parts(other.path)
    }
}
