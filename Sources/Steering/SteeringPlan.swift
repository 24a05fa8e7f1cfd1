package import Addresses
package import DNSWire
import FlatTables
package import Geography
package import TrafficModel

/// What steering needs of one configuration: candidates, their order by place, and how to choose. Immutable.
package final class SteeringPlan: Sendable {
    /// Every steered name: wide IPs, their aliases, and host names of pools.
    package let names: [(name: DomainName, subject: SteeredSubject)]

    let servers: FlatTable<Server>
    let pools: FlatTable<PoolPlan>
    /// Virtual servers of all pools, each pool's in order.
    let poolServers: FlatTable<UInt32>
    let wideIPs: FlatTable<WideIPPlan>
    /// Where the orders of pools begin and end in `candidates`: an order ends where the next begins. Wide IPs with equal
    /// orders share them.
    let orders: FlatTable<UInt32>
    let candidates: FlatTable<UInt32>
    /// Distinct maps from client networks to an order of pools; wide IPs with equal records share one.
    private let tables: [PrefixTable]
    let indexes: FlatTable<PrefixTable.Index>
    private let targets: [DomainName?]
    private let addresses: [IPAddress]

    struct Server: BitwiseCopyable {
        let ratio: UInt32
        let isV4: Bool
    }

    struct PoolPlan: BitwiseCopyable {
        /// Position in `poolServers`.
        let firstServer: UInt32
        let serverCount: UInt32
        let ttl: UInt32
        let ratio: UInt32
        let maxAnswers: Int
        let allDown: FinalResort
        let method: Pool.Method
        let answersAddresses: Bool
    }

    struct WideIPPlan: BitwiseCopyable {
        /// Position in `indexes`; -1: the place of the client does not matter.
        let table: Int32
        /// Position in `orders` of the order as configured; i + 1 behind it: for clients that record i matches.
        let firstOrder: UInt32
        let ttl: UInt32
        let hasTTL: Bool
        let enabled: Bool
        let method: WideIP.Method
        let allDown: FinalResort
    }

    /// ``TrafficModel/AllDownPolicy`` as the answering threads read it.
    enum FinalResort: BitwiseCopyable {
        case open
        case closed
        case pool(UInt32)
        case rcode(UInt8)

        init(_ policy: AllDownPolicy) {
            self =
                switch policy {
                case .open: .open
                case .closed: .closed
                case .pool(let position): .pool(UInt32(position))
                case .rcode(let code): .rcode(code)
                }
        }
    }

    package init(intent: Intent, geography: GeographyDatabase) {
        addresses = intent.virtualServers.map(\.endpoint.address)
        servers = FlatTable(
            intent.virtualServers.map { server in
                let isV4 = if case .v4 = server.endpoint.address { true } else { false }
                return Server(ratio: UInt32(clamping: server.ratio), isV4: isV4)
            })
        let targets = intent.pools.map { pool -> DomainName? in
            switch pool.answer {
            case .cname: pool.host
            case .external(let name): name
            case .addresses: nil
            }
        }
        self.targets = targets
        var poolServers: [UInt32] = []
        pools = FlatTable(
            intent.pools.enumerated().map { position, pool in
                defer { poolServers += pool.virtualServers.map { UInt32($0) } }
                return PoolPlan(
                    firstServer: UInt32(poolServers.count), serverCount: UInt32(pool.virtualServers.count),
                    ttl: pool.ttl, ratio: UInt32(clamping: pool.ratio), maxAnswers: min(max(pool.maxAnswers, 1), 16),
                    allDown: FinalResort(pool.allDown), method: pool.method,
                    answersAddresses: targets[position] == nil)
            })
        self.poolServers = FlatTable(poolServers)
        var compiled = TopologyTables(geography: geography)
        var orders = PoolOrders()
        wideIPs = FlatTable(
            intent.wideIPs.map { wideIP in
                let usesPlace = wideIP.method == .topology && !wideIP.topology.isEmpty
                return WideIPPlan(
                    table: usesPlace ? Int32(compiled.position(of: wideIP.topology.map(\.sources))) : -1,
                    firstOrder: orders.position(
                        of: wideIP.pools, preferred: usesPlace ? wideIP.topology.map(\.pools) : []),
                    ttl: wideIP.ttl ?? 0, hasTTL: wideIP.ttl != nil, enabled: wideIP.enabled, method: wideIP.method,
                    allDown: FinalResort(wideIP.allDown))
            })
        self.orders = FlatTable(orders.starts)
        candidates = FlatTable(orders.pools)
        tables = compiled.tables
        indexes = FlatTable(compiled.tables.map(\.index))
        names =
            intent.wideIPs.enumerated().flatMap { position, wideIP in
                ([wideIP.name] + wideIP.aliases).map { ($0, SteeredSubject.wideIP(position)) }
            }
            + intent.pools.enumerated().compactMap { position, pool in
                pool.host.map { ($0, SteeredSubject.poolHost(position)) }
            }
    }

    deinit {
        servers.deallocate()
        pools.deallocate()
        poolServers.deallocate()
        wideIPs.deallocate()
        orders.deallocate()
        candidates.deallocate()
        indexes.deallocate()
    }

    /// The name that a pool's CNAME points at: its host, or an external name; `nil` for pools that answer addresses.
    package func target(ofPool pool: Int) -> DomainName? { targets[pool] }

    package func address(ofServer server: Int) -> IPAddress { addresses[server] }
}
