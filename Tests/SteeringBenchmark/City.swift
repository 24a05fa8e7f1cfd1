import Addresses
import DNSWire
import Geography
import Glibc
import Steering
import TrafficModel

extension SteeringBenchmark {
    /// As GeoLite2-City of 2024 has, about.
    static let nodes: UInt32 = 4_000_000
    static let cities = 120_000

    static func city() {
        let path = "/tmp/meridian-city-\(getpid()).mmdb"
        writeCityDatabase(to: path)
        defer { _ = unsafe unlink(path) }
        let start = now()
        let database: GeographyDatabase
        do {
            database = try GeographyDatabase.load(sources: [.maxMind(path: path)])
        } catch {
            print("\(error)")
            exit(1)
        }
        let read = now()
        var intent = Intent()
        for index in 0..<10 {
            let location = Location(latitude: Double(index * 17 % 120) - 60, longitude: Double(index * 36) - 170)
            intent.regions.append(Region(name: "r\(index)", location: location))
            intent.virtualServers.append(
                VirtualServer(
                    name: "s\(index)", endpoint: Endpoint(address: .v4(UInt32(index + 1)), port: 80), region: index))
            var pool = Pool(name: "p\(index)")
            pool.region = index
            pool.virtualServers = [index]
            pool.host = DomainName("p\(index).example.net")
            intent.pools.append(pool)
        }
        var near = WideIP(name: DomainName("near.example.net") ?? .root, pools: Array(0..<10))
        near.stages = [Stage(.available), Stage(.nearest(within: nil))]
        var records = WideIP(name: DomainName("records.example.net") ?? .root, pools: Array(0..<10))
        records.stages = [
            Stage(.available),
            Stage(
                .topology(
                    Topology(
                        (0..<200).map { index in
                            TopologyRecord(
                                sources: [.city(country: "US", name: "City \(index * 601)"), .asn(UInt32(index))],
                                candidates: [index % 10])
                        }, match: .longest))),
        ]
        intent.wideIPs = [near, records]
        let plan = SteeringPlan(intent: intent, geography: database)
        let compiled = now()
        print(
            "city database of \(nodes) nodes and \(cities) cities: read in \(milliseconds(read - start)) ms, compiled for a "
                + "wide IP by distance and one by records in \(milliseconds(compiled - read)) ms, "
                + "together \(milliseconds(compiled - start)) ms")
        let table = database.table { UInt32(($0.city?.utf8.count ?? 0) & 7) }
        print("\(database.ranges.count) networks of \(database.places.count) places, \(table.count) by class")
        lookups(database.table { $0.coordinates.map { UInt32(bitPattern: Int32($0.longitude * 1000)) } ?? 0 })
        let snapshot = SteeringSnapshot(
            plan: plan, intent: intent, overrides: EffectiveOverrides(), observations: Observations(), epoch: 1)
        var decision = SteeringDecision()
        snapshot.decide(
            .wideIP(0), family: .v4, client: ClientNetwork(address: .v4(0x0801_0203)), sequence: 1, into: &decision)
        blackHole(UInt64(truncatingIfNeeded: Int(decision.pool)))
    }

    static func milliseconds(_ time: UInt64) -> UInt64 { time / 1_000_000 }

    /// Random addresses, each known only when the one before is found: latency, not throughput.
    static func lookups(_ table: PrefixTable) {
        for isV6 in [false, true] {
            let count = 5_000_000
            var best = UInt64.max
            for _ in 0..<3 {
                var state: UInt64 = 88_172_645_463_325_252
                var sum: UInt64 = 0
                let start = ran()
                for _ in 0..<count {
                    state ^= state << 13
                    state ^= state >> 7
                    state ^= state << 17
                    let address: IPAddress =
                        isV6
                        ? .v6(UInt128(0x2000_0000_0000_0000 | (state ^ sum & 1) >> 4) << 64)
                        : .v4(UInt32(truncatingIfNeeded: state ^ sum & 1))
                    sum &+= UInt64(table.lookup(address).value)
                }
                best = min(best, ran() - start)
                blackHole(sum)
            }
            print("look-up of a random \(isV6 ? "IPv6" : "IPv4") address: \(Double(best * 10 / UInt64(count)) / 10) ns")
        }
    }

