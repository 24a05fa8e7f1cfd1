import Addresses
import DNSWire

extension StubResolver.Answer {
    /// What a stub resolver needs of a response.
    init(_ message: DNSMessage) {
        rcode = UInt8(truncatingIfNeeded: message.responseCode)
        records = message.answers.compactMap { record in
            switch record.type {
            case .cname:
                guard let target = DomainName(wire: record.data) else { return nil }
                return .alias(owner: record.owner, target: target, ttl: record.ttl)
            case .a, .aaaa:
                guard let address = IPAddress(bytes: record.data) else { return nil }
                return .address(owner: record.owner, address: address, ttl: record.ttl)
            default: return nil
            }
        }
        negativeTTL = message.authorities.first { $0.type == .soa && $0.data.count >= 22 }.map { record in
            // MINIMUM is the last number of an SOA's data (RFC 1035 section 3.3.13).
            min(record.ttl, record.data.suffix(4).reduce(0) { $0 << 8 | UInt32($1) })
        }
    }
}
