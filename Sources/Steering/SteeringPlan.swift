package import Addresses
package import DNSWire
import FlatTables
package import Geography
package import TrafficModel

/// What steering needs of one configuration: the stages of every name as flat tables. Immutable.
package final class SteeringPlan: Sendable {
    /// Every steered name: wide IPs, their aliases, and host names of pools.
    package let names: [(name: DomainName, subject: SteeredSubject)]

    let wideIPs: FlatTable<WideIPPlan>
    let pools: FlatTable<PoolPlan>
    let operations: FlatTable<Operation>
    /// Of all programs. Virtual servers count from 0, pools from `serverCount`.
    let candidates: FlatTable<UInt32>
    let keys: FlatTable<UInt32>
    let weights: FlatTable<UInt32>
    /// Which of `weights` belong together, and whose they are.
    let weighings: [Weighing]
    let classes: FlatTable<PlaceClass>
    let fixedAnswers: FlatTable<FixedPlan>
    /// By candidate: of its name, for hashes.
    let seeds: FlatTable<UInt64>
    /// By candidate: position in `Intent.regions`, or `noRegion`.
    let regions: FlatTable<UInt32>
    /// By position of addresses: whether it is an IPv4 one.
    let isV4: FlatTable<Bool>
    let serverCount: Int
    /// Distinct maps from client networks to classes; names with equal records share one.
    private let tables: [PrefixTable]
    let indexes: FlatTable<PrefixTable.Index>
    /// What must be computed anew with each epoch.
    let loadOperations: [LoadOperation]
    let fractionCount: Int
    let loadKeyCount: Int
    let loadWeightCount: Int
    let usesLatency: Bool
    let lastGoodPrograms: [Program]
    /// Whether the TTL of some answer goes by what is known of servers.
    package let usesStateTTL: Bool
    /// Virtual servers that depend on others, each behind those.
    let dependents: [Int]
    let uses: ServerUses

    /// The stages that programs were made from, for explanations.
    package let wideIPStages: [[Stage]]
    package let poolStages: [[Stage]]

    private let targets: [DomainName?]
    private let addresses: [IPAddress]

    static let noRegion = UInt32.max

    struct WideIPPlan: BitwiseCopyable {
        let program: Program
        /// `noTTL`: the chosen pool's.
        let ttl: UInt32
        let enabled: Bool

        static let noTTL = UInt32.max
        /// Of answers that no pool gives, where the wide IP has no TTL of its own.
        static let fallbackTTL: UInt32 = 30
    }

    struct PoolPlan: BitwiseCopyable {
        let program: Program
        let ttl: UInt32
        let answersAddresses: Bool
    }

    struct Weighing: Sendable {
        let base: Int
        let candidates: [UInt32]
    }

    package init(intent: Intent, geography: GeographyDatabase) {
        var builder = PlanBuilder(intent: intent, geography: geography)
        wideIPStages = intent.wideIPs.map(\.pipeline)
        poolStages = intent.pools.map(\.pipeline)
        serverCount = intent.virtualServers.count
        pools = FlatTable(
            zip(intent.pools, poolStages).map { pool, stages in
                PoolPlan(
                    program: builder.program(
                        stages, candidates: pool.virtualServers.map { UInt32($0) }, family: .servers,
                        limit: min(max(pool.maxAnswers, 1), 16)),
                    ttl: pool.ttl, answersAddresses: pool.answer == .addresses)
            })
        wideIPs = FlatTable(
            zip(intent.wideIPs, wideIPStages).map { wideIP, stages in
                WideIPPlan(
                    program: builder.program(
                        stages, candidates: wideIP.pools.map { UInt32($0 + intent.virtualServers.count) },
                        family: .pools, limit: 1),
                    ttl: wideIP.ttl ?? WideIPPlan.noTTL, enabled: wideIP.enabled)
            })
        targets = intent.pools.map { pool in
            switch pool.answer {
            case .cname: pool.host
            case .external(let name): name
            case .addresses: nil
            }
        }
        operations = FlatTable(builder.operations)
        candidates = FlatTable(builder.candidates)
        keys = FlatTable(builder.keys)
        weights = FlatTable(builder.weights)
        weighings = builder.weighings
        classes = FlatTable(builder.classes)
        fixedAnswers = FlatTable(builder.fixedAnswers)
        seeds = FlatTable((intent.virtualServers.map(\.name) + intent.pools.map(\.name)).map(StableHash.seed))
        regions = FlatTable(
            intent.virtualServers.map { UInt32($0.region) }
                + intent.pools.map { $0.region.map { UInt32($0) } ?? Self.noRegion })
        tables = builder.places.tables
        indexes = FlatTable(tables.map(\.index))
        loadOperations = builder.loadOperations
        fractionCount = builder.fractionCount
        loadKeyCount = builder.loadKeyCount
        loadWeightCount = builder.loadWeightCount
        usesLatency = builder.usesLatency
        usesStateTTL = intent.usesStateTTL
        lastGoodPrograms = builder.lastGoodPrograms
        // Configurations with a circle are refused.
        dependents = intent.dependents ?? []
        uses = ServerUses(intent)
        addresses = intent.virtualServers.map(\.endpoint.address) + builder.fixedAddresses
        isV4 = FlatTable(addresses.map { if case .v4 = $0 { true } else { false } })
        names =
            intent.wideIPs.enumerated().flatMap { position, wideIP in
                ([wideIP.name] + wideIP.aliases).map { ($0, SteeredSubject.wideIP(position)) }
            }
            + intent.pools.enumerated().compactMap { position, pool in
                pool.host.map { ($0, SteeredSubject.poolHost(position)) }
            }
    }

    deinit {
        wideIPs.deallocate()
        pools.deallocate()
        operations.deallocate()
        candidates.deallocate()
        keys.deallocate()
        weights.deallocate()
        classes.deallocate()
        fixedAnswers.deallocate()
        seeds.deallocate()
        regions.deallocate()
        isV4.deallocate()
        indexes.deallocate()
    }

    /// Whether some stage goes by load.
    package var usesLoads: Bool { !loadOperations.isEmpty }

    /// Whether decisions may differ between the two.
    package func heeds(_ measurements: Measurements, unlike other: Measurements) -> Bool {
        if usesLatency, measurements.latencyVersion != other.latencyVersion { return true }
        return usesLoads && !measurements.hasSameLoads(as: other)
    }

    /// The name that a pool's CNAME points at: its host, or an external name; `nil` for pools that answer addresses.
    package func target(ofPool pool: Int) -> DomainName? { targets[pool] }

    /// Of a virtual server, or of the addresses of fixed answers, which count on behind those.
    package func address(ofServer server: Int) -> IPAddress { addresses[server] }

    package var addressCount: Int { addresses.count }
}
