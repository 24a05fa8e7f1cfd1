import Foundation

/// Python scripts around clients and servers that nobody here wrote; Debian's packages of them are for Debian's Python.
enum Script {
    static let python = "/usr/bin/python3"

    /// A gRPC server for bytes: echo in all four kinds of calls, and an error.
    static let server = """
        import grpc, sys, time
        from concurrent import futures

        # What the health service says of the service "shop".
        state = [1]

        def check(request, context):
            if request not in (b"", b"\\x0a\\x04shop"):
                context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
            return bytes([8, state[0]])

        def unary(request, context):
            if request.startswith(b"state "):
                state[0] = int(request[6:])
            if request == b"metadata":
                context.set_trailing_metadata((("x-trailer", "t"),))
                return dict(context.invocation_metadata()).get("x-asked", "").encode()
            if request == b"error":
                context.abort(grpc.StatusCode.NOT_FOUND, "nothing here")
            if request == b"slow":
                time.sleep(5)
            return request

        def server_stream(request, context):
            count, _, pause = request.partition(b" ")
            for number in range(int(count)):
                yield b"x" * 1000 + str(number).encode()
                if pause:
                    time.sleep(float(pause))

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
        health = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {
            "Check": grpc.unary_unary_rpc_method_handler(check),
        })
        server.add_generic_rpc_handlers((handlers, health))
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

        assert unary(b"hello", timeout=60) == b"hello"
        assert unary(b"x" * 3000000, timeout=60) == b"x" * 3000000
        answer, call = unary.with_call(b"metadata", timeout=60, metadata=(("x-asked", "a"),))
        assert answer == b"a" and ("x-trailer", "t") in call.trailing_metadata()
        try:
            unary(b"error", timeout=60)
            raise SystemExit("no error")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND and error.details() == "nothing here", error
        try:
            unary(b"slow", timeout=0.3)
            raise SystemExit("no deadline")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
        assert len(list(server_stream(b"2000", timeout=60))) == 2000
        assert client_stream((b"y" * 10000 for _ in range(200)), timeout=60) == b"2000000"
        # Each answer is waited for before the next question.
        import os, queue, signal, time
        asked = queue.Queue()
        answers = both(iter(asked.get, None), timeout=120)
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
            assert list(pool.map(lambda n: unary(b"%d" % n, timeout=60), range(500))) == [b"%d" % n for n in range(500)]
        print("all well")
        """

    /// Makes one call.
    static let call = """
        import grpc, sys
        grpc.insecure_channel("127.0.0.1:" + sys.argv[1]).unary_unary("/t.Echo/Unary")(sys.argv[2].encode(), timeout=60)
        """

    /// Holds a stream to the client and one both ways open for so many seconds; prints how many messages came.
    static let longCalls = """
        import grpc, queue, sys, threading, time

        channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1])
        seconds = int(sys.argv[2])
        counts = {}

        def listen():
            stream = channel.unary_stream("/t.Echo/ServerStream")(b"%d 0.1" % (seconds * 10), timeout=seconds + 60)
            counts["listen"] = sum(1 for _ in stream)

        def talk():
            asked = queue.Queue()
            answers = channel.stream_stream("/t.Echo/Both")(iter(asked.get, None), timeout=seconds + 60)
            for number in range(seconds * 4):
                asked.put(b"q%d" % number)
                assert next(answers) == b"Q%d" % number
                time.sleep(0.25)
            asked.put(None)
            assert list(answers) == []
            counts["talk"] = seconds * 4

        threads = [threading.Thread(target=work) for work in (listen, talk)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(counts.get("listen"), counts.get("talk"))
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

/// A script that runs beside the test, and listens.
final class Running {
    private let process = Process()

    init(_ script: String, port: Int) throws {
        process.executableURL = URL(filePath: Script.python)
        process.arguments = ["-c", script, "\(port)"]
        try process.start()
        try wait(for: "the server to listen") { RawClient(port) != nil }
    }

    deinit {
        // gRPC's threads do not let it go at a friendlier word.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }
}
