/// What the protocol knows of one stream (RFC 9113 section 5.1).
struct StreamState {
    /// 0: the place is free.
    var id: UInt32 = 0
    /// When the peer's request came, in monotonic nanoseconds.
    var began: UInt64 = 0
    /// Bytes of DATA that the peer takes; below zero after it has made its window smaller.
    var sendWindow = 0
    /// Bytes of DATA that the peer may send.
    var receiveWindow = 0
    /// Of a message that says its length: what has not come; -1: it does not say.
    var remaining = -1
    /// As a client: DATA without a byte of a body that came one behind another.
    var emptyFrames: UInt8 = 0
    var isInputEnded = false
    var isOutputEnded = false
    /// The message's head has come, interim ones not counted.
    var hasHead = false
    /// The response has no body, whatever length it names.
    var isHead = false

    /// Nothing more comes or goes.
    var isDone: Bool { isInputEnded && isOutputEnded }
}

/// The streams of a connection that are not closed. Each has a place, which stays the same as long as it is open.
struct StreamTable {
    private(set) var count = 0
    private var states: [StreamState] = []
    private var free: [Int] = []
    /// By number, open addressing: a place and one more; 0: none.
    private var slots = [UInt32](repeating: 0, count: 32)
    private var mask = 31
    /// What is left of a product of 64 bits are as many bits as the mask has.
    private var shift: UInt64 = 64 - 5

    /// Places so far, free ones included.
    var places: Int { states.count }

    subscript(place: Int) -> StreamState {
        _read { yield states[place] }
        _modify { yield &states[place] }
    }

    /// Streams that follow one another are put far apart. Side by side, those that are open would be one long row, all
    /// of which is looked at when one is removed.
    private func home(_ id: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(id >> 1) &* 0x9e37_79b9_7f4a_7c15) >> shift) & mask
    }

    /// The place of a stream; `nil`: it is not open.
    func find(_ id: UInt32) -> Int? {
        var slot = home(id)
        while slots[slot] != 0 {
            let place = Int(slots[slot] - 1)
            if states[place].id == id { return place }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// - Precondition: the stream is not open.
    mutating func insert(_ state: StreamState) -> Int {
        if 2 * (count + 1) > slots.count { grow() }
        let place: Int
        if let known = free.popLast() {
            place = known
            states[place] = state
        } else {
            place = states.count
            states.append(state)
        }
        count += 1
        put(place)
        return place
    }

    private mutating func put(_ place: Int) {
        var slot = home(states[place].id)
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(place + 1)
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: 2 * slots.count)
        mask = slots.count - 1
        shift -= 1
        for place in states.indices where states[place].id != 0 { put(place) }
    }

    /// - Precondition: the place is in use.
    mutating func remove(_ place: Int) {
        var slot = home(states[place].id)
        while slots[slot] != UInt32(place + 1) { slot = (slot + 1) & mask }
        slots[slot] = 0
        // Those behind it that would not be found any more move up.
        var next = (slot + 1) & mask
        while slots[next] != 0 {
            let wanted = home(states[Int(slots[next] - 1)].id)
            if (next &- wanted) & mask >= (next &- slot) & mask {
                slots[slot] = slots[next]
                slots[next] = 0
                slot = next
            }
            next = (next + 1) & mask
        }
        states[place] = StreamState()
        free.append(place)
        count -= 1
    }

    /// Adds to what may be sent on every stream.
    ///
    /// - Returns: `false` when one has more then than can be counted (RFC 9113 section 6.9.2).
    mutating func widen(by delta: Int) -> Bool {
        for place in states.indices where states[place].id != 0 {
            states[place].sendWindow += delta
            if states[place].sendWindow > StreamTable.largestWindow { return false }
        }
        return true
    }

    static let largestWindow = 0x7fff_ffff
}

/// The streams that were reset here last: what the peer had sent before it knew is passed over.
struct ResetStreams {
    private static let capacity = 256
    private var ids: [UInt32] = []
    private var next = 0

    mutating func note(_ id: UInt32) {
        guard ids.count == Self.capacity else { return ids.append(id) }
        ids[next] = id
        next = (next + 1) % Self.capacity
    }

    func contains(_ id: UInt32) -> Bool { ids.contains(id) }
}

/// Counts what happens too often: more than so many times within a span of time.
struct RateWindow {
    let limit: Int
    /// Nanoseconds.
    let span: UInt64
    private var began: UInt64 = 0
    private var count = 0

    init(limit: Int, span: UInt64) {
        self.limit = limit
        self.span = span
    }

    /// - Returns: whether that was one too many.
    mutating func isExceeded(_ now: UInt64) -> Bool {
        if now &- began > span {
            began = now
            count = 0
        }
        count += 1
        return count > limit
    }
}
