import Foundation

/// Something that answers as a node would, with what no node of ours says. On a port of 127.0.0.1, in clear text or with
/// TLS; ended with the test.
final class ForeignNode {
    let port: Int
    private let process = Process()
    private let folder: URL
    private var answers: [String: [Any]]

    private static let script = #"""
        import http.server, json, ssl, sys, threading, time

        barriers = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with open(sys.argv[3], "a") as log:
                    log.write("%s %s\n" % (self.path, self.headers.get("Authorization", "-")))
                with open(sys.argv[3] + ".times", "a") as log:
                    log.write("%s %f\n" % (self.path, time.monotonic()))
                with open(sys.argv[2]) as file:
                    answers = json.load(file)
                path = self.path.split("?")[0]
                if "together" in answers:
                    count = answers["together"][0]
                    barrier = barriers.setdefault(count, threading.Barrier(count))
                    try:
                        barrier.wait(5)
                    except threading.BrokenBarrierError:
                        barrier.reset()
                if path in answers and answers[path][0] == 0:
                    # Never.
                    time.sleep(60)
                wanted = path + " " + self.headers.get("Accept", "")
                status, body, *fields = answers.get(wanted) or answers.get(path) or [404, "{}"]
                self.send_response(status)
                for name, value in fields:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
        if len(sys.argv) > 4:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[4], sys.argv[5])
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()
        """#

    /// - Parameters:
    ///   - answers: status and body of paths.
    ///   - certificate: PEM files of a certificate and its key; none for clear text.
    init(_ answers: [String: (Int, String)], certificate: [String] = []) throws {
        self.answers = answers.mapValues { [$0.0, $0.1] }
        port = try freePort()
        folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "answers")
        try Self.write(self.answers, to: file)
        process.executableURL = URL(filePath: Script.python)
        process.arguments =
            ["-c", Self.script, "\(port)", file.path, folder.appending(path: "log").path] + certificate
        try process.start()
        let probe = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))"
        try wait(for: "the foreign node") { [port] in
            try Program.run(Script.python, ["-c", probe, "\(port)"]).status == 0
        }
    }

    /// From now on, to those who accept a type of content.
    ///
    /// - Parameter fields: names and values.
    func answer(_ path: String, for type: String, _ answer: (Int, String), _ fields: [(String, String)] = []) throws {
        answers["\(path) \(type)"] = [answer.0, answer.1] + fields.map { [$0.0, $0.1] }
        try Self.write(answers, to: folder.appending(path: "answers"))
    }

    private static func write(_ answers: [String: [Any]], to file: URL) throws {
        try JSONSerialization.data(withJSONObject: answers)
            .write(to: file, options: .atomic)
    }

    deinit {
        // A thread of a test may have other signals blocked, and so has what it starts.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// When each request for a path came, in seconds.
    func times(of path: String) -> [Double] {
        let text = (try? String(contentsOf: folder.appending(path: "log.times"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { $0.hasPrefix(path) }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
    }

    /// The path and the field Authorization of each request, a line each.
    var requests: String { (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? "" }
}
