/// Why bytes are not a DNS message.
package enum DNSMessageError: Error, Hashable, Sendable {
    /// It ends in the middle of a header, name or record.
    case truncated
    /// A label above 63 bytes, a name above 255, or a pointer that does not point backward.
    case badName
    /// More than one OPT record, or options that overrun it.
    case badEDNS
    /// The data of a record is not what its type asks for.
    case badRecord(RecordType)
    /// Bytes follow the last record.
    case trailingBytes
}
