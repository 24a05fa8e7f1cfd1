import Foundation
import Testing

/// What operators are told of orders: what they take the place of, what still holds, and when they are gone.
@Suite("Orders, and what is said of them")
struct OrderScenarios {
    @Test("a client that comes again and again is waited for, however rarely it comes")
    func rareClient() throws {
        let site = try CommandSite()
        let client = Process()
        client.executableURL = URL(fileURLWithPath: "/bin/sh")
        client.arguments = [
            "-c", "while :; do curl -s http://127.0.0.1:\(site.ports[0])/; sleep 1.7; done",
        ]
        client.standardOutput = FileHandle.nullDevice
        try client.start()
        defer { client.terminate() }
        let endless = try site.call(
            "drain", "region", "eu", "--wait", "--timeout", "20s", "--quiet-for", "10s", "--json")
        #expect(endless.status == 3, "\(endless)")
        client.terminate()
        client.waitUntilExit()
        let over = try site.call("drain", "region", "eu", "--wait", "--timeout", "5m", "--quiet-for", "10s")
        #expect(over.status == 0 && over.output.contains("region eu is drained"), "\(over)")
        #expect(try #/quiet for \d+ of 10 s/#.firstMatch(in: over.error) != nil, "\(over.error)")
    }

    @Test("a drain that is taken back, replaced or ends is no drain that is over")
    func lostDrain() throws {
        let site = try CommandSite()
        let ended = try site.call("drain", "region", "eu", "--wait", "--for", "8s")
        #expect(ended.status == 1 && ended.output.contains("the time of the drain of region eu was up"), "\(ended)")
        let early = try site.call("drain", "region", "eu", "--wait", "--for", "1s", "--timeout", "3s")
        #expect(early.status == 64 && early.error.contains("--for 1s: the drain would end before"), "\(early)")
        for (command, words) in [
            ("enable region eu", "the drain of region eu was taken back by "),
            ("disable region eu --reason fire", "region eu is disabled ("),
        ] {
            let meanwhile = try Program.run(
                "sh",
                [
                    "-c",
                    """
                    (until $0 status --socket \(site.socket) | grep -q "override region eu  drain"; do sleep 0.1; done
                     $0 \(command) --socket \(site.socket) >/dev/null 2>&1) &
                    $0 drain region eu --wait --quiet-for 60s --timeout 10m --socket \(site.socket); code=$?; wait; exit $code
                    """, Program.binary.path,
                ])
            #expect(meanwhile.status == 1 && meanwhile.output.contains(words), "\(command): \(meanwhile)")
        }
    }

    @Test("whose order is replaced is told, with and without a terminal")
    func replaced() throws {
        let site = try CommandSite()
        #expect(try site.call("force-down", "region", "eu", "--reason", "fire, do not touch").status == 0)
        let dry = try site.call("drain", "region", "eu", "--for", "5m", "--dry-run")
        let words = "it takes the place of force-down of region eu ("
        #expect(dry.output.contains(words) && dry.output.contains("\"fire, do not touch\")"), "\(dry)")
        #expect(dry.output.contains("which has no end of its own"), "\(dry)")
        let command = "\(Program.binary.path) drain region eu --for 5m --socket \(site.socket)"
        let asked = try site.onTerminal(command, typing: "seen \"[y/N]\"; echo n")
        #expect(asked.status == 4 && asked.output.contains(words), "\(asked)")
        let script = try site.call("drain", "region", "eu", "--for", "5m", "--reason", "mine")
        #expect(script.status == 0 && script.error.contains(words), "\(script)")
        // Nothing would change, and it is asked all the same: an end comes where there was none.
        let again = try site.onTerminal(
            command.replacing("--for 5m", with: "--for 6m"), typing: "seen \"[y/N]\"; echo n")
        #expect(again.status == 4 && again.output.contains("no answer would change"), "\(again)")
        #expect(again.output.contains("it takes the place of drain of region eu ("), "\(again)")
        #expect(again.output.contains("which would end in 5m"), "\(again)")
    }

