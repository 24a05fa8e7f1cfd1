import Foundation
import Testing

/// Changes that operators make on the pages, with the mouse and the keyboard of a real browser.
@Suite("Changes on the dashboard, in Chromium", .serialized)
struct DashboardChangeScenarios {
    private typealias Stage = DashboardScenarios.Stage

    /// Trials that the node refuses while a name is half typed.
    private static let trial = "dry_run=true"

    private func call(_ stage: Stage, _ arguments: String...) throws -> (output: String, error: String, status: Int32) {
        try Program.run(Program.binary.path, arguments + ["--socket", "/tmp/meridian-\(stage.dns).sock"])
    }

    /// Opens a dialog of the page of operations and types into its fields.
    private func fill(_ browser: Browser, _ act: String, _ fields: KeyValuePairs<String, String>) throws {
        try browser.click("button[data-act=\(act)]")
        #expect(try browser.holds("document.querySelector('#act').open && document.activeElement.closest('.field')"))
        for (field, text) in fields {
            try browser.select("#act-\(field)")
            try browser.press(text)
        }
    }

    private func choose(_ browser: Browser, _ field: String, _ value: String) throws {
        try browser.run(
            """
            const field = document.querySelector('#act-\(field)');
            field.value = '\(value)';
            field.dispatchEvent(new Event('input', { bubbles: true }));
            """)
    }

    private func confirm(_ browser: Browser) throws {
        try browser.confirm()
        do {
            try browser.see("the dialog to close", when: "!document.querySelector('#act').open")
        } catch {
            Issue.record("\(error): \(try browser.text("#act-error"))")
            throw error
        }
    }

    @Test("a cutover by mouse shows what it moves, names to choose from, and takes effect")
    func cutover() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/operations")
        try fill(browser, "cutover", ["name": "eu", "to": "us"])
        try browser.see(
            "what would move",
            when: "document.querySelector('#act-preview').textContent.includes('api.example.com eu → us')")
        try browser.see(
            "the names of regions",
            when: "[...document.querySelector('#act-name').list.options].map((o) => o.value).join() === 'eu,us'")
        #expect(try stage.answer() == "eu.lb.example.net.", "nothing has moved yet")
        try confirm(browser)
        try wait(for: "the answers to move") { try stage.answer() == "us.lb.example.net." }
        try browser.see(
            "the override",
            when: "document.querySelector('[data-list=overrides] .tag')?.textContent === 'Cut over to us'")
        try browser.click("[data-list=overrides] button[data-act=enable]")
        try confirm(browser)
        try wait(for: "the answers to come back") { try stage.answer() == "eu.lb.example.net." }
        try browser.expectNoComplaints(but: Self.trial)
    }

    /// Lets the page's trials wait for `release()`, and notes changes in `made`.
    private static let slowTrials = """
        const own = window.fetch;
        window.made = [];
        window.held = [];
        window.release = () => { for (const go of window.held.splice(0)) go(); };
        window.fetch = async (path, options) => {
          if (path.includes("dry_run")) await new Promise((resolve) => window.held.push(resolve));
          else if (options?.method) window.made.push(options.method);
          return own(path, options);
        };
        """

