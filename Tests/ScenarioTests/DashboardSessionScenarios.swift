import Foundation
import Testing

/// What becomes of those whose session ends while they work.
@Suite("Sessions on the dashboard, in Chromium", .serialized)
struct DashboardSessionScenarios {
    /// A node that operators reach over TCP, with a token.
    private final class Site {
        let token: String
        let url: String
        private let program: Program

        init() throws {
            let (port, dns) = (try freePort(), try freePort())
            let made = try Program.run(Program.binary.path, ["token", "ann", "--role", "operate"])
            token = made.output.trimmingCharacters(in: .newlines)
            let entry = String(made.error.split(separator: "\n").last ?? "").trimmingCharacters(in: .whitespaces)
            let program = try Program(
                NameServerScenarios.configuration(port: dns) + """

                    admin:
                      listen: "127.0.0.1:\(port)"
                      tokens:
                        \(entry)
                    """)
            self.program = program
            url = "http://127.0.0.1:\(port)"
            try wait(for: "the admin API") { program.logged("the admin API listens") }
        }

        func signIn(_ browser: Browser) throws {
            try browser.see("the way to sign in", when: "document.activeElement.id === 'token'")
            try browser.press(token + Browser.Key.enter)
            try browser.see(
                "the page",
                when: "location.pathname === '/operations' && document.querySelector('#who-name').textContent")
        }

        func get(_ path: String, _ more: String...) throws -> String {
            try Program.run("curl", ["--silent", "--include"] + more + [url + path]).output
        }

        func overrides() throws -> String { try get("/v1/overrides", "-H", "Authorization: Bearer \(token)") }
    }

    @Test("who is not signed in any more is told so on the spot, and goes on after the sign-in with what was typed")
    func ended() throws {
        let site = try Site()
        let url = site.url
        let browser = try Browser()
        try browser.open(url + "/operations")
        try browser.see("the way to sign in", when: "location.pathname === '/login'")
        #expect(try browser.holds("!document.querySelector('#ended').checkVisibility()"), "no session has ended")
        try site.signIn(browser)
        try browser.click("button[data-act=override]")
        try browser.select("#act-name")
        try browser.press("e*")
        try browser.select("#act-reason")
        try browser.press("new racks")
        try browser.see("the trial", when: "!document.querySelector('#act-go').disabled")
        try browser.run("return fetch('/v1/session', { method: 'DELETE' }).then((answer) => answer.status)")
        // The page may hear of it by itself before the operator confirms.
        try browser.run("document.querySelector('#act-go').click()")
        try browser.see("that he must sign in", when: "document.querySelector('#act-sign-in').checkVisibility()")
        try browser.see(
            "that nothing was changed",
            when:
                "document.querySelector('#act-error').textContent.includes('not signed in any more, and nothing was changed')"
        )
        #expect(try browser.holds("document.querySelector('#act').open && location.pathname === '/operations'"))
        #expect(try browser.holds("!document.querySelector('#act-go').checkVisibility()"))
        try browser.click("#act-sign-in")
        try browser.see("why he is there", when: "document.querySelector('#ended')?.checkVisibility()")
        try site.signIn(browser)
        try browser.see("the dialog again", when: "document.querySelector('#act').open")
        #expect(try browser.holds("document.querySelector('#act-name').value === 'e*'"))
        #expect(try browser.holds("document.querySelector('#act-reason').value === 'new racks'"))
        #expect(try !site.overrides().contains("new racks"))
        try browser.confirm()
        try browser.see("the dialog to close", when: "!document.querySelector('#act').open")
        #expect(try site.overrides().contains("new racks"))
        // Without a dialog the page leads to the sign-in, and says why.
        try browser.run("return fetch('/v1/session', { method: 'DELETE' }).then((answer) => answer.status)")
        try browser.see(
            "why he is there",
            when: "location.pathname === '/login' && document.querySelector('#ended').checkVisibility()")
        try site.signIn(browser)
        #expect(try browser.holds("!document.querySelector('#act').open"), "what was done is not asked again")
        // As does a page that is asked for with the cookie of a session that is over.
        #expect(try site.get("/events", "-H", "Cookie: meridian_session=over").contains("/login?ended&next=%2Fevents"))
        #expect(try site.get("/events").contains("/login?next=%2Fevents"))
    }

    @Test("who hears of the end of his session while a change is on its way is told in the end what became of it")
    func endedMeanwhile() throws {
        let site = try Site()
        let browser = try Browser()
        try browser.open(site.url + "/operations")
        try site.signIn(browser)
        try browser.click("button[data-act=override]")
        try browser.select("#act-name")
        try browser.press("e*")
        try browser.see("the trial", when: "!document.querySelector('#act-go').disabled")
        try browser.run(Browser.heldChanges)
        try browser.click("#act-go")
        try browser.see("the change on its way", when: "window.release")
        try browser.run("return fetch('/v1/session', { method: 'DELETE' }).then((answer) => answer.status)")
        let told = "document.querySelector('#act-error').textContent"
        try browser.see("what is known by then", when: "\(told).includes('whether the change was made is not known')")
        try browser.run("window.release()")
        try browser.see(
            "what is known now", when: "\(told).includes('not signed in any more, and nothing was changed')")
        #expect(try browser.holds("document.activeElement.id === 'act-sign-in'"))
        #expect(try !site.overrides().contains("e*"))
    }
}
