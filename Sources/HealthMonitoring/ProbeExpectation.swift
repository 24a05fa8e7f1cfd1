import HTTPWire
import TrafficModel

/// What the response to an HTTP probe must be like, whatever the version of HTTP.
struct ProbeExpectation: Sendable {
    /// Bytes of the body in which the expected text must end.
    static let bodyLimit = 64 * 1024

    private let expectedStatus: [ClosedRange<Int>]
    private let loadSource: Monitor.LoadSource
    private var matcher: TextMatcher?
    /// Bytes of the body that the matcher has seen.
    private var searched = 0

    init(_ check: Monitor.HTTPCheck) {
        expectedStatus = check.expectedStatus
        loadSource = check.load
        matcher = check.expectedBody.map { TextMatcher(Array($0.utf8)) }
    }

    /// What can be said of the head and of the part of the body that is there; `nil`: nothing yet.
    ///
    /// - Parameter body: all of it so far, up to ``bodyLimit``.
    mutating func judge(status: Int, body: [UInt8], isComplete: Bool) -> ProbeOutcome? {
        guard expectedStatus.contains(where: { $0.contains(status) }) else { return .failure(.status(status)) }
        let isFound = matcher?.find(in: body[searched...]) ?? true
        searched = body.count
        // A body that tells the load is wanted whole.
        if isFound, loadSource != .body || isComplete || searched == Self.bodyLimit { return .success }
        return !isFound && (isComplete || searched == Self.bodyLimit) ? .failure(.body) : nil
    }

    /// What the response tells of the target's load; it has no part in the verdict.
    ///
    /// - Parameter field: the value of ``LoadMetrics/fieldName``.
    func load(field: String?, body: [UInt8]) -> LoadMetrics? {
        switch loadSource {
        case .none: nil
        case .header: field.flatMap { LoadMetrics(field: $0) }
        case .body: LoadMetrics(json: body)
        }
    }
}
