# SPDX-License-Identifier: ISC
"""IMAP over the real suite: sessions that see each other, IDLE, folders, literals, large answers."""
import imaplib
import os
import random
import re
import smtplib
import socket
import threading
import time

import pytest
from conftest import wait_for


class Client:
    """A client close to the wire: what is sent and what comes are lines."""

    def __init__(self, suite, i=0, login=True):
        self.sock = socket.create_connection((suite.info["host"], suite.port("imap")), timeout=30)
        self.file = self.sock.makefile("rb")
        self.tags = 0
        self.greeting = self.line()
        if login:
            user, password = suite.account(i)
            ok = self.command(f'LOGIN {user} "{password}"')[-1]
            assert ok.split()[1] == b"OK", ok

    def send(self, octets):
        self.sock.sendall(octets)

    def line(self):
        """One line of answer, literals in it included."""
        line = self.file.readline()
        while (found := re.search(rb"\{(\d+)\}\r\n$", line)) is not None:
            line += self.file.read(int(found[1])) + self.file.readline()
        return line[:-2]

    def start(self, text):
        self.tags += 1
        tag = f"t{self.tags}"
        self.send(f"{tag} {text}\r\n".encode())
        return tag.encode()

    def finish(self, tag):
        lines = []
        while not lines or not lines[-1].startswith(tag + b" "):
            lines.append(self.line())
            assert lines[-1] != b"", "the server closed the connection"
        return lines

    def command(self, text):
        return self.finish(self.start(text))

    def ok(self, text):
        lines = self.command(text)
        assert lines[-1].split()[1] == b"OK", lines
        return lines[:-1]

    def append(self, folder, message, flags=""):
        self.tags += 1
        tag = f"t{self.tags}".encode()
        head = b"%s APPEND %s (%s) {%d+}\r\n" % (tag, folder.encode(), flags.encode(), len(message))
        self.send(head + message + b"\r\n")
        lines = self.finish(tag)
        assert lines[-1].split()[1] == b"OK", lines
        return int(re.search(rb"\[APPENDUID \d+ (\d+)\]", lines[-1])[1])

    def until(self, what, seconds=5):
        """The first line that contains what, and how long it took."""
        began = time.monotonic()
        self.sock.settimeout(seconds)
        try:
            while what not in (line := self.line()):
                assert line != b""
        except TimeoutError:
            pytest.fail(f"no {what!r} within {seconds} s")
        finally:
            self.sock.settimeout(30)
        return line, time.monotonic() - began

    def close(self):
        self.file.close()
        self.sock.close()


def message(text, body="Hello.\r\n"):
    return f"From: <a@example.org>\r\nSubject: {text}\r\n\r\n{body}".encode()


@pytest.fixture
def empty(suite):
    """Account 0 with nothing in it but an empty INBOX."""
    client = Client(suite)
    for line in client.ok('LIST "" *'):
        name = line.rsplit(b" ", 1)[1].decode()
        if name != "INBOX":
            client.command(f"DELETE {name}")
    client.ok("SELECT INBOX")
    client.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    client.ok("CLOSE")
    client.close()
    return suite


def test_idle_tells_a_delivery_within_a_second(empty):
    idle = Client(empty)
    idle.ok("SELECT INBOX")
    tag = idle.start("IDLE")
    idle.until(b"+ ")
    time.sleep(1.5)  # beyond the looks that follow the beginning of IDLE
    began = time.monotonic()
    with smtplib.SMTP(empty.info["host"], empty.port("smtp"), timeout=30) as smtp:
        smtp.sendmail("stranger@example.org", [empty.account(0)[0]], "Subject: x\r\n\r\nx\r\n")
    idle.until(b"* 1 EXISTS")
    assert time.monotonic() - began < 1.0
    idle.send(b"DONE\r\n")
    assert idle.finish(tag)[-1].split()[1] == b"OK"
    idle.close()


