import Foundation
import Testing

/// The runbooks of docs/operations.md, played by command and by curl, with what clients then see.
@Suite("Runbooks")
struct RunbookScenarios {
    @Test("a region is sick: it is left by itself, held out, and let in again", arguments: Way.allCases)
    func sickRegion(way: Way) throws {
        let site = try RunbookSite(way)
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        site.kill(0)
        try wait(for: "clients to be sent elsewhere") { try site.region() == "us" }
        #expect(try site.request() == 200)
        let status = try site.look(["status", "--problems"], "/v1/status")
        #expect(status.contains("status 502"), "the reason is told: \(status)")
        let events = try site.look(["events", "--subject", "pool"], "/v1/events?subject=pool")
        #expect(events.contains("available") && events.contains("down"), "\(events)")
        let why = try site.look(
            ["explain", "api.example.com", "--client", "192.0.2.0/24"],
            "/v1/explain?name=api.example.com&client=192.0.2.0/24")
        #expect(why.contains("down"), "\(why)")

        // It comes and goes; nobody shall be sent there until somebody has looked.
        let held = try site.act(
            ["force-down", "region", "eu", "--reason", "power"], "PUT", "/v1/overrides/region",
            #"{"name":"eu","verdict":"force-down","reason":"power"}"#)
        #expect(held.isDone, "\(held)")
        try site.revive(0)
        let member = try #require(site.members[0]).port
        try wait(for: "the VIP to answer") {
            let output = try Program.run(
                "curl", ["--silent", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:\(site.ports[0])/"]
            ).output
            return output == "200"
        }
        #expect(try site.region() == "us" && member > 0)
        try wait(for: "the monitors to find it well, and the status to say so") {
            let status = try site.look(["status", "--region", "eu"], "/v1/virtual-servers/eu-1")
            return status.contains("down") && (status.contains("web: up for ") || status.contains(#""state":"up""#))
        }
        let enabled = try site.act(["enable", "region", "eu"], "DELETE", "/v1/overrides/region", #"{"name":"eu"}"#)
        #expect(enabled.isDone, "\(enabled)")
        try wait(for: "the way back") { try site.region() == "eu" }
        #expect(try site.request() == 200)
        let trail = try site.look(["audit", "--last", "50"], "/v1/audit?last=50")
        #expect(trail.contains("power") && trail.contains("clear-override"), "\(trail)")
        let all = try site.look(["events", "--last", "200"], "/v1/events?limit=200")
        for kind in ["transition", "override-set", "override-cleared", "check"] {
            #expect(all.contains(kind), "\(kind): \(all)")
        }
    }

    @Test("planned maintenance begins, is seen, and ends before its time", arguments: Way.allCases)
    func maintenance(way: Way) throws {
        let site = try RunbookSite(way)
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        let clients = try SteeredClients(
            dnsPort: site.dnsPort,
            regions: ["eu": ("eu.lb.example.net", site.ports[0]), "us": ("us.lb.example.net", site.ports[1])])
        let start = (Int64(Date().timeIntervalSince1970) + 3) * 1000
        let time = Date(timeIntervalSince1970: Double(start) / 1000).formatted(.iso8601)
        let preview = try site.act(
            ["window", "add", "move", "--region", "eu", "--from", time, "--for", "1h", "--drain", "1s", "--dry-run"],
            "PUT", "/v1/windows/move?dry_run=true",
            #"{"kind":"region","name":"eu","start":\#(start),"seconds":3600,"drain":1}"#)
        #expect(preview.isDone && preview.text.contains("api.example.com"), "\(preview)")
        let planned = try site.act(
            ["window", "add", "move", "--region", "eu", "--from", time, "--for", "1h", "--drain", "1s"],
            "PUT", "/v1/windows/move", #"{"kind":"region","name":"eu","start":\#(start),"seconds":3600,"drain":1}"#)
        #expect(planned.isDone, "\(planned)")
        #expect(try site.look(["window", "list"], "/v1/windows").contains("move"))
        try wait(for: "the window to begin") { try site.region() == "us" }
        try wait(for: "the window to open") { try site.look(["window", "list"], "/v1/windows").contains("open") }
        #expect(try site.request() == 200)
        let ended = try site.act(["window", "cancel", "move"], "DELETE", "/v1/windows/move")
        #expect(ended.isDone, "\(ended)")
        #expect(try site.region() == "eu")
        let served = try clients.stop()
        #expect(served.failed == 0 && served.us > 0, "\(served)")
    }

    @Test(
        "a window that may not begin says so before and after, and one that may ends by itself", arguments: Way.allCases
    )
    func windowsAlone(way: Way) throws {
        let site = try RunbookSite(way, more: "safety: { rules: { one: { drained_at_most: 1 } } }")
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        #expect(
            try site.act(
                ["drain", "region", "us"], "PUT", "/v1/overrides/region", #"{"name":"us","verdict":"drain"}"#
            ).isDone)
        /// Plans one of `eu` that has just begun.
        func plan(_ name: String, seconds: Int, isTrial: Bool = false) throws -> (text: String, isDone: Bool) {
            let start = Int64(Date().timeIntervalSince1970) * 1000 - 1000
            let time = Date(timeIntervalSince1970: Double(start) / 1000).formatted(.iso8601)
            return try site.act(
                ["window", "add", name, "--region", "eu", "--from", time, "--for", "\(seconds)s"]
                    + (isTrial ? ["--dry-run"] : []), "PUT", "/v1/windows/\(name)\(isTrial ? "?dry_run=true" : "")",
                #"{"kind":"region","name":"eu","start":\#(start),"seconds":\#(seconds)}"#)
        }
        let rule = "safety rule one: 2 of eu, us would be taken out, at most 1 may be"
        let preview = try plan("long", seconds: 3600, isTrial: true)
        #expect(preview.isDone && preview.text.contains("its run would be refused if it began now: \(rule)"))
        #expect(try plan("long", seconds: 3600).isDone)
        // Long enough to be planned before it is over, however slow that is.
        #expect(try plan("short", seconds: 15).isDone)
        try wait(for: "the window to be refused") {
            let list = try site.look(["window", "list"], "/v1/windows")
            return list.contains("refused") && list.contains(rule)
        }
        #expect(try site.region() == "eu" && site.request() == 200)
        try wait(for: "the short one to be over, and to be missed") {
            try site.look(["audit"], "/v1/audit").contains("it did not begin: \(rule)")
        }
        let events = try site.look(["events", "--subject", "window"], "/v1/events?subject=window")
        for kind in ["window-refused", "window-missed"] { #expect(events.contains(kind), "\(kind): \(events)") }
        #expect(try site.act(["window", "cancel", "long"], "DELETE", "/v1/windows/long").isDone)

        #expect(
            try site.act(["enable", "region", "us"], "DELETE", "/v1/overrides/region", #"{"name":"us"}"#).isDone)
        let clients = try SteeredClients(
            dnsPort: site.dnsPort,
            regions: ["eu": ("eu.lb.example.net", site.ports[0]), "us": ("us.lb.example.net", site.ports[1])])
        #expect(try plan("alone", seconds: 15).isDone)
        try wait(for: "the window to end by itself") {
            let told = try site.look(["events", "--name", "alone"], "/v1/events?name=alone")
            return told.contains("window-opened") && told.contains("window-closed")
        }
        #expect(try site.region() == "eu" && !site.look(["window", "list"], "/v1/windows").contains("alone"))
        let served = try clients.stop()
        #expect(served.failed == 0 && served.us > 0, "\(served)")
    }

    @Test("a region is given up for another, and taken back", arguments: Way.allCases)
    func cutover(way: Way) throws {
        let site = try RunbookSite(way)
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        // Half of it is broken: monitors may say what they want, all go.
        let body = #"{"name":"eu","verdict":"cutover","to":"us","reason":"flood"}"#
        let preview = try site.act(
            ["cutover", "eu", "us", "--dry-run"], "PUT", "/v1/overrides/region?dry_run=true", body)
        #expect(preview.isDone && preview.text.contains("api.example.com"), "\(preview)")
        #expect(try site.region() == "eu")
        let cut = try site.act(
            ["cutover", "eu", "us", "--reason", "flood"], "PUT", "/v1/overrides/region", body)
        #expect(cut.isDone, "\(cut)")
        #expect(try site.region() == "us" && site.request() == 200)
        let status = try site.look(["status"], "/v1/status")
        #expect(status.contains("cutover") && status.contains("flood"), "\(status)")
        let back = try site.act(["enable", "region", "eu"], "DELETE", "/v1/overrides/region", #"{"name":"eu"}"#)
        #expect(back.isDone, "\(back)")
        try wait(for: "the way back") { try site.region() == "eu" }

        // Nobody is sent to what does not work either, unless it is said twice.
        site.kill(1)
        try wait(for: "us to be down") {
            try site.state(ofPool: "us") == "down"
        }
        let refused = try site.act(["cutover", "eu", "us"], "PUT", "/v1/overrides/region", body)
        #expect(!refused.isDone && refused.text.contains("nothing to answer with"), "\(refused)")
        #expect(try site.region() == "eu" && site.request() == 200)
        let forced = try site.act(
            ["cutover", "eu", "us", "--force"], "PUT", "/v1/overrides/region",
            #"{"name":"eu","verdict":"cutover","to":"us","force":true}"#)
        #expect(forced.isDone, "\(forced)")
        #expect(try site.look(["audit", "--last", "1"], "/v1/audit?last=1").contains("cutover to us (forced)"))
        try site.revive(1)
        try wait(for: "us to take what it was given") { try site.region() == "us" && site.request() == 200 }
        #expect(
            try site.act(["enable", "region", "eu"], "DELETE", "/v1/overrides/region", #"{"name":"eu"}"#).isDone)
        try wait(for: "the way back") { try site.region() == "eu" }
    }

    @Test("a region that was given up gets its clients back little by little", arguments: Way.allCases)
    func slowReturn(way: Way) throws {
        let site = try RunbookSite(way, more: "safety: { shift_slope: { share: 100%, per: 20s } }")
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        let cut = try site.act(
            ["cutover", "eu", "us", "--reason", "flood"], "PUT", "/v1/overrides/region",
            #"{"name":"eu","verdict":"cutover","to":"us","reason":"flood"}"#)
        #expect(cut.isDone, "\(cut)")
        // The way that does not lead there is told as such.
        let wrong = try site.act(
            ["shift", "--from", "us", "--to", "eu", "--share", "100%", "--for", "20s"], "POST", "/v1/shifts",
            #"{"from":"us","to":"eu","share":1,"seconds":20}"#)
        #expect(!wrong.isDone && wrong.text.contains("enable region eu"), "\(wrong)")
        /// Of 32 client networks, those that are sent to eu.
        func moved() throws -> Int {
            let places = (1...32).map { "http://meridian/v1/explain?name=api.example.com&client=\($0 * 6).1.1.0/24" }
            let output = try Program.run(
                "curl", ["--silent", "--max-time", "60", "--unix-socket", site.socket] + places
            ).output
            let (eu, us) = (
                output.matches(of: #/"answers":\["[^"]*CNAME eu\./#).count,
                output.matches(of: #/"answers":\["[^"]*CNAME us\./#).count
            )
            #expect(eu + us == 32, "\(output.prefix(2000))")
            return eu
        }
        #expect(try moved() == 0)
        let held = try site.act(
            ["shift", "--from", "eu", "--to", "us", "--share", "100%", "--for", "20s"], "POST", "/v1/shifts",
            #"{"from":"eu","to":"us","share":1,"seconds":20}"#)
        #expect(held.isDone && held.text.contains("region eu is cut over to us"), "\(held)")
        #expect(
            try site.act(["enable", "region", "eu"], "DELETE", "/v1/overrides/region", #"{"name":"eu"}"#).isDone)
        #expect(try moved() == 0, "the shift keeps them")
        let list = try site.look(["shift", "list"], "/v1/shifts")
        #expect(!list.contains("cut over") && (list.contains("arrived") || list.contains(#""progress":1"#)), "\(list)")
        #expect(try site.act(["shift", "cancel", "1"], "DELETE", "/v1/shifts/1").isDone)
        try wait(for: "some of them to be back") { try (1..<32).contains(moved()) }
        try wait(for: "all of them to be back") { try moved() == 32 }
        #expect(try site.region() == "eu" && site.request() == 200)
        try wait(for: "the shift to end") { try !site.look(["shift", "list"], "/v1/shifts").contains("us") }
    }

    @Test("a certificate that ends soon is replaced without a failed request", arguments: Way.allCases)
    func certificate(way: Way) throws {
        let site = try RunbookSite(way)
        func served() throws -> String {
            try Program.run(
                "sh",
                [
                    "-c",
                    "openssl s_client -connect 127.0.0.1:\(site.ports[2]) -servername a.test </dev/null 2>/dev/null | "
                        + "openssl x509 -noout -fingerprint",
                ]
            ).output
        }
        func daysLeft() throws -> Bool {
            let status = try site.look(["status"], "/v1/status")
            // Five in its first second.
            return [4, 5].contains { days in
                status.contains("certificate web  \(days) days left") || status.contains(#""daysLeft":\#(days)"#)
            }
        }
        #expect(try daysLeft())
        if way == .commands {
            #expect(try !site.look(["status"], "").matches(of: #/certificate web ends in [45] days/#).isEmpty)
        }
        try wait(for: "the log to say so") { site.program.logged("a certificate ends soon") }
        let before = try served()
        // The key of another certificate: nothing is loaded, and it is said before.
        let (key, other) = (site.folder.appending(path: "web.key"), site.folder.appending(path: "other"))
        let own = try Data(contentsOf: key)
        try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
        try RunbookSite.certify(other, days: 90)
        try Data(contentsOf: other.appending(path: "web.key")).write(to: key)
        let found = try site.check()
        #expect(!found.isDone && found.text.contains("web.key"), "\(found)")
        for step in [["reload", "--dry-run"], ["reload"]] {
            let refused = try site.act(step, "POST", "/v1/reload\(step.count > 1 ? "?dry_run=true" : "")")
            #expect(!refused.isDone && refused.text.contains("web.key"), "\(step): \(refused)")
        }
        #expect(try served() == before, "the old ones stay")
        try own.write(to: key)
        #expect(try site.check().isDone)
        let load = try Load(site.ports[2], seconds: 3, scheme: "https")
        try RunbookSite.certify(site.folder, days: 90)
        #expect(try served() == before, "files are read when they are loaded")
        let loaded = try site.act(["reload"], "POST", "/v1/reload")
        #expect(loaded.isDone, "\(loaded)")
        let after = try served()
        #expect(after != before && after.contains("="), "\(after)")
        #expect(try !daysLeft())
        let result = try load.result()
        #expect(result.requests > 10 && result.failures.isEmpty, "\(result)")
    }

    @Test("a bad configuration is refused, and one that does the wrong thing is taken back", arguments: Way.allCases)
    func configuration(way: Way) throws {
        let site = try RunbookSite(way)
        try wait(for: "the monitors") { try site.region() == "eu" && site.request() == 200 }
        // What operators set outlives all of it.
        #expect(
            try site.act(
                ["drain", "region", "us", "--reason", "kept"], "PUT", "/v1/overrides/region",
                #"{"name":"us","verdict":"drain","reason":"kept"}"#
            ).isDone)
        let window = ["window", "add", "later", "--region", "eu", "--from", "2100-01-01T00:00Z", "--for", "1h"]
        #expect(
            try site.act(
                window, "PUT", "/v1/windows/later",
                #"{"kind":"region","name":"eu","start":4102444800000,"seconds":3600}"#
            ).isDone)
        try site.replace("pools: [eu, us]", with: "pools: [eu, uss]")
        let found = try site.check()
        #expect(!found.isDone && found.text.contains("uss"), "\(found)")
        let start = try Program.run(Program.binary.path, ["run", "-c", site.program.configuration.path])
        #expect(start.status == 1 && start.error.contains("uss"), "\(start)")
        let broken = try site.act(["reload"], "POST", "/v1/reload")
        #expect(!broken.isDone && broken.text.contains("uss"), "\(broken)")
        let told = try site.look(["status", "--problems"], "/v1/status")
        #expect(told.contains("uss") && (told.contains("reload refused") || told.contains("refusedReload")), "\(told)")
        #expect(try site.region() == "eu" && site.request() == 200, "the old one stays in force")

        try site.replace("pools: [eu, us]", with: "pools: [us]")
        let preview = try site.act(["reload", "--dry-run"], "POST", "/v1/reload?dry_run=true")
        #expect(preview.isDone && preview.text.contains("api.example.com"), "\(preview)")
        #expect(try site.region() == "eu")
        #expect(try site.act(["reload"], "POST", "/v1/reload").isDone)
        #expect(try site.region() == "us")
        #expect(try !site.look(["status", "--problems"], "/v1/status").contains("uss"))
        #expect(try site.check().isDone)
        let events = try site.look(["events", "--kind", "reload-applied"], "/v1/events?kind=reload-applied")
        #expect(events.contains("reload-applied"), "\(events)")

        try site.program.replaceConfiguration(site.yaml)
        #expect(try site.act(["reload"], "POST", "/v1/reload").isDone)
        #expect(try site.region() == "eu" && site.request() == 200)
        let status = try site.look(["status"], "/v1/status")
        #expect(status.contains("kept") && status.contains("later"), "\(status)")
    }
}
