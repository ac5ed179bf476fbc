# SPDX-License-Identifier: ISC
"""The way in: the login halves and the session spawners, over the real suite."""
import base64
import imaplib
import os
import poplib
import re
import signal
import socket
import time

import pytest
from conftest import needs_root, wait_for

# What fail2ban 1.0's filter.d/dovecot.conf looks for, behind the program's name and pid.
FAIL2BAN = re.compile(
    r"(?:Aborted login|Disconnected|Remote closed connection|Client has quit the connection)"
    r"(?::(?: [^ \(]+)+)? \((?:auth failed, \d+ attempts(?: in \d+ secs)?|tried to use (?:disabled|disallowed) "
    r"\S+ auth)\):(?: user=<[^>]*>,)?(?: method=\S+,)? rip=(?P<host>[0-9a-f.:]+)(?:[^>]*(?:, session=<\S+>)?)\s*$")


class Wire:
    def __init__(self, suite, port):
        self.sock = socket.create_connection((suite.info["host"], suite.port(port)), timeout=30)
        self.file = self.sock.makefile("rb")
        self.greeting = self.file.readline()

    def send(self, text):
        self.sock.sendall(text.encode())

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def close(self):
        self.file.close()
        self.sock.close()

    def ask(self, text):
        self.send(text + "\r\n")
        return self.line()


def imap(suite, i=0):
    client = imaplib.IMAP4(suite.info["host"], suite.port("imap"))
    try:
        client.login(*suite.account(i))
    except imaplib.IMAP4.error:
        client.shutdown()  # else it counts as one that waits
        raise
    return client


def test_pipelined_into_the_session(suite):
    """What is sent with LOGIN is answered by the session half, in order, nothing twice."""
    user, password = suite.account()
    w = Wire(suite, "imap")
    w.send(f'a NOOP\r\nb LOGIN "{user}" {{{len(password)}+}}\r\n{password}\r\nc SELECT INBOX\r\nd LOGOUT\r\n')
    lines = w.file.read().decode().split("\r\n")
    tagged = [line for line in lines if re.match(r"[abcd] ", line)]
    assert [t[:4] for t in tagged] == ["a OK", "b OK", "c OK", "d OK"]
    assert "[CAPABILITY IMAP4rev1" in tagged[1]


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("port", ["imap", "pop3"])
def test_sasl_plain(suite, port, initial):
    user, password = suite.account()
    response = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    w = Wire(suite, port)
    command = "a AUTHENTICATE PLAIN" if port == "imap" else "AUTH PLAIN"
    if initial:
        answer = w.ask(f"{command} {response}")
    else:
        assert w.ask(command).strip() == "+"
        answer = w.ask(response)
    assert answer.startswith("a OK" if port == "imap" else "+OK"), answer


def test_wrong_passwords_are_slow_and_few(suite):
    user, _ = suite.account()
    start, w = time.monotonic(), Wire(suite, "imap")
    for n in range(3):
        assert w.ask(f"a{n} LOGIN {user} wrong{n}").startswith(f"a{n} NO [AUTHENTICATIONFAILED]")
    assert w.line().startswith("* BYE")
    assert w.file.read() == b""
    assert time.monotonic() - start > 2 + 4

    def line():
        found = [s for s in suite.log().splitlines() if "auth failed, 3 attempts" in s]
        return found and found[-1]
    text = wait_for(line)
    assert re.search(r" relais/imap-login\[\d+\]: Disconnected: ", text)
    match = FAIL2BAN.search(text.split("]: ", 1)[1])
    assert match is not None and match["host"] == "127.0.0.1", text
    assert f"user=<{user}>" in text


def test_unknown_and_wrong_look_the_same(suite):
    user, _ = suite.account()
    answers, times = [], []
    for name in (user, "nobody-" + user, "no such@thing"):
        w, start = Wire(suite, "pop3"), time.monotonic()
        w.ask(f"USER {name}")
        answers.append(w.ask("PASS wrong"))
        times.append(time.monotonic() - start)
    assert len(set(answers)) == 1 and answers[0].startswith("-ERR [AUTH]")
    assert min(times) > 1.9


def test_a_name_forges_no_log_line(suite):
    w = Wire(suite, "imap")
    name = "x>, rip=192.0.2.66, session=<\r\n2026 forged"
    w.ask(f"a LOGIN {{{len(name)}+}}\r\n{name} wrong")
    w.close()
    text = wait_for(lambda: [s for s in suite.log().splitlines() if "192.0.2.66" in s])[-1]
    assert "user=<x?, rip=192.0.2.66, session=???2026 forged" in text, text
    assert FAIL2BAN.search(text.split("]: ", 1)[1])["host"] == "127.0.0.1"


def test_login_lines(suite):
    user = suite.account()[0]
    lines = lambda: [s for s in suite.log().splitlines() if f"Login: user=<{user}>" in s and "imap-login" in s]
    before = len(lines())
    client = imap(suite)
    line = wait_for(lambda: lines()[before:])[-1]
    found = re.search(r"relais/imap-login\[\d+\]: Login: user=<(\S+)>, method=PLAIN, rip=127\.0\.0\.1, "
                      r"lip=127\.0\.0\.1, mpid=(\d+), secured, session=<(\w+)>$", line)
    assert found, line
    assert os.path.exists(f"/proc/{found[2]}")
    client.logout()
    wait_for(lambda: any(found[3] in s and "Disconnected: Logged out" in s for s in suite.log().splitlines()))