def test_idle_tells_flags_and_expunges(empty):
    worker, idle = Client(empty), Client(empty)
    for i in range(3):
        worker.append("INBOX", message(f"m{i}"))
    worker.ok("SELECT INBOX")
    idle.ok("SELECT INBOX")
    tag = idle.start("IDLE")
    idle.until(b"+ ")
    time.sleep(1.5)
    worker.ok("STORE 2 +FLAGS (\\Flagged $Label)")
    line, took = idle.until(b"* 2 FETCH")
    assert took < 1 and b"\\Flagged" in line and b"$Label" in line
    worker.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    idle.until(b"* 1 FETCH")
    worker.ok("EXPUNGE")
    assert idle.until(b"* 1 EXPUNGE")[1] < 1
    uid = worker.append("INBOX", message("late"))
    assert idle.until(b"* 3 EXISTS")[1] < 1
    idle.send(b"DONE\r\n")
    idle.finish(tag)
    assert f"UID {uid}".encode() in idle.ok("FETCH 3 UID")[0]
    worker.close()
    idle.close()


def test_a_foreign_program_is_seen(empty):
    """Another program works in the Maildir: renames a file, removes one, adds one."""
    client = Client(empty)
    client.append("INBOX", message("one"))
    client.append("INBOX", message("two"))
    client.ok("SELECT INBOX")
    client.ok("UNSELECT")
    box = empty.mailbox(0)

    def files():
        return sorted(os.path.join(d, f) for d in ("cur", "new")
                      for f in os.listdir(os.path.join(box, d)))
    first, second = files()
    base = os.path.basename(first).split(":")[0]
    os.rename(os.path.join(box, first), os.path.join(box, "cur", base + ":2,F"))
    os.unlink(os.path.join(box, second))
    path = os.path.join(box, "new", "1.foreign.host")
    with open(path, "wb") as f:
        f.write(message("three").replace(b"\r\n", b"\n"))
    st = os.stat(os.path.join(box, "cur"))
    os.chown(path, st.st_uid, st.st_gid)
    client.ok("SELECT INBOX")
    lines = client.ok("FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (Subject)])")
    assert len(lines) == 2
    assert b"\\Flagged" in lines[0]
    assert b"three" in lines[1]
    assert message("three") in client.ok("FETCH 2 BODY.PEEK[]")[0]
    client.close()


def test_two_sessions_see_each_other(empty):
    a, b = Client(empty), Client(empty)
    for i in range(4):
        a.append("INBOX", message(f"m{i}"))
    a.ok("SELECT INBOX")
    b.ok("SELECT INBOX")
    a.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
    a.ok("EXPUNGE")
    # RFC 3501 sec. 7.4.1: no EXPUNGE while numbers are in use
    assert not any(b"EXPUNGE" in line for line in b.ok("FETCH 3 FLAGS"))
    assert not any(line.endswith(b"EXPUNGE") for line in b.ok("SEARCH ALL"))
    assert sum(line.endswith(b"EXPUNGE") for line in b.ok("NOOP")) == 2
    assert b"m2" in b.ok("FETCH 1 ENVELOPE")[0]
    a.close()
    b.close()


def test_concurrent_append_and_expunge(empty):
    """Six sessions append, flag and expunge at once; the survivors are the ones expected."""
    kept, lock, failures = set(), threading.Lock(), []

    def work(n):
        try:
            rng = random.Random(n)
            c = Client(empty)
            c.ok("SELECT INBOX")
            for i in range(25):
                uid = c.append("INBOX", message(f"w{n}-{i}"))
                if rng.random() < 0.5:
                    c.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
                    c.ok(f"UID EXPUNGE {uid}")
                else:
                    with lock:
                        assert uid not in kept
                        kept.add(uid)
            c.close()
        except BaseException as e:  # a thread's failure is the test's
            failures.append(repr(e))
    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures
    c = Client(empty)
    c.ok("SELECT INBOX")
    found = {int(x) for x in c.ok("UID SEARCH ALL")[0].split()[2:]}
    assert found == kept
    for line in c.ok("UID FETCH 1:* (UID BODY.PEEK[])"):
        assert b"Hello.\r\n" in line
    c.close()


