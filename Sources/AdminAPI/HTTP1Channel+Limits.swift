import ControlPlane
import HummingbirdCore

extension HTTP1Channel {
    /// Connections with the limits that all who come for the API or for metrics have.
    ///
    /// The server's own idle timeout is left out: it begins when an answer was written, not when it was taken.
    /// ``PatienceHandler`` has one.
    ///
    /// - Parameter open: where connections have their places.
    init(
        _ responder: @escaping HTTPChannelHandler.Responder, counters: AdminCounters,
        limits: PatienceHandler.Limits = .init(), open: OpenConnections? = nil
    ) {
        self.init(
            responder: responder,
            configuration: .init(
                additionalChannelHandlers: [
                    PatienceHandler(counters: counters, limits: limits, open: open), PresenceHandler(),
                    MalformedRequestHandler(counters: counters), ExpectationHandler(),
                ],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: MalformedRequestHandler.fieldLimit,
                    maxHeaderListSize: MalformedRequestHandler.headLimit,
                    maxHeaderFieldCount: MalformedRequestHandler.fieldCountLimit)))
    }
}
