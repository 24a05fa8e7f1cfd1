import Foundation
import Testing

/// Changes of traffic on the running binary, with clients that ask all the time.
@Suite("Operators move traffic")
struct ReleaseScenarios {
    /// Two regions with two VIPs each and a member behind each, a steered name over both.
    private final class Site {
        let dnsPort: Int
        let ports: [Int]
        let members: [MemberProcess]
        let socket: String
        let program: Program
        private let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")

        init(_ more: String = "") throws {
            dnsPort = try freePort()
            ports = try [freePort(), freePort()]
            members = try [MemberProcess(port: freePort()), MemberProcess(port: freePort())]
            socket = "/tmp/meridian-\(dnsPort).sock"
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            program = try Program(
                """
                dns: { listen: ["127.0.0.1:\(dnsPort)"] }
                regions:
                  eu: { host: eu.lb.example.net }
                  us: { host: us.lb.example.net }
                monitors: { web: { http: {}, interval: 10s, timeout: 10s } }
                virtual_servers:
                  eu-1: { address: "127.0.0.1:\(ports[0])", region: eu, monitors: [web] }
                  us-1: { address: "127.0.0.2:\(ports[1])", region: us, monitors: [web] }
                pools:
                  eu: { region: eu, virtual_servers: [eu-1], ttl: 1s }
                  us: { region: us, virtual_servers: [us-1], ttl: 1s }
                wide_ips:
                  api.example.com: { pools: [eu, us], method: global-availability, ttl: 1s }
                zones:
                  example.com: { ns: [ns1.example.com], records: { ns1: { A: [127.0.0.1] } } }
                  example.net: { ns: [ns1.example.com] }
                upstreams:
                  eu: { members: ["127.0.0.1:\(members[0].port)"] }
                  us: { members: ["127.0.0.1:\(members[1].port)"] }
                listeners:
                  eu: { address: "127.0.0.1:\(ports[0])", upstream: eu }
                  us: { address: "127.0.0.2:\(ports[1])", upstream: us }
                proxy: { access_log: "off" }
                admin: { socket: \(socket), state: \(folder.path)/state.db }
                \(more)
                """)
            try wait(for: "the admin socket") { accepts(self.socket) }
            try wait(for: "health") { try !self.call("status").contains("unknown") }
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        func clients() throws -> SteeredClients {
            try SteeredClients(
                dnsPort: dnsPort,
                regions: ["eu": ("eu.lb.example.net", ports[0]), "us": ("us.lb.example.net", ports[1])])
        }

        @discardableResult
        func call(_ arguments: String...) throws -> String {
            let result = try Program.run(Program.binary.path, arguments + ["--socket", socket])
            guard result.status == 0 else {
                throw Program.Failure(description: "\(arguments): \(result.error)\(result.output)")
            }
            return result.output
        }

        func refusal(_ arguments: String...) throws -> String {
            let result = try Program.run(Program.binary.path, arguments + ["--socket", socket])
            guard result.status != 0 else { throw Program.Failure(description: "\(arguments) was not refused") }
            return result.error
        }

        /// The region that a client is sent to.
        func region() throws -> String {
            let answer = try Program.data(dnsPort, "api.example.com", "A") + [""]
            return String(answer[0].prefix(2))
        }

        /// How many of the client networks 20.0.0.0/24 … are sent to `us`, of a hundred.
        func movedNetworks() throws -> Int {
            let names = (0..<100).flatMap { ["+subnet=20.0.\($0).0/24", "api.example.com", "A"] }
            let output = try Program.run(
                "dig", ["@127.0.0.1", "-p", "\(dnsPort)", "+short", "+tries=2", "+time=20"] + names
            ).output
            return output.split(separator: "\n").count { $0 == "us.lb.example.net." }
        }
    }

    @Test("drain, maintenance window, shift and cutover, one after another, and not one request fails")
    func played() throws {
        let site = try Site("safety: { shift_slope: { share: 100%, per: 2s } }")
        let clients = try site.clients()

        try site.call("drain", "region", "eu", "--reason", "kernel")
        #expect(try site.region() == "us")
        try site.call("enable", "region", "eu")
        #expect(try site.region() == "eu")

        try site.call(
            "window", "add", "patch", "--region", "eu", "--from", "\(Self.instant(in: 8))", "--for", "8s", "--drain",
            "5s")
        // The trail says below that it drained first; this client may be too slow to see which of the two it is.
        try wait(for: "the window to begin") { try site.region() == "us" }
        try wait(for: "the window to close") { try site.call("window", "list").isEmpty }
        #expect(try site.region() == "eu")

        let shift = try site.call(
            "shift", "--wip", "api.*", "--from", "eu", "--to", "us", "--share", "50%", "--for", "2s")
        #expect(shift == "shift 1: 50% of eu goes to us in 2s\n")
        try wait(for: "the shift to arrive") { try site.call("shift", "list").contains("arrived") }
        #expect((30...70).contains(try site.movedNetworks()))
        #expect(try site.call("shift", "cancel", "1") == "shift 1 goes back in 2s\n")
        try wait(for: "the shift to end") { try site.call("shift", "list").isEmpty }
        #expect(try site.movedNetworks() == 0)

        #expect(try site.call("cutover", "eu", "us", "--reason", "flood") == "region eu is cut over to us\n")
        #expect(try site.movedNetworks() == 100)
        #expect(try site.call("status").contains("override region eu  cutover to us  flood"))
        #expect(
            try site.call("explain", "api.example.com", "--resolver", "127.0.0.1")
                .contains("eu goes to us: override of region eu: cutover to us (flood)"))
        try site.call("enable", "region", "eu")
        #expect(try site.movedNetworks() == 0)