def test_folders(empty):
    c = Client(empty)
    c.ok("CREATE a/b/c")
    c.ok('CREATE "R&AOk-sum&AOk-"')
    c.ok("CREATE Sent")
    names = {line.split(b'"/" ')[1]: line for line in c.ok('LIST "" *')}
    assert b"a/b/c" in names and b"R&AOk-sum&AOk-" in names
    assert b"\\Sent" in names[b"Sent"]
    c.append("a/b/c", message("deep"))
    c.ok("RENAME a/b x")
    assert b"MESSAGES 1" in c.ok("STATUS x/c (MESSAGES)")[0]
    c.ok("SELECT x/c")
    c.ok("MOVE 1 INBOX")
    assert b"MESSAGES 0" in c.ok("STATUS x/c (MESSAGES)")[0]
    c.ok("CLOSE")
    c.ok("SUBSCRIBE x/c")
    assert any(b"x/c" in line for line in c.ok('LSUB "" *'))
    c.ok("DELETE x/c")
    assert c.command("SELECT x/c")[-1].split()[1] == b"NO"
    assert c.command("DELETE INBOX")[-1].split()[1] == b"NO"
    for bad in ("../a", "a//b", "/", "."):
        c.command(f'CREATE "{bad}"')
    assert set(os.listdir(os.path.dirname(empty.mailbox(0)))) <= {"user1", "user2", "user3"}
    c.close()


def test_a_folder_deleted_under_a_session(empty):
    a, b = Client(empty), Client(empty)
    a.ok("CREATE gone")
    b.ok("SELECT gone")
    a.ok("DELETE gone")
    b.send(b"x NOOP\r\n")
    assert b.line().startswith(b"* BYE")
    a.close()
    b.close()


def test_literals(empty):
    c = Client(empty)
    # synchronizing: each waits for its continuation
    c.send(b"a APPEND {5}\r\n")
    assert c.line().startswith(b"+")
    c.send(b"INBOX {%d}\r\n" % len(message("sync")))
    assert c.line().startswith(b"+")
    c.send(message("sync") + b"\r\n")
    assert b"a OK [APPENDUID" in c.line()
    # octet by octet, two commands in one stream
    stream = b"b STATUS {5+}\r\nINBOX (MESSAGES)\r\nc NOOP\r\n"
    for i in range(len(stream)):
        c.send(stream[i:i + 1])
    assert c.finish(b"b")[0] == b"* STATUS INBOX (MESSAGES 1)"
    assert c.finish(b"c")[-1].startswith(b"c OK")
    # too large: refused before a single octet, and the connection goes on
    c.send(b"d APPEND INBOX {4000000000}\r\n")
    assert c.line().startswith(b"d NO [TOOBIG]")
    c.send(b"e SELECT {100000}\r\n")
    assert c.line().startswith(b"e BAD [TOOBIG]")
    # not synchronizing: it is swallowed, and nothing in it is a command
    c.send(b"f SELECT {70000+}\r\n" + b"\r\nx LOGOUT\r\n" * 5834)
    c.send(b"--\r\n")
    assert b"f BAD" in c.finish(b"f")[-1]
    assert c.command("NOOP")[-1].split()[1] == b"OK"
    c.close()


def test_client_that_goes_in_the_midst_of_an_append(empty):
    c = Client(empty)
    c.send(b"a APPEND INBOX {1000+}\r\nhalf a mess")
    c.close()
    c = Client(empty)

    def leftovers():
        return [f for f in os.listdir(os.path.join(empty.mailbox(0), "tmp"))]
    wait_for(lambda: not leftovers(), seconds=5)
    assert b"MESSAGES 0" in c.ok("STATUS INBOX (MESSAGES)")[0]
    c.close()


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])


def sessions(suite):
    """Pids of IMAP session processes."""
    found = []
    for pid in suite.processes():
        try:
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() == "imap":
                    found.append(pid)
        except FileNotFoundError:
            pass
    return found


def test_a_slow_reader_costs_no_memory(empty):
    """20 MiB asked for at once by a client that does not read: the answer waits in the mailbox."""
    c = Client(empty)
    body = "x" * 76 + "\r\n"
    for i in range(10):
        c.append("INBOX", message(f"big{i}", body * 27000))
    c.ok("SELECT INBOX")
    before = set(sessions(empty))
    slow = Client(empty)
    slow.ok("EXAMINE INBOX")
    mine = set(sessions(empty)) - before
    tag = slow.start("FETCH 1:* BODY.PEEK[]")
    time.sleep(2)
    if "debug" not in empty.build:  # AddressSanitizer's memory would count
        # one message may be mapped whole, and no more
        assert mine and all(rss_kib(p) < 12 * 1024 for p in mine)
    lines = slow.finish(tag)
    assert len(lines) == 11
    assert all((body * 27000).encode() in line for line in lines[:-1])
    slow.close()
    c.close()


