import Addresses
import Balancing
import HTTPWire
import NIOCore
import Telemetry
import TrafficModel

/// The access log: one line per request or TCP connection. Of a request only its host, method and path are written: no
/// query, no fields, so that no cookie, token or password gets into it.
extension ClientConnection {
    /// Notes the part of the line that only the head knows.
    func logRequest(_ bytes: ByteBuffer, _ head: RequestHead) {
        guard worker.accessLog != nil else { return }
        note.write(head, of: bytes, trusts: forwarding.isTrusted, &worker.spares)
    }

    /// Counts what begins.
    func countRequest() {
        if isProbe { bump(worker.counters.probes) } else { bump(worker.counters.requests) }
    }

    /// Counts and logs what came to its end; once for each exchange.
    func ended(aborted: Bool) {
        guard exchange.began != 0 else { return }
        let now = worker.now()
        if !isProbe { count(aborted: aborted, now) }
        writeLine(aborted, now)
        note.clear(&worker.spares)
        exchange.began = 0
    }

    private func count(aborted: Bool, _ now: UInt64) {
        if aborted {
            bump(worker.counters.aborted)
        } else if exchange.status > 0 {
            worker.counters.countStatus(exchange.status)
        }
        bump(worker.counters.bytesOut, by: exchange.bytesOut)
        guard let view = exchange.view else { return }
        if exchange.route >= 0 {
            view.countRoute(
                listener: exchange.listenerPosition, route: exchange.route, status: exchange.status,
                bytes: exchange.bytesOut, nanoseconds: now &- exchange.began)
        }
        if exchange.isMembers {
            exchange.upstreamView?.countMember(
                upstream: exchange.upstream, member: exchange.member, status: exchange.status,
                bytes: exchange.bytesOut, nanoseconds: exchange.upstreamAnswered &- exchange.upstreamBegan)
        }
        // The loop adds up what its present view counted; nobody else looks after an older one.
        if view !== worker.view { view.flush() }
        if let newer = exchange.newerView, newer !== worker.view { newer.flush() }
    }

    private func writeLine(_ aborted: Bool, _ now: UInt64) {
        guard let log = worker.accessLog else { return }
        // What failed on this side is always told.
        guard exchange.status >= 500 || worker.takesSample() else { return }
        worker.logTime.refresh(at: now)
        worker.logLine.removeAll()
        worker.logLine.begin(isJSON: worker.logsJSON)
        worker.logLine.field("time", time: worker.logTime)
        let privacy = worker.settings.logClients
        // Without what the configuration wants hidden, and then without the port, too.
        worker.logLine.field("client", quoted: true) { line in
            if let origin = exchange.origin {
                line.append(address: privacy.shown(origin))
            } else if privacy.isFull {
                line.append(address: client, port: clientPort)
            } else {
                line.append(address: privacy.shown(client))
            }
        }
        if exchange.origin != nil {
            // That is no client, and trusted: nothing about it has to be hidden.
            worker.logLine.field("proxy", quoted: true) { $0.append(address: client, port: clientPort) }
        }
        let listenerSnapshot =
            exchange.view.map { $0.snapshot.listeners[exchange.listenerPosition] } ?? listener.snapshot
        let listenerName = listenerSnapshot.nameBytes
        worker.logLine.field("listener", escaped: listenerName.span)
        note.write(to: &worker.logLine)
        if exchange.status > 0 {
            worker.logLine.field("status", exchange.status)
        } else {
            worker.logLine.field("status", text: "-")
        }
        if aborted { worker.logLine.field("aborted", text: "yes") }
        worker.logLine.field("bytes", exchange.bytesOut)
        if exchange.route >= 0, case .http(let table) = listenerSnapshot.mode, exchange.route < table.routes.count {
            let name = table.routes[exchange.route].nameBytes
            worker.logLine.field("route", escaped: name.span)
        }
        if exchange.upstream >= 0, let view = exchange.upstreamView {
            let upstream = view.snapshot.upstreams[exchange.upstream]
            let name = upstream.nameBytes
            worker.logLine.field("upstream", escaped: name.span)
            if exchange.member >= 0 {
                let endpoint = upstream.members[exchange.member].endpointText
                worker.logLine.field("member", plain: endpoint.span)
            }
            worker.logLine.field("tries", exchange.tries)
        }
        worker.logLine.field("duration", nanoseconds: now &- exchange.began)
        if exchange.upstreamAnswered > exchange.upstreamBegan, exchange.upstreamBegan > 0 {
            worker.logLine.field("upstream_time", nanoseconds: exchange.upstreamAnswered &- exchange.upstreamBegan)
        }
        worker.logLine.field("request_id", high: exchange.identifier.high, low: exchange.identifier.low)
        worker.logLine.end()
        log.append(worker.logLine)
    }
}
