import Addresses
import Authority
import DNSWire
import Telemetry
import TrafficModel

/// What one thread writes to the query log: the lines of a batch at once, so that a batch takes the log's lock once.
final class QueryLogWriter {
    /// How a query came.
    struct Origin {
        let client: IPAddress
        let port: UInt16
        let overTCP: Bool
        /// The responder's before it.
        let sequence: UInt64
    }

    /// As long as somebody writes to it, its file is open.
    private let log: QueryLog
    private let sink: LineSink
    private let file: LogFile
    private let isJSON: Bool
    /// Whether clients' addresses and ports are written as they are.
    private let isFull: Bool
    private var batch = LogLine()
    private var time = LogTime()
    /// Where the durations stand that are written when the batch is answered.
    private var durations: [Int] = []
    private var name: [UInt8] = []
    /// Grows by the sampled part with each line; a line is written each time that it passes 1.
    private var sampled = 0.0

    /// Lines that are held back for one turn of the sink's lock.
    private static let batchLines = 64

    init(_ log: QueryLog) {
        self.log = log
        sink = log.sink
        file = log.file
        isJSON = log.file.format == .json
        isFull = log.file.clients.isFull
        durations.reserveCapacity(Self.batchLines)
    }

    /// - Parameters:
    ///   - query: its bytes.
    ///   - answer: empty: none is sent.
    @inline(never)
    func add(
        _ responder: borrowing Responder, _ origin: Origin, query: Int, answer: RawSpan, data: AuthorityData
    ) {
        let facts = responder.facts(since: origin.sequence)
        guard facts.outcome == .failure || takesSample() else { return }
        if durations.isEmpty { time.refresh(at: responder.time) }
        if durations.count == Self.batchLines { flush(at: MonotonicClock.now, since: responder.time) }
        batch.begin(isJSON: isJSON)
        batch.field("time", time: time)
        batch.field("client", quoted: true) { line in
            if isFull {
                line.append(address: origin.client, port: origin.port)
            } else {
                line.append(address: file.clients.shown(origin.client))
            }
        }
        batch.field("transport", text: origin.overTCP ? "tcp" : "udp")
        if facts.hasQuestion { addQuestion(responder, facts) }
        addAnswer(answer, facts)
        if let pool = facts.pool, pool < data.poolNames.count {
            batch.field("pool", escaped: data.poolNames[pool].utf8Span.span)
        }
        if let subnet = facts.subnet {
            let shown = file.clients.shown(subnet.address)
            batch.field("ecs", quoted: true) { line in
                line.append(address: shown)
                line.append(UInt8(ascii: "/"))
                line.append(decimal: Int(subnet.source))
            }
        }
        if let scope = facts.scope { batch.field("scope", Int(scope)) }
        if facts.hasEDNS { batch.field("edns", Int(facts.udpSize)) }
        batch.field("query_size", query)
        batch.field("response_size", answer.byteCount)
        batch.beginField("duration", quoted: false)
        durations.append(batch.count)
        batch.append(text: "0.000000")
        batch.endField(quoted: false)
        batch.end()
    }

    private func addQuestion(_ responder: borrowing Responder, _ facts: QueryFacts) {
        batch.field("id", Int(facts.id))
        batch.beginField("name", quoted: true)
        if !batch.append(name: responder.nameBytes) {
            name.removeAll(keepingCapacity: true)
            responder.appendName(to: &name)
            let text = name
            batch.append(escaped: text.span)
        }
        batch.endField(quoted: true)
        batch.field("type", quoted: true) { $0.append(type: facts.type) }
        if facts.recordClass != 1 { batch.field("class", Int(facts.recordClass)) }
    }

    private func addAnswer(_ answer: RawSpan, _ facts: QueryFacts) {
        guard answer.byteCount >= 4 else { return batch.field("rcode", text: "-") }
        // Four bytes are there.
        let flags = unsafe answer.unsafeLoad(fromByteOffset: 2, as: UInt8.self)
        let code = Int(unsafe answer.unsafeLoad(fromByteOffset: 3, as: UInt8.self) & 15)
        batch.field("rcode", text: facts.outcome.codeName(code))
        batch.field("flags", quoted: true) { line in
            line.append(text: "qr")
            if flags & 4 != 0 { line.append(text: ",aa") }
            if flags & 2 != 0 { line.append(text: ",tc") }
            if facts.wantsRecursion { line.append(text: ",rd") }
            if facts.wantsDNSSEC { line.append(text: ",do") }
            if facts.hasCookie { line.append(text: ",cookie") }
        }
    }

    /// The batch is answered.
    ///
    /// - Parameters:
    ///   - now: what the monotonic clock shows.
    ///   - begin: what it showed when the batch had been read.
    func flush(at now: UInt64, since begin: UInt64) {
        guard !durations.isEmpty else { return }
        // What was written for it has room for ten seconds, less a microsecond.
        let duration = min(now &- begin, 9_999_999_999)
        for offset in durations { batch.replace(at: offset, seconds: duration) }
        sink.append(batch, lines: durations.count)
        batch.removeAll()
        durations.removeAll(keepingCapacity: true)
    }

    private func takesSample() -> Bool {
        guard file.sample < 1 else { return true }
        sampled += file.sample
        guard sampled >= 1 else { return false }
        sampled -= 1
        return true
    }
}
