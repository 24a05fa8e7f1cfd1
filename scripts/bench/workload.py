"""What the DNS benchmark asks: names, queries, and networks of clients from real country data."""
import bisect, ipaddress, pathlib, random, struct

TOR = pathlib.Path("/usr/share/tor")
AMERICAS = "US CA MX BR AR CL CO PE EC UY VE CR PA GT DO".split()
ASIA = "JP CN KR TW HK SG MY TH VN ID PH IN AU NZ PK BD LK KH".split()
ZONE = "bench.test"
STATIC = 10_000
STEERED = 1_000
A, AAAA, OPT = 1, 28, 41


def countries():
    """First and last address and country of every IPv4 range."""
    ranges = []
    with open(TOR / "geoip") as lines:
        for line in lines:
            if line[0] != "#":
                first, last, code = line.strip().split(",")
                ranges.append((int(first), int(last), code))
    return ranges


def region(code):
    return "us" if code in AMERICAS else "ap" if code in ASIA else "eu"


def networks_of_regions(ranges):
    """The ranges as few prefixes with the region that serves them; Europe takes what is left."""
    merged = []
    for first, last, code in ranges:
        where = region(code)
        if merged and merged[-1][2] == where and merged[-1][1] + 1 == first:
            merged[-1][1] = last
        else:
            merged.append([first, last, where])
    for first, last, where in merged:
        if where == "eu":
            continue
        while first <= last:
            bits = min((first & -first).bit_length() - 1 if first else 32, (last - first + 1).bit_length() - 1)
            yield f"{ipaddress.IPv4Address(first)}/{32 - bits}", where
            first += 1 << bits


def name_to_wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def query(name, kind=A, edns=True, subnet=None):
    """A message behind its length, as the load reads it; the load sets the ID."""
    wire = name_to_wire(name)
    message = struct.pack(">6H", 0, 0x0100, 1, 0, 0, 1 if edns else 0) + wire + struct.pack(">2H", kind, 1)
    if edns:
        option = struct.pack(">2HHBB", 8, 7, 1, 24, 0) + struct.pack(">I", subnet)[:3] if subnet is not None else b""
        message += b"\0" + struct.pack(">2HIH", OPT, 1232, 0, len(option)) + option
    return struct.pack(">H", len(message)) + message


def mixed(count=50_000, seed=7):
    """40 % static names, 20 % names that do not exist, 20 % wide IPs by country, 20 % by ratio. Four of five queries
    have EDNS, and of those to wide IPs half carry the network of a client, drawn from the whole address space."""
    draw = random.Random(seed)
    ranges = countries()
    for _ in range(count):
        edns = draw.random() < 0.8
        subnet = None
        kind = draw.random()
        if kind < 0.4:
            name = f"host{draw.randrange(STATIC)}"
        elif kind < 0.6:
            name = f"missing{draw.randrange(STATIC)}"
        else:
            name = f"{'geo' if kind < 0.8 else 'ratio'}{draw.randrange(STEERED // 2)}"
            if edns and draw.random() < 0.5:
                first, last, _ = draw.choice(ranges)
                subnet = draw.randint(first, last) & 0xffffff00
        yield query(f"{name}.{ZONE}", edns=edns, subnet=subnet)


def static(names, zone=ZONE, count=200_000, seed=11):
    """Names that exist, each as likely as the others, with EDNS."""
    draw = random.Random(seed)
    for _ in range(count):
        yield query(f"host{draw.randrange(names)}.{zone}")


def write(path, queries):
    path.write_bytes(b"".join(queries))
    return path
