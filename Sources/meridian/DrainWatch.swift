import ArgumentParser
import ControlPlane
import FoundationEssentials
import Glibc
import TrafficModel

/// Waits until what drains has nothing left: no open connection, no client that arrives, and no resolver that may
/// still keep the old answer.
struct DrainWatch {
    let node: AdminNode
    let kind: Overrides.Subject.Kind
    let name: String
    let limit: Duration
    let json: Bool

    /// How often the node is asked.
    private static let interval = Duration.seconds(1)
    /// How often a line is written where lines cannot be written over.
    private static let lineInterval = Duration.seconds(5)

    /// One look at what drains.
    private struct Sample {
        /// Connections of its listeners, or requests and connections of its members.
        var open = 0
        /// Requests or connections that ever came to it, and to all that is like it.
        var arrived: UInt64 = 0
        var all: UInt64 = 0
        /// Listeners or members that are part of it here.
        var parts: [String] = []
        /// How long resolvers may keep an answer that leads to it.
        var memory = Duration.zero
    }

    /// A line of progress for programs.
    private struct Progress: Encodable {
        var seconds: Double
        var open: Int
        /// Requests or connections a second that still come, and their share of all that come.
        var arrivals: Double
        var share: Double
        /// Until no resolver keeps the old answer.
        var answersKept: Double
        var isDrained: Bool
    }

    func wait() throws {
        let clock = ContinuousClock()
        let start = clock.now
        var last = try sample()
        var (lastTime, lastLine) = (start, start)
        if last.parts.isEmpty, !json {
            Terminal.error("nothing of \(kind.rawValue) \(name) is on this node: only the answers' time is waited for")
        }
        while true {
            usleep(useconds_t(Self.interval / .microseconds(1)))
            let now = clock.now
            let sample = try self.sample()
            let seconds = (now - lastTime) / .seconds(1)
            let came = Double(sample.arrived &- min(last.arrived, sample.arrived))
            let all = Double(sample.all &- min(last.all, sample.all))
            let progress = Progress(
                seconds: (now - start) / .seconds(1), open: sample.open, arrivals: came / seconds,
                share: all > 0 ? came / all : 0, answersKept: max(0, (sample.memory - (now - start)) / .seconds(1)),
                isDrained: sample.open == 0 && came == 0 && now - start >= sample.memory)
            (last, lastTime) = (sample, now)
            let isOver = now - start >= limit
            if json || progress.isDrained || isOver || Terminal.isErrorScreen || now - lastLine >= Self.lineInterval {
                try show(progress)
                lastLine = now
            }
            if progress.isDrained { return finish("\(kind.rawValue) \(name) is drained") }
            if isOver { throw giveUp(progress, sample) }
        }
    }

    private func show(_ progress: Progress) throws {
        if json { return print(String(decoding: try JSONEncoder().encode(progress), as: UTF8.self)) }
        let kept = progress.answersKept > 0 ? "  old answers kept for \(Int(progress.answersKept.rounded(.up))) s" : ""
        let line =
            "open \(progress.open)  arriving \(progress.arrivals.short)/s, \((progress.share * 100).short) % of all"
            + kept
        Terminal.write(Terminal.isErrorScreen ? "\r\(line)\u{1b}[K" : line + "\n", to: STDERR_FILENO)
    }

    private func finish(_ text: String) {
        if Terminal.isErrorScreen, !json { Terminal.write("\n", to: STDERR_FILENO) }
        if !json { print(text) }
    }

    private func giveUp(_ progress: Progress, _ sample: Sample) -> ExitCode {
        finish("\(kind.rawValue) \(name) is not drained after \(limit.brief); it goes on draining")
        if !json {
            var advice: [String] = []
            if progress.open > 0 {
                advice.append("\(progress.open) open on \(sample.parts.prefix(5).joined(separator: ", "))")
            }
            if progress.arrivals > 0 {
                advice.append(
                    "\(progress.arrivals.short)/s still come: clients that keep addresses, or nothing else is available "
                        + "(ask `meridian explain`)")
            }
            if progress.answersKept > 0 {
                advice.append("old answers are kept for \(Int(progress.answersKept.rounded(.up))) s more")
            }
            for line in advice { Terminal.error("  " + line) }
            Terminal.error("  what to do: docs/operations.md, A drain that does not end")
        }
        return .timedOut
    }

    // MARK: What the node says

    private func sample() throws -> Sample {
        let body = try node.call("GET", "/v1/status")
        let status = try NodeText.decode(NodeStatus.self, from: body)
        return kind == .member ? members(status) : listeners(status)
    }

    private func members(_ status: NodeStatus) -> Sample {
        let glob = Glob(name)
        var sample = Sample()
        for upstream in status.upstreams {
            let own = upstream.members.filter { glob.matches("\(upstream.name)/\($0.endpoint)") }
            guard !own.isEmpty else { continue }
            sample.open += own.reduce(0) { $0 + $1.open }
            sample.arrived += own.reduce(0) { $0 + $1.started }
            sample.all += upstream.members.reduce(0) { $0 + $1.started }
            sample.parts += own.map { "\(upstream.name)/\($0.endpoint)" }
        }
        return sample
    }

    private func listeners(_ status: NodeStatus) -> Sample {
        let glob = Glob(name)
        let pools = status.pools.filter { pool in
            switch kind {
            case .pool: glob.matches(pool.name)
            case .region: pool.region.map(glob.matches) ?? false
            default: pool.virtualServers.contains(where: glob.matches)
            }
        }
        let servers = status.virtualServers.filter { server in
            switch kind {
            case .pool: pools.contains { $0.virtualServers.contains(server.name) }
            case .region: glob.matches(server.region)
            default: glob.matches(server.name)
            }
        }
        var sample = Sample()
        // A client may learn the pool's name at the last moment, and its address at the last moment of that.
        let names = Set(pools.map(\.name))
        let first = status.wideIPs.filter { !names.isDisjoint(with: $0.pools) }.compactMap(\.ttl).max() ?? 0
        let second = pools.map(\.ttl).max() ?? 0
        sample.memory = status.dns.endpoints.isEmpty ? .zero : .seconds(Int(max(first, second)) + Int(second))
        for listener in status.listeners {
            let routes = status.routes.filter { $0.listener == listener.name }
            // Connections where nothing is known of requests.
            let arrived = routes.isEmpty ? listener.connections : routes.reduce(0) { $0 + $1.traffic.requests }
            sample.all += arrived
            guard servers.contains(where: { Self.serves(listener.endpoint, $0.endpoint) }) else { continue }
            sample.open += listener.openConnections
            sample.arrived += arrived
            sample.parts.append("listener \(listener.name)")
        }
        return sample
    }

    /// Whether a listener takes what is sent to an address: its own, or any with its port.
    private static func serves(_ listener: String, _ address: String) -> Bool {
        if listener == address { return true }
        guard let colon = listener.lastIndex(of: ":"), let other = address.lastIndex(of: ":") else { return false }
        return ["0.0.0.0", "[::]"].contains(listener[..<colon]) && listener[colon...] == address[other...]
    }
}
