import Foundation
import Testing

/// What somebody who is on call sees first, and where he can get lost.
@Suite("The dashboard for who is on call, in Chromium", .serialized)
struct DashboardOverviewScenarios {
    private typealias Stage = DashboardScenarios.Stage

    private func call(_ stage: Stage, _ arguments: String...) throws {
        let result = try Program.run(
            Program.binary.path, arguments + ["--socket", "/tmp/meridian-\(stage.dns).sock"])
        guard result.status == 0 else { throw Program.Failure(description: "\(arguments): \(result.error)") }
    }

    @Test("what needs attention is seen without scrolling, above all figures", arguments: [(1280, 1000), (390, 844)])
    func first(width: Int, height: Int) throws {
        let stage = try Stage()
        let browser = try Browser(width: width, height: height)
        stage.eu[0].kill()
        try browser.open(stage.url + "/")
        try browser.see("the problem", when: "document.querySelector('[data-list=problems] > li')")
        #expect(
            try browser.holds(
                """
                (() => { const box = (s) => document.querySelector(s).getBoundingClientRect();
                const row = box('[data-list=problems] > li');
                return row.top >= 0 && row.bottom <= Math.min(innerHeight, box('.tiles').top); })()
                """))
        #expect(
            try browser.holds(
                "document.querySelector('.attention').compareDocumentPosition(document.querySelector('.tiles')) & 4"),
            "screen readers and the keyboard come to it first, too")
        // So does a file that is not in force.
        let yaml = try String(contentsOf: stage.program.configuration, encoding: .utf8)
        try stage.program.replaceConfiguration("regionz: {}\n" + yaml)
        #expect(throws: (any Error).self) { try call(stage, "reload") }
        let row = "document.querySelector(\"[data-list=problems] > [data-key='reload']\")"
        try browser.see("the refused reload", when: "\(row)?.textContent.includes('meridian.yaml:1:1: ')")
        #expect(try browser.holds("\(row).getBoundingClientRect().bottom <= innerHeight"))
        #expect(
            try browser.holds(
                "!\(row).querySelector('button').checkVisibility({ visibilityProperty: true })"))
        #expect(try browser.holds("document.documentElement.scrollWidth <= innerWidth"))
        try stage.program.replaceConfiguration(yaml)
        try call(stage, "reload")
        try browser.see("it to go", when: "!\(row)")
    }

    @Test("an order with a pattern is one thing that needs attention, and is ended there")
    func pattern() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/")
        try browser.see(
            "all to be well", when: "document.querySelector('.attention .empty').checkVisibility()")
        try call(stage, "disable", "region", "e*", "--reason", "new racks", "--yes")
        let list = "document.querySelector('[data-list=problems]')"
        try browser.see("the order", when: "\(list).textContent.includes('new racks')")
        try browser.see("nothing else", when: "\(list).children.length === 1")
        let text = try browser.text("[data-list=problems] > li")
        #expect(text.contains("Region e*") && text.contains("region eu; pool eu; virtual server eu-1"), "\(text)")
        try browser.see("their number", when: "document.querySelector('[data-page=problems]').textContent === '1'")
        try browser.click("[data-list=problems] button[data-act=enable]")
        #expect(try browser.text("#act-title") == "Enable region e*?")
        try browser.confirm()
        try browser.see("all to be well again", when: "\(list).children.length === 0")
        // What holds all the same is told, and the dialog stays to be read.
        try call(stage, "disable", "region", "e*", "--reason", "new racks", "--yes")
        try call(stage, "drain", "region", "eu", "--yes")
        try browser.open(stage.url + "/operations")
        let own = "[data-key='region:eu::drain']"
        try browser.see("its own order", when: "document.querySelector(\"\(own)\")")
        try browser.click("\(own) button[data-act=enable]")
        try browser.confirm()
        try browser.see("what holds", when: "document.querySelector('#act-refusal').checkVisibility()")
        let held = try browser.text("#act-error")
        #expect(held.hasPrefix("It is still disabled by pattern e* of region ("), "\(held)")
        #expect(held.contains("“new racks”)") && held.contains("Operations"), "\(held)")
        #expect(try browser.holds("!document.querySelector('#act-go').checkVisibility()"))
        #expect(try browser.text("#act-cancel") == "Close")
        try browser.press(Browser.Key.enter)
        #expect(try browser.holds("!document.querySelector('#act').open"))
        try browser.see("its row to go", when: "!document.querySelector(\"\(own)\")")
        try browser.click("[data-list=overrides] button[data-act=enable]")
        #expect(try browser.text("#act-cancel") == "Cancel")
        #expect(try browser.holds("document.querySelector('#act-go').checkVisibility()"))
        try browser.confirm()
        try browser.see("the dialog to close", when: "!document.querySelector('#act').open")
        try browser.expectNoComplaints(but: "dry_run=true")
    }

    @Test("a region that is cut over is shown so, and what took its place")
    func cutOver() throws {
        let stage = try Stage()
        let browser = try Browser()
        try call(stage, "cutover", "eu", "us", "--reason", "flood", "--yes")
        try browser.open(stage.url + "/")
        try browser.see(
            "the region", when: "document.querySelector(\"tr[data-key='region:eu']\")?.dataset.state === 'cut-over'")
        #expect(try browser.text("tr[data-key='region:eu'] .word") == "Cut over")
        try browser.see(
            "what took its place",
            when: "document.querySelector('[data-list=problems] > li .word')?.textContent === 'Cut over to us'")
        try browser.see(
            "the headline", when: "document.querySelector('.verdict').textContent.includes('Region eu is cut over')")
        try browser.open(stage.url + "/services?q=eu")
        try browser.see(
            "the pool", when: "document.querySelector(\"tr[data-key='p:eu']\")?.dataset.state === 'cut-over'")
    }

    @Test("a dialog names the order of somebody else whose place a change takes")
    func replaced() throws {
        let stage = try Stage()
        let browser = try Browser()
        try call(stage, "force-down", "region", "eu", "--reason", "fire, do not touch", "--yes")
        try browser.open(stage.url + "/operations")
        try browser.click("button[data-act=override]")
        try browser.click("#act-name")
        try browser.press("eu")
        try browser.see(
            "what is replaced",
            when:
                "document.querySelector('#act-preview').textContent.includes('takes the place of force-down of region eu')"
        )
        let told = try browser.text("#act-preview")
        #expect(told.contains("“fire, do not touch”") && told.contains("has no end of its own"), "\(told)")
        try browser.press(Browser.Key.escape)
        try call(stage, "drain", "region", "us", "--for", "1h", "--reason", "patch", "--force", "--yes")
        try browser.click("button[data-act=override]")
        try browser.click("#act-name")
        try browser.press("us")
        try browser.see(
            "what is replaced", when: "document.querySelector('#act-preview').textContent.includes('ends by itself')")
    }

    @Test("times say of which zone they are")
    func zone() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.develop("Emulation.setTimezoneOverride", ["timezoneId": "Asia/Kolkata"])
        try call(stage, "drain", "region", "eu", "--for", "1h", "--yes")
        try call(
            stage, "window", "add", "patch", "--region", "us", "--from", "2090-01-01T02:00:00Z", "--for", "2h")
        try browser.open(stage.url + "/operations")
        try browser.click("button[data-act=window]")
        // Chromium has an old name for it.
        #expect(try browser.text("label[for=act-start]").contains(/Starts Asia\/(Calcutta|Kolkata)/))
        try browser.press(Browser.Key.escape)
        let window = "[data-list=windows] time[data-time]"
        try browser.see("the window", when: "document.querySelector('\(window)')?.textContent")
        let start = try browser.text(window)
        #expect(start.contains("GMT+5:30") && start.contains("07:30"), "\(start)")
        for page in ["/operations", "/events", "/"] {
            try browser.open(stage.url + page)
            try browser.see("times", when: "document.querySelector('time[data-time]')?.title")
            let titles =
                try browser.run(
                    "return [...document.querySelectorAll('time[data-time]')].map((t) => t.title).filter(Boolean)")
                as? [String] ?? []
            #expect(!titles.isEmpty && titles.allSatisfy { $0.contains("GMT+5:30") }, "\(titles)")
        }
    }

    @Test(
        "ages, ends and the start of a window are by the node's clock, wherever the browser's is", arguments: [-3, 3])
    func foreignClock(hours: Int) throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.develop(
            "Page.addScriptToEvaluateOnNewDocument",
            [
                "source": """
                const Own = Date;
                Date = class extends Own {
                  constructor(...parts) { if (parts.length) super(...parts); else super(Date.now()); }
                  static now() { return Own.now() + \(hours) * 3600_000; }
                };
                """
            ])
        try call(stage, "drain", "region", "eu", "--for", "10m", "--yes")
        try browser.open(stage.url + "/")
        #expect(try browser.holds("Math.abs(Date.now() - new Date(performance.timeOrigin)) > 3_000_000"))
        try browser.see("the drain", when: "document.querySelector('[data-list=overrides] time')?.textContent")
        for isLive in [false, true] {
            if isLive {
                try browser.see("the node's word", when: "document.querySelector('#link').dataset.link === 'live'")
            }
            let times =
                try browser.run("return [...document.querySelectorAll('time[data-time]')].map((t) => t.textContent)")
                as? [String] ?? []
            let told = times.filter { !$0.isEmpty }
            #expect(told.count >= 3 && told.allSatisfy { !$0.contains("hr") && !$0.contains(":") }, "\(told)")
            #expect(told.contains { $0.contains(/in (8|9|10) min/) }, "\(told)")
        }
        try browser.open(stage.url + "/operations")
        try browser.click("button[data-act=window]")
        let start = try browser.run("return new Date(document.querySelector('#act-start').value).getTime()") as? Double
        let ahead = (start ?? 0) / 1000 - Date().timeIntervalSince1970
        #expect(ahead > -120 && ahead <= 3700, "the next full hour, and not \(ahead) s from now")
    }

    @Test("who follows a wrong link gets a page that leads on, and a program a problem")
    func missing() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/sevices/%3Cscript%3E?q=eu")
        try browser.see("the live connection", when: "document.querySelector('#link').dataset.link === 'live'")
        #expect(try browser.text("main h1") == "There is no such page")
        #expect(try browser.text("main code") == "/sevices/%3Cscript%3E")
        #expect(try browser.run("return performance.getEntriesByType('navigation')[0].responseStatus") as? Int == 404)
        try browser.click("main a[href='/']")
        try browser.see("the overview", when: "location.pathname === '/'")
        try browser.expectNoComplaints(but: "404")
        func type(_ path: String, _ more: String...) throws -> String {
            try Program.run(
                "curl",
                ["--silent", "--output", "/dev/null", "--write-out", "%{http_code} %{content_type}"] + more
                    + [stage.url + path]
            ).output
        }
        let browserAccept = ["-H", "Accept: text/html,application/xhtml+xml,*/*;q=0.8"]
        #expect(try type("/x", browserAccept[0], browserAccept[1]) == "404 text/html; charset=utf-8")
        #expect(try type("/x") == "404 application/problem+json")
        #expect(try type("/x", "-X", "POST", browserAccept[0], browserAccept[1]) == "404 application/problem+json")
        #expect(try type("/v1/nothing", browserAccept[0], browserAccept[1]) == "404 application/problem+json")
        #expect(try type("/v1", browserAccept[0], browserAccept[1]) == "404 application/problem+json")
    }

    @Test("over TCP nobody learns from a wrong link how the node fares")
    func missingForStrangers() throws {
        let (port, dns) = (try freePort(), try freePort())
        let made = try Program.run(Program.binary.path, ["token", "ann", "--role", "view"])
        let entry = String(made.error.split(separator: "\n").last ?? "").trimmingCharacters(in: .whitespaces)
        let program = try Program(
            NameServerScenarios.configuration(port: dns) + """

                admin:
                  listen: "127.0.0.1:\(port)"
                  tokens:
                    \(entry)
                """)
        try wait(for: "the admin API") { program.logged("the admin API listens") }
        let answer = try Program.run(
            "curl", ["--silent", "--include", "-H", "Accept: text/html", "http://127.0.0.1:\(port)/nothing?a=b"]
        ).output
        #expect(answer.hasPrefix("HTTP/1.1 303") && answer.lowercased().contains("location: /login?next="), "\(answer)")
        #expect(!answer.contains("Generation"))
    }
}
