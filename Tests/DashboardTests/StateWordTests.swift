import Testing

@testable import ControlPlane
@testable import Dashboard

@Suite("States in words")
struct StateWordTests {
    @Test("each state has the API's word on the dashboard", arguments: StateTable.State.allCases)
    func sameWords(state: StateTable.State) {
        #expect(Condition(state: state.text).word == state.text.sentenceCase)
        #expect(Condition(state: state.text) != .unknown)
    }

    @Test("members, virtual servers, pools, regions and wide IPs are told as the API tells them")
    func parts() {
        for word in ["draining", "disabled", "down"] {
            let picture = PictureFixture.picture(
                PictureFixture.status([
                    "member:eu/10.0.0.1:80": word, "virtual-server:eu-1": word, "pool:eu": word,
                    "wide-ip:api.example.com": word,
                ]))
            let conditions = [
                picture.members[0].condition, picture.servers[0].condition, picture.pools[0].condition,
                picture.wideIPs[0].condition,
            ]
            #expect(conditions.map(\.word) == Array(repeating: word.sentenceCase, count: 4), "\(word)")
        }
    }

    @Test("a region and a pool that are cut over are not shown as if they served")
    func cutOver() throws {
        let status = PictureFixture.status(
            ["region:eu": "cut-over", "pool:eu": "cut-over"],
            overrides: [PictureFixture.order("region", "eu", "cutover", reason: "flood", target: "us")])
        let picture = PictureFixture.picture(status)
        #expect(picture.regions.map(\.condition) == [.cutOver, .up])
        #expect(picture.pools.map(\.condition) == [.cutOver, .up])
        #expect(picture.wideIPs.map(\.condition) == [.degraded])
        #expect(picture.headline == "Region eu is cut over")
        let row = try #require(picture.regionRows.first)
        #expect(row.state == "cut-over" && row.fields["word"] == "Cut over" && row.fields["act"] == "enable")
        #expect(picture.overrideRows.map(\.fields["verdict"]) == ["Cut over to us"])
        let problem = try #require(picture.problemRows().rows.first)
        #expect(problem.fields["word"] == "Cut over to us")
        #expect(problem.fields["reason"] == "with pool eu · by ann · “flood”")
    }

    @Test("a pool that is cut over by itself leaves its region as it is")
    func poolCutOver() {
        let picture = PictureFixture.picture(PictureFixture.status(["pool:eu": "cut-over"]))
        #expect(picture.regions.map(\.condition) == [.up, .up])
        #expect(picture.problemRows().rows.map(\.key) == ["pool:eu"])
    }

    @Test(
        "how long something stays out rounds up: nothing is said to be over that is not",
        arguments: [
            (0.2, "let in again in 1 s"), (59.4, "let in again in 1 min"), (3599, "let in again in 59 min"),
            (3600, "let in again in 1 h 0 min"),
        ])
    func hold(seconds: Double, text: String) {
        var status = PictureFixture.status(["virtual-server:eu-1": "down"])
        status.virtualServers[0].hold = .init(kind: "hold-down", seconds: seconds, reason: "up for too short a time")
        let picture = PictureFixture.picture(status)
        #expect(picture.servers[0].reason == "Up for too short a time, \(text)")
    }

    @Test(
        "a shift says when it arrives, and that it has",
        arguments: [(0.4, false, "there in 1 s"), (90, true, "back in 1 min"), (0, false, "arrived")])
    func shift(remaining: Double, isReturning: Bool, text: String) {
        var status = PictureFixture.status()
        status.shifts = [
            .init(
                id: 1, wideIP: "*", kind: "region", from: "eu", to: "us", share: 0.2, progress: 0.1,
                isReturning: isReturning, remaining: remaining, reason: "", author: "ann")
        ]
        let rows = PictureFixture.picture(status).shiftRows
        #expect(rows.map(\.fields["remaining"]) == [text])
        #expect(rows.map(\.fields["idle"]) == [""])
        status.shifts[0].idle = "region eu is cut over to us"
        #expect(
            PictureFixture.picture(status).shiftRows.map(\.fields["idle"])
                == ["Moves nobody: region eu is cut over to us"])
    }
}
