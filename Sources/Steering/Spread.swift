/// Turns a rising number into evenly spread positions.
enum Spread {
    /// A position in 0..<count. Multiples of the golden ratio fill the range evenly in every short run and at every
    /// stride, so names that share a worker's sequence cannot lock onto one half of it.
    static func position(_ sequence: UInt64, of count: UInt64) -> UInt64 {
        (sequence &* 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: count).high
    }
}
