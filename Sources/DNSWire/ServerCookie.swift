package import Addresses

/// A DNS server cookie of version 1, as all servers that share a secret make it (RFC 9018 section 4).
///
///     version 1 | reserved, 3 bytes | timestamp, 4 bytes | hash, 8 bytes
package struct ServerCookie: Hashable, Sendable, BitwiseCopyable {
    /// Bytes of a server cookie of this version.
    package static let length = 16
    /// How old a cookie may be, in seconds (RFC 9018 section 4.3).
    package static let lifetime: Int32 = 3600
    /// How far ahead the clock of the server that made it may be.
    package static let tolerance: Int32 = 300
    /// From this age on the client is given a new one.
    package static let renewalAge: Int32 = 1800

    /// Version, reserved bytes and timestamp, the first byte lowest.
    package let head: UInt64
    /// The first byte lowest.
    package let hash: UInt64

    package init(head: UInt64, hash: UInt64) {
        self.head = head
        self.hash = hash
    }

    /// A new cookie.
    ///
    /// - Parameters:
    ///   - client: the client cookie, its first byte lowest.
    ///   - time: seconds of the wall clock since 1970, modulo 2³².
    @inline(__always)
    package init(client: UInt64, address: IPAddress, time: UInt32, secret: SipKey) {
        head = 1 | UInt64(time.byteSwapped) << 32
        hash = Self.hash(client: client, head: head, address: address, secret: secret)
    }

    /// Seconds since it was made, by serial number arithmetic (RFC 1982); negative: in the future.
    @inline(__always)
    package func age(at time: UInt32) -> Int32 {
        Int32(bitPattern: time &- UInt32(truncatingIfNeeded: head >> 32).byteSwapped)
    }

    /// Whether it may be taken at that time, whoever made it.
    @inline(__always)
    package func isTimely(at time: UInt32) -> Bool {
        let age = age(at: time)
        return age >= 0 &- Self.tolerance && age <= Self.lifetime
    }

    /// Whether it was made for this client with this secret. Reserved bytes may be anything: the hash covers them.
    @inline(__always)
    package func isMade(for client: UInt64, at address: IPAddress, with secret: SipKey) -> Bool {
        head & 0xff == 1 && hash == Self.hash(client: client, head: head, address: address, secret: secret)
    }

    @inline(__always)
    private static func hash(client: UInt64, head: UInt64, address: IPAddress, secret: SipKey) -> UInt64 {
        var hash = SipHash(key: secret)
        hash.absorb(client)
        hash.absorb(head)
        switch address {
        case .v4(let value):
            return hash.finish(UInt64(value.byteSwapped), count: 4)
        case .v6(let value):
            hash.absorb(UInt64(truncatingIfNeeded: value >> 64).byteSwapped)
            hash.absorb(UInt64(truncatingIfNeeded: value).byteSwapped)
            return hash.finish()
        }
    }
}