        let served = try clients.stop()
        #expect(served.failed == 0, "\(served.text)\n\(site.program.text)")
        #expect(served.eu > 10 && served.us > 10, "\(served)")
        let trail = try site.call("audit", "--last", "100")
        for action in [
            "set-override  region eu  drain  kernel", "clear-override  region eu  drain", "add-window  window patch",
            "drain-for-window  window patch", "open-window  window patch", "close-window  window patch",
            "start-shift  shift 1", "finish-shift  shift 1  reached 50%", "cancel-shift  shift 1",
            "finish-shift  shift 1  ended",
            "set-override  region eu  cutover to us  flood", "clear-override  region eu  cutover to us",
        ] { #expect(trail.contains(action), "\(action) is not in:\n\(trail)") }
    }

    @Test("the same on the demo, while it runs")
    func demo() throws {
        let (dnsPort, httpPort) = (try freePort(), try freePort())
        let socket = "/tmp/meridian-\(dnsPort).sock"
        let process = Process()
        process.executableURL = Program.binary
        process.arguments = [
            "demo", "--plain", "--dns-port", "\(dnsPort)", "--http-port", "\(httpPort)", "--member-port",
            "\(try freePort())", "--admin", socket,
        ]
        // Its commands come from a person; here is none, and the pipe stays open.
        process.standardInput = makePipe()
        process.standardOutput = FileHandle.nullDevice
        try process.start()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        func call(_ arguments: String...) throws -> String {
            let result = try Program.run(Program.binary.path, arguments + ["--socket", socket])
            guard result.status == 0 else { throw Program.Failure(description: "\(arguments): \(result.error)") }
            return result.output
        }
        func region() throws -> String {
            let output = try Program.run(
                "dig",
                [
                    "@127.0.0.1", "-p", "\(dnsPort)", "+short", "+tries=2", "+time=20", "+subnet=20.0.1.0/24",
                    "api.example.com", "A",
                ]
            ).output
            return output.split(separator: ".").first.map(String.init) ?? ""
        }
        try wait(for: "the demo to serve") { try accepts(socket) && !region().isEmpty }
        try wait(for: "all regions to work") {
            let status = try call("status")
            return !status.contains("unknown") && !status.contains("down")
        }
        // Where the clients' network is depends on the country data.
        let home = try region()
        let away = home == "us" ? "eu" : "us"
        let host = "api.global.lb.example.net"
        let clients = try SteeredClients(
            dnsPort: dnsPort,
            regions: [
                "eu": ("eu.\(host)", httpPort), "us": ("us.\(host)", httpPort), "apac": ("apac.\(host)", httpPort),
            ])
        _ = try call("drain", "region", home, "--reason", "kernel")
        #expect(try region() == away)
        _ = try call("enable", "region", home)
        #expect(try region() == home)
        _ = try call(
            "window", "add", "patch", "--region", home, "--from", "\(Self.instant(in: 8))", "--for", "8s", "--drain",
            "5s")
        try wait(for: "the window to begin") { try region() == away }
        try wait(for: "the window to close") { try call("window", "list").isEmpty }
        _ = try call("shift", "--wip", "api.*", "--from", home, "--to", away, "--share", "1%", "--for", "6s")
        try wait(for: "the shift to arrive") { try call("shift", "list").contains("arrived") }
        _ = try call("shift", "cancel", "1")
        try wait(for: "the shift to end") { try call("shift", "list").isEmpty }
        _ = try call("cutover", home, away, "--reason", "flood")
        #expect(try region() == away)
        _ = try call("enable", "region", home)
        #expect(try region() == home)
        let served = try clients.stop()
        #expect(served.failed == 0, "\(served.text)")
        #expect(served.eu > 10 && served.us > 10, "\(served)")
    }

    private static func instant(in seconds: Double) -> String {
        Date(timeIntervalSinceNow: seconds).formatted(.iso8601)
    }

