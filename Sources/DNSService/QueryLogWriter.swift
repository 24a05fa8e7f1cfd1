import Addresses
import Authority
import DNSWire
import FlatTables
import Telemetry
import TrafficModel

/// What one thread writes to the query log: the lines of a batch at once, so that a batch takes the log's lock once.
///
/// A line is put together of pieces that are there already; only what differs from query to query is made into text.
struct QueryLogWriter: ~Copyable {
    /// How a query came.
    struct Origin {
        let client: IPAddress
        let port: UInt16
        let overTCP: Bool
    }

    /// As long as somebody writes to it, its file is open.
    private let log: QueryLog
    private let sink: LineSink
    private let clients: ClientPrivacy
    /// Whether clients' addresses and ports are written as they are.
    private let isFull: Bool
    private let pieces: QueryLogPieces
    /// What lines begin with: the time without its milliseconds, and the rest up to the client.
    private var front, back: LogPiece
    private var time = LogTime()
    private var batch: LogLine
    /// Lines of the batch.
    private var count = 0
    /// Where the durations stand that are written when the batch is answered.
    private var durations = InlineArray<64, UInt32>(repeating: 0)
    private var name: [UInt8] = []
    /// The part of the lines that is written, 0...1.
    private let sample: Double
    /// Grows by the sampled part with each line; a line is written each time that it passes 1.
    private var sampled = 0.0

    init(_ log: QueryLog) {
        self.log = log
        sink = log.sink
        clients = log.file.clients
        isFull = clients.isFull
        sample = log.file.sample
        let isJSON = log.file.format == .json
        batch = LogLine(isJSON: isJSON)
        pieces = QueryLogPieces(isJSON: isJSON)
        (front, back) = QueryLogPieces.beginning(time, isJSON: isJSON)
    }

    /// Whether a line is written of a query with this outcome. To be asked once for each query.
    @inline(__always)
    mutating func takes(_ outcome: Outcome) -> Bool {
        guard sample < 1, outcome != .failure else { return true }
        sampled += sample
        guard sampled >= 1 else { return false }
        sampled -= 1
        return true
    }

    /// Adds a line to the batch, of the query that a responder answered last.
    ///
    /// - Parameters:
    ///   - responder: is not changed; see ``Responder/facts(since:)``.
    ///   - sequence: the responder's before the query.
    ///   - query: its bytes.
    ///   - answer: empty: none is sent.
    @inline(never)
    mutating func add(
        _ responder: inout Responder, since sequence: UInt64, _ origin: Origin, query: Int, answer: RawSpan,
        snapshot: AuthoritySnapshot
    ) {
        let now = responder.time
        if count == 0 {
            if time.refresh(at: now) { (front, back) = QueryLogPieces.beginning(time, isJSON: batch.isJSON) }
        } else if count == durations.count {
            flush(at: MonotonicClock.now, since: now)
        }
        // A line of this function's own stays in registers.
        var line = LogLine()
        swap(&line, &batch)
        write(&line, &responder, since: sequence, origin, query: query, answer: answer, snapshot: snapshot)
        swap(&line, &batch)
        durations[count] = UInt32(truncatingIfNeeded: batch.count &- pieces.afterDuration)
        count += 1
    }

    @inline(__always)
    private mutating func write(
        _ line: inout LogLine, _ responder: inout Responder, since sequence: UInt64, _ origin: Origin, query: Int,
        answer: RawSpan, snapshot: AuthoritySnapshot
    ) {
        let facts = responder.facts(since: sequence)
        line.append(front, back)
        if isFull {
            line.append(address: origin.client, port: origin.port)
        } else {
            line.append(address: clients.shown(origin.client))
        }
        if facts.hasQuestion {
            line.append(origin.overTCP ? pieces.questionOverTCP : pieces.questionOverUDP, decimal: facts.id)
            line.append(pieces.name)
            if !line.append(labels: responder.name.paddedBytes) {
                line.append(escaped: text(of: responder.name.paddedBytes).span)
            }
            let type = Int(facts.type.rawValue)
            if type < pieces.types.count {
                line.append(pieces.types[type])
            } else {
                line.append(pieces.otherType, decimal: facts.type.rawValue)
                line.append(pieces.endOfText)
            }
            if facts.recordClass != 1 {
                line.append(pieces.recordClass, decimal: facts.recordClass)
                line.append(pieces.endOfNumber)
            }
        } else {
            line.append(origin.overTCP ? pieces.overTCP : pieces.overUDP)
        }
        if answer.byteCount >= 4 {
            // Four bytes are there.
            let header = unsafe answer.unsafeLoad(fromByteOffset: 2, as: UInt8.self)
            let code = Int(unsafe answer.unsafeLoad(fromByteOffset: 3, as: UInt8.self) & 15)
            var flags = QueryLogPieces.Flags(header: header)
            if facts.wantsRecursion { flags.insert(.wantsRecursion) }
            if facts.wantsDNSSEC { flags.insert(.wantsDNSSEC) }
            if facts.hasCookie { flags.insert(.hasCookie) }
            line.append(
                pieces.codes[QueryLogPieces.position(of: facts.outcome, code: code)], pieces.flags[flags.rawValue])
        } else {
            line.append(pieces.noCode)
        }
        if let pool = facts.pool, let name = snapshot.poolName(at: pool) {
            line.append(pieces.pool)
            line.append(escaped: name)
            line.append(pieces.endOfText)
        }
        if let subnet = facts.subnet {
            line.append(pieces.subnet)
            line.append(address: clients.shown(subnet.address))
            line.append(UInt8(ascii: "/"))
            line.append(decimal: UInt16(subnet.source))
            line.append(pieces.endOfText)
        }
        if let scope = facts.scope {
            line.append(pieces.scope, decimal: UInt16(scope))
            line.append(pieces.endOfNumber)
        }
        if facts.hasEDNS {
            line.append(pieces.payload, decimal: facts.udpSize)
            line.append(pieces.endOfNumber)
        }
        // Messages of DNS have 65,535 bytes at most.
        line.append(pieces.querySize, decimal: UInt16(truncatingIfNeeded: query))
        line.append(pieces.responseSize, decimal: UInt16(truncatingIfNeeded: answer.byteCount))
        line.append(pieces.duration)
    }

    /// Of a name with bytes that host names do not have.
    @inline(never)
    private mutating func text(of wire: Span<UInt8>) -> [UInt8] {
        name.removeAll(keepingCapacity: true)
        name.append(name: wire)
        return name
    }

    /// The batch is answered.
    ///
    /// - Parameters:
    ///   - now: what the monotonic clock shows.
    ///   - begin: what it showed when the batch had been read.
    mutating func flush(at now: UInt64, since begin: UInt64) {
        guard count > 0 else { return }
        // What was written for it has room for ten seconds, less a microsecond.
        batch.replace(at: durations.span.extracting(first: count), seconds: min(now &- begin, 9_999_999_999))
        sink.append(batch, lines: count)
        batch.removeAll()
        count = 0
    }
}
