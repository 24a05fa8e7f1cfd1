package import Addresses
import DNSWire
import FlatTables
import Steering

/// Turns queries into responses for one thread: bytes in, bytes out, no allocation, no lock, no text.
///
/// Addresses of a CNAME's target are never added to a wide IP's answer, although the target may be ours: the message has
/// one ECS scope (RFC 7871 section 7.2.1), and resolvers would store both names under it, so the wide IP's scope would
/// decide for whom the pool's addresses are kept. The resolver asks for the target by itself, and caches each with its
/// own TTL and scope.
package struct Responder: ~Copyable {
    package let counters: WorkerCounters
    /// Monotonic nanoseconds, for the list of latest decisions; the caller sets it once per batch.
    package var time: UInt64 = 0
    var sequence: UInt64
    var query = QueryMessage()
    private(set) var isTCP = false
    var name = FoldedName()
    var decision = SteeringDecision()

    /// - Parameter sequence: where round robin and ratio start; different for each thread, so that they do not all send
    ///   their first clients to the same place.
    package init(counters: WorkerCounters, sequence: UInt64 = 0) {
        self.counters = counters
        self.sequence = sequence
    }

    /// The smallest buffer that ``respond(to:from:port:overTCP:snapshot:into:)`` may be given for UDP: the largest
    /// `udpSize`. For TCP it is 65,535.
    package static let udpBufferSize = 4096

    /// Answers one message.
    ///
    /// - Parameters:
    ///   - source: who asked; the client, where no believed Client Subnet option says otherwise.
    ///   - port: where from; answers to port 0 go nowhere, or to a reflector.
    ///   - output: at least 512 bytes; no more than fit are written.
    /// - Returns: the response's length; 0: there must be none.
    package mutating func respond(
        to message: RawSpan, from source: IPAddress, port: UInt16, overTCP: Bool, snapshot: AuthoritySnapshot,
        into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        let data = snapshot.data
        isTCP = overTCP
        counters.count(overTCP ? .tcpQueries : .udpQueries)
        counters.count(.bytesReceived, message.byteCount)
        guard port != 0, let base = output.baseAddress, output.count >= 512 else { return drop() }
        let verdict = query.read(message, acceptsClientSubnet: data.acceptsClientSubnet, name: &name)
        // Without EDNS a UDP response has 512 bytes at most (RFC 1035 section 4.2.1).
        var limit = 512
        if overTCP {
            limit = min(output.count, 65_535)
        } else if query.hasEDNS {
            limit = min(max(Int(query.udpSize), 512), data.udpSize, output.count)
        }
        // `limit` is at most the buffer's size.
        var writer = unsafe ResponseWriter(base: base, limit: limit)
        if query.hasEDNS {
            counters.count(.edns)
            if query.hasClientSubnet { counters.count(.clientSubnet) }
        }
        switch verdict {
        case .question:
            counters.count(WorkerCounters.Question(query.type))
            answer(message, source: source, snapshot: snapshot, data: data, &writer)
        case .tooShort, .response:
            return drop()
        case .malformed:
            query.hasClientSubnet = false
            writeError(1, .formatError, message, data, &writer)
        case .unsupportedOpcode:
            counters.count(.notImplemented)
            // Of what an unknown operation means by the other fields, nothing is known: header only, no flag copied.
            writer.append16(query.id)
            writer.append16(0x8000 | query.flags & 0x7800 | 4)
            writer.append64(0)
        case .unsupportedVersion:
            writeError(16, .badVersion, message, data, &writer)
        }
        counters.count(.bytesSent, writer.count)
        return writer.count
    }

    private func drop() -> Int {
        counters.count(.dropped)
        return 0
    }

    @inline(__always)
    private mutating func answer(
        _ message: RawSpan, source: IPAddress, snapshot: AuthoritySnapshot, data: AuthorityData,
        _ writer: inout ResponseWriter
    ) {
        guard query.recordClass == QueryMessage.internet else {
            answerOtherClass(message, data, &writer)
            return
        }
        // Zones are not handed out.
        if query.type == .axfr || query.type == .ixfr {
            writeError(5, .refused, message, data, &writer)
            return
        }
        switch data.match(name) {
        case .outside:
            writeError(5, .refused, message, data, &writer, extendedError: 20)
        case .nameError(let zone):
            write(Int(data.zones[zone].nameError), scope: 0, message, data, &writer)
        case .belowDelegation(let position):
            write(Int(data.nodes[position].otherAnswer), scope: 0, message, data, &writer)
        case .belowRedirection(let position):
            redirect(from: position, message, data, &writer)
        case .node(let position):
            let node = data.nodes[position]
            if let prepared = data.nodes.answer(for: query.type, at: position, node) {
                write(prepared, scope: 0, message, data, &writer)
                return
            }
            if node.isSteered, !node.isApex || query.type == .a || query.type == .aaaa {
                steer(position, node, message, source: source, snapshot: snapshot, data: data, &writer)
            } else if query.type == .any {
                write(Int(node.anyAnswer), scope: 0, message, data, &writer)
            } else {
                write(Int(node.otherAnswer), scope: 0, message, data, &writer)
            }
        }
    }
}