    @Test(
        "safety rules and names that would have no answer refuse commands, windows, shifts and cutovers, until forced")
    func refusals() throws {
        let site = try Site(
            """
            safety:
              rules: { one-stays: { enabled_at_least: 1, regions: [eu, us] } }
              shift_slope: { share: 100%, per: 1s }
            """)
        try site.call("drain", "region", "us")
        let rule = "safety rule one-stays: 0 of eu, us would be enabled and work, 1 must"
        #expect(try site.refusal("drain", "region", "eu").contains(rule))
        #expect(try site.refusal("drain", "virtual-server", "eu-*").contains(rule))
        #expect(try site.refusal("cutover", "eu", "us").contains(rule))
        let share = ["--from", "eu", "--to", "us", "--share", "100%", "--for", "1s"]
        #expect(
            try Program.run(Program.binary.path, ["shift"] + share + ["--socket", site.socket]).error.contains(
                "nothing in us is available"))
        try site.call("window", "add", "w", "--region", "eu", "--from", Self.instant(in: -1), "--for", "10m")
        try wait(for: "the window to be refused") { try site.call("window", "list").contains("window w  refused") }
        #expect(try site.region() == "eu")
        #expect(try site.call("audit").contains("refuse-window  window w  \(rule)"))
        try site.call("enable", "region", "us")
        try wait(for: "the window to open after all") { try site.call("window", "list").contains("window w  open") }
        #expect(try site.region() == "us")
        #expect(try site.refusal("disable", "region", "us").contains(rule))
        #expect(try site.refusal("enable", "wide-ip", "none.example.com").contains("no wide-ip named"))
        try site.call("disable", "region", "us", "--force")
        #expect(try site.call("audit").contains("set-override  region us  disable (forced)"))
        #expect(try site.region() == "eu", "draining is answered if it must")
    }

    @Test("a configured window runs, one run of it can be cancelled, and what is wrong with one is told with its place")
    func configured() throws {
        let day = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        // A minute before now, so that it is open: yesterday's end of day in the first minute of a day.
        let now = Date(timeIntervalSinceNow: -60)
        let parts = calendar.dateComponents([.weekday, .hour, .minute], from: now)
        let text = { (number: Int?) in String(format: "%02d", number ?? 0) }
        let site = try Site(
            """
            windows:
              nightly:
                virtual_server: eu-*
                weekly: [\(day[(parts.weekday ?? 1) - 1])]
                at: "\(text(parts.hour)):\(text(parts.minute))"
                for: 1h
                reason: backup
            """)
        #expect(try site.region() == "us", "from the first answer on")
        #expect(try site.call("status").contains("override virtual-server eu-*  drain  backup  window nightly"))
        #expect(try site.call("window", "cancel", "nightly").contains("the run of window nightly that ends"))
        #expect(try site.region() == "eu")
        #expect(try site.call("window", "list").contains("window nightly  waiting  starts"))
        #expect(
            try site.refusal(
                "window", "add", "nightly", "--region", "eu", "--weekly", "tue", "--at", "01:00", "--for", "1h"
            )
            .contains("there is a window named nightly"))
        let file = site.program.folder.appending(path: "wrong.yaml")
        try """
        dns: { listen: ["127.0.0.1:\(site.dnsPort)"] }
        zones: { example.com: { ns: [ns1.example.com] } }
        windows:
          w: { region: eu, weekly: [someday], at: "25:00", zone: Mars, for: 1h }
        safety: { rules: { r: { drained_at_most: -1 } } }
        """.write(to: file, atomically: true, encoding: .utf8)
        let checked = try Program.run(Program.binary.path, ["check", "--config", file.path]).error
        for wrong in ["someday", "25:00", "Mars", "-1"] {
            #expect(checked.contains("\"\(wrong)\"") || checked.contains(wrong), "\(checked)")
        }
    }

    @Test("patterns, weights and verdicts of members, on the running node")
    func patterns() throws {
        let site = try Site()
        try wait(for: "health") { try !site.call("status").contains("unknown") }
        try site.call("drain", "virtual-server", "e?-*")
        #expect(try site.region() == "us")
        #expect(try site.call("enable", "virtual-server", "e?-*") == "virtual-server e?-* follows its monitors again\n")
        #expect(try site.region() == "eu")
        #expect(try site.refusal("disable", "member", "eu/*").contains("upstream eu would have no member to send to"))
        try site.call("weight", "member", "*", "50%", "--for", "1h")
        #expect(try site.call("status").contains("override member *  weight 0.5"))
        try site.call("force-down", "pool", "eu")
        #expect(try site.region() == "us")
        try site.call("force-up", "pool", "eu")
        #expect(try site.region() == "eu")
        #expect(
            try site.refusal("disable", "wide-ip", "api.*").contains(
                "api.example.com would have nothing to answer with"))
        try site.call("disable", "wide-ip", "api.*", "--force")
        #expect(try Program.data(site.dnsPort, "api.example.com").isEmpty)
    }
}
