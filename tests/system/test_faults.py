# SPDX-License-Identifier: ISC
"""Failing system calls, full disks, peers that stop or die, mailboxes that others tamper with:
clients hear a temporary failure or wait, the log says why, nothing confirmed is lost, and
when the trouble is over everything works again.

RELAIS_LONG also stops each process until the doors' time-outs.
"""
import imaplib
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from conftest import Suite, assert_healthy, needs_root, new_folder, wait_for
from load import Sender, Senders, survey

pytestmark = pytest.mark.alone

LONG = bool(os.environ.get("RELAIS_LONG"))
RELEASE = os.environ.get("RELAIS_RELEASE") or None
QUICK = ["qmgr.minimal_backoff=1s", "qmgr.maximal_backoff=2s", "qmgr.segment_size=2M"]


class Teller(Sender):
    """Sends, and remembers what was said instead of the good reply."""

    def __init__(self, *words, **named):
        super().__init__(*words, **named)
        self.heard = []

    def run(self):
        while not self.over.is_set():
            try:
                self.session()
            except OSError as e:
                self.heard.append(str(e).strip())
                time.sleep(0.05)


class Tellers(Senders):
    def __init__(self, port, recipients, n=4, **words):
        self.all = [Teller(i, port, recipients, **words) for i in range(n)]

    def heard(self, start=""):
        return [h for s in self.all for h in s.heard if h.startswith(start)]


def addresses(suite):
    return [a["address"] for a in suite.info["accounts"]]


def all_arrive(suite, senders, mail_root=None, seconds=90):
    """What was confirmed is in the mailboxes, whole and once."""
    mail_root = mail_root or suite.info["mail_root"]
    confirmed = senders.confirmed()

    def missing():
        return confirmed.keys() - survey(mail_root, addresses(suite))[0].keys()
    wait_for(lambda: not missing() or None, seconds=seconds, every=0.25)
    times, torn, _ = survey(mail_root, addresses(suite))
    assert not torn
    assert all(times[k] == 1 for k in confirmed), "one delivery each"


def all_works(suite, mail_root=None, seconds=60):
    """A message goes in and is read back."""
    with Tellers(suite.port("smtp"), addresses(suite)[:1], n=1) as one:
        wait_for(one.confirmed, seconds=seconds)
    all_arrive(suite, one, mail_root)
    ident = next(iter(one.confirmed()))

    def read_back():
        try:
            client = imaplib.IMAP4("127.0.0.1", suite.port("imap"), timeout=20)
            client.login(*suite.account(0))
            client.select("INBOX")
            found = client.uid("SEARCH", "SUBJECT", ident)[1][0].split()
            client.logout()
            return len(found) >= 1  # "-1" is found in "-10" too
        except (imaplib.IMAP4.error, OSError):
            return False
    wait_for(read_back, seconds=seconds, every=0.3)


def only_temporary(senders):
    """Every refusal asked to come again."""
    odd = [h for h in senders.heard() if h[:1] in "5" and h[:1]]
    assert not odd, odd[:5]


def service_pids(suite):
    return {(s["service"], i): s["pid"] for i, s in enumerate(suite.status()["services"])}


# ---- system calls that fail ----

