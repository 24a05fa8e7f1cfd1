package import Addresses
package import DNSWire
package import Geography
package import TrafficModel

/// What steering needs of one configuration: candidates, their order by place, and how to choose. Immutable.
package final class SteeringPlan: Sendable {
    /// Every steered name: wide IPs, their aliases, and host names of pools.
    package let names: [(name: DomainName, subject: SteeredSubject)]

    let servers: [Server]
    let pools: [PoolPlan]
    let wideIPs: [WideIPPlan]
    /// Distinct maps from client networks to an order of pools; wide IPs with equal records share one.
    let tables: [PrefixTable]

    struct Server: Sendable {
        let address: IPAddress
        let ratio: UInt32
        let isV4: Bool
    }

    struct PoolPlan: Sendable {
        let servers: [UInt32]
        let method: Pool.Method
        let ttl: UInt32
        let ratio: UInt32
        let maxAnswers: Int
        let allDown: AllDownPolicy
        let target: DomainName?
        let answersAddresses: Bool
    }

    struct WideIPPlan: Sendable {
        let method: WideIP.Method
        /// Position in `tables`; `nil`: the place of the client does not matter.
        let table: Int?
        /// Orders of pools. 0: as configured. i + 1: for clients that record i matches.
        let orders: [[UInt32]]
        let ttl: UInt32?
        let allDown: AllDownPolicy
        let enabled: Bool
    }

    package init(intent: Intent, geography: GeographyDatabase) {
        servers = intent.virtualServers.map { server in
            let isV4 = if case .v4 = server.endpoint.address { true } else { false }
            return Server(address: server.endpoint.address, ratio: UInt32(clamping: server.ratio), isV4: isV4)
        }
        pools = intent.pools.map { pool in
            let target: DomainName? =
                switch pool.answer {
                case .cname: pool.host
                case .external(let name): name
                case .addresses: nil
                }
            return PoolPlan(
                servers: pool.virtualServers.map { UInt32($0) }, method: pool.method, ttl: pool.ttl,
                ratio: UInt32(clamping: pool.ratio), maxAnswers: min(max(pool.maxAnswers, 1), 16),
                allDown: pool.allDown, target: target, answersAddresses: target == nil)
        }
        var compiled = TopologyTables(geography: geography)
        wideIPs = intent.wideIPs.map { wideIP in
            let usesPlace = wideIP.method == .topology && !wideIP.topology.isEmpty
            let table = usesPlace ? compiled.position(of: wideIP.topology.map(\.sources)) : nil
            let all = wideIP.pools.map { UInt32($0) }
            let preferred = usesPlace ? wideIP.topology.map { $0.pools.map { UInt32($0) } } : []
            return WideIPPlan(
                method: wideIP.method, table: table,
                orders: [all] + preferred.map { first in first + all.filter { !first.contains($0) } },
                ttl: wideIP.ttl, allDown: wideIP.allDown, enabled: wideIP.enabled)
        }
        tables = compiled.tables
        names =
            intent.wideIPs.enumerated().flatMap { position, wideIP in
                ([wideIP.name] + wideIP.aliases).map { ($0, SteeredSubject.wideIP(position)) }
            }
            + intent.pools.enumerated().compactMap { position, pool in
                pool.host.map { ($0, SteeredSubject.poolHost(position)) }
            }
    }

    /// The name that a pool's CNAME points at: its host, or an external name; `nil` for pools that answer addresses.
    package func target(ofPool pool: Int) -> DomainName? { pools[pool].target }

    package func address(ofServer server: Int) -> IPAddress { servers[server].address }
}
