import ControlPlane

/// The picture in words and rows: what the overview shows.
extension NodePicture {
    static let flowLimit = 40
    static let regionLimit = 200

    /// Of all that serves.
    var condition: Condition {
        let parts =
            regions.filter { !$0.servers.isEmpty || !$0.pools.isEmpty }.map(\.condition)
            + wideIPs.map(\.condition)
        if !parts.isEmpty { return Condition(of: parts) }
        return upstreams.isEmpty ? .up : Condition(of: upstreams.map(\.condition))
    }

    /// One line for who has three seconds: what fails goes before what somebody wants so.
    var headline: String {
        let words = headline { $0 == .down || $0 == .ejected } ?? headline { $0 > .degraded }
        if let words { return words }
        if condition == .unknown { return "First checks are under way" }
        if members.isEmpty, servers.isEmpty { return "Serving" }
        return "Everything is up"
    }

    /// The widest parts in such a condition; `nil`: there are none.
    private func headline(_ isBad: (Condition) -> Bool) -> String? {
        let badRegions = regions.filter { isBad($0.condition) }
        if let first = badRegions.first {
            let names = badRegions.prefix(3).map(\.name).joined(separator: ", ")
            let word =
                badRegions.allSatisfy { $0.condition == first.condition } ? first.condition.sentence : "out"
            return badRegions.count == 1
                ? "Region \(first.name) is \(first.condition.sentence)"
                : "\(badRegions.count) regions are \(word): \(names)\(badRegions.count > 3 ? "…" : "")"
        }
        return Self.line(servers.map(\.condition), "virtual servers", isBad)
            ?? Self.line(members.map(\.condition), "members", isBad)
            ?? Self.line(pools.map(\.condition), "pools", isBad)
    }

    /// `2 of 9 members are down`; `nil`: none is in such a condition.
    private static func line(_ conditions: [Condition], _ word: String, _ isBad: (Condition) -> Bool) -> String? {
        let bad = conditions.filter(isBad)
        guard let first = bad.first else { return nil }
        let what = bad.allSatisfy { $0 == first } ? first.sentence : "out"
        return "\(bad.count) of \(conditions.count) \(word) \(bad.count == 1 ? "is" : "are") \(what)"
    }

    /// Texts that every page has.
    func texts(_ point: TrafficHistory.Point?) -> [String: String] {
        let up = members.count { $0.condition <= .unknown }
        let serversUp = servers.count { $0.condition <= .degraded }
        return [
            "headline": headline, "state": condition.word,
            "queries": Wording.rate(point?.queries), "requests": Wording.rate(point?.requests),
            "errors": point.map { $0.errorShare.map(Wording.share) ?? "0%" } ?? Wording.nothing,
            "latency": Wording.latency(seconds: point?.latency),
            "open": Wording.count(status.proxy.openConnections),
            "bandwidth": Wording.bits(point.map { $0.bytes * 8 }),
            "generation": "\(status.generation)", "epoch": "\(status.epoch)",
            "uptime": Wording.duration(seconds: status.uptime),
            "members": members.isEmpty ? Wording.nothing : "\(up)/\(members.count)",
            "servers": servers.isEmpty ? Wording.nothing : "\(serversUp)/\(servers.count)",
            "inForce": "\(status.overrides.count + status.shifts.count)",
            "failedQueries": Wording.rate(point?.failedQueries),
        ]
    }

    var regionRows: [Row] {
        regions.prefix(Self.regionLimit).map { region in
            let inside = Set(region.servers.flatMap { servers[$0].upstreams }).flatMap { upstreams[$0].members }
            let up = inside.count { members[$0].condition <= .unknown }
            var fields = [
                "name": region.name, "word": region.condition.word, "icon": region.condition.icon,
                "answers": Wording.rate(region.answers), "share": Wording.share(region.share),
                "bar": WorldMap.text((region.share ?? 0) * 100) + "%",
                "servers": "\(region.servers.count { servers[$0].condition <= .degraded })/\(region.servers.count)",
                "members": inside.isEmpty ? Wording.nothing : "\(up)/\(inside.count)",
            ]
            fields.merge(Self.texts(region.traffic ?? .unknown)) { first, _ in first }
            fields.merge(action("region", region.name, region.condition)) { first, _ in first }
            return Row("region:\(region.name)", region.condition, fields)
        }
    }

