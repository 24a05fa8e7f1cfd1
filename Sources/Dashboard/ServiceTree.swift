/// The tree wide IP → pool → virtual server → member, and what no wide IP leads to, as the rows of one page.
struct ServiceTree {
    struct Page: Sendable {
        var rows: [Row]
        /// Of all pages.
        var count: Int
        var query: ServiceQuery
        var pageCount: Int { max(1, (count + ServiceQuery.pageSize - 1) / ServiceQuery.pageSize) }
    }

    /// A part in the tree. A pool that two wide IPs share is two of them.
    private enum Part {
        case wideIP(Int), pool(Int), server(Int), listener(Int), upstream(Int), member(Int)
    }

    /// Whole levels of branches are open by themselves as long as there are no more rows than this.
    private static let openLimit = 60

    private let picture: NodePicture
    private let query: ServiceQuery
    private let roots: [Part]
    /// Branches down to this level are open by themselves.
    private var openDepth = 0
    private var rows: [Row] = []
    private var count = 0

    static func page(_ query: ServiceQuery, of picture: NodePicture) -> Page {
        var tree = ServiceTree(picture, query)
        if query.isSearch { tree.search() } else { for root in tree.roots { tree.visit(root, path: "", level: 1) } }
        return Page(rows: tree.rows, count: tree.count, query: query)
    }

    private init(_ picture: NodePicture, _ query: ServiceQuery) {
        self.picture = picture
        self.query = query
        var roots: [Part] = picture.wideIPs.indices.map { .wideIP($0) }
        let pools = Set(picture.wideIPs.flatMap(\.pools))
        roots += picture.pools.indices.filter { !pools.contains($0) }.map { .pool($0) }
        let servers = Set(picture.pools.flatMap(\.servers))
        roots += picture.servers.indices.filter { !servers.contains($0) }.map { .server($0) }
        // Listeners that are no virtual server are the roots of a node that only forwards.
        let endpoints = Set(picture.servers.map(\.endpoint))
        roots += picture.listeners.indices.filter { !endpoints.contains(picture.listeners[$0].endpoint) }
            .map { .listener($0) }
        let upstreams = Set(picture.listeners.flatMap(\.upstreams))
        roots += picture.upstreams.indices.filter { !upstreams.contains($0) }.map { .upstream($0) }
        self.roots = roots
        guard !query.isSearch else { return }
        var level = roots
        var count = roots.count
        while true {
            level = level.flatMap { children(of: $0) }
            count += level.count
            guard !level.isEmpty, count <= Self.openLimit else { break }
            openDepth += 1
        }
    }

    // MARK: As a tree

    private mutating func visit(_ part: Part, path parent: String, level: Int) {
        let path = parent.isEmpty ? key(part) : "\(parent)>\(key(part))"
        let children = children(of: part)
        let isOpen = !children.isEmpty && (level <= openDepth) != query.toggled.contains(path)
        if isOnPage {
            var fields = fields(of: part)
            fields["level"] = "\(level)"
            if !children.isEmpty {
                var toggled = query
                if toggled.toggled.remove(path) == nil { toggled.toggled.insert(path) }
                fields["href"] = toggled.href
                fields["expanded"] = isOpen ? "true" : "false"
                fields["toggle"] = "\(isOpen ? "Close" : "Open") \(fields["name"] ?? "")"
            }
            rows.append(Row(path, condition(of: part), fields))
        }
        count += 1
        if isOpen { for child in children { visit(child, path: path, level: level + 1) } }
    }

    private var isOnPage: Bool {
        count >= (query.page - 1) * ServiceQuery.pageSize && count < query.page * ServiceQuery.pageSize
    }

    private func children(of part: Part) -> [Part] {
        switch part {
        case .wideIP(let at): picture.wideIPs[at].pools.map { .pool($0) }
        case .pool(let at): picture.pools[at].servers.map { .server($0) }
        case .server(let at): behind(picture.servers[at].upstreams)
        case .listener(let at): behind(picture.listeners[at].upstreams)
        case .upstream(let at): picture.upstreams[at].members.map { .member($0) }
        case .member: []
        }
    }

    /// The members themselves where there is one upstream.
    private func behind(_ upstreams: [Int]) -> [Part] {
        upstreams.count == 1
            ? picture.upstreams[upstreams[0]].members.map { .member($0) } : upstreams.map { .upstream($0) }
    }

    // MARK: As a list

    private mutating func search() {
        let parts: [Part] =
            picture.wideIPs.indices.map { .wideIP($0) } + picture.pools.indices.map { .pool($0) }
            + picture.servers.indices.map { .server($0) } + picture.listeners.indices.map { .listener($0) }
            + picture.upstreams.indices.map { .upstream($0) } + picture.members.indices.map { .member($0) }
        let wanted = query.text.lowercased()
        for part in parts {
            let condition = condition(of: part)
            if let asked = query.condition, asked != condition { continue }
            if !wanted.isEmpty, !names(of: part).contains(where: { $0.lowercased().contains(wanted) }) { continue }
            if isOnPage {
                var fields = fields(of: part)
                fields["level"] = "1"
                // Alone in a list, its address does not say which upstream it serves.
                if case .member(let at) = part { fields["name"] = name(ofMember: at) }
                rows.append(Row(key(part), condition, fields))
            }
            count += 1
        }
    }