def test_sections_of_a_nested_message(empty):
    inner = ("From: <in@example.org>\r\nSubject: inner\r\nContent-Type: multipart/alternative; "
             "boundary=i\r\n\r\n--i\r\n\r\nplain\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>\r\n"
             "--i--\r\n")
    outer = ("From: <out@example.org>\r\nSubject: outer\r\nContent-Type: multipart/mixed; "
             "boundary=o\r\n\r\npreamble\r\n--o\r\n\r\nfirst\r\n--o\r\n"
             f"Content-Type: message/rfc822\r\n\r\n{inner}\r\n--o--\r\n")
    c = Client(empty)
    c.append("INBOX", outer.encode())
    c.ok("SELECT INBOX")
    for section, expected in {
            "1": b"first", "2": inner.encode(), "2.HEADER": inner.split("\r\n\r\n")[0].encode()
            + b"\r\n\r\n", "2.TEXT": inner.split("\r\n\r\n", 1)[1].encode(), "2.1": b"plain",
            "2.2": b"<p>", "2.2.MIME": b"Content-Type: text/html\r\n\r\n", "2.1.MIME": b"\r\n",
            "2.HEADER.FIELDS (Subject)": b"Subject: inner\r\n\r\n",
            "HEADER.FIELDS (Subject)": b"Subject: outer\r\n\r\n",
            "TEXT": outer.split("\r\n\r\n", 1)[1].encode(), "": outer.encode()}.items():
        line = c.ok(f"FETCH 1 BODY.PEEK[{section}]")[0]
        want = b"* 1 FETCH (BODY[%s] {%d}\r\n%s)" % (section.encode(), len(expected), expected)
        assert line == want
    assert c.ok("FETCH 1 BODY.PEEK[]<10.20>")[0].endswith(
        b"BODY[]<10> {20}\r\n" + outer[10:30].encode() + b")")
    assert c.ok("FETCH 1 BODY.PEEK[3]")[0].endswith(b"BODY[3] NIL)")
    assert b'"RFC822"' in c.ok("FETCH 1 BODYSTRUCTURE")[0].upper()
    c.close()


