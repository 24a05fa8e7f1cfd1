import Addresses
import DNSWire

extension DNSMessage {
    /// What the answer to `question` says, in a few words.
    func words(for question: DomainName) -> String {
        var parts: [String] = []
        if let alias = alias(of: question) { parts.append("CNAME \(alias)") }
        if !addresses.isEmpty { parts.append(addresses.map(\.description).joined(separator: " ")) }
        if parts.isEmpty { parts.append(responseCode == 0 ? "NODATA" : "RCODE \(responseCode)") }
        if let ttl = lowestTTL { parts.append("TTL \(ttl)") }
        if let subnet = clientSubnet { parts.append("scope /\(subnet.scope)") }
        return parts.joined(separator: ", ")
    }
}
