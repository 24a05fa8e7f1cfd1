import Addresses
import DNSWire
import FlatTables

/// What a query's COOKIE option says about its client.
enum CookieVerdict: BitwiseCopyable {
    /// There is none, or cookies are off.
    case absent
    /// A client cookie alone.
    case new
    /// Proof that the client gets what is sent to its address.
    case good
    /// A server cookie that is too old, or not ours.
    case bad
}

/// The secrets that a thread makes cookies of when none are configured: today's and yesterday's, made of the node's
/// seed. RFC 7873 section 7.1 asks that secrets change.
struct DailySecrets {
    private var day: UInt32 = 0
    private var seed: SipKey?
    private(set) var today = SipKey(first: 0, second: 0)
    private(set) var yesterday = SipKey(first: 0, second: 0)
    private static let secondsOfDay: UInt32 = 86_400

    mutating func update(seed: SipKey, time: UInt32) {
        let day = time / Self.secondsOfDay
        guard day != self.day || seed != self.seed else { return }
        self.day = day
        self.seed = seed
        today = Self.secret(seed, day)
        yesterday = Self.secret(seed, day &- 1)
    }

    private static func secret(_ seed: SipKey, _ day: UInt32) -> SipKey {
        func half(_ number: UInt64) -> UInt64 {
            var hash = SipHash(key: seed)
            hash.absorb(UInt64(day) << 1 | number)
            return hash.finish()
        }
        return SipKey(first: half(0), second: half(1))
    }
}

extension Responder {
    /// Judges the query's cookie and prepares the one that the response carries.
    mutating func checkCookie(_ message: RawSpan, source: IPAddress, policy: borrowing ResponsePolicy) -> CookieVerdict
    {
        let received = query.serverCookie(in: message)
        let isShared = policy.secrets.count > 0
        if !isShared { dailySecrets.update(seed: policy.cookieSeed, time: wallTime) }
        var verdict = query.serverCookieLength == 0 ? CookieVerdict.new : .bad
        if let received, received.isTimely(at: wallTime) {
            if isShared {
                for index in 0..<policy.secrets.count
                where received.isMade(for: query.clientCookie, at: source, with: policy.secrets[index]) {
                    verdict = .good
                    break
                }
            } else if received.isMade(for: query.clientCookie, at: source, with: dailySecrets.today)
                || received.isMade(for: query.clientCookie, at: source, with: dailySecrets.yesterday)
            {
                verdict = .good
            }
        }
        switch verdict {
        case .good: counters.count(.goodCookies)
        case .bad: counters.count(.badCookies)
        default: counters.count(.newCookies)
        }
        if verdict == .good, let received, received.age(at: wallTime) <= ServerCookie.renewalAge {
            serverCookie = received
        } else {
            serverCookie = ServerCookie(
                client: query.clientCookie, address: source, time: wallTime,
                secret: isShared ? policy.secrets[0] : dailySecrets.today)
        }
        return verdict
    }
}
