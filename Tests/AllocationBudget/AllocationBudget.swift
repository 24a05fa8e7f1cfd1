import Addresses
import Authority
import DNSWire
import Geography
import Glibc
import MallocCounter
import Steering
import TrafficModel

/// Counts heap allocations for each kind of query, of which there must be none, and of what is proxied. Only a release build
/// says anything, so this is a program and not a test of the suite.
@main
struct AllocationBudget {
    struct Case {
        let title: String
        let query: [UInt8]
        var overTCP = false
        /// Of the response-rate limit; 0: none.
        var rate = 0
        /// Of the answer, to be sure that it is the one meant; `nil`: no answer.
        let responseCode: UInt16?
    }

    /// Of each case; `--rounds N` changes it, and `--case TITLE` runs one case alone, under a profiler for one.
    static let rounds = 200_000

    static func option(_ name: String) -> String? {
        let arguments = CommandLine.arguments
        guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
        return arguments[index + 1]
    }

    static func main() {
        let rounds = option("--rounds").flatMap { Int($0) } ?? Self.rounds
        let title = option("--case")
        guard allocations({ blackHole([UInt8](repeating: 1, count: 100)) }) > 0 else {
            print("allocations are not counted: the counter is not linked in front of the C library")
            exit(1)
        }
        let snapshots = [0, 1, 1_000_000].map { ($0, snapshot(rate: $0)) }
        var responder = Responder(counters: WorkerCounters())
        let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_535, alignment: 16)
        defer { unsafe output.deallocate() }
        var isWithin = true
        for item in cases() where title == nil || title == item.title {
            guard let snapshot = snapshots.first(where: { $0.0 == item.rate })?.1 else { continue }
            var length = 0
            let count = {
                (rounds: Int, responder: inout Responder) in
                for _ in 0..<rounds {
                    length = unsafe responder.respond(
                        to: item.query.span.bytes, from: .v4(0x0a01_0203), port: 53, overTCP: item.overTCP,
                        snapshot: snapshot, into: output)
                }
            }
            count(1000, &responder)
            let before = malloc_counter_value()
            let start = now()
            count(rounds, &responder)
            let time = now() - start
            let used = malloc_counter_value() - before
            let response = try? DNSMessage(wire: unsafe Array(output[..<length]))  // nil: no answer, or not a message
            let isRight = response?.responseCode == item.responseCode
            let isFree = used == 0
            isWithin = isWithin && isRight && isFree
            let nanoseconds = time / UInt64(rounds)
            print(
                "\(isFree && isRight ? "ok  " : "FAIL") \(item.title): \(used) allocations in \(rounds) queries, "
                    + "\(nanoseconds) ns each" + (isRight ? "" : "; not the answer that was meant"))
        }
        if title == nil {
            isWithin = checkLookahead(snapshots[0].1) && isWithin
            isWithin = ProxyBudget.check() && isWithin
        }
        exit(isWithin ? 0 : 1)
    }

    static func checkLookahead(_ snapshot: AuthoritySnapshot) -> Bool {
        let queries = cases().map(\.query)
        var lookahead = BatchLookahead(capacity: queries.count)
        let before = malloc_counter_value()
        for _ in 0..<1000 {
            for query in queries { unsafe lookahead.add(query.span.bytes, snapshot: snapshot) }
            lookahead.run(snapshot: snapshot)
        }
        let used = malloc_counter_value() - before
        print("\(used == 0 ? "ok  " : "FAIL") looking ahead: \(used) allocations in 1000 batches")
        return used == 0
    }

    static func allocations(_ body: () -> Void) -> UInt64 {
        let before = malloc_counter_value()
        body()
        return malloc_counter_value() - before
    }

    @inline(never)
    static func blackHole(_ bytes: [UInt8]) { precondition(bytes.count < 1 << 40) }

    static func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    static func cases() -> [Case] {
        /// - Parameter options: codes of options; 110 is a cookie with a server cookie that is not ours.
        func query(
            _ name: String, _ type: RecordType = .a, subnet: String? = nil, options: [UInt16] = []
        ) -> [UInt8] {
            let subnet = subnet.flatMap { IPPrefix($0) }.map {
                DNSMessage.ClientSubnet(address: $0.address, source: UInt8($0.length))
            }
            var message = DNSMessage(id: 7, name: DomainName(name) ?? .root, type: type, subnet: subnet)
            message.edns?.options += options.map { code in
                let size = code == 110 ? 24 : code == 10 ? 8 : 0
                return .init(code: code % 100, data: [UInt8](repeating: 1, count: size))
            }
            return message.wire
        }
        let plain = query("host5000.example.com")
        return [
            Case(title: "static name", query: plain, responseCode: 0),
            Case(title: "static name over TCP", query: plain, overTCP: true, responseCode: 0),
            Case(title: "no such name", query: query("nothing.example.com"), responseCode: 3),
            Case(title: "no such type", query: query("host5000.example.com", .txt), responseCode: 0),
            Case(title: "wildcard", query: query("a.b.wild.example.com"), responseCode: 0),
            Case(title: "alias", query: query("alias.example.com"), responseCode: 0),
            Case(title: "referral", query: query("x.sub.example.com"), responseCode: 0),
            Case(title: "not ours", query: query("www.example.org"), responseCode: 5),
            Case(title: "truncated", query: query("big.example.com"), responseCode: 0),
            Case(title: "wide IP by topology, resolver", query: query("api.example.com"), responseCode: 0),
            Case(
                title: "wide IP by topology, IPv4 subnet", query: query("api.example.com", subnet: "10.1.2.0/24"),
                responseCode: 0),
            Case(
                title: "wide IP by topology, IPv6 subnet",
                query: query("api.example.com", .aaaa, subnet: "2001:db8:e::/48"), responseCode: 0),
            Case(title: "wide IP by ratio", query: query("ratio.example.com"), responseCode: 0),
            Case(
                title: "wide IP by topology, ratio and persistence",
                query: query("stages.example.com", subnet: "10.1.2.0/24"), responseCode: 0),
            Case(title: "pool's host name", query: query("us.api.example.com"), responseCode: 0),
            Case(title: "a new cookie", query: query("host5000.example.com", options: [10]), responseCode: 0),
            Case(
                title: "a cookie that is not good", query: query("host5000.example.com", options: [110]),
                responseCode: 0),
            Case(
                title: "identifier, zone version, cookie and subnet",
                query: query("api.example.com", subnet: "10.1.2.0/24", options: [10, 3, 19]), responseCode: 0),
            Case(
                title: "keepalive over TCP", query: query("host5000.example.com", options: [11]), overTCP: true,
                responseCode: 0),
            Case(title: "not ours, with the reason", query: query("example.org"), responseCode: 5),
            Case(title: "within the rate limit", query: plain, rate: 1_000_000, responseCode: 0),
            Case(title: "over the rate limit", query: plain, rate: 1, responseCode: nil),
            Case(title: "malformed", query: Array(plain.dropLast(3)), responseCode: 1),
            Case(title: "malformed subnet", query: malformedSubnet(), responseCode: 1),
            Case(title: "a response", query: [0, 1, 0x80] + plain.dropFirst(3), responseCode: nil),
            Case(title: "unknown operation", query: [0, 1, 0x28] + plain.dropFirst(3), responseCode: 4),
        ]
    }

    static func malformedSubnet() -> [UInt8] {
        var message = DNSMessage(id: 1, name: DomainName("api.example.com") ?? .root, type: .a)
        message.edns?.options = [.init(code: 8, data: [0, 1, 40, 0])]
        return message.wire
    }

    static func snapshot(rate: Int) -> AuthoritySnapshot {
        let origin = DomainName("example.com") ?? .root
        var text = """
            $TTL 300
            @ SOA ns1 hostmaster 7 2h 15m 2w 30
            @ NS ns1
            ns1 A 192.0.2.53
            *.wild A 192.0.2.99
            alias CNAME host1
            sub NS ns.sub
            ns.sub A 192.0.2.54

            """
        for index in 0..<10_000 { text += "host\(index) A 10.0.\(index / 250).\(index % 250)\n" }
        for index in 0..<100 { text += "big A 10.1.0.\(index)\n" }
        var intent = Intent()
        intent.dns.answers.identifier = Array("node-1".utf8)
        intent.dns.answers.zoneVersion = .epoch
        if rate > 0 {
            var limit = ResponseRateLimit(rate: rate)
            limit.slip = 0
            intent.dns.answers.rateLimit = limit
        }
        let records = ZoneFileParser.parse(Array(text.utf8), file: "", origin: origin, defaultTTL: nil).records
        intent.zones = [Zone(origin: origin, records: records)]
        intent.regions = [Region(name: "us"), Region(name: "eu")]
        for (index, address) in ["34.22.11.90", "34.22.11.91", "52.31.19.80", "52.31.19.81"].enumerated() {
            guard let address = IPAddress(address) else { continue }
            intent.virtualServers.append(
                VirtualServer(
                    name: "vs\(index)", endpoint: Endpoint(address: address, port: 443), region: index / 2))
        }
        for (index, name) in ["us", "eu"].enumerated() {
            var pool = Pool(name: name)
            pool.virtualServers = [2 * index, 2 * index + 1]
            pool.host = DomainName("\(name).api.example.com")
            intent.pools.append(pool)
        }
        var api = WideIP(name: DomainName("api.example.com") ?? origin, pools: [0, 1])
        api.method = .topology
        api.topology = ["10.1.0.0/16", "2001:db8:e::/48"].compactMap { IPPrefix($0) }.map {
            TopologyRecord(sources: [.prefix($0)], candidates: [1])
        }
        var ratio = WideIP(name: DomainName("ratio.example.com") ?? origin, pools: [0, 1])
        ratio.method = .ratio
        var stages = WideIP(name: DomainName("stages.example.com") ?? origin, pools: [0, 1])
        let both = api.topology.map { TopologyRecord(sources: $0.sources, candidates: [0, 1]) }
        stages.stages = [
            Stage(.available), Stage(.topology(Topology(both, use: .only)), whenEmpty: .keep),
            Stage(.weigh(by: .ratio)),
            Stage(.persist(v4: 24, v6: 56)),
        ]
        intent.wideIPs = [api, ratio, stages]
        let plan = SteeringPlan(intent: intent, geography: GeographyDatabase())
        return AuthoritySnapshot(
            data: AuthorityData(
                intent: intent, plan: plan, seed: 42, cookieSeed: SipKey(first: 1, second: 2)),
            steering: SteeringSnapshot(
                plan: plan, intent: intent, overrides: EffectiveOverrides(), observations: Observations(), epoch: 1))
    }
}
