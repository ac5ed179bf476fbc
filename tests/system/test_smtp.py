# SPDX-License-Identifier: ISC
"""The public door as the network sees it: dialogues, smuggling, relaying, limits, failing peers, draining."""
import contextlib
import glob
import os
import signal
import socket
import time

import pytest
from conftest import wait_for

SENDER = "stranger@client.example"


class Dialogue:
    """A raw SMTP connection: says octets, reads whole replies."""

    def __init__(self, suite, greet=True, host="127.0.0.1", port=None):
        self.socket = socket.create_connection((host, port or suite.port("smtp")), timeout=20)
        self.file = self.socket.makefile("rb")
        if greet:
            assert self.reply().startswith("220 ")

    def say(self, octets):
        self.socket.sendall(octets if isinstance(octets, bytes) else octets.encode())

    def reply(self):
        """The last line of the next reply; "" at the connection's end."""
        while True:
            line = self.file.readline().decode()
            if not line:
                return ""
            assert line.endswith("\r\n") and len(line) <= 512
            if line[3] == " ":
                return line.rstrip("\r\n")

    def ask(self, text):
        self.say(text + "\r\n")
        return self.reply()

    def codes(self, n):
        return [self.reply()[:3] for _ in range(n)]

    def closed(self):
        return self.reply() == ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()


def start(address):
    return f"EHLO client.example\r\nMAIL FROM:<{SENDER}>\r\nRCPT TO:<{address}>\r\n"


def arrivals(suite, i=0):
    files = glob.glob(os.path.join(suite.mailbox(i), "new", "*")) + \
        glob.glob(os.path.join(suite.mailbox(i), "cur", "*"))
    return {open(f, "rb").read() for f in files}


def arrived(suite, marker, i=0):
    return wait_for(lambda: [m for m in arrivals(suite, i) if marker in m])[0]


def test_pipelined_group(suite):
    address, _ = suite.account(0)
    with Dialogue(suite) as d:
        d.say(start(address) + "DATA\r\n")
        assert d.codes(4) == ["250", "250", "250", "354"]
        d.say("Subject: pipelined 1\r\n\r\n..dot\r\n.\r\nQUIT\r\n")
        assert d.codes(2) == ["250", "221"]
        assert d.closed()
    message = arrived(suite, b"pipelined 1")
    assert message.endswith(b"\r\n\r\n.dot\r\n")
    assert message.startswith(f"Return-Path: <{SENDER}>\r\n".encode())
    assert b"\r\n\tby mx.example.test with ESMTP id " in message


def test_chunks(suite):
    address, _ = suite.account(0)
    with Dialogue(suite) as d:
        d.say(start(address) + "BDAT 20\r\nSubject: chunks 1\r\n\r" + "BDAT 4 LAST\r\n\n.\r\n" + "NOOP\r\n")
        assert d.codes(6) == ["250"] * 6
    assert arrived(suite, b"chunks 1").endswith(b"Subject: chunks 1\r\n\r\n.\r\n")


def test_octet_by_octet(suite):
    address, _ = suite.account(0)
    with Dialogue(suite) as d:
        d.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in (start(address) + "DATA\r\n").encode():
            d.say(bytes([octet]))
        assert d.codes(4) == ["250", "250", "250", "354"]
        for octet in b"Subject: octets 1\r\n\r\n..\r\n.\r\n":
            d.say(bytes([octet]))
        assert d.reply().startswith("250 2.0.0 ")
    assert arrived(suite, b"octets 1").endswith(b"\r\n\r\n.\r\n")


def test_null_reverse_path_and_postmaster(suite):
    address, _ = suite.account(0)
    with Dialogue(suite) as d:
        d.say(f"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<{address}>\r\nDATA\r\nSubject: null 1\r\n\r\n.\r\n")
        assert d.codes(5) == ["250", "250", "250", "354", "250"]
    assert arrived(suite, b"null 1").startswith(b"Return-Path: <>\r\n")


ENDS = {"LF.LF": "\n.\n", "LF.CRLF": "\n.\r\n", "CRLF.LF": "\r\n.\n", "CR.CR": "\r.\r", "CR.CRLF": "\r.\r\n",
        "CRLF.CR": "\r\n.\r", "CRLF.CRCRLF": "\r\n.\r\r\n", "LFCR.CRLF": "\n\r.\r\n", "CRCRLF.CRLF": "\r\r\n.\r\n",
        "NUL": "\r\n.\0\r\n"}


