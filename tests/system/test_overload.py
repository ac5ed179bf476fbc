# SPDX-License-Identifier: ISC
"""Too much of everything: thousands of idle connections, clients that never read or never end,
floods of commands, recipients and wrong passwords. Mail goes on, memory stays bounded.
"""
import contextlib
import imaplib
import os
import resource
import smtplib
import socket
import threading
import time

import pytest
from conftest import needs_root, running, wait_for
from load import Senders, survey

pytestmark = pytest.mark.alone

RELEASE = os.environ.get("RELAIS_RELEASE") or None
IDLE_SMTP, IDLE_IMAP = (2000, 500)
RSS_MAX = 200 << 20  # of one smtpd or of qmgr; usual is below 40 MiB


@pytest.fixture(scope="module")
def suite():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with running(users=3, build=RELEASE, options=["qmgr.minimal_backoff=1s", "qmgr.maximal_backoff=2s"]) as s:
        yield s
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def rss(suite, service):
    """The largest resident memory of its processes, octets."""
    largest = 0
    for pid in suite.pids(service):
        with open(f"/proc/{pid}/statm") as f:
            largest = max(largest, int(f.read().split()[1]) * 4096)
    return largest


def memory_is_bounded(suite):
    for service in ("smtpd", "qmgr", "imap-login", "directory"):
        assert rss(suite, service) < RSS_MAX, service


def connect(suite, door="smtp", timeout=30):
    return socket.create_connection(("127.0.0.1", suite.port(door)), timeout=timeout)


def mail_flows(suite, n=10, seconds=60):
    """n messages go in and arrive while whatever else goes on."""
    recipients = [a["address"] for a in suite.info["accounts"]]
    with Senders(suite.port("smtp"), recipients, n=2, lines=(1, 60)) as senders:
        wait_for(lambda: len(senders.confirmed()) >= n, seconds)
    confirmed = senders.confirmed()
    wait_for(lambda: not confirmed.keys() - survey(suite.info["mail_root"], recipients)[0].keys(),
             seconds, 0.2)


def idle_imap(suite):
    s = connect(suite, "imap", timeout=60)
    address, password = suite.account(1)
    s.sendall(f"a LOGIN {address} {password}\r\nb SELECT INBOX\r\nc IDLE\r\n".encode())
    return s


def read_until(s, end, most=1 << 16):
    got = b""
    while end not in got and len(got) < most:
        piece = s.recv(65536)
        if not piece:
            break
        got += piece
    return got


@needs_root
def test_thousands_idle(suite):
    socks = []
    try:
        for _ in range(IDLE_SMTP):
            socks.append(connect(suite))
        for s in socks:
            assert read_until(s, b"\n").startswith(b"220")
        idlers = []
        while len(idlers) < IDLE_IMAP:  # auth_client_limit: so many logins of a client at once
            group = [idle_imap(suite) for _ in range(50)]
            socks += group
            idlers += group
            for s in group:
                said = read_until(s, b"\r\n+ ")
                assert b"\r\n+ " in said, said[-300:]
        mail_flows(suite)
        memory_is_bounded(suite)
        # those who wait hear of the new mail
        assert b"EXISTS" in read_until(idlers[0], b"EXISTS")
        print({name: rss(suite, name) >> 20 for name in ("smtpd", "qmgr", "imap-login")})
        for s in idlers:
            s.sendall(b"DONE\r\n")
    finally:
        for s in socks:
            s.close()
    mail_flows(suite)


@needs_root
def test_connection_limits_are_421(fresh_suite):
    suite = fresh_suite(users=1, build=RELEASE,
                        options=["workers=1", "smtpd.client_connection_limit=10",
                                 "imapd.connection_limit=10"])
    first = [connect(suite) for _ in range(10)]
    for s in first:
        assert read_until(s, b"\n").startswith(b"220")
    late = connect(suite)
    assert read_until(late, b"\n").startswith(b"421")
    for s in [*first, late]:
        s.close()

    def welcome():
        with connect(suite) as s:
            return read_until(s, b"\n").startswith(b"220")
    wait_for(welcome, 20)


def drip(s, octets, every):
    for o in octets:
        s.sendall(bytes([o]))
        time.sleep(every)


@needs_root
def test_slow_and_deaf_clients(suite):
    """One octet at a time; never reading; never ending a line: others notice nothing."""
    slow, deaf, endless = connect(suite), connect(suite), connect(suite)
    for s in (slow, deaf, endless):
        read_until(s, b"\n")
    dripping = threading.Thread(target=drip, args=(slow, b"EHLO slow.example\r\nNOOP\r\n", 0.1),
                                daemon=True)
    dripping.start()
    deaf.settimeout(3)
    sent = 0
    try:
        while sent < 64 << 20:
            sent += deaf.send(b"HELP\r\n" * 10000)
    except OSError:  # it stops reading us, or has had enough
        pass
    assert sent < 64 << 20, "a client that does not read is not read from"
    endless.settimeout(5)
    try:
        for _ in range(1000):
            endless.sendall(b"x" * 65536)
    except OSError:
        pass
    mail_flows(suite)
    memory_is_bounded(suite)
    dripping.join(60)
    assert b"250" in read_until(slow, b"250 2")
    for s in (slow, deaf, endless):
        s.close()


