import Addresses

/// Turns a rising number into evenly spread positions.
enum Spread {
    /// A position in 0..<count. Multiples of the golden ratio fill the range evenly in every short run and at every
    /// stride, so names that share a worker's sequence cannot lock onto one half of it.
    @inline(__always)
    static func position(_ sequence: UInt64, of count: UInt64) -> UInt64 {
        (sequence &* 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: count).high
    }
}

/// Hashes that depend on nothing but their input, so that all nodes agree and past answers can be computed again.
enum StableHash {
    /// Every bit of the result depends on every bit of the input (the finaliser of SplitMix64).
    @inline(__always)
    static func mix(_ input: UInt64) -> UInt64 {
        var value = input
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// Of a candidate's name, which unlike its position survives a change of the configuration.
    static func seed(_ name: String) -> UInt64 {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return mix(value)
    }

    /// Of a client's network, cut to a length by its family, and that length as a scope.
    @inline(__always)
    static func network(of address: IPAddress, v4: Int, v6: Int) -> (hash: UInt64, scope: UInt8) {
        switch address {
        case .v4(let value):
            return (mix(UInt64(value & IPPrefix.mask4(v4)) | 1 << 32), UInt8(truncatingIfNeeded: v4))
        case .v6(let value):
            guard value >> 32 != 0xffff else {
                let mapped = UInt32(truncatingIfNeeded: value)
                return (mix(UInt64(mapped & IPPrefix.mask4(v4)) | 1 << 32), UInt8(truncatingIfNeeded: v4 &+ 96))
            }
            let cut = value & IPPrefix.mask6(v6)
            let upper = mix(UInt64(truncatingIfNeeded: cut >> 64) ^ 0x6D65_7269_6469_616E)
            return (mix(upper ^ UInt64(truncatingIfNeeded: cut)), UInt8(truncatingIfNeeded: v6))
        }
    }

    /// A number that is exponentially distributed over hashes. The candidate with the smallest such number divided by
    /// its weight is the first in a share of all networks that is its share of the weights (rendezvous hashing).
    @inline(__always)
    static func exponential(_ hash: UInt64) -> Double {
        // The hash is a binary fraction: 2^-(zeros + 1) * (1 + x), with x in 0..<1.
        let zeros = hash.leadingZeroBitCount
        guard zeros < 64 else { return 64 }
        let bits = (hash << UInt64(zeros)) << 1
        let x = Double(bits >> 12) * 0x1p-52
        // log2(1 + x) = x + x (1 - x) q(x), where a polynomial of degree 4 gives q to four digits and more: the ends are
        // exact, so the result is never negative and its relative error is below 0.00004 throughout. Plain arithmetic
        // is the same on every machine, which a library's logarithm need not be.
        let q =
            0.4426594387740692 + x
            * (-0.2767283340832696 + x
                * (0.1848622322752665 + x * (-0.09838761645408843 + x * 0.02627305081092999)))
        return Double(zeros) + (1 - x) * (1 - x * q)
    }
}
