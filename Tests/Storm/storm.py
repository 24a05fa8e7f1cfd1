#!/usr/bin/env python3
"""Random and mutated packets against a running server, while it is reloaded, drained and asked properly.

The server is a build with a sanitizer. It must answer proper queries all the time, end cleanly when told to, and the
sanitizer must have nothing to say. Everything random follows from --seed; everything stays on loopback.
"""

import argparse
import os
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

ZONE = r"""$TTL 300
@ SOA ns1 hostmaster 7 2h 15m 2w 30
@ NS ns1
@ MX 10 mail
@ TXT "apex"
ns1 A 127.0.0.1
mail AAAA 2001:db8::25
www A 192.0.2.80
alias CNAME www
out CNAME www.example.org.
*.wild A 192.0.2.99
*.cwild CNAME www
sub NS ns.sub
ns.sub A 192.0.2.54
srv SRV 1 2 443 www
unknown TYPE65280 \# 3 010203
a.b.c.deep TXT "deep"
""" + "".join(f"big A 10.0.{n}.1\n" for n in range(200)) + "".join(
    f'huge TXT "{n} {"x" * 200}"\n' for n in range(250))

NAMES = ["example.com", "www.example.com", "alias.example.com", "out.example.com", "a.wild.example.com",
         "x.cwild.example.com", "sub.example.com", "h.sub.example.com", "unknown.example.com", "b.c.deep.example.com",
         "big.example.com", "huge.example.com", "nothing.example.com", "api.example.com", "ratio.example.com",
         "direct.example.com", "eu.lb.example.net", "us.lb.example.net", "x.eu.lb.example.net", "example.org",
         "version.bind", "id.server", ""]
TYPES = [1, 28, 2, 5, 6, 12, 15, 16, 33, 43, 64, 65, 251, 252, 255, 256, 257, 41, 65280]


def free_port():
    """One that is free over UDP and TCP, on both families."""
    while True:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as stream, \
                socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagram:
            stream.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            datagram.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            stream.bind(("::", 0))
            try:
                datagram.bind(("::", stream.getsockname()[1]))
            except OSError:
                continue
            return stream.getsockname()[1]


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def query(name, kind=1, number=1, options=None, size=1232, opcode=0, klass=1, version=0):
    """A DNS query; `options` is None for one without OPT."""
    message = struct.pack(">HHHHHH", number, 0x100 | opcode << 11, 1, 0, 0, 0 if options is None else 1)
    message += wire_name(name) + struct.pack(">HH", kind, klass)
    if options is not None:
        data = b"".join(struct.pack(">HH", code, len(value)) + value for code, value in options)
        message += struct.pack(">BHHBBHH", 0, 41, size, 0, version, 0x8000, len(data)) + data
    return message


class Packets:
    """Queries, right ones and wrong ones."""

    def __init__(self, source):
        self.random = source

    def right(self):
        r = self.random
        options = None
        if r.random() < 0.7:
            options = r.sample([(3, b""), (8, b"\0\1\x18\0" + r.randbytes(3)), (8, b"\0\2\x30\0" + r.randbytes(6)),
                                (10, r.randbytes(8)), (10, r.randbytes(24)), (11, b""), (12, bytes(9)), (19, b""),
                                (65001, b"x")], r.randrange(3))
        name = "".join(c.upper() if r.random() < 0.5 else c for c in r.choice(NAMES))
        return query(name, r.choice(TYPES), r.randrange(65536), options, r.choice([0, 512, 1232, 4096, 65535]),
                     r.choice([0] * 20 + [1, 2, 4, 5, 15]), r.choice([1] * 20 + [3, 255, 0]), r.choice([0] * 20 + [1]))

    def any(self):
        r = self.random
        message = bytearray(self.right())
        choice = r.random()
        if choice < 0.3:
            return bytes(message)
        if choice < 0.5:
            return bytes(message[:r.randrange(len(message))])
        if choice < 0.6:
            return r.randbytes(r.randrange(600))
        for _ in range(r.randrange(1, 6)):
            place = r.randrange(len(message))
            kind = r.randrange(5)
            if kind == 0:
                message[place] = r.randrange(256)
            elif kind == 1:
                message[place] ^= 1 << r.randrange(8)
            elif kind == 2:
                message[place:place] = r.randbytes(r.randrange(1, 20))
            elif kind == 3:
                message[place:place] = struct.pack(">H", 0xc000 | r.randrange(len(message)))
            elif len(message) > 14:
                del message[place:place + r.randrange(1, 8)]
        return bytes(message[:4096])


