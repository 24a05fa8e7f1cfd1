import Addresses

/// Lays a status out as lines: a pure function, so that it is tested without a terminal.
struct DemoView: Sendable {
    /// What the arrow keys are on.
    var selection: DemoTarget?
    /// A command that is being typed; `nil` while single keys act.
    var prompt: String?
    /// The answer to the last command.
    var notice: String?
    var showsHelp = false
    /// Where the dashboard is; `nil`: there is none.
    var link: String?

    /// As many of the sections as `rows` allow: the tree, the clients and the keys first, then what is nice to have.
    func lines(_ status: DemoStatus, rows: Int, columns: Int) -> [StyledText] {
        let head =
            [header(status, columns: columns)] + (link.map { [line(to: $0, columns: columns)] } ?? []) + [StyledText()]
        let foot = footer()
        let tree = tree(status)
        var left = rows - head.count - foot.count - tree.count
        var middle = tree
        /// Adds a section with an empty line before it when it fits.
        func add(_ section: [StyledText]) {
            guard !section.isEmpty, section.count + 1 <= left else { return }
            middle += [StyledText()] + section
            left -= section.count + 1
        }
        let clients = clients(status)
        add(clients.count + 1 <= left ? clients : [clientSummary(status)])
        let suggestions = suggestions(status)
        // The lines to try keep their place; decisions and events share what is left.
        let room = left - suggestions.count - 1
        let (decisions, events) = (decisions(status), status.events.map { StyledText("  " + $0) })
        let share = events.isEmpty ? room - 2 : max((room - 4) / 2, room - 4 - events.count)
        let latest = tail("latest decisions", decisions, limit: min(12, share))
        add(latest)
        add(tail("events", events, limit: min(12, left - suggestions.count - 3)))
        add(suggestions)
        let body = (head + middle).prefix(max(0, rows - foot.count))
        return body + Array(repeating: StyledText(), count: max(0, rows - foot.count - body.count)) + foot
    }

    /// One line for logs and pipes.
    func summary(_ status: DemoStatus) -> String {
        let regions = status.regions.map { region in
            let up = region.virtualServers.filter { $0.mark != .down }.count
            let clients = status.clients.filter { $0.region == region.name }.map(\.country).joined(separator: ",")
            return "\(region.name) \(word(region.mark)) \(up)/\(region.virtualServers.count) VIPs [\(clients)]"
        }
        return """
            \(status.elapsed.clock)  \(regions.joined(separator: "  "))  \
            \(rate(status.queriesPerSecond)) queries/s  \(rate(status.requestsPerSecond)) requests/s  \
            ok \(status.succeeded)  failed \(status.failed)
            """
    }

    // MARK: Sections

    private func header(_ status: DemoStatus, columns: Int) -> StyledText {
        var line = StyledText(" Meridian demo ", .reverse)
        line.append("  \(status.elapsed.clock)")
        line.append("   DNS ", .dim)
        line.append("\(rate(status.queriesPerSecond)) queries/s")
        line.append("   VIPs ", .dim)
        line.append("\(rate(status.requestsPerSecond)) requests/s")
        line.append("   ok ", .dim)
        line.append("\(status.succeeded)", .green)
        line.append("   failed ", .dim)
        line.append("\(status.failed)", status.failed == 0 ? .green : .red)
        line.append("   config \(status.generation), epoch \(status.epoch)", .dim)
        return line
    }

    /// The address as a whole, whatever must go for it: a part of it is of no use.
    private func line(to link: String, columns: Int) -> StyledText {
        let word = " Dashboard  "
        var line = StyledText(word.count + link.count <= columns ? word : " ", .dim)
        line.append(link, .cyan)
        return line
    }

    private func tree(_ status: DemoStatus) -> [StyledText] {
        var name = StyledText(" " + status.service, .bold)
        name.append("  wide IP: CNAME by the client's country, TTL \(status.ttl) s", .dim)
        var lines = [name]
        for (index, region) in status.regions.enumerated() {
            let isLast = index == status.regions.count - 1
            lines.append(line(region, branch: isLast ? " └─ " : " ├─ ", status: status))
            for (position, server) in region.virtualServers.enumerated() {
                let end = position == region.virtualServers.count - 1
                lines.append(line(server, branch: (isLast ? "     " : " │   ") + (end ? "└─ " : "├─ ")))
            }
        }
        return lines
    }

    private func line(_ region: DemoStatus.Region, branch: String, status: DemoStatus) -> StyledText {
        var line = StyledText(branch, .dim)
        append(region.mark, label: region.name, target: .region(region.name), to: &line)
        line.pad(to: 12)
        line.append(region.title)
        line.pad(to: 29)
        line.append(region.host, .cyan)
        line.pad(to: 62)
        let clients = status.clients.filter { $0.region == region.name }
        line.append(clients.isEmpty ? "no clients" : clients.map(\.country).joined(separator: " "), .bold)
        append(state: region.mark, isKilled: region.isKilled, to: &line)
        return line
    }

