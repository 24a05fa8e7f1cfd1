"""The name servers of the DNS benchmark: how each is configured for a workload, and how it is run on one processor."""
import pathlib, re, signal, subprocess, sys, time, os

import workload

TICK = os.sysconf("SC_CLK_TCK")
SERVER_CORE, LOAD_CORE = "0", "1"
PORTS = {"meridian": 15301, "gdnsd": 15302, "knot": 15303, "echo": 15304}
SOA = "@ 3600 IN SOA ns1 hostmaster 1 7200 1800 259200 30\n@ 3600 IN NS ns1\nns1 3600 IN A 127.0.0.1\n"


def static_records(count):
    """As many names with an address each: the records of a large zone differ, so the addresses do."""
    return "".join(f"host{i} 3600 IN A 192.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n" for i in range(count))


def steered_names():
    return [f"geo{i}" for i in range(workload.STEERED // 2)], [f"ratio{i}" for i in range(workload.STEERED // 2)]


# What the wide IPs of the mixed workload answer: three regions, two addresses in each, shared 3 : 1.
ADDRESSES = {"eu": ["192.0.2.1", "192.0.2.2"], "us": ["198.51.100.1", "198.51.100.2"],
             "ap": ["203.0.113.1", "203.0.113.2"]}

MERIDIAN_REGIONS = """
geography: [ tor: { v4: /usr/share/tor/geoip, v6: /usr/share/tor/geoip6 } ]
regions: { eu: {}, us: {}, ap: {} }
virtual_servers:
""" + "".join(f'  {region}-{i}: {{ address: "{address}:443", region: {region}, ratio: {3 - 2 * i} }}\n'
              for region, list in ADDRESSES.items() for i, address in enumerate(list)) + """
pools:
""" + "".join(f"  {region}: {{ virtual_servers: [{region}-0, {region}-1], method: ratio, answer: addresses }}\n"
              for region in ADDRESSES)
MERIDIAN_TOPOLOGY = (f"[ {{ countries: {workload.AMERICAS}, pools: [us] }}, "
                     f"{{ countries: {workload.ASIA}, pools: [ap] }} ]").replace("'", '"')


def meridian(folder, binary, text, port=PORTS["meridian"]):
    (folder / "meridian.yaml").write_text(
        f'dns: {{ listen: ["127.0.0.1:{port}"], threads: 1 }}\n' + text)
    return [str(binary), "run", "--config", str(folder / "meridian.yaml"), "--log-level", "error"]


def meridian_zone(folder, binary, count, port=PORTS["meridian"]):
    (folder / "bench.zone").write_text(SOA + static_records(count))
    return meridian(folder, binary, f"zones: {{ {workload.ZONE}: {{ file: bench.zone }} }}\n", port)


def meridian_wide(folder, binary, count):
    """Half of the wide IPs by country, half by ratio."""
    (folder / "bench.zone").write_text(SOA)
    geo = "".join(f"  geo{i}.{workload.ZONE}: {{ pools: [eu, us, ap], topology: "
                  "[ { countries: [US, CA], pools: [us] }, { countries: [JP, AU], pools: [ap] } ] }\n"
                  for i in range(count // 2))
    ratio = "".join(f"  ratio{i}.{workload.ZONE}: {{ pools: [eu, us, ap], method: ratio }}\n"
                    for i in range(count // 2))
    return meridian(folder, binary, MERIDIAN_REGIONS + "wide_ips:\n" + ratio + geo
                    + f"zones: {{ {workload.ZONE}: {{ file: bench.zone }} }}\n")


def meridian_mixed(folder, binary):
    geo, ratio = steered_names()
    (folder / "bench.zone").write_text(SOA + static_records(workload.STATIC))
    topology = f"  {geo[0]}.{workload.ZONE}: &geo {{ pools: [eu, us, ap], topology: {MERIDIAN_TOPOLOGY} }}\n"
    topology += "".join(f"  {name}.{workload.ZONE}: *geo\n" for name in geo[1:])
    shares = "".join(f"  {name}.{workload.ZONE}: {{ pools: [eu, us, ap], method: ratio }}\n" for name in ratio)
    return meridian(folder, binary, MERIDIAN_REGIONS + "wide_ips:\n" + topology + shares
                    + f"zones: {{ {workload.ZONE}: {{ file: bench.zone }} }}\n")


def gdnsd_mixed(folder, _):
    geo, ratio = steered_names()
    for name in ("zones", "run", "state", "geoip"):
        (folder / name).mkdir()
    (folder / "geoip/nets").write_text("".join(
        f"{network} => [{region}]\n" for network, region in workload.networks_of_regions(workload.countries())))
    (folder / f"zones/{workload.ZONE}").write_text(
        (SOA + static_records(workload.STATIC)).replace(" IN ", " ")
        + "".join(f"{name} 30 DYNA geoip!geo\n" for name in geo)
        + "".join(f"{name} 30 DYNA weighted!shares\n" for name in ratio))

    def weighted(regions):
        addresses = [(address, 3 - 2 * i) for region in regions for i, address in enumerate(ADDRESSES[region])]
        return "multi => false, service_types => up, " + ", ".join(
            f"a{i} => [{address}, {share}]" for i, (address, share) in enumerate(addresses))

    (folder / "config").write_text(f"""
options => {{ listen => [ 127.0.0.1:{PORTS['gdnsd']} ], udp_threads => 1, tcp_threads => 1,
  run_dir => {folder}/run, state_dir => {folder}/state }}
plugins => {{
  weighted => {{ shares => {{ {weighted(ADDRESSES)} }} }}
  geoip => {{
    maps => {{ m => {{ datacenters => [eu, us, ap], nets => nets }} }}
    resources => {{ geo => {{ map => m, dcmap => {{
      {" ".join(f"{region} => {{ plugin => weighted, {weighted([region])} }}" for region in ADDRESSES)}
    }} }} }}
  }}
}}
""")
    return ["gdnsd", "-c", str(folder), "start"]


def knot(folder, records):
    (folder / "bench.zone").write_text(f"$ORIGIN {workload.ZONE}.\n" + SOA + records)
    (folder / "knot.conf").write_text(f"""
server:
    listen: 127.0.0.1@{PORTS['knot']}
    rundir: {folder}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    edns-client-subnet: on
database:
    storage: {folder}
template:
  - id: default
    storage: {folder}
    journal-content: none
    zonefile-load: whole
zone:
  - domain: {workload.ZONE}
    file: bench.zone
""")
    return ["knotd", "-c", str(folder / "knot.conf")]


def knot_zone(folder, _, count):
    return knot(folder, static_records(count))


def knot_mixed(folder, _):
    """Knot's steering is a module of its own kind; here its names are static, which is the least it could cost."""
    geo, ratio = steered_names()
    return knot(folder, static_records(workload.STATIC)
                + "".join(f"{name} 30 IN A 192.0.2.1\n" for name in geo + ratio))


MIXED = {"meridian": meridian_mixed, "gdnsd": gdnsd_mixed, "knot": knot_mixed}


class Server:
    """A server's process on its core, once it answers `probe`."""

    def __init__(self, name, folder, command, probe=f"host1.{workload.ZONE}", patience=60, port=None):
        self.name, self.port, self.folder = name, port or PORTS[name], folder
        with open(folder / "log", "w") as log:
            started = time.monotonic()
            self.process = subprocess.Popen(["taskset", "-c", SERVER_CORE] + command, stdout=log, stderr=log)
        try:
            while not self.answers(probe):
                if time.monotonic() - started > patience or self.process.poll() is not None:
                    sys.exit(f"{name} does not answer:\n" + (folder / "log").read_text()[-2000:])
                time.sleep(0.02)
            self.start_seconds = time.monotonic() - started
        except BaseException:
            self.stop()
            raise

    def answers(self, probe):
        if self.name == "echo":
            return True
        found = subprocess.run(["dig", "@127.0.0.1", "-p", str(self.port), "+short", "+tries=1", "+time=1", probe],
                               capture_output=True, text=True)
        return found.returncode == 0 and re.match(r"\d+\.", found.stdout)

    def stat(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) / TICK, int(fields[12]) / TICK

    def memory(self):
        """Resident and proportional MiB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return {key.lower(): int(re.search(rf"^{key}:\s+(\d+)", text, re.M)[1]) / 1024 for key in ("Rss", "Pss")}

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
