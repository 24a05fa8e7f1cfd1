import Synchronization

/// Counters with one writer and any number of readers. A count is one load, one add and one store, none of them locked.
@safe
package struct CounterArray: @unchecked Sendable {
    // Sendable although it holds a pointer: what it points at is atomic, and lives until `deallocate`.
    private let values: UnsafeMutablePointer<Atomic<UInt64>>
    package let count: Int

    package init(count: Int) {
        self.count = count
        unsafe values = .allocate(capacity: count)
        for index in 0..<count { unsafe (values + index).initialize(to: Atomic(0)) }
    }

    package func deallocate() {
        unsafe values.deinitialize(count: count)
        unsafe values.deallocate()
    }

    @inline(__always)
    package func add(_ amount: UInt64 = 1, at index: Int) {
        precondition(index >= 0 && index < count)
        // Inside by the line above. Only the owner writes, so load and store need not be one operation.
        unsafe values[index].store(values[index].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Adds each count of an array of the same size.
    package func add(_ other: CounterArray) {
        precondition(other.count == count)
        for index in 0..<count where other.value(at: index) > 0 { add(other.value(at: index), at: index) }
    }

    @inline(__always)
    package func set(_ value: UInt64, at index: Int) {
        precondition(index >= 0 && index < count)
        // Inside by the line above.
        unsafe values[index].store(value, ordering: .relaxed)
    }

    /// Sets a value that readers of ``acquiredValue(at:)`` see only after everything written before it.
    @inline(__always)
    package func publish(_ value: UInt64, at index: Int) {
        precondition(index >= 0 && index < count)
        // Inside by the line above.
        unsafe values[index].store(value, ordering: .releasing)
    }

    package func value(at index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        // Inside by the line above.
        return unsafe values[index].load(ordering: .relaxed)
    }

    package func acquiredValue(at index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        // Inside by the line above.
        return unsafe values[index].load(ordering: .acquiring)
    }
}
