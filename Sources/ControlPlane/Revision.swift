import StateStore

/// The parts of what operators decided that change apart from one another.
package enum OperatorCollection: String, Sendable, CaseIterable {
    case overrides, windows, shifts
}

/// Numbers that rise with each change of a collection, so that nobody changes what he has not seen.
struct Revisions: Sendable {
    private var values: [OperatorCollection: UInt64] = [:]
    /// Other in each life of the node.
    private let start: UInt64

    init(start: UInt64) { self.start = start }

    subscript(_ collection: OperatorCollection) -> UInt64 { start &+ (values[collection] ?? 0) }

    mutating func bump(_ collections: Set<OperatorCollection>) {
        for collection in collections { values[collection, default: 0] += 1 }
    }
}

/// What a change demands of what it changes; it goes with the task that asks for it.
package struct Expectation: Sendable {
    @TaskLocal package static var current: Expectation?

    package let collection: OperatorCollection
    /// One of these.
    package let revisions: Set<UInt64>

    package init(_ collection: OperatorCollection, _ revisions: Set<UInt64>) {
        self.collection = collection
        self.revisions = revisions
    }
}

/// That somebody may make a change; it goes with the task that makes it, as rights can be taken away while it waits.
package struct Permission: Sendable {
    @TaskLocal package static var current: Permission?

    package let isStillGiven: @Sendable () -> Bool

    package init(_ isStillGiven: @escaping @Sendable () -> Bool) { self.isStillGiven = isStillGiven }
}

extension StateChange {
    /// The collections that look different after it. Windows that run are overrides too.
    var collections: Set<OperatorCollection> {
        switch self {
        case .override, .weight: [.overrides]
        case .window, .skip, .run: [.windows, .overrides]
        case .shift: [.shifts]
        case .lock: []
        }
    }
}

extension Node {
    package func revision(of collection: OperatorCollection) -> UInt64 { revisions[collection] }
}
