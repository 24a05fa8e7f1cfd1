/// An IPv4 or IPv6 address, as a number in host order.
@usableFromInline
package enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(UInt128)
}

extension IPAddress {
    /// 4 or 16.
    @inlinable
    package var byteCount: Int {
        switch self {
        case .v4: 4
        case .v6: 16
        }
    }

    /// The address in network order.
    package var bytes: [UInt8] {
        switch self {
        case .v4(let value): (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) }
        case .v6(let value): (0..<16).map { UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * $0)) }
        }
    }

    /// Reads 4 or 16 bytes in network order; `nil` for any other count.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16: self = .v6(bytes.reduce(0) { $0 << 8 | UInt128($1) })
        default: return nil
        }
    }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        switch self {
        case .v4(let value): value >> 24 == 127
        case .v6(let value): value == 1
        }
    }

    /// 0.0.0.0 or ::.
    package var isUnspecified: Bool {
        switch self {
        case .v4(let value): value == 0
        case .v6(let value): value == 0
        }
    }

    /// An IPv4-mapped IPv6 address (::ffff:0:0/96, RFC 4291 section 2.5.5.2) as its IPv4 address; others as they are.
    @inlinable
    package var unmapped: IPAddress {
        if case .v6(let value) = self, value >> 32 == 0xffff { return .v4(UInt32(truncatingIfNeeded: value)) }
        return self
    }
}
