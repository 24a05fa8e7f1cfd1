import HTTPWire
import NIOCore
import TrafficModel

/// Reads the response to an HTTP probe as it comes in and gives the verdict as early as it can.
///
/// It reads as the proxy does: a response that the proxy would answer with 502 must not keep a member up.
struct ProbeResponse: Sendable {
    /// Bytes before the body, interim responses included.
    static let headLimit = 64 * 1024
    /// Bytes of the body, after chunked is undone, in which the expected text must end.
    static let bodyLimit = 64 * 1024

    private let expectedStatus: [ClosedRange<Int>]
    private let loadSource: Monitor.LoadSource
    private var matcher: TextMatcher?
    private var response: ClientResponse
    private var received = 0
    /// Bytes of the body that the matcher has seen.
    private var searched = 0

    init(check: Monitor.HTTPCheck) {
        expectedStatus = check.expectedStatus
        loadSource = check.load
        matcher = check.expectedBody.map { TextMatcher(Array($0.utf8)) }
        response = ClientResponse(method: check.method, bodyLimit: Self.bodyLimit)
    }

    /// Takes what was received; the verdict if there is one by now.
    mutating func receive(_ bytes: ByteBuffer) -> ProbeOutcome? {
        received += bytes.readableBytes
        let progress = response.receive(bytes.readableBytesView)
        if let outcome = judge(isComplete: progress == .complete) { return outcome }
        switch progress {
        case .failed(let error): return .failure(.malformed(error))
        case .complete: return .failure(.body)
        case .incomplete:
            return response.status == nil && received > Self.headLimit
                ? .failure(.malformed(.headTooLarge)) : nil
        }
    }

    /// The peer closed the connection.
    mutating func end() -> ProbeOutcome {
        guard response.status != nil else { return .failure(.closed(.response)) }
        guard response.inputClosed() == .complete else { return .failure(.cutOff) }
        return judge(isComplete: true) ?? .failure(.body)
    }

    /// What the response tells of the target's load; it has no part in the verdict.
    var load: LoadMetrics? {
        switch loadSource {
        case .none: nil
        case .header: response.field(LoadMetrics.fieldName).flatMap { LoadMetrics(field: $0) }
        case .body: LoadMetrics(json: response.body)
        }
    }

    /// What can be said of the head and of the part of the body that is there.
    private mutating func judge(isComplete: Bool) -> ProbeOutcome? {
        guard let status = response.status else { return nil }
        guard expectedStatus.contains(where: { $0.contains(status) }) else { return .failure(.status(status)) }
        let isFound = matcher?.find(in: response.body[searched...]) ?? true
        searched = response.body.count
        // A body that tells the load is wanted whole.
        if isFound, loadSource != .body || isComplete || searched == Self.bodyLimit { return .success }
        return !isFound && searched == Self.bodyLimit ? .failure(.body) : nil
    }
}
