import ConfigurationLoading
import Steering
import TrafficModel

extension Node {
    /// What a configuration brings about with the operators' changes that are in force: safety rules that do not hold,
    /// and orders that it has no subject for. Nobody is there to be refused: it is told.
    func remarks(
        on intent: Intent, _ steering: SteeringSnapshot, _ overrides: EffectiveOverrides
    ) -> [Diagnostic] {
        let broken = ChangeReview(intent: intent, observations: observations)
            .brokenRules(in: .init(overrides: overrides, steering: steering, shifts: operators.shifts))
        return (broken + lostOrders(in: intent))
            .map { Diagnostic(severity: .warning, file: configurationPath, line: 0, column: 0, message: $0) }
    }

    /// Who renames what is drained lets it in.
    private func lostOrders(in intent: Intent) -> [String] {
        let entries = [operators.overrides.entries, operators.overrides.weights].flatMap { $0 }
        return entries.filter { !intent.has($0.key) }.map { subject, entry in
            "\(subject) is \(entry.verdict.participle) by \(entry.author), and the configuration has none of that name: "
                + "the order has no effect; give it again under the new name, or take it back with `enable \(subject)`"
        }.sorted()
    }
}
