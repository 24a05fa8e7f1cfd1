import Synchronization

/// Counters in a row that many threads add to.
@safe
struct SharedCounters: @unchecked Sendable {
    // Sendable although it holds a pointer: what it points at is atomic, and lives until `deallocate`.
    private let values: UnsafeMutablePointer<Atomic<UInt64>>
    private let count: Int

    init(count: Int) {
        self.count = count
        unsafe values = .allocate(capacity: count)
        for index in 0..<count { unsafe (values + index).initialize(to: Atomic(0)) }
    }

    func deallocate() {
        unsafe values.deinitialize(count: count)
        unsafe values.deallocate()
    }

    func add(_ amount: UInt64, at index: Int) {
        precondition(index >= 0 && index < count)
        // Inside by the line above.
        unsafe values[index].wrappingAdd(amount, ordering: .relaxed)
    }

    func value(at index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        // Inside by the line above.
        return unsafe values[index].load(ordering: .relaxed)
    }
}
