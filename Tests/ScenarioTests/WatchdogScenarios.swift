import Foundation
import Testing

@Suite("The watchdog of the service manager", .serialized)
struct WatchdogScenarios {
    @Test("a thread of DNS that hangs stops the keep-alives and is told as a metric, and they go on when it does")
    func hangingThread() throws {
        let (dns, metrics) = (try freePort(), try freePort())
        let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "meridian.yaml")
        try (NameServerScenarios.configuration(port: dns) + "\nmetrics: { listen: \"127.0.0.1:\(metrics)\" }\n")
            .write(to: file, atomically: true, encoding: .utf8)
        let result = try Program.run(
            "python3", ["-c", Self.manager, Program.binary.path, file.path, "\(dns)", "\(metrics)", folder.path])
        #expect(result.status == 0, "\(result.output)\n\(result.error)")
        #expect(result.output.hasSuffix("kept alive\nstuck\nsilent\nkept alive\n"), "\(result.output)")
    }

    /// Starts the program as a service manager that wants to hear from it each second, and holds up the answers of DNS
    /// with strace: each `sendmmsg` begins half a minute late.
    private static let manager = #"""
        import os, socket, subprocess, sys, time, urllib.request

        binary, configuration, dns, metrics, folder = sys.argv[1:]
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(folder + "/notify")
        environment = {**os.environ, "NOTIFY_SOCKET": folder + "/notify", "WATCHDOG_USEC": "1000000"}
        node = subprocess.Popen([binary, "run", "--config", configuration], env=environment, stdout=sys.stderr)

        def hears(word, seconds):
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                told.settimeout(left)
                try:
                    if word in told.recv(4096).decode().split("\n"): return True
                except TimeoutError:
                    pass
            return False

        def stuck():
            text = urllib.request.urlopen("http://127.0.0.1:" + metrics + "/metrics", timeout=10).read().decode()
            return "\nmeridian_dns_stuck_threads 0\n" not in text

        tracer = None
        try:
            assert hears("READY=1", 20)
            assert hears("WATCHDOG=1", 20)
            print("kept alive", flush=True)
            tracer = subprocess.Popen(
                ["strace", "-qq", "-f", "-p", str(node.pid), "-o", "/dev/null", "-e", "trace=sendmmsg",
                 "-e", "inject=sendmmsg:delay_enter=30000000"], stderr=sys.stderr)
            status = "/proc/%d/status" % node.pid
            while "TracerPid:\t0" in open(status).read():
                assert tracer.poll() is None, "strace ended"
                time.sleep(0.02)
            asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            asker.connect(("127.0.0.1", int(dns)))
            question = b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03api\x07example\x03com\x00\x00\x01\x00\x01"
            end = time.monotonic() + 20
            # Until all threads of a traced process are held there may be answers.
            while not stuck():
                assert time.monotonic() < end, "nothing hangs"
                asker.send(question)
                time.sleep(0.1)
            print("stuck", flush=True)
            # What was said before it was stuck is still there to be read; then nothing comes for several times.
            while hears("WATCHDOG=1", 0.1): pass
            assert not hears("WATCHDOG=1", 3), "it was kept alive"
            print("silent", flush=True)
            # Asked politely it would wait for the end of all delays.
            tracer.kill()
            tracer.wait()
            assert hears("WATCHDOG=1", 20)
            print("kept alive", flush=True)
        finally:
            if tracer and tracer.poll() is None: tracer.kill()
            node.kill()
            node.wait()
        """#
}
