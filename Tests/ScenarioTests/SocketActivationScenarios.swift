import Foundation
import Testing

@Suite("Sockets that a service manager passes on", .serialized)
struct SocketActivationScenarios {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func configuration(dns: Int, web: Int) -> String {
        NameServerScenarios.configuration(port: dns) + """

            listeners:
              web: { address: "127.0.0.1:\(web)", routes: [{ respond: { status: 200, body: inherited } }] }
            proxy: { access_log: "off" }
            """
    }

    @Test("ports below 1024 without the right to bind them; sockets outlive reloads and the program; others are closed")
    func privileged() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        // Below 1024, and free in a network of this test's own.
        let file = folder.appending(path: "meridian.yaml")
        let yaml = configuration(dns: 853, web: 801)
        try yaml.write(to: file, atomically: true, encoding: .utf8)
        let other = folder.appending(path: "other.yaml")
        try yaml.replacingOccurrences(
            of: "dns: { listen: [\"127.0.0.1:853\"]", with: "dns: { listen: [\"127.0.0.1:853\"], threads: 3"
        ).write(to: other, atomically: true, encoding: .utf8)
        let without = folder.appending(path: "without.yaml")
        try (yaml.components(separatedBy: "\nlisteners:")[0] + "\n").write(
            to: without, atomically: true, encoding: .utf8)
        let binary = folder.appending(path: "meridian")
        try FileManager.default.copyItem(at: Program.binary, to: binary)
        for path in [folder.path, binary.path, file.path] {
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path)
        }
        let result = try Program.run(
            "timeout",
            ["120", "unshare", "--net", "python3", "-c", Self.manager, binary.path]
                + [file.path, other.path, without.path])
        #expect(result.status == 0, "\(result.output)\n\(result.error)")
        #expect(
            result.output == """
                not permitted without sockets
                serves
                serves after a reload with other threads
                waited for the second process
                refused after its address was removed
                closed what is of no use

                """, "\(result.error)")
    }

    /// Binds as root, runs the program as nobody without capabilities, and asks it.
    private static let manager = #"""
        import os, shutil, signal, socket, subprocess, sys, time

        binary, configuration, other, without = sys.argv[1:]
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

        def stream(port):
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(("127.0.0.1", port))
            made.listen(64)
            return made

        def datagram(port):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind(("127.0.0.1", port))
            return made

        local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        given = [datagram(853), stream(853), stream(801), stream(802), local]
        names = ["dns", "dns", "web", "stranger", "local"]
        log = open(os.path.dirname(configuration) + "/log", "w+b", buffering=0)

        def text(): return open(log.name).read()

        def wait(what, condition):
            end = time.monotonic() + 20
            while not condition():
                assert time.monotonic() < end, "waited in vain for " + what + "\n" + text()
                time.sleep(0.02)

        def start(sockets):
            log.truncate(0)
            log.seek(0)
            child = os.fork()
            if child: return child
            # Above what will be handed over, so that nothing is overwritten.
            copies = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(sockets)]
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            for i, copy in enumerate(copies): os.dup2(copy, 3 + i, inheritable=True)
            for descriptor in range(3 + len(copies), 200):
                try: os.close(descriptor)
                except OSError: pass
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            if sockets:
                os.environ.update(
                    LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=":".join(names))
            os.execv(binary, [binary, "run", "--config", configuration])

        question = b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03api\x07example\x03com\x00\x00\x01\x00\x01"

        def sent():
            asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            asker.settimeout(60)
            asker.connect(("127.0.0.1", 853))
            asker.send(question)
            return asker

        def serves():
            answer = sent().recv(2048)
            assert answer[:2] == question[:2] and answer[3] & 15 == 0, answer
            tcp = socket.create_connection(("127.0.0.1", 853), 10)
            tcp.sendall(len(question).to_bytes(2, "big") + question)
            assert tcp.recv(4)[2:4] == question[:2]
            assert body() == "inherited"

        def body():
            return subprocess.run(
                ["curl", "--silent", "--max-time", "60", "http://127.0.0.1:801/"], capture_output=True, text=True).stdout

        def end(child):
            os.kill(child, signal.SIGTERM)
            assert os.waitpid(child, 0)[1] == 0, text()

        def reload(path):
            count = text().count("reloaded")
            shutil.copyfile(path, configuration)
            os.kill(child, signal.SIGHUP)
            wait("the reload", lambda: text().count("reloaded") > count)

        # Kept from being bound by a process without the right to.
        open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w").write("1024")
        for s in given[:3]: s.close()
        child = start([])
        assert os.waitpid(child, 0)[1] != 0 and "CAP_NET_BIND_SERVICE" in text(), text()
        print("not permitted without sockets", flush=True)

        given[:3] = [datagram(853), stream(853), stream(801)]
        child = start(given)
        wait("serving", lambda: "serving" in text())
        for _ in range(8): serves()
        print("serves", flush=True)
        closed = text()
        shutil.copyfile(configuration, configuration + ".first")
        reload(other)
        for _ in range(8): serves()
        print("serves after a reload with other threads", flush=True)
        end(child)
        # Nobody serves now: what is asked waits in the sockets.
        asker, tcp = sent(), socket.create_connection(("127.0.0.1", 801), 10)
        child = start(given)
        asker.settimeout(60)
        assert asker.recv(2048)[:2] == question[:2]
        tcp.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        tcp.settimeout(60)
        assert tcp.recv(4096).startswith(b"HTTP/1.1 200 ")
        print("waited for the second process", flush=True)
        given[2].close()
        reload(without)
        wait("the closing", lambda: "name=web" in text())
        try:
            socket.create_connection(("127.0.0.1", 801), 5)
            sys.exit("somebody listens still")
        except ConnectionRefusedError:
            print("refused after its address was removed", flush=True)
        assert "127.0.0.1:802 (TCP)" in closed and "name=stranger" in closed, closed
        assert "it is none of IPv4 or IPv6" in closed and "name=local" in closed, closed
        assert closed.count("an inherited socket is closed") == 2, closed
        end(child)
        print("closed what is of no use", flush=True)
        """#
}
