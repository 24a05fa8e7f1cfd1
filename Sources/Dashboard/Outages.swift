/// What is down as a whole, each with the parts that are down in it: a region with its pools, virtual servers and members,
/// a virtual server or an upstream with its members. Hundreds of members that fall together are one thing to look at.
struct Outages {
    struct Whole: Hashable {
        var kind: SubjectKind
        var name: String
    }

    private var touched: [Whole: [SubjectKind: [String]]] = [:]
    private var reasons: [Whole: String] = [:]
    /// What each upstream's members belong to.
    private var wholes: [Int: Whole] = [:]
    private let downRegions: Set<String>

    init(_ picture: NodePicture) {
        downRegions = Set(picture.regions.filter { $0.condition == .down }.map(\.name))
        for server in picture.servers where server.condition == .down {
            let whole =
                downRegions.contains(server.region)
                ? Whole(kind: .region, name: server.region) : Whole(kind: .virtualServer, name: server.name)
            for upstream in server.upstreams where wholes[upstream] == nil { wholes[upstream] = whole }
        }
        for (position, upstream) in picture.upstreams.enumerated()
        where wholes[position] == nil && upstream.condition == .down && upstream.members.count > 1 {
            wholes[position] = Whole(kind: .upstream, name: upstream.name)
        }
    }

    /// Notes a part that is down with the region that is.
    ///
    /// - Returns: whether its region is down.
    mutating func include(_ kind: SubjectKind, _ name: String, inRegion region: String?, _ reason: String) -> Bool {
        guard let region, downRegions.contains(region) else { return false }
        note(kind, name, in: Whole(kind: .region, name: region), reason)
        return true
    }

    /// The same of a member.
    mutating func include(member name: String, ofUpstream upstream: Int, _ reason: String) -> Bool {
        guard let whole = wholes[upstream] else { return false }
        note(.member, name, in: whole, reason)
        return true
    }

    private mutating func note(_ kind: SubjectKind, _ name: String, in whole: Whole, _ reason: String) {
        touched[whole, default: [:]][kind, default: []].append(name)
        if !reason.isEmpty, reasons[whole] == nil { reasons[whole] = reason }
    }

    /// Of what is down as a whole: why, and what with it.
    ///
    /// - Parameter own: its own reason; empty: that of its parts is told.
    func reason(_ kind: SubjectKind, _ name: String, own: String) -> String {
        let whole = Whole(kind: kind, name: name)
        let parts = TouchedParts.text(touched[whole] ?? [:], except: (kind, name))
        let why = own.isEmpty ? reasons[whole] ?? "" : own
        return [why, parts.isEmpty ? "" : "with \(parts)"].filter { !$0.isEmpty }.joined(separator: " · ")
    }

    /// Upstreams that are down as a whole and that nothing wider tells of.
    var upstreams: [String] { wholes.values.filter { $0.kind == .upstream }.map(\.name).sorted() }
}
