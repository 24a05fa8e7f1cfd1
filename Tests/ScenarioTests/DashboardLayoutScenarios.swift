import Foundation
import Testing

/// Pages hold together whatever is in them, and whoever looks.
@Suite("The layout of the dashboard, in Chromium", .serialized)
struct DashboardLayoutScenarios {
    private typealias Stage = DashboardScenarios.Stage

    private static let pages = DashboardScenarios.pages

    private func live(_ browser: Browser, _ url: String) throws {
        try browser.open(url)
        guard !url.hasSuffix("/login") else { return }
        try browser.see(
            "the live connection of \(url)", when: "document.querySelector('#link').dataset.link === 'live'")
    }

    private func overhang(_ browser: Browser) throws -> Int? {
        try browser.run("return document.documentElement.scrollWidth - innerWidth") as? Int
    }

    @Test("names of 63 letters make no page wider than the window, and are whole somewhere")
    func longNames() throws {
        let (dns, vip) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let socket = "/tmp/meridian-\(dns).sock"
        func name(_ letter: String) -> String { String(repeating: letter, count: 63) }
        let program = try Program(
            """
            dns: { listen: ["127.0.0.1:\(dns)"] }
            admin: { socket: \(socket) }
            monitors: { web: { tcp: {}, interval: 200ms, rise: 1, fall: 1 } }
            regions:
              \(name("r")): { host: r.lb.example.net, location: { latitude: 35, longitude: 139 } }
              us: { host: us.lb.example.net, location: { latitude: 39.0, longitude: -77.5 } }
            virtual_servers:
              \(name("v")): { address: "127.0.0.1:\(vip)", region: \(name("r")), monitors: [web] }
              us-1: { address: "198.51.100.1:443", region: us }
            pools:
              \(name("p")): { region: \(name("r")), virtual_servers: [\(name("v"))] }
              us: { virtual_servers: [us-1] }
            wide_ips: { \(name("w")).example.com: { pools: [\(name("p")), us] } }
            zones: { example.com: { ns: [ns1.example.com] }, example.net: { ns: [ns1.example.com] } }
            listeners: { \(name("l")): { address: "127.0.0.1:\(vip)", upstream: \(name("u")) } }
            upstreams: { \(name("u")): { members: ["127.0.0.1:\(member.port)"], monitors: [web] } }
            """)
        let bridge = try SocketBridge(to: socket)
        let url = "http://127.0.0.1:\(bridge.port)"
        let browser = try Browser()
        let disabled = try Program.run(
            Program.binary.path, ["disable", "region", name("r"), "--yes", "--socket", socket])
        #expect(disabled.status == 0, "\(disabled.error)")
        try live(browser, url + "/")
        try browser.see(
            "the headline", when: "document.querySelector('.verdict').textContent.includes('\(name("r"))')")
        for width in [1440, 1280, 1000, 768, 360] {
            try browser.resize(width, 800)
            for page in Self.pages + ["/services?q=\(name("v"))"] {
                try live(browser, url + page)
                #expect(try overhang(browser) == 0, "\(page) scrolls sideways at \(width) pixels")
            }
            try live(browser, url + "/")
            let isInside = """
                [...document.querySelectorAll('[data-list=regions] :is(th, td, button)')]
                  .every((e) => e.getBoundingClientRect().right <= innerWidth)
                """
            #expect(try browser.holds(isInside), "the table of regions at \(width) pixels")
            #expect(
                try browser.holds(
                    """
                    (() => { const bar = document.querySelector('.bar').getBoundingClientRect();
                    const text = document.querySelector('.verdict span').getBoundingClientRect();
                    return bar.height <= 64 && text.top >= bar.top && text.bottom <= bar.bottom; })()
                    """), "the headline at \(width) pixels")
            let label = "[data-list=map] [data-key='\(name("r"))']"
            #expect(
                try browser.holds(
                    """
                    (() => { const map = document.querySelector('.map').getBoundingClientRect();
                    const text = document.querySelector("\(label) text").getBoundingClientRect();
                    return text.left >= map.left && text.right <= map.right && text.width < map.width * 0.75; })()
                    """), "the map's label at \(width) pixels")
            #expect(try browser.text("\(label) title").contains(name("r")))
            #expect(try browser.holds("document.querySelector('.verdict').title.includes('\(name("r"))')"))
        }
        withExtendedLifetime((program, member)) {}
    }

    @Test("text twice as large fits a phone, and the way to each page is on it")
    func largeText() throws {
        let stage = try Stage()
        let browser = try Browser(width: 360, height: 740)
        stage.eu[0].kill()
        for page in Self.pages {
            try live(browser, stage.url + page)
            try browser.run("document.documentElement.style.fontSize = '200%'")
            #expect(try overhang(browser) == 0, "\(page) scrolls sideways")
            guard page != "/login" else { continue }
            let spilled =
                try browser.run(
                    """
                    return [...document.querySelectorAll('.pages a')].filter((a) => {
                      const box = a.getBoundingClientRect(), text = a.querySelector('span');
                      return text.scrollWidth > box.width + 1 || box.bottom > innerHeight || box.right > innerWidth;
                    }).map((a) => a.textContent)
                    """) as? [String]
            #expect(spilled == [], "\(page)")
            // What is at the end of the page can be scrolled out from under them.
            #expect(
                try browser.holds(
                    "parseFloat(getComputedStyle(document.body).paddingBottom) >= document.querySelector('.pages').offsetHeight"
                ))
        }
    }

    /// What can be clicked and is smaller than 24 pixels (WCAG 2.5.8), but for links amid a sentence.
    private static let smallTargets = """
        return [...document.querySelectorAll("a[href], button, input, select, summary")].filter((e) => {
          if (!e.checkVisibility({ visibilityProperty: true }) || e.closest(".skip, .empty, .hint, label")) return false;
          const box = e.getBoundingClientRect();
          return box.width > 0 && (box.width < 24 || box.height < 24);
        }).map((e) => `${e.tagName} ${e.textContent.trim()} ${JSON.stringify(e.getBoundingClientRect())}`)
        """

    @Test("what can be clicked is large enough, and tabs have their words in the middle", arguments: [1280, 360])
    func targets(width: Int) throws {
        let stage = try Stage()
        let browser = try Browser(width: width, height: 800)
        stage.eu[0].kill()
        _ = try Program.run(
            Program.binary.path,
            ["drain", "region", "us", "--force", "--yes", "--socket", "/tmp/meridian-\(stage.dns).sock"])
        for page in Self.pages + ["/explain?name=api.example.com&client=192.0.2.0/24"] {
            try live(browser, stage.url + page)
            #expect(try browser.run(Self.smallTargets) as? [String] == [], "\(page)")
            let skewed =
                try browser.run(
                    """
                    return [...document.querySelectorAll('.segments > *')].filter((e) => {
                      const box = e.getBoundingClientRect(), range = document.createRange();
                      range.selectNodeContents(e);
                      const text = range.getBoundingClientRect();
                      return Math.abs(box.left + box.right - text.left - text.right) > 3
                        || Math.abs(box.top + box.bottom - text.top - text.bottom) > 3;
                    }).map((e) => e.textContent)
                    """) as? [String]
            #expect(skewed == [], "\(page)")
        }
    }

    @Test("charts say of which zone their times are")
    func chartZone() throws {
        let stage = try Stage()
        let browser = try Browser()
        try browser.develop("Emulation.setTimezoneOverride", ["timezoneId": "Asia/Kolkata"])
        for width in [1280, 360] {
            try browser.resize(width, 800)
            try live(browser, stage.url + "/traffic")
            try browser.see("the charts", when: "document.querySelectorAll('.plot .zone').length === 6")
            #expect(
                try browser.holds(
                    """
                    [...document.querySelectorAll('.plot .zone')].every((e) => e.textContent === 'GMT+5:30'
                      && e.getBoundingClientRect().left >= e.closest('.card').getBoundingClientRect().left)
                    """), "\(width) pixels")
        }
    }

    @Test("what somebody else does is read out while anything else is wrong, and once")
    func announced() throws {
        let stage = try Stage()
        let browser = try Browser()
        stage.eu[0].kill()
        try live(browser, stage.url + "/services")
        try browser.see(
            "the member's death",
            when: "document.querySelector('.verdict').textContent.includes('1 of 3 members is down')")
        // Only the latest lines stay: what was read out is noted as it comes.
        try browser.run(
            """
            window.told = [];
            new MutationObserver((changes) => {
              for (const { addedNodes } of changes) for (const line of addedNodes) window.told.push(line.textContent);
            }).observe(document.querySelector("#announcer"), { childList: true });
            """)
        let told = "window.told.filter((line) => line.includes('new racks'))"
        let drained = try Program.run(
            Program.binary.path,
            [
                "drain", "virtual-server", "us-1", "--reason", "new racks", "--yes", "--socket",
                "/tmp/meridian-\(stage.dns).sock",
            ])
        #expect(drained.status == 0, "\(drained.error)")
        try browser.see("the drain to be read out", when: "\(told).length > 0")
        let words = try browser.run("return \(told).join()") as? String ?? ""
        #expect(words.contains("Override set virtual server us-1 drain, by"), "\(words)")
        // A page that connects anew tells nothing twice.
        try browser.click("[data-list=services] .toggle[href]")
        try browser.see("the page to connect anew", when: "window.told.includes('closed')")
        try browser.seeUpdates(2)
        #expect(try browser.holds("\(told).length === 1"))
        #expect(
            try browser.holds("document.querySelector('#announcer').getAttribute('aria-atomic') === 'false'"),
            "only what is new is read")
    }
}