    @Test("Enter twice, or held, confirms nothing, and nobody can confirm what he has not seen")
    func keys() throws {
        let stage = try Stage()
        let browser = try Browser()
        let made = { try browser.run("return window.made.length") as? Int }
        try browser.open(stage.url + "/")
        try browser.see("the region", when: "document.querySelector(\"tr[data-key='region:eu'] button[data-act]\")")
        try browser.run(Self.slowTrials)
        try browser.run("document.querySelector(\"tr[data-key='region:eu'] button\").focus()")
        try browser.press(Browser.Key.enter + Browser.Key.enter)
        #expect(try browser.holds("document.querySelector('#act').open && document.querySelector('#act-go').disabled"))
        #expect(try browser.text("#act-preview").contains("Looking at what would move"))
        try browser.press(Browser.Key.escape)
        try browser.hold(enter: 8)
        #expect(try browser.holds("document.querySelector('#act').open && document.querySelector('#act-go').disabled"))
        try browser.run("document.querySelector('#act-form').requestSubmit()")
        #expect(try made() == 0)
        // The trial of the dialog that was closed comes late, and tells nothing about this one.
        try browser.see("both trials", when: "window.held.length === 2")
        try browser.run("window.release()")
        try browser.see("what would move", when: "!document.querySelector('#act-go').disabled")
        #expect(try browser.text("#act-preview").contains("api.example.com eu → us"))
        try browser.press("new racks" + Browser.Key.enter)
        try browser.hold(enter: 8)
        #expect(try browser.holds("document.querySelector('#act').open") && made() == 0, "a field confirms nothing")
        // What is changed is to be seen again, but for the reason.
        try choose(browser, "seconds", "900")
        #expect(try browser.holds("document.querySelector('#act-go').disabled"))
        try browser.see("the trial", when: "window.held.length === 1")
        try browser.run("window.release()")
        try browser.see("what would move", when: "!document.querySelector('#act-go').disabled")
        try browser.run("document.querySelector('#act-go').focus()")
        try browser.press(Browser.Key.enter)
        try browser.see("the dialog to close", when: "!document.querySelector('#act').open")
        #expect(try made() == 1)
        // One without fields.
        try browser.see(
            "the drain", when: "document.querySelector('[data-list=overrides]').textContent.includes('new racks')")
        try browser.run("document.querySelector('[data-list=overrides] button[data-act=enable]').focus()")
        try browser.press(Browser.Key.enter)
        try browser.see("the trial", when: "window.held.length === 1")
        try browser.run("window.release()")
        try browser.see("what would move", when: "!document.querySelector('#act-go').disabled")
        try browser.press(Browser.Key.enter)
        try browser.hold(enter: 8)
        #expect(try browser.holds("document.querySelector('#act').open") && made() == 1)
        // Held on what confirms it is one change, and opens no other.
        try browser.press(Browser.Key.tab + Browser.Key.tab)
        #expect(try browser.holds("document.activeElement.id === 'act-go'"))
        try browser.hold(enter: 8)
        try browser.see("the dialog to close", when: "!document.querySelector('#act').open")
        #expect(try made() == 2)
        try browser.expectNoComplaints(but: Self.trial)
    }

    /// What becomes of a change whose dialog is closed before the node has answered.
    enum Late: CaseIterable {
        case made, kept, refused, lost

        /// What is read out, in small letters.
        var words: String {
            switch self {
            case .made: "region eu drain"
            case .kept: "it is still disabled by pattern e* of region"
            case .refused: "nothing was changed: "
            case .lost: "nothing was changed as far as is known"
            }
        }
    }

