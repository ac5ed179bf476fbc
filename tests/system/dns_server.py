# SPDX-License-Identifier: ISC
"""A real DNS server (NSD) with zones of the test's own, below a root of its own that is signed.

    dns = DnsServer(folder, ["127.0.0.1", "::1"], port=5353)
    dns.zone("example.org", "@ MX 10 mx1\\nmx1 A 192.0.2.1")
    dns.zone("plain.example", "...", PLAIN)
    dns.start()             # dns.trust_anchor: a file with the root's key
    dns.zone(...); dns.publish()
    dns.stop()

Every zone hangs from the root; TTLs are a second (ttl=), so that a change is seen at once. Packages: nsd,
ldnsutils. Ended by pid.
"""
import contextlib
import glob
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

# how a zone is (DnsServer.zone): signed with its DS in the root; without signatures (and DS);
# signed, but nobody vouches for its key; signed by another key than the root says, so bogus;
# not to be loaded, so SERVFAIL
SECURE, PLAIN, NO_DS, BOGUS, BROKEN = "secure", "plain", "no-ds", "bogus", "broken"

HEAD = """$ORIGIN {name}
$TTL {ttl}
@ SOA ns.dns-server. hostmaster.dns-server. {serial} 3600 600 86400 {ttl}
@ NS ns.dns-server.
"""


def have_nsd():
    return bool(shutil.which("nsd") and shutil.which("ldns-signzone"))


class Zone:
    def __init__(self, name, records, kind):
        self.name, self.records, self.kind = name.rstrip(".") + ".", records, kind

    def file(self):
        return "root" if self.name == "." else self.name.rstrip(".")


class DnsServer:
    def __init__(self, folder, addresses=("127.0.0.1",), port=53, host=None, ttl=1):
        """host: of net.py, where it is to run; here if None."""
        self.folder, self.addresses, self.port, self.ttl = folder, list(addresses), port, ttl
        self.zones, self.keys, self.serial = {}, {}, int(time.time())
        self.process = None
        self.inside = host.inside if host else contextlib.nullcontext
        self.spawn = host.spawn if host else subprocess.Popen
        os.makedirs(folder, exist_ok=True)
        self.trust_anchor = os.path.join(folder, "root.key")
        self._key(".", "root")
        with open(self.keys["root"] + ".key") as f, open(self.trust_anchor, "w") as out:
            out.write(f.read())

    def zone(self, name, records, kind=SECURE):
        """Add or replace a zone; publish() or start() makes it known."""
        z = Zone(name, records, kind)
        self.zones[z.name] = z

    # ---- files ----

    def _key(self, name, label):
        if label not in self.keys:
            out = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name],
                                 cwd=self.folder, check=True, stdout=subprocess.PIPE, text=True)
            self.keys[label] = os.path.join(self.folder, out.stdout.strip())
        return self.keys[label]

    def _ds(self, z):
        """What the root says of a zone's key."""
        if z.kind not in (SECURE, BOGUS):
            return ""
        label = z.file() + ("-other" if z.kind == BOGUS else "")
        with open(self._key(z.name, label) + ".ds") as f:
            return f.read()

    def _write(self, z):
        path = os.path.join(self.folder, z.file() + ".zone")
        if z.kind == BROKEN:
            with open(path, "w") as f:
                f.write("this is no zone\n")
            return
        with open(path + ".new", "w") as f:
            f.write(HEAD.format(name=z.name, serial=self.serial, ttl=self.ttl) + z.records + "\n")
        if z.kind != PLAIN:
            subprocess.run(["ldns-signzone", "-o", z.name, "-f", path + ".signed", path + ".new",
                            self._key(z.name, z.file())], check=True)
            os.rename(path + ".signed", path + ".new")
        os.rename(path + ".new", path)

    def _root(self):
        rows = [f"ns.dns-server. {'AAAA' if ':' in a else 'A'} {a}" for a in self.addresses]
        for z in self.zones.values():
            rows += [f"{z.name} NS ns.dns-server.", self._ds(z)]
        return Zone(".", "\n".join(rows), SECURE)

    def _write_all(self):
        self.serial += 1
        for z in [self._root(), *self.zones.values()]:
            self._write(z)

    def _configuration(self):
        rows = ["server:", "  server-count: 1", '  username: ""', '  chroot: ""',
                f'  zonesdir: "{self.folder}"', f'  pidfile: "{self.folder}/pid"', '  database: ""',
                f'  xfrdfile: "{self.folder}/xfrd"', f'  zonelistfile: "{self.folder}/list"',
                f'  xfrdir: "{self.folder}"', f"  port: {self.port}", "  reuseport: no",
                f'  logfile: "{self.folder}/log"', "  rrl-ratelimit: 0", "  verbosity: 1",
                "  zonefiles-check: yes", "remote-control:", "  control-enable: no"]
        rows += [f"  ip-address: {a}" for a in self.addresses]
        # addresses belong to "server:"
        rows = rows[:1] + rows[-len(self.addresses):] + rows[1:-len(self.addresses)]
        for z in [self._root(), *self.zones.values()]:
            rows += ["zone:", f'  name: "{z.name}"', f'  zonefile: "{z.file()}.zone"']
        path = os.path.join(self.folder, "nsd.conf")
        with open(path, "w") as f:
            f.write("\n".join(rows) + "\n")
        return path

    # ---- the process ----

    def start(self):
        self._write_all()
        with open(os.path.join(self.folder, "out"), "w") as out:
            self.process = self.spawn(["nsd", "-d", "-c", self._configuration()],
                                      stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self._wait()
        return self

    def publish(self):
        """Make what zone() has changed known."""
        self.stop()
        self.start()

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def pause(self):
        """It hears no question any more: time-outs."""
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, sig):
        """NSD and its children."""
        found, grow = [], [self.process.pid]
        while grow:
            pid = grow.pop()
            found.append(pid)
            for path in glob.glob(f"/proc/{pid}/task/*/children"):
                with open(path) as f:
                    grow += [int(x) for x in f.read().split()]
        for pid in found:
            os.kill(pid, sig)

    def probe(self):
        """A UDP socket for questions."""
        a = self.addresses[0]
        return socket.socket(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_DGRAM)

    def _wait(self):
        """Until it answers for the root."""
        question = struct.pack(">HHHHHH", 7, 0, 1, 0, 0, 0) + b"\0" + struct.pack(">HH", 6, 1)
        end = time.monotonic() + 20
        with self.inside(), self.probe() as s:
            s.settimeout(0.1)
            while time.monotonic() < end:
                if self.process.poll() is not None:
                    break
                try:
                    s.sendto(question, (self.addresses[0], self.port))
                    if s.recv(512)[:2] == b"\0\x07":
                        return
                except OSError:
                    time.sleep(0.02)
        with open(os.path.join(self.folder, "log")) as f:
            raise RuntimeError("NSD does not answer:\n" + f.read()[-2000:])
