import Foundation
import Testing

@Suite("Coming back after being down, with the real binary")
struct FailbackScenarios {
    private static func configuration(_ port: Int, _ member: Int, failback: String) -> String {
        """
        dns: { listen: ["127.0.0.1:\(port)"] }
        admin: { socket: /tmp/meridian-\(port).sock }
        regions: { eu: { host: eu.lb.example.net }, us: { host: us.lb.example.net } }
        monitors: { web: { tcp: {}, interval: 100ms, rise: 1, fall: 1 } }
        virtual_servers:
          eu-1: { address: "127.0.0.1:\(member)", region: eu, monitors: [web], failback: \(failback) }
          us-1: { address: "198.51.100.1:443", region: us }
        pools: { eu: { virtual_servers: [eu-1] }, us: { virtual_servers: [us-1] } }
        wide_ips: { api.example.com: { pools: [eu, us] } }
        zones: { example.com: { ns: [ns1.example.com] }, example.net: { ns: [ns1.example.com] } }
        """
    }

    private func becomes(_ port: Int, _ wanted: String) throws {
        try wait(for: "the answer \(wanted)") {
            // No answer: not yet.
            (try? Program.dig(port, "api.example.com", "+short")) == "\(wanted).lb.example.net.\n"
        }
    }

    @Test("a server that was down stays out until an operator resumes it, and the trail and explain say so")
    func manual() throws {
        let (port, address) = (try freePort(), try freePort())
        var member: MemberProcess? = try MemberProcess(port: address)
        let program = try Program(Self.configuration(port, address, failback: "{ manual: true }"))
        func meridian(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, arguments + ["--socket", "/tmp/meridian-\(port).sock"])
        }
        try becomes(port, "eu")
        let early = try meridian("resume", "eu-1")
        #expect(early.status == 1 && early.error.contains("does not wait for anybody"), "\(early)")
        member?.kill()
        try becomes(port, "us")
        member = try MemberProcess(port: address)
        try wait(for: "the monitor to have it up") {
            try meridian("explain", "api.example.com", "--resolver", "127.0.0.1").output.contains("monitor web: up")
        }
        let explained = try meridian("explain", "api.example.com", "--resolver", "127.0.0.1")
        #expect(explained.output.contains("waits until an operator resumes it"), "\(explained)")
        try becomes(port, "us")
        let resumed = try meridian("resume", "eu-1")
        #expect(resumed.status == 0, "\(resumed)")
        try becomes(port, "eu")
        let unknown = try meridian("resume", "nobody")
        #expect(unknown.status == 1 && unknown.error.contains("no virtual-server named nobody"), "\(unknown)")
        #expect(member != nil && program.logged("let in again"))
    }

    @Test("a server that waits for an operator still does after its node was killed")
    func remembered() throws {
        let (port, address) = (try freePort(), try freePort())
        let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // left behind: only rubbish in /tmp
        let yaml = Self.configuration(port, address, failback: "{ manual: true }")
            .replacing(".sock }", with: ".sock, state: \(folder.path)/state.db }")
        func meridian(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, arguments + ["--socket", "/tmp/meridian-\(port).sock"])
        }
        let first = try Program(yaml)
        let member = try MemberProcess(port: address)
        try becomes(port, "eu")
        member.kill()
        try becomes(port, "us")
        // A change has its turn after the lock has had its.
        #expect(try meridian("enable", "region", "us").status == 0)
        first.kill()
        let again = try MemberProcess(port: address)
        let second = try Program(yaml)
        try wait(for: "the monitor to have it up") {
            try meridian("explain", "api.example.com", "--resolver", "127.0.0.1").output.contains("monitor web: up")
        }
        try becomes(port, "us")
        #expect(try meridian("resume", "eu-1").status == 0, "\(second.text)")
        try becomes(port, "eu")
        withExtendedLifetime(again) {}
    }

    @Test("a server that was down is held out for a while after it came up")
    func hold() throws {
        let (port, address) = (try freePort(), try freePort())
        var member: MemberProcess? = try MemberProcess(port: address)
        let program = try Program(Self.configuration(port, address, failback: "{ hold: 15s }"))
        try becomes(port, "eu")
        member?.kill()
        try becomes(port, "us")
        member = try MemberProcess(port: address)
        try wait(for: "the hold") { program.logged("kept out") }
        #expect(try Program.dig(port, "api.example.com", "+short") == "us.lb.example.net.\n")
        try becomes(port, "eu")
        #expect(member != nil && program.logged("let in again"))
    }
}
