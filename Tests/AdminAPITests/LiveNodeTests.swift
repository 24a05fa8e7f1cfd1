import FoundationEssentials
import StateStore
import TestSupport
import Testing
import TrafficModel

@testable import AdminAPI
@testable import ControlPlane

@Suite("The admin API of a node, over HTTP", .timeLimit(.minutes(5)))
struct LiveNodeTests {
    @Test("a change waits for its turn, and is refused when its token is taken away meanwhile")
    func withdrawn() async throws {
        let live = try await LiveNode()
        let node = live.node
        #expect(await node.changes.enter() == .entered)
        live.configure(["ann": "operate", "carol": "admin"])
        async let reload = live.ask("POST", "/v1/reload", as: "carol")
        await live.waitForLine(of: 1)
        async let late = live.drain("eu", as: "bob")
        await live.waitForLine(of: 2)
        async let good = live.drain("us", as: "ann")
        await live.waitForLine(of: 3)
        await node.changes.leave()
        #expect(try await reload.status == 200)
        let refused = try await late
        #expect(refused.status == 403)
        #expect(refused.body.contains("taken away before its turn came: nothing was changed"), "\(refused)")
        #expect(try await good.status == 204)
        let overrides = await node.operators.overrides.entries
        #expect(Set(overrides.keys) == [.region("us")])
        #expect(live.count(.forbidden) == 1)
        #expect(try await live.drain("eu", as: "bob").status == 401)
        try await live.end()
    }

    @Test("so many changes wait; one more is told when to come again, and counted")
    func line() async throws {
        let live = try await LiveNode()
        let turns = await live.node.changes
        #expect(await turns.enter() == .entered)
        await withTaskGroup { group in
            for _ in 0..<Turnstile.changeLine {
                group.addTask {
                    #expect(await turns.enter() == .entered)
                    turns.leave()
                }
            }
            await live.waitForLine(of: Turnstile.changeLine)
            let refused = try? await live.drain("eu", as: "ann")
            #expect(refused?.status == 503 && refused?.fields["retry-after"] == "2", "\(String(describing: refused))")
            #expect(live.count(.busy) == 1)
            #expect(turns.refusedCount == 1)
            turns.leave()
        }
        #expect(try await live.drain("eu", as: "ann").status == 204)
        #expect(live.count(.busy) == 1)
        try await live.end()
    }

