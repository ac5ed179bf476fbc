# SPDX-License-Identifier: ISC
"""A name server for tests that need what NSD cannot give: names without an answer, any octets in a
name, other data from one moment to the next. Speaks DNS by UDP; every record lives for no time.

    with SuiteDns() as dns:
        dns.set(["example.org TXT \"v=spf1 -all\"", "gone.example TIMEOUT"])
        ... dns.address ("127.0.0.1:PORT"), dns.asked: [(name, type)]

Lines are as in tests/data/spf/rfc7208-tests.txt: NAME TYPE DATA; \\DDD is an octet.
"""
import ipaddress
import re
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
NAMES = {number: name for name, number in TYPES.items()}
SOA = b"\0\0" + struct.pack(">5I", 1, 1, 1, 1, 0)  # negative answers are not remembered either


def octets(text):
    return re.sub(r"\\(\d\d\d)", lambda m: chr(int(m.group(1))), text).encode("latin-1")


def wire(name):
    """A name as on the wire; dots cannot be in a label here."""
    labels = [octets(x) for x in name.rstrip(".").split(".")] if name != "." else []
    return b"".join(bytes([len(x)]) + x for x in labels) + b"\0"


def rdata(rtype, data):
    if rtype == "TXT":
        return b"".join(bytes([len(octets(s))]) + octets(s) for s in re.findall('"([^"]*)"', data))
    if rtype == "MX":
        preference, host = data.split(" ")
        return struct.pack(">H", int(preference)) + wire(host)
    if rtype in ("A", "AAAA"):
        return ipaddress.ip_address(data).packed
    return wire(data)


class SuiteDns:
    def __init__(self):
        self.zone, self.asked = {}, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        # a question of no length ends the thread
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()

    def set(self, lines):
        zone = {}
        for line in lines:
            name, rtype, *data = line.split(" ", 2)
            rows = zone.setdefault(wire(name).lower(), [])
            rows.append((rtype, rdata(rtype, data[0]) if data else b""))
        self.zone = zone

    def serve(self):
        while True:
            question, peer = self.socket.recvfrom(4096)
            if not question:
                return
            answer = self.answer(question)
            if answer:
                self.socket.sendto(answer, peer)

    def answer(self, question):
        end = question.index(b"\0", 12) + 5
        number, = struct.unpack(">H", question[end - 4:end - 2])
        rtype, name, records, exists, silent = NAMES.get(number), question[12:end - 4], [], False, False
        self.asked.append((name, rtype))
        for _ in range(8):
            rows = self.zone.get(name.lower(), [])
            exists = bool(rows)
            silent = any(t == "TIMEOUT" for t, _ in rows)
            here = [(name, t, d) for t, d in rows if t == rtype]
            alias = [(name, t, d) for t, d in rows if t == "CNAME"]
            records += here or alias
            if here or not alias:
                break
            name = alias[0][2]
        else:
            here = []
        if silent and not here:
            return None
        authority = [] if here else [(b"\0", "SOA", SOA)]
        head = question[:2] + struct.pack(">HHHHH", 0x8580 | (0 if exists or records else 3), 1,
                                          len(records), len(authority), 0)
        out = head + question[12:end]
        for owner, t, data in records + authority:
            out += owner + struct.pack(">HHIH", TYPES[t], 1, 0, len(data)) + data
        return out
