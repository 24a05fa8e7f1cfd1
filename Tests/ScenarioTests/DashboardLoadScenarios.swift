import Foundation
import Testing

@Suite("Dashboard, of large nodes and for many who look", .serialized)
struct DashboardLoadScenarios {
    /// A node that only forwards, to very many members.
    static func crowd(_ count: Int, socket: String, port: Int) -> String {
        let upstreams = (0..<10).map { upstream in
            let members = (0..<count / 10).map { "\"127.\(10 + upstream).\($0 / 200).\($0 % 200 + 1):9000\"" }
            return "  pool-\(upstream): { members: [\(members.joined(separator: ", "))] }"
        }
        let routes = (0..<10).map { "{ path: /\($0), upstream: pool-\($0) }" }.joined(separator: ", ")
        return """
            listeners:
              web: { address: "127.0.0.1:\(port)", routes: [\(routes)] }
            upstreams:
            \(upstreams.joined(separator: "\n"))
            admin: { socket: \(socket) }
            """
    }

    @Test("thousands of members: pages are small, found things are found", arguments: [1000, 10_000])
    func crowds(count: Int) throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let program = try Program(Self.crowd(count, socket: socket, port: port))
        let bridge = try SocketBridge(to: socket)
        let url = "http://127.0.0.1:\(bridge.port)"
        let browser = try Browser()
        for page in ["/", "/services"] {
            try browser.open(url + page)
            try browser.see("the live connection", when: "document.querySelector('#link').dataset.link === 'live'")
            let bytes =
                try browser.run(
                    """
                    return performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
                      .filter((e) => !e.name.includes("/live")).reduce((sum, e) => sum + e.transferSize, 0)
                    """) as? Int ?? 0
            let paint =
                try browser.run(
                    "return Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1)")
                as? Int
            print("dashboard: \(page) with \(count) members: first paint after \(paint ?? -1) ms, \(bytes) bytes")
            #expect(bytes > 10_000 && bytes < 200_000)
        }
        #expect(try browser.text("[data-page=count]") == "11", "the listener and its upstreams, closed")
        try browser.click("tr[data-key$='u:pool-3'] .toggle")
        try browser.see(
            "the first hundred rows", when: "document.querySelectorAll('[data-list=services] > tr').length === 100")
        #expect(try browser.text("#pages") == "\((count / 10 + 11 + 99) / 100)")
        try browser.click("#paging a[rel=next]")
        try browser.see("the next page", when: "document.querySelector('#page')?.textContent === '2'")
        try browser.see("the live connection", when: "document.querySelector('#link').dataset.link === 'live'")
        try browser.run("document.querySelector('#q').focus()")
        try browser.press("127.13.0.77")
        try browser.see(
            "what was searched", when: "document.querySelectorAll('[data-list=services] > tr').length === 1")
        #expect(try browser.text("[data-list=services] .name") == "pool-3/127.13.0.77:9000")
        #expect(try browser.holds("document.activeElement.id === 'q'"))
        try browser.press("x")
        try browser.see("that nothing is found", when: "!document.querySelector('[data-empty=services]').hidden")
        try browser.expectNoComplaints()
        withExtendedLifetime(program) {}
    }

    /// Opens so many streams on a Unix socket, says how many were taken, and reads until it is told to end.
    private static let watchers = """
        import asyncio, sys
        async def main():
            taken, tasks = 0, []
            async def read(reader):
                while await reader.read(65536):
                    pass
            for _ in range(int(sys.argv[2])):
                reader, writer = await asyncio.open_unix_connection(sys.argv[1])
                writer.write(b"GET /live?topic=overview HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
                head = await reader.readuntil(b"\\r\\n\\r\\n")
                if b" 200 " in head.split(b"\\r\\n")[0]:
                    taken += 1
                    tasks.append((asyncio.create_task(read(reader)), writer))
            print(taken, flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        asyncio.run(main())
        """

    @Test("a hundred open pages cost next to nothing, and more than a node takes are turned away")
    func watchers() throws {
        let stage = try DashboardScenarios.Stage()
        let socket = "/tmp/meridian-\(stage.dns).sock"
        func watch(_ count: Int) throws -> (taken: Int, end: () -> Void) {
            let process = Process()
            let (input, output) = (makePipe(), makePipe())
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["python3", "-c", Self.watchers, socket, "\(count)"]
            process.standardInput = input
            process.standardOutput = output
            try process.start()
            let said = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            let taken = Int(said.filter(\.isNumber)) ?? -1
            return (
                taken,
                {
                    input.fileHandleForWriting.closeFile()
                    process.waitUntilExit()
                }
            )
        }
        func cost() -> Double {
            let before = stage.program.processorTicks
            let start = ContinuousClock.now
            usleep(4_000_000)
            return Double(stage.program.processorTicks - before) / ((ContinuousClock.now - start) / .seconds(1))
        }
        let alone = cost()
        let hundred = try watch(100)
        #expect(hundred.taken == 100)
        let watched = cost()
        print("dashboard: the node takes \(alone)% of a core alone, \(watched)% with 100 open pages")
        hundred.end()
        // Each try is a Python of its own that opens hundreds of streams.
        try wait(for: "the places to be free", seconds: 120) {
            let many = try watch(256)
            many.end()
            return many.taken == 256
        }
        try wait(for: "the bound", seconds: 120) {
            let many = try watch(300)
            many.end()
            return many.taken == 256
        }
    }
}
