import DNSWire
import FlatTables
import Steering
import TrafficModel

/// The part of ``AuthorityData`` that is made of zones and names: all that takes long. Generations share it for as long
/// as nothing that it is made of changes.
final class ZoneTables: Sendable {
    /// All that the tables are made of. They do not keep it: records take more memory than answers, and an idle thread may
    /// hold old tables for long.
    struct Source: Equatable, Sendable {
        let zones: [Zone]
        let names: [DomainName]
        let subjects: [SteeredSubject]
        /// The names of pools' answers, by position in `Intent.pools`.
        let targets: [DomainName?]
        /// What their HTTPS records say.
        let services: [ServiceBinding?]
        let responses: ResponseContent
        let identity: AuthorityData.Identity
        let seed: UInt64

        init(_ intent: Intent, _ plan: SteeringPlan, seed: UInt64) {
            zones = intent.zones
            names = plan.names.map(\.name)
            subjects = plan.names.map(\.subject)
            targets = intent.pools.indices.map { plan.target(ofPool: $0) }
            services = intent.pools.map(\.https)
            responses = intent.dns.responses
            identity = AuthorityData.Identity(intent.dns.answers)
            self.seed = seed
        }

        /// Whether tables made of the other would be the same byte for byte. Names that differ in the case of their letters
        /// are equal, but not the same in answers. Zones of files that did not change share their records, which is seen
        /// at once.
        static func == (left: Source, right: Source) -> Bool {
            left.seed == right.seed && left.responses == right.responses && left.identity == right.identity
                && left.subjects == right.subjects && left.services == right.services && left.zones == right.zones
                && left.names.elementsEqual(right.names) { $0.wire == $1.wire }
                && left.targets.elementsEqual(right.targets) { $0?.wire == $1?.wire }
                && zip(left.zones, right.zones).allSatisfy { left, right in
                    left.origin.wire == right.origin.wire
                        && left.records.elementsEqual(right.records) { $0.owner.wire == $1.owner.wire }
                }
        }
    }

    let depth: Int
    let slots: FlatTable<NodeSlot>
    let nodes: NodeEntries
    let prepared: PreparedAnswers
    let pointers: FlatTable<UInt16>
    let zones: FlatTable<ZoneAnswers>
    let patterns: FlatTable<NamePattern>
    let patternBytes: FlatTable<UInt8>
    let targets: FlatTable<TargetName>
    let services: FlatTable<TargetName>
    let serverAnswer: UInt32
    let versionAnswer: UInt32

    init(_ source: Source) {
        var builder = AuthorityBuilder(zones: source.zones, steered: Array(zip(source.names, source.subjects)))
        builder.build()
        let writer = AnswerTables(builder: builder, source: source)
        depth = builder.nodes.map { $0.name.labelCount }.max() ?? 0
        var nodes = NodeEntries(writer.nodes, names: writer.names, answers: writer.answers)
        slots = FlatTable(
            NodeSlot.table(for: writer.nodes, at: nodes.positions, names: writer.names, seed: source.seed))
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
        serverAnswer = writer.serverAnswer
        versionAnswer = writer.versionAnswer
    }

    deinit {
        slots.deallocate()
        nodes.deallocate()
        prepared.deallocate()
        pointers.deallocate()
        zones.deallocate()
        patterns.deallocate()
        patternBytes.deallocate()
        targets.deallocate()
        services.deallocate()
    }
}