    /// What it is found by.
    private func names(of part: Part) -> [String] {
        switch part {
        case .wideIP(let at): return [picture.wideIPs[at].name]
        case .pool(let at): return [picture.pools[at].name, picture.pools[at].host ?? ""]
        case .server(let at): return [picture.servers[at].name, picture.servers[at].endpoint]
        case .listener(let at): return [picture.listeners[at].name, picture.listeners[at].endpoint]
        case .upstream(let at): return [picture.upstreams[at].name]
        case .member(let at): return [name(ofMember: at)]
        }
    }

    // MARK: Rows

    private func name(ofMember at: Int) -> String {
        "\(picture.upstreams[picture.members[at].upstream].name)/\(picture.members[at].endpoint)"
    }

    private func key(_ part: Part) -> String {
        switch part {
        case .wideIP(let at): "w:\(picture.wideIPs[at].name)"
        case .pool(let at): "p:\(picture.pools[at].name)"
        case .server(let at): "v:\(picture.servers[at].name)"
        case .listener(let at): "l:\(picture.listeners[at].name)"
        case .upstream(let at): "u:\(picture.upstreams[at].name)"
        case .member(let at): "m:\(name(ofMember: at))"
        }
    }

    private func condition(of part: Part) -> Condition {
        switch part {
        case .wideIP(let at): picture.wideIPs[at].condition
        case .pool(let at): picture.pools[at].condition
        case .server(let at): picture.servers[at].condition
        case .listener(let at): picture.listeners[at].condition
        case .upstream(let at): picture.upstreams[at].condition
        case .member(let at): picture.members[at].condition
        }
    }

    private func fields(of part: Part) -> [String: String] {
        var fields: [String: String]
        switch part {
        case .wideIP(let at):
            let wideIP = picture.wideIPs[at]
            fields = [
                "type": SubjectKind.wideIP.word, "name": wideIP.name, "detail": wideIP.method,
                "answers": Wording.rate(wideIP.answers),
            ]
            fields.merge(
                NodePicture.texts(
                    NodePicture.Traffic(sum: wideIP.pools.compactMap { picture.pools[$0].traffic }))
            ) { first, _ in first }
        case .pool(let at):
            let pool = picture.pools[at]
            fields = [
                "type": SubjectKind.pool.word, "name": pool.name, "detail": pool.host ?? "",
                "answers": Wording.rate(pool.answers),
            ]
            fields.merge(NodePicture.texts(pool.traffic)) { first, _ in first }
            fields.merge(picture.action("pool", pool.name, pool.condition)) { first, _ in first }
            fields["subject"] = pool.name
        case .server(let at):
            let server = picture.servers[at]
            fields = [
                "type": SubjectKind.virtualServer.word, "name": server.name,
                "detail": server.reason.isEmpty ? "\(server.endpoint) in \(server.region)" : server.reason,
            ]
            fields.merge(NodePicture.texts(server.traffic)) { first, _ in first }
            fields.merge(
                server.waits
                    ? ["act": "resume", "actWord": "Resume", "kind": "virtual-server"]
                    : picture.action("virtual-server", server.name, server.condition)
            ) { first, _ in first }
            fields["subject"] = server.name
        case .listener(let at):
            let listener = picture.listeners[at]
            fields = [
                "type": SubjectKind.listener.word, "name": listener.name, "detail": listener.endpoint,
                "open": Wording.count(listener.open),
            ]
            fields.merge(NodePicture.texts(listener.traffic)) { first, _ in first }
        case .upstream(let at):
            let upstream = picture.upstreams[at]
            fields = [
                "type": SubjectKind.upstream.word, "name": upstream.name,
                "detail": upstream.members.count == 1 ? "1 member" : "\(upstream.members.count) members",
            ]
            fields.merge(NodePicture.texts(upstream.traffic)) { first, _ in first }
        case .member(let at):
            let member = picture.members[at]
            fields = [
                "type": SubjectKind.member.word, "name": member.endpoint,
                "detail": member.reason.isEmpty ? picture.upstreams[member.upstream].name : member.reason,
                "open": Wording.count(member.open),
            ]
            fields.merge(NodePicture.texts(member.traffic)) { first, _ in first }
            fields.merge(picture.action("member", name(ofMember: at), member.condition)) { first, _ in first }
            fields["subject"] = name(ofMember: at)
        }
        let condition = condition(of: part)
        fields["word"] = condition.word
        fields["icon"] = condition.icon
        return fields
    }
}
