/// What a peer may send (RFC 9113 section 5.2): room is given back in large pieces as it is used up.
struct ReceiveWindow {
    let size: Int
    /// Bytes that came and are held here.
    private(set) var held = 0
    /// Bytes that the peer has not been given back.
    private var owed = 0

    init(size: Int) { self.size = size }

    mutating func received(_ count: Int) {
        held += count
        owed += count
    }

    /// - Returns: the room to give back now; 0: not worth a frame yet.
    mutating func consumed(_ count: Int) -> Int { keeps(held - count) }

    /// So many of the bytes that came are not dealt with yet, wherever they wait.
    ///
    /// - Returns: the room to give back now; 0: not worth a frame yet.
    mutating func keeps(_ count: Int) -> Int {
        held = count
        return due()
    }

    private mutating func due() -> Int {
        let free = owed - held
        guard free >= size / 2 else { return 0 }
        owed -= free
        return free
    }
}
