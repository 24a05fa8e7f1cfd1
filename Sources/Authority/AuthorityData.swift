package import DNSWire
import FlatTables
package import Steering
package import TrafficModel

/// Everything that answers need of one configuration: its zones, with an answer prepared for each name and type, and
/// its steered names. Immutable; made for a generation and shared by its snapshots.
package final class AuthorityData: Sendable {
    /// What CHAOS queries are told (RFC 4892).
    package struct Identity: Equatable, Sendable {
        /// `id.server` and `hostname.bind`; `nil`: refused.
        package var server: String?
        /// `version.bind` and `version.server`; `nil`: refused.
        package var version: String?

        package init(_ settings: AnswerSettings) {
            server = settings.serverName
            version = settings.version
        }
    }

    package let generation: UInt64
    package let poolSlots: PoolSlots
    package let pairSlots: PairSlots
    /// The names of pools, by position in `Intent.pools`.
    package let poolNames: [String]
    /// The same in UTF-8, for ``AuthoritySnapshot/poolName(at:)``.
    let poolTexts: FlatTexts
    package let zoneCount: Int
    /// Names that exist in all zones.
    package var nameCount: Int { nodes.count }

    let policy: ResponsePolicy
    /// 512...4096.
    let udpSize: Int
    let seed: UInt64
    /// Labels of the longest name that exists; longer names need not be looked up whole.
    let depth: Int

    let slots: FlatTable<NodeSlot>
    let nodes: NodeEntries
    let prepared: PreparedAnswers
    let pointers: FlatTable<UInt16>
    /// The bytes of prepared answers and of targets' names.
    var bytes: FlatTable<UInt8> { prepared.bytes }
    let zones: FlatTable<ZoneAnswers>
    let patterns: FlatTable<NamePattern>
    let patternBytes: FlatTable<UInt8>
    let targets: FlatTable<TargetName>
    /// What HTTPS records of pools begin with, in `bytes`; length 0: a pool has none.
    let services: FlatTable<TargetName>
    let addresses: FlatTable<TargetAddress>
    /// Where the counters of each pool are.
    let slotOfPool: FlatTable<UInt32>
    /// The same for each wide IP with its pools.
    let pairs: PairTable
    /// Prepared answers for `id.server` and `version.bind`, plus one; 0: refused.
    let serverAnswer: UInt32
    let versionAnswer: UInt32

    /// Owns the tables of zones and names. What is looked up in them is repeated here, so that no query follows or
    /// counts this reference.
    let tables: ZoneTables

    /// - Parameters:
    ///   - intent: zones without mistakes: what ``DNSWire/ZoneChecks`` lets pass. Steered names outside of all zones or
    ///     below a delegation are left out.
    ///   - seed: secret and random; of the name table.
    ///   - cookieSeed: secret and random, the same for all generations: of DNS cookies where no secrets are configured.
    ///   - poolSlots: the same for all generations, so that counters of a pool go on.
    ///   - pairSlots: the same for all generations, too.
    ///   - previous: the generation before, and what it was made of: where zones and names are the same, so are their tables.
    package init(
        intent: Intent, plan: SteeringPlan, seed: UInt64, cookieSeed: SipKey, poolSlots: PoolSlots = .init(),
        pairSlots: PairSlots = .init(),
        previous: (data: AuthorityData, intent: Intent, plan: SteeringPlan)? = nil
    ) {
        let source = ZoneTables.Source(intent, plan, seed: seed)
        if let previous, ZoneTables.Source(previous.intent, previous.plan, seed: previous.data.seed) == source {
            tables = previous.data.tables
        } else {
            tables = ZoneTables(source)
        }
        generation = intent.generation
        self.poolSlots = poolSlots
        self.pairSlots = pairSlots
        poolNames = intent.pools.map(\.name)
        poolTexts = FlatTexts(poolNames)
        zoneCount = intent.zones.count
        policy = ResponsePolicy(intent.dns, zones: intent.zones, cookieSeed: cookieSeed)
        udpSize = min(max(intent.dns.udpSize, 512), 4096)
        self.seed = seed
        depth = tables.depth
        slots = tables.slots
        nodes = tables.nodes
        prepared = tables.prepared
        pointers = tables.pointers
        zones = tables.zones
        patterns = tables.patterns
        patternBytes = tables.patternBytes
        targets = tables.targets
        services = tables.services
        serverAnswer = tables.serverAnswer
        versionAnswer = tables.versionAnswer
        addresses = FlatTable((0..<plan.addressCount).map { TargetAddress(plan.address(ofServer: $0)) })
        slotOfPool = FlatTable(intent.pools.map { poolSlots.slot(of: $0.name) })
        pairs = PairTable(intent, pairSlots)
    }

    deinit {
        policy.deallocate()
        poolTexts.deallocate()
        addresses.deallocate()
        slotOfPool.deallocate()
        pairs.deallocate()
    }

    /// The name of a node, as ``Decision`` records name it.
    package func name(ofNode node: Int) -> DomainName? {
        guard node >= 0 else { return nil }
        return nodes.name(at: node)
    }
}
