import DNSService
import NIOCore
import NIOPosix
import ProxyService
import Telemetry

extension Node {
    /// Looks after all threads that serve. Returns when the node and each of its loops have come round: what hangs does not.
    ///
    /// - Returns: how many threads of DNS answer no more.
    package func visitThreads() async -> Int {
        await proxy.visitLoops()
        // Fails only when the loop is shut down.
        for loop in group.makeIterator() { try? await loop.submit {}.get() }
        return dns?.stuckThreads(now: MonotonicClock.now) ?? 0
    }
}
