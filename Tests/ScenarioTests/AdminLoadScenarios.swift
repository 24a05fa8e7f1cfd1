import Foundation
import Testing

@Suite("The admin API, asked by many at once", .serialized)
struct AdminLoadScenarios {
    private let socket: String
    private let program: Program

    init() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        program = try Program(DashboardLoadScenarios.crowd(10_000, socket: socket, port: port))
        self.socket = socket
    }

    @Test("many large views: so many wait, others are told to come again, and changes are made meanwhile")
    func views() throws {
        var (refused, waiting, turns) = (0, 0, 0)
        // Who asks slowly, on a busy machine, asks for no more than the node can make meanwhile.
        while refused == 0 || waiting == 0, turns < 5 {
            turns += 1
            let result = try Program.run("python3", ["-c", Self.askers, socket])
            #expect(result.status == 0, "\(result.error)")
            let answers = try JSONDecoder().decode([String: Int].self, from: Data(result.output.utf8))
            let served = answers["served"] ?? 0
            refused += answers["refused"] ?? 0
            waiting += answers["waiting"] ?? 0
            #expect(served + (answers["refused"] ?? 0) == 300, "each was answered, one way or the other: \(answers)")
            #expect(served >= 33, "one at work and those in the line")
            #expect(answers["changed"] == 204)
            #expect(answers["statuses"] == 100, "one status is made for all who ask for it")
        }
        #expect(refused > 0)
        #expect(waiting > 0, "views still waited when the change was made")
        let status = try Program.run("curl", ["--silent", "--unix-socket", socket, "http://meridian/v1/node"]).output
        #expect(status.contains(#""busy":\#(refused),"#), "\(status)")
    }

    /// Sends all requests before it reads any answer; says what came of them.
    private static let askers = """
        import json, resource, select, socket, sys

        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        def ask(head, body=b""):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(sys.argv[1])
            connection.settimeout(60)
            fields = " HTTP/1.1\\r\\nHost: meridian\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
            connection.sendall((head + fields).encode() + body)
            return connection

        def read(connection):
            text = b""
            while part := connection.recv(1 << 20): text += part
            return text

        views = [ask("GET /v1/members?limit=1000&search=127") for _ in range(300)]
        change = read(ask("PUT /v1/overrides/member", b'{"name": "pool-0/127.10.0.1:9000", "verdict": "drain"}'))
        waiting = len(views) - len(select.select(views, [], [], 0)[0])
        counts = {"served": 0, "refused": 0, "changed": int(change.split()[1]), "waiting": waiting}
        for view in views:
            answer = read(view)
            if answer.startswith(b"HTTP/1.1 200 ") and b'"total":10000' in answer: counts["served"] += 1
            elif answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 1\\r\\n" in answer: counts["refused"] += 1
        answers = [read(status) for status in [ask("GET /v1/status") for _ in range(100)]]
        counts["statuses"] = sum(a.startswith(b"HTTP/1.1 200 ") and b'"verdict":"drain"' in a for a in answers)
        print(json.dumps(counts))
        """

    @Test("so many connections are open at once; one more is closed and counted, and closed ones make room")
    func connections() throws {
        let result = try Program.run("python3", ["-c", Self.holders, socket])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output == "1280 are open, 10 were closed\n")
        var answer = ""
        try wait(for: "room") {
            answer = try Program.run("curl", ["--silent", "--unix-socket", socket, "http://meridian/v1/node"]).output
            return answer.contains("refusedConnections")
        }
        #expect(answer.contains(#""refusedConnections":10,"#), "\(answer)")
    }

    /// Opens connections one after another, and says how many of them the node closed.
    private static let holders = """
        import resource, select, socket, sys

        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        held = []
        for _ in range(1290):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(sys.argv[1])
            held.append(connection)
        closed = set()
        while len(closed) < 10:
            readable = select.poll()
            for connection in held:
                if connection not in closed: readable.register(connection, select.POLLIN)
            names = {connection.fileno(): connection for connection in held}
            found = readable.poll(60000)
            assert found, "nothing was closed: %d" % len(closed)
            for descriptor, _ in found:
                assert names[descriptor].recv(1) == b""
                closed.add(names[descriptor])
        print(len(held) - len(closed), "are open,", len(closed), "were closed")
        """
}
