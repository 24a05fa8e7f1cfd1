import Addresses
import Testing
import TrafficModel

@testable import AdminAPI

@Suite("Who may use the admin API")
struct AccessTests {
    private func key(_ secret: String) -> [UInt8] { Sessions.key(secret) ?? [] }

    private func entry(_ name: String, _ hash: AdminTokenHash) -> AdminListener.Token {
        .init(name: name, role: .operate, hash: hash)
    }

    @Test("a token is found by its hash, and by nothing near it")
    func tokens() {
        let made = (0..<3).map { _ in AdminToken.make() }
        let known = made.enumerated().map { entry("t\($0)", $1.hash) }
        for (index, pair) in made.enumerated() {
            #expect(pair.token.utf8.count == 4 + 43)
            #expect(AdminToken.find(pair.token, in: known)?.name == "t\(index)")
            #expect(AdminToken.find(pair.token + "x", in: known) == nil)
            #expect(AdminToken.find(String(pair.token.dropLast()), in: known) == nil)
            #expect(AdminTokenHash(pair.hash.text) == pair.hash, "what the file says is what was made")
        }
        #expect(Set(made.map(\.token)).count == 3)
        #expect(AdminToken.find(String(repeating: "a", count: 300), in: known) == nil)
    }

    @Test("hashes are what other tools compute")
    func digest() {
        // printf '\001\002\003\004\005\006\007\010mrd_abc' | sha256sum
        let hash = AdminTokenHash(
            salt: [1, 2, 3, 4, 5, 6, 7, 8], digest: AdminToken.digest(of: "mrd_abc", salt: [1, 2, 3, 4, 5, 6, 7, 8]))
        #expect(hash.text == "sha256:0102030405060708:fed65df39efc9a3223d129b0d31775c3e7a379497ca9e9860dd2e93b8cd39c38")
    }