@pytest.mark.parametrize("end", ENDS)
def test_smuggling(suite, end):
    """What another server may take for the end of data is refused, and commands behind it are never obeyed."""
    address, _ = suite.account(0)
    smuggled = f"MAIL FROM:<admin@example.test>\r\nRCPT TO:<{address}>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n"
    with Dialogue(suite) as d:
        d.say(start(address) + "DATA\r\n")
        assert d.codes(4) == ["250", "250", "250", "354"]
        d.say("Subject: carrier\r\n\r\nx" + ENDS[end] + smuggled + "\r\n.\r\nNOOP\r\n")
        assert d.reply().startswith("550 5.6.0 ") and d.closed()
    time.sleep(0.3)
    assert not [m for m in arrivals(suite) if b"smuggled" in m or b"carrier" in m]


def test_bare_lf_in_commands(suite):
    with Dialogue(suite) as d:
        d.say("EHLO c\nMAIL FROM:<>\n")
        assert d.reply().startswith("500 5.5.2 ")
        assert d.closed()


def test_no_relay(suite):
    address, _ = suite.account(0)
    local, domain = address.split("@")
    strangers = ["x@elsewhere.example", f"@{domain}:x@elsewhere.example", f"x%elsewhere.example@{domain}",
                 f"elsewhere.example!x@{domain}", f'"x@elsewhere.example"@{domain}', "x@[127.0.0.1]",
                 "x@[IPv6:::1]", f"x@{domain}.elsewhere.example", f"{local}@{domain}.", "x@localhost",
                 f"x@elsewhere.example@{domain}", f'"{local}@{domain}"@elsewhere.example']
    with Dialogue(suite) as d:
        d.say(f"EHLO c\r\nMAIL FROM:<{address}>\r\n")
        d.codes(2)
        for s in strangers:
            assert d.ask(f"RCPT TO:<{s}>")[0] == "5", s
        assert d.ask("DATA").startswith("554 5.5.1")


def test_same_address_in_other_notations(suite):
    address, _ = suite.account(0)
    local, domain = address.split("@")
    with Dialogue(suite) as d:
        d.say(f"EHLO c\r\nMAIL FROM:<{SENDER}>\r\n")
        d.codes(2)
        for a in (f'"{local}"@{domain}', f"@relay.example:{address}", f"{local.upper()}@{domain.upper()}"):
            assert d.ask(f"RCPT TO:<{a}>").startswith("250 "), a


def test_size(suite):
    address, _ = suite.account(0)
    with Dialogue(suite) as d:
        assert d.ask("EHLO c").startswith("250")
        assert d.ask(f"MAIL FROM:<{SENDER}> SIZE=99999999999").startswith("552 5.3.4")


def test_errors_end_the_connection(suite):
    with Dialogue(suite) as d:
        d.say("NONSENSE\r\n" * 30)
        replies = [d.reply() for _ in range(30)]
        last = [r for r in replies if r][-1]
        assert last.startswith("421 4.7.0") and replies[-1] == ""


def test_browser(suite):
    with Dialogue(suite) as d:
        d.say("POST / HTTP/1.1\r\nHost: x\r\n\r\n" + start("x"))
        assert d.reply().startswith("500 ") and d.closed()


def test_many_idle_connections(suite):
    """All are still served after all have come, and by every process."""
    all_of_them = [Dialogue(suite) for _ in range(300)]
    for d in all_of_them:
        d.say("NOOP\r\n")
    for d in all_of_them:
        assert d.reply().startswith("250 ")
    for d in all_of_them:
        d.socket.close()


def test_large_message(suite):
    address, _ = suite.account(1)
    line = b"0123456789" * 7 + b"\r\n"
    with Dialogue(suite) as d:
        d.say(start(address) + "DATA\r\n")
        assert d.codes(4) == ["250", "250", "250", "354"]
        d.say(b"Subject: large 1\r\n\r\n" + line * 100000 + b".\r\n")
        assert d.reply().startswith("250 2.0.0")
    message = arrived(suite, b"large 1", 1)
    assert message.endswith(b"Subject: large 1\r\n\r\n" + line * 100000)


def test_large_envelope(suite):
    """More parameters than fit in one message to qmgr."""
    address, _ = suite.account(2)
    orcpt = "rfc822;" + "x" * 400 + "@client.example"
    with Dialogue(suite) as d:
        d.say(f"EHLO c\r\nMAIL FROM:<{SENDER}> ENVID=large+2B1 RET=HDRS\r\n" +
              f"RCPT TO:<{address}> NOTIFY=NEVER ORCPT={orcpt}\r\n" * 300 +
              "DATA\r\n")
        assert d.codes(303) == ["250"] * 302 + ["354"]
        d.say("Subject: envelope 1\r\n\r\n.\r\n")
        assert d.reply().startswith("250 2.0.0")
    arrived(suite, b"envelope 1", 2)


