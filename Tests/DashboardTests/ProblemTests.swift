import Testing

@testable import ControlPlane
@testable import Dashboard

@Suite("What needs attention")
struct ProblemTests {
    private func problems(
        _ states: [String: String], _ orders: [NodeStatus.Override] = [], checks: [String: NodeStatus.Check] = [:]
    ) -> [Row] {
        PictureFixture.picture(PictureFixture.status(states, overrides: orders, checks: checks)).problemRows().rows
    }

    /// As a region is that was taken out, with all in it.
    private func region(_ name: String, _ state: String) -> [String: String] {
        [
            "region:\(name)": state, "pool:\(name)": state, "virtual-server:\(name)-1": state,
            "virtual-server:\(name)-2": state, "wide-ip:api.example.com": "degraded",
        ]
    }

    @Test(
        "an order is one row, with what it touches, whether it names a part or many",
        arguments: [
            ("eu", "with pool eu; virtual servers eu-1, eu-2 · by ann · “move”"),
            ("e*", "touches region eu; pool eu; virtual servers eu-1, eu-2 · by ann · “move”"),
        ])
    func gathered(name: String, reason: String) throws {
        let order = PictureFixture.order("region", name, "disable", reason: "move")
        let rows = problems(region("eu", "disabled"), [order])
        #expect(rows.map(\.key) == ["order:region:\(name):"])
        let row = try #require(rows.first)
        #expect(row.state == "disabled" && row.fields["word"] == "Disabled" && row.fields["reason"] == reason)
        #expect(row.fields["act"] == "enable" && row.fields["subject"] == "region" && row.fields["name"] == name)
    }

    @Test("of many parts the row tells the number")
    func many() {
        let states = region("eu", "draining").merging(region("us", "draining")) { first, _ in first }
        let rows = problems(states, [PictureFixture.order("region", "*", "drain")])
        #expect(rows.map(\.fields["reason"]) == ["touches regions eu, us; pools eu, us; 4 virtual servers · by ann"])
    }

