public import CLinux

/// Values of a trivial type in one piece of memory that never changes: what the answering threads read without
/// touching a reference count. The owner keeps it alive and frees it.
@safe @usableFromInline
package struct FlatTable<Element: BitwiseCopyable>: BitwiseCopyable, @unchecked Sendable {
    // Sendable although it holds a pointer: nothing writes after `init`.
    @usableFromInline let elements: UnsafeMutablePointer<Element>
    @usableFromInline package let count: Int

    @inlinable
    package init(_ values: [Element]) {
        count = values.count
        unsafe elements = .allocate(capacity: max(values.count, 1))
        unsafe values.withUnsafeBufferPointer { values in
            guard let first = values.baseAddress else { return }
            unsafe elements.initialize(from: first, count: values.count)
        }
    }

    /// Takes over memory that `allocate` made, with `count` values.
    @inlinable @unsafe
    package init(owning elements: UnsafeMutablePointer<Element>, count: Int) {
        unsafe self.elements = elements
        self.count = count
    }

    /// After this no element may be read.
    @inlinable
    package func deallocate() { unsafe elements.deallocate() }

    @inlinable @inline(__always)
    package subscript(index: Int) -> Element {
        precondition(index >= 0 && index < count)
        // Inside by the line above.
        return unsafe elements[index]
    }

    /// The address of the element at `index`, up to and with `count`.
    @inlinable @inline(__always) @unsafe
    package func address(of index: Int) -> UnsafeRawPointer {
        precondition(index >= 0 && index <= count)
        return unsafe UnsafeRawPointer(elements + index)
    }

    /// Begins to load the element into the cache. An index outside is not looked at.
    @inlinable @inline(__always)
    package func prefetch(_ index: Int) {
        // The processor ignores addresses that it may not read.
        unsafe clinux_prefetch(elements + index)
    }
}
