# SPDX-License-Identifier: ISC
"""What the benchmarks share: file systems, control groups, servers under test, counters.

Everything runs on loopback in a network and mount namespace of its own (enter()), below one
folder, and is gone when the program ends.
"""
import atexit
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
DOMAIN = "example.test"


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def build():
    """The release build, with the benchmarks' tools."""
    run("cmake", "--preset", "release", "-S", ROOT, "-B", Relais.build, stdout=sys.stderr)
    run("ninja", "-C", Relais.build, stdout=sys.stderr)


def begin(parser):
    """What every benchmark begins with: its options and those that all have; in namespaces of its own
    from here on, with a build. The options."""
    parser.add_argument("--no-build", action="store_true", help="build/release is up to date")
    parser.add_argument("--build", type=pathlib.Path, help="another build folder, up to date")
    parser.add_argument("--json", help="write all results to this file")
    a = parser.parse_args()
    enter()
    if a.build:
        Relais.build = a.build.resolve()
    elif not a.no_build:
        build()
    return a


def run(*words, **more):
    return subprocess.run([str(w) for w in words], check=True, **more)


def enter():
    """Run this program again in namespaces of its own; returns inside them."""
    if os.environ.get("RELAIS_BENCH_INSIDE") == "1":
        run("ip", "link", "set", "lo", "up")
        for key, value in (("net.core.somaxconn", 4096), ("net.ipv4.tcp_max_syn_backlog", 4096),
                           ("net.ipv4.ip_local_port_range", "15000 65000")):
            subprocess.run(["sysctl", "-qw", f"{key}={value}"], stderr=subprocess.DEVNULL)
        return
    if os.geteuid() != 0:
        sys.exit("run this as root: it mounts file systems and starts Postfix and Dovecot")
    os.environ["RELAIS_BENCH_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private",
                          sys.executable] + sys.argv)


def work_folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="relais-bench-"))
    path.chmod(0o755)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def allow_watches():
    """Dovecot takes an inotify instance for each session; put back at the end."""
    path = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")
    old = path.read_text()
    path.write_text("8192")
    atexit.register(path.write_text, old)


# ---- file systems ---------------------------------------------------------------------------

@contextlib.contextmanager
def file_system(kind, work, mebibytes=6144, inodes=1 << 20):
    """A fresh file system, mounted: "ext4" (journaled, data=ordered, on a loop device) or "tmpfs"."""
    place = work / kind
    place.mkdir()
    image = work / "image"
    if kind == "ext4":
        with open(image, "wb") as f:
            f.truncate(mebibytes << 20)
        run("mkfs.ext4", "-q", "-F", "-N", inodes, "-E", "lazy_itable_init=0,lazy_journal_init=0",
            image)
        run("mount", "-o", "loop,data=ordered", image, place)
    else:
        run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=755", "tmpfs", place)
    try:
        yield place
    finally:
        for _ in range(50):
            if subprocess.run(["umount", place], stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.2)
        else:
            run("umount", "-l", place)
        place.rmdir()
        image.unlink(missing_ok=True)


# ---- control groups ---------------------------------------------------------------------------

class Group:
    """All processes of one server: CPU time (also of those that have ended), memory."""

    def __init__(self, name):
        v1 = pathlib.Path("/sys/fs/cgroup/cpuacct")
        self.v1 = v1.is_dir()
        self.path = (v1 if self.v1 else pathlib.Path("/sys/fs/cgroup")) / f"relais-bench-{name}-{os.getpid()}"
        self.path.mkdir(exist_ok=True)

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def cpu(self):
        if self.v1:
            return int((self.path / "cpuacct.usage").read_text()) / 1e9
        return int((self.path / "cpu.stat").read_text().split()[1]) / 1e6

    def pids(self):
        return [int(x) for x in (self.path / "cgroup.procs").read_text().split()]

    def pss_kib(self):
        total = 0
        for pid in self.pids():
            try:
                for line in open(f"/proc/{pid}/smaps_rollup"):
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total

    def close(self):
        """End what is still there and remove the group."""
        for _ in range(50):
            left = self.pids()
            if not left:
                break
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        with contextlib.suppress(OSError):
            self.path.rmdir()


# ---- servers ----------------------------------------------------------------------------------

def wait_port(port, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"nothing listens on port {port}")