    @Test("what fails is told beside an order and before it, and is not taken for what the order made")
    func failures() {
        let refused = NodeStatus.Check(monitor: "web", state: "down", reason: "connection refused")
        var states = region("eu", "draining")
        states["virtual-server:eu-2"] = "down"
        states["member:us/10.0.0.2:80"] = "down"
        let rows = problems(
            states,
            [PictureFixture.order("region", "eu", "drain"), PictureFixture.order("region", "eu", "force-down")],
            checks: ["eu-2": refused, "us/10.0.0.2:80": refused])
        #expect(
            rows.map(\.key) == ["virtual-server:eu-2", "member:us/10.0.0.2:80", "order:region:eu:"])
        #expect(rows.last?.fields["reason"] == "with pool eu; virtual server eu-1 · by ann")
    }

    @Test("an order explains what is in its condition only, and the own name goes before a pattern")
    func precedence() {
        let rows = problems(
            ["virtual-server:eu-1": "disabled", "virtual-server:eu-2": "draining", "virtual-server:us-1": "disabled"],
            [
                PictureFixture.order("virtual-server", "*", "disable"),
                PictureFixture.order("virtual-server", "eu-1", "disable", window: "patch"),
                PictureFixture.order("pool", "eu", "disable"),
            ])
        #expect(
            rows.map(\.key) == [
                "region:eu", "virtual-server:eu-2", "order:virtual-server:*:", "order:virtual-server:eu-1:patch",
            ])
        #expect(rows[2].fields["reason"] == "touches virtual server us-1 · by ann")
        #expect(rows[3].fields["reason"] == "window patch" && rows[3].fields["act"] == nil)
    }

    @Test("a part that was forced down says so, as long as it does not fail by itself")
    func forcedDown() {
        let order = PictureFixture.order("virtual-server", "eu-1", "force-down", reason: "bad disk")
        let rows = problems(["virtual-server:eu-1": "down"], [order])
        #expect(rows.map(\.fields["word"]) == ["Forced down"])
        #expect(rows.map(\.fields["reason"]) == ["by ann · “bad disk”"])
    }

    @Test("a wide IP that is disabled is not up because its pools are")
    func wideIP() {
        let picture = PictureFixture.picture(PictureFixture.status(["wide-ip:api.example.com": "disabled"]))
        #expect(picture.wideIPs.map(\.condition) == [.disabled])
        #expect(picture.problemRows().rows.map(\.key) == ["wide-ip:api.example.com"])
        let well = PictureFixture.picture(PictureFixture.status())
        #expect(well.wideIPs.map(\.condition) == [.up] && well.problemRows().rows.isEmpty)
    }

    @Test("a refused reload stands behind what is down, and is never among those that are left out")
    func refusedReload() {
        var status = PictureFixture.status(region("eu", "down").merging(["pool:us": "draining"]) { first, _ in first })
        status.refusedReload = .init(time: 1, reason: "a.yaml:1:2: no region", reasons: 3)
        let picture = PictureFixture.picture(status)
        let all = picture.problemRows()
        #expect(all.rows.map(\.key) == ["region:eu", "reload", "pool:us"] && all.count == 3)
        #expect(
            all.rows[1].fields["reason"]
                == "a.yaml:1:2: no region · and 2 more · the node would not start again with it")
        #expect(picture.problemRows(limit: 1).rows.map(\.key) == ["reload"])
        #expect(all.rows[1].fields["act"] == nil)
    }

    @Test("the line for who has three seconds tells what fails before what somebody wants so")
    func headline() {
        func headline(_ states: [String: String]) -> String {
            PictureFixture.picture(PictureFixture.status(states)).headline
        }
        #expect(headline([:]) == "Everything is up")
        #expect(headline(region("eu", "draining")) == "Region eu is draining")
        #expect(
            headline(region("eu", "draining").merging(["member:us/10.0.0.2:80": "down"]) { first, _ in first })
                == "1 of 4 members is down")
        #expect(
            headline(["virtual-server:us-1": "down", "virtual-server:us-2": "disabled"])
                == "1 of 4 virtual servers is down")
        #expect(
            headline(region("eu", "down").merging(region("us", "down")) { first, _ in first })
                == "2 regions are down: eu, us")
        #expect(headline(["pool:us": "down"]) == "1 of 2 pools is down")
    }

    @Test("what is down as a whole is one row, with why and what with it")
    func outages() {
        let refused = NodeStatus.Check(monitor: "web", state: "down", reason: "connection refused")
        var states = region("eu", "down")
        states["member:us/10.0.0.1:80"] = "down"
        states["member:us/10.0.0.2:80"] = "ejected"
        let checks = ["eu-1": refused, "eu-2": refused, "us/10.0.0.1:80": refused]
        let rows = problems(states, checks: checks)
        #expect(rows.map(\.key) == ["region:eu", "member:us/10.0.0.1:80", "member:us/10.0.0.2:80"])
        #expect(
            rows.first?.fields["reason"]
                == "web: connection refused · with pool eu; virtual servers eu-1, eu-2")
        states["member:us/10.0.0.2:80"] = "down"
        let all = problems(states, checks: checks)
        #expect(all.map(\.key) == ["region:eu", "upstream:us"])
        #expect(
            all.last?.fields["reason"]
                == "web: connection refused · with members us/10.0.0.1:80, us/10.0.0.2:80")
    }

    @Test("a virtual server that is held in a region that is down keeps its own row, to be resumed")
    func heldInOutage() {
        var status = PictureFixture.status(region("eu", "down"))
        status.virtualServers[0].hold = .init(kind: "manual", reason: "waits")
        let rows = PictureFixture.picture(status).problemRows().rows
        #expect(rows.map(\.key) == ["region:eu", "virtual-server:eu-1"])
        #expect(rows[1].fields["act"] == "resume" && rows[0].fields["reason"] == "with pool eu; virtual server eu-2")
    }

    @Test("a region that was disabled is explained also where a part of it drains only")
    func mixed() {
        var states = region("eu", "disabled")
        states["virtual-server:eu-2"] = "draining"
        let rows = problems(
            states,
            [PictureFixture.order("region", "e*", "disable"), PictureFixture.order("virtual-server", "eu-2", "drain")])
        #expect(rows.map(\.key) == ["order:region:e*:", "order:virtual-server:eu-2:"])
    }

    @Test("what is not listed is counted")
    func limit() {
        let picture = PictureFixture.picture(
            PictureFixture.status(["member:eu/10.0.0.1:80": "down", "member:us/10.0.0.1:80": "down"]))
        let problems = picture.problemRows(limit: 1)
        #expect(problems.rows.count == 1 && problems.count == 2)
        #expect(NodePicture.moreProblems(problems) == "and 1 more, in Services and Operations")
        #expect(NodePicture.moreProblems(picture.problemRows()) == "")
    }
}
