import Foundation

/// Asks for the name and then for the page behind it, all the time, as clients with their own networks do.
final class SteeredClients {
    private let process = Process()
    // A file: the end of a pipe would be held open by every program that is started meanwhile.
    private let output = FileManager.default.temporaryDirectory.appending(path: "clients-\(UUID().uuidString)")

    private static let source = """
        import http.client, json, signal, socket, struct, sys, time
        dns_port, regions = int(sys.argv[1]), json.loads(sys.argv[2])
        running = True
        def stop(*_):
            global running
            running = False
        signal.signal(signal.SIGTERM, stop)
        # The threads of a test run have it blocked, and so would what they start.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asker.settimeout(30)
        asker.connect(("127.0.0.1", dns_port))
        number = 0
        def ask(name, network):
            global number
            number = (number + 1) % 65536
            labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split(".") if l) + b"\\0"
            subnet = struct.pack("!HBB", 1, 24, 0) + bytes([20, network // 256, network % 256])
            option = struct.pack("!HH", 8, len(subnet)) + subnet
            asker.send(struct.pack("!HHHHHH", number, 0, 1, 0, 0, 1) + labels + struct.pack("!HH", 1, 1)
                + b"\\0" + struct.pack("!HHIH", 41, 1232, 0, len(option)) + option)
            while True:
                answer = asker.recv(4096)
                if answer[:2] == struct.pack("!H", number):
                    return answer
        def wire(name):
            return b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
        counts, failures, kept = {name: 0 for name in regions}, [], {}
        def get(client):
            client.request("GET", "/")
            return client.getresponse()
        turn = 0
        print("asking", flush=True)
        while running:
            turn += 1
            try:
                answer = ask("api.example.com", turn % 1000)
                found = [name for name in regions if wire(regions[name]["host"]) in answer]
                if answer[3] & 15 or len(found) != 1:
                    raise Exception("no region in " + repr(answer))
                region = regions[found[0]]
                answer = ask(region["host"], turn % 1000)
                address = socket.inet_ntoa(answer[answer.index(b"\\0\\x04\\x7f") + 2:][:4])
                # Every third opens a connection of its own; the others keep theirs, as browsers do.
                client, used = kept.get(address, (None, 0))
                if client is None or turn % 3 == 0:
                    client = http.client.HTTPConnection(address, region["port"], timeout=30)
                try:
                    response = get(client)
                except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                    # One that was not used for long was closed as idle, of which its client did not know yet.
                    if turn % 3 == 0 or time.monotonic() - used < 0.5:
                        raise
                    client = http.client.HTTPConnection(address, region["port"], timeout=30)
                    response = get(client)
                body = response.read()
                if turn % 3:
                    kept[address] = client, time.monotonic()
                if response.status != 200 or not body:
                    raise Exception("status %d" % response.status)
                if turn % 3 == 0:
                    client.close()
                counts[found[0]] += 1
            except Exception as error:
                failures.append(repr(error))
            time.sleep(0.001)
        print(counts["eu"], counts["us"], len(failures), failures[:3], flush=True)
        """

    /// - Parameter regions: host name and port of the VIPs of `eu`, `us` and whatever else there is.
    init(dnsPort: Int, regions: [String: (host: String, port: Int)]) throws {
        let described = regions.mapValues { ["host": $0.host, "port": $0.port] as [String: Any] }
        let json = String(decoding: try JSONSerialization.data(withJSONObject: described), as: UTF8.self)
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.source, "\(dnsPort)", json]
        try Data().write(to: output)
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.start()
        try wait(for: "the clients to ask") { try self.text.contains("asking") }
    }

    /// Ends them: requests that each region served, and the failures.
    func stop() throws -> (eu: Int, us: Int, failed: Int, text: String) {
        process.terminate()
        process.waitUntilExit()
        let text = try text.replacing("asking\n", with: "")
        let numbers = text.split(separator: " ").prefix(3).compactMap { Int($0) }
        guard numbers.count == 3 else { throw Program.Failure(description: "clients: \(text)") }
        return (numbers[0], numbers[1], numbers[2], text)
    }

    private var text: String { get throws { try String(contentsOf: output, encoding: .utf8) } }

    deinit {
        if process.isRunning {
            process.terminate()
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(at: output)
    }
}
