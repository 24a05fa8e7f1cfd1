import HTTPWire
import NIOCore
import TrafficModel

/// Reads the response to a probe over HTTP/1.1 as it comes in and gives the verdict as early as it can.
///
/// It reads as the proxy does: a response that the proxy would answer with 502 must not keep a member up.
struct ProbeResponse: Sendable {
    /// Bytes before the body, interim responses included.
    static let headLimit = 64 * 1024

    private var expectation: ProbeExpectation
    private var response: ClientResponse
    private var received = 0

    init(check: Monitor.HTTPCheck) {
        expectation = ProbeExpectation(check)
        response = ClientResponse(method: check.method, bodyLimit: ProbeExpectation.bodyLimit)
    }

    /// Takes what was received; the verdict if there is one by now.
    mutating func receive(_ bytes: ByteBuffer) -> ProbeOutcome? {
        received += bytes.readableBytes
        let progress = response.receive(bytes.readableBytesView)
        if let outcome = judge(isComplete: progress == .complete) { return outcome }
        guard case .failed(let error) = progress else {
            return response.status == nil && received > Self.headLimit ? .failure(.malformed(.headTooLarge)) : nil
        }
        return .failure(.malformed(error))
    }

    /// The peer closed the connection.
    mutating func end() -> ProbeOutcome {
        guard response.status != nil else { return .failure(.closed(.response)) }
        guard response.inputClosed() == .complete else { return .failure(.cutOff) }
        return judge(isComplete: true) ?? .failure(.body)
    }

    var load: LoadMetrics? { expectation.load(field: response.field(LoadMetrics.fieldName), body: response.body) }

    private mutating func judge(isComplete: Bool) -> ProbeOutcome? {
        response.status.flatMap { expectation.judge(status: $0, body: response.body, isComplete: isComplete) }
    }
}
