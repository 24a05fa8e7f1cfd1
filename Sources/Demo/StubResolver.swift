import Addresses
import DNSWire

/// What a client remembers of the DNS, and what it must ask next: the caching half of a stub resolver
/// (RFC 1035 section 7.4, RFC 2308 for what does not exist). It owns no socket and no clock.
struct StubResolver: Sendable {
    /// A name's records of interest in an answer.
    enum Record: Equatable, Sendable {
        case alias(owner: DomainName, target: DomainName, ttl: UInt32)
        case address(owner: DomainName, address: IPAddress, ttl: UInt32)
    }

    struct Answer: Equatable, Sendable {
        /// RFC 1035 section 4.1.1: 0 is NOERROR, 3 NXDOMAIN.
        var rcode: UInt8
        var records: [Record]
        /// How long the absence of records may be remembered: the smaller of the SOA's TTL and its MINIMUM
        /// (RFC 2308 section 5); `nil` when the answer carried no SOA.
        var negativeTTL: UInt32?
    }

    enum Step: Equatable, Sendable {
        /// Ask for the addresses of this name and hand the answer to ``store(_:question:now:)``.
        case ask(DomainName)
        /// In the order of the answer.
        case addresses([IPAddress])
        /// There are none, says the name's own server.
        case none
    }

    /// CNAMEs followed before it is called a loop.
    static let aliasLimit = 8

    private struct Timed<Value: Sendable>: Sendable {
        var value: Value
        var expires: ContinuousClock.Instant
    }

    private var aliases: [DomainName: Timed<DomainName>] = [:]
    private var addresses: [DomainName: Timed<[IPAddress]>] = [:]
    private var absences: [DomainName: ContinuousClock.Instant] = [:]

    /// What is known of `name` at `now`. A record is used until its TTL has passed and not an instant longer.
    func resolve(_ name: DomainName, now: ContinuousClock.Instant) -> Step {
        var name = name
        for _ in 0...Self.aliasLimit {
            if let known = addresses[name], known.expires > now { return .addresses(known.value) }
            if let absence = absences[name], absence > now { return .none }
            guard let alias = aliases[name], alias.expires > now else { return .ask(name) }
            name = alias.value
        }
        return .none
    }

    mutating func store(_ answer: Answer, question: DomainName, now: ContinuousClock.Instant) {
        var found: [DomainName: (addresses: [IPAddress], ttl: UInt32)] = [:]
        for record in answer.records {
            switch record {
            case .alias(let owner, let target, let ttl):
                aliases[owner] = Timed(value: target, expires: now + .seconds(Int64(ttl)))
                addresses[owner] = nil
                absences[owner] = nil
            case .address(let owner, let address, let ttl):
                // A set has one TTL; if it does not, the smallest counts (RFC 2181 section 5.2).
                let known = found[owner] ?? ([], ttl)
                found[owner] = (known.addresses + [address], min(known.ttl, ttl))
            }
        }
        for (owner, set) in found {
            addresses[owner] = Timed(value: set.addresses, expires: now + .seconds(Int64(set.ttl)))
            aliases[owner] = nil
            absences[owner] = nil
        }
        if answer.records.isEmpty, answer.rcode == 0 || answer.rcode == 3, let ttl = answer.negativeTTL {
            absences[question] = now + .seconds(Int64(ttl))
        }
    }
}