def test_search_finds_encoded_text(empty):
    c = Client(empty)
    c.append("INBOX", b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
             b"Content-Type: text/plain; charset=iso-8859-1\r\n"
             b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe aus M=FCnchen\r\n")
    c.append("INBOX", message("plain"))
    c.ok("SELECT INBOX")
    octets = "grüß".encode()
    for key in ("SUBJECT", "BODY", "TEXT"):
        c.send(b"s%s SEARCH CHARSET UTF-8 %s {%d+}\r\n%s\r\n" % (
            key.encode(), key.encode(), len(octets), octets))
        assert c.finish(b"s" + key.encode())[0] == b"* SEARCH 1"
    assert c.ok("SEARCH BODY m=FCnchen")[0] == b"* SEARCH"
    # a charset whose table is a file: the jail has none, it was loaded before
    c.append("INBOX", b"Subject: =?iso-2022-jp?b?GyRCRnxLXBsoQg==?=\r\n\r\nx\r\n")
    c.ok("NOOP")
    c.send(b"jp SEARCH CHARSET UTF-8 SUBJECT {6+}\r\n" + "日本".encode() + b"\r\n")
    assert c.finish(b"jp")[0] == b"* SEARCH 3"
    assert c.command("SEARCH CHARSET X-NONE TEXT x")[-1].split()[2] == b"[BADCHARSET"
    c.close()


def test_login_half_hands_over_pipelined_commands(empty):
    c = Client(empty, login=False)
    user, password = empty.account(0)
    c.send(f'a LOGIN {user} "{password}"\r\nb SELECT INBOX\r\nc LOGOUT\r\n'.encode())
    assert c.finish(b"a")[-1].split()[1] == b"OK"
    assert b"b OK [READ-WRITE]" in c.finish(b"b")[-1]
    assert c.finish(b"c")[-1].startswith(b"c OK")
    assert c.line() == b""
    c.close()


def test_imaplib(empty):
    user, password = empty.account(0)
    with imaplib.IMAP4(empty.info["host"], empty.port("imap")) as c:
        c.login(user, password)
        assert c.append("INBOX", "(\\Seen)", imaplib.Time2Internaldate(0), message("lib"))[0] == "OK"
        assert c.select("INBOX") == ("OK", [b"1"])
        assert c.search(None, "SEEN")[1] == [b"1"]
        kind, data = c.fetch("1", "(INTERNALDATE BODY[TEXT])")
        assert data[0][1] == b"Hello.\r\n"
        assert imaplib.Internaldate2tuple(data[0][0]) is not None
        assert c.copy("1", "nowhere")[0] == "NO"
        assert c.store("1", "+FLAGS", "(\\Deleted)")[0] == "OK"
        assert c.expunge()[1] == [b"1"]
        assert c.namespace()[1][0].startswith(b'(("" "/"))')


class Watcher(Client):
    """A client that keeps what it was told: the UID behind each number, None if not yet known."""

    def __init__(self, suite):
        super().__init__(suite)
        self.uids = []
        self.ok("SELECT INBOX")

    def finish(self, tag):
        lines = super().finish(tag)
        for line in lines:
            self.take(line)
        return lines

    def take(self, line):
        if (m := re.match(rb"\* (\d+) EXISTS", line)) is not None:
            assert int(m[1]) >= len(self.uids), (line, len(self.uids))
            self.uids += [None] * (int(m[1]) - len(self.uids))
        elif (m := re.match(rb"\* (\d+) EXPUNGE", line)) is not None:
            assert 1 <= int(m[1]) <= len(self.uids), (line, len(self.uids))
            del self.uids[int(m[1]) - 1]
        elif (m := re.match(rb"\* (\d+) FETCH \(.*?UID (\d+)", line)) is not None:
            n, uid = int(m[1]) - 1, int(m[2])
            assert self.uids[n] in (None, uid), (line, self.uids[n])
            self.uids[n] = uid
            known = [u for u in self.uids if u is not None]
            assert known == sorted(set(known)), known


RANDOM_COMMANDS = [
    lambda rng, n: "NOOP",
    lambda rng, n: f"FETCH {rng.randint(1, n)}:* (UID FLAGS)" if n else "NOOP",
    lambda rng, n: "UID FETCH 1:* (FLAGS RFC822.SIZE)",
    lambda rng, n: f"FETCH {rng.randint(1, n)} (UID BODY[])" if n else "CHECK",
    lambda rng, n: f"STORE {rng.randint(1, n)} +FLAGS (\\Deleted)" if n else "NOOP",
    lambda rng, n: f"STORE 1:* -FLAGS.SILENT (\\Flagged $K{rng.randint(0, 9)})" if n else "NOOP",
    lambda rng, n: f"STORE {rng.randint(1, n)} FLAGS (\\Flagged $K{rng.randint(0, 9)})" if n else "NOOP",
    lambda rng, n: "EXPUNGE",
    lambda rng, n: "SEARCH DELETED",
    lambda rng, n: f"COPY {rng.randint(1, n)} INBOX" if n else "NOOP",
    lambda rng, n: f"UID STORE 1:{rng.randint(1, 400)} -FLAGS (\\Deleted)",
    lambda rng, n: "UID SEARCH OR FLAGGED SUBJECT m1",
]


def test_random_sessions_agree(empty):
    """Six sessions do anything in one folder; numbers and UIDs stay in step in each."""
    seed = int(os.environ.get("RELAIS_SEED", random.randrange(2 ** 32)))
    print("RELAIS_SEED =", seed)
    failures, end = [], time.monotonic() + 8
    hold = (b"FETCH", b"STORE", b"SEARCH")

    def work(n):
        rng = random.Random(seed + n)
        try:
            c = Watcher(empty)
            while time.monotonic() < end and not failures:
                if len(c.uids) < 10 or rng.random() < 0.15:
                    c.append("INBOX", message(f"m{rng.randint(0, 99)}"))
                    continue
                text = rng.choice(RANDOM_COMMANDS)(rng, len(c.uids))
                lines = c.command(text)
                # a number may be gone for others: that is NO for COPY, OK or NO for the rest
                assert lines[-1].split()[1] in (b"OK", b"NO"), (text, lines[-1])
                if text.encode().split()[0] in hold:
                    assert not any(line.endswith(b" EXPUNGE") for line in lines), (text, lines)
            c.ok("NOOP")
            c.ok("FETCH 1:* UID")
            c.close()
        except BaseException as e:
            failures.append(f"session {n}: {e!r}")
    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, (seed, failures)
    a, b = Watcher(empty), Watcher(empty)
    a.ok("FETCH 1:* (UID FLAGS)")
    b.ok("FETCH 1:* (UID FLAGS)")
    assert a.uids == b.uids and None not in a.uids
    a.close()
    b.close()
