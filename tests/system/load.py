# SPDX-License-Identifier: ISC
"""Load for the crash and power-cut tests: numbered messages, and what became of them."""
import contextlib
import os
import re
import socket
import threading
import time

from peers import Here, Peer

END = "this is the last line of message "


class Sender(threading.Thread):
    """Sends messages one after the other, whatever happens to the server; remembers which
    were confirmed with 250 (`confirmed`: id -> recipient)."""

    def __init__(self, number, port, recipients, lines=(1, 60, 4000)):
        super().__init__(daemon=True)
        self.number, self.port, self.recipients, self.lines = number, port, recipients, lines
        self.over, self.run_id = threading.Event(), os.urandom(4).hex()
        self.confirmed, self.tried = {}, 0

    def message(self, ident, recipient):
        n = self.lines[self.tried % len(self.lines)]
        filler = "".join(f"line {i} of {ident} {'x' * 40}\r\n" for i in range(n))
        return (f"From: <load@example.org>\r\nTo: <{recipient}>\r\nSubject: {ident}\r\n"
                f"Message-ID: <{ident}@load.example.org>\r\n\r\n{filler}{END}{ident}\r\n")

    def session(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as s:
            f = s.makefile("rwb")

            def say(line, good):
                if line is not None:
                    f.write(line.encode() + b"\r\n")
                    f.flush()
                while True:
                    reply = f.readline()
                    if not reply:
                        raise OSError("closed")
                    if reply[3:4] != b"-":
                        break
                if not reply.startswith(good):
                    raise OSError(reply.decode(errors="replace"))
            say(None, b"220")
            say("EHLO load.example.org", b"250")
            for _ in range(10):
                if self.over.is_set():
                    return
                recipient = self.recipients[self.tried % len(self.recipients)]
                ident = f"{self.run_id}-{self.number}-{self.tried}"
                text = self.message(ident, recipient)
                self.tried += 1
                say("MAIL FROM:<load@example.org>", b"250")
                say(f"RCPT TO:<{recipient}>", b"250")
                say("DATA", b"354")
                f.write(text.encode() + b".\r\n")
                f.flush()
                say(None, b"250")
                self.confirmed[ident] = recipient

    def run(self):
        while not self.over.is_set():
            try:
                self.session()
            except OSError:
                time.sleep(0.02)


class Senders:
    def __init__(self, port, recipients, n=6, **words):
        self.all = [Sender(i, port, recipients, **words) for i in range(n)]

    def __enter__(self):
        for s in self.all:
            s.start()
        return self

    def __exit__(self, *_):
        for s in self.all:
            s.over.set()
        for s in self.all:
            s.join()

    def confirmed(self):
        return {k: v for s in self.all for k, v in s.confirmed.items()}


def mailbox_files(mail_root, recipient):
    local, domain = recipient.split("@")
    for folder in ("new", "cur"):
        path = os.path.join(mail_root, domain, local, folder)
        try:
            names = os.listdir(path)
        except FileNotFoundError:
            continue
        for name in names:
            yield os.path.join(path, name)


_subject = re.compile(rb"^Subject: (\S+)\r$", re.M)
_uid = re.compile(r",U=(\d+)")
_size = re.compile(r",S=(\d+)")


def survey(mail_root, recipients):
    """What is in the mailboxes: {ident: times}, torn files, {(recipient, uid): ident}."""
    times, torn, uids = {}, [], {}
    for recipient in recipients:
        for path in mailbox_files(mail_root, recipient):
            try:
                with open(path, "rb") as f:
                    data = f.read()
            except FileNotFoundError:
                continue  # renamed meanwhile, or a torn one replaced
            found = _subject.search(data)
            ident = found.group(1).decode() if found else "?"
            size = _size.search(path)
            if not data.endswith((END + ident + "\r\n").encode()) or (
                    size and int(size.group(1)) != len(data)):
                torn.append((path, len(data)))
            times[ident] = times.get(ident, 0) + 1
            uid = _uid.search(path)
            if uid:
                key = (recipient, int(uid.group(1)))
                if key in uids and uids[key] != ident:
                    torn.append((path, f"uid {key} is also {uids[key]}"))
                uids[key] = ident
    return times, torn, uids


# ---- recipients elsewhere ----

# A message that another host has taken is sent again if a process dies, or the power goes, before
# qmgr's record of it is flushed: at most a second later, if nothing else is flushed meanwhile
# (docs/queue.md). Seconds for that and for a slow machine.
WINDOW = 1.5


class Elsewhere:
    """Another host for a relay domain of the suite: takes everything, and writes down what and when."""
    domain = "far.example"

    def __init__(self, port=0):
        self.port = port or free_port()
        self.peer = Peer(Here(), port=self.port, address="127.0.0.1", keep=self.keep)
        self.torn, self.times = [], {}

    def recipients(self, n=4):
        return [f"user{i}@{self.domain}" for i in range(n)]

    def keep(self, message):
        found = _subject.search(message.octets)
        ident = found.group(1).decode() if found else "?"
        if not message.octets.endswith((END + ident + "\r\n").encode()):
            self.torn.append((ident, len(message.octets)))
        self.times.setdefault(ident, []).append(time.monotonic())
        return ident

    def route(self, suite):
        """Tell the suite of it."""
        suite.relais("domain", "add", self.domain, "relay")
        path = os.path.join(suite.folder, "tables", "transport")
        with open(path, "w") as f:
            f.write(f"{self.domain} smtp:[127.0.0.1]:{self.port}\n")
        suite.relais("map", "transport")

    def duplicates(self, deaths):
        """How many came more than once, by who died: {who: (how many, seconds between at most)}. All
        of them must have come first in the window before one of the deaths: [(moment, who)]."""
        found = {}
        for ident, times in list(self.times.items()):
            for first, again in zip(times, times[1:]):
                after = [(m - first, who) for m, who in deaths if first - 0.5 <= m <= min(again, first + WINDOW)]
                assert after, f"{ident} came at {first:.3f} and again at {again:.3f}, and nobody had died"
                gap, who = min(after)
                n, most = found.get(who, (0, 0.0))
                found[who] = n + 1, round(max(most, gap), 3)
        return found

    def close(self):
        self.peer.stop()


def free_port():
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
