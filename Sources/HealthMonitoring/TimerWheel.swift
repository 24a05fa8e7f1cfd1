/// A hashed timer wheel: many timers, all operations in constant time, no allocation once it has seen its timers.
///
/// Timers are small numbers that the owner gives out; each is either idle or scheduled once. Time is divided into
/// ticks, and a timer fires in the first tick that begins at or after its deadline: never early, at most one tick late
/// (when asked in time). A deadline further away than one turn stays in its slot until its turn comes.
package struct TimerWheel: Sendable {
    private struct Timer {
        var next = TimerWheel.none
        var previous = TimerWheel.none
        /// The list it is in; `none`: idle.
        var list = TimerWheel.none
        var tick: UInt64 = 0
    }

    private struct List {
        var first = TimerWheel.none
        var last = TimerWheel.none
    }

    private static let none: Int32 = -1

    private let tickLength: UInt64
    private let mask: UInt64
    /// One list per slot, and behind them the timers that are due.
    private var lists: [List]
    private var timers: [Timer] = []
    /// The last tick whose timers were found due.
    private var tick: UInt64
    /// Timers that are scheduled or due.
    package private(set) var count = 0

    /// - Parameters:
    ///   - slots: a power of two; the wheel turns once in `slots` ticks.
    ///   - tickLength: nanoseconds, at least 1.
    ///   - now: nanoseconds, like all times here.
    package init(slots: Int, tickLength: UInt64, now: UInt64) {
        precondition(slots > 0 && slots & (slots - 1) == 0, "the number of slots is a power of two")
        precondition(tickLength > 0, "a tick has a length")
        self.tickLength = tickLength
        mask = UInt64(slots - 1)
        lists = Array(repeating: List(), count: slots + 1)
        tick = now / tickLength
    }

    /// Schedules a timer, also one that is scheduled or due already.
    package mutating func schedule(_ timer: Int, at deadline: UInt64) {
        cancel(timer)
        if timers.count <= timer { timers.append(contentsOf: repeatElement(Timer(), count: timer + 1 - timers.count)) }
        // Rounded up, so that it does not fire early; the current tick's timers are out already.
        let (whole, rest) = deadline.quotientAndRemainder(dividingBy: tickLength)
        timers[timer].tick = max(whole + (rest > 0 ? 1 : 0), tick + 1)
        append(Int32(timer), to: Int32(timers[timer].tick & mask))
        count += 1
    }

    /// Makes a timer idle; nothing happens if it is.
    package mutating func cancel(_ timer: Int) {
        guard timer < timers.count, timers[timer].list != Self.none else { return }
        remove(Int32(timer))
        count -= 1
    }

    /// One timer that is due at `now`, which is idle after that; `nil` when there is none left. Ask until then.
    package mutating func popDue(now: UInt64) -> Int? {
        let due = Int32(lists.count - 1)
        let target = now / tickLength
        while lists[Int(due)].first == Self.none {
            guard tick < target else { return nil }
            // After a pause longer than a turn, one turn over all slots finds everything.
            tick = max(tick + 1, target > mask ? target - mask : 0)
            collect(slot: Int32(tick & mask), into: due)
        }
        let timer = lists[Int(due)].first
        remove(timer)
        count -= 1
        return Int(timer)
    }

    private mutating func collect(slot: Int32, into due: Int32) {
        var timer = lists[Int(slot)].first
        while timer != Self.none {
            let next = timers[Int(timer)].next
            if timers[Int(timer)].tick <= tick {
                remove(timer)
                append(timer, to: due)
            }
            timer = next
        }
    }

    private mutating func append(_ timer: Int32, to list: Int32) {
        let last = lists[Int(list)].last
        timers[Int(timer)].list = list
        timers[Int(timer)].previous = last
        timers[Int(timer)].next = Self.none
        if last == Self.none { lists[Int(list)].first = timer } else { timers[Int(last)].next = timer }
        lists[Int(list)].last = timer
    }

    private mutating func remove(_ timer: Int32) {
        let entry = timers[Int(timer)]
        if entry.previous == Self.none {
            lists[Int(entry.list)].first = entry.next
        } else {
            timers[Int(entry.previous)].next = entry.next
        }
        if entry.next == Self.none {
            lists[Int(entry.list)].last = entry.previous
        } else {
            timers[Int(entry.next)].previous = entry.previous
        }
        timers[Int(timer)].list = Self.none
    }
}
