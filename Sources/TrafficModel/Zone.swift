package import DNSWire

/// A zone this server is authoritative for: its static records. Wide IPs and host names of pools lie in zones too.
package struct Zone: Sendable, Hashable {
    package var origin: DomainName
    /// All records, the SOA and NS of the apex among them, each set with one TTL and no duplicates.
    package var records: [ResourceRecord]

    package init(origin: DomainName, records: [ResourceRecord]) {
        self.origin = origin
        self.records = records
    }
}
