/// One static record of class IN, as a zone holds it.
package struct ResourceRecord: Hashable, Sendable {
    package var owner: DomainName
    package var type: RecordType
    /// Seconds, 0...2^31-1 (RFC 2181 section 8).
    package var ttl: UInt32
    /// The data in wire form, names in it uncompressed: 0...65,535 bytes.
    package var data: [UInt8]

    package init(owner: DomainName, type: RecordType, ttl: UInt32, data: [UInt8]) {
        self.owner = owner
        self.type = type
        self.ttl = ttl
        self.data = data
    }
}
