/// Who holds what waits in buffers, and who of them has to go when that is too much. Counted by connection: many streams
/// that hold little each are one client's.
struct Hoards<Part: AnyObject> {
    private struct Hoard {
        let connection: Part
        var bytes = 0
        /// Those of its parts through which nothing goes, and their bytes.
        var stalled: [Part] = []
        var stalledBytes = 0

        var movingBytes: Int { bytes - stalledBytes }
    }

    private var hoards: [ObjectIdentifier: Hoard] = [:]

    /// - Parameters:
    ///   - part: a connection or one of its streams.
    ///   - isStalled: nothing goes through it.
    mutating func add(_ part: Part, of connection: Part, bytes: Int, isStalled: Bool) {
        guard bytes > 0 else { return }
        var hoard = hoards[ObjectIdentifier(connection)] ?? Hoard(connection: connection)
        hoard.bytes += bytes
        if isStalled {
            hoard.stalled.append(part)
            hoard.stalledBytes += bytes
        }
        hoards[ObjectIdentifier(connection)] = hoard
    }

    /// Those that together hold `excess` bytes at least, if so much can be had: the connections of which the most is stuck
    /// come first. Of one on which something moves only the streams go that do not.
    ///
    /// - Parameter sparesMoving: nothing goes that moves, even if that is not enough.
    func surplus(_ excess: Int, sparesMoving: Bool) -> [Part] {
        var rest = excess
        var chosen: [Part] = []
        for hoard in hoards.values.sorted(by: { $0.stalledBytes > $1.stalledBytes }) {
            guard rest > 0, hoard.stalledBytes > 0 else { break }
            rest -= hoard.stalledBytes
            if hoard.movingBytes == 0 {
                chosen.append(hoard.connection)
            } else {
                chosen += hoard.stalled
            }
        }
        guard !sparesMoving else { return chosen }
        for hoard in hoards.values.sorted(by: { $0.movingBytes > $1.movingBytes }) {
            guard rest > 0, hoard.movingBytes > 0 else { break }
            rest -= hoard.movingBytes
            chosen.append(hoard.connection)
        }
        return chosen
    }
}
