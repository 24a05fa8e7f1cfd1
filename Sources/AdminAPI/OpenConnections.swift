import Addresses
import HummingbirdCore
import NIOCore
import Synchronization

/// The connections of one address that are open: so many at once.
///
/// When all places are taken, a new connection gets that of one which does nothing: of those who were not let in (they
/// have shown nothing that counts yet) before those who were, and of the source that has most of them, so that one
/// source cannot keep the others out. Who was let in and waits for an answer, or follows events, keeps its place.
final class OpenConnections: Sendable {
    /// Streams of events included.
    static let limit = 1280

    private struct Place {
        var channel: any Channel
        /// `nil`: the Unix socket.
        var source: IPPrefix?
        var number: UInt64
        var isLetIn = false
        /// With a request that is not answered yet.
        var isBusy = false

        /// Who may lose it first; `nil`: it may not be lost.
        var rank: Int? { isLetIn ? isBusy ? nil : 1 : 0 }
    }

    private struct State {
        var places: [ObjectIdentifier: Place] = [:]
        var entered: UInt64 = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int = OpenConnections.limit) { self.limit = limit }

    var count: Int { state.withLock { $0.places.count } }

    /// Takes in a connection until it closes.
    ///
    /// - Returns: whether it has a place, and the connection that lost its own for it. The latter is to be closed.
    func enter(_ channel: any Channel) -> (isIn: Bool, displaced: (any Channel)?) {
        let id = ObjectIdentifier(channel)
        let source = channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }.map(FailureLimiter.key)
        let result: (Bool, (any Channel)?) = state.withLock { state in
            var displaced: (any Channel)?
            if state.places.count >= limit {
                guard let victim = Self.victim(state.places) else { return (false, nil) }
                displaced = state.places.removeValue(forKey: victim)?.channel
            }
            state.entered += 1
            state.places[id] = Place(channel: channel, source: source, number: state.entered)
            return (true, displaced)
        }
        if result.0 { channel.closeFuture.whenComplete { _ in self.leave(id) } }
        return result
    }

    /// All are looked at: this happens when all places are taken, and they are not many.
    private static func victim(_ places: [ObjectIdentifier: Place]) -> ObjectIdentifier? {
        guard let rank = places.values.compactMap(\.rank).min() else { return nil }
        let candidates = places.filter { $0.value.rank == rank }
        let counts = candidates.values.reduce(into: [IPPrefix?: Int]()) { $0[$1.source, default: 0] += 1 }
        let most = counts.values.max() ?? 0
        return candidates.filter { counts[$0.value.source] == most }.min { $0.value.number < $1.value.number }?.key
    }

    /// Somebody in particular uses the connection.
    func letIn(_ channel: any Channel) { change(channel) { $0.isLetIn = true } }

    func set(_ channel: any Channel, isBusy: Bool) { change(channel) { $0.isBusy = isBusy } }

    private func change(_ channel: any Channel, _ body: (inout Place) -> Void) {
        state.withLock { state in
            let id = ObjectIdentifier(channel)
            guard var place = state.places[id] else { return }
            body(&place)
            state.places[id] = place
        }
    }

    private func leave(_ id: ObjectIdentifier) { state.withLock { $0.places[id] = nil } }

    /// Has each that is open now closed, after the response that it waits for.
    func retire() {
        for channel in state.withLock({ $0.places.values.map(\.channel) }) {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }
}