    @Test("enable says what it took back, and what still holds")
    func enable() throws {
        let site = try CommandSite()
        let nothing = try site.call("enable", "region", "eu")
        #expect(nothing.status == 0 && nothing.output == "nothing was set for region eu\n", "\(nothing)")
        _ = try site.call("disable", "region", "e*", "--reason", "pattern")
        let held = try site.call("enable", "region", "eu")
        #expect(held.status == 1 && held.output == "nothing was set for region eu\n", "\(held)")
        #expect(held.error.contains("it is still disabled by pattern e* of region ("), "\(held)")
        #expect(held.error.contains("\"pattern\"): meridian enable region 'e*'"), "\(held)")
        let server = try site.call("enable", "vip", "eu-1")
        #expect(
            server.status == 1 && server.error.contains("it is still disabled by pattern e* of region"), "\(server)")
        #expect(try site.call("drain", "region", "eu").status == 0)
        let partly = try site.call("enable", "region", "eu")
        #expect(partly.status == 1 && partly.output == "region eu is no longer drained\n", "\(partly)")
        let wide = try site.call("enable", "region", "e*")
        #expect(wide.status == 0 && wide.output == "region e* follows its monitors again\n", "\(wide)")

        _ = try site.call("drain", "region", "us")
        let stars = try site.call("enable", "region", "*")
        #expect(stars.status == 1 && stars.error.contains("drained by region us"), "\(stars)")
        let events = try site.call("events", "--kind", "override-cleared").output
        #expect(events.split(separator: "\n").count == 2, "what took nothing back is no event: \(events)")
    }

    @Test("a kind may be named vip, and every drain answers as JSON")
    func words() throws {
        let site = try CommandSite()
        let drained = try site.call("drain", "vip", "eu-1", "--json")
        #expect(
            drained.status == 0 && drained.output == "{\"done\":\"virtual-server eu-1 is draining\"}\n", "\(drained)")
        #expect(try site.answer() == "us.lb.example.net.\n")
        #expect(try site.call("enable", "vip", "eu-1").status == 0)
        let name = try site.call("enable", "wip", "api.example.com")
        #expect(name.output == "nothing was set for wide-ip api.example.com\n", "\(name)")
        // Names of the DNS are the same in capital letters.
        #expect(try site.call("status", "--wide-ip", "API.*").output.contains("WIP api.example.com"))
        #expect(try site.call("disable", "wip", "API.EXAMPLE.COM", "--force").status == 0)
        #expect(try site.call("status").output.contains("override wide-ip api.example.com  disable"))
        #expect(try site.call("enable", "wip", "Api.Example.Com").output.contains("follows its monitors again"))
        #expect(try site.call("status").output.contains("override") == false)
        let events = try site.call("events", "--subject", "wip,vs", "--kind", "override-set")
        #expect(events.status == 0 && events.output.contains("wide-ip api.example.com  disable"), "\(events)")
    }

    @Test("a region that is cut over says so everywhere")
    func cutover() throws {
        let site = try CommandSite()
        let preview = try site.call("cutover", "eu", "us", "--dry-run").output
        #expect(try #/region eu +available +cut over to us/#.firstMatch(in: preview) != nil, "\(preview)")
        #expect(try #/pool eu +available +cut over to us/#.firstMatch(in: preview) != nil, "\(preview)")
        #expect(try site.call("cutover", "eu", "us", "--reason", "flood").status == 0)
        let status = try site.call("status").output
        #expect(status.contains("region eu  cut over to us"), "\(status)")
        #expect(status.contains("pool eu  cut over to us"), "\(status)")
        #expect(try site.call("status", "--problems").output.contains("region eu  cut over to us"))
        try wait(for: "the event") {
            try site.call("events", "--kind", "transition", "--subject", "region").output
                .contains("available → cut-over")
        }
        #expect(try site.call("enable", "region", "eu").status == 0)
        #expect(try site.call("status").output.contains("region eu  available"))
    }
}

