# SPDX-License-Identifier: ISC
"""A network of hosts for tests: each a network namespace of its own, all at one bridge, with real
ports 25 and 53, IPv4 and IPv6.

    with Network() as net:
        mx = net.host("mx1")            # mx.v4, mx.v6
        with mx.inside():               # this thread, and what it starts, is on that host
            s = socket.create_connection(("192.0.2.1", 25))
        mx.spawn(["nsd", ...])          # a process there, ended with the network
        mx.cable(False)                 # unplugged: connections time out or find no way

The namespaces have no names: they live as long as this process, or one in them, has them. So after
a crash nothing is left but processes; their pids are in the network's folder, and the next
network ends them (by pid and start time, never by name).
"""
import contextlib
import ctypes
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest
from conftest import Suite, assert_healthy
from dns_server import DnsServer, have_nsd

PREFIX = "relais-net-"
CLONE_NEWNET, PR_SET_PDEATHSIG = 0x40000000, 1
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *args):
    if getattr(_libc, name)(*args) != 0:
        raise OSError(ctypes.get_errno(), name)


def _here():
    """A descriptor of this thread's network namespace."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def new_namespace():
    old = _here()
    try:
        _call("unshare", CLONE_NEWNET)
        made = _here()
    finally:
        _call("setns", old, CLONE_NEWNET)
        os.close(old)
    return made


@contextlib.contextmanager
def within(namespace):
    """This thread (its sockets, its children) is in that namespace."""
    old = _here()
    _call("setns", namespace, CLONE_NEWNET)
    try:
        yield
    finally:
        _call("setns", old, CLONE_NEWNET)
        os.close(old)


def ip(*lines):
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", check=True, text=True,
                   stdout=subprocess.DEVNULL)


def skip_unless_possible():
    """Skips with the reason: namespaces need root, and a kernel that has them; NSD for names."""
    if not have_nsd():
        pytest.skip("no NSD here")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    try:
        ns = new_namespace()
    except OSError as e:
        pytest.skip(f"no network namespaces here: {e}")
    try:
        with within(ns):
            if subprocess.run("ip link add name a type veth peer name b && ip link add name c type "
                              "bridge", shell=True, stderr=subprocess.DEVNULL).returncode:
                pytest.skip("no veth or bridge in this kernel")
    finally:
        os.close(ns)


# ---- what is left of a crashed run ----

def start_time(pid):
    """Of a process, in ticks since boot; None if there is none (any more)."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            row = f.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if row[0] == "Z" else row[19]


def _end_group(pid, started):
    """End a process, and its group if it leads one."""
    if started is None or start_time(pid) != started:
        return
    group = os.getpgid(pid) == pid
    for sig, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, sig)
            if group and sig == signal.SIGKILL:
                os.killpg(pid, sig)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if start_time(pid) != started:
                return
            time.sleep(0.02)


