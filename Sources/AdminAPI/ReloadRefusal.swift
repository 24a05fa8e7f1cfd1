import ControlPlane
import HTTPTypes

/// A reload that cannot be done: a problem as any refusal is, with all that is wrong beside it.
struct ReloadRefusal: Error, Codable {
    var title: String
    var status: Int
    /// The first error, and how many more there are.
    var detail: String
    /// Where in the configuration the first error is, as a JSON Pointer (RFC 6901): `/pools/eu/region`. Absent where it is
    /// no single place.
    var field: String?
    /// `false`.
    var applied: Bool
    /// The one that stays in force.
    var generation: UInt64
    var messages: [String]
    var diagnostics: [Resource.Diagnostic]?

    /// - Parameter outcome: of a reload that was not applied.
    init(_ outcome: ReloadOutcome) {
        let status = HTTPResponse.Status.unprocessableContent
        (title, self.status) = (status.reasonPhrase, status.code)
        let errors = outcome.errors
        let more = errors.count > 1 ? ", and \(errors.count - 1) more" : ""
        detail = "generation \(outcome.generation) stays in force: \(errors.first ?? "the reload was refused")\(more)"
        field = outcome.firstErrorPath
        (applied, generation) = (outcome.applied, outcome.generation)
        (messages, diagnostics) = (outcome.messages, outcome.diagnostics)
    }
}