def test_sessions_die_alone(fresh_suite):
    """A session that crashes takes nobody with it, and the log says so."""
    suite = fresh_suite(users=2)
    first, second = imap(suite), imap(suite, 1)
    user = suite.account()[0]
    line = wait_for(lambda: [s for s in suite.log().splitlines() if f"Login: user=<{user}>" in s])[-1]
    os.kill(int(re.search(r"mpid=(\d+)", line)[1]), signal.SIGKILL)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        while True:
            first.noop()
    assert second.noop()[0] == "OK"
    assert imap(suite).noop()[0] == "OK"
    wait_for(lambda: re.search(r"imap-spawner\[\d+\]: error: imap\(" + user + r"\): session\[\d+\] was killed by "
                               r"signal 9", suite.log()))


def test_each_part_may_die(fresh_suite):
    s = fresh_suite(users=2)
    client = imap(s)
    for service in ("imap-spawner", "directory", "imap-login", "ledger", "pop3-spawner"):
        os.kill(s.pids(service)[0], signal.SIGKILL)

        def logged_in():
            try:
                imap(s).logout()
                p = poplib.POP3(s.info["host"], s.port("pop3"), timeout=30)
                p.user(s.account()[0])
                p.pass_(s.account()[1])
                p.quit()
                return True
            except (OSError, imaplib.IMAP4.error, poplib.error_proto):
                return False
        wait_for(logged_in, seconds=30)
        if service == "imap-spawner":  # its sessions say BYE and leave
            with pytest.raises((imaplib.IMAP4.abort, OSError)):
                client.noop()
            client = imap(s)
        else:
            assert client.noop()[0] == "OK"


def test_limits(fresh_suite):
    s = fresh_suite(users=2, options=["imapd.sessions_per_account=3", "imapd.connection_limit=8",
                                      "imapd.login_timeout=2s", "workers=1"])
    clients = [imap(s) for _ in range(3)]
    with pytest.raises(imaplib.IMAP4.error, match="LIMIT"):
        imap(s)
    other = imap(s, 1)
    clients.pop().logout()
    wait_for(lambda: imap_or_none(s))
    # connections before login
    waiting = []
    while len(waiting) < 8:  # as soon as those that left are forgotten
        w = Wire(s, "imap")
        if b"* OK" in w.greeting:
            waiting.append(w)
    assert b"* BYE" in Wire(s, "imap").greeting
    start = time.monotonic()
    for w in waiting:  # they took too long
        assert w.line().startswith("* BYE")
    assert time.monotonic() - start < 5
    assert other.noop()[0] == "OK"


def imap_or_none(s):
    try:
        return imap(s)
    except imaplib.IMAP4.error:
        return None


def test_reload_and_stop(fresh_suite):
    s = fresh_suite(users=1)
    client = imap(s)
    idle = Wire(s, "imap")
    s.relais("reload")
    assert client.noop()[0] == "OK"
    assert imap(s).noop()[0] == "OK"
    idle.sock.settimeout(30)
    assert idle.line().startswith("* BYE")  # of the old login process
    w = Wire(s, "imap")
    user, password = s.account()
    assert w.ask(f"a LOGIN {user} {password}").startswith("a OK")
    start = time.monotonic()
    s.stop()
    assert w.line().startswith("* BYE")
    assert time.monotonic() - start < 20


def proc(pid):
    """What the kernel says of a process: Uid, CapEff, Seccomp, ... """
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def descriptors(pid):
    return sorted(os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd") if int(n) > 2)


SPAWNER_CAPS = 1 << 6 | 1 << 7 | 1 << 18  # SETGID, SETUID, SYS_CHROOT


@needs_root
def test_jails(suite):
    """Each process on the way in has what the design's table gives it, and no more."""
    user = suite.account()[0]

    def logins():
        return [s for s in suite.log().splitlines() if f"Login: user=<{user}>" in s]
    before = len(logins())
    client = imap(suite)
    line = wait_for(lambda: logins()[before:])[-1]
    session = int(re.search(r"mpid=(\d+)", line)[1])
    owner = os.stat(suite.mailbox()).st_uid
    assert client.select()[0] == "OK"
    status = proc(session)
    assert os.readlink(f"/proc/{session}/root") == suite.mailbox()
    assert set(status["Uid"].split()) == {str(owner)} and owner != 0
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapBnd"], 16) & ~SPAWNER_CAPS == 0
    # the stream, the link, the log, and files of the mailbox: nothing of anybody else
    for name in descriptors(session):
        assert name.startswith(("socket:", "pipe:", suite.mailbox(), suite.folder + "/log")), descriptors(session)
    spawner = suite.pids("imap-spawner")[0]
    with open(f"/proc/{spawner}/task/{spawner}/children") as f:
        zygote = int(f.read().split()[0])
    for pid in (spawner, zygote):
        assert int(proc(pid)["CapEff"], 16) == SPAWNER_CAPS
        assert os.readlink(f"/proc/{pid}/root") == suite.info["mail_root"]
    for pid in suite.pids("imap-login") + suite.pids("pop3-login"):
        assert int(proc(pid)["CapEff"], 16) == 0 and "0" not in proc(pid)["Uid"].split()
        assert os.listdir(f"/proc/{pid}/root/") == []
    for pid in [session, spawner, zygote] + suite.pids("imap-login"):
        assert proc(pid)["Seccomp"] == "2" and proc(pid)["NoNewPrivs"] == "1"
    client.logout()


@needs_root
def test_a_session_sees_one_mailbox(suite):
    """Whatever a client names, it stays in its own mailbox."""
    client = imap(suite)
    other = os.path.basename(suite.mailbox(1))
    for name in ("../" + other, "..", "/", "/etc/passwd", "../../..", ".", "a/../../" + other, "INBOX/../" + other):
        assert client.select(f'"{name}"')[0] == "NO", name
        client.create(f'"{name}x"')
    assert not [n for n in os.listdir(os.path.dirname(suite.mailbox())) if n.endswith("x")]
    client.logout()