@Suite("Status of what is sick")
struct SicknessScenarios {
    @Test("members behind a region are part of it, and a misspelt name is no good news")
    func filters() throws {
        let site = try CommandSite(members: ", \"127.0.0.1:1\"")
        _ = try site.call("disable", "member", "app/127.0.0.1:1")
        _ = try site.call("drain", "region", "us", "--force")
        let eu = try site.call("status", "--region", "eu", "--problems").output
        #expect(eu.contains("127.0.0.1:1  disabled"), "\(eu)")
        #expect(!eu.contains("region us"), "overrides of other regions are not eu's: \(eu)")
        for (option, noun) in [
            ("--region", "region"), ("--pool", "pool"), ("--wide-ip", "wide IP"), ("--upstream", "upstream"),
        ] {
            for more in [["--problems"], ["--json"]] {
                let wrong = try Program.run(
                    Program.binary.path, ["status", option, "euu", "--socket", site.socket] + more)
                #expect(wrong.status == 1 && wrong.output.isEmpty, "\(wrong)")
                #expect(wrong.error.hasPrefix("no \(noun) matches euu; known: "), "\(wrong)")
            }
        }
    }

    @Test("status begins with what is sick: the regions, and what operators did; DNS counters end it")
    func order() throws {
        let site = try CommandSite()
        #expect(try site.call("status").output.split(separator: "\n")[1] == "no problems")
        _ = try site.call("disable", "virtual-server", "eu-1", "--reason", "flood")
        let lines = try site.call("status").output.split(separator: "\n")
        #expect(lines[1].contains("problems: region eu disabled"), "\(lines)")
        #expect(lines[2].hasPrefix("override virtual-server eu-1  disable  flood"), "\(lines)")
        #expect(lines[3].hasPrefix("region eu  disabled  0 of 1 virtual servers available"), "\(lines)")
        #expect(lines.contains { $0.hasPrefix("WIP api.example.com  degraded") }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("listener eu  127.0.0.1:") }, "\(lines)")
        #expect(lines.last?.hasPrefix("  connections") == true, "\(lines)")
        let top = try site.call("top", "--once", "--table", "regions").output
        #expect(try #/eu +disabled/#.firstMatch(in: top) != nil, "\(top)")
    }

    @Test("a route's error is a problem when it is new")
    func routes() throws {
        let site = try CommandSite(
            more: "", members: "")
        _ = try site.call("disable", "member", "app/127.0.0.1:\(site.ports[2])", "--force")
        _ = try Program.run("curl", ["-s", "http://127.0.0.1:\(site.ports[0])/"])
        _ = try site.call("enable", "member", "app/127.0.0.1:\(site.ports[2])")
        try wait(for: "the look at the routes") {
            try site.call("status", "--problems").output.contains("route eu/")
        }
        let text = try site.call("status").output
        #expect(try #/route eu/\S+  requests 1 .*failed \S+ ago/#.firstMatch(in: text) != nil, "\(text)")
    }

    @Test(
        "mistakes in arguments end with 64 and name what was written",
        arguments: [
            ("explain api.example.com", "--client"),
            ("explain http://api.example.com/", "--client"),
            ("explain api.example.com --client 31.0.0", "31.0.0"),
            ("events --subject foo", "foo"),
            ("events --last 10001", "10001"),
            ("audit --last 0", "0"),
            ("drain regoin eu", "regoin"),
            ("drain region eu --for -1h", "-1h"),
            ("drain region eu --for soon", "soon"),
            ("window add w --region eu --weekly tusday --at 02:30 --for 1h", "tusday"),
            ("window add w --region eu --weekly tue --at 2:3 --for 1h", "2:3"),
            ("window add w --region eu --monthly never --at 02:30 --for 1h", "never"),
            ("statsu", "no command statsu; did you mean status?"),
            ("wieght pool eu 50%", "no command wieght; did you mean weight?"),
            ("window lisst", "no command lisst of window; did you mean list?"),
            ("frobnicate", "no command frobnicate; there is run"),
        ])
    func mistakes(line: String, word: String) throws {
        let site = try CommandSite()
        let words = line.split(separator: " ").map(String.init)
        let answer = try Program.run(Program.binary.path, words + ["--socket", site.socket])
        #expect(answer.status == 64 && answer.error.contains(word), "\(line): \(answer)")
    }

    @Test("a name that no zone has is told apart from one that is not steered")
    func noZone() throws {
        let site = try CommandSite()
        let none = try site.call("explain", "www.example.org", "--client", "192.0.2.1").output
        #expect(none.contains("answer: REFUSED: no zone here has this name") && !none.contains("ttl:"), "\(none)")
        let plain = try site.call("explain", "ns1.example.com", "--client", "192.0.2.1").output
        #expect(plain.contains("the name is not steered"), "\(plain)")
    }
}
