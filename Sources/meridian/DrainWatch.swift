import AdminAPI
import ArgumentParser
import ConfigurationLoading
import ControlPlane
import FoundationEssentials
import Glibc
import Maintenance
import TrafficModel

/// Waits until what drains has nothing left: no open connection, no client that arrived for a while, and no resolver
/// that may still keep the old answer.
struct DrainWatch {
    let node: AdminNode
    let kind: Overrides.Subject.Kind
    let name: String
    let limit: Duration
    /// For how long nobody may have come.
    let quiet: Duration
    let json: Bool

    /// How often the node is asked.
    private static let interval = Duration.seconds(1)
    /// How often a line is written where lines cannot be written over.
    private static let lineInterval = Duration.seconds(5)

    /// A line of progress for programs.
    private struct Progress: Encodable {
        var seconds: Double
        var open: Int
        /// Requests or connections a second that still come, and their share of all that come.
        var arrivals: Double
        var share: Double
        /// Until no resolver keeps the old answer.
        var answersKept: Double
        /// Since the latest arrival, and how much of that is waited for.
        var quiet: Double
        var quietNeeded: Double
        var isDrained: Bool
    }

    func wait() throws {
        let clock = ContinuousClock()
        let start = clock.now
        let first = try NodeText.decode(NodeStatus.self, from: try node.call("GET", "/v1/status"))
        let order = try order(in: first, after: nil)
        var (follower, isBack) = (try StatusFollower(node), false)
        var last = DrainSample(of: kind, name, in: first)
        var (lastTime, lastLine) = (start, start)
        var arrivals = ArrivalGaps(start: start, least: quiet)
        if last.parts.isEmpty, !json {
            Terminal.error("nothing of \(kind.rawValue) \(name) is on this node: only the answers' time is waited for")
        }
        while true {
            usleep(useconds_t(Self.interval / .microseconds(1)))
            let body = try follower.look(speaks: true)
            let now = clock.now
            guard let body else {
                guard now - start < limit else {
                    finish("\(kind.rawValue) \(name): the node does not answer; whether it is drained is not known")
                    throw ExitCode.unreachable
                }
                isBack = true
                continue
            }
            // Who came meanwhile is not known: the quiet begins anew, and the node's counters may have.
            if isBack {
                isBack = false
                arrivals = ArrivalGaps(start: now, least: quiet)
            }
            let status = try NodeText.decode(NodeStatus.self, from: body)
            _ = try self.order(in: status, after: order)
            let sample = DrainSample(of: kind, name, in: status)
            let seconds = (now - lastTime) / .seconds(1)
            let came = Double(sample.arrived &- min(last.arrived, sample.arrived))
            let all = Double(sample.all &- min(last.all, sample.all))
            if came > 0 { arrivals.note(now) }
            let progress = Progress(
                seconds: (now - start) / .seconds(1), open: sample.open, arrivals: came / seconds,
                share: all > 0 ? came / all : 0, answersKept: max(0, (sample.memory - (now - start)) / .seconds(1)),
                quiet: arrivals.quiet(at: now) / .seconds(1), quietNeeded: arrivals.needed / .seconds(1),
                isDrained: sample.open == 0 && arrivals.isOver(at: now) && now - start >= sample.memory)
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

    // MARK: The drain itself

    /// The drain, as it stands.
    ///
    /// - Parameter known: how it stood before; `nil`: this is the first look.
    /// - Throws: `ExitCode.refused` when it is no more: then there is nothing to wait for, whoever comes or does not.
    private func order(in status: NodeStatus, after known: NodeStatus.Override?) throws -> NodeStatus.Override? {
        let own = status.overrides.first {
            $0.kind == kind.rawValue && $0.name == name && $0.window == nil && $0.factor == nil
        }
        if let own, own.verdict == Overrides.Verdict.drain.rawValue { return own }
        let what = "\(kind.rawValue) \(name)"
        let why =
            if let own {
                "\(what) is \(own.participle)\(own.origin) instead of drained"
            } else if let end = known?.expires, end <= WallTime.now.milliseconds {
                "the time of the drain of \(what) was up"
            } else {
                "the drain of \(what) was taken back\(clearer())"
            }
        finish(why + " before it was empty")
        throw ExitCode.refused
    }

    /// Who took it back, as far as the node tells.
    private func clearer() -> String {
        let query = "kind=override-cleared&subject=\(kind.rawValue)&name=\(QueryText.encoded(name))&limit=1"
        // Only a word more: without it the message is true, too.
        guard let body = try? node.call("GET", "/v1/events?\(query)", accept: "application/json"),
            let list = try? NodeText.decode(EventList.self, from: body), let event = list.events.last,
            !event.author.isEmpty
        else { return "" }
        return " by \(event.author)"
    }

    // MARK: Words

    private func show(_ progress: Progress) throws {
        if json { return print(String(decoding: try JSONEncoder().encode(progress), as: UTF8.self)) }
        var parts = [
            "open \(progress.open)", "arriving \(progress.arrivals.short)/s, \((progress.share * 100).short) % of all",
            "quiet for \(Int(progress.quiet)) of \(Int(progress.quietNeeded.rounded(.up))) s",
        ]
        if progress.answersKept > 0 {
            parts.append("old answers kept for \(Int(progress.answersKept.rounded(.up))) s")
        }
        guard Terminal.isErrorScreen else { return Terminal.error(parts.joined(separator: "  ")) }
        // What is written over must not wrap: on a narrow screen the first parts must do.
        let line = Terminal.lines(parts, columns: Terminal.size.columns - 1).first ?? ""
        Terminal.write("\r\(line)\u{1b}[K", to: STDERR_FILENO)
    }

    private func finish(_ text: String) {
        if Terminal.isErrorScreen, !json { Terminal.write("\n", to: STDERR_FILENO) }
        if json { Terminal.error(text) } else { print(text) }
    }

    private func giveUp(_ progress: Progress, _ sample: DrainSample) -> ExitCode {
        finish("\(kind.rawValue) \(name) is not drained after \(limit.brief); it goes on draining")
        if !json {
            var advice: [String] = []
            if progress.open > 0 {
                advice.append("\(progress.open) open on \(sample.parts.prefix(5).joined(separator: ", "))")
            }
            if progress.quiet < progress.quietNeeded {
                let latest = "the latest client came \(Int(progress.quiet)) s ago"
                advice.append(
                    progress.arrivals > 0 || progress.quiet < progress.seconds
                        ? "\(latest): clients that keep addresses, or nothing else is available (ask `meridian explain`)"
                        : "nobody came for \(Int(progress.quiet)) s; \(Int(progress.quietNeeded)) s are waited for")
            }
            if progress.answersKept > 0 {
                advice.append("old answers are kept for \(Int(progress.answersKept.rounded(.up))) s more")
            }
            for line in advice { Terminal.error("  " + line) }
            Terminal.error("  what to do: \(DocumentPath.of("operations.md")), A drain that does not end")
        }
        return .timedOut
    }
}
