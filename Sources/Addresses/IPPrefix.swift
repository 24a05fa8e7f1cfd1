/// A network: an address whose bits past `length` are zero.
package struct IPPrefix: Hashable, Sendable {
    package let address: IPAddress
    /// 0...32 for IPv4, 0...128 for IPv6.
    package let length: Int

    /// Clears the bits of `address` past `length`; `nil` when `length` is out of the family's range.
    package init?(_ address: IPAddress, length: Int) {
        guard length >= 0, length <= address.byteCount * 8 else { return nil }
        self.length = length
        switch address {
        case .v4(let value): self.address = .v4(value & Self.mask4(length))
        case .v6(let value): self.address = .v6(value & Self.mask6(length))
        }
    }

    package func contains(_ other: IPAddress) -> Bool {
        switch (address, other) {
        case (.v4(let network), .v4(let value)): value & Self.mask4(length) == network
        case (.v6(let network), .v6(let value)): value & Self.mask6(length) == network
        default: false
        }
    }

    @inlinable
    package static func mask4(_ length: Int) -> UInt32 { length == 0 ? 0 : ~0 << UInt32(32 - length) }
    @inlinable
    package static func mask6(_ length: Int) -> UInt128 { length == 0 ? 0 : ~0 << UInt128(128 - length) }
}

extension IPPrefix: CustomStringConvertible, LosslessStringConvertible {
    /// Reads `address/length`, or a bare address as a host network. Bits past the length must be zero, because a
    /// network written with host bits is more often a slip than meant.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            self.init(address, length: address.byteCount * 8)
            return
        }
        guard let length = Int(parts[1]), parts[1].utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        self.init(address, length: length)
        guard self.address == address else { return nil }
    }

    package var description: String { "\(address)/\(length)" }
}