class Storm:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="storm-")
        self.dns, self.http, self.secure, self.back, self.checked = (free_port() for _ in range(5))
        self.socket = os.path.join(self.folder, "admin")
        self.log = os.path.join(self.folder, "log")
        self.report = os.path.join(self.folder, "report")
        self.stop = threading.Event()
        self.failures = []
        self.counts = {}
        self.lock = threading.Lock()

    def count(self, what, amount=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + amount

    def fail(self, what):
        with self.lock:
            self.failures.append(what)
        self.stop.set()

    # The server

    def configuration(self, number):
        """Each differs from the one before it: in its pools' order, its zones, its routes and its sockets."""
        extra = f'  z{number % 7}.example.org: {{ ns: [ns1.example.com] }}\n' if number % 2 else ""
        order = "[eu, us]" if number % 3 else "[us, eu]"
        second = f', "[::1]:{self.dns}"' if number % 4 else ""
        return f"""
dns: {{ listen: ["127.0.0.1:{self.dns}"{second}], threads: 2, tcp: {{ connections: 200, idle_timeout: 2s }} }}
geography: [{{ networks: networks.csv }}]
regions: {{ eu: {{ host: eu.lb.example.net }}, us: {{ host: us.lb.example.net }} }}
monitors:
  port: {{ tcp: {{}}, interval: 200ms, timeout: 100ms, rise: 1, fall: 1 }}
  web: {{ http: {{ path: / }}, interval: 200ms, timeout: 100ms }}
virtual_servers:
  eu-1: {{ address: "127.0.0.1:{self.checked}", region: eu, monitors: [port] }}
  eu-2: {{ address: "[2001:db8::2]:443", region: eu }}
  us-1: {{ address: "198.51.100.1:443", region: us }}
pools:
  eu: {{ region: eu, virtual_servers: [eu-1, eu-2] }}
  us: {{ region: us, virtual_servers: [us-1] }}
  direct: {{ virtual_servers: [eu-1, us-1], answer: addresses }}
wide_ips:
  api.example.com: {{ pools: {order}, topology: [{{ networks: [far], pools: [us] }}, {{ prefixes: ["2001:db8::/32"], pools: [eu] }}] }}
  ratio.example.com: {{ pools: [eu, us], method: ratio }}
  direct.example.com: {{ pools: [direct], method: round-robin }}
zones:
  example.com: {{ file: example.com.zone }}
  lb.example.net: {{ ns: [ns1.example.com] }}
{extra}listeners:
  front:
    address: "127.0.0.1:{self.http}"
    routes:
      - {{ path: /limited, upstream: app, rate_limit: {{ rate: 50/s, burst: 5 }} }}
      - {{ path: /{number % 5}, respond: {{ body: "{number}" }} }}
      - {{ upstream: app }}
  secure:
    address: "127.0.0.1:{self.secure}"
    tls: {{ certificates: [own] }}
    routes:
      - {{ path: /plain, upstream: app }}
      - {{ upstream: streams }}
  back: {{ address: "127.0.0.1:{self.back}", routes: [{{ respond: {{ body: hello }} }}] }}
certificates: {{ own: {{ chain: chain.pem, key: key.pem }} }}
upstreams:
  streams: {{ members: ["127.0.0.1:{self.back}"], http2: true }}
  app:
    members: ["127.0.0.1:{self.back}", {{ address: "127.0.0.1:{self.checked}", backup: true }}]
    method: {"least-connections" if number % 2 else "round-robin"}
    monitors: [web]
admin: {{ socket: admin }}
"""

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path + ".new", "w") as file:
            file.write(text)
        os.replace(path + ".new", path)
        return path

    def start(self):
        self.write("networks.csv", "10.0.0.0/8,far\n192.0.2.0/24,near\n2001:db8:1::/48,far\n")
        self.write("example.com.zone", ZONE)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=a", "-addext", "subjectAltName=DNS:a,IP:127.0.0.1", "-keyout", "key.pem",
                        "-out", "chain.pem"], cwd=self.folder, check=True, capture_output=True)
        path = self.write("meridian.yaml", self.configuration(0))
        # Swift's own backtracer takes minutes in a sanitised program; the sanitizer's report has the stacks.
        environment = dict(
            os.environ, SWIFT_BACKTRACE="enable=no",
            ASAN_OPTIONS=f"detect_leaks=0:log_path={self.report}:exitcode=66",
            TSAN_OPTIONS=f"log_path={self.report}:exitcode=66:second_deadlock_stack=1")
        if self.options.preload:
            environment["LD_PRELOAD"] = self.options.preload
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [self.options.binary, "run", "-c", path], stdout=log, stderr=subprocess.STDOUT, env=environment)
        deadline = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"storm: the server does not serve:\n{open(self.log).read()}")
            time.sleep(0.1)

    def answers(self, tries=1):
        """Whether a proper query has its proper answer, over UDP."""
        asked = query("www.example.com", 1, 77, [])
        for _ in range(tries):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(2)
                client.connect(("127.0.0.1", self.dns))
                try:
                    client.send(asked)
                    if b"\xc0\x00\x02\x50" in client.recv(4096):
                        return True
                except OSError:
                    time.sleep(0.2)
        return False

    # What it must bear

    def udp(self, source):
        packets = Packets(source)
        clients = []
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            client = socket.socket(family, socket.SOCK_DGRAM)
            client.setblocking(False)
            client.connect((address, self.dns))
            clients.append(client)
        while not self.stop.is_set():
            client = source.choice(clients)
            for _ in range(50):
                try:
                    client.send(packets.any())
                    self.count("udp packets")
                except OSError:
                    pass  # The socket of this family is closed by a reload now and then, or its buffer is full.
            time.sleep(0.001)
            try:
                while True:
                    response = client.recv(65535)
                    self.count("udp responses")
                    if len(response) < 12 or not response[2] & 0x80:
                        self.fail(f"no response: {response.hex()}")
            except OSError:
                pass
        for client in clients:
            client.close()

    def proper(self):
        """Asks properly all the time: nothing that others do may hold this up."""
        while not self.stop.is_set():
            if not self.answers(tries=5):
                self.fail("a proper query was not answered over UDP")
            self.count("proper queries")
            time.sleep(0.02)

    def tcp(self, source):
        packets = Packets(source)
        while not self.stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.dns), timeout=1) as client:
                    self.count("tcp connections")
                    for _ in range(source.randrange(1, 8)):
                        self.tcp_turn(source, packets, client)
                    if source.random() < 0.3:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass  # The server may close on garbage, and it limits connections.

    def tcp_turn(self, source, packets, client):
        choice = source.randrange(7)
        frames = [packets.any() for _ in range(source.randrange(1, 5))]
        stream = b"".join(struct.pack(">H", len(frame)) + frame for frame in frames)
        if choice == 0:
            stream = stream[:source.randrange(len(stream))]
        elif choice == 1:
            stream = source.randbytes(source.randrange(1, 2000))
        elif choice == 2:
            stream = struct.pack(">H", source.choice([0, 1, 65535])) + stream
        elif choice == 3:
            for byte in stream[:40]:
                client.send(bytes([byte]))
            stream = stream[40:]
        client.sendall(stream)
        if choice > 4:
            client.settimeout(0.05)
            try:
                self.count("tcp bytes", len(client.recv(65535)))
            except socket.timeout:
                pass
            client.settimeout(1)

    def web(self, source):
        """Requests to the proxy, right ones and wrong ones."""
        pieces = [b"GET ", b"POST ", b"/", b"/1", b"/limited", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"Host: a\r\n",
                  b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"\r\n",
                  b"5\r\nhello\r\n", b"0\r\n\r\n", b"Expect: 100-continue\r\n", b"X: " + b"y" * 500 + b"\r\n", b"%2e/../"]
        good = b"GET /limited HTTP/1.1\r\nHost: a\r\n\r\n", b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        while not self.stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.http), timeout=1) as client:
                    self.count("web connections")
                    for _ in range(source.randrange(1, 4)):
                        data = bytearray(source.choice(good) if source.random() < 0.5 else
                                         b"".join(source.choices(pieces, k=source.randrange(1, 12))))
                        if source.random() < 0.3 and data:
                            data[source.randrange(len(data))] = source.randrange(256)
                        client.sendall(data)
                        client.settimeout(0.05)
                        try:
                            client.recv(65535)
                        except socket.timeout:
                            pass
                        client.settimeout(1)
            except OSError:
                pass

    def reload(self):
        number = 0
        while not self.stop.wait(1):
            number += 1
            broken = number % 5 == 0
            self.write("example.com.zone", ZONE + ("www CNAME x\n" if number % 10 == 5 else f"n{number} A 192.0.2.1\n"))
            self.write("meridian.yaml", self.configuration(number) + ("wide_ipz: {}\n" if number % 10 == 0 else ""))
            os.kill(self.process.pid, signal.SIGHUP)
            self.count("broken reloads" if broken else "reloads")

    def operate(self):
        """Drains and enables through the admin socket, and lets a checked port open and close."""
        number = 0
        while not self.stop.wait(0.5):
            number += 1
            action = [["drain", "region", "us"], ["status"], ["enable", "region", "us"], ["disable", "pool", "eu"],
                      ["enable", "pool", "eu"]][number % 5]
            subprocess.run([self.options.binary, *action, "--socket", self.socket], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=60, env=dict(os.environ, TSAN_OPTIONS="report_bugs=0"))
            self.count("operations")
            if number % 4 == 0:
                with socket.socket() as port:
                    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    port.bind(("127.0.0.1", self.checked))
                    port.listen(64)
                    self.stop.wait(1)

    def load(self):
        """wrk's requests go through the proxy to another listener of the same server."""
        script = self.write("mixed.lua", """
            local paths = { "/", "/1", "/2", "/limited", "/a/%2e%2e/b?q=1" }
            local turn = 0
            request = function()
                turn = turn + 1
                return wrk.format(turn % 4 == 0 and "POST" or "GET", paths[turn % #paths + 1], nil, turn % 4 == 0 and "body" or nil)
            end
            """)
        result = subprocess.run(
            ["wrk", "-t1", "-c16", f"-d{max(self.options.seconds - 3, 1)}s", "-s", script,
             f"http://127.0.0.1:{self.http}/"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        found = re.search(r"(\d+) requests in", result.stdout)
        if not found or int(found[1]) == 0:
            self.fail(f"wrk: {result.stdout}")
        else:
            self.count("wrk requests", int(found[1]))

    def streams(self):
        """h2load's requests come over TLS, with HTTP/1.1 and HTTP/2, and go to members that speak either."""
        deadline = time.monotonic() + self.options.seconds - 3
        for turn in range(1 << 30):
            if self.stop.is_set() or time.monotonic() > deadline:
                break
            uri = f"https://127.0.0.1:{self.secure}/{'plain' if turn % 3 == 0 else turn % 5}"
            result = subprocess.run(
                ["h2load", "-t1", "-c8", "-m4", "-n", "400"] + (["--h1"] if turn % 4 == 3 else []) + [uri],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
            found = re.search(r"(\d+) succeeded", result.stdout)
            if not found or int(found[1]) == 0:
                return self.fail(f"h2load: {result.stdout}")
            self.count("h2load requests", int(found[1]))

    def vanish(self, source):
        """Clients with TLS that go away at any moment: in the handshake, behind nonsense, before the answer, by a reset."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        words = [b"BAD\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhal", b"GET / HT"]
        while not self.stop.is_set():
            context.maximum_version = source.choice([ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
            context.set_alpn_protocols(source.choice([["http/1.1"], ["h2"], []]))
            try:
                with socket.create_connection(("127.0.0.1", self.secure), timeout=1) as bare:
                    self.count("vanishing clients")
                    if source.random() < 0.5:
                        bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if source.random() < 0.1:
                        bare.sendall(source.randbytes(source.randrange(1, 300)))
                        continue
                    with context.wrap_socket(bare, server_hostname="a") as client:
                        client.sendall(source.choice(words))
                        if source.random() < 0.3:
                            client.settimeout(source.random() / 20)
                            client.recv(source.choice([1, 65535]))
            except OSError:
                pass  # The server may be quicker; ssl.SSLError is one of these.

    # The verdict

    def run(self):
        self.start()
        sources = [random.Random(self.options.seed * 100 + number) for number in range(7)]
        work = [threading.Thread(target=self.udp, args=[sources[0]]), threading.Thread(target=self.udp, args=[sources[1]]),
                threading.Thread(target=self.tcp, args=[sources[2]]), threading.Thread(target=self.tcp, args=[sources[3]]),
                threading.Thread(target=self.web, args=[sources[4]]), threading.Thread(target=self.proper),
                threading.Thread(target=self.vanish, args=[sources[6]]),
                threading.Thread(target=self.reload), threading.Thread(target=self.operate),
                threading.Thread(target=self.load), threading.Thread(target=self.streams)]
        for thread in work:
            thread.start()
        deadline = time.monotonic() + self.options.seconds
        while time.monotonic() < deadline and not self.stop.wait(0.2):
            if self.process.poll() is not None:
                self.fail(f"the server ended with {self.process.returncode}")
        self.stop.set()
        for thread in work:
            thread.join()
        if self.process.poll() is None:
            if not self.answers(tries=5):
                self.failures.append("no answer at the end")
            self.process.send_signal(signal.SIGTERM)
            try:
                if self.process.wait(60) != 0:
                    self.failures.append(f"the server ended with {self.process.returncode}")
            except subprocess.TimeoutExpired:
                self.failures.append("the server did not end within 60 seconds of SIGTERM")
                self.process.kill()
        for name in sorted(os.listdir(self.folder)):
            if name.startswith("report"):
                self.failures.append(f"the sanitizer says:\n{open(os.path.join(self.folder, name)).read()[:20000]}")
        print(f"storm: seed {self.options.seed}: " + ", ".join(f"{self.counts[key]} {key}" for key in sorted(self.counts)))
        if self.failures:
            print("\n".join(self.failures))
            print(f"storm: FAILED; the server's log is {self.log}")
            return 1
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))
        os.rmdir(self.folder)
        return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--preload", help="a library to load into the server")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    sys.exit(Storm(parser.parse_args()).run())