    @Test(
        "what is no hash is none",
        arguments: [
            "", "sha256:", "sha256:00:00", "md5:0102030405060708:" + String(repeating: "0", count: 64),
            "sha256:0102030405060708:" + String(repeating: "0", count: 62),
            "sha256:01020304050607:" + String(repeating: "0", count: 64),
            "sha256:010203040506070:" + String(repeating: "0", count: 64),
            "sha256:0102030405060708:" + String(repeating: "G", count: 64),
            "sha256:0102030405060708:" + String(repeating: "0", count: 64) + ":",
        ])
    func hashes(text: String) { #expect(AdminTokenHash(text) == nil) }

    @Test("comparison is of all bytes")
    func comparison() {
        #expect(AdminToken.isEqual([1, 2, 3], [1, 2, 3]))
        #expect(!AdminToken.isEqual([1, 2, 3], [1, 2, 4]))
        #expect(!AdminToken.isEqual([1, 2, 3], [1, 2]))
    }

    @Test(
        "a subject matches element by element",
        arguments: [
            ("CN=ops,O=Example", "CN=ops,O=Example", true), ("CN=*,O=Example", "CN=eve,O=Example", true),
            ("CN=*,O=Example", "CN=eve\\,O=Example", false), ("CN=*,O=Example", "CN=a,OU=b,O=Example", false),
            ("CN=*", "CN=a\\,b", true), ("CN=*", "CN=a,O=b", false), ("*OU=Ops*", "CN=OU=Ops,O=b", false),
            ("CN=a,*,*", "CN=a,OU=b,O=c", true), ("CN=a\\\\,O=b", "CN=a\\\\,O=b", true),
            ("CN=ops, O=Ex ample", "CN=ops,O=Ex ample", true),
        ])
    func subjects(_ pattern: String, _ subject: String, _ isMatch: Bool) {
        #expect(AdminAccess.matches(Glob(pattern), subject) == isMatch)
    }

    @Test("times that cannot be reckoned with are refused", arguments: [Int64.min, -1, 0, .max])
    func times(_ until: Int64) {
        let shift = ShiftRequest(from: "a", to: "b", share: 0.5, until: until)
        #expect(throws: BadRequest.self) { try shift.plan() }
    }

    @Test("a source that fails too often waits, and others do not")
    func failures() {
        let limiter = FailureLimiter()
        let start = ContinuousClock.now
        let (bad, good) = (IPAddress.v4(1), IPAddress.v4(2))
        for _ in 0..<FailureLimiter.burst {
            #expect(limiter.wait(for: bad, now: start) == nil)
            limiter.recordFailure(of: bad, now: start)
        }
        #expect(limiter.wait(for: bad, now: start) == 3)
        #expect(limiter.wait(for: good, now: start) == nil)
        #expect(limiter.wait(for: bad, now: start + .seconds(3)) == nil)
        // A subscriber has a whole /64.
        let (one, other): (UInt128, UInt128) = (0x2001_0db8_0000_0001 << 64, 0x2001_0db8_0000_0001 << 64 | 77)
        for _ in 0..<FailureLimiter.burst { limiter.recordFailure(of: .v6(one), now: start) }
        #expect(limiter.wait(for: .v6(other), now: start) != nil)
    }

    @Test("the table of failures is bounded, and keeps those that failed most")
    func failureTable() {
        let limiter = FailureLimiter()
        let start = ContinuousClock.now
        for _ in 0..<20 { limiter.recordFailure(of: .v4(7), now: start) }
        for index in 0..<UInt32(FailureLimiter.capacity + 500) {
            limiter.recordFailure(of: .v4(1000 + index), now: start)
        }
        #expect(limiter.count == FailureLimiter.capacity)
        #expect(limiter.wait(for: .v4(7), now: start) != nil)
    }

    @Test("sessions end by idling, by age, by signing out, and with their token")
    func sessions() throws {
        let sessions = Sessions()
        let start = ContinuousClock.now
        let token = entry("ann", AdminToken.make().hash)
        let other = entry("bob", AdminToken.make().hash)
        let secret = try #require(sessions.begin(token, now: start))
        #expect(sessions.token(of: key(secret), in: [other, token], now: start)?.name == "ann")
        #expect(sessions.token(of: key(secret + "x"), in: [token], now: start) == nil)
        var now = start
        while now - start < .seconds(11 * 3600) {
            now += .seconds(1700)
            #expect(sessions.token(of: key(secret), in: [token], now: now) != nil)
        }
        #expect(sessions.token(of: key(secret), in: [token], now: now + .seconds(1801)) == nil, "idle")
        #expect(sessions.count == 0)

        let old = try #require(sessions.begin(token, now: start))
        now = start
        while now - start < Sessions.lifetime {
            now += .seconds(1700)
            _ = sessions.token(of: key(old), in: [token], now: now)
        }
        #expect(sessions.token(of: key(old), in: [token], now: now) == nil, "too old")

        let ended = try #require(sessions.begin(token, now: start))
        sessions.end(key(ended))
        #expect(sessions.token(of: key(ended), in: [token], now: start) == nil)

        let orphan = try #require(sessions.begin(token, now: start))
        let renewed = entry("ann", AdminToken.make().hash)
        #expect(sessions.token(of: key(orphan), in: [renewed], now: start) == nil, "its token has another hash")
    }

    @Test("sessions are bounded, of one token by taking the idle one, of all by refusing")
    func sessionLimits() throws {
        let sessions = Sessions()
        let start = ContinuousClock.now
        let first = entry("t0", AdminToken.make().hash)
        let oldest = try #require(sessions.begin(first, now: start))
        for index in 1...Sessions.limitPerToken {
            #expect(sessions.begin(first, now: start + .seconds(index)) != nil)
        }
        #expect(sessions.count == Sessions.limitPerToken)
        #expect(sessions.token(of: key(oldest), in: [first], now: start) == nil)
        for index in 1..<(Sessions.limit / Sessions.limitPerToken) {
            let token = entry("t\(index)", first.hash)
            for _ in 0..<Sessions.limitPerToken { #expect(sessions.begin(token, now: start) != nil) }
        }
        #expect(sessions.begin(entry("late", first.hash), now: start) == nil)
        #expect(sessions.begin(entry("late", first.hash), now: start + .seconds(2000)) != nil, "the idle ones are gone")
    }

    @Test("kept answers are for those with the same rights by the same proof")
    func keys() {
        func key(_ role: AdminRole, _ credential: AdminIdentity.Credential) -> String {
            AdminIdentity(name: "ann", role: role, credential: credential, source: "").key
        }
        let (one, two) = (AdminToken.make().hash, AdminToken.make().hash)
        let keys = [
            key(.admin, .token(one)), key(.view, .token(one)), key(.admin, .token(two)), key(.admin, .session([1])),
            key(.admin, .session([2])), key(.admin, .certificate(subject: "ann", trust: 0)),
            key(.admin, .certificate(subject: "ann", trust: 1)), key(.admin, .owner),
        ]
        #expect(Set(keys).count == keys.count)
        #expect(key(.admin, .token(one)) == keys[0])
    }
}