@needs_root
def test_a_message_that_never_ends(fresh_suite):
    """Each octet comes in time, and the message would take for ever."""
    suite = fresh_suite(users=1, options=["smtpd.transaction_timeout=3s"])
    s = connect(suite)
    read_until(s, b"\n")
    s.sendall(b"HELO slow.example\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\n"
              % suite.account(0)[0].encode())
    read_until(s, b"354")

    def dripping():
        with contextlib.suppress(OSError):
            drip(s, b"x" * 600, 0.1)
    threading.Thread(target=dripping, daemon=True).start()
    began = time.monotonic()
    assert b"421 4.4.2" in read_until(s, b"421 4.4.2")
    assert time.monotonic() - began < 30
    s.close()


@needs_root
def test_endless_bdat(suite):
    """BDAT beyond any size: refused, and not kept."""
    with connect(suite) as s:
        read_until(s, b"\n")
        s.sendall(b"EHLO x.example\r\n")
        read_until(s, b"250 ")
        s.sendall(f"MAIL FROM:<a@example.org>\r\nRCPT TO:<{suite.account(0)[0]}>\r\n".encode())
        s.sendall(b"BDAT 18446744073709551615 LAST\r\n")
        s.settimeout(5)
        sent = 0
        try:
            while sent < 256 << 20:
                sent += s.send(b"y" * (1 << 18))
        except OSError:
            pass
        memory_is_bounded(suite)
    mail_flows(suite)


@needs_root
def test_ten_thousand_recipients(suite):
    to = suite.account(0)[0].encode()
    with connect(suite, timeout=60) as s:
        f = s.makefile("rwb")
        f.readline()
        f.write(b"HELO x.example\r\nMAIL FROM:<a@example.org>\r\n")
        f.flush()
        assert f.readline().startswith(b"250") and f.readline().startswith(b"250")
        codes, sent = {}, 0
        try:
            for _ in range(100):
                f.write((b"RCPT TO:<" + to + b">\r\n") * 100)
                f.flush()
                for _ in range(100):
                    code = f.readline()[:3]
                    codes[code] = codes.get(code, 0) + 1
                    if code in (b"421", b""):
                        raise OSError("closed")
        except OSError:
            pass
    assert codes[b"250"] == 1000 and codes.get(b"452", 0) >= 1, codes
    memory_is_bounded(suite)
    mail_flows(suite)


@needs_root
def test_a_flood_of_commands(suite):
    """100,000 commands in one go: answered in order, or the connection is ended by us."""
    with connect(suite, timeout=60) as s:
        read_until(s, b"\n")  # who talks before the greeting is refused

        def flood():
            try:
                s.sendall(b"EHLO x.example\r\n" + b"MAIL FROM:<a@example.org>\r\nRSET\r\n" * 50000)
                s.sendall(b"QUIT\r\n")
            except OSError:
                pass
        writer = threading.Thread(target=flood, daemon=True)
        writer.start()
        f, codes = s.makefile("rb"), {}
        try:
            for line in f:
                codes[line[:3]] = codes.get(line[:3], 0) + 1
        except OSError:
            pass
        writer.join(60)
    assert set(codes) <= {b"250", b"221", b"421"}, codes
    assert codes.get(b"221") or codes.get(b"421")
    print(codes)
    memory_is_bounded(suite)
    mail_flows(suite)


@needs_root
def test_wrong_passwords_stop_nobody(suite):
    over = threading.Event()

    def guess(n):
        while not over.is_set():
            try:
                client = imaplib.IMAP4("127.0.0.1", suite.port("imap"), timeout=60)
                client.login(suite.account(2)[0], f"wrong{n}-{time.monotonic()}")
            except (imaplib.IMAP4.error, OSError):
                pass
    guessers = [threading.Thread(target=guess, args=(n,), daemon=True) for n in range(100)]
    for g in guessers:
        g.start()
    try:
        time.sleep(2)

        def right():
            try:
                client = imaplib.IMAP4("127.0.0.1", suite.port("imap"), timeout=30)
                client.login(*suite.account(0))
                client.logout()
                return True
            except (imaplib.IMAP4.error, OSError):
                return False
        for _ in range(3):
            wait_for(right, 60)
        worst = 0
        with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30) as smtp:
            smtp.ehlo()
            for _ in range(30):
                smtp.mail("a@example.org")
                begun = time.monotonic()
                assert smtp.rcpt(suite.account(0)[0])[0] == 250
                worst = max(worst, time.monotonic() - begun)
                smtp.rset()
        assert worst < 5, f"RCPT took {worst:.1f} s"
        mail_flows(suite)
    finally:
        over.set()
        for g in guessers:
            g.join(70)
    memory_is_bounded(suite)
