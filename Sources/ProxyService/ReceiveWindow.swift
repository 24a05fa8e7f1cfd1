/// What a peer may send (RFC 9113 section 5.2): room is given back in large pieces as it is used up.
///
/// A stream brings no more than its window in the time that a word takes to the peer and back. One that moves gets more
/// and more room; for one whose bytes wait here the room stays as it is. Where memory is scarce it gets back less than it
/// used up, until it has what it began with.
struct ReceiveWindow {
    private(set) var size: Int
    private let initial: Int
    /// Bytes that came and are held here.
    private(set) var held = 0
    /// Bytes that the peer has not been given back.
    private var owed = 0
    /// Bytes that went through since the window has its size, without one that had to wait.
    private var passed = 0

    /// The largest window.
    static let largest = 1 << 20

    init(size: Int) {
        self.size = size
        initial = size
    }

    mutating func received(_ count: Int) {
        held += count
        owed += count
    }

    /// - Parameters:
    ///   - isGone: they have left, rather than wait elsewhere.
    ///   - isScarce: memory is.
    /// - Returns: the room to give back now; 0: not worth a frame yet.
    mutating func consumed(_ count: Int, isGone: Bool, isScarce: Bool) -> Int {
        held -= count
        return giveBack(hasPassed: isGone && held == 0, isScarce: isScarce)
    }

    /// So many of the bytes that came are not dealt with yet, wherever they wait.
    ///
    /// - Parameter isScarce: memory is.
    /// - Returns: the room to give back now; 0: not worth a frame yet.
    mutating func keeps(_ count: Int, isScarce: Bool) -> Int {
        held = count
        return giveBack(hasPassed: held == 0, isScarce: isScarce)
    }

    private mutating func giveBack(hasPassed: Bool, isScarce: Bool) -> Int {
        let free = owed - held
        guard free >= size / 2 else { return 0 }
        owed -= free
        guard !isScarce else {
            passed = 0
            let cut = min(free, size - initial)
            size -= cut
            return free - cut
        }
        guard hasPassed else {
            passed = 0
            return free
        }
        return free + growth(behind: free)
    }

    private mutating func growth(behind count: Int) -> Int {
        passed += count
        guard passed >= size, size < Self.largest else { return 0 }
        let growth = min(size, Self.largest - size)
        size += growth
        passed = 0
        return growth
    }
}
