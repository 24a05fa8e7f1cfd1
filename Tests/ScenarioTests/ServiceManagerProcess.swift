/// A service manager for one unit, as far as systemd's part matters to the program: it reads the unit, makes its folders,
/// starts ExecStart as its user with its capabilities in a root of its own, and listens to what it is told.
enum ServiceManagerProcess {
    /// Arguments: the root, the unit in it, and then commands: `start`, `reload`, `watchdog`, `stop`, and `run` with a
    /// shell's line. It ends with 1 at the first that fails.
    static let source = #"""
        import os, queue, signal, socket, subprocess, sys, threading

        root, unit, steps = sys.argv[1], sys.argv[2], sys.argv[3:]
        settings = {}
        for line in open(root + unit):
            key, equals, value = line.strip().partition("=")
            if equals and not key.startswith("#"):
                settings.setdefault(key, []).append(value)
        one = lambda key: settings[key][-1]
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(root + "/run/notify.sock")
        os.chmod(root + "/run/notify.sock", 0o777)
        user = [line.split(":") for line in open(root + "/etc/passwd") if line.startswith(one("User") + ":")][0]
        uid, gid = int(user[2]), int(user[3])

        # Read at once, as a manager does: the kernel keeps ten messages and drops what comes then.
        messages = queue.SimpleQueue()
        def listen():
            while True:
                messages.put(told.recv(4096).decode())
        threading.Thread(target=listen, daemon=True).start()

        def wait_for(word, seconds=20):
            try:
                while True:
                    text = messages.get(timeout=seconds)
                    if word in text.split("\n"):
                        print("told:", text.replace("\n", " "), flush=True)
                        return
            except queue.Empty:
                sys.exit("was not told " + word)

        def command(line, environment={}):
            capabilities = ",".join("+" + c[4:].lower() for c in one("AmbientCapabilities").split())
            bounded = ",".join("+" + c[4:].lower() for c in one("CapabilityBoundingSet").split())
            assert one("NoNewPrivileges") == "yes"
            # No shell's own variables: a unit has none either.
            variables = [name + "=" + value for name, value in environment.items()]
            return (["chroot", root, "env", "-i", "PATH=/usr/bin:/bin"] + variables
                + ["setpriv", "--reuid", str(uid), "--regid", str(gid), "--clear-groups", "--no-new-privs",
                   "--bounding-set", "-all," + bounded, "--inh-caps", "-all," + capabilities,
                   "--ambient-caps", "-all," + capabilities]
                + line.split())

        for key, parent in [("RuntimeDirectory", "/run"), ("StateDirectory", "/var/lib"), ("LogsDirectory", "/var/log")]:
            folder = root + parent + "/" + one(key)
            os.makedirs(folder, exist_ok=True)
            os.chown(folder, uid, gid)
            os.chmod(folder, int(one(key + "Mode"), 8))
        process = None
        os.umask(int(one("UMask"), 8))
        while steps:
            step = steps.pop(0)
            print("--", step, flush=True)
            if step == "start":
                environment = {"NOTIFY_SOCKET": "/run/notify.sock", "WATCHDOG_USEC": "1000000"}
                process = subprocess.Popen(command(one("ExecStart"), environment))
                wait_for("READY=1")
            elif step == "watchdog":
                for _ in range(3):
                    wait_for("WATCHDOG=1", 20)
            elif step == "reload":
                subprocess.run(command(one("ExecReload")), check=True)
            elif step == "stop":
                process.send_signal(signal.SIGTERM)
                wait_for("STOPPING=1")
                if process.wait(20) != 0:
                    sys.exit("ended with " + str(process.returncode))
            elif step == "run":
                if subprocess.run(["sh", "-ec", steps.pop(0)], env={**os.environ, "ROOT": root}).returncode != 0:
                    sys.exit("failed")
        """#
}