    /// Regions that have a place, for the map.
    var mapRows: [Row] {
        let placed = regions.compactMap { region in
            region.location.map { (region: region, point: WorldMap.place($0)) }
        }
        let shown = placed.prefix(Self.regionLimit).map {
            (region: $0.region, point: $0.point, name: Wording.shortened($0.region.name, to: 20))
        }
        let labels = MapLabel.labels(shown.map { ($0.point, $0.name.count) })
        return zip(shown, labels).map { place, label in
            let (region, point) = (place.region, place.point)
            return Row(
                region.name, region.condition,
                [
                    "label": place.name, "icon": region.condition.icon,
                    "place": "translate(\(WorldMap.text(point.x)) \(WorldMap.text(point.y)))",
                    "share": region.share.map { Wording.share($0) } ?? "",
                    "anchor": label.anchor, "across": "\(label.across)", "down": "\(label.down)",
                    "title": "\(region.name): \(region.condition.word), \(Wording.share(region.share)) of answers",
                ])
        }
    }

    var flowRows: [Row] {
        let places = Dictionary(
            regions.compactMap { region in region.location.map { (region.name, WorldMap.place($0)) } },
            uniquingKeysWith: { first, _ in first })
        return flows.compactMap { flow in
            guard let start = CountryCentres.location(of: flow.country).map(WorldMap.place),
                let end = places[flow.region]
            else { return nil }
            // Five widths: the eye tells no more apart.
            let width = 1 + [0.02, 0.06, 0.14, 0.3].count { flow.share >= $0 }
            return Row(
                "\(flow.country)>\(flow.region)", "",
                [
                    "path": WorldMap.arc(from: start, to: end), "width": "\(width)",
                    "x": WorldMap.text(start.x), "y": WorldMap.text(start.y),
                    "country": flow.country, "region": flow.region,
                    "title": "\(flow.country) → \(flow.region): \(Wording.share(flow.share)) of answers",
                ])
        }
    }

    static func texts(_ traffic: Traffic?) -> [String: String] {
        [
            "rate": traffic.map { Wording.rate($0.rate) } ?? "",
            "errors": traffic.map { $0.errorShare.map(Wording.share) ?? Wording.nothing } ?? "",
            "latency": traffic.map { Wording.latency(seconds: $0.latency) } ?? "",
        ]
    }

    /// What an operator can do with it at a click: drain what serves, enable what an operator took out.
    func action(_ kind: String, _ name: String, _ condition: Condition) -> [String: String] {
        if overridden["\(kind):\(name)"] != nil { return ["act": "enable", "actWord": "Enable", "kind": kind] }
        if condition == .draining || condition == .disabled { return ["kind": kind] }
        return ["act": "drain", "actWord": "Drain", "kind": kind]
    }
}

/// The kinds of parts, in the words of the API.
enum SubjectKind: String, Sendable, CaseIterable {
    case region
    case wideIP = "wide-ip"
    case pool
    case virtualServer = "virtual-server"
    case listener
    case upstream
    case member

    var word: String {
        switch self {
        case .region: "Region"
        case .wideIP: "Wide IP"
        case .pool: "Pool"
        case .virtualServer: "Virtual server"
        case .listener: "Listener"
        case .upstream: "Upstream"
        case .member: "Member"
        }
    }

    /// Amid a sentence.
    var noun: String { self == .wideIP ? "wide IP" : word.lowercased() }

    /// Wider parts first.
    var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

extension Condition {
    var word: String {
        switch self {
        case .up: "Available"
        case .unknown: "Unknown"
        case .degraded: "Degraded"
        case .draining: "Draining"
        case .cutOver: "Cut over"
        case .ejected: "Ejected"
        case .disabled: "Disabled"
        case .down: "Down"
        }
    }

    /// After "is".
    var sentence: String {
        switch self {
        case .degraded: "degraded"
        case .ejected: "kept out for a while"
        default: word.lowercased()
        }
    }

    /// The symbol in the page's sprite.
    var icon: String { "#s-\(rawValue)" }
}
