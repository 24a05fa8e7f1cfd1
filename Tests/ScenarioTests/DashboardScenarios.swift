import Foundation
import Testing

/// The dashboard as people see it: in a real browser, on the real binary.
@Suite("Dashboard, in Chromium", .serialized)
struct DashboardScenarios {
    /// Two regions, each with a VIP of this node and members behind it.
    final class Stage {
        let dns: Int
        /// Ports of the VIPs, of `eu` and `us`.
        let ports: [Int]
        let program: Program
        let bridge: SocketBridge
        let eu: [MemberProcess]
        let us: [MemberProcess]
        var url: String { "http://127.0.0.1:\(bridge.port)" }

        init(extra: String = "") throws {
            dns = try freePort()
            let ports = [try freePort(), try freePort()]
            self.ports = ports
            eu = [try MemberProcess(port: try freePort()), try MemberProcess(port: try freePort())]
            us = [try MemberProcess(port: try freePort())]
            let socket = "/tmp/meridian-\(dns).sock"
            func members(_ list: [MemberProcess]) -> String {
                list.map { "\"127.0.0.1:\($0.port)\"" }.joined(separator: ", ")
            }
            program = try Program(
                """
                dns: { listen: ["127.0.0.1:\(dns)"] }
                monitors:
                  # A busy machine is late for a check or two; who is killed refuses the next three at once.
                  check: { http: { path: / }, interval: 500ms, timeout: 500ms, rise: 1, fall: 3 }
                regions:
                  eu: { host: eu.lb.example.net, location: { latitude: 52.2, longitude: 21.0 } }
                  us: { host: us.lb.example.net, location: { latitude: 39.0, longitude: -77.5 } }
                virtual_servers:
                  eu-1: { address: "127.0.0.1:\(ports[0])", region: eu }
                  us-1: { address: "127.0.0.1:\(ports[1])", region: us }
                pools:
                  eu: { region: eu, virtual_servers: [eu-1] }
                  us: { region: us, virtual_servers: [us-1] }
                wide_ips:
                  api.example.com: { pools: [eu, us], method: global-availability }
                zones:
                  example.com: { ns: [ns1.example.com], records: { ns1: { A: [127.0.0.1] } } }
                  example.net: { ns: [ns1.example.com] }
                listeners:
                  eu: { address: "127.0.0.1:\(ports[0])", upstream: eu }
                  us: { address: "127.0.0.1:\(ports[1])", upstream: us }
                upstreams:
                  eu: { members: [\(members(eu))], monitors: [check] }
                  us: { members: [\(members(us))], monitors: [check] }
                admin: { socket: \(socket) }
                \(extra)
                """)
            bridge = try SocketBridge(to: socket)
        }

        /// What the wide IP answers.
        func answer() throws -> String {
            try Program.data(dns, "api.example.com", "CNAME").joined(separator: " ")
        }
    }

    static let pages = ["/", "/services", "/traffic", "/operations", "/events", "/explain", "/login"]

    /// Text whose contrast with what is behind it is below WCAG AA.
    static let contrast = """
        const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        const rgba = (colour) => {
          canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
          const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255];
        };
        const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
        const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, part, i) => {
          const v = c[i] / 255; return sum + part * (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); }, 0);
        const ground = (e) => {
          const layers = [];
          for (let at = e; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
          return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
        };
        const bad = [];
        for (const e of document.querySelectorAll("body *")) {
          if (e.closest("svg, noscript, .quiet, [hidden], .skip") || !e.checkVisibility()) continue;
          if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
          const style = getComputedStyle(e), below = ground(e), ink = over(rgba(style.color), below);
          const [a, b] = [light(ink), light(below)].sort((x, y) => y - x);
          const size = parseFloat(style.fontSize), isLarge = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
          if ((a + 0.05) / (b + 0.05) < (isLarge ? 3 : 4.5))
            bad.push(`${e.tagName} "${e.textContent.trim().slice(0, 40)}" ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
        }
        return bad;
        """

