package import Dispatch
package import NIOCore
import Synchronization

/// A thread for each of some loops.
package final class SocketLoopGroup: EventLoopGroup {
    package let loops: [SocketLoop]
    private let turn = Atomic<Int>(0)

    /// - Throws: when the process has no descriptors left.
    package init(threads: Int) throws(SocketError) {
        var loops: [SocketLoop] = []
        for _ in 0..<max(threads, 1) { loops.append(try SocketLoop()) }
        self.loops = loops
        for loop in loops { loop.start() }
    }

    package func next() -> any EventLoop {
        loops[turn.wrappingAdd(1, ordering: .relaxed).oldValue % loops.count]
    }

    package func makeIterator() -> EventLoopIterator { EventLoopIterator(loops) }

    package func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        let group = DispatchGroup()
        for loop in loops {
            group.enter()
            loop.shutdownGracefully(queue: queue) { _ in group.leave() }
        }
        group.notify(queue: queue) { callback(nil) }
    }
}
