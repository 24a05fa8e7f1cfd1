import Foundation
import Testing

/// `meridian demo` for who has nothing but a browser.
@Suite("The demo's dashboard, in Chromium", .serialized)
struct DemoDashboardScenarios {
    private final class Demo {
        let process = Process()
        private let output = FileManager.default.temporaryDirectory.appending(path: "demo-\(UUID().uuidString)")

        init(_ arguments: [String]) throws {
            try Data().write(to: output)
            process.executableURL = Program.binary
            process.arguments =
                ["demo", "--plain", "--dns-port", "\(try freePort())", "--http-port", "\(try freePort())"]
                + ["--member-port", "\(try freePort())"] + arguments
            process.standardInput = makePipe()
            let file = try FileHandle(forWritingTo: output)
            process.standardOutput = file
            process.standardError = file
            try process.start()
        }

        deinit {
            if process.isRunning { process.terminate() }
            process.waitUntilExit()
            try? FileManager.default.removeItem(at: output)
        }

        var text: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

        /// Returns when it has said so. Where it ends instead, or takes very long, what it said is told.
        func see(_ part: String) throws {
            // The first to start on a busy machine has its country data to read.
            try? wait(for: part, seconds: 120) { text.contains(part) || !process.isRunning }
            guard text.contains(part) else { throw Program.Failure(description: "the demo said: \(text)") }
        }

        /// Of the first line.
        func link() throws -> URL {
            try see("\n")
            let line = text.prefix { $0 != "\n" }
            let found = line.wholeMatch(of: /dashboard: (http:\/\/127\.0\.0\.1:\d+\/#mrd_[\w-]+)/)
            guard let url = found.flatMap({ URL(string: String($0.1)) }) else {
                throw Program.Failure(description: "the demo said: \(text)")
            }
            try wait(for: "the dashboard") {
                try Program.run(
                    "curl", ["--silent", "--output", "/dev/null", "http://127.0.0.1:\(url.port ?? 0)/login"]
                )
                .status == 0
            }
            return url
        }
    }

    private func status(_ arguments: String...) throws -> String {
        try Program.run(
            "curl",
            ["--silent", "--output", "/dev/null", "--max-time", "30", "--write-out", "%{http_code}"] + arguments
        ).output
    }

    @Test("the address in its first line opens the dashboard, signed in, and the token does not stay in it")
    func open() throws {
        let port = try freePort()
        let demo = try Demo(["--dashboard-port", "\(port)"])
        let link = try demo.link()
        let browser = try Browser()
        try browser.open(link.absoluteString)
        try browser.see("the live connection", when: "document.querySelector('#link')?.dataset.link === 'live'")
        #expect(try browser.run("return location.href") as? String == "http://127.0.0.1:\(port)/")
        try browser.see("who is signed in", when: "document.querySelector('#who-name').textContent === 'browser'")
        try browser.see(
            "clients on the map", when: "document.querySelectorAll('[data-list=flows] > *').length >= 3")
        try browser.expectNoComplaints()
        // The same link again, by one who is signed in: a reload of the page, as people do it.
        try browser.open("about:blank")
        try browser.open(link.absoluteString)
        try browser.see("the live connection", when: "document.querySelector('#link')?.dataset.link === 'live'")
        #expect(try browser.run("return location.hash") as? String == "")
        try browser.open("http://127.0.0.1:\(port)/login#mrd_ofsomebodyelse")
        try browser.see("who was signed in", when: "document.querySelector('#who-name')?.textContent === 'browser'")
        // It is more than a picture.
        try browser.see(
            "the regions", when: "document.querySelector(\"tr[data-key='region:us'] button[data-act=drain]\")")
        try browser.click("tr[data-key='region:us'] button[data-act=drain]")
        try browser.confirm()
        try browser.see(
            "the drain", when: "document.querySelector('[data-list=problems]').textContent.includes('Region us')")
        try browser.click("#sign-out")
        try browser.see("the way to sign in", when: "location.pathname === '/login'")
        withExtendedLifetime(demo) {}
    }

    @Test("without its token, from another site or for another name, nobody gets in")
    func protections() throws {
        let demo = try Demo(["--dashboard-port", "\(try freePort())"])
        let link = try demo.link()
        let url = "http://127.0.0.1:\(link.port ?? 0)"
        let token = "Authorization: Bearer \(link.fragment ?? "")"
        #expect(try status(url + "/v1/status") == "401")
        #expect(try status(url + "/") == "303")
        #expect(try status("-H", "Authorization: Bearer mrd_x", url + "/v1/status") == "401")
        #expect(try status("-H", token, url + "/v1/status") == "200")
        #expect(try status("-H", token, "-H", "Host: evil.example", url + "/v1/status") == "421")
        #expect(try status("-H", token, "-X", "POST", url + "/v1/reload") == "403", "it operates, and is no admin")
        // A page of another site, in a browser that is signed in.
        let session = try Program.run(
            "curl",
            [
                "--silent", "--include", "-H", "Content-Type: application/json", "--data",
                "{\"token\":\"\(link.fragment ?? "")\"}", url + "/v1/session",
            ]
        ).output
        let cookie = try #require(session.firstMatch(of: /(?i)set-cookie: ([^;]+);([^\r]*)/), "\(session)")
        #expect(cookie.2.contains("HttpOnly") && cookie.2.contains("SameSite=Strict"), "\(session)")
        let drain = [
            "-X", "PUT", "-H", "Cookie: \(cookie.1)", "-H", "Content-Type: application/json", "--data",
            "{\"name\":\"eu\",\"verdict\":\"drain\"}", url + "/v1/overrides/region",
        ]
        func drained(_ origin: String) throws -> String {
            try Program.run(
                "curl",
                ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "-H", "Origin: \(origin)"] + drain
            ).output
        }
        #expect(try drained("http://evil.example") == "403")
        #expect(try drained("http://127.0.0.1:1") == "403")
        #expect(try drained(url) == "204")
        withExtendedLifetime(demo) {}
    }

    @Test("a port that is taken is named, one that nobody asked for gives way to a free one, and none can be asked for")
    func ports() throws {
        let first = try Demo([])
        let one = try first.link().port
        let second = try Demo([])
        let other = try second.link().port
        #expect(one != other)
        let third = try Demo(["--dashboard-port", "\(one ?? 0)"])
        third.process.waitUntilExit()
        #expect(third.process.terminationStatus == 1)
        #expect(third.text.contains("port \(one ?? 0) of 127.0.0.1 is taken: choose another with --dashboard-port"))
        let none = try Demo(["--no-dashboard"])
        try none.see("kill NAME")
        #expect(!none.text.contains("dashboard"))
    }
}
