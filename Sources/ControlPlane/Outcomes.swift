import ConfigurationLoading
import TrafficModel

/// Why a node could not start, one line for each reason.
package struct StartError: Error, CustomStringConvertible {
    package let reasons: [String]

    package var description: String { reasons.joined(separator: "\n") }
}

/// What a reload did: the body of the answer to `POST /v1/reload`.
package struct ReloadOutcome: Codable, Sendable {
    /// Whether the new configuration is in force; otherwise the old one is, untouched.
    package var applied: Bool
    package var generation: UInt64
    /// Errors when refused; when applied, what is wrong with zone files that it goes without, and warnings.
    package var messages: [String]
    /// The same with their places, for programs. Absent from older nodes.
    package var diagnostics: [Resource.Diagnostic]?

    /// Why it was refused: what is wrong, without the warnings beside it.
    package var errors: [String] {
        let errors = zip(messages, diagnostics ?? []).filter { $1.severity == Diagnostic.Severity.error.rawValue }
        return errors.isEmpty ? messages : errors.map(\.0)
    }

    /// Where in the configuration the first error is, as a JSON Pointer; `nil`: no single place of it.
    package var firstErrorPath: String? {
        diagnostics?.first { $0.severity == Diagnostic.Severity.error.rawValue }?.path
    }

    /// `nil`: it was not refused.
    func refusal(at time: WallTime) -> NodeStatus.RefusedReload? {
        applied ? nil : .init(time: time.milliseconds, reason: errors.first ?? "", reasons: errors.count)
    }

    init(applied: Bool, generation: UInt64, _ diagnostics: [Diagnostic], failures: [ZoneFailure] = []) {
        self.applied = applied
        self.generation = generation
        messages = failures.flatMap(\.lines) + diagnostics.map(\.description)
        self.diagnostics = (failures.flatMap(\.diagnostics) + diagnostics).map(Resource.Diagnostic.init)
    }
}
