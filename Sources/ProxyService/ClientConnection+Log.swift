import Balancing
import HTTPWire
import NIOCore
import Telemetry

/// The access log: one line per request or TCP connection, `key=value` separated by spaces.
extension ClientConnection {
    /// What a value may take in a line.
    private static let valueLimit = 2048

    /// Notes the part of the line that only the head knows.
    func logRequest(_ bytes: ByteBuffer, _ head: RequestHead) {
        guard worker.accessLog != nil else { return }
        let span = bytes.readableBytesUInt8Span
        loggedRequest.removeAll(keepingCapacity: true)
        loggedRequest.append(text: " host=")
        loggedRequest.append(escaped: span.extracting(head.authority.text.range), limit: Self.valueLimit)
        loggedRequest.append(text: " method=")
        loggedRequest.append(escaped: span.extracting(head.methodRange.range), limit: Self.valueLimit)
        loggedRequest.append(text: " path=")
        loggedRequest.append(escaped: span.extracting(head.path.range), limit: Self.valueLimit)
        if forwarding.isTrusted, let identifier = head.trustedIdentifier(span) {
            loggedRequest.append(text: " client_request_id=")
            loggedRequest.append(escaped: span.extracting(identifier.range), limit: Self.valueLimit)
        }
    }

    /// Counts and logs what came to its end; once for each exchange.
    func ended(aborted: Bool) {
        guard exchange.began != 0 else { return }
        if aborted {
            bump(worker.counters.aborted)
        } else if exchange.status > 0 {
            worker.counters.countStatus(exchange.status)
        }
        bump(worker.counters.bytesOut, by: exchange.bytesOut)
        let now = worker.now()
        if let view = exchange.view { count(in: view, now) }
        writeLine(aborted, now)
        exchange.began = 0
    }

    private func count(in view: SnapshotView, _ now: UInt64) {
        if exchange.route >= 0 {
            view.countRoute(
                listener: exchange.listenerPosition, route: exchange.route, status: exchange.status,
                bytes: exchange.bytesOut, nanoseconds: now &- exchange.began)
        }
        if exchange.isMembers {
            view.countMember(
                upstream: exchange.upstream, member: exchange.member, status: exchange.status,
                bytes: exchange.bytesOut, nanoseconds: exchange.upstreamAnswered &- exchange.upstreamBegan)
        }
        // The loop adds up what its present view counted; nobody else looks after an older one.
        if view !== worker.view { view.flush() }
    }

    private func writeLine(_ aborted: Bool, _ now: UInt64) {
        guard let log = worker.accessLog else { return }
        let millisecond = worker.date.refresh()
        worker.logLine.removeAll(keepingCapacity: true)
        worker.logLine.append(text: "time=")
        worker.logLine.append(contentsOf: worker.date.logBytes)
        worker.logLine.append(text: ".")
        worker.logLine.append(UInt8(ascii: "0") + UInt8(millisecond / 100))
        worker.logLine.append(UInt8(ascii: "0") + UInt8(millisecond / 10 % 10))
        worker.logLine.append(UInt8(ascii: "0") + UInt8(millisecond % 10))
        worker.logLine.append(text: "Z client=")
        worker.logLine.append(contentsOf: clientText)
        let listenerSnapshot =
            exchange.view.map { $0.snapshot.listeners[exchange.listenerPosition] } ?? listener.snapshot
        worker.logLine.append(text: " listener=")
        worker.logLine.append(escaped: listenerSnapshot.nameBytes.span, limit: Self.valueLimit)
        worker.logLine.append(contentsOf: loggedRequest)
        worker.logLine.append(text: " status=")
        if exchange.status > 0 {
            worker.logLine.append(decimal: exchange.status)
        } else {
            worker.logLine.append(text: "-")
        }
        if aborted { worker.logLine.append(text: " aborted=yes") }
        worker.logLine.append(text: " bytes=")
        worker.logLine.append(decimal: exchange.bytesOut)
        if exchange.route >= 0, case .http(let table) = listenerSnapshot.mode, exchange.route < table.routes.count {
            worker.logLine.append(text: " route=")
            let name = table.routes[exchange.route].nameBytes
            worker.logLine.append(escaped: name.span, limit: Self.valueLimit)
        }
        if exchange.upstream >= 0, let view = exchange.view {
            let upstream = view.snapshot.upstreams[exchange.upstream]
            worker.logLine.append(text: " upstream=")
            let name = upstream.nameBytes
            worker.logLine.append(escaped: name.span, limit: Self.valueLimit)
            if exchange.member >= 0 {
                worker.logLine.append(text: " member=")
                worker.logLine.append(contentsOf: upstream.members[exchange.member].endpointText)
            }
            worker.logLine.append(text: " tries=")
            worker.logLine.append(decimal: exchange.tries)
        }
        worker.logLine.append(text: " duration=")
        worker.logLine.append(seconds: now &- exchange.began)
        if exchange.upstreamAnswered > exchange.upstreamBegan, exchange.upstreamBegan > 0 {
            worker.logLine.append(text: " upstream_time=")
            worker.logLine.append(seconds: exchange.upstreamAnswered &- exchange.upstreamBegan)
        }
        worker.logLine.append(text: " request_id=")
        worker.logLine.append(hexadecimal: exchange.identifier.high)
        worker.logLine.append(hexadecimal: exchange.identifier.low)
        worker.logLine.append(text: "\n")
        let line = worker.logLine
        log.append(line.span)
    }
}

extension [UInt8] {
    fileprivate mutating func append(text: StaticString) {
        // The text lives as long as the program.
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    fileprivate mutating func append(decimal value: Int) {
        if value >= 10 { append(decimal: value / 10) }
        append(UInt8(ascii: "0") + UInt8(value % 10))
    }

    /// With microseconds.
    fileprivate mutating func append(seconds nanoseconds: UInt64) {
        append(decimal: Int(nanoseconds / 1_000_000_000))
        append(UInt8(ascii: "."))
        let micros = Int(nanoseconds % 1_000_000_000 / 1000)
        var divisor = 100_000
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(micros / divisor % 10))
            divisor /= 10
        }
    }

    fileprivate mutating func append(hexadecimal value: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) { append(Self.digit(UInt8((value >> UInt64(shift)) & 15))) }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// Nothing that a client sends can end a line, begin a field or reach a terminal: all but visible ASCII becomes
    /// `\xNN`, and so do the space, the quotation mark and the backslash. Nothing at all becomes `-`.
    mutating func append(escaped bytes: Span<UInt8>, limit: Int) {
        if bytes.isEmpty { return append(UInt8(ascii: "-")) }
        for index in 0..<Swift.min(bytes.count, limit) {
            let byte = bytes[index]
            if byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                append(byte)
            } else {
                append(UInt8(ascii: "\\"))
                append(UInt8(ascii: "x"))
                append(Self.digit(byte >> 4))
                append(Self.digit(byte & 15))
            }
        }
        if bytes.count > limit { append(text: "...") }
    }
}
