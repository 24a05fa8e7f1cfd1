/// What a peer may send (RFC 9113 section 5.2): room is given back in large pieces as it is used up.
///
/// A stream brings no more than its window in the time that a word takes to the peer and back. One that moves gets more
/// and more room; for one whose bytes wait here the room stays as it is.
struct ReceiveWindow {
    private(set) var size: Int
    /// Bytes that came and are held here.
    private(set) var held = 0
    /// Bytes that the peer has not been given back.
    private var owed = 0
    /// Bytes that went through since the window has its size, without one that had to wait.
    private var passed = 0

    /// The largest window.
    static let largest = 1 << 20

    init(size: Int) { self.size = size }

    mutating func received(_ count: Int) {
        held += count
        owed += count
    }

    /// - Parameter mayGrow: there is memory for more that waits.
    /// - Returns: the room to give back now; 0: not worth a frame yet.
    mutating func consumed(_ count: Int, mayGrow: Bool) -> Int { keeps(held - count, mayGrow: mayGrow) }

    /// So many of the bytes that came are not dealt with yet, wherever they wait.
    ///
    /// - Parameter mayGrow: there is memory for more that waits.
    /// - Returns: the room to give back now; 0: not worth a frame yet.
    mutating func keeps(_ count: Int, mayGrow: Bool) -> Int {
        held = count
        let free = owed - held
        guard free >= size / 2 else { return 0 }
        owed -= free
        return free + growth(behind: free, mayGrow: mayGrow)
    }

    private mutating func growth(behind count: Int, mayGrow: Bool) -> Int {
        guard mayGrow, held == 0 else {
            passed = 0
            return 0
        }
        passed += count
        guard passed >= size, size < Self.largest else { return 0 }
        let growth = min(size, Self.largest - size)
        size += growth
        passed = 0
        return growth
    }
}