    @Test("a body where none is taken is refused by its field, and nothing is done")
    func uselessBodies() async throws {
        let live = try await LiveNode()
        let start = WallTime.now.milliseconds + 3_600_000
        let window = #"{"kind":"region","name":"eu","start":\#(start),"seconds":3600}"#
        #expect(try await live.ask("PUT", "/v1/windows/w", as: "carol", [], window).status == 204)
        let cases = [
            ("POST", "/v1/reload", #"{"dry_run":true}"#, #""field":"dry_run""#),
            ("POST", "/v1/reload", #"{"dry_run":true}"#, "?dry_run=true"),
            ("POST", "/v1/reload", "{broken", "column 2: a name in quotes"),
            ("POST", "/v1/check", #"{"path":"/etc/x"}"#, #""field":"path""#),
            ("POST", "/v1/virtual-servers/eu-1/resume", #"{"force":true}"#, #""field":"force""#),
            ("DELETE", "/v1/windows/w", #"{"name":"other"}"#, #""field":"name""#),
            ("DELETE", "/v1/shifts/1", "[]", "not a JSON object"),
        ]
        for (method, path, body, words) in cases {
            let answer = try await live.ask(method, path, as: "carol", [], body)
            #expect(answer.status == 400 && answer.body.contains(words), "\(method) \(path) \(body): \(answer)")
        }
        #expect(await live.node.snapshot.generation == 1)
        #expect(await live.node.operators.windows.keys.sorted() == ["w"])
        #expect(live.count(.badRequests) == UInt64(cases.count))
        for body in ["", "{}"] {
            #expect(try await live.ask("POST", "/v1/reload", as: "carol", [], body).status == 200)
        }
        #expect(await live.node.snapshot.generation == 3)
        try await live.end()
    }

    @Test("who takes an override back is told what it was, and what holds all the same")
    func clearing() async throws {
        let live = try await LiveNode()
        func clear(_ kind: String, _ body: String) async throws -> ClearedOverride {
            let answer = try await live.ask("DELETE", "/v1/overrides/\(kind)", as: "ann", [], body)
            #expect(answer.status == 200, "\(answer)")
            return try JSONDecoder().decode(ClearedOverride.self, from: Data(answer.body.utf8))
        }
        let nothing = try await clear("region", #"{"name":"eu"}"#)
        #expect(nothing.cleared.isEmpty && nothing.held.isEmpty)
        let pattern = #"{"name":"e*","verdict":"disable","reason":"pattern"}"#
        #expect(try await live.ask("PUT", "/v1/overrides/region", as: "bob", [], pattern).status == 204)
        #expect(try await live.drain("eu", as: "bob").status == 204)
        let own = try await clear("region", #"{"name":"eu","reason":"works"}"#)
        #expect(own.cleared.map(\.verdict) == ["drain"] && own.cleared.map(\.author) == ["bob"])
        #expect(own.held.map(\.name) == ["e*"] && own.held.map(\.reason) == ["pattern"])
        for (kind, name) in [("pool", "eu"), ("virtual-server", "eu-1")] {
            let outer = try await clear(kind, #"{"name":"\#(name)"}"#)
            #expect(outer.cleared.isEmpty && outer.held.map(\.kind) == ["region"], "\(kind): \(outer)")
        }
        let record = try #require(try await live.node.audit(latest: 1).first)
        #expect(record.action == .clearOverride && record.reason == "works" && record.author == "ann")
        let all = try await clear("region", #"{"name":"e*"}"#)
        #expect(all.cleared.map(\.verdict) == ["disable"] && all.held.isEmpty)
        try await live.end()
    }

    @Test("a refused reload stays in the status until a good one")
    func refusedReload() async throws {
        let live = try await LiveNode()
        func told() async throws -> NodeStatus.RefusedReload? {
            let shown = await live.node.view().configuration().refusedReload
            #expect(await live.node.status().refusedReload?.time == shown?.time)
            return shown
        }
        #expect(try await told() == nil)
        live.configure(["ann": "emperor", "bob": "king", "carol": "admin"])
        let before = WallTime.now.milliseconds
        #expect(try await live.ask("POST", "/v1/reload?dry_run=true", as: "carol").status == 422)
        #expect(try await told() == nil, "nobody tried to")
        #expect(try await live.ask("POST", "/v1/reload", as: "carol").status == 422)
        let refused = try #require(try await told())
        #expect(refused.reason.contains("emperor") && refused.reasons == 2, "\(refused)")
        #expect((before...WallTime.now.milliseconds).contains(refused.time))
        let key = [("Idempotency-Key", "one")]
        #expect(try await live.ask("POST", "/v1/reload", as: "carol", key).status == 422)
        #expect(live.node.adminCounters.totals["badConfigurations"] == 3)
        live.configure(LiveNode.roles)
        let again = try await live.ask("POST", "/v1/reload", as: "carol", key)
        #expect(again.status == 200, "what was refused is judged again: \(again)")
        #expect(try await told() == nil)
        try await live.end()
    }

    @Test("a wide IP is found in capital letters too")
    func capitals() async throws {
        let live = try await LiveNode()
        let answers = [
            try await live.ask("GET", "/v1/wide-ips/api.example.com", as: "ann"),
            try await live.ask("GET", "/v1/wide-ips/API.Example.COM", as: "ann"),
        ]
        #expect(answers.map(\.status) == [200, 200] && answers[0].body == answers[1].body, "\(answers)")
        try await live.end()
    }

    @Test("an idempotency key is of one token with one role")
    func replays() async throws {
        let live = try await LiveNode()
        let key = [("Idempotency-Key", "one")]
        #expect(try await live.drain("eu", as: "ann", key).status == 204)
        let again = try await live.drain("eu", as: "ann", key)
        #expect(again.status == 204 && again.fields["idempotency-replayed"] == "true")
        #expect(try await live.drain("us", as: "ann", key).status == 422, "the key was another request's")
        let other = try await live.drain("us", as: "bob", key)
        #expect(other.status == 204 && other.fields["idempotency-replayed"] == nil, "\(other)")
        #expect(await live.node.operators.overrides.entries[.region("us")] != nil, "his was made")
        live.configure(["ann": "admin", "bob": "operate", "carol": "admin"])
        #expect(try await live.ask("POST", "/v1/reload", as: "carol").status == 200)
        let promoted = try await live.drain("eu", as: "ann", key)
        #expect(promoted.status == 204 && promoted.fields["idempotency-replayed"] == nil, "\(promoted)")
        #expect(live.count(.replays) == 1 && live.count(.replayConflicts) == 1)
        try await live.end()
    }

    @Test("tags are of what operators decided: shifts go on and windows open without a new one, and are shown anew")
    func tags() async throws {
        let live = try await LiveNode()
        let begun = try await live.ask(
            "POST", "/v1/shifts", as: "ann", [], #"{"from":"eu","to":"us","share":0.5,"seconds":3600}"#)
        #expect(begun.status == 201, "\(begun)")
        func get(_ collection: String, knowing tag: String? = nil) async throws -> LiveNode.Answer {
            try await live.ask("GET", "/v1/\(collection)", as: "ann", tag.map { [("If-None-Match", $0)] } ?? [])
        }
        let first = try await get("shifts")
        let tag = try #require(first.fields["etag"])
        await live.node.advance(to: .now, elapsed: .seconds(900))
        let second = try await get("shifts", knowing: tag)
        #expect(second.status == 200 && second.body != first.body, "how far it is is told")
        #expect(second.fields["etag"] == tag, "nobody decided anything")
        let ended = try await live.ask("DELETE", "/v1/shifts/1", as: "ann", [("If-Match", tag)])
        #expect(ended.status == 200, "what was seen is what is changed: \(ended)")
        let stale = try await live.ask("DELETE", "/v1/shifts/1", as: "ann", [("If-Match", tag)])
        #expect(stale.status == 412, "\(stale)")

        let start = WallTime.now.milliseconds + 3_600_000
        let planned = try await live.ask(
            "PUT", "/v1/windows/w", as: "ann", [],
            #"{"kind":"region","name":"eu","start":\#(start),"seconds":3600,"drain":600}"#)
        #expect((200..<300).contains(planned.status), "\(planned)")
        let waiting = try await get("windows")
        let plan = try #require(waiting.fields["etag"])
        #expect(try await get("windows", knowing: plan).status == 200)
        let overrides = try #require(try await get("overrides").fields["etag"])
        #expect(try await get("overrides", knowing: overrides).status == 304)
        #expect(try await get("overrides", knowing: overrides).body.isEmpty)
        await live.node.advance(to: WallTime(milliseconds: start), elapsed: .zero)
        let open = try await get("windows", knowing: plan)
        #expect(open.status == 200 && open.body != waiting.body, "\(open)")
        #expect(try await get("overrides", knowing: overrides).status == 200, "what it does is an override")
        try await live.end()
    }

    @Test("metrics that too many ask for at once are refused, and counted as scrapes and as requests")
    func scrapes() async throws {
        let live = try await LiveNode()
        let turns = live.metrics.turnstile
        #expect(await turns.enter() == .entered)
        await withTaskGroup { group in
            for _ in 0..<MetricsEndpoint.line {
                group.addTask {
                    #expect(await turns.enter() == .entered)
                    turns.leave()
                }
            }
            #expect(await Patience.lasts { turns.waitingCount == MetricsEndpoint.line })
            let refused = try? await live.ask("GET", "/metrics", as: "ann")
            #expect(refused?.status == 503 && refused?.fields["retry-after"] == "1", "\(String(describing: refused))")
            turns.leave()
        }
        let served = try await live.ask("GET", "/metrics", as: "ann")
        #expect(served.status == 200)
        for line in [
            #"meridian_metrics_scrapes_total{result="busy"} 1"#, #"meridian_admin_events_total{event="busy"} 1"#,
        ] { #expect(served.body.contains(line + "\n"), "\(line)") }
        try await live.end()
    }
}