# what fails; the sizes of messages (lines); a reply someone hears; what the log says
FAULTS = {
    "flush, once": ("qmgr/fdatasync:5:EIO", (1, 60), "451", r"journal: flush failed \("),
    "flush, for a while": ("qmgr/fdatasync:5-12:EIO", (1, 60), "451", r"journal: flush failed \("),
    "journal write": ("qmgr/write:6-9:EIO", (1, 60), "451", r"journal: flush failed \("),
    "journal write, no space": ("qmgr/write:6-9:ENOSPC", (1, 60), "452", "the disk is full"),
    "journal write, quota": ("qmgr/write:6-9:EDQUOT", (1, 60), "452", "the disk is full"),
    "large message, flush": ("qmgr/fsync:2-5:EIO", (4000,), "451", "not queued"),
    "large message, name": ("qmgr/link:2-5:EIO,qmgr/rename:1-4:EIO", (4000,), "451", "not queued"),
    "large message, no file to lend":
        ("qmgr/open:2-9:EMFILE", (4000,), "451", "no file to lend"),
    "memory file":
        ("smtpd/memfd:3-9:ENOMEM", (1, 600), "451", "content of a message can't be stored"),
    "content write":
        ("smtpd/write:3-9:EIO", (600, 4000), "451", "content of a message can't be stored"),
    "sync of the mail root":
        ("local-delivery/syncfs:2-4:EIO", (1, 60), None, "could not be synced"),
    "mailbox, no descriptors":
        ("local-delivery/open:3-9:EMFILE", (1, 60, 4000), None, "status=deferred"),
    "mailbox, write": ("local-delivery/write:3-9:EIO", (1, 60, 4000), None, "status=deferred"),
    "mailbox, rename or link":
        ("local-delivery/rename:1-6:EIO,local-delivery/link:1-6:EIO", (1, 4000), None, None),
    "mailbox, no space": ("local-delivery/write:3-9:ENOSPC", (1, 60), None, "status=deferred"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_call_fails(fresh_suite, name):
    plan, lines, reply, line = FAULTS[name]
    suite = fresh_suite(users=3, options=QUICK, env={"RELAIS_FAULT": plan})
    with Tellers(suite.port("smtp"), addresses(suite), lines=lines) as senders:
        if reply is not None:
            wait_for(lambda: senders.heard(reply), 30)
        if line is not None:
            wait_for(lambda: re.search(line, suite.log()), 30)
        before = len(senders.confirmed())
        wait_for(lambda: len(senders.confirmed()) > before + 10, 60)  # it is over
    only_temporary(senders)
    all_arrive(suite, senders)
    all_works(suite)
    assert_healthy(suite.log())


IMAP_FAULTS = ["imap/write:1-2:EIO", "imap/rename:1-2:EIO", "imap/link:1-2:EIO",
               "imap/fsync:1:EIO,imap/fdatasync:1:EIO,imap/syncfs:1:EIO", "imap/open:8-12:EMFILE",
               "imap/memfd:1-2:ENOMEM", "imap/write:1-2:ENOSPC", "imap/allocate:1-2:ENOSPC"]


def append_until_good(suite, text, tries=12):
    """APPEND in one session until it is confirmed; how often it was."""
    good, bad = 0, 0
    for _ in range(tries):
        try:
            client = imaplib.IMAP4("127.0.0.1", suite.port("imap"), timeout=20)
            client.login(*suite.account(0))
            for _ in range(tries):
                status, _ = client.append("INBOX", None, None, text)
                good, bad = good + (status == "OK"), bad + (status != "OK")
                if good:
                    client.logout()
                    return good, bad
        except (imaplib.IMAP4.error, OSError):
            bad += 1
    return good, bad


def test_append_meets_failing_calls(fresh_suite):
    """An APPEND that cannot be stored is NO and leaves nothing; the next one is stored."""
    folder = new_folder()
    try:
        count = 0
        for plan in IMAP_FAULTS:
            suite = Suite(folder, users=1, env={"RELAIS_FAULT": plan})
            try:
                suite.start()
                good, bad = append_until_good(suite, b"Subject: x\r\n\r\n" + b"y" * 5000 + b"\r\n")
                assert good == 1, f"{plan}: never stored; {bad} refused"
                count += 1
                log = suite.log()
            finally:
                suite.stop()
            assert_healthy(log)
        suite = Suite(folder, users=1).start()
        try:
            client = imaplib.IMAP4("127.0.0.1", suite.port("imap"))
            client.login(*suite.account(0))
            assert int(client.select("INBOX")[1][0]) == count
            client.logout()
        finally:
            suite.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---- full disks ----

class SmallDisk:
    """An ext4 of its own, and ballast that fills it (neither takes room of the real disk)."""

    def __init__(self, megabytes=2048):
        self.folder = new_folder()
        self.image, self.path = self.folder + "/image", self.folder + "/disk"
        os.mkdir(self.path)
        with open(self.image, "wb") as f:
            f.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", self.image], check=True)
        done = subprocess.run(["mount", "-o", "loop", self.image, self.path],
                              stderr=subprocess.PIPE, text=True)
        self.mounted = done.returncode == 0
        if not self.mounted:
            shutil.rmtree(self.folder, ignore_errors=True)
            pytest.skip("no loop devices here: " + done.stderr)
        os.chmod(self.path, 0o755)

    def free(self):
        st = os.statvfs(self.path)
        return st.f_bavail * st.f_frsize

    def fill(self, but):
        with open(self.path + "/ballast", "wb") as f:
            os.posix_fallocate(f.fileno(), 0, max(self.free() - but, 4096))

    def relieve(self):
        os.unlink(self.path + "/ballast")

    def remove(self):
        wait_for(lambda: subprocess.run(["umount", self.path],
                                        stderr=subprocess.DEVNULL).returncode == 0, 30, 0.2)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def small_disk():
    disk = SmallDisk()
    yield disk
    disk.remove()


# which folder is on the disk that fills; what senders hear; what the log says
FULL = {
    "all": ("", None, r"disk is full|status=deferred|journal is full|no further journal segment"),
    "queue": ("queue", "452", r"disk is full|journal is full|no further journal segment"),
    "mail_root": ("mail_root", None, r"status=deferred"),
}


@needs_root
@pytest.mark.parametrize("what", FULL)
def test_disk_full(small_disk, what):
    option, reply, line = FULL[what]
    place = f"{small_disk.path}/{option or 'demo'}"
    folder = place if not option else new_folder()
    suite = Suite(folder, users=3, build=RELEASE,
                  options=QUICK + ([f"{option}={place}"] if option else []))
    mail_root = place if option == "mail_root" else None
    try:
        suite.start()
        before = service_pids(suite)
        with Tellers(suite.port("smtp"), addresses(suite), lines=(1, 60, 4000)) as senders:
            wait_for(lambda: len(senders.confirmed()) > 10, 30)
            small_disk.fill(but=3 << 20)
            if what == "queue":  # mail leaves the queue as fast as it comes: let it wait
                for pid in suite.pids("local-delivery"):
                    os.kill(pid, signal.SIGSTOP)
            try:
                wait_for(lambda: re.search(line, suite.log()), 60)
                if reply is not None:
                    wait_for(lambda: senders.heard(reply), 60)
                time.sleep(2)  # it stays full for a while
            finally:
                if what == "queue":
                    for pid in suite.pids("local-delivery"):
                        os.kill(pid, signal.SIGCONT)
            small_disk.relieve()
            confirmed = len(senders.confirmed())
            wait_for(lambda: len(senders.confirmed()) > confirmed + 20, 60)
        only_temporary(senders)
        all_arrive(suite, senders, mail_root)
        all_works(suite, mail_root)
        assert service_pids(suite) == before, "no process died"
        assert_healthy(suite.log())
    finally:
        suite.stop()
        if folder != place:
            shutil.rmtree(folder, ignore_errors=True)


# ---- peers that stop or die ----

PEERS = ["directory", "qmgr", "local-delivery", "ledger", "imap-spawner", "imap-login", "smtpd"]


def imap_session(suite, timeout):
    """"OK", or what was said instead; "" for a lost connection."""
    try:
        client = imaplib.IMAP4("127.0.0.1", suite.port("imap"), timeout=timeout)
        client.login(*suite.account(1))
        client.select("INBOX")
        client.logout()
        return "OK"
    except imaplib.IMAP4.abort:
        return ""
    except imaplib.IMAP4.error as e:
        return str(e)
    except OSError:
        return ""


@needs_root
def test_peers_stop_and_die(fresh_suite):
    suite = fresh_suite(users=3, build=RELEASE, options=QUICK)
    with Tellers(suite.port("smtp"), addresses(suite)) as senders:
        for service in PEERS:
            wait_for(lambda s=service: suite.pids(s), 30)
            pids = suite.pids(service)
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            time.sleep(1.5)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            confirmed = len(senders.confirmed())
            wait_for(lambda n=confirmed: len(senders.confirmed()) > n + 5, 60)
            wait_for(lambda: imap_session(suite, 40) == "OK", 60, 0.2)
            assert set(pids) <= set(suite.pids(service)), f"{service} is still the same"
        for service in PEERS:
            for pid in wait_for(lambda s=service: suite.pids(s), 30):
                os.kill(pid, signal.SIGKILL)
            said = imap_session(suite, 40)
            assert said in ("OK", "") or "UNAVAILABLE" in said, said
            confirmed = len(senders.confirmed())
            wait_for(lambda n=confirmed: len(senders.confirmed()) > n + 5, 60)
            wait_for(lambda: imap_session(suite, 40) == "OK", 60, 0.2)
    only_temporary(senders)
    all_arrive(suite, senders)
    all_works(suite)


@needs_root
def test_a_process_that_hangs_is_replaced(fresh_suite):
    suite = fresh_suite(users=2, options=QUICK + ["watchdog=2s"])
    for service in ("qmgr", "directory"):
        pid = wait_for(lambda s=service: suite.pids(s), 30)[0]
        before = len(suite.log())
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: "pid %d does not answer; ended" % pid in suite.log()[before:], 30)
        wait_for(lambda s=service: suite.pids(s) and suite.pids(s) != [pid], 30, 0.2)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    all_works(suite)


@needs_root
@pytest.mark.skipif(not LONG, reason="RELAIS_LONG")
def test_doors_do_not_wait_for_ever(fresh_suite):
    """A directory that stays silent: RCPT is 451 and LOGIN is UNAVAILABLE within a minute."""
    suite = fresh_suite(users=2, build=RELEASE, options=QUICK)
    pid = suite.pids("directory")[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert "UNAVAILABLE" in imap_session(suite, 60)
        teller = Teller(0, suite.port("smtp"), addresses(suite))
        with pytest.raises(OSError, match="451"):
            socket_timeout_session(teller, 90)
    finally:
        os.kill(pid, signal.SIGCONT)
    all_works(suite)


def socket_timeout_session(teller, seconds):
    """One session that waits longer for replies than the load does."""
    import socket
    old = socket.create_connection
    try:
        socket.create_connection = lambda address, timeout: old(address, timeout=seconds)
        teller.session()
    finally:
        socket.create_connection = old


# ---- mailboxes that others tamper with ----

def tamper_rename(box):
    """As mutt: new to cur, other flags."""
    for name in os.listdir(box + "/new"):
        os.rename(f"{box}/new/{name}", f"{box}/cur/{name.split(':')[0]}:2,FS")
    for name in os.listdir(box + "/cur"):
        os.rename(f"{box}/cur/{name}", f"{box}/cur/{name.split(':')[0]}:2,RS")


def tamper_remove(box):
    for sub in ("new", "cur"):
        for name in sorted(os.listdir(f"{box}/{sub}"))[::2]:
            os.unlink(f"{box}/{sub}/{name}")


def private_files(box):
    return [n for n in os.listdir(box)
            if os.path.isfile(f"{box}/{n}") and n != "maildirfolder"]


def tamper_no_index(box):
    for name in private_files(box):
        os.unlink(f"{box}/{name}")


def tamper_damaged_index(box):
    for name in private_files(box):
        with open(f"{box}/{name}", "r+b") as f:
            f.seek(max(os.path.getsize(f"{box}/{name}") // 2, 0))
            f.write(b"\xff\x00garbage" * 20)


def tamper_truncated(box):
    for sub in ("new", "cur"):
        for name in os.listdir(f"{box}/{sub}")[:3]:
            os.truncate(f"{box}/{sub}/{name}", 10)


def tamper_strange_names(box):
    for name in ("x", ":2,", "a:2,ZZZZ", "b,U=4294967295,S=1:2,S", "c,U=0", "\xff\xfe" * 40,
                 "d,S=99999999999999999999"):
        with open(f"{box}/cur/{name}".encode("latin-1"), "wb") as f:
            f.write(b"Subject: strange\r\n\r\nx\r\n")
    os.mkdir(f"{box}/cur/folder")
    os.symlink("/etc/passwd", f"{box}/new/link")
    os.mkfifo(f"{box}/new/fifo")


TAMPERS = [tamper_rename, tamper_remove, tamper_no_index, tamper_damaged_index,
           tamper_truncated, tamper_strange_names]


def look_around(client):
    """Everything in the folder, whatever became of it meanwhile; the count."""
    client.noop()
    client.uid("FETCH", "1:*", "(FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    client.uid("STORE", "1:*", "+FLAGS", "(\\Seen)")
    client.noop()
    return int(client.select("INBOX")[1][0])


def fresh_look(suite, i=0):
    client = imaplib.IMAP4("127.0.0.1", suite.port("imap"), timeout=60)
    client.login(*suite.account(i))
    client.select("INBOX")
    count = look_around(client)
    client.logout()
    return count


@needs_root
def test_tampered_mailboxes(fresh_suite):
    suite = fresh_suite(users=2, options=QUICK)
    box = suite.mailbox(0)
    for tamper in TAMPERS:
        with Tellers(suite.port("smtp"), addresses(suite)[:1], n=2, lines=(1, 60)) as senders:
            wait_for(lambda: len(senders.confirmed()) > 12, 60)
            client = imaplib.IMAP4("127.0.0.1", suite.port("imap"), timeout=60)
            client.login(*suite.account(0))
            client.select("INBOX")
            for _ in range(3):
                try:
                    tamper(box)
                except FileNotFoundError:
                    pass  # a name changed under us: the suite renames as well
                except FileExistsError:
                    break
                try:
                    look_around(client)
                except imaplib.IMAP4.abort:  # BYE is a good answer to a broken folder
                    client = imaplib.IMAP4("127.0.0.1", suite.port("imap"), timeout=60)
                    client.login(*suite.account(0))
                    client.select("INBOX")
        fresh_look(suite)
        fresh_look(suite, 1)
        assert_healthy(suite.log())


@needs_root
def test_a_folder_that_cannot_be_opened(fresh_suite):
    """chmod 000: readers are told, mail waits, the other account notices nothing."""
    suite = fresh_suite(users=2, build=RELEASE, options=QUICK)
    box = suite.mailbox(0)
    all_works(suite)
    for path in (box, box + "/new", box + "/tmp"):
        mode = os.stat(path).st_mode & 0o777
        os.chmod(path, 0)
        try:
            with Tellers(suite.port("smtp"), addresses(suite), n=2, lines=(1,)) as senders:
                wait_for(lambda: len(senders.confirmed()) > 6, 60)
            deferred = re.compile(f"to=<{suite.account(0)[0]}>.*status=deferred")
            wait_for(lambda: deferred.search(suite.log()), 30)
            try:
                fresh_look(suite)
            except imaplib.IMAP4.error:
                pass
            fresh_look(suite, 1)
        finally:
            os.chmod(path, mode)
        all_arrive(suite, senders)
    all_works(suite)
    assert_healthy(suite.log())
