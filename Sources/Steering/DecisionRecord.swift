import FlatTables
import Geography

/// How a decision came about: the same decision as the data plane takes, with what each stage did.
package struct DecisionRecord: Sendable {
    /// What a stage works on.
    package enum Candidate: Hashable, Sendable {
        /// Positions in `Intent.virtualServers` and `Intent.pools`.
        case server(Int)
        case pool(Int)
    }

    package enum Effect: Sendable {
        case ran
        /// It would have left nothing, and was passed over.
        case kept
        /// It left nothing: the decision goes on behind the next `otherwise`, or ends.
        case exhausted
    }

    package struct Step: Sendable {
        package let subject: SteeredSubject
        /// Position in the pipeline; `nil`: what every pipeline ends with.
        package let stage: Int?
        package let before: [Candidate]
        package let after: [Candidate]
        package let effect: Effect
        /// The topology record that matched, counted from 1, and the length of the widest network that it, or another
        /// look-up of the client's network, holds for; `nil`: no look-up.
        package let record: Int?
        package let scope: Int?
        /// The parts of all queries, or of all client networks, that the candidates get where the stage shares them
        /// out; in the order of `before`.
        package let shares: [Double]?
        /// Of `shed`: the part of its clients that each may keep; in the order of `before`.
        package let fractions: [Double]?
    }

    /// Clients of a pool whom operators send to another.
    package struct Redirection: Sendable {
        /// Positions in `Intent.wideIPs` and `Intent.pools`.
        package let wideIP: Int
        package let from: Int
        package let to: Int
        /// The part of the client networks; 1: all of them.
        package let part: Double
        /// Whether this client is one of them.
        package let isMoved: Bool
    }

    package let decision: SteeringDecision
    package let steps: [Step]
    package let redirection: Redirection?
}

extension SteeringSnapshot {
    /// Decides as ``decide(_:family:client:sequence:into:)`` does, and tells how.
    package func explain(
        _ subject: SteeredSubject, family: AddressFamily, client: ClientNetwork, sequence: UInt64, isApex: Bool = false
    ) -> DecisionRecord {
        var decision = SteeringDecision()
        var recorder = TraceRecorder(snapshot: self)
        decide(
            subject, family: family, client: client, sequence: sequence, isApex: isApex, into: &decision,
            trace: &recorder)
        return DecisionRecord(decision: decision, steps: recorder.steps, redirection: recorder.redirection)
    }
}

/// Writes down what the stages of a decision do.
private struct TraceRecorder: DecisionTrace {
    static var isOn: Bool { true }

    let snapshot: SteeringSnapshot
    private(set) var steps: [DecisionRecord.Step] = []
    private(set) var redirection: DecisionRecord.Redirection?
    private var subject = SteeredSubject.wideIP(0)
    private var program: Program?

    init(snapshot: SteeringSnapshot) { self.snapshot = snapshot }

    mutating func begin(_ subject: SteeredSubject, _ program: Program) {
        self.subject = subject
        self.program = program
    }

    mutating func redirected(_ wideIP: Int, _ redirection: Redirections.Redirection, isMoved: Bool) {
        let part = redirection.fraction == .max ? 1 : Double(redirection.fraction) / Double(UInt32.max)
        self.redirection = DecisionRecord.Redirection(
            wideIP: wideIP, from: Int(redirection.from), to: Int(redirection.to), part: part, isMoved: isMoved)
    }

    mutating func ran(
        _ operation: Operation, before: [Int], after: borrowing Candidates, isLeft: Bool, match: PrefixTable.Match?
    ) {
        guard let program else { return }
        let plan = snapshot.plan
        func candidate(_ local: Int) -> DecisionRecord.Candidate {
            let number = Int(plan.candidates[Int(program.firstCandidate) + local])
            return number < plan.serverCount ? .server(number) : .pool(number - plan.serverCount)
        }
        var record: Int?
        if operation.kind == .place, let match {
            record = Int(plan.classes[Int(operation.second) + Int(match.value)].record)
        }
        var fractions: [Double]?
        if operation.kind == .shed {
            fractions = before.map {
                Double(snapshot.loads.fractions[Int(operation.argument) + $0]) / Double(UInt32.max)
            }
        }
        let effect: DecisionRecord.Effect = isLeft ? .ran : operation.keeps ? .kept : .exhausted
        steps.append(
            DecisionRecord.Step(
                subject: subject, stage: operation.stage == Operation.noStage ? nil : Int(operation.stage),
                before: before.map(candidate), after: isLeft || operation.keeps ? after.positions.map(candidate) : [],
                effect: effect, record: record, scope: match.map { Int($0.length) },
                shares: shares(operation, before, after), fractions: fractions))
    }

    /// Of the first place.
    private func shares(_ operation: Operation, _ before: [Int], _ after: borrowing Candidates) -> [Double]? {
        switch operation.kind {
        case .rotate: return before.map { _ in 1 / Double(before.count) }
        case .draw, .persist:
            let weights = before.map { Double(after.weight(of: $0)) }
            let total = weights.reduce(0, +)
            return total > 0 ? weights.map { $0 / total } : before.map { _ in 1 / Double(before.count) }
        default: return nil
        }
    }
}
