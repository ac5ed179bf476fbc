# SPDX-License-Identifier: ISC
"""relais upgrade: other programs take over under load, and take back; or they cannot, and nothing changes.

A build is copied, and another version made of the copy by changing the digits in its programs.
"""
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
from conftest import BUILD, new_folder, running, wait_for
from load import END, Elsewhere, Senders, survey
from upgrade_load import WORKERS, Load, Users

pytestmark = pytest.mark.alone


class Installed:
    """A folder of programs where another version can be put in place of the one that runs."""

    def __init__(self, folder):
        self.folder, self.current = folder, os.path.join(folder, "current")
        self.make("first")
        os.symlink("first", self.current)

    def make(self, name, change=(), version=None, wire=None):
        """A copy of the build; change: (file, its new text or None)."""
        place = os.path.join(self.folder, name)
        for part in ("bin", "libexec", "share"):
            if os.path.isdir(os.path.join(BUILD, part)):
                shutil.copytree(os.path.join(BUILD, part), os.path.join(place, part), symlinks=True)
        for part in ("bin", "libexec"):
            for f in os.listdir(os.path.join(place, part)):
                path = os.path.join(place, part, f)
                if not os.path.islink(path):
                    self.patch(path, version, wire)
        for f, text in change:
            path = os.path.join(place, f)
            os.rename(path, path + ".real")
            if text is not None:
                with open(path, "w") as out:
                    out.write(text)
                os.chmod(path, 0o755)
        return name

    @staticmethod
    def patch(path, version, wire):
        with open(path, "rb") as f:
            was = octets = f.read()
        if version:
            octets = octets.replace(b"\0" + VERSION + b"\0", b"\0" + version + b"\0")
        if wire:
            octets = octets.replace(b"relais-wire:0001", b"relais-wire:" + wire)
        if octets != was:
            with open(path, "wb") as f:
                f.write(octets)

    def install(self, name):
        new = self.current + ".new"
        os.symlink(name, new)
        os.rename(new, self.current)


def own_version():
    words = [os.path.join(BUILD, "libexec", "smtpd"), "--version"]
    return subprocess.run(words, stdout=subprocess.PIPE, timeout=30, check=True).stdout.split()[1]


VERSION = own_version()
OTHER = VERSION[:-1] + (b"8" if VERSION.endswith(b"9") else b"9")