    private func line(_ server: DemoStatus.VirtualServer, branch: String) -> StyledText {
        var line = StyledText(branch, .dim)
        append(server.mark, label: server.name, target: .virtualServer(server.name), to: &line)
        line.pad(to: 18)
        line.append("\(server.endpoint)", .dim)
        for (index, member) in server.members.enumerated() {
            line.pad(to: 34 + index * 19)
            append(member.mark, label: member.name, target: .member(member.name), to: &line)
            let load = member.isKilled && member.mark != .down ? "killed" : "\(rate(member.requestsPerSecond))/s"
            line.append(" " + load.leftPadded(to: 5), member.isKilled ? .red : .dim)
        }
        append(state: server.mark, isKilled: server.isKilled, to: &line)
        return line
    }

    private func clients(_ status: DemoStatus) -> [StyledText] {
        var title = StyledText(" clients", .bold)
        title.pad(to: 10)
        title.append("address            home   now     member          ok  failed", .dim)
        return [title]
            + status.clients.map { client in
                var line = StyledText(" \(client.country)")
                line.pad(to: 10)
                line.append(client.address, .cyan)
                line.pad(to: 29)
                line.append(client.home, .dim)
                line.pad(to: 36)
                line.append(client.region ?? "–", client.region == client.home ? .green : .yellow)
                line.pad(to: 44)
                line.append(client.member ?? "–")
                line.pad(to: 52)
                line.append(String(client.succeeded).leftPadded(to: 10))
                line.append(String(client.failed).leftPadded(to: 8), client.failed == 0 ? .plain : .red)
                if let reason = client.lastFailure { line.append("  " + reason, .red) }
                return line
            }
    }

    private func clientSummary(_ status: DemoStatus) -> StyledText {
        StyledText(" \(status.clients.count) clients: \(status.succeeded) ok, \(status.failed) failed")
    }

    private func decisions(_ status: DemoStatus) -> [StyledText] {
        status.decisions.map { decision in
            var line = StyledText("  \(decision.time.clock)  ", .dim)
            line.append(decision.client, .bold)
            line.append("  \(decision.question) → ")
            line.append(decision.answer, .cyan)
            return line
        }
    }

    private func suggestions(_ status: DemoStatus) -> [StyledText] {
        guard !status.suggestions.isEmpty else { return [] }
        return [StyledText(" try in another terminal", .bold)] + status.suggestions.map { StyledText("  " + $0) }
    }

    private func tail(_ title: String, _ lines: [StyledText], limit: Int) -> [StyledText] {
        guard limit > 0, !lines.isEmpty else { return [] }
        return [StyledText(" " + title, .bold)] + lines.suffix(limit)
    }

    private func footer() -> [StyledText] {
        var lines = [StyledText(notice.map { " " + $0 } ?? "", .yellow)]
        if let prompt {
            lines.append(StyledText(" : \(prompt)▏"))
        } else {
            var keys = StyledText(" ")
            for (key, meaning) in [
                ("↑↓←→", "select"), ("k", "kill"), ("r", "revive"), ("d", "drain/resume"), ("a", "revive all"),
                (":", "type a command"), ("q", "quit"),
            ] {
                keys.append(key, .bold)
                keys.append(" \(meaning)   ", .dim)
            }
            lines.append(keys)
        }
        if showsHelp {
            lines = DemoCommand.usage.split(separator: "\n").map { StyledText(" " + $0) } + lines
        }
        return lines
    }

    // MARK: Parts

    private func append(_ mark: DemoStatus.Mark, label: String, target: DemoTarget, to line: inout StyledText) {
        let (sign, style): (String, StyledText.Style) =
            switch mark {
            case .up: ("●", .green)
            case .down: ("✗", .red)
            case .ejected: ("✗", .yellow)
            case .unknown: ("?", .yellow)
            case .draining: ("◐", .yellow)
            }
        line.append(sign + " ", style)
        line.append(label, target == selection ? .reverse : .plain)
    }

    private func append(state mark: DemoStatus.Mark, isKilled: Bool, to line: inout StyledText) {
        switch (mark, isKilled) {
        case (.down, true): line.append("  killed, seen down", .red)
        case (_, true): line.append("  killed, not yet seen", .red)
        case (.down, false): line.append("  down", .red)
        case (.draining, false): line.append("  draining", .yellow)
        default: break
        }
    }

    private func word(_ mark: DemoStatus.Mark) -> String {
        switch mark {
        case .up: "up"
        case .down: "DOWN"
        case .ejected: "ejected"
        case .unknown: "unknown"
        case .draining: "draining"
        }
    }

    private func rate(_ value: Double) -> String { String(Int(value.rounded())) }
}

extension String {
    func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
