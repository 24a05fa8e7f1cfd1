import Addresses
import Testing

@testable import Demo

@Suite("Keys and commands")
struct DemoInputTests {
    private let plan = DemoPlan(options: DemoOptions())

    @Test(
        "reads commands, long and short",
        arguments: [
            ("kill eu-1-2", DemoCommand.kill(.member("eu-1-2"))), ("k eu-1", .kill(.virtualServer("eu-1"))),
            (" K  EU ", .kill(.region("eu"))), ("r all", .revive(.everything)), ("d apac", .drain(.region("apac"))),
            ("undrain apac", .resume(.region("apac"))), ("?", .help), ("quit", .quit),
        ])
    func commands(line: String, command: DemoCommand) throws {
        #expect(try DemoCommand.parse(line, in: plan) == command)
    }

    @Test("an empty line is none")
    func empty() throws { #expect(try DemoCommand.parse("  ", in: plan) == nil) }

    @Test(
        "says what is wrong with others",
        arguments: [
            ("kil eu", "no command \"kil\""), ("kill", "kill what?"), ("kill eu us", "kill what?"),
            ("kill eu-3", "nothing is called \"eu-3\""),
        ])
    func mistakes(line: String, reason: String) {
        let error = #expect(throws: DemoCommand.Mistake.self) { try DemoCommand.parse(line, in: plan) }
        #expect(error?.reason.hasPrefix(reason) == true)
    }

    @Test("keys come out whole, wherever the bytes are cut", arguments: 0...9)
    func keys(cut: Int) {
        let bytes: [UInt8] = [0x6B, 0x1B, 0x5B, 0x41, 0x1B, 0x4F, 0x42, 0x7F, 0x0D]
        var reader = KeyReader()
        let keys = reader.keys(bytes.prefix(cut)) + reader.keys(bytes.dropFirst(cut))
        // A cut at either end is a read without bytes, which is silence.
        #expect(keys == [.character("k"), .up, .down, .backspace, .enter])
    }

    @Test("a lone escape counts once nothing follows")
    func escape() {
        var reader = KeyReader()
        #expect(reader.keys([0x1B]) == [])
        #expect(reader.keys([]) == [.escape])
        #expect(reader.keys([0x1B, 0x71]) == [.escape, .character("q")])
        #expect(reader.keys([3]) == [.interrupt])
        #expect(reader.keys([0x1B, 0x5B, 0x35, 0x7E, 0xC3, 0xA9, 0x61]) == [.character("a")])
    }

    @Test("arrow keys walk the tree and stop at its edges")
    func selection() {
        func walk(_ keys: [KeyReader.Key], from start: DemoTarget?) -> DemoTarget? {
            keys.reduce(start) { DemoSelection.move(from: $0, key: $1, in: plan) }
        }
        #expect(walk([.up], from: nil) == .region("eu"))
        #expect(walk([.up], from: .region("eu")) == .region("eu"))
        #expect(walk([.down, .right, .right], from: .region("eu")) == .member("eu-1-2"))
        #expect(walk([.down], from: .member("eu-1-2")) == .member("eu-2-2"))
        #expect(walk([.down], from: .member("eu-2-2")) == .region("us"))
        #expect(walk([.right, .right, .right, .right], from: .virtualServer("us-1")) == .member("us-1-3"))
        #expect(walk([.left, .left, .left, .left], from: .member("us-1-3")) == .virtualServer("us-1"))
        #expect(walk(Array(repeating: .down, count: 20), from: .region("eu")) == .virtualServer("apac-2"))
    }

    @Test("a target knows what it takes down")
    func targets() {
        #expect(DemoTarget.region("us").virtualServers(in: plan).map(\.name) == ["us-1", "us-2"])
        #expect(DemoTarget.region("us").members(in: plan).count == 6)
        #expect(DemoTarget.virtualServer("us-1").members(in: plan).isEmpty)
        #expect(DemoTarget.member("us-1-1").virtualServers(in: plan).isEmpty)
        #expect(DemoTarget.everything.members(in: plan).count == 18)
    }

    @Test("all addresses are loopback, and no two parts share one")
    func addresses() {
        let endpoints = plan.virtualServers.map(\.endpoint) + plan.members.map(\.endpoint) + plan.dns
        #expect(endpoints.allSatisfy { $0.address.isLoopback })
        #expect(Set(endpoints.map(\.address)).count == endpoints.count)
    }
}
