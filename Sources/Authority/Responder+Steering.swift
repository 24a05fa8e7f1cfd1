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
            case .https: .both
            default: .any
            }
        let subject: SteeredSubject =
            node.isPoolHost ? .poolHost(Int(node.subject)) : .wideIP(Int(node.subject))
        sequence &+= 1
        snapshot.steering.decide(
            subject, family: family, client: ClientNetwork(address: client), sequence: sequence, isApex: node.isApex,
            into: &decision)
        counters.count(node.isPoolHost ? .poolHostDecisions : .wideIPDecisions)
        countPool(node, data)
        let scope = usesSubnet ? decision.scope : 0
        counters.decisions.record(
            generation: data.generation, node: position, pool: decision.pool, client: client,
            source: usesSubnet ? query.subnetSource : nil, scope: scope, type: query.type, time: time)
        switch decision.answer {
        case .alias(let pool):
            guard pool < data.targets.count, data.targets[pool].length > 0 else {
                write(Int(data.zones[Int(node.zone)].noData), scope: scope, message, data, &writer)
                return
            }
            guard node.isApex else {
                writeAlias(data.targets[pool], zone: node.zone, scope: scope, message, data, &writer)
                return
            }
            // A zone's apex cannot be a CNAME. For addresses it has those of the pool; HTTPS has an alias of its own.
            guard query.type == .https else {
                write(Int(data.zones[Int(node.zone)].noData), scope: scope, message, data, &writer)
                return
            }
            writeServiceAlias(data.targets[pool], scope: scope, message, data, &writer)
        case .service:
            let service = Int(decision.service)
            guard service >= 0, service < data.services.count, data.services[service].length > 0 else {
                write(Int(data.zones[Int(node.zone)].noData), scope: scope, message, data, &writer)
                return
            }
            writeService(data.services[service], scope: scope, message, data, &writer)
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

    @inline(__always)
    private func countPool(_ node: NodeEntry, _ data: AuthorityData) {
        guard decision.pool >= 0, Int(decision.pool) < data.slotOfPool.count else { return }
        let slot = Int(data.slotOfPool[Int(decision.pool)])
        if node.isPoolHost {
            counters.count(poolHostSlot: slot)
        } else if let pair = data.pairs.slot(wideIP: Int(node.subject), pool: decision.pool) {
            counters.count(pairSlot: pair)
        } else {
            counters.count(poolSlot: slot)
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

    /// AliasMode: priority 0 and the target, never compressed (RFC 9460 section 2.4.2).
    private mutating func writeServiceAlias(
        _ target: TargetName, scope: UInt8, _ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        let length = Int(target.length)
        outcome = .answered
        guard begin(message, data, answers: 1, size: 14 &+ length, scope: scope, &writer) else { return }
        appendServiceHead(size: 2 &+ length, &writer)
        writer.append16(0)
        writer.append(data.bytes, from: Int(target.offset), count: length)
        writeOptions(message, data, scope: scope, &writer)
    }

    /// ServiceMode, with the addresses that questions for them get as hints.
    private mutating func writeService(
        _ service: TargetName, scope: UInt8, _ message: RawSpan, _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        let count = min(decision.serverCount, 2 &* SteeringDecision.hintLimit)
        let count4 = min(decision.serverCount4, count)
        let length = Int(service.length)
        let size = length &+ (count4 > 0 ? 4 &+ 4 &* count4 : 0) &+ (count > count4 ? 4 &+ 16 &* (count &- count4) : 0)
        outcome = .answered
        guard begin(message, data, answers: 1, size: 12 &+ size, scope: scope, &writer) else { return }
        appendServiceHead(size: size, &writer)
        writer.append(data.bytes, from: Int(service.offset), count: length)
        appendHints(key: 4, width: 4, 0, count4, data, &writer)
        appendHints(key: 6, width: 16, count4, count, data, &writer)
        writeOptions(message, data, scope: scope, &writer)
    }

    private func appendHints(
        key: UInt16, width: Int, _ first: Int, _ end: Int, _ data: AuthorityData, _ writer: inout ResponseWriter
    ) {
        guard end > first else { return }
        writer.append16(key)
        writer.append16(UInt16(truncatingIfNeeded: (end &- first) &* width))
        for index in first..<end {
            let address = data.addresses[Int(decision.servers[index])]
            precondition(address.isV6 == (key == 6))
            writer.appendAddress(address)
        }
    }

    /// Owner, type HTTPS, class IN, TTL and length.
    private mutating func appendServiceHead(size: Int, _ writer: inout ResponseWriter) {
        writer.append16(0xc00c)
        writer.append32(0x0041_0001)
        writer.append32(decision.ttl)
        writer.append16(UInt16(truncatingIfNeeded: size))
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
