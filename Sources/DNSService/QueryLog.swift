import Addresses
import Authority
import DNSWire
package import Telemetry
import TrafficModel

/// The query log: a line for each query with what was answered, as dnstap tells it.
package final class QueryLog: Sendable {
    package let sink: LineSink
    let file: LogFile

    init(_ file: LogFile) throws(LineSink.OpenError) {
        self.file = file
        sink = try LineSink(
            path: file.path, rotation: file.maximumSize.map { .init(maximumSize: $0, keep: file.keep) })
    }
}

/// What one thread writes to the query log: the lines of a batch at once, so that a batch takes the log's lock once.
struct QueryLogWriter {
    /// How a query came.
    struct Origin {
        let client: IPAddress
        let port: UInt16
        let overTCP: Bool
        /// The responder's before it.
        let sequence: UInt64
    }

    private let sink: LineSink
    private let file: LogFile
    private var batch: [UInt8] = []
    private var lines = 0
    private var line = LogLine()
    private var time = LogTime()
    private var name: [UInt8] = []
    /// Grows by the sampled part with each line; a line is written each time that it passes 1.
    private var sampled = 0.0

    init(_ log: QueryLog) {
        sink = log.sink
        file = log.file
        batch.reserveCapacity(64 << 10)
        name.reserveCapacity(1024)
    }

    /// - Parameters:
    ///   - query: its bytes.
    ///   - answer: empty: none is sent.
    @inline(never)
    mutating func add(
        _ responder: borrowing Responder, _ origin: Origin, query: Int, answer: RawSpan, data: AuthorityData
    ) {
        let facts = responder.facts(since: origin.sequence)
        guard facts.outcome == .failure || takesSample() else { return }
        if lines == 0 { time.refresh() }
        line.begin(isJSON: file.format == .json)
        line.field("time", plain: time.bytes)
        let client = file.clients.shown(origin.client)
        let isFull = file.clients.isFull
        line.field("client", quoted: true) { $0.append(address: client, port: isFull ? origin.port : nil) }
        line.field("transport", text: origin.overTCP ? "tcp" : "udp")
        if facts.hasQuestion {
            line.field("id", Int(facts.id))
            name.removeAll(keepingCapacity: true)
            responder.appendName(to: &name)
            let text = name
            line.field("name", escaped: text.span)
            line.field("type", quoted: true) { $0.append(type: facts.type) }
            if facts.recordClass != 1 { line.field("class", Int(facts.recordClass)) }
        }
        if answer.byteCount >= 4 {
            // Four bytes are there.
            let flags = unsafe answer.unsafeLoad(fromByteOffset: 2, as: UInt8.self)
            let code = Int(unsafe answer.unsafeLoad(fromByteOffset: 3, as: UInt8.self) & 15)
            line.field("rcode", text: facts.outcome.codeName(code))
            line.field("flags", quoted: true) { text in
                text.append(text: "qr")
                if flags & 4 != 0 { text.append(text: ",aa") }
                if flags & 2 != 0 { text.append(text: ",tc") }
                if facts.wantsRecursion { text.append(text: ",rd") }
                if facts.wantsDNSSEC { text.append(text: ",do") }
                if facts.hasCookie { text.append(text: ",cookie") }
            }
        } else {
            line.field("rcode", text: "-")
        }
        if let pool = facts.pool, pool < data.poolNames.count {
            line.field("pool", escaped: data.poolNames[pool].utf8Span.span)
        }
        if let subnet = facts.subnet {
            let shown = file.clients.shown(subnet.address)
            line.field("ecs", quoted: true) { text in
                text.append(address: shown, port: nil)
                text.append(UInt8(ascii: "/"))
                text.append(decimal: Int(subnet.source))
            }
        }
        if let scope = facts.scope { line.field("scope", Int(scope)) }
        if facts.hasEDNS { line.field("edns", Int(facts.udpSize)) }
        line.field("query_size", query)
        line.field("response_size", answer.byteCount)
        line.field("duration", nanoseconds: MonotonicClock.now &- responder.time)
        line.end()
        batch.append(contentsOf: line.bytes)
        lines += 1
    }

    /// The batch is answered.
    mutating func flush() {
        guard lines > 0 else { return }
        sink.append(batch.span, lines: lines)
        batch.removeAll(keepingCapacity: true)
        lines = 0
    }

    private mutating func takesSample() -> Bool {
        guard file.sample < 1 else { return true }
        sampled += file.sample
        guard sampled >= 1 else { return false }
        sampled -= 1
        return true
    }
}

extension [UInt8] {
    fileprivate mutating func append(address: IPAddress, port: UInt16?) {
        switch address {
        case .v4(let value):
            var shift: UInt32 = 32
            while shift > 0 {
                shift -= 8
                append(decimal: UInt64(value >> shift & 255))
                if shift > 0 { append(UInt8(ascii: ".")) }
            }
        case .v6:
            // Rare enough to go by way of text.
            if port != nil { append(UInt8(ascii: "[")) }
            append(contentsOf: address.description.utf8)
            if port != nil { append(UInt8(ascii: "]")) }
        }
        guard let port else { return }
        append(UInt8(ascii: ":"))
        append(decimal: Int(port))
    }

    fileprivate mutating func append(type: RecordType) {
        switch type.rawValue {
        case 1: append(text: "A")
        case 28: append(text: "AAAA")
        case 5: append(text: "CNAME")
        case 2: append(text: "NS")
        case 6: append(text: "SOA")
        case 15: append(text: "MX")
        case 16: append(text: "TXT")
        case 33: append(text: "SRV")
        case 12: append(text: "PTR")
        case 257: append(text: "CAA")
        case 65: append(text: "HTTPS")
        case 255: append(text: "ANY")
        default:
            // RFC 3597 section 5.
            append(text: "TYPE")
            append(decimal: Int(type.rawValue))
        }
    }
}
