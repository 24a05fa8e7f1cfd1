package import Addresses

/// A query as far as an authoritative server needs it, read without copying; offsets count from the message's start.
@usableFromInline
package struct QueryMessage: Sendable {
    /// What a reader of the message must do.
    @usableFromInline
    package enum Verdict: UInt8, Sendable {
        /// A question to answer.
        case question
        /// Less than a header: no answer (nothing to answer to).
        case tooShort
        /// QR is set: no answer, or two servers could answer each other forever.
        case response
        /// FORMERR, with the question if `questionEnd` is set and OPT if `hasEDNS`.
        case malformed
        /// An opcode other than QUERY: NOTIMP, header only.
        case unsupportedOpcode
        /// EDNS with a version above 0: BADVERS.
        case unsupportedVersion
    }

    package var id: UInt16 = 0
    /// The header's second 16 bits: QR, opcode, AA, TC, RD, RA, Z, AD, CD, RCODE.
    package var flags: UInt16 = 0
    /// Bytes of the question's name, which begins at offset 12.
    package var nameLength = 0
    /// Where the question ends; 0 when none was read.
    package var questionEnd = 0
    package var type = RecordType(rawValue: 0)
    package var recordClass: UInt16 = 0

    package var hasEDNS = false
    package var ednsVersion: UInt8 = 0
    /// The requestor's UDP payload size as it stands there (RFC 6891 section 6.2.3).
    package var udpSize: UInt16 = 0
    package var dnssecOK = false

    /// A Client Subnet option was there and is right (RFC 7871).
    package var hasClientSubnet = false
    package var subnetFamily: UInt16 = 0
    package var subnetSource: UInt8 = 0
    /// Where the option's data begins; FAMILY, SOURCE, SCOPE and ADDRESS take `subnetLength` bytes.
    package var subnetOffset = 0
    package var subnetLength = 0
    /// ADDRESS, the bits that were left out zero.
    package var subnetAddress = IPAddress.v4(0)

    package init() {}

    package var opcode: UInt16 { flags >> 11 & 15 }
    /// RD, the only flag that an answer copies.
    package static let recursionDesired: UInt16 = 0x0100
    /// CLASS IN, CH and the rest of RFC 6895 section 3.2.
    package static let internet: UInt16 = 1
    package static let chaos: UInt16 = 3
}
