import NIOCore

/// Makes one answer for all who ask at about the same time, and one after the other: a large one costs the same however
/// many ask.
///
/// Nobody gets an answer that was begun before he asked: who has changed something sees it.
actor SharedAnswer {
    private let make: @concurrent @Sendable () async throws -> ByteBuffer
    private var running: Task<ByteBuffer, any Error>?
    /// Begins when `running` ends; who asks meanwhile gets this one.
    private var next: Task<ByteBuffer, any Error>?
    /// Of the one that was begun last.
    private var number = 0

    init(_ make: @escaping @concurrent @Sendable () async throws -> ByteBuffer) { self.make = make }

    func value() async throws -> ByteBuffer { try await (next ?? prepare()).value }

    private func prepare() -> Task<ByteBuffer, any Error> {
        let before = running
        let task = Task {
            // What became of it is told to those who asked for it.
            _ = await before?.result
            let number = begin()
            defer { end(number) }
            return try await make()
        }
        next = task
        return task
    }

    private func begin() -> Int {
        running = next
        next = nil
        number += 1
        return number
    }

    private func end(_ number: Int) {
        // It would keep the answer in memory.
        if self.number == number { running = nil }
    }
}
