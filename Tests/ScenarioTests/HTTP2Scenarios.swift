import Foundation
import Testing

/// Python scripts around clients and servers that nobody here wrote; Debian's packages of them are for Debian's Python.
private enum Script {
    static let python = "/usr/bin/python3"

    /// A gRPC server for bytes: echo in all four kinds of calls, and an error.
    static let server = """
        import grpc, sys, time
        from concurrent import futures

        def unary(request, context):
            if request == b"metadata":
                context.set_trailing_metadata((("x-trailer", "t"),))
                return dict(context.invocation_metadata()).get("x-asked", "").encode()
            if request == b"error":
                context.abort(grpc.StatusCode.NOT_FOUND, "nothing here")
            if request == b"slow":
                time.sleep(5)
            return request

        def server_stream(request, context):
            for number in range(int(request)):
                yield b"x" * 1000 + str(number).encode()

        def client_stream(requests, context):
            return str(sum(len(request) for request in requests)).encode()

        def both(requests, context):
            for request in requests:
                yield request.upper()

        handlers = grpc.method_handlers_generic_handler("t.Echo", {
            "Unary": grpc.unary_unary_rpc_method_handler(unary),
            "ServerStream": grpc.unary_stream_rpc_method_handler(server_stream),
            "ClientStream": grpc.stream_unary_rpc_method_handler(client_stream),
            "Both": grpc.stream_stream_rpc_method_handler(both),
        })
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
        server.add_generic_rpc_handlers((handlers,))
        server.add_insecure_port("127.0.0.1:" + sys.argv[1])
        server.start()
        server.wait_for_termination()
        """

    /// Calls it through the proxy; prints what went wrong.
    static let calls = """
        import grpc, sys
        from concurrent import futures

        channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1])
        unary = channel.unary_unary("/t.Echo/Unary")
        server_stream = channel.unary_stream("/t.Echo/ServerStream")
        client_stream = channel.stream_unary("/t.Echo/ClientStream")
        both = channel.stream_stream("/t.Echo/Both")

        assert unary(b"hello", timeout=10) == b"hello"
        assert unary(b"x" * 3000000, timeout=10) == b"x" * 3000000
        answer, call = unary.with_call(b"metadata", timeout=10, metadata=(("x-asked", "a"),))
        assert answer == b"a" and ("x-trailer", "t") in call.trailing_metadata()
        try:
            unary(b"error", timeout=10)
            raise SystemExit("no error")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND and error.details() == "nothing here", error
        try:
            unary(b"slow", timeout=0.3)
            raise SystemExit("no deadline")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
        assert len(list(server_stream(b"2000", timeout=10))) == 2000
        assert client_stream((b"y" * 10000 for _ in range(200)), timeout=10) == b"2000000"
        # Each answer is waited for before the next question.
        import os, queue, signal, time
        asked = queue.Queue()
        answers = both(iter(asked.get, None), timeout=20)
        for number in range(50):
            if number % 10 == 5:
                # A call goes on through any number of reloads.
                os.kill(int(sys.argv[2]), signal.SIGHUP)
                time.sleep(0.3)
            asked.put(b"q%d" % number)
            assert next(answers) == b"Q%d" % number
        asked.put(None)
        assert list(answers) == []
        with futures.ThreadPoolExecutor(32) as pool:
            assert list(pool.map(lambda n: unary(b"%d" % n, timeout=10), range(500))) == [b"%d" % n for n in range(500)]
        print("all well")
        """

    /// Extended CONNECT (RFC 8441): an echo over WebSocket's bytes.
    static let webSocket = """
        import h2.config, h2.connection, h2.events, socket, sys

        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
        c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        c.initiate_connection()
        s.sendall(c.data_to_send())
        seen, answer, opened, ended = {}, b"", False, False
        while not ended:
            data = s.recv(65536)
            assert data, "closed"
            for event in c.receive_data(data):
                if isinstance(event, h2.events.RemoteSettingsChanged):
                    assert event.changed_settings[8].new_value == 1
                    c.send_headers(1, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                        (":path", "/ws"), (":authority", "a"), ("sec-websocket-version", "13")])
                elif isinstance(event, h2.events.ResponseReceived):
                    seen = dict(event.headers)
                    for _ in range(4): c.send_data(1, b"ping" * 2500)
                elif isinstance(event, h2.events.DataReceived):
                    answer += event.data
                    c.acknowledge_received_data(event.flow_controlled_length, 1)
                    if len(answer) == 40000 and event.data:
                        c.end_stream(1)
                elif isinstance(event, h2.events.StreamEnded):
                    ended = True
                elif isinstance(event, h2.events.StreamReset):
                    raise SystemExit("reset %d" % event.error_code)
            s.sendall(c.data_to_send())
        assert seen[":status"] == "200" and answer == b"ping" * 10000, (seen, len(answer))
        print("all well")
        """
}

