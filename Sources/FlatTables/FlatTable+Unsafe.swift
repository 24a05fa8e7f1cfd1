public import CLinux
import Glibc

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
        unsafe elements = Self.allocate(values.count)
        unsafe values.withUnsafeBufferPointer { values in
            guard let first = values.baseAddress else { return }
            unsafe elements.initialize(from: first, count: values.count)
        }
    }

    /// - Parameter value: of each position.
    package init(count: Int, _ value: (Int) -> Element) {
        self.count = count
        unsafe elements = Self.allocate(count)
        for index in 0..<count { unsafe (elements + index).initialize(to: value(index)) }
    }

    /// Tables from this size on are put on huge pages: a look-up in one of them would miss the cache of page addresses
    /// at each of its steps.
    private static var hugeSize: Int { 4 << 20 }
    private static var hugePage: Int { 2 << 20 }

    @usableFromInline @unsafe
    static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
        let size = max(count, 1) * MemoryLayout<Element>.stride
        let isHuge = size >= hugeSize
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: size, alignment: isHuge ? hugePage : MemoryLayout<Element>.alignment)
        // A kernel without huge pages says no, and all works as before.
        if isHuge { _ = unsafe madvise(memory, size, MADV_HUGEPAGE) }
        return unsafe memory.bindMemory(to: Element.self, capacity: max(count, 1))
    }

    /// Takes over memory that `allocate` made, with `count` values.
    @inlinable @unsafe
    package init(owning elements: UnsafeMutablePointer<Element>, count: Int) {
        unsafe self.elements = elements
        self.count = count
    }

    /// After this no element may be read.
    @inlinable
    package func deallocate() { unsafe UnsafeMutableRawPointer(elements).deallocate() }

    @inlinable
    package subscript(index: Int) -> Element {
        // Yielded in place: a copy of a large element would cost more than what is read of it.
        @inline(__always)
        _read {
            precondition(index >= 0 && index < count)
            // Inside by the line above.
            yield unsafe elements[index]
        }
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
