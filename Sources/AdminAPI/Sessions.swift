import Crypto
import Synchronization
import TrafficModel

/// Browsers that showed a token once, by the secret in their cookie.
///
/// Sessions live in memory: a restart ends them. A session is worth no more than its token: when that is gone from the
/// configuration, or has another hash, the session is over too.
final class Sessions: Sendable {
    static let idleLimit = Duration.seconds(30 * 60)
    static let lifetime = Duration.seconds(12 * 3600)
    /// Of one token; a new one beyond it ends the one that was idle for longest.
    static let limitPerToken = 64
    /// Of all tokens; beyond it none begins.
    static let limit = 1024

    private struct Session {
        var token: String
        var hash: AdminTokenHash
        var began: ContinuousClock.Instant
        var used: ContinuousClock.Instant

        func isOver(_ now: ContinuousClock.Instant) -> Bool {
            now - used > Sessions.idleLimit || now - began > Sessions.lifetime
        }
    }

    /// By the digest of the secret, so that looking one up tells nothing about secrets.
    private let sessions = Mutex<[[UInt8]: Session]>([:])

    var count: Int { sessions.withLock { $0.count } }

    /// A new session's secret; `nil`: there are too many.
    func begin(_ token: AdminListener.Token, now: ContinuousClock.Instant = .now) -> String? {
        let secret = AdminToken.randomText()
        let key = Self.digest(secret)
        let isIn = sessions.withLock { sessions in
            sessions = sessions.filter { !$0.value.isOver(now) }
            let own = sessions.filter { $0.value.token == token.name }
            if own.count >= Self.limitPerToken, let idle = own.min(by: { $0.value.used < $1.value.used })?.key {
                sessions[idle] = nil
            }
            guard sessions.count < Self.limit else { return false }
            sessions[key] = Session(token: token.name, hash: token.hash, began: now, used: now)
            return true
        }
        return isIn ? secret : nil
    }

    /// The token of a session that goes on; to ask counts as use.
    func token(
        of key: [UInt8], in known: [AdminListener.Token], now: ContinuousClock.Instant = .now
    ) -> AdminListener.Token? {
        sessions.withLock { sessions in
            guard var session = sessions[key] else { return nil }
            guard !session.isOver(now),
                let token = known.first(where: { $0.name == session.token && $0.hash == session.hash })
            else {
                sessions[key] = nil
                return nil
            }
            session.used = now
            sessions[key] = session
            return token
        }
    }

    func end(_ key: [UInt8]) { sessions.withLock { $0[key] = nil } }

    /// What a session with this secret is found by; `nil`: it is none of ours.
    static func key(_ secret: String) -> [UInt8]? {
        secret.utf8.count <= AdminToken.sizeLimit ? digest(secret) : nil
    }

    private static func digest(_ secret: String) -> [UInt8] { Array(SHA256.hash(data: Array(secret.utf8))) }
}
