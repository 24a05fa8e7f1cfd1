import ControlPlane
import Hummingbird
import NIOCore

/// Bounds how many requests of a kind are worked on at once. They run on the threads that changes need too: some of these
/// stay free for those.
struct WorkGates: Sendable {
    /// Requests of a kind that may wait for their turn; one more gets 503.
    static let line = 32

    private let turnstiles: [AdminRoute.Work: Turnstile]

    /// - Parameter places: requests of a kind that are worked on at once.
    init(places: Int = max(System.coreCount / 2, 1), line: Int = Self.line) {
        turnstiles = Dictionary(
            uniqueKeysWithValues: [.view, .explanation].map { ($0, Turnstile(places: places, line: line)) })
    }

    /// How many requests of a kind wait for their turn.
    func waitingCount(_ work: AdminRoute.Work) -> Int { turnstiles[work]?.waitingCount ?? 0 }

    /// - Throws: `Refusal` when too many wait already.
    func run(_ work: AdminRoute.Work, _ body: () async throws -> Response) async throws -> Response {
        guard let turnstile = turnstiles[work] else { return try await body() }
        try await turnstile.enterOrRefuse("too many ask for the like at once: try again")
        defer { turnstile.leave() }
        return try await body()
    }
}

extension Turnstile {
    /// Waits for the caller's turn; ``leave()`` must follow.
    ///
    /// - Throws: `Refusal` for who gets no turn; with `detail` when too many wait already.
    func enterOrRefuse(_ detail: String) async throws(Refusal) {
        switch await enter() {
        case .entered: break
        case .full: throw Refusal(.serviceUnavailable, detail, retryAfter: 1)
        case .gone:
            throw Refusal(.serviceUnavailable, "the client closed its side before its turn came", reason: .abandoned)
        }
    }
}
