import Addresses
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import Sockets

@Suite("Event loops for sockets")
struct SocketLoopTests {
    @Test("tasks run in order, on the loop, from any thread")
    func tasks() async throws {
        let group = try SocketLoopGroup(threads: 1)
        let loop = group.loops[0]
        let seen = Mutex<[Int]>([])
        for number in 0..<1000 {
            loop.execute {
                loop.preconditionInEventLoop()
                seen.withLock { $0.append(number) }
            }
        }
        try await loop.submit {}.get()
        #expect(seen.withLock { $0 } == Array(0..<1000))
        #expect(!loop.inEventLoop)
        try await group.shutdownGracefully()
    }

    @Test("timers run at their time and in their order; cancelled ones do not; the end fails those that are left")
    func timers() async throws {
        let group = try SocketLoopGroup(threads: 1)
        let loop = group.loops[0]
        let seen = Mutex<[Int]>([])
        let failures = Mutex<[EventLoopError]>([])
        let began = NIODeadline.now()
        // In one turn of the loop: none of them can run before all are there.
        let last = try await loop.submit {
            func schedule(_ number: Int, after milliseconds: Int64) -> Scheduled<Void> {
                loop.scheduleTask(deadline: began + .milliseconds(milliseconds)) {
                    seen.withLock { $0.append(number) }
                }
            }
            let cancelled = schedule(0, after: 5)
            let last = schedule(3, after: 30)
            _ = schedule(2, after: 20)
            _ = schedule(1, after: 10)
            for lost in [cancelled, loop.scheduleTask(in: .hours(1)) {}] {
                lost.futureResult.whenFailure { error in
                    guard let error = error as? EventLoopError else { return }
                    failures.withLock { $0.append(error) }
                }
            }
            cancelled.cancel()
            return last
        }.get()
        try await last.futureResult.get()
        #expect(seen.withLock { $0 } == [1, 2, 3])
        #expect(NIODeadline.now() - began >= .milliseconds(30))
        try await group.shutdownGracefully()
        #expect(failures.withLock { $0 } == [.cancelled, .cancelled])
    }

    @Test("whoever asks for the end hears of it, however many do at once")
    func ends() async throws {
        for _ in 0..<50 {
            let group = try SocketLoopGroup(threads: 1)
            let loop = group.loops[0]
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for _ in 0..<4 { tasks.addTask { try await loop.shutdownGracefully() } }
                try await tasks.waitForAll()
            }
            try await group.shutdownGracefully()
        }
    }

    @Test("many cancelled timers are forgotten long before their time")
    func cancelledTimers() {
        var queue = TimerQueue()
        final class Token {}
        var token: Token? = Token()
        weak let remaining = token
        for number in 1...UInt64(5000) {
            queue.add(.init(deadline: 1 << 60, number: number, run: { [token] in _ = token }, fail: { _ in }))
            queue.cancel(number)
        }
        token = nil
        // Those that are left are fewer than a bound.
        #expect(queue.count <= 1025)
        queue.add(.init(deadline: 5, number: 5001, run: {}, fail: { _ in }))
        #expect(queue.popDue(4) == nil)
        #expect(queue.popDue(5)?.number == 5001)
        #expect(queue.popDue(.max) == nil)
        #expect(remaining == nil)
    }
}