    @Test("pages load without a complaint, in light and dark, and fit a phone", arguments: [false, true])
    func pages(isDark: Bool) throws {
        let stage = try Stage()
        let browser = try Browser(isDark: isDark)
        for width in [1440, 360] {
            try browser.resize(width, 800)
            for page in Self.pages {
                try browser.open(stage.url + page)
                if page != "/login" {
                    try browser.see(
                        "the live connection of \(page)",
                        when: "document.querySelector('#link').dataset.link === 'live'")
                }
                try browser.expectNoComplaints(comment: "\(page), \(width) pixels wide")
                let overhang = try browser.run("return document.documentElement.scrollWidth - innerWidth") as? Int
                #expect(overhang == 0, "\(page) scrolls sideways at \(width) pixels")
                #expect(try browser.run(Self.contrast) as? [String] == [], "\(page), dark: \(isDark)")
                #expect(
                    try browser.holds("document.querySelectorAll('main').length === 1 && document.querySelector('h1')"))
            }
        }
    }

    @Test(
        "nothing is loaded from elsewhere, files are kept for ever under their version, and pages say what is allowed")
    func headers() throws {
        let stage = try Stage()
        func get(_ path: String, _ more: String...) throws -> String {
            try Program.run("curl", ["--silent", "--include", "--max-time", "30"] + more + [stage.url + path]).output
        }
        let page = try get("/")
        #expect(
            page.contains("content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'")
                || page.contains("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'"),
            "\(page.prefix(800))")
        #expect(
            !page.contains("unsafe-inline") && !page.contains("https://") && !page.contains(" style=\"")
                && !page.contains("onclick"))
        let path = try #require(page.firstMatch(of: /href="(\/assets\/[^"]*\/style.css)"/)?.1)
        let style = try get(String(path))
        #expect(style.lowercased().contains("cache-control: public, max-age=31536000, immutable"))
        let tag = try #require(style.firstMatch(of: /(?i)etag: ("[^"]*")/)?.1)
        #expect(try get(String(path), "-H", "If-None-Match: \(tag)").contains("304 Not Modified"))
        #expect(try get("/assets/x/style.css").lowercased().contains("cache-control: no-cache"), "of another version")
        #expect(try get("/assets/x/nothing.js").contains("404 Not Found"))
        #expect(try get("/assets/x/..%2f..%2fetc%2fpasswd").contains("404 Not Found"))
    }

    @Test("rows that come while a page is open come without a complaint, whatever they lack")
    func newRows() throws {
        let stage = try Stage()
        let browser = try Browser()
        for page in ["/", "/services", "/traffic", "/operations", "/events"] {
            try browser.open(stage.url + page)
            let lists =
                try browser.run(
                    """
                    return import(document.querySelector("link[rel=modulepreload]").href).then((live) => {
                      const names = [...document.querySelectorAll("template[id^='t-']")].map((e) => e.id.slice(2));
                      for (const name of names) live.syncList(name, [{ k: "new", s: "", f: {} }]);
                      return names.filter((name) => document.querySelector(`[data-list="${name}"] > [data-key=new]`));
                    });
                    """) as? [String] ?? []
            #expect(!lists.isEmpty && (page != "/" || lists.contains("flows")), "\(page): \(lists)")
            try browser.expectNoComplaints(comment: "\(page)")
        }
    }

    @Test("a page that has been loaded takes keys and clicks: no script of it is still to come")
    func scripts() throws {
        let stage = try Stage()
        for page in ["/services", "/traffic", "/"] {
            // A new one each time, that has none of them yet.
            let browser = try Browser()
            try browser.open(stage.url + page)
            try browser.see("the live connection", when: "document.querySelector('#link').dataset.link === 'live'")
            let late =
                try browser.run(
                    """
                    const loaded = performance.getEntriesByType("navigation")[0].loadEventStart;
                    const scripts = performance.getEntriesByType("resource").filter((e) => e.name.endsWith(".js"));
                    return scripts.length ? scripts.filter((e) => e.responseEnd > loaded).map((e) => e.name) : ["none"];
                    """) as? [String]
            #expect(late == [], "\(page)")
        }
    }

    @Test("a chart that is asked for another range is not given the points of the first, however late they come")
    func lateHistory() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/traffic")
        try browser.see("the charts", when: "document.querySelectorAll('.plot .zone').length === 6")
        try browser.run(
            """
            const own = window.fetch;
            const points = (count) => Array.from({ length: count }, (_, i) => [Date.now() - i * 1000, 1, 0, 1, 0, 0, 1, 1, 1]);
            const json = (value) => new Response(JSON.stringify(value.reverse()));
            window.fetch = async (path, options) => {
              if (path === "/history?range=1h") return json(points(2));
              if (path !== "/history?range=5m") return own(path, options);
              await new Promise((resolve) => { window.release = resolve; });
              return json(points(7));
            };
            """)
        try browser.click("[data-range='5m']")
        try browser.click("[data-range='1h']")
        let last = "document.querySelector('.plot').getAttribute('aria-valuemax')"
        try browser.see("the points of the hour", when: "window.release && \(last) === '1'")
        try browser.run("window.release()")
        try browser.seeUpdates(2)
        #expect(try browser.run("return \(last)") as? String == "1")
    }

    @Test("a member's death shows on an open page, in its place, without a reload")
    func death() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/services")
        let row = "document.querySelector('tr[data-key$=\"m:eu/127.0.0.1:\(stage.eu[0].port)\"]')"
        try browser.see("the member", when: "\(row)?.dataset.state === 'up'")
        try browser.run(
            "window.before = \(row); window.died = 0; new MutationObserver(() => { if (\(row).dataset.state === 'down' && !window.died) window.died = Date.now(); }).observe(\(row), { attributes: true });"
        )
        let start = Int(Date().timeIntervalSince1970 * 1000)
        stage.eu[0].kill()
        try browser.see("the member to be shown down", when: "window.died > 0")
        let died = try browser.run("return window.died") as? Int ?? 0
        print("dashboard: a member's death is on the page \(died - start) ms after the kill")
        #expect(try browser.holds("\(row) === window.before"), "the row is still the same element")
        #expect(try browser.text("tr[data-key$='\(stage.eu[0].port)'] .word") == "Down")
        try browser.see(
            "the headline", when: "document.querySelector('.verdict').textContent.includes('1 of 3 members is down')")
        try browser.open(stage.url + "/")
        try browser.see(
            "the problem",
            when: "document.querySelector('[data-list=problems]').textContent.includes('\(stage.eu[0].port)')")
        // A check that a busy machine was late for says so until the next.
        try browser.see(
            "why",
            when: "document.querySelector('[data-list=problems]').textContent.includes('connection refused')")
        try browser.open(stage.url + "/events")
        #expect(try browser.text("[data-list=events]").contains("eu/127.0.0.1:\(stage.eu[0].port)"))
        try browser.expectNoComplaints()
    }

    @Test("a drain by mouse moves the answers, and what was typed is text and nothing else")
    func drain() throws {
        let stage = try Stage()
        let browser = try Browser()
        try wait(for: "the answers of eu") { try stage.answer() == "eu.lb.example.net." }
        try browser.open(stage.url + "/")
        try browser.click("tr[data-key='region:eu'] button[data-act=drain]")
        #expect(try browser.text("#act-title") == "Drain region eu?")
        let reason = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
        try browser.press(reason)
        #expect(try browser.holds("document.querySelector('#act-reason').value === \(Self.literal(reason))"))
        try browser.confirm()
        try wait(for: "the answers to move") { try stage.answer() == "us.lb.example.net." }
        for page in ["/", "/operations", "/events"] {
            try browser.open(stage.url + page)
            try browser.see(
                "the reason on \(page)",
                when: "document.querySelector('main').textContent.includes('onerror=window.hacked')")
            #expect(
                try browser.holds("window.hacked === undefined && !document.querySelector('main script, main img')"))
        }
        try browser.expectNoComplaints()
        // And back, without a mouse.
        try browser.open(stage.url + "/operations")
        try browser.run("document.querySelector('[data-list=overrides] button[data-act=enable]').focus()")
        try browser.press(Browser.Key.enter)
        #expect(try browser.text("#act-title") == "Enable region eu?")
        try browser.see("what would move", when: "!document.querySelector('#act-go').disabled")
        try browser.press(Browser.Key.tab + Browser.Key.tab + Browser.Key.enter)
        try wait(for: "the answers to come back") { try stage.answer() == "eu.lb.example.net." }
        // Its row may go before the dialog does, which gives the focus back.
        try browser.see("the dialog to close", when: "!document.querySelector('#act').open")
        try browser.see("the row to go", when: "!document.querySelector('[data-list=overrides] > li')")
        #expect(try browser.holds("document.activeElement !== document.body"), "focus went somewhere sensible")
        // What one did oneself is read out like what others did, and once.
        try browser.see(
            "it to be read out",
            when: "document.querySelector('#announcer').textContent.includes('Override cleared region eu')")
        try browser.seeUpdates(2)
        let told = try browser.text("#announcer")
        #expect(told.matches(of: /region eu (drain|is enabled)/.ignoresCase()).count == 1, "\(told)")
    }

    @Test("what the node refuses is told in the dialog, and can be forced")
    func refusal() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/operations")
        try browser.click("button[data-act=override]")
        try browser.click("#act-name")
        try browser.press("mars")
        try browser.see(
            "that it would be refused",
            when: "document.querySelector('#act-preview').textContent.includes('no region named mars')")
        try browser.confirm()
        try browser.see(
            "the refusal", when: "document.querySelector('#act-error').textContent.includes('no region named mars')")
        #expect(
            try browser.holds("document.querySelector('#act-force-part').hidden"), "what is not there cannot be forced")
        try browser.press(Browser.Key.escape)
        #expect(try browser.holds("!document.querySelector('#act').open"))
    }

    @Test("the keyboard reaches everything, and live updates take nothing from it")
    func keyboard() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/services")
        try browser.see("the live connection", when: "document.querySelector('#link').dataset.link === 'live'")
        try browser.press(Browser.Key.tab)
        #expect(try browser.holds("document.activeElement.matches('.skip')"))
        try browser.press("/")
        #expect(try browser.holds("document.activeElement.id === 'q'"))
        try browser.run("document.querySelector('tr[tabindex=\"0\"]').focus()")
        try browser.press(Browser.Key.left)
        try browser.see(
            "the branch to close", when: "document.querySelectorAll('[data-list=services] > tr').length === 1")
        #expect(try browser.holds("document.activeElement.getAttribute('aria-expanded') === 'false'"))
        try browser.press(Browser.Key.right)
        try browser.see(
            "the branch to open", when: "document.querySelectorAll('[data-list=services] > tr').length > 5")
        try browser.press(Browser.Key.down + Browser.Key.down)
        #expect(try browser.text("tr:focus .name") == "eu-1")
        try browser.press(Browser.Key.tab)
        try browser.run("window.held = document.activeElement")
        try browser.seeUpdates(2)
        #expect(try browser.holds("document.activeElement === window.held && window.held !== document.body"))
        // A dialog gives the focus back to where it was opened.
        try browser.run(
            "document.querySelector('tr[data-key$=\"v:eu-1\"] button').focus(); window.held = document.activeElement")
        try browser.press(Browser.Key.enter)
        #expect(try browser.holds("document.querySelector('#act').open && document.activeElement.id === 'act-reason'"))
        try browser.press(Browser.Key.escape)
        #expect(try browser.holds("document.activeElement === window.held"))
        try browser.expectNoComplaints()
    }

    @Test("a page says when the node is gone, and that it is back")
    func lost() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/")
        try browser.see("the live connection", when: "document.querySelector('#link').dataset.link === 'live'")
        stage.program.kill()
        try browser.see("the banner", when: "!document.querySelector('#lost').hidden")
        #expect(try browser.text("#lost").contains("Connection lost, retrying."))
    }

    @Test("a request is explained for people, and what was typed comes back as text")
    func explain() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.open(stage.url + "/explain")
        try browser.click("#name")
        try browser.press("api.example.com" + Browser.Key.tab + Browser.Key.tab + "192.0.2.0/24" + Browser.Key.enter)
        try browser.see(
            "the answer", when: "document.querySelector('.records')?.textContent.includes('CNAME eu.lb.example.net.')")
        #expect(try browser.text(".steps").contains("eu"))
        try browser.open(
            stage.url
                + "/explain?of=http&client=192.0.2.1&url=http://x/%22%3E%3Cscript%3Ewindow.hacked=1%3C/script%3E&listener=eu"
        )
        #expect(
            try browser.holds(
                "window.hacked === undefined && document.querySelector('#url').value.includes('<script>')"))
        try browser.open(stage.url + "/explain?of=http&client=192.0.2.1&listener=eu&url=http://api.example.com/")
        try browser.see(
            "the way of a request", when: "document.querySelector('.steps')?.textContent.includes('Upstream eu')")
        try browser.open(stage.url + "/explain?name=api.example.com&client=nonsense")
        #expect(try browser.text(".refusal").contains("is not a network"))
        try browser.expectNoComplaints()
    }

    @Test("over TCP a browser signs in, may do what its role may, and signs out")
    func signIn() throws {
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
        let url = "http://127.0.0.1:\(port)"
        let browser = try Browser()
        try browser.open(url + "/services?q=eu")
        try browser.see(
            "the way to sign in", when: "location.pathname === '/login' && document.activeElement.id === 'token'")
        try browser.press("nonsense" + Browser.Key.enter)
        try browser.see(
            "the refusal",
            when: "document.querySelector('#login-error').textContent === 'This token is not known here.'")
        try browser.press(made.output.trimmingCharacters(in: .newlines) + Browser.Key.enter)
        try browser.see(
            "the page that was asked for", when: "location.pathname === '/services' && location.search === '?q=eu'")
        try browser.see("who is signed in", when: "document.querySelector('#who-name').textContent.includes('ann')")
        try browser.see("the live connection", when: "document.querySelector('#link').dataset.link === 'live'")
        #expect(
            try browser.holds("![...document.querySelectorAll('button[data-act]')].some((b) => b.checkVisibility())"))
        try browser.click("#sign-out")
        try browser.see("the way to sign in again", when: "location.pathname === '/login'")
        #expect(
            try Program.run(
                "curl", ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", url + "/live"]
            ).output == "401")
        // The tab is what browsers pass over.
        try browser.open(url + "/login?next=/%09/evil.example/")
        try browser.press(made.output.trimmingCharacters(in: .newlines) + Browser.Key.enter)
        try browser.see("our own page", when: "location.href === '\(url)/'")
    }

    private static func literal(_ text: String) -> String {
        String(decoding: (try? JSONEncoder().encode(text)) ?? Data(), as: UTF8.self)
    }
}