def named(folder):
    """Pids of processes that have this folder, whose name nobody else has, in their arguments."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError), open(path, "rb") as f:
            if folder.encode() + b"/" in f.read():
                yield int(path.split("/")[2])


def sweep():
    """End what crashed runs have left, and remove their folders."""
    for folder in glob.glob(os.path.join(tempfile.gettempdir(), PREFIX + "*")):
        try:
            with open(os.path.join(folder, "pids")) as f:
                rows = [line.split() for line in f]
        except FileNotFoundError:
            continue
        if rows and start_time(rows[0][0]) == rows[0][1]:
            continue  # its test is running
        for pid, started in rows[:0:-1]:
            _end_group(int(pid), started)
        for pid in named(folder):  # started in its last moment, and not noted yet
            _end_group(pid, start_time(pid))
        shutil.rmtree(folder, ignore_errors=True)


class Network:
    """A bridge and its hosts: 192.0.2.0/24 and 2001:db8::/64."""

    def __init__(self):
        self.hosts, self.on_close = {}, []

    def __enter__(self):
        sweep()
        self.folder = tempfile.mkdtemp(prefix=PREFIX)
        os.chmod(self.folder, 0o755)
        self.note(os.getpid())
        self.bridge = new_namespace()
        with within(self.bridge):
            ip("link add name br0 type bridge", "link set dev br0 up")
        return self

    def __exit__(self, *_):
        for close in reversed(self.on_close):
            with contextlib.suppress(Exception):
                close()
        with open(os.path.join(self.folder, "pids")) as f:
            rows = [line.split() for line in f][1:]
        for pid, started in reversed(rows):
            with contextlib.suppress(OSError):
                _end_group(int(pid), started)
        for h in self.hosts.values():
            os.close(h.namespace)
        os.close(self.bridge)
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_dns(self):
        """A name server on a host of its own; not started."""
        h = self.host("dns")
        dns = DnsServer(h.folder + "/nsd", [h.v4, h.v6], host=h)
        self.on_close.append(dns.stop)
        return dns

    def note(self, pid):
        """It is to end with the network, also after a crash."""
        with open(os.path.join(self.folder, "pids"), "a") as f:
            f.write(f"{pid} {start_time(pid)}\n")

    def host(self, name):
        """The host of that name; made if it is new."""
        if name not in self.hosts:
            self.hosts[name] = Host(self, name, len(self.hosts) + 1)
        return self.hosts[name]


class Host:
    def __init__(self, net, name, number):
        self.net, self.name, self.number = net, name, number
        self.v4, self.v6 = f"192.0.2.{number}", f"2001:db8::{number:x}"
        self.folder = os.path.join(net.folder, name)
        os.makedirs(self.folder)
        self.namespace = new_namespace()
        with within(net.bridge):
            ip(f"link add name h{number} type veth peer name eth0 netns "
               f"/proc/{os.getpid()}/fd/{self.namespace}",
               f"link set dev h{number} master br0 up")
        with within(self.namespace):
            for key, value in (("net/ipv6/conf/all/accept_dad", "0"),
                               ("net/ipv6/conf/default/accept_dad", "0"),
                               ("net/ipv4/tcp_syn_retries", "2"),
                               ("net/core/somaxconn", "1024")):
                with contextlib.suppress(OSError), open(f"/proc/sys/{key}", "w") as f:
                    f.write(value)
            ip("link set dev lo up", f"addr add {self.v4}/24 dev eth0",
               f"addr add {self.v6}/64 dev eth0 nodad", "link set dev eth0 up")

    def records(self, name=None, families="46"):
        """Its address records, for a zone."""
        rows = {"4": f"A {self.v4}", "6": f"AAAA {self.v6}"}
        return "\n".join(f"{name or self.name} {rows[f]}" for f in families)

    def inside(self):
        return within(self.namespace)

    def spawn(self, words, **more):
        """A process on this host; ended with the network, or with this process if that dies."""
        def with_us():
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        with self.inside():
            process = subprocess.Popen(words, preexec_fn=with_us, **more)
        self.net.note(process.pid)
        return process

    def connect(self, port, address=None, timeout=30):
        """A TCP connection from this host (to itself)."""
        with self.inside():
            return socket.create_connection((address or "127.0.0.1", port), timeout)

    def cable(self, plugged):
        with within(self.net.bridge):
            ip(f"link set dev h{self.number} {'up' if plugged else 'down'}")


@contextlib.contextmanager
def running_on(host, forgive=None, **words):
    """A suite that runs there meanwhile; at the end its log holds nothing that no test may bring about, but for
    lines of the pattern forgive."""
    s = NetSuite(host, **words)
    try:
        yield s.start()
    finally:
        s.stop()
        log = s.log()
        shutil.rmtree(s.folder, ignore_errors=True)
    assert_healthy(log, forgive)


class NetSuite(Suite):
    """The suite on a host, with the doors' real ports on its loopback and, for port 25, on all its
    addresses."""

    def __init__(self, host, users=2, options=(), resolver=None, **more):
        options = ["smtpd.listen=*:25", *options]
        if resolver is not None:
            options += [f"resolver.forwarders={resolver.addresses[0]}:{resolver.port}",
                        f"resolver.trust_anchor={resolver.trust_anchor}"]
        super().__init__(os.path.join(host.folder, "suite"), users=users, options=options, **more)
        self.host, self.base = host, 0
        host.net.on_close.append(self.stop)

    def quickstart(self, *words):
        with self.host.inside():
            return super().quickstart(*words)

    def relais(self, *words, **more):
        with self.host.inside():
            return super().relais(*words, **more)

    def start(self):
        super().start()
        self.host.net.note(self.info["master_pid"])
        return self

    def start_master(self):
        with self.host.inside():
            super().start_master()
        self.host.net.note(self.info["master_pid"])
