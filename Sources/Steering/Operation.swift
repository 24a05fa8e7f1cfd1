/// A stage as decisions run it: numbers only, with positions in the tables of the plan or the snapshot.
struct Operation: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        case available
        /// `argument`: position in `SteeringSnapshot.lastGood`.
        case lastGood
        /// `argument`: position in `SteeringPlan.tables`; `second`: its first class in `SteeringPlan.classes`.
        case place
        /// `argument`: the margin in `LatencyTable` units.
        case latency
        /// `argument`: the first key in `SteeringPlan.keys`.
        case sort
        /// `argument`: the first key in `LoadTables.keys`.
        case sortByLoad
        /// `argument`: the first weight in `SteeringPlan.weights`.
        case weigh
        /// `argument`: the first weight in `LoadTables.weights`.
        case weighByLoad
        /// `argument`: the first fraction in `LoadTables.fractions`.
        case shed
        case rotate
        case draw
        /// `argument`: the length of IPv4 networks, and that of IPv6 networks times 256.
        case persist
        /// `argument`: how many.
        case take
        /// What is left is the choice.
        case done
        /// `argument`: position in `SteeringPlan.fixedAnswers`.
        case answer
    }

    var kind: Kind
    /// Has no effect where it would leave nothing.
    var keeps: Bool
    /// Position in the pipeline that it was made from; `noStage` for what every program ends with.
    var stage: UInt8
    /// Of `draw` and `persist`: how many first places matter.
    var needed: UInt8
    /// Where the decision goes on, with all candidates, when this one leaves nothing.
    var next: UInt32
    var argument: UInt32 = 0
    var second: UInt32 = 0

    static let noStage = UInt8.max
}

/// The operations of one name and what they choose from.
struct Program: BitwiseCopyable {
    var firstOperation: UInt32
    /// In `SteeringPlan.candidates`.
    var firstCandidate: UInt32
    var candidateCount: UInt8
    /// The most candidates that are chosen.
    var limit: UInt8
}

/// What a topology record, or a distance, does with the candidates of one program.
struct PlaceClass: BitwiseCopyable {
    /// Bit n: candidate n stays.
    var mask: UInt64
    /// Where the candidates' ranks begin in `SteeringPlan.keys`; `noOrder`: the order stays.
    var keys: UInt32
    /// The record, counted from 1; 0: none matched.
    var record: UInt32

    static let noOrder = UInt32.max
}

/// An answer that no candidate gives.
struct FixedPlan: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        case addresses, pool, zoneData, drop, code
    }

    var kind: Kind
    /// Addresses: how many; code: the response code.
    var number: UInt8
    /// Pool: its position. Addresses: the first, counted as `SteeringPlan.address(ofServer:)` does.
    var position: UInt32
    /// Code: how long the no may be kept; `zoneTTL`: as long as the zone says.
    var ttl: UInt32

    static let zoneTTL = UInt32.max
}