def test_ipv6(fresh_suite):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            port = probe.getsockname()[1]
    except OSError:
        pytest.skip("no IPv6 here")
    s = fresh_suite(options=[f"smtpd.listen=[::1]:{port}"])
    address, _ = s.account(0)
    with Dialogue(s, host="::1", port=port) as d:
        d.say(start(address) + "DATA\r\n")
        assert d.codes(4) == ["250", "250", "250", "354"]
        assert d.ask("Subject: six 1\r\n\r\n.").startswith("250 ")
    assert b"Received: from client.example (localhost [IPv6:::1])\r\n" in arrived(s, b"six 1")
    wait_for(lambda: "connect from localhost[::1]" in s.log())


def test_greet_delay_and_limits(fresh_suite):
    s = fresh_suite(options=["smtpd.greet_delay=500ms", "smtpd.client_connection_limit=3", "workers=1",
                             "smtpd.command_timeout=2s", "smtpd.recipient_limit=100"])
    with Dialogue(s, greet=False) as d:
        d.say("EHLO early\r\n")
        assert d.reply().startswith("554 5.5.1") and d.closed()
    began = time.monotonic()
    with Dialogue(s) as d:
        assert time.monotonic() - began > 0.4
        others = [Dialogue(s, greet=False) for _ in range(2)]
        with Dialogue(s, greet=False) as one_too_many:
            assert one_too_many.reply().startswith("421 4.7.0")
        for o in others:
            o.socket.close()
        assert d.reply().startswith("421 4.4.2") and d.closed()
        assert time.monotonic() - began < 10


def test_recipients_over_the_limit(fresh_suite):
    s = fresh_suite(options=["smtpd.recipient_limit=100"])
    address, _ = s.account(0)
    with Dialogue(s) as d:
        d.say(f"EHLO c\r\nMAIL FROM:<{SENDER}>\r\n" + f"RCPT TO:<{address}>\r\n" * 102 + "RSET\r\n")
        codes = d.codes(105)
        assert codes == ["250"] * 102 + ["452"] * 2 + ["250"]


@pytest.mark.parametrize("service,wanted", [("directory", "RCPT"), ("qmgr", "DATA")])
def test_a_peer_that_hangs(fresh_suite, service, wanted):
    """A stopped directory or qmgr: no 250 meanwhile, no lost session afterwards."""
    s = fresh_suite()
    address, _ = s.account(0)
    pids = s.pids(service)
    with Dialogue(s) as d:
        d.say(f"EHLO c\r\nMAIL FROM:<{SENDER}>\r\n")
        d.codes(2)
        if wanted == "DATA":
            assert d.ask(f"RCPT TO:<{address}>").startswith("250 ")
            assert d.ask("DATA").startswith("354 ")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        d.say(f"RCPT TO:<{address}>\r\n" if wanted == "RCPT" else "Subject: waited 1\r\n\r\n.\r\n")
        d.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            d.socket.recv(1, socket.MSG_PEEK)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        d.socket.settimeout(20)
        assert d.reply().startswith("250 ")


@pytest.mark.parametrize("service", ["directory", "qmgr"])
def test_a_peer_that_dies(fresh_suite, service):
    """Killed in the middle: a temporary failure or success, never silence; the next try works."""
    s = fresh_suite()
    address, _ = s.account(0)
    with Dialogue(s) as d:
        assert d.ask("EHLO c").startswith("250")
        for i in range(3):
            with contextlib.suppress(ProcessLookupError):  # still the one killed before
                os.kill(wait_for(lambda: s.pids(service))[0], signal.SIGKILL)
            d.say(f"RSET\r\nMAIL FROM:<{SENDER}>\r\nRCPT TO:<{address}>\r\n")
            codes = d.codes(3)
            assert codes[:2] == ["250", "250"] and codes[2] in ("250", "451")

        def works():
            d.say("RSET\r\n")
            if d.reply()[0] != "2":
                return False
            if d.ask(f"MAIL FROM:<{SENDER}>")[0] != "2" or d.ask(f"RCPT TO:<{address}>")[0] != "2":
                return False
            return d.ask("DATA")[0] == "3" and d.ask("Subject: after\r\n\r\n.")[0] == "2"
        wait_for(works)
    arrived(s, b"Subject: after")


def test_stop_lets_transactions_finish(fresh_suite):
    s = fresh_suite()
    address, _ = s.account(0)
    with Dialogue(s) as busy, Dialogue(s) as idle:
        assert idle.ask("EHLO idle").startswith("250")
        busy.say(start(address) + "DATA\r\n")
        assert busy.codes(4) == ["250", "250", "250", "354"]
        os.kill(s.info["master_pid"], signal.SIGTERM)
        assert idle.reply().startswith("421 4.3.2") and idle.closed()
        busy.say("Subject: last one\r\n\r\n.\r\n")
        assert busy.reply().startswith("250 2.0.0")
        assert busy.reply().startswith("421 4.3.2") and busy.closed()
        wait_for(lambda: not s.master_alive())
    s.start_master()
    arrived(s, b"last one")
