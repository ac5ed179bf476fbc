# SPDX-License-Identifier: ISC
"""Fixtures: the real suite, started by ./quickstart, on its own ports below a folder of its own.

RELAIS_BUILD names the build folder to test (build/debug). Tests that need root skip
elsewhere. Every process a test starts is ended by the test, by its pid.
"""
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("RELAIS_BUILD", os.path.join(TOP, "build", "debug"))
# each suite takes another thousand, below the ports that the kernel gives to clients; those of
# earlier tests are free again when they come round; workers of pytest-xdist have their own
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_own = range(11000, 32000, 1000)[_worker::int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
_bases = itertools.cycle(_own)
for _ in range(os.getpid() % len(_own)):
    next(_bases)


def free_base():
    """A base whose ports nobody listens on."""
    for base in itertools.islice(_bases, 2 * len(_own)):
        try:
            for offset in (25, 587, 465, 143, 993, 110, 995):
                with socket.socket() as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind(("127.0.0.1", base + offset))
            return base
        except OSError:
            continue
    raise RuntimeError("no free ports")


def read_log(path):
    """What it says until now: lines come a moment after what they tell of."""
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


class Suite:
    """One running suite. `info` is quickstart's JSON; see ./quickstart --help."""

    def __init__(self, folder, users=2, options=(), build=BUILD, env=()):
        self.folder, self.users, self.options = folder, users, list(options)
        self.build = build or BUILD
        self.env = dict(env)  # of the suite, as RELAIS_FAULT
        self.base = free_base()
        self.info = None

    def quickstart(self, *words):
        env = dict(os.environ, RELAIS_BUILD=self.build, **self.env)
        env.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
        return subprocess.run([os.path.join(TOP, "quickstart"), "--dir", self.folder, *words],
                              env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=300)

    def start(self):
        words = ["--background", "--json", "--no-install", "--ports", str(self.base),
                 "--users", str(self.users)]
        for o in self.options:
            words += ["--option", o]
        done = self.quickstart(*words)
        if done.returncode != 0:
            raise RuntimeError(f"quickstart failed:\n{done.stderr}\n{self.log()[-3000:]}")
        self.info = json.loads(done.stdout)
        return self

    def stop(self):
        return self.quickstart("--stop")

    def kill_master(self):
        """kill -9 of master; the children notice and end."""
        os.kill(self.info["master_pid"], signal.SIGKILL)

    def master_alive(self):
        try:
            with open(f"/proc/{self.info['master_pid']}/stat") as f:
                return f.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def start_master(self):
        """Start a killed suite again, quicker than quickstart: once the old children are gone."""
        out = os.path.join(self.folder, "master.out")
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with open(out, "w") as f:
                master = subprocess.Popen(
                    [os.path.join(self.build, "bin", "relais-master"), "--config",
                     os.path.join(self.folder, "relais.conf")], stdin=subprocess.DEVNULL,
                    stdout=f, stderr=f, cwd="/", start_new_session=True,
                    env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0:abort_on_error=1",
                             **self.env))
            while time.monotonic() < end and master.poll() is None:
                with open(out) as f:
                    if "ready" in f.read():
                        self.info["master_pid"] = master.pid
                        with open(os.path.join(self.folder, "master.pid"), "w") as f:
                            f.write(str(master.pid))
                        # reaped when it ends, so that no zombie looks like a process
                        threading.Thread(target=master.wait, daemon=True).start()
                        return
                time.sleep(0.02)
            time.sleep(0.2)
        raise RuntimeError("master does not start again:\n" + self.log()[-3000:])

    def processes(self):
        """Pids of master and all that descends from it."""
        found, grow = [self.info["master_pid"]], [self.info["master_pid"]]
        while grow:
            pid = grow.pop()
            try:
                with open(f"/proc/{pid}/task/{pid}/children") as f:
                    children = [int(x) for x in f.read().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
            found += children
            grow += children
        return found

    def port(self, name):
        return self.info["ports"][name]

    def account(self, i=0):
        """(address, password) of the i-th account."""
        a = self.info["accounts"][i]
        return a["address"], a["password"]

    def mailbox(self, i=0):
        """The Maildir folder of the i-th account."""
        local, domain = self.account(i)[0].split("@")
        return os.path.join(self.info["mail_root"], domain, local)

    def log(self):
        return read_log(os.path.join(self.folder, "log"))

    def relais(self, *words, check=True, stdin=None):
        """Run the operator's command; its stdout."""
        done = subprocess.run([os.path.join(self.build, "bin", "relais"), "--config",
                               os.path.join(self.folder, "relais.conf"), *words],
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        if check and done.returncode != 0:
            raise RuntimeError(f"relais {' '.join(words)}: {done.returncode}\n{done.stderr}")
        return done.stdout if check else done

    def status(self):
        """Exit status 1: not healthy, which is what many tests bring about."""
        done = self.relais("status", "--json", check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"relais status: {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)

    def pids(self, service):
        """Pids of its processes that run now (one that is being started again has none)."""
        return [s["pid"] for s in self.status()["services"]
                if s["service"] == service and s["pid"] > 0]


def wait_for(what, seconds=20, every=0.05):
    """The first true value of what(), or a failed test."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(every)


def new_folder():
    # short, because a UNIX socket's path is; passable for the suite's users
    folder = tempfile.mkdtemp(prefix="relais-", dir="/tmp")
    os.chmod(folder, 0o755)
    return folder


@contextlib.contextmanager
def running(*more_folders, forgive=None, **words):
    """A suite that runs meanwhile, made with these words of Suite(). At the end its folder and the
    others are gone, and its log is healthy; forgive: a pattern of lines that its tests bring about."""
    s = Suite(words.pop("folder", None) or new_folder(), **words)
    try:
        yield s.start()
    finally:
        s.stop()
        log = s.log()
        for folder in (s.folder, *more_folders):
            shutil.rmtree(folder, ignore_errors=True)
    assert_healthy(log, forgive)


def assert_healthy(log, forgive=None):
    """Nothing in it that no test may bring about."""
    for bad in ("panic:", "AddressSanitizer", "runtime error", "sent what it may not",
                "was killed by signal"):
        lines = [x for x in log.splitlines() if bad in x and not (forgive and re.search(forgive, x))]
        assert not lines, f"the log says \"{bad}\":\n" + "\n".join(lines)[:2000]


@pytest.fixture(scope="module")
def suite():
    """A running suite with three accounts, shared by the tests of a file."""
    with running(users=3) as s:
        yield s


@pytest.fixture
def fresh_suite():
    """A factory of suites that a test may break: fresh_suite(users=2, options=[...], ...)."""
    made = []

    def make(**words):
        s = Suite(words.pop("folder", None) or new_folder(), **words)
        made.append(s)
        return s.start()

    yield make
    for s in made:
        s.stop()
        shutil.rmtree(s.folder, ignore_errors=True)


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: loads the machine or looks at the clock; ./check runs nothing "
                            "beside it")
    config.addinivalue_line("markers", "once: asks whether anything was lost; a failure stands, ./check "
                            "does not try it again")


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
