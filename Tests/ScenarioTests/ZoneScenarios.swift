import Foundation
import Testing

@Suite("Zone files, asked with dig")
struct ZoneScenarios {
    /// A folder of zone files, removed at the end.
    private final class Zones {
        let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-zones-\(UUID().uuidString)")

        init(_ zones: [String: String]) throws {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for (name, text) in zones { try write(text, to: name) }
        }

        deinit {
            // Nothing depends on whether it can be removed.
            try? FileManager.default.removeItem(at: folder)
        }

        func write(_ text: String, to name: String) throws {
            try Data((ZoneScenarios.apex + text).utf8).write(to: folder.appending(path: name), options: .atomic)
        }

        func remove(_ name: String) throws {
            try FileManager.default.removeItem(at: folder.appending(path: name))
        }
    }

    static let apex = "$TTL 60\n@ SOA ns hostmaster 1 2h 15m 2w 30\n@ NS ns\nns A 192.0.2.53\n"

    private func configuration(
        port: Int, _ zones: Zones, socket: String? = nil, responses: String = "minimal"
    ) -> String {
        """
        dns: { listen: ["127.0.0.1:\(port)"], responses: \(responses) }
        zone_folders: [{ path: \(zones.folder.path) }]
        \(socket.map { "admin: { socket: \($0) }" } ?? "")

        """
    }

    @Test("a reload with one zone changed, one broken, one removed and one new: each as its file says, none lost")
    func folder() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let zones = try Zones([
            "a.test.zone": "www A 192.0.2.1\n", "b.test.zone": "www A 192.0.2.2\n", "c.test.zone": "www A 192.0.2.3\n",
        ])
        let program = try Program(configuration(port: port, zones, socket: socket))
        func address(_ name: String) throws -> String { try Program.dig(port, name, "+short") }
        func call(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, arguments + ["--socket", socket])
        }
        #expect(try address("www.a.test") == "192.0.2.1\n", "\(program.text)")
        #expect(try address("www.c.test") == "192.0.2.3\n")

        try zones.write("www A 192.0.2.11\n", to: "a.test.zone")
        try zones.write("www A 192.0.2\nnew A 192.0.2.4\n", to: "b.test.zone")
        try zones.remove("c.test.zone")
        try zones.write("www A 192.0.2.5\n", to: "d.test.zone")
        let reload = try call("reload")
        let place = "\(zones.folder.path)/b.test.zone:5:7: \"192.0.2\" is not an IPv4 address such as 192.0.2.1"
        #expect(reload.status == 0 && reload.error.contains(place), "\(reload)")
        #expect(try address("www.a.test") == "192.0.2.11\n")
        #expect(try address("www.b.test") == "192.0.2.2\n")
        #expect(try Program.dig(port, "new.b.test").contains("status: NXDOMAIN"))
        #expect(try Program.dig(port, "www.c.test").contains("status: REFUSED"))
        #expect(try address("www.d.test") == "192.0.2.5\n")
        #expect(try call("status").output.contains("zone b.test stays as it was: \(place)"))
        #expect(program.logged("b.test.zone:5:7"))
        let check = try Program.run(Program.binary.path, ["check", "--config", program.configuration.path])
        #expect(check.status == 1 && check.error.contains(place))

        try zones.write("www A 192.0.2.22\n", to: "b.test.zone")
        #expect(try call("reload").error.contains("b.test") == false)
        #expect(try address("www.b.test") == "192.0.2.22\n")
        #expect(try call("status").output.contains("b.test") == false)
    }

    @Test("DNAME: dig follows the CNAME that was made; a name that gets too long is YXDOMAIN")
    func redirection() throws {
        let port = try freePort()
        let zones = try Zones([
            "a.test.zone": "old DNAME new\nwww.new A 192.0.2.1\nlong DNAME \(String(repeating: "l", count: 60)).new\n"
        ])
        let program = try Program(configuration(port: port, zones))
        let answer = try Program.dig(port, "WWW.old.a.test", "+noall", "+answer")
        #expect(answer.contains("old.a.test.\t\t60\tIN\tDNAME\tnew.a.test."), "\(answer)\(program.text)")
        #expect(answer.contains("WWW.old.a.test.\t\t60\tIN\tCNAME\tWWW.new.a.test."))
        #expect(answer.contains("WWW.new.a.test.\t\t60\tIN\tA\t192.0.2.1"))
        let label = String(repeating: "x", count: 63)
        let tooLong = try Program.dig(port, "\(label).\(label).\(label).long.a.test")
        #expect(tooLong.contains("status: YXDOMAIN") && tooLong.contains("DNAME"))
    }

    @Test("full answers carry servers and addresses, minimal ones nothing", arguments: ["minimal", "full"])
    func responses(content: String) throws {
        let port = try freePort()
        let zones = try Zones(["a.test.zone": "@ MX 10 mail\nmail A 192.0.2.25\n"])
        let program = try Program(configuration(port: port, zones, responses: content))
        let answer = try Program.dig(port, "a.test", "MX")
        let expected =
            content == "full" ? "ANSWER: 1, AUTHORITY: 1, ADDITIONAL: 3" : "ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1"
        #expect(answer.contains(expected), "\(answer)\(program.text)")
    }
}