    @Test("who closes a dialog while its change is on its way is told once how it ends", arguments: Late.allCases)
    func closed(late: Late) throws {
        let stage = try Stage()
        let browser = try Browser()
        if late == .kept {
            for name in ["e*", "eu"] {
                #expect(try call(stage, "disable", "region", name, "--yes").status == 0)
            }
        }
        try browser.open(stage.url + "/operations")
        try browser.see("the live connection", when: "document.querySelector('#link').dataset.link === 'live'")
        if late == .kept {
            try browser.click("[data-list=overrides] button[data-act=enable][data-subject=eu]")
        } else {
            try fill(browser, "override", ["name": "eu"])
        }
        try browser.see("what would move", when: "!document.querySelector('#act-go').disabled")
        try browser.run(Browser.heldChanges)
        try browser.click("#act-go")
        try browser.see("the change on its way", when: "window.release")
        try browser.press(Browser.Key.escape)
        #expect(try browser.holds("!document.querySelector('#act').open"))
        // Another dialog has nothing to do with it.
        try fill(browser, "weight", ["name": "us"])
        if late == .refused {
            #expect(try call(stage, "drain", "pool", "us", "--reason", "patching", "--yes").status == 0)
        }
        try browser.run(late == .lost ? "window.lose()" : "window.release()")
        let told = "document.querySelector('#announcer').textContent.toLowerCase()"
        try browser.see("how it ended", when: "\(told).includes('\(late.words)')")
        try browser.seeUpdates(2)
        let text = try browser.text("#announcer").lowercased()
        #expect(text.split(separator: late.words, omittingEmptySubsequences: false).count == 2, "\(text)")
        #expect(
            try browser.holds(
                "document.querySelector('#act').open && !document.querySelector('#act-refusal').checkVisibility()"))
        #expect(try browser.text("#act-title") == "Change a weight")
        #expect(try browser.holds("document.querySelector('#act-name').value === 'us'"))
        try browser.see("that it can be confirmed", when: "!document.querySelector('#act-go').disabled")
        try browser.expectNoComplaints(but: Self.trial, "status of 4")
    }

    @Test("a shift and a weight are made by mouse, and what the node refuses is marked in its field")
    func shift() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/operations")
        try fill(browser, "shift", ["from": "eu", "to": "us", "share": "100", "reason": "test of capacity"])
        try browser.see(
            "what would move",
            when: "document.querySelector('#act-preview').textContent.includes('api.example.com eu → us')")
        try confirm(browser)
        try browser.see(
            "the shift", when: "document.querySelector('[data-list=shifts]').textContent.includes('eu → us')")
        #expect(try call(stage, "shift", "list").output.contains("test of capacity"))
        // What makes it void is told before and after.
        try fill(browser, "cutover", ["name": "eu", "to": "us"])
        let void = "region eu is cut over to us"
        try browser.see(
            "what becomes of it",
            when: "document.querySelector('#act-preview').textContent.includes('shift 1 would move nobody: \(void)')")
        try confirm(browser)
        let idle = "document.querySelector('[data-list=shifts] .alert')"
        try browser.see("why it moves nobody", when: "\(idle)?.textContent === 'Moves nobody: \(void)'")
        #expect(try call(stage, "enable", "region", "eu").status == 0)
        try browser.see("it to move again", when: "\(idle).textContent === '' && !\(idle).checkVisibility()")
        try browser.click("[data-list=shifts] button[data-act=cancel-shift]")
        try confirm(browser)

        let member = "eu/127.0.0.1:\(stage.eu[0].port)"
        try fill(browser, "weight", ["name": member, "factor": "25"])
        try choose(browser, "kind", "member")
        try confirm(browser)
        #expect(try call(stage, "status").output.contains("override member \(member)  weight 0.25"))
        // A field that a browser lets through and the node does not.
        try fill(browser, "weight", ["name": "eu", "factor": "50", "reason": "too loud"])
        try browser.run("document.querySelector('#act-reason').value += '\\u0007'")
        try browser.confirm()
        try browser.see(
            "the field that is wrong",
            when: "document.querySelector('#act-reason').getAttribute('aria-invalid') === 'true'")
        #expect(try browser.text("#act-error").contains("control characters"))
        #expect(
            try browser.holds(
                "document.activeElement.id === 'act-reason' && document.activeElement.getAttribute('aria-describedby') === 'act-error'"
            ))
        try browser.expectNoComplaints(but: Self.trial, "status of 40")
    }

    @Test("windows are planned once and by the calendar, and cancelled")
    func windows() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/operations")
        try fill(browser, "window", ["window": "patch day", "name": "eu"])
        try browser.click("#act-go")
        #expect(try browser.holds("document.querySelector('#act').open"), "a name with a space is no window's")
        try browser.select("#act-window")
        try browser.press("patch")
        // One that drains already by the time of the next change would be a change too.
        try choose(browser, "start", "2090-01-01T02:00")
        try browser.see(
            "what would move", when: "document.querySelector('#act-preview').textContent.includes('api.example.com')")
        try confirm(browser)
        // One of all regions would be refused, and is planned all the same.
        try fill(browser, "window", ["window": "all", "name": "*"])
        try choose(browser, "verdict", "disable")
        try choose(browser, "start", "2090-01-01T02:00")
        try browser.see(
            "that it would be refused",
            when:
                "document.querySelector('#act-preview').textContent.includes('its run would be refused if it began now: ')"
        )
        try browser.press(Browser.Key.escape)
        let begun = Date(timeIntervalSinceNow: -10).formatted(.iso8601)
        #expect(
            try call(
                stage, "window", "add", "all", "--region", "*", "--from", begun, "--for", "1h", "--disable"
            ).status == 0)
        try browser.see(
            "why it may not begin",
            when:
                "document.querySelector('[data-list=windows] .alert:not(:empty)')?.textContent.startsWith('May not begin: ')"
        )
        #expect(try call(stage, "window", "cancel", "all").status == 0)
        try fill(browser, "window", ["window": "kernel", "name": "us-1"])
        try choose(browser, "kind", "virtual-server")
        try choose(browser, "repeats", "weekly")
        #expect(
            try browser.holds(
                "!document.querySelector('#act-start').checkVisibility() && document.querySelector('#act-days').checkVisibility()"
            ))
        try browser.select("#act-days")
        try browser.press("tue, thu")
        // Half a day from now, so that on no day it is about to begin or open.
        let away = try browser.run("return new Date(Date.now() + 43_200_000).toTimeString().slice(0, 5)")
        try choose(browser, "at", away as? String ?? "")
        try confirm(browser)
        let list = try call(stage, "window", "list").output
        #expect(list.contains("window patch") && list.contains("window kernel") && list.contains("tue"), "\(list)")
        try browser.see("the windows", when: "document.querySelectorAll('[data-list=windows] > li').length === 2")
        try browser.click("[data-list=windows] button[data-act=cancel-window]")
        try confirm(browser)
        try browser.see("one to go", when: "document.querySelectorAll('[data-list=windows] > li').length === 1")
        try browser.expectNoComplaints(but: Self.trial)
    }

    @Test("what somebody else changed meanwhile is told, and the change is made only when it is confirmed again")
    func stale() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/operations")
        try fill(browser, "override", ["name": "us-1"])
        try choose(browser, "kind", "virtual-server")
        // By then it is known, too, what was there when the dialog was opened.
        try browser.see("what would move", when: "!document.querySelector('#act-go').disabled")
        #expect(try call(stage, "drain", "pool", "us", "--reason", "patching", "--yes").status == 0)
        try browser.confirm()
        try browser.see(
            "the refusal", when: "document.querySelector('#act-error').textContent.includes('somebody was faster')")
        let told = try browser.text("#act-error")
        #expect(told.contains("pool us drain") && told.contains("patching"), "\(told)")
        #expect(try !call(stage, "status").output.contains("override virtual-server us-1"), "nothing was changed")
        #expect(try browser.holds("document.querySelector('#act-force-part').hidden"), "that is nothing to force")
        try confirm(browser)
        #expect(try call(stage, "status").output.contains("override virtual-server us-1"))
        try browser.expectNoComplaints(but: Self.trial, "status of 4")
    }

    @Test("a virtual server that waits for an operator says so, in status too, and is resumed by mouse")
    func resume() throws {
        let port = try freePort()
        var member: MemberProcess? = try MemberProcess(port: port)
        let dns = try freePort()
        let socket = "/tmp/meridian-\(dns).sock"
        let program = try Program(
            """
            dns: { listen: ["127.0.0.1:\(dns)"] }
            admin: { socket: \(socket) }
            regions: { eu: { host: eu.lb.example.net }, us: { host: us.lb.example.net } }
            monitors: { web: { tcp: {}, interval: 100ms, rise: 1, fall: 1 } }
            virtual_servers:
              eu-1: { address: "127.0.0.1:\(port)", region: eu, monitors: [web], failback: { manual: true } }
              eu-2: { address: "127.0.0.1:\(port)", region: eu, monitors: [web], failback: { hold: 1h } }
              us-1: { address: "198.51.100.1:443", region: us }
            pools: { eu: { virtual_servers: [eu-1, eu-2] }, us: { virtual_servers: [us-1] } }
            wide_ips: { api.example.com: { pools: [eu, us] } }
            zones: { example.com: { ns: [ns1.example.com] }, example.net: { ns: [ns1.example.com] } }
            """)
        func status(_ arguments: String...) throws -> String {
            try Program.run(Program.binary.path, ["status", "--socket", socket] + arguments).output
        }
        func answer() throws -> String { try Program.dig(dns, "api.example.com", "+short") }
        try wait(for: "eu") { try answer() == "eu.lb.example.net.\n" }
        member?.kill()
        try wait(for: "us") { try answer() == "us.lb.example.net.\n" }
        member = try MemberProcess(port: port)
        try wait(for: "both to be held") {
            let text = try status()
            return text.contains("meridian resume eu-1") && text.contains("let in again in")
        }
        let text = try status("--problems")
        #expect(text.contains("kept out: waits until an operator resumes it (meridian resume eu-1)"), "\(text)")
        #expect(text.contains("kept out: up for too short a time (let in again in 3"), "\(text)")
        let json = try #require(try JSONSerialization.jsonObject(with: Data(status("--json").utf8)) as? [String: Any])
        let servers = try #require(json["virtualServers"] as? [[String: Any]])
        let holds = servers.map { ($0["hold"] as? [String: Any])?["kind"] as? String }
        #expect(holds == ["manual", "hold-down", nil], "\(servers)")

        let bridge = try SocketBridge(to: socket)
        let browser = try Browser()
        try browser.open("http://127.0.0.1:\(bridge.port)/")
        let row = "[data-key='virtual-server:eu-1']"
        try browser.see(
            "the problem",
            when: "document.querySelector(\"\(row)\")?.textContent.includes('Waits until an operator resumes it')")
        #expect(try browser.text("[data-key='virtual-server:eu-2']").contains(/let in again in [345]\d min/))
        #expect(
            try browser.holds(
                "!document.querySelector(\"[data-key='virtual-server:eu-2'] button\").checkVisibility({ visibilityProperty: true })"
            ))
        try browser.click("\(row) button[data-act=resume]")
        #expect(try browser.text("#act-title") == "Resume virtual server eu-1?")
        try confirm(browser)
        try wait(for: "eu again") { try answer() == "eu.lb.example.net.\n" }
        try browser.expectNoComplaints(but: Self.trial)
        withExtendedLifetime((program, member)) {}
    }

    @Test("dialogs fit a phone, in light and dark, and every field has its label", arguments: [false, true])
    func phone(isDark: Bool) throws {
        let stage = try Stage()
        let browser = try Browser(width: 360, height: 640, isDark: isDark)
        try browser.open(stage.url + "/operations")
        for act in ["override", "weight", "cutover", "shift", "window"] {
            try browser.click("button[data-act=\(act)]")
            let unnamed =
                try browser.run(
                    "return [...document.querySelectorAll('#act input:not([disabled]), #act select:not([disabled])')].filter((e) => e.labels.length !== 1).length"
                ) as? Int
            #expect(unnamed == 0, "\(act)")
            #expect(
                try browser.holds(
                    """
                    (() => { const d = document.querySelector('#act'), r = d.getBoundingClientRect();
                    return d.scrollWidth <= d.clientWidth && r.left >= 0 && r.right <= innerWidth && r.top >= 0 && r.bottom <= innerHeight
                      && document.querySelector('#act-go').getBoundingClientRect().bottom <= innerHeight; })()
                    """), "\(act)")
            #expect(try browser.run(DashboardScenarios.contrast) as? [String] == [], "\(act), dark: \(isDark)")
            try browser.press(Browser.Key.escape)
            #expect(
                try browser.holds("document.activeElement.dataset.act === '\(act)'"), "the focus is where it was")
        }
        try browser.expectNoComplaints(but: Self.trial)
    }

    @Test("service levels are on the pages, the worst first")
    func levels() throws {
        let stage = try Stage()
        let load = try Load(stage.ports[0], seconds: 1)
        _ = try load.result()
        let browser = try Browser()
        try browser.open(stage.url + "/traffic")
        let own = "document.querySelector('[data-list=levels] > [data-key=\"pool:eu\"]')"
        try browser.see("the pool", when: "\(own)?.textContent.includes('99.9%')")
        try browser.see(
            "it to be kept", when: "document.querySelector('[data-key=\"pool:eu\"] .word').textContent === 'Kept'")
        for member in stage.eu { member.kill() }
        let more = try Load(stage.ports[0], seconds: 1)
        _ = try more.result()
        try browser.see(
            "the budget to be spent",
            when: "document.querySelector('[data-list=levels] > tr').textContent.includes('overspent')")
        #expect(try browser.text("[data-list=levels] > tr .word") == "Spent")
        try browser.open(stage.url + "/")
        try browser.see(
            "the levels", when: "document.querySelector('[data-list=levels] > tr')?.dataset.state === 'down'")
        try browser.expectNoComplaints(but: Self.trial)
    }
}
