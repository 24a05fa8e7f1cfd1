import Addresses
import Logging
import NIOCore
import Synchronization

/// One listener as all loops share it: made when it is bound, gone when its last connection is.
final class SharedListener: Sendable {
    /// As configured; the port may be 0.
    let endpoint: Endpoint
    /// As bound.
    let boundEndpoint: Endpoint
    private let text: Mutex<String>
    /// Of clients, like the next.
    let openConnections = Atomic<Int>(0)
    /// Ever accepted.
    let connections = Atomic<UInt64>(0)
    /// Set when the configuration no longer has it: nothing is accepted, and connections end with their next response.
    let isDraining = Atomic<Bool>(false)

    init(name: String, endpoint: Endpoint, boundEndpoint: Endpoint) {
        text = Mutex(name)
        self.endpoint = endpoint
        self.boundEndpoint = boundEndpoint
    }

    var name: String {
        get { text.withLock { $0 } }
        set { text.withLock { $0 = newValue } }
    }
}

/// What all loops look at together.
final class SharedProxyState: Sendable {
    /// Client connections of all listeners and loops.
    let openConnections = Atomic<Int>(0)
    /// Set when the program ends: as if every listener were removed.
    let isStopping = Atomic<Bool>(false)
    /// Bytes that wait in buffers of all loops, as of their last look.
    let bufferedBytes = Atomic<Int>(0)
    /// That was so much that freed memory is worth being given back, once it is less.
    let hasHeldMuch = Atomic<Bool>(false)
    /// Set by a loop that needs a descriptor and has no idle connection itself: one that has gives one up.
    let wantsEviction = Atomic<Bool>(false)
    let sources = SourceTable()
    /// Whether a connection from there is one of this process's own health checks.
    let isOwnProbe: @Sendable (Endpoint) -> Bool
    /// What this process calls itself in `Via` unless it is told otherwise: unlike any other, so that a request that
    /// comes back can be told from one that another Meridian sent on.
    let pseudonym: String = {
        let number = String(UInt32.random(in: .min ... .max), radix: 16)
        return "meridian-" + String(repeating: "0", count: 8 - number.count) + number
    }()

    /// Client connections that there are descriptors for.
    let mostConnections: Int

    /// For what is rare and operators must know.
    let logger: Logger

    init(mostConnections: Int, logger: Logger, isOwnProbe: @escaping @Sendable (Endpoint) -> Bool) {
        self.mostConnections = mostConnections
        self.logger = logger
        self.isOwnProbe = isOwnProbe
    }
}
