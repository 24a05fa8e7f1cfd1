package import Addresses
package import TrafficModel

/// Everything a proxy loop needs to know, immutable: compiled from the configuration, what operators said and what
/// monitors saw. Only counters behind ``MemberState`` and the like change, and those are carried from one to the next.
package final class BalancingSnapshot: Sendable {
    package let listeners: [ListenerSnapshot]
    /// In the order of `Intent.upstreams`.
    package let upstreams: [UpstreamSnapshot]
    package let certificates: [Certificate]
    package let settings: ProxySettings
    /// Of the configuration.
    package let generation: UInt64
    /// Of this snapshot: rises with any change of its inputs.
    package let epoch: UInt64
    /// The ``MemberState/serial`` of every member: connections kept for others can go.
    package let memberSerials: Set<UInt64>

    /// Compiles a snapshot. Call it from one place, in the order of the epochs: it notes in the registry which members
    /// came up.
    ///
    /// - Parameters:
    ///   - previous: the snapshot before; the listeners are taken from it when the generation is the same.
    ///   - now: monotonic nanoseconds, on the clock that choices are made with; slow start begins then.
    package init(
        intent: Intent, overrides: EffectiveOverrides, observations: Observations, registry: MemberRegistry,
        epoch: UInt64,
        now: UInt64, previous: BalancingSnapshot? = nil
    ) {
        let reusable = previous.flatMap { $0.generation == intent.generation ? $0.listeners : nil }
        (listeners, upstreams) = registry.compile { compilation in
            let upstreams = intent.upstreams.enumerated().map { position, upstream in
                UpstreamSnapshot(
                    upstream, at: position, monitors: intent.monitors, overrides: overrides, observations: observations,
                    compilation: &compilation, now: now)
            }
            let listeners = reusable ?? intent.listeners.map { ListenerSnapshot($0, compilation: &compilation) }
            if let reusable {
                for listener in reusable { listener.nameStates(&compilation) }
            }
            return (listeners, upstreams)
        }
        certificates = intent.certificates
        settings = intent.proxy
        generation = intent.generation
        self.epoch = epoch
        memberSerials = Set(upstreams.lazy.flatMap(\.members).map(\.state.serial))
    }
}

/// A listener as a snapshot sees it.
///
/// A class because each request looks at it, and each of its parts would be counted for each.
package final class ListenerSnapshot: Sendable {
    package enum Mode: Sendable {
        case http(RouteTable)
        /// Position in ``BalancingSnapshot/upstreams``.
        case tcp(upstream: Int)
    }

    package let name: String
    /// The name in UTF-8, for logs.
    package let nameBytes: [UInt8]
    package let endpoint: Endpoint
    package let mode: Mode
    package let tls: Listener.TLS?
    package let trustedProxies: [IPPrefix]
    /// Whether trusted peers begin with a PROXY header.
    package let proxyProtocol: Bool
    package let http2: Bool

    init(_ listener: Listener, compilation: inout MemberRegistry.Compilation) {
        name = listener.name
        nameBytes = Array(listener.name.utf8)
        endpoint = listener.endpoint
        tls = listener.tls
        trustedProxies = listener.trustedProxies
        proxyProtocol = listener.proxyProtocol
        http2 = listener.http2
        switch listener.mode {
        case .http(let routes):
            mode = .http(
                RouteTable(
                    routes,
                    limiters: routes.map { route in
                        route.rateLimit.map { compilation.limiter(route: route.name, limit: $0) }
                    },
                    traffic: routes.map { compilation.traffic(listener: listener.name, route: $0.name) }))
        case .tcp(let upstream):
            mode = .tcp(upstream: upstream)
        }
    }

    /// Tells the registry that the tables and counters of this listener are in use.
    func nameStates(_ compilation: inout MemberRegistry.Compilation) {
        guard case .http(let table) = mode else { return }
        for route in table.routes {
            if let limiter = route.limiter { _ = compilation.limiter(route: route.name, limit: limiter.limit) }
            _ = compilation.traffic(listener: name, route: route.name)
        }
    }

    /// Whether a peer's `X-Forwarded-*` and `Forwarded` fields are believed.
    package func trusts(_ peer: IPAddress) -> Bool { trustedProxies.contains { $0.contains(peer) } }
}
