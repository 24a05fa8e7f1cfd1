package import DNSWire
import FlatTables
package import Steering
package import TrafficModel

/// Everything that answers need of one configuration: its zones, with an answer prepared for each name and type, and
/// its steered names. Immutable; made for a generation and shared by its snapshots.
package final class AuthorityData: Sendable {
    /// What CHAOS queries are told (RFC 4892).
    package struct Identity: Sendable {
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
    /// The names of pools, by position in `Intent.pools`.
    package let poolNames: [String]
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
    /// Prepared answers for `id.server` and `version.bind`, plus one; 0: refused.
    let serverAnswer: UInt32
    let versionAnswer: UInt32

    /// - Parameters:
    ///   - intent: zones without mistakes: what ``DNSWire/ZoneChecks`` lets pass. Steered names outside of all zones or
    ///     below a delegation are left out.
    ///   - seed: secret and random; of the name table.
    ///   - cookieSeed: secret and random, the same for all generations: of DNS cookies where no secrets are configured.
    ///   - poolSlots: the same for all generations, so that counters of a pool go on.
    package init(
        intent: Intent, plan: SteeringPlan, seed: UInt64, cookieSeed: SipKey, poolSlots: PoolSlots = .init()
    ) {
        var builder = AuthorityBuilder(zones: intent.zones, steered: plan.names)
        builder.build()
        let writer = AnswerTables(builder: builder, intent: intent, plan: plan, identity: Identity(intent.dns.answers))
        generation = intent.generation
        self.poolSlots = poolSlots
        poolNames = intent.pools.map(\.name)
        zoneCount = intent.zones.count
        policy = ResponsePolicy(intent.dns, zones: intent.zones, cookieSeed: cookieSeed)
        udpSize = min(max(intent.dns.udpSize, 512), 4096)
        self.seed = seed
        depth = builder.nodes.map { $0.name.labelCount }.max() ?? 0
        var nodes = NodeEntries(writer.nodes, names: writer.names, answers: writer.answers)
        slots = FlatTable(NodeSlot.table(for: writer.nodes, at: nodes.positions, names: writer.names, seed: seed))
        patterns = FlatTable(
            writer.patterns.map { pattern in
                NamePattern(
                    offset: pattern.offset, labelCount: pattern.labelCount, isOpen: pattern.isOpen,
                    node: nodes.positions[Int(pattern.node)])
            })
        patternBytes = FlatTable(writer.patternBytes)
        nodes.forgetPositions()
        self.nodes = nodes
        // Room behind the last answer's head, which may be all it has.
        prepared = PreparedAnswers(writer.bytes + [UInt8](repeating: 0, count: 8))
        pointers = FlatTable(writer.pointers)
        zones = FlatTable(writer.zones)
        targets = FlatTable(writer.targets)
        services = FlatTable(writer.services)
        addresses = FlatTable(writer.addresses)
        slotOfPool = FlatTable(intent.pools.map { poolSlots.slot(of: $0.name) })
        serverAnswer = writer.serverAnswer
        versionAnswer = writer.versionAnswer
    }

    deinit {
        policy.deallocate()
        slots.deallocate()
        nodes.deallocate()
        prepared.deallocate()
        pointers.deallocate()
        zones.deallocate()
        patterns.deallocate()
        patternBytes.deallocate()
        targets.deallocate()
        services.deallocate()
        addresses.deallocate()
        slotOfPool.deallocate()
    }

    /// The name of a node, as ``Decision`` records name it.
    package func name(ofNode node: Int) -> DomainName? {
        guard node >= 0 else { return nil }
        return nodes.name(at: node)
    }
}
