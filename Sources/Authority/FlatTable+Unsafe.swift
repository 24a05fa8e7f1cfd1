/// Values of a trivial type in one piece of memory that never changes: what the answering threads read without
/// touching a reference count. The owner keeps it alive and frees it.
@safe
struct FlatTable<Element: BitwiseCopyable>: @unchecked Sendable {
    // Sendable although it holds a pointer: nothing writes after `init`.
    private let elements: UnsafeMutablePointer<Element>
    let count: Int

    init(_ values: [Element]) {
        count = values.count
        unsafe elements = .allocate(capacity: max(values.count, 1))
        for index in values.indices {
            unsafe (elements + index).initialize(to: values[index])
        }
    }

    /// After this no element may be read.
    func deallocate() { unsafe elements.deallocate() }

    @inline(__always)
    subscript(index: Int) -> Element {
        precondition(index >= 0 && index < count)
        // Inside by the line above.
        return unsafe elements[index]
    }

    /// The address of the element at `index`, up to and with `count`.
    @inline(__always) @unsafe
    func address(of index: Int) -> UnsafeRawPointer {
        precondition(index >= 0 && index <= count)
        return unsafe UnsafeRawPointer(elements + index)
    }
}
