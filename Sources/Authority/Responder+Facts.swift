package import Addresses
package import DNSWire
import Steering

/// What is known of the query that a responder answered last, for those who write it down.
package struct QueryFacts {
    /// Whether there was a question; without one, type and name say nothing.
    package let hasQuestion: Bool
    package let type: RecordType
    package let recordClass: UInt16
    package let id: UInt16
    package let wantsRecursion: Bool
    package let hasEDNS: Bool
    /// The payload that the client takes, as it stands in the query.
    package let udpSize: UInt16
    package let wantsDNSSEC: Bool
    package let hasCookie: Bool
    /// Of the Client Subnet option, if there is one that is believed.
    package let subnet: (address: IPAddress, source: UInt8)?
    package let outcome: Outcome
    /// Of steered names; position in `AuthorityData.poolNames`.
    package let pool: Int?
    /// SCOPE PREFIX-LENGTH that was answered, where the name is steered.
    package let scope: UInt8?
}

extension Responder {
    /// What is known of the last query. Changes nothing; but what a function only borrows is copied for it, and this is 440
    /// bytes.
    ///
    /// - Parameter sequence: what ``sequence`` was before the query: each steered name draws one.
    package mutating func facts(since sequence: UInt64) -> QueryFacts {
        let isSteered = sequence != self.sequence
        return QueryFacts(
            hasQuestion: query.hasQuestion, type: query.type,
            recordClass: query.recordClass, id: query.id,
            wantsRecursion: query.flags & QueryMessage.recursionDesired != 0, hasEDNS: query.hasEDNS,
            udpSize: query.udpSize, wantsDNSSEC: query.dnssecOK, hasCookie: query.options.contains(.cookie),
            subnet: query.hasClientSubnet ? (query.subnetAddress, query.subnetSource) : nil, outcome: outcome,
            pool: isSteered && decision.pool >= 0 ? Int(decision.pool) : nil,
            scope: isSteered ? (query.hasClientSubnet && query.subnetSource > 0 ? decision.scope : 0) : nil)
    }
}
