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
        /// No question, but a COOKIE option: the client asks for a server cookie, or about the one it has (RFC 7873
        /// section 5.4).
        case cookieQuestion
        /// FORMERR, with the question if `hasQuestion` and OPT if `hasEDNS`.
        case malformed
        /// An opcode other than QUERY: NOTIMP, header only.
        case unsupportedOpcode
        /// EDNS with a version above 0: BADVERS.
        case unsupportedVersion
    }

    /// EDNS options that mean something to this server. Known to those who ask for them: each is asked for with every query.
    @usableFromInline
    package struct Options: OptionSet, Sendable, BitwiseCopyable {
        @usableFromInline package let rawValue: UInt8
        @inlinable
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// RFC 7871.
        @inlinable package static var clientSubnet: Options { Options(rawValue: 1) }
        /// RFC 7873.
        @inlinable package static var cookie: Options { Options(rawValue: 2) }
        /// RFC 5001.
        @inlinable package static var serverIdentifier: Options { Options(rawValue: 4) }
        /// RFC 7828; only over TCP.
        @inlinable package static var keepalive: Options { Options(rawValue: 8) }
        /// RFC 9660.
        @inlinable package static var zoneVersion: Options { Options(rawValue: 16) }
        @inlinable package static var all: Options { Options(rawValue: 31) }
    }

    package var id: UInt16 = 0
    /// The header's second 16 bits: QR, opcode, AA, TC, RD, RA, Z, AD, CD, RCODE.
    package var flags: UInt16 = 0
    /// Bytes of the question's name, which begins at offset 12.
    package var nameLength = 0
    package var hasQuestion = false
    /// Where the question ends: at 12 when none was read.
    package var questionEnd = 12
    package var type = RecordType(rawValue: 0)
    package var recordClass: UInt16 = 0

    package var hasEDNS = false
    package var ednsVersion: UInt8 = 0
    /// The requestor's UDP payload size as it stands there (RFC 6891 section 6.2.3).
    package var udpSize: UInt16 = 0
    package var dnssecOK = false

    /// The options that were there and are right.
    @usableFromInline package var options: Options = []
    @inlinable package var hasClientSubnet: Bool { options.contains(.clientSubnet) }
    package var subnetFamily: UInt16 = 0
    package var subnetSource: UInt8 = 0
    /// Where the option's data begins; FAMILY, SOURCE, SCOPE and ADDRESS take `subnetLength` bytes.
    package var subnetOffset = 0
    package var subnetLength = 0
    /// ADDRESS, the bits that were left out zero.
    package var subnetAddress = IPAddress.v4(0)

    /// The first byte lowest.
    package var clientCookie: UInt64 = 0
    /// Where the server cookie begins, and its bytes: 0 without one, else 8...32.
    package var serverCookieOffset = 0
    package var serverCookieLength = 0

    package init() {}

    package var opcode: UInt16 { flags >> 11 & 15 }
    /// RD, the only flag that an answer copies.
    @inlinable package static var recursionDesired: UInt16 { 0x0100 }
    /// CLASS IN, CH and the rest of RFC 6895 section 3.2.
    @inlinable package static var internet: UInt16 { 1 }
    @inlinable package static var chaos: UInt16 { 3 }
}

extension QueryMessage {
    /// The server cookie in the message that this was read from; `nil` when it is none of RFC 9018's.
    package func serverCookie(in message: RawSpan) -> ServerCookie? {
        guard options.contains(.cookie), serverCookieLength == ServerCookie.length else { return nil }
        return ServerCookie(
            head: UInt64(littleEndian: message.word(at: serverCookieOffset)),
            hash: UInt64(littleEndian: message.word(at: serverCookieOffset &+ 8)))
    }
}
