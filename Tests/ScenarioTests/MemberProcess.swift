import Foundation

/// A member in a process of its own, so that it can be killed: answers every request, echoes a head and over WebSocket's handshake,
/// and sends a long body at a steady pace.
final class MemberProcess {
    let port: Int
    private let process = Process()

    private static let source = """
        import asyncio, base64, hashlib, sys

        def accept(head):
            key = next((line.split(b":")[1].strip() for line in head.split(b"\\r\\n")
                        if line.lower().startswith(b"sec-websocket-key:")), b"")
            return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())

        async def serve(reader, writer):
            try:
                while True:
                    head = await reader.readuntil(b"\\r\\n\\r\\n")
                    path = head.split(b" ", 2)[1]
                    if b"\\r\\nUpgrade: websocket" in head:
                        writer.write(b"HTTP/1.1 101 X\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n"
                            + b"Sec-WebSocket-Accept: " + accept(head) + b"\\r\\n\\r\\n")
                        while data := await reader.read(4096):
                            writer.write(data)
                        break
                    elif path == b"/echo":
                        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(head) + head)
                    elif path == b"/long":
                        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 6000000\\r\\n\\r\\n")
                        for _ in range(600):
                            writer.write(b"x" * 10000)
                            await writer.drain()
                            await asyncio.sleep(0.01)
                    elif path == b"/large":
                        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 100000000\\r\\n\\r\\n")
                        for _ in range(1000):
                            writer.write(b"x" * 100000)
                            await writer.drain()
                    elif path.startswith(b"/queue/"):
                        load = b"TEXT named_metrics.queue=" + path[7:]
                        writer.write(b"HTTP/1.1 200 OK\\r\\nEndpoint-Load-Metrics: " + load
                                     + b"\\r\\nContent-Length: 0\\r\\n\\r\\n")
                    elif path.startswith(b"/body/"):
                        load = b'{"named_metrics": {"queue": ' + path[6:] + b'}}'
                        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(load) + load)
                    else:
                        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nabc")
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        async def main():
            server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=1024)
            await server.serve_forever()

        asyncio.run(main())
        """

    init(port: Int) throws {
        self.port = port
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.source, "\(port)"]
        try process.start()
        try wait(for: "the member to listen") { RawClient(port) != nil }
    }

    /// As an out-of-memory killer would.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    deinit { if process.isRunning { kill() } }
}

/// A blocking connection.
final class RawClient {
    private let descriptor: Int32

    init?(_ port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { return nil }
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        unsafe Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Reads until `count` bytes came; fewer at the end or after a minute without any.
    func receive(_ count: Int) -> Int {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var total = 0
        while total < count {
            let length = unsafe recv(descriptor, &buffer, min(buffer.count, count - total), 0)
            guard length > 0 else { break }
            total += length
        }
        return total
    }

    /// Reads byte by byte until what came ends with `end`.
    func receiveText(until end: String) -> String {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while !bytes.reversed().starts(with: end.utf8.reversed()), unsafe recv(descriptor, &byte, 1, 0) == 1 {
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