class Server:
    """One server below base, started and stopped by `with`; 100 mailboxes."""
    name = "?"
    smtp_port = imap_port = 0
    users = 100

    def __init__(self, base):
        self.base = base
        self.mail = base / "mail"

    def addresses(self):
        return [f"user{i}@{DOMAIN}" for i in range(1, self.users + 1)]

    def logins(self):
        return [(a, "password") for a in self.addresses()]

    def __enter__(self):
        self.base.mkdir()
        self.group = Group(self.name)
        try:
            self.start()
            if self.smtp_port:
                wait_port(self.smtp_port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            self.stop()
        self.group.close()
        shutil.rmtree(self.base, ignore_errors=True)

    def spawn(self, *words, **more):
        """Run something to its end inside the server's group."""
        return run(*words, preexec_fn=self.group.enter, stdin=subprocess.DEVNULL, **more)

    def delivered(self):
        """Messages in all mailboxes: files in */new and */cur of the Maildirs."""
        n = 0
        for domain in os.scandir(self.mail):
            for user in os.scandir(domain.path) if domain.is_dir() else ():
                for part in ("new", "cur"):
                    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                        n += len(os.listdir(f"{user.path}/{part}"))
        return n

    def start(self):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError


class Relais(Server):
    """The suite as ./quickstart starts it, from a build folder that is there already."""
    name = "relais"
    ports = 20000
    build = ROOT / "build/release"
    options = ()  # besides the demo's, which does not verify mail

    def quickstart(self, *words, **more):
        env = dict(os.environ, RELAIS_BUILD=str(self.build))
        return self.spawn(ROOT / "quickstart", "--dir", self.base / "relais", *words, env=env,
                          stdout=subprocess.PIPE, **more)

    def start(self):
        words = ["--background", "--json", "--no-install", "--ports", self.ports, "--users",
                 self.users]
        for option in self.options:
            words += ["--option", option]
        self.facts = json.loads(self.quickstart(*words).stdout)
        self.smtp_port = self.facts["ports"]["smtp"]
        self.imap_port = self.facts["ports"]["imap"]
        self.mail = pathlib.Path(self.facts["mail_root"])

    def addresses(self):
        return [a["address"] for a in self.facts["accounts"]]

    def logins(self):
        return [(a["address"], a["password"]) for a in self.facts["accounts"]]

    def stop(self):
        self.quickstart("--stop")


class Postfix(Server):
    """SMTP in, Maildirs by virtual(8)."""
    name = "postfix-virtual"
    smtp_port = 20125
    transport = "virtual"
    user = "mail"

    def write_config(self):
        etc = self.base / "etc"
        etc.mkdir()
        for d in ("queue", "data", "mail"):
            (self.base / d).mkdir()
        shutil.chown(self.base / "data", "postfix")
        shutil.chown(self.mail, self.user, self.user)
        for f in ("dynamicmaps.cf", "postfix-files"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"/etc/postfix/{f}", etc)
        rows = []
        for line in open("/usr/share/postfix/master.cf.dist"):
            w = line.split()
            if len(w) >= 8 and not line.startswith(("#", " ", "\t")):
                w[4] = "n"  # not chrooted, and on our port only
                if w[0] == "smtp" and w[1] == "inet":
                    w[0] = f"127.0.0.1:{self.smtp_port}"
                line = " ".join(w) + "\n"
            rows.append(line)
        (etc / "master.cf").write_text("".join(rows))
        import grp
        import pwd
        uid, gid = pwd.getpwnam(self.user).pw_uid, grp.getgrnam(self.user).gr_gid
        (etc / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {self.base}/queue
data_directory = {self.base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.{DOMAIN}
mydestination =
alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
smtpd_peername_lookup = no
maillog_file = {self.base}/maillog
maillog_file_prefixes = {self.base}
default_process_limit = 1100
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_base = {self.mail}
virtual_mailbox_maps = hash:{etc}/users
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_transport = {self.transport}
""")
        (etc / "users").write_text("".join(
            f"{a} {DOMAIN}/{a.split('@')[0]}/\n" for a in self.addresses()))
        run("postmap", "-c", etc, f"hash:{etc}/users")

    def start(self):
        self.write_config()
        log = open(self.base / "start.log", "wb")
        self.spawn("postfix", "-c", self.base / "etc", "start", stdout=log, stderr=log)

    def stop(self):
        subprocess.run(["postfix", "-c", self.base / "etc", "stop"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        time.sleep(1)


class DovecotShared:
    """To be mixed in: with login processes shared, as Dovecot's manual advises for many connections."""
    name = "dovecot-shared"
    more = """
service imap-login {
  service_count = 0
  process_min_avail = 2
}
"""


def self_signed(folder, algorithm="EC"):
    """Paths of a new key and its certificate; "EC" (P-256) or "RSA" (2048 bits)."""
    key, cert = folder / f"{algorithm}.key", folder / f"{algorithm}.crt"
    words = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if algorithm == "EC" else ["rsa:2048"]
    run("openssl", "req", "-x509", "-newkey", *words, "-nodes", "-keyout", key, "-out", cert,
        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        stderr=subprocess.DEVNULL)
    return key, cert


class Dovecot(Server):
    """IMAP and LMTP; alone for the idle benchmark, behind Postfix for the inbound one."""
    name = "dovecot"
    imap_port = 20143
    imaps_port = 0  # 0: no TLS
    user = "mail"
    more = ""

    def ssl(self):
        if not self.imaps_port:
            return "ssl = no"
        key, cert = self_signed(self.base, getattr(self, "key", "EC"))
        return f"ssl = yes\nssl_cert = <{cert}\nssl_key = <{key}"

    def start(self):
        run_dir = self.base / "dovecot"
        run_dir.mkdir()
        self.mail.mkdir(exist_ok=True)
        shutil.chown(self.mail, self.user, self.user)
        conf = self.base / "dovecot.conf"
        conf.write_text(f"""
base_dir = {run_dir}
state_dir = {run_dir}/state
log_path = {run_dir}/log
protocols = imap lmtp
listen = 127.0.0.1
mail_location = maildir:~/
mail_uid = {self.user}
mail_gid = {self.user}
first_valid_uid = 1
first_valid_gid = 1
{Dovecot.ssl(self)}
disable_plaintext_auth = no
mail_max_userip_connections = 100000
default_client_limit = 20000
passdb {{
  driver = static
  args = password=password
}}
userdb {{
  driver = static
  args = home={self.mail}/%d/%n allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap_port}
  }}
  inet_listener imaps {{
    port = {self.imaps_port}
    ssl = yes
  }}
  process_limit = 4096
}}
service imap {{
  process_limit = 4096
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service stats {{
  client_limit = 20000
}}
{self.more}
""")
        log = open(self.base / "dovecot-start.log", "wb")
        self.spawn("dovecot", "-c", conf, stdout=log, stderr=log)
        wait_port(self.imap_port)

    def stop(self):
        subprocess.run(["doveadm", "-c", self.base / "dovecot.conf", "stop"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)


class PostfixLmtp(Postfix):
    """SMTP in by Postfix, LMTP to Dovecot, which writes and indexes the Maildirs."""
    name = "postfix-lmtp"

    def start(self):
        self.transport = f"lmtp:unix:{self.base}/dovecot/lmtp"
        Dovecot.start(self)
        self.mail.rmdir()
        super().start()

    imap_port = 20143
    imaps_port = 0
    more = ""

    def stop(self):
        super().stop()
        Dovecot.stop(self)


# ---- mail in by SMTP ----------------------------------------------------------------------------

def load(server, sessions, messages, octets, rcpts, *more):
    """What smtpload says of so many messages for the addresses in the file rcpts."""
    done = subprocess.run([Relais.build / "tests/smtpload", "-p", str(server.smtp_port), "-s", str(sessions), "-m",
                           str(messages), "-l", str(octets), "-t", rcpts, *more], stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout) if done.stdout else {"accepted": 0, "seconds": 1}


def medians(rows, *names):
    """One row of several: the medians of these columns; the range of the rate; whether all were complete."""
    out = {k: statistics.median(r[k] for r in rows) for k in names}
    out["range"] = [min(r["per_s"] for r in rows), max(r["per_s"] for r in rows)]
    out["ok"] = all(r["ok"] for r in rows)
    return out


def ratio(cell, base):
    """"3.1x, 2.4x less": rate and CPU next to another cell, if there is one."""
    if not base or not base["per_s"] or not cell["cpu_ms"]:
        return ""
    return f"{cell['per_s'] / base['per_s']:.1f}x, {base['cpu_ms'] / cell['cpu_ms']:.1f}x less"


# ---- counters -------------------------------------------------------------------------------

COUNTED = ("raw_syscalls:sys_enter", "syscalls:sys_enter_fsync", "syscalls:sys_enter_fdatasync",
           "syscalls:sys_enter_syncfs")


@contextlib.contextmanager
def syscalls(group):
    """Counts system calls of a server, children included: yields a dict that is filled at the
    end: {"syscalls": n, "flushes": n}; empty where perf(1) cannot count."""
    found = {}
    perf = subprocess.Popen(
        ["perf", "stat", "-x", ",", "-e", ",".join(COUNTED), "-p",
         ",".join(str(p) for p in group.pids())],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    time.sleep(0.5)
    try:
        yield found
    finally:
        perf.send_signal(signal.SIGINT)
        text = perf.communicate()[1]
        rows = {}
        for line in text.splitlines():
            w = line.split(",")
            if len(w) > 2 and w[0].isdigit():
                rows[w[2]] = int(w[0])
        if COUNTED[0] in rows:
            found["syscalls"] = rows[COUNTED[0]]
            found["flushes"] = sum(rows.get(e, 0) for e in COUNTED[1:])