@pytest.fixture(scope="module")
def installed():
    folder = new_folder()
    yield Installed(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def suite(installed):
    installed.install("first")
    with running(users=3, build=installed.current) as s:
        yield s


def upgrade(suite):
    return suite.relais("upgrade", check=False)


def pids(suite):
    return sorted(s["pid"] for s in suite.status()["services"] if s["pid"] > 0)


def flush(suite):
    """What was deferred is tried again: on a loaded machine a mailbox may have been locked."""
    suite.relais("queue", "flush", check=False)


def all_once(suite, recipients, confirmed):
    times = survey(suite.info["mail_root"], recipients)[0]
    good = all(times.get(i) == 1 for i in confirmed)
    if not good:
        flush(suite)
    return good


def load_on(suite, workers=WORKERS):
    return Load(suite.info["host"], suite.info["ports"], [suite.account(i) for i in range(3)], workers)


class Away(Users):
    """Mail for another host."""

    def setup(self):
        self.sent = {}

    def round(self):
        ident, text = self.message(f"user{self.rounds % 4}@{Elsewhere.domain}")
        client = self.connect()
        assert not client.sendmail(self.sender(), [f"user{self.rounds % 4}@{Elsewhere.domain}"],
                                   text + f"{END}{ident}\r\n")
        self.sent[ident] = True
        client.quit()


@pytest.fixture
def elsewhere():
    e = Elsewhere()
    yield e
    e.close()


@pytest.mark.once
def test_nobody_notices(suite, installed, elsewhere):
    """There and back again under load: no connection is refused, nothing is temporary, sessions go
    on from before the first to after the last, and each 250 is in its mailbox once."""
    installed.make("other", version=OTHER)
    elsewhere.route(suite)
    before = pids(suite)
    with load_on(suite, {**WORKERS, Away: 2}) as load:
        for name, version in (("other", OTHER), ("first", VERSION), ("other", OTHER)):
            load.rest()
            installed.install(name)
            done = upgrade(suite)
            assert done.returncode == 0, done.stdout + done.stderr + suite.log()[-3000:]
            assert f"version {version.decode()} serves" in done.stdout
            if load.harm:
                break
        load.rest()
    load.assert_unharmed()
    load.assert_all_arrived(flush=lambda: flush(suite))
    away = [i for w in load.workers if isinstance(w, Away) for i in w.sent]
    wait_for(lambda: all(i in elsewhere.times for i in away), seconds=60)
    assert not elsewhere.torn and all(len(t) == 1 for t in elsewhere.times.values())
    assert suite.master_alive()
    # who has served before goes with its last session
    wait_for(lambda: not set(before) & set(pids(suite)), seconds=30)


def test_what_does_not_understand_the_old(suite, installed):
    """A version with other messages: sessions end in words, connections are not refused, nothing
    that was confirmed is lost."""
    installed.make("foreign", version=OTHER, wire=b"0002")
    refused, over = [], threading.Event()

    def knock():
        while not over.is_set():
            try:
                socket.create_connection((suite.info["host"], suite.port("smtp")), timeout=30).close()
            except OSError as e:
                refused.append(repr(e))
            time.sleep(0.02)
    thread = threading.Thread(target=knock, daemon=True)
    recipients = [suite.account(i)[0] for i in range(3)]
    with Senders(suite.port("smtp"), recipients) as senders:
        thread.start()
        for name in ("foreign", "first"):
            n = len(senders.confirmed())
            wait_for(lambda: len(senders.confirmed()) > n + 50)
            installed.install(name)
            done = upgrade(suite)
            assert done.returncode == 0, done.stdout + done.stderr + suite.log()[-3000:]
            assert "sessions of before were ended" in done.stdout
            if name == "foreign":
                old = subprocess.run([os.path.join(BUILD, "bin", "relais"), "--config",
                                      os.path.join(suite.folder, "relais.conf"), "queue", "list"],
                                     stderr=subprocess.PIPE, text=True, timeout=60)
                assert old.returncode != 0 and "another version" in old.stderr
        n = len(senders.confirmed())
        wait_for(lambda: len(senders.confirmed()) > n + 50)
        over.set()
        thread.join()
    assert not refused, refused[:5]
    confirmed = senders.confirmed()
    wait_for(lambda: all_once(suite, recipients, confirmed), seconds=60, every=1)


# what is installed, and what the operator is told
FAULTY = {
    "no master": ([("bin/relais-master", None)], "No such file or directory"),
    "a master that fails": ([("bin/relais-master", "#!/bin/sh\necho it does not like it here >&2\nexit 1\n")],
                            "it does not like it here"),
    "a service is not there": ([("libexec/qmgr", None)], "qmgr: cannot be started"),
    "half an installation": ([("libexec/pop3-login", "#!/bin/sh\necho relais-pop3-login 0.0.1 wire 1\n")],
                             "is the installation complete?"),
    "a service does not start": ([("libexec/imap-login", '#!/bin/sh\n[ "$1" = --version ] && exec "$0.real" "$1"\n'
                                   "exit 3\n")], "imap-login of the new version does not start"),
}


def test_a_faulty_installation_changes_nothing(suite, installed):
    before = pids(suite)
    with load_on(suite) as load:
        for number, (what, (change, words)) in enumerate(FAULTY.items()):
            installed.install(installed.make(f"faulty{number}", change))
            done = upgrade(suite)
            assert done.returncode == 1 and words in done.stderr, (what, done.stdout, done.stderr)
            installed.install("first")
            wait_for(lambda: pids(suite) == before)
            shutil.rmtree(os.path.join(installed.folder, f"faulty{number}"))
        load.rest(2)
        # what was not right can be put right
        done = upgrade(suite)
        assert done.returncode == 0, done.stderr
        load.rest(2)
    load.assert_unharmed()
    load.assert_all_arrived(flush=lambda: flush(suite))


def test_a_faulty_configuration_changes_nothing(suite):
    before = pids(suite)
    path = os.path.join(suite.folder, "relais.conf")
    with open(path) as f:
        good = f.read()
    with open(path + ".good", "w") as f:
        f.write(good)
    try:
        with open(path, "a") as f:
            f.write("\nno_such_option = 1\n")
        # the command has one that it can read
        done = subprocess.run([os.path.join(BUILD, "bin", "relais"), "--config", path + ".good", "upgrade"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        assert done.returncode == 1 and "no_such_option" in done.stderr, done
    finally:
        with open(path, "w") as f:
            f.write(good)
    assert pids(suite) == before


def test_a_dangerous_change_is_not_taken(suite):
    """As a reload, it wants to hear that it is meant."""
    before = pids(suite)
    with open(os.path.join(suite.folder, "relais.conf"), "a") as f:
        f.write("\nplaintext_auth = always\n")
    done = upgrade(suite)
    assert done.returncode == 4 and "nothing has changed" in done.stderr, done
    assert "error: plaintext_auth: " in done.stderr and "relais upgrade --yes-really" in done.stderr
    assert pids(suite) == before
    assert suite.relais("config", "diff", "--running", check=False).returncode == 1
    done = suite.relais("upgrade", "--yes-really", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert suite.relais("config", "diff", "--running") == ""
    # it is no more dangerous than it was: no question again
    assert upgrade(suite).returncode == 0


def test_a_stop_in_the_middle(suite):
    """While an owner takes its time to go: the next one is not started."""
    qmgr = suite.pids("qmgr")[0]
    command = subprocess.Popen([os.path.join(suite.build, "bin", "relais"), "--config",
                                os.path.join(suite.folder, "relais.conf"), "upgrade"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    wait_for(lambda: "new processes are ready" in suite.log())
    os.kill(qmgr, signal.SIGSTOP)
    wait_for(lambda: "qmgr is replaced" in suite.log())
    suite.relais("stop")
    time.sleep(2)  # the stop waits for it now
    os.kill(qmgr, signal.SIGCONT)
    wait_for(lambda: not suite.master_alive(), seconds=30)
    command.wait(timeout=60)


SLOW = '#!/bin/sh\n[ "$1" = --version ] || sleep 3\nexec "$0.real" "$@"\n'


def test_an_old_process_that_dies_meanwhile(installed):
    """It comes back as a new one, and the one that was started beside it goes."""
    installed.install(installed.make("slow", [("libexec/imap-login", SLOW)]))
    with running(users=1, build=installed.current, forgive="was killed by signal 9") as suite:
        old = suite.pids("smtpd")[0]
        command = subprocess.Popen([os.path.join(suite.build, "bin", "relais"), "--config",
                                    os.path.join(suite.folder, "relais.conf"), "upgrade"],
                                   stdout=subprocess.DEVNULL, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        wait_for(lambda: "has taken over" in suite.log())
        os.kill(old, signal.SIGKILL)
        assert command.wait(timeout=100) == 0, suite.log()[-3000:]
        done = upgrade(suite)  # nobody is on trial any more
        assert done.returncode == 0, done.stderr


def test_one_at_a_time(suite):
    """The second one is told, and the first is not disturbed."""
    words = [os.path.join(suite.build, "bin", "relais"), "--config", os.path.join(suite.folder, "relais.conf"), "upgrade"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0")) for _ in range(2)]
    said = [p.communicate(timeout=100) for p in both]
    assert sorted(p.returncode for p in both) == [0, 1], said
    assert "under way already" in said[0][1] + said[1][1]


@pytest.mark.once
def test_a_new_master_that_dies_at_once(suite):
    """Killed in the middle: the processes end, and a start finds everything."""
    recipients = [suite.account(i)[0] for i in range(3)]
    old = suite.info["master_pid"]
    for moment in (0.0, 0.5):
        with Senders(suite.port("smtp"), recipients) as senders:
            wait_for(lambda: len(senders.confirmed()) > 30)
            offset = len(suite.log())
            command = subprocess.Popen([os.path.join(suite.build, "bin", "relais"), "--config",
                                        os.path.join(suite.folder, "relais.conf"), "upgrade"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
            wait_for(lambda: "takes over" in suite.log()[offset:])
            time.sleep(moment)
            suite.kill_master()
            command.wait(timeout=60)
            suite.start_master()
            n = len(senders.confirmed())
            wait_for(lambda: len(senders.confirmed()) > n + 10)
        confirmed = senders.confirmed()
        wait_for(lambda: all_once(suite, recipients, confirmed), seconds=60, every=1)
    assert old != suite.info["master_pid"]
