import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import AdminAPI

@Suite("One answer for many")
struct SharedAnswerTests {
    /// Lets makers of answers go on one by one.
    private final class Maker: Sendable {
        private let state = Mutex((made: 0, waiting: [CheckedContinuation<Void, Never>]()))

        var made: Int { state.withLock { $0.made } }
        var isMaking: Bool { state.withLock { !$0.waiting.isEmpty } }

        @concurrent
        func make() async -> ByteBuffer {
            await withCheckedContinuation { continuation in state.withLock { $0.waiting.append(continuation) } }
            return state.withLock { state in
                state.made += 1
                return ByteBuffer(string: "\(state.made)")
            }
        }

        func goOn() { state.withLock { $0.waiting.removeFirst() }.resume() }
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }

        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    private func wait(until condition: () async -> Bool) async {
        #expect(await Patience.lasts(until: condition))
    }

    @Test("who asks while one is made gets the next, and all of these the same", .timeLimit(.minutes(5)))
    func sharing() async throws {
        let maker = Maker()
        let answer = SharedAnswer { await maker.make() }
        let first = Task { String(buffer: try await answer.value()) }
        await wait { maker.isMaking }
        let asked = Counter()
        let later = (0..<50).map { _ in
            Task {
                _ = asked.next()
                return String(buffer: try await answer.value())
            }
        }
        await wait { asked.value == 50 }
        // Those have asked, or are about to: the first answer must not be for them, even when it is done right now.
        maker.goOn()
        #expect(try await first.value == "1")
        while maker.made < 2 {
            await wait { maker.isMaking || maker.made >= 2 }
            if maker.isMaking { maker.goOn() }
        }
        // Ones that came late may have begun some more; none is begun for each.
        let drain = Task {
            while !Task.isCancelled {
                await Patience.lasts { maker.isMaking }
                if maker.isMaking { maker.goOn() }
            }
        }
        for task in later { #expect(try await task.value != "1") }
        drain.cancel()
        #expect((2...10).contains(maker.made))
    }

    @Test("one that failed is made again for the next who asks")
    func failure() async throws {
        struct Broken: Error {}
        let count = Counter()
        let answer = SharedAnswer {
            guard count.next() > 1 else { throw Broken() }
            return ByteBuffer(string: "good")
        }
        await #expect(throws: Broken.self) { try await answer.value() }
        #expect(try await answer.value() == ByteBuffer(string: "good"))
    }
}
