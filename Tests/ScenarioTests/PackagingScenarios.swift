import Foundation
import Testing

/// What is installed, and how it runs as a service. `make test` builds the release binary that is packaged here.
@Suite("Packaging", .serialized)
struct PackagingScenarios {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let release = repository.appending(path: ".build/release/meridian").path

    /// Folders of other users can only be made by root, and a package needs a binary that runs elsewhere.
    private static var canPackage: Bool {
        getuid() == 0
            && (try? Program.run(release, ["manual", "/nowhere"]).error.contains("/nowhere/")) ?? false
    }

    private static func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test("manual pages are whole, name every command, and have nothing that the formatter does not know")
    func manual() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try Program.run(Program.binary.path, ["manual", folder.path]).status == 0)
        let pages = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        for name in ["meridian.1", "meridian-drain.1", "meridian-window.1", "meridian-top.1", "meridian-explain.1"] {
            #expect(pages.contains(name), "\(pages)")
        }
        for page in pages {
            let shown = try Program.run(
                "groff",
                ["-man", "-Tutf8", "-ww", "-rLL=100n", "-P-c", "-P-b", "-P-u", folder.appending(path: page).path])
            #expect(shown.status == 0 && shown.error.isEmpty, "\(page): \(shown.error)")
            #expect(shown.output.contains("NAME"))
        }
        let drain = try String(contentsOf: folder.appending(path: "meridian-drain.1"), encoding: .utf8)
        #expect(drain.contains("\\-\\-timeout") && drain.contains("\\-\\-dry\\-run"))
        for page in pages {
            let text = try String(contentsOf: folder.appending(path: page), encoding: .utf8)
            #expect(!text.contains(/[ (]docs\//), "\(page) points to where its reader has nothing")
        }
        let levels = try String(contentsOf: folder.appending(path: "meridian-sla.1"), encoding: .utf8)
        #expect(levels.contains("/usr/share/doc/meridian/docs/metrics.md"), "\(levels)")
        let window = try String(contentsOf: folder.appending(path: "meridian-window.1"), encoding: .utf8)
        #expect(window.contains("window add") || window.contains("WINDOW ADD"))
    }

    @Test("the exit codes of the manual page are those of docs/cli.md")
    func exitCodes() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try Program.run(Program.binary.path, ["manual", folder.path])
        let page = try String(contentsOf: folder.appending(path: "meridian.1"), encoding: .utf8)
        let document = try String(contentsOf: Self.repository.appending(path: "docs/cli.md"), encoding: .utf8)
        for code in ["0", "1", "2", "3", "4", "64"] {
            #expect(page.contains(".B \(code)\n"))
            #expect(document.contains("| \(code) | "))
        }
    }

    @Test("what is installed points to what is installed, and the program to its documents")
    func documents() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }  // left behind: only rubbish in /tmp
        let made = try Program.run(
            "env",
            [
                "DESTDIR=\(folder.path)", "PREFIX=/usr", Self.repository.appending(path: "scripts/install").path,
                Program.binary.path,
            ])
        #expect(made.status == 0, "\(made)")
        let root = folder.appending(path: "usr/share/doc/meridian")
        for path in [
            "README.md", "docs/operations.md", "docs/images/overview-dark.png", "examples/classic-wip.yaml",
            "examples/prometheus/alerts.yaml", "examples/grafana/meridian.json", "examples/tls/api.internal.local.pem",
            "packaging/meridian.socket",
        ] { #expect(FileManager.default.fileExists(atPath: root.appending(path: path).path), "\(path)") }
        var links = 0
        for case let page as String in FileManager.default.enumerator(atPath: root.path) ?? .init()
        where page.hasSuffix(".md") {
            let file = root.appending(path: page)
            for link in try String(contentsOf: file, encoding: .utf8).matches(of: /\]\(([^)#\s]+)[^)]*\)/)
            where !link.output.1.contains("://") {
                links += 1
                let target = file.deletingLastPathComponent().appending(path: String(link.output.1)).standardized
                #expect(FileManager.default.fileExists(atPath: target.path), "\(page) points to \(link.output.1)")
            }
        }
        #expect(links > 30)
        let empty = folder.appending(path: "empty.yaml")
        try Data().write(to: empty)
        let told = try Program.run(folder.appending(path: "usr/bin/meridian").path, ["check", "-c", empty.path])
        #expect(told.error.contains("see \(root.path)/docs/configuration.md for what to write"), "\(told)")
        let help = try Program.run(folder.appending(path: "usr/bin/meridian").path, ["sla", "--help"]).output
        // Lines are broken where they are full.
        #expect(
            help.split(whereSeparator: \.isWhitespace).joined(separator: " ").contains("\(root.path)/docs/metrics.md"))
    }

    @Test(
        "an upgrade restarts a service that runs, but not where the new program cannot serve the file",
        .enabled(if: getuid() == 0, "needs root"))
    func upgrade() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }  // left behind: only rubbish in /tmp
        let calls = folder.appending(path: "calls")
        for (name, body) in [
            ("systemctl", #"[ "$1" != is-active ] || exit "$INACTIVE"; echo "$*" >>\#(calls.path)"#),
            // The file that the package has, as the test has it.
            (
                "meridian",
                #"[ "$*" = "check -c /etc/meridian/meridian.yaml" ] && exec \#(Program.binary.path) check -c "$FILE""#
            ), ("chown", ":"), ("chmod", ":"), ("getent", ":"),
        ] {
            let file = folder.appending(path: name)
            try "#!/bin/sh\n\(body)\n".write(to: file, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        }
        let (good, bad) = (folder.appending(path: "good.yaml").path, folder.appending(path: "bad.yaml").path)
        let yaml = NameServerScenarios.configuration(port: try freePort())
        try yaml.write(toFile: good, atomically: true, encoding: .utf8)
        try ("regionz: {}\n" + yaml).write(toFile: bad, atomically: true, encoding: .utf8)
        let script = """
            mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system
            exec /bin/sh "$0" configure "$1"
            """
        func configure(from version: String, _ file: String, inactive: Int) throws -> (error: String, calls: String) {
            try Data().write(to: calls)
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let made = try Program.run(
                "env",
                [
                    "PATH=\(folder.path):\(path)", "FILE=\(file)", "INACTIVE=\(inactive)", "unshare", "--mount", "sh",
                    "-e", "-c", script, Self.repository.appending(path: "packaging/debian/postinst").path, version,
                ])
            #expect(made.status == 0, "a package must not be left half configured: \(made)")
            return (made.error, try String(contentsOf: calls, encoding: .utf8))
        }
        let taken = try configure(from: "1.0", good, inactive: 0)
        #expect(taken.calls.contains("restart meridian.service\n") && taken.error.isEmpty, "\(taken)")
        let refused = try configure(from: "1.0", bad, inactive: 0)
        #expect(!refused.calls.contains("restart"), "\(refused)")
        #expect(refused.error.contains("bad.yaml:1:1: ") && refused.error.contains("NOT restarted"), "\(refused)")
        let stopped = try configure(from: "1.0", bad, inactive: 3)
        #expect(!stopped.calls.contains("start") && stopped.error.isEmpty, "\(stopped)")
        #expect(try configure(from: "", good, inactive: 3).calls.contains("start meridian.service\n"))
    }

    @Test("system calls and address families are those that the unit allows")
    func systemCalls() throws {
        let port = try freePort()
        let http = try freePort()
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "meridian.yaml")
        let socket = "/tmp/meridian-\(port).sock"
        try
            (NameServerScenarios.configuration(port: port) + """

                admin: { socket: \(socket), state: \(folder.path)/state.db }
                listeners: { web: { address: "127.0.0.1:\(http)", routes: [{ respond: { body: hello } }] } }
                """).write(to: file, atomically: true, encoding: .utf8)
        let trace = folder.appending(path: "trace").path
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "strace", "--follow-forks", "--quiet=all", "--output", trace, Program.binary.path, "run", "--config",
            file.path,
        ]
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.start()
        func call(_ arguments: String...) throws -> Int32 {
            try Program.run(Program.binary.path, arguments + ["--socket", socket]).status
        }
        try wait(for: "the node") { try call("status") == 0 }
        #expect(try Program.dig(port, "api.example.com", "+short") == "eu.lb.example.net.\n")
        #expect(try Program.dig(port, "api.example.com", "+short", "+tcp") == "eu.lb.example.net.\n")
        #expect(try Program.run("curl", ["--silent", "http://127.0.0.1:\(http)/"]).output == "hello")
        #expect(try call("drain", "region", "eu") == 0 && call("reload") == 0 && call("audit") == 0)
        // strace passes it on.
        let child = try Program.run("pgrep", ["-P", "\(process.processIdentifier)"]).output
        kill(pid_t(child.split(separator: "\n").first.map { Int32($0) ?? 0 } ?? 0), SIGTERM)
        process.waitUntilExit()

        let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
        // After the number of the thread stands the call; "<... read resumed>" is one that has been named before.
        let used = Set(
            lines.compactMap { line -> String? in
                let text = line.drop { $0.isNumber || $0 == " " }
                let name = text.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                return text.dropFirst(name.count).first == "(" ? String(name) : nil
            })
        #expect(used.contains("epoll_wait") || used.contains("epoll_pwait"), "\(used)")
        let allowed = try Self.calls("@system-service").subtracting(Self.calls("@privileged"))
        // SQLite gives its files the owner of the folder, if it runs as root.
        let missing = used.subtracting(allowed).subtracting(getuid() == 0 ? ["fchown"] : [])
        #expect(missing.isEmpty, "not allowed: \(missing.sorted())")
        let families = Set(
            lines.compactMap { line in
                line.firstRange(of: "socket(AF_").map { line[$0.upperBound...].prefix { $0 != "," } }
            })
        let unit = try String(
            contentsOf: Self.repository.appending(path: "packaging/meridian.service"), encoding: .utf8)
        for family in families {
            #expect(unit.contains(" AF_\(family)") || unit.contains("=AF_\(family)"), "\(family)")
        }
        #expect(families.contains("INET"))
        #expect(
            unit.contains("SystemCallFilter=@system-service\nSystemCallFilter=~@privileged\n"), "what this test checks")

    }

    /// The calls of a set, with those of the sets in it.
    private static func calls(_ set: String) throws -> Set<String> {
        let text = try Program.run("systemd-analyze", ["syscall-filter", set]).output
        let words = text.split(separator: "\n").dropFirst().map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
        return try words.reduce(into: []) { result, word in
            if word.hasPrefix("@") { result.formUnion(try calls(word)) } else { result.insert(word) }
        }
    }

    /// Installs, checks the unit, starts as it says, upgrades with a changed configuration, removes and purges, in a
    /// root that is laid over this machine's and thrown away.
    private static let play = #"""
        mkdir "$work/layer"; mount -t tmpfs tmpfs "$work/layer"
        mkdir "$work/layer/upper" "$work/layer/work" "$work/layer/root"
        root=$work/layer/root
        mount -t overlay -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work" overlay "$root"
        mount -t proc -o subset=pid,hidepid=invisible proc "$root/proc"
        mount -t tmpfs tmpfs "$root/run"; mount -t tmpfs tmpfs "$root/tmp"; mount --rbind /dev "$root/dev"
        ip link set lo up
        inside() { chroot "$root" "$@"; }
        unit=/lib/systemd/system/meridian.service
        architecture=$(dpkg --print-architecture)
        cp "$work"/*.deb "$root/tmp/"

        inside dpkg --install "/tmp/meridian_1.0_$architecture.deb" >/dev/null
        inside dpkg --status meridian | grep -q "^Status: install ok installed"
        inside dpkg --verify meridian
        [ "$(inside stat -c '%U:%G %a' /etc/meridian/meridian.yaml)" = "root:meridian 640" ]
        inside test -s /usr/share/man/man1/meridian-drain.1.gz
        inside test -s /usr/share/bash-completion/completions/meridian
        inside bash -c "head -1 /usr/share/zsh/vendor-completions/_meridian | grep -q compdef"
        inside meridian check -c /etc/meridian/meridian.yaml | grep -q ok
        echo "-- the unit"
        inside systemd-analyze verify "$unit"
        inside systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" | tail -1

        manage() { python3 "$work/manager.py" "$root" "$unit" "$@"; rm -f "$root/run/notify.sock"; }
        manage start watchdog \
            run 'test "$(curl -s http://127.0.0.1:8080/)" = "Meridian is installed; edit /etc/meridian/meridian.yaml."' \
            run 'cp $ROOT/../../ports.yaml $ROOT/etc/meridian/meridian.yaml' reload \
            run 'test "$(curl -s http://127.0.0.1/)" = "port 80"' \
            run 'dig @127.0.0.1 www.example.com +short | grep -qx 192.0.2.1' \
            run 'grep -q "^Uid:.$(chroot $ROOT id -u meridian)" /proc/$(pgrep -x meridian | head -1)/status' \
            run 'echo "wrong: [" >> $ROOT/etc/meridian/meridian.yaml; ! chroot $ROOT meridian reload -c /etc/meridian/meridian.yaml --socket /run/meridian/admin.sock' \
            run 'test "$(curl -s http://127.0.0.1/)" = "port 80"' \
            run 'cp $ROOT/../../ports.yaml $ROOT/etc/meridian/meridian.yaml' \
            run 'chroot $ROOT sh -c "dpkg --force-confdef --install /tmp/meridian_1.1_*.deb" >/dev/null' \
            run 'test "$(curl -s http://127.0.0.1/)" = "port 80"' stop

        inside dpkg --status meridian | grep -q "^Version: 1.1"
        inside grep -q "port 80" /etc/meridian/meridian.yaml
        manage start run 'test "$(curl -s http://127.0.0.1/)" = "port 80"' stop
        inside dpkg --remove meridian >/dev/null
        inside test -e /etc/meridian/meridian.yaml
        inside test ! -e /usr/bin/meridian
        inside dpkg --purge meridian >/dev/null
        left=$(inside find /etc /usr/bin /usr/share /lib/systemd /var/lib /var/log -path /usr/share/doc/meridian -prune \
            -o -name '*meridian*' -print 2>/dev/null || true)
        [ -z "$left" ] || { echo "left behind: $left"; exit 1; }
        inside sh -c '! getent passwd meridian'
        echo "all of it"
        """#

    @Test(
        "the Debian package installs, serves as its unit says, upgrades and purges cleanly",
        .enabled(if: canPackage, "needs root and a release binary: make test builds it"))
    func debianPackage() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for version in ["1.0", "1.1"] {
            let made = try Program.run(
                "env",
                ["VERSION=\(version)", Self.repository.appending(path: "scripts/deb").path, Self.release, folder.path])
            guard made.status == 0 else { throw Program.Failure(description: made.output + made.error) }
        }
        try ServiceManagerProcess.source.write(
            to: folder.appending(path: "manager.py"), atomically: true, encoding: .utf8)
        try FileManager.default.createDirectory(
            at: folder.appending(path: "layer-files"), withIntermediateDirectories: true)
        try """
        admin: { socket: /run/meridian/admin.sock, state: /var/lib/meridian/state.db }
        dns: { listen: ["127.0.0.1:53"] }
        zones:
          example.com: { ns: [ns1.example.com], records: { ns1: { A: [127.0.0.1] }, www: { A: [192.0.2.1] } } }
        listeners: { web: { address: "127.0.0.1:80", routes: [{ respond: { body: "port 80" } }] } }
        """.write(to: folder.appending(path: "ports.yaml"), atomically: true, encoding: .utf8)
        let script = "set -euo pipefail\nwork=\(folder.path)\n" + Self.play
        let played = try Program.run(
            "unshare", ["--mount", "--net", "--pid", "--fork", "--mount-proc", "bash", "-c", script])
        #expect(played.status == 0 && played.output.contains("all of it"), "\(played.output)\n\(played.error)")
    }
}