/// A script that runs beside the test.
private final class Running {
    private let process = Process()

    init(_ script: String, port: Int) throws {
        process.executableURL = URL(filePath: Script.python)
        process.arguments = ["-c", script, "\(port)"]
        try process.run()
        try wait(for: "the server to listen") { RawClient(port) != nil }
    }

    deinit {
        // gRPC's threads do not let it go at a friendlier word.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }
}

@Suite("HTTP/2, with curl, h2load, gRPC and python3-h2", .serialized)
struct HTTP2Scenarios {
    /// A listener for HTTP/2 towards the member, and one that reaches it through the first, over HTTP/2 again.
    private static func configuration(port: Int, second: Int, member: Int, isHTTP2: Bool = false) -> String {
        """
        proxy: { access_log: "off", threads: 1 }
        upstreams:
          app: { members: ["127.0.0.1:\(member)"], http2: \(isHTTP2) }
          self: { members: ["127.0.0.1:\(port)"], http2: true }
        listeners:
          web: { address: "127.0.0.1:\(port)", upstream: app }
          second: { address: "127.0.0.1:\(second)", upstream: self }
        """
    }

    @Test("curl gets what it asks for in all four combinations of HTTP/1.1 and HTTP/2")
    func curl() throws {
        let (port, second) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let program = try Program(Self.configuration(port: port, second: second, member: member.port))
        for target in [port, second] {
            for arguments in [["--http1.1"], ["--http2-prior-knowledge"]] {
                let small = try Program.run(
                    "curl", ["-sS", "--max-time", "10"] + arguments + ["http://127.0.0.1:\(target)/"])
                #expect(small.output == "abc", "\(small)\(program.text)")
                let large = try Program.run(
                    "curl",
                    ["-sS", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_version} %{size_download}"] + arguments
                        + ["http://127.0.0.1:\(target)/large"])
                let version = arguments[0] == "--http1.1" ? "1.1" : "2"
                #expect(large.output == "\(version) 100000000", "\(large)\(program.text)")
            }
        }
    }

    @Test("h2load's requests all succeed, on connections that are shared")
    func load() throws {
        let (port, second) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let program = try Program(Self.configuration(port: port, second: second, member: member.port))
        for target in [port, second] {
            let result = try Program.run(
                "h2load", ["-n", "2000", "-c", "8", "-m", "16", "http://127.0.0.1:\(target)/"])
            #expect(
                result.output.contains("2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed"),
                "\(result)\(program.text)")
        }
    }

    @Test("gRPC calls of all kinds pass, with their errors, trailers and deadlines")
    func grpc() throws {
        let (port, second) = (try freePort(), try freePort())
        let own = try freePort()
        let server = try Running(Script.server, port: own)
        let program = try Program(Self.configuration(port: port, second: second, member: own, isHTTP2: true))
        for target in [port, second] {
            let result = try Program.run(
                Script.python, ["-c", Script.calls, "\(target)", "\(program.processIdentifier)"])
            #expect(result.output == "all well\n", "\(result)\(program.text)")
        }
        #expect(program.logged("generation=4 "), "\(program.text)")
        withExtendedLifetime(server) {}
    }

    @Test("WebSocket passes over HTTP/2, to a member that speaks HTTP/1.1 and over HTTP/2 again")
    func webSocket() throws {
        let (port, second) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let program = try Program(Self.configuration(port: port, second: second, member: member.port))
        for target in [port, second] {
            let result = try Program.run(Script.python, ["-c", Script.webSocket, "\(target)"])
            #expect(result.output == "all well\n", "\(result)\(program.text)")
        }
    }
}