    /// A tree of the size of a commercial city database, with a record for each city: made here, for none may be
    /// handed on.
    static func writeCityDatabase(to path: String) {
        var data: [UInt8] = []
        var offsets: [UInt32] = []
        func text(_ string: String, _ kind: UInt8 = 2) {
            let bytes = Array(string.utf8)
            if bytes.count < 29 {
                data.append(kind << 5 | UInt8(bytes.count))
            } else {
                data += [kind << 5 | 29, UInt8(bytes.count - 29)]
            }
            data += bytes
        }
        func map(_ count: UInt8) { data.append(7 << 5 | count) }
        func double(_ value: Double) {
            data.append(3 << 5 | 8)
            let bits = value.bitPattern
            for shift in (0..<8).reversed() { data.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift * 8))) }
        }
        for index in 0..<cities {
            offsets.append(UInt32(data.count))
            map(4)
            text("country")
            map(1)
            text("iso_code")
            text(index % 3 == 0 ? "US" : index % 3 == 1 ? "DE" : "JP")
            text("continent")
            map(1)
            text("code")
            text(index % 3 == 0 ? "NA" : index % 3 == 1 ? "EU" : "AS")
            text("city")
            map(1)
            text("names")
            map(1)
            text("en")
            text("City \(index)")
            text("location")
            map(2)
            text("latitude")
            double(Double(index % 1300) / 10 - 60)
            text("longitude")
            double(Double(index % 3590) / 10 - 179)
        }
        // Each node splits a random leaf: subtrees of given sizes, laid out depth first.
        var left: [UInt32] = [UInt32](repeating: 0, count: Int(nodes))
        var right = left
        var state: UInt64 = 1
        func random() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        func leaf() -> UInt32 {
            let offset = offsets[Int(random() % UInt64(cities))]
            return random() % 20 == 0 ? nodes : nodes + 16 + offset
        }
        // The IPv4 space is behind 96 zero bits, and has two thirds of the nodes; IPv6's allocated part, 2000::/3, the rest.
        struct Work {
            var node: UInt32
            var depth: Int
            var size: UInt32
            var limit: Int
        }
        var next: UInt32 = 0
        func take() -> UInt32 {
            defer { next += 1 }
            return next
        }
        var pending: [Work] = []
        var chain = take()
        let v6 = take()
        // 001: two steps from the root to the right part.
        left[Int(chain)] = 0
        right[Int(chain)] = nodes
        var v4Parent = take()
        left[Int(chain)] = v4Parent
        let second = take()
        left[Int(v4Parent)] = second
        right[Int(v4Parent)] = nodes
        right[Int(second)] = v6
        pending.append(Work(node: v6, depth: 3, size: nodes / 3, limit: 56))
        v4Parent = second
        for _ in 3..<96 {
            let node = take()
            left[Int(v4Parent)] = node
            if v4Parent != second { right[Int(v4Parent)] = nodes }
            v4Parent = node
        }
        right[Int(v4Parent)] = nodes
        let v4 = take()
        left[Int(v4Parent)] = v4
        chain = v4
        pending.append(Work(node: v4, depth: 0, size: nodes - nodes / 3 - next - 1, limit: 28))
        while let work = pending.popLast() {
            // How many nodes each side gets of those below this one: as many as fit within the depth.
            let rest = work.size > 0 ? work.size - 1 : 0
            let room = work.limit - work.depth - 1
            let most: UInt32 = room >= 31 ? .max : room <= 0 ? 0 : UInt32(1) << UInt32(room) - 1
            let share = min(most, max(rest > most ? rest - most : 0, UInt32(UInt64(rest) * (20 + random() % 60) / 100)))
            for (isRight, size) in [(false, share), (true, min(most, rest - share))] {
                var child = leaf()
                if size > 0, next < nodes {
                    child = take()
                    pending.append(Work(node: child, depth: work.depth + 1, size: size, limit: work.limit))
                }
                if isRight { right[Int(work.node)] = child } else { left[Int(work.node)] = child }
            }
        }
        while next < nodes {
            left[Int(next)] = nodes
            right[Int(next)] = nodes
            next += 1
        }
        var file: [UInt8] = []
        file.reserveCapacity(Int(nodes) * 8 + data.count)
        func append(_ value: UInt32) {
            for shift in [24, 16, 8, 0] { file.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
        }
        for node in 0..<Int(nodes) {
            append(left[node])
            append(right[node])
        }
        file += [UInt8](repeating: 0, count: 16)
        file += data
        file += [0xab, 0xcd, 0xef] + Array("MaxMind.com".utf8)
        data = []
        func number(_ value: UInt32) {
            data.append(6 << 5 | 4)
            for shift in [24, 16, 8, 0] { data.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
        }
        map(4)
        text("binary_format_major_version")
        data += [5 << 5 | 1, 2]
        text("node_count")
        number(nodes)
        text("record_size")
        data += [5 << 5 | 1, 32]
        text("ip_version")
        data += [5 << 5 | 1, 6]
        file += data
        guard let stream = unsafe fopen(path, "w") else {
            print("cannot write \(path)")
            exit(1)
        }
        let written = unsafe file.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, stream) }
        let closed = unsafe fclose(stream)
        precondition(written == file.count && closed == 0)
    }
}
