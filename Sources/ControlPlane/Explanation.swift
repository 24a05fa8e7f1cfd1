/// Why a name answers as it does: the body of `GET /v1/explain`, and what `meridian explain --json` prints.
package struct Explanation: Codable, Sendable {
    package var name: String
    package var type: String
    /// Whom the decision was for: the client's network, or the resolver.
    package var client: String
    package var generation: UInt64
    package var epoch: UInt64
    /// Where the even spread of queries stood; the next query has the next number.
    package var sequence: UInt64
    /// NOERROR and the like; `nil`: no answer is sent.
    package var code: String?
    /// Why there is no answer, where no zone has the name.
    package var refusal: String?
    /// The answer section as the wire has it.
    package var answers: [String]
    package var authorities: [String]
    /// The SCOPE PREFIX-LENGTH of the response; `nil` without a client's network.
    package var scope: Int?
    package var scopeReason: String
    package var ttlReason: String
    package var steps: [Step]
    /// What operators do with the choice: a cutover or a shift.
    package var redirection: String?
    /// What is known about each virtual server of the pools that were looked at.
    package var facts: [Fact]

    package struct Step: Codable, Sendable {
        /// The wide IP or pool whose stages these are.
        package var of: String
        /// Its number in the list, from 1, and what it does.
        package var number: Int?
        package var stage: String
        package var before: [String]
        package var after: [String]
        package var removed: [Removal]
        /// The share of queries or of client networks that each candidate gets.
        package var shares: [String: Double]?
        package var note: String?
    }

    package struct Removal: Codable, Sendable {
        package var candidate: String
        package var reason: String
    }

    package struct Fact: Codable, Sendable {
        package var virtualServer: String
        package var state: String
        /// Overrides, monitors with their age, and readings with source and age.
        package var reasons: [String]
    }
}

/// What is asked of an explanation.
package struct ExplanationRequest: Sendable {
    package var name: String
    package var type: String
    /// `192.0.2.0/24`, or an address.
    package var client: String?
    package var resolver: String?
    package var sequence: UInt64

    package init(name: String, type: String, client: String?, resolver: String?, sequence: UInt64) {
        self.name = name
        self.type = type
        self.client = client
        self.resolver = resolver
        self.sequence = sequence
    }
}

/// Why nothing can be explained, in one line.
package struct ExplanationError: Error, CustomStringConvertible {
    /// Of the question, as the admin API names it; `nil`: it is not about one.
    package let field: String?
    package let reason: String
    package var description: String { field.map { "\($0): \(reason)" } ?? reason }

    init(_ reason: String, field: String? = nil) {
        self.reason = reason
        self.field = field
    }
}
