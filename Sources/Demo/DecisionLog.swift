import Addresses
import DNSWire
import Synchronization

/// The latest answers that the built-in clients got from the DNS.
final class DecisionLog: Sendable {
    static let limit = 32

    private let start: ContinuousClock.Instant
    private let latest = Mutex<[DemoStatus.Decision]>([])

    init(start: ContinuousClock.Instant) { self.start = start }

    var decisions: [DemoStatus.Decision] { latest.withLock { $0 } }

    func add(client: String, question: DomainName, reply: DNSMessage, now: ContinuousClock.Instant) {
        let decision = DemoStatus.Decision(
            time: now - start, client: client, question: question.description, answer: Self.words(reply, to: question))
        latest.withLock { latest in
            if latest.count == Self.limit { latest.removeFirst() }
            latest.append(decision)
        }
    }

    /// What an answer says, in a few words.
    static func words(_ reply: DNSMessage, to question: DomainName) -> String {
        var parts: [String] = []
        if let alias = reply.alias(of: question) { parts.append("CNAME \(alias)") }
        if !reply.addresses.isEmpty { parts.append(reply.addresses.map(\.description).joined(separator: " ")) }
        if parts.isEmpty { parts.append(reply.responseCode == 0 ? "NODATA" : "RCODE \(reply.responseCode)") }
        if let ttl = reply.lowestTTL { parts.append("TTL \(ttl)") }
        if let subnet = reply.clientSubnet { parts.append("scope /\(subnet.scope)") }
        return parts.joined(separator: ", ")
    }
}
