# SPDX-License-Identifier: ISC
"""Content at the edges: sizes around every limit on the way, dots, cuts at any octet, chunks."""
import imaplib
import os
import poplib
import random
import re
import socket
import time

import pytest
from conftest import wait_for

KIB = 1024
SIZES = [1, 2, 3, 100, 4 * KIB, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 127 * KIB, 128 * KIB - 1, 128 * KIB,
         128 * KIB + 1, 129 * KIB, 1024 * KIB, 5 * 1024 * KIB]


class Raw:
    """SMTP over a bare socket, so that the test says where packets are cut."""

    def __init__(self, suite):
        self.s = socket.create_connection((suite.info["host"], suite.port("smtp")), timeout=60)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.f = self.s.makefile("rb")
        self.expect(220)
        self.say("EHLO client.example", 250)

    def expect(self, code):
        lines = []
        while True:
            line = self.f.readline()
            assert line, "the connection was closed"
            lines.append(line)
            if line[3:4] != b"-":
                break
        assert int(lines[-1][:3]) == code, lines
        return lines

    def say(self, line, code):
        self.s.sendall(line.encode() + b"\r\n")
        return self.expect(code)

    def envelope(self, sender, recipient):
        self.say(f"MAIL FROM:<{sender}> BODY=8BITMIME", 250)
        self.say(f"RCPT TO:<{recipient}>", 250)

    def data(self, content, cuts=()):
        self.say("DATA", 354)
        wire = re.sub(rb"(?m)^\.", b"..", content) + b".\r\n"
        at = 0
        for cut in sorted(c for c in cuts if 0 < c < len(wire)) + [len(wire)]:
            self.s.sendall(wire[at:cut])
            at = cut
            if cuts:
                time.sleep(0.002)
        self.expect(250)

    def bdat(self, content, sizes):
        at = 0
        while at < len(content) or not sizes:
            n = min(random.choice(sizes), len(content) - at)
            last = " LAST" if at + n == len(content) else ""
            self.s.sendall(f"BDAT {n}{last}\r\n".encode() + content[at:at + n])
            self.expect(250)
            at += n

    def quit(self):
        self.say("QUIT", 221)
        self.s.close()


def text_of(size, rng):
    """A message of exactly size octets, full of dots, blanks and 8 bit octets."""
    content = bytearray(b"Subject: edge\r\n\r\n")
    if size <= len(content):
        return b"x" * max(size - 2, 0) + b"\r\n" if size >= 2 else b"\r\n"
    lines = [b".", b"..", b".\xe4", b"", b" ", b"-" * 70, "Zwölf €".encode(), b".x" * 30]
    while len(content) < size:
        content += rng.choice(lines) + b"\r\n"
        if size - len(content) > 100000:
            content += (b"." + b"y" * 75 + b"\r\n") * 1000
    content = bytes(content[:size - 2]).rstrip(b"\r\n")
    return content + b"z" * (size - 2 - len(content)) + b"\r\n"


def fetch(suite, sender):
    """What the INBOX holds of that sender, without the trace fields put in front."""
    client = imaplib.IMAP4(suite.info["host"], suite.port("imap"))
    client.login(*suite.account(0))

    def look():
        client.select("INBOX")
        return client.search(None, "HEADER", "Return-Path", sender)[1][0].split()
    n = wait_for(look, seconds=30)
    assert len(n) == 1
    content = client.fetch(n[0], "(BODY.PEEK[])")[1][0][1]
    size = int(re.search(rb"RFC822.SIZE (\d+)", client.fetch(n[0], "(RFC822.SIZE)")[1][0]).group(1))
    assert size == len(content)
    # the same, a window at a time
    pieces, at, step = [], 0, max(1000, size // 7)
    while at < size:
        pieces.append(client.fetch(n[0], f"(BODY.PEEK[]<{at}.{step}>)")[1][0][1])
        at += step
    assert b"".join(pieces) == content
    client.logout()
    received = re.search(rb"\r\nReceived: [^\n]*\r\n(?:[ \t][^\n]*\r\n)*", content)
    return content[received.end():]


@pytest.mark.parametrize("size", SIZES)
def test_sizes(suite, size):
    rng = random.Random(size)
    content = text_of(size, rng)
    raw = Raw(suite)
    raw.envelope(f"data{size}@example.org", suite.account(0)[0])
    raw.data(content)
    raw.envelope(f"bdat{size}@example.org", suite.account(0)[0])
    raw.bdat(content, [1, 7, 1000, 65536, 200000] if size < 10000 else [65535, 131072, 200000])
    raw.quit()
    assert fetch(suite, f"data{size}@example.org") == content
    assert fetch(suite, f"bdat{size}@example.org") == content


def test_cuts(suite):
    """The same message, cut at every octet around its dots and line ends."""
    content = b"Subject: cuts\r\n\r\n.\r\n..\r\n\r\n.a\r\n.\r\n"
    wire = len(content) + 20
    seed = int(os.environ.get("RELAIS_SEED", time.time()))
    print(f"RELAIS_SEED={seed}")
    rng = random.Random(seed)
    raw = Raw(suite)
    for i in range(12):
        cuts = range(1, wire) if i == 0 else rng.sample(range(1, wire), 6)
        raw.envelope(f"cut{i}@example.org", suite.account(0)[0])
        raw.data(content, cuts)
    raw.quit()
    for i in range(12):
        assert fetch(suite, f"cut{i}@example.org") == content


def test_pop3_gives_the_same(suite, monkeypatch):
    monkeypatch.setattr(poplib, "_MAXLINE", 1 << 20)
    content = text_of(70000, random.Random(1))
    raw = Raw(suite)
    raw.envelope("pop@example.org", suite.account(1)[0])
    raw.data(content)
    raw.quit()
    pop = None

    def arrived():
        nonlocal pop
        pop = poplib.POP3(suite.info["host"], suite.port("pop3"))
        pop.user(suite.account(1)[0])
        pop.pass_(suite.account(1)[1])
        if pop.stat()[0] == 1:
            return True
        pop.quit()
        return False
    wait_for(arrived)
    got = b"".join(line + b"\r\n" for line in pop.retr(1)[1])
    assert got.endswith(content)
    header, _, body = got.partition(b"\r\n\r\n")
    top = b"".join(line + b"\r\n" for line in pop.top(1, 10)[1])
    assert top == header + b"\r\n\r\n" + b"".join(line + b"\r\n" for line in body.split(b"\r\n")[:10])
    pop.dele(1)
    pop.quit()
