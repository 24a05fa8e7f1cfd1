import Addresses
import Authority
import Balancing
import DNSService
import DNSWire
import ProxyService
import Telemetry
import TrafficModel

/// What those ask who watch a node all the time: cheaper than its whole status.
extension Node {
    /// All that is counted, as of now. Costs a look at each thread's counters and at each route's.
    package func figures() -> NodeFigures {
        var figures = NodeFigures()
        figures.instant = MonotonicClock.now
        figures.time = WallTime.now.milliseconds
        for counters in dnsCounters.all {
            figures.queries += counters.value(.udpQueries) + counters.value(.tcpQueries)
            figures.failedQueries += counters.value(Outcome.failure)
        }
        let status = proxy.status
        figures.successes = status.successes
        figures.redirections = status.redirections
        figures.clientErrors = status.clientErrors
        figures.serverErrors = status.serverErrors
        figures.requests = status.requests
        figures.bytesOut = status.bytesOut
        figures.openConnections = status.openConnections
        for route in proxy.routes {
            figures.finished += route.traffic.requests
            figures.seconds += Double(route.traffic.nanoseconds) / 1e9
        }
        return figures
    }

    /// How many answers there were since the start, by what chose and what was chosen.
    package func answerCounts() -> AnswerCounts { AnswerCounts(dnsCounters.all, pairSlots, poolSlots) }

    /// The latest answers of steered names that came after an instant, as far as they are kept: a sample, since each
    /// thread keeps only its last few.
    ///
    /// - Parameter instant: monotonic nanoseconds.
    package func answers(since instant: UInt64) -> [ClientAnswer] {
        let data = snapshot.authority.data
        return dnsCounters.all.flatMap { $0.latestDecisions(.max, in: data) }
            .filter { $0.time > instant }
            .map {
                ClientAnswer(
                    time: $0.time, country: compiler.countries.country(of: $0.client), pool: $0.poolName)
            }
    }

    package func topology() -> NodeTopology {
        let intent = compiler.intent
        let bound = Dictionary(
            proxy.status.listeners.map { ($0.name, $0.endpoint) }, uniquingKeysWith: { first, _ in first })
        let upstreams = snapshot.balancing.upstreams
        var listeners: [NodeTopology.Listener] = []
        var byEndpoint: [String: [String]] = [:]
        for listener in snapshot.balancing.listeners {
            let isTCP = if case .tcp = listener.mode { true } else { false }
            let endpoint = (bound[listener.name] ?? listener.endpoint).description
            let names = listener.upstreams.map { upstreams[$0].name }
            listeners.append(.init(name: listener.name, endpoint: endpoint, isTCP: isTCP, upstreams: names))
            byEndpoint[endpoint] = names
        }
        var upstreamsOfServer: [String: [String]] = [:]
        for server in intent.virtualServers {
            if let names = byEndpoint[server.endpoint.description] { upstreamsOfServer[server.name] = names }
        }
        return NodeTopology(
            generation: snapshot.generation,
            regions: intent.regions.map { .init(name: $0.name, location: $0.location) },
            listeners: listeners, upstreamsOfServer: upstreamsOfServer)
    }
}
