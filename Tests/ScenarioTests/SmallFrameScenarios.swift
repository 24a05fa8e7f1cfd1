import Foundation
import Testing

/// What a member's small frames cost in memory, which only the process as a whole shows.
@Suite("HTTP/2 members that send byte by byte", .serialized)
struct SmallFrameScenarios {
    /// Answers each stream's HEADERS with a head, and as many bytes as its first window takes, each in a frame of its own.
    private static let member = """
        import asyncio, struct, sys

        def frame(kind, flags, stream, payload):
            return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

        async def serve(reader, writer):
            try:
                await reader.readexactly(24)
                writer.write(frame(4, 0, 0, b""))
                while True:
                    head = await reader.readexactly(9)
                    await reader.readexactly(int.from_bytes(head[:3], "big"))
                    stream = int.from_bytes(head[5:], "big")
                    if head[3] == 4 and not head[4]:
                        writer.write(frame(4, 1, 0, b""))
                    if head[3] == 1:
                        writer.write(frame(1, 4, stream, b"\\x88") + frame(0, 0, stream, b"x") * 65536)
                        await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        async def main():
            await (await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))).serve_forever()

        asyncio.run(main())
        """

    /// Asks on four streams, opens no window, and waits until it is ended.
    private static let client = """
        import socket, struct, sys, time

        def frame(kind, flags, stream, payload):
            return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
        s.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + frame(4, 0, 0, struct.pack(">HI", 4, 0)))
        for stream in range(1, 9, 2):
            s.sendall(frame(1, 5, stream, b"\\x82\\x86\\x84\\x41\\x01a"))
        time.sleep(600)
        """

    @Test("a window of single bytes costs about as much memory as bytes")
    func memory() throws {
        let (port, own) = (try freePort(), try freePort())
        let member = try Running(Self.member, port: own)
        let socket = "/tmp/meridian-\(port).sock"
        let program = try Program(
            """
            proxy: { access_log: "off", threads: 1, limits: { body_timeout: 10m } }
            admin: { socket: \(socket) }
            upstreams: { app: { members: ["127.0.0.1:\(own)"], http2: true, response_timeout: 10m } }
            listeners: { web: { address: "127.0.0.1:\(port)", upstream: app } }
            """)
        let before = program.memory
        let client = Process()
        client.executableURL = URL(filePath: Script.python)
        client.arguments = ["-c", Self.client, "\(port)"]
        try client.start()
        defer {
            kill(client.processIdentifier, SIGKILL)
            client.waitUntilExit()
        }
        // The windows' bytes are here. Each is a frame of its own, of which a slow machine takes ten thousand a second.
        var buffered = 0
        try wait(for: "all that the windows take", seconds: 300) {
            let status = try Program.run(Program.binary.path, ["status", "--json", "--socket", socket]).output
            buffered = status.firstMatch(of: /"bufferedBytes"\s*:\s*(\d+)/).flatMap { Int($0.output.1) } ?? 0
            return buffered >= 4 * 65_536
        }
        #expect(buffered < 4 * 65_536 + 4096)
        // A buffer for each of the bytes was a hundred times as much.
        #expect(program.memory - before < 24 << 20, "\((program.memory - before) >> 10) KiB more")
        withExtendedLifetime(member) {}
    }
}
