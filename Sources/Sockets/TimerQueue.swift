import HeapModule

/// Tasks that wait for their time.
struct TimerQueue {
    struct Timer: Comparable {
        /// Monotonic nanoseconds.
        let deadline: UInt64
        /// Tells it from all others; a later one has the larger number.
        let number: UInt64
        let run: () -> Void
        let fail: (any Error) -> Void

        static func < (a: Timer, b: Timer) -> Bool { (a.deadline, a.number) < (b.deadline, b.number) }

        static func == (a: Timer, b: Timer) -> Bool { a.number == b.number }
    }

    private var heap = Heap<Timer>()
    /// Numbers of timers in the heap that will not run.
    private var cancelled: Set<UInt64> = []
    private var waiting: Set<UInt64> = []

    /// Cancelled timers stay in the heap until there are so many, and more than others.
    private static let mostCancelled = 1024

    /// When the earliest runs, cancelled ones included.
    var next: UInt64? { heap.min?.deadline }

    /// How many there are, cancelled ones included.
    var count: Int { heap.count }

    mutating func add(_ timer: Timer) {
        heap.insert(timer)
        waiting.insert(timer.number)
    }

    /// Has no effect on one that has run.
    mutating func cancel(_ number: UInt64) {
        guard waiting.remove(number) != nil else { return }
        cancelled.insert(number)
        guard cancelled.count > Self.mostCancelled, cancelled.count > waiting.count else { return }
        heap = Heap(heap.unordered.filter { waiting.contains($0.number) })
        cancelled.removeAll(keepingCapacity: true)
    }

    /// Takes out the next timer that is due.
    mutating func popDue(_ now: UInt64) -> Timer? {
        while let first = heap.min, first.deadline <= now {
            heap.removeMin()
            if cancelled.remove(first.number) != nil { continue }
            waiting.remove(first.number)
            return first
        }
        return nil
    }

    /// Takes out all that wait.
    mutating func removeAll() -> [Timer] {
        let all = heap.unordered.filter { waiting.contains($0.number) }
        self = TimerQueue()
        return all
    }
}
