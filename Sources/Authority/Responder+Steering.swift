import Addresses
import DNSWire
import FlatTables
import Steering

extension Responder {
    mutating func steer(
        _ position: Int, _ node: NodeEntry, _ message: RawSpan, source: IPAddress, snapshot: AuthoritySnapshot,
        data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        // SOURCE 0 means that the client does not want to be known; then the resolver is all that is known
        // (RFC 7871 section 7.1.2), and the answer must not be kept by network.
        let usesSubnet = query.hasClientSubnet && query.subnetSource > 0
        let client = usesSubnet ? query.subnetAddress : source
        let family: AddressFamily =
            switch query.type {
            case .a: .v4
            case .aaaa: .v6
            default: .any
            }
        let subject: SteeredSubject =
            node.isPoolHost ? .poolHost(Int(node.subject)) : .wideIP(Int(node.subject))
        sequence &+= 1
        snapshot.steering.decide(
            subject, family: family, client: ClientNetwork(address: client), sequence: sequence, into: &decision)
        counters.count(node.isPoolHost ? .poolHostDecisions : .wideIPDecisions)
        if decision.pool >= 0, Int(decision.pool) < data.slotOfPool.count {
            counters.count(poolSlot: Int(data.slotOfPool[Int(decision.pool)]))
        }
        let scope = usesSubnet ? decision.scope : 0
        counters.decisions.record(
            generation: data.generation, node: position, pool: decision.pool, client: client,
            source: usesSubnet ? query.subnetSource : nil, scope: scope, type: query.type, time: time)
        switch decision.answer {
        case .alias(let pool):
            // A zone's apex cannot be an alias; configurations that ask for it are refused.
            guard !node.isApex, pool < data.targets.count, data.targets[pool].length > 0 else {
                write(Int(data.zones[Int(node.zone)].noData), scope: scope, message, data, &writer)
                return
            }
            writeAlias(data.targets[pool], zone: node.zone, scope: scope, message, data, &writer)
        case .addresses:
            writeAddresses(scope: scope, message, data, &writer)
        case .noData:
            writeNegative(Int(data.zones[Int(node.zone)].noData), scope: scope, message, data, &writer)
        case .zoneData:
            let prepared = data.nodes.answer(for: query.type, at: position, node)
            if let prepared {
                write(prepared, scope: scope, message, data, &writer)
            } else {
                write(Int(data.zones[Int(node.zone)].noData), scope: scope, message, data, &writer)
            }
        case .drop:
            outcome = .dropped
        case .failure(rcode: 3):
            writeNegative(Int(data.zones[Int(node.zone)].nameError), scope: scope, message, data, &writer)
        case .failure(let code):
            writeError(UInt16(code), .failure, because: .nothingAvailable, scope: scope, message, data, &writer)
        }
    }

    /// NODATA or NXDOMAIN, kept for as long as the decision says: the TTL of the SOA record (RFC 2308 section 5). The
    /// record's MINIMUM stays, so the zone's own time is the most.
    private mutating func writeNegative(
        _ prepared: Int, scope: UInt8, _ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        write(prepared, scope: scope, message, data, &writer)
        // The SOA record comes first behind the question: a pointer, type, class, then the TTL.
        guard let ttl = decision.negativeTTL, data.prepared[prepared].authorities == 1 else { return }
        writer.replace32(ttl, at: query.questionEnd &+ 6)
    }

    mutating func writeAlias(
        _ target: TargetName, zone: UInt32, scope: UInt8, _ message: RawSpan, _ data: AuthorityData,
        _ writer: inout ResponseWriter
    ) {
        var length = Int(target.length)
        var origin = 0
        if target.zone == zone &+ 1 {
            // Both end with the zone's origin, which stands in the question already.
            origin = Int(data.zones[Int(zone)].originLength)
            if origin > 2 { length = length &- origin &+ 2 } else { origin = 0 }
        }
        outcome = .answered
        guard begin(message, data, answers: 1, size: 12 &+ length, scope: scope, &writer) else { return }
        // Owner, type CNAME and class IN.
        writer.append16(0xc00c)
        writer.append32(0x0005_0001)
        writer.append32(decision.ttl)
        writer.append16(UInt16(truncatingIfNeeded: length))
        if origin > 0 {
            writer.append(data.bytes, from: Int(target.offset), count: length &- 2)
            writer.append16(0xc000 | UInt16(truncatingIfNeeded: 12 &+ query.nameLength &- origin))
        } else {
            writer.append(data.bytes, from: Int(target.offset), count: length)
        }
        writeOptions(message, data, scope: scope, &writer)
    }

    mutating func writeAddresses(
        scope: UInt8, _ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        let count = min(decision.serverCount, 16)
        let isV6 = query.type == .aaaa
        let size = isV6 ? 28 : 16
        outcome = .answered
        guard begin(message, data, answers: UInt16(count), size: count &* size, scope: scope, &writer) else { return }
        for index in 0..<count {
            writer.append16(0xc00c)
            writer.append32(isV6 ? 0x001c_0001 : 0x0001_0001)
            writer.append32(decision.ttl)
            writer.append16(isV6 ? 16 : 4)
            let address = data.addresses[Int(decision.servers[index])]
            precondition(address.isV6 == isV6)
            writer.appendAddress(address)
        }
        writeOptions(message, data, scope: scope, &writer)
    }
}
