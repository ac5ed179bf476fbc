# SPDX-License-Identifier: ISC
"""Load on all doors while the programs of a suite are replaced, and what became of it.

with Load(host, ports, accounts) as load:   # ports by name, as quickstart's JSON; [(address, password)]
    ... relais upgrade ...
load.assert_unharmed()                      # no connection refused, nothing temporary, no session ended
load.assert_all_arrived()                   # each 250 is in its mailbox once

Needs nothing of the tests but the standard library.
"""
import collections
import imaplib
import os
import poplib
import re
import smtplib
import socket
import ssl
import threading
import time

PAUSE = 0.02


class Worker(threading.Thread):
    """Does one thing over and over; writes down what went wrong, when."""

    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load, self.number, self.rounds = load, number, 0

    def setup(self):
        """Once, before the first round: long sessions begin here."""

    def finish(self):
        """After the last round: long sessions end here, and must be able to."""

    def run(self):
        try:
            self.setup()
            while not self.load.over.is_set():
                self.round()
                self.rounds += 1
                time.sleep(PAUSE)
            self.finish()
        except Exception as e:  # whatever a library makes of it: it must not happen
            self.load.note(self, e)

    def name_of(self, account=0):
        return self.load.accounts[account]

    def message(self, recipient, size=0):
        ident = f"{self.load.run_id}-{type(self).__name__}-{self.number}-{self.rounds}"
        filler = ("x" * 70 + "\r\n") * (size // 72)
        return ident, (f"From: <{self.sender()}>\r\nTo: <{recipient}>\r\nSubject: {ident}\r\n"
                       f"Message-ID: <{ident}@load.example.org>\r\n\r\n{filler}The end of {ident}\r\n")

    def sender(self):
        return "load@example.org"

    def send(self, client):
        recipient = self.name_of((self.number + self.rounds) % len(self.load.accounts))[0]
        # now and then one that does not fit into a message between two processes, or into memory
        size = 300000 if self.rounds % 50 == 7 else 40000 if self.rounds % 10 == 3 else 0
        ident, text = self.message(recipient, size)
        refused = client.sendmail(self.sender(), [recipient], text)
        assert not refused, refused
        with self.load.lock:
            self.load.confirmed[ident] = recipient


class SmtpNew(Worker):
    """Port 25, a connection for each message."""

    def round(self):
        with smtplib.SMTP(self.load.host, self.load.ports["smtp"], "load.example.org", timeout=60) as client:
            self.send(client)


class SmtpLong(Worker):
    """Port 25, one connection for all."""

    def setup(self):
        self.client = smtplib.SMTP(self.load.host, self.load.ports["smtp"], "load.example.org", timeout=60)

    def round(self):
        self.send(self.client)

    def finish(self):
        self.client.quit()


class Users(Worker):
    """Submission with TLS and a login."""

    def sender(self):
        return self.name_of()[0]

    def connect(self):
        client = smtplib.SMTP(self.load.host, self.load.ports["submission"], "load.example.org", timeout=60)
        client.starttls(context=self.load.tls)
        client.login(*self.name_of())
        return client


class SubmissionNew(Users):
    def round(self):
        client = self.connect()
        self.send(client)
        client.quit()
        time.sleep(0.2)


class SubmissionLong(Users):
    def setup(self):
        self.client = self.connect()

    def round(self):
        self.send(self.client)
        time.sleep(0.05)

    def finish(self):
        self.client.quit()


class ImapNew(Worker):
    """A login over TLS and a look."""

    def round(self):
        client = imaplib.IMAP4_SSL(self.load.host, self.load.ports["imaps"], ssl_context=self.load.tls, timeout=60)
        client.login(*self.name_of(self.number % len(self.load.accounts)))
        assert client.select("INBOX")[0] == "OK"
        client.logout()
        time.sleep(0.2)


class ImapIdle(Worker):
    """One session that waits for news all the time."""

    def setup(self):
        port = self.load.ports["imaps" if self.number % 2 else "imap"]
        self.socket = socket.create_connection((self.load.host, port), timeout=60)
        if self.number % 2:
            self.socket = self.load.tls.wrap_socket(self.socket)
        self.socket.settimeout(0.5)
        self.octets, self.tags, self.news, self.heard = b"", 0, 0, time.monotonic()
        self.line(b"* OK")
        address, password = self.name_of(self.number % len(self.load.accounts))
        self.command(f'LOGIN "{address}" "{password}"')
        self.command("SELECT INBOX")

    def line(self, starts=b"", idle=False):
        """The next one; idle: or None at the end of the load."""
        while b"\n" not in self.octets:
            try:
                more = self.socket.recv(65536)
                assert more, "closed"
                self.octets += more
                self.heard = time.monotonic()
            except TimeoutError:
                if idle and self.load.over.is_set():
                    return None
                assert time.monotonic() - self.heard < 60, "silent for a minute"
        line, self.octets = self.octets.split(b"\n", 1)
        assert line.startswith(starts) and not line.startswith(b"* BYE"), line
        self.news += line.endswith(b" EXISTS\r")
        return line

    def command(self, words, wait=True):
        self.tags += 1
        self.socket.sendall(f"a{self.tags} {words}\r\n".encode())
        while wait and not self.line().startswith(f"a{self.tags} OK".encode()):
            pass

    def round(self):
        self.command("IDLE", wait=False)
        before = self.news
        while not self.line().startswith(b"+"):
            pass
        while self.news == before and not self.load.over.is_set():
            self.line(idle=True)  # the other workers see to it that there is some
        self.socket.sendall(b"DONE\r\n")
        while not self.line().startswith(f"a{self.tags} OK".encode()):
            pass

    def finish(self):
        self.command("NOOP")
        self.command("FETCH * (FLAGS)")
        self.command("LOGOUT", wait=False)


class Pop3(Worker):
    def round(self):
        client = poplib.POP3(self.load.host, self.load.ports["pop3"], timeout=60)
        client.stls(context=self.load.tls)
        address, password = self.name_of(-1)
        client.user(address)
        client.pass_(password)
        client.stat()
        client.quit()
        time.sleep(0.2)


WORKERS = {SmtpNew: 4, SmtpLong: 3, SubmissionNew: 1, SubmissionLong: 2, ImapNew: 1, ImapIdle: 4, Pop3: 1}


class Load:
    def __init__(self, host, ports, accounts, workers=None):
        self.host, self.ports, self.accounts = host, ports, accounts
        self.over, self.lock, self.run_id = threading.Event(), threading.Lock(), os.urandom(4).hex()
        self.confirmed, self.harm = {}, []
        self.tls = ssl._create_unverified_context()
        self.workers = [kind(self, i) for kind, n in (workers or WORKERS).items() for i in range(n)]

    def note(self, worker, what):
        with self.lock:
            self.harm.append(f"{time.strftime('%H:%M:%S')} {type(worker).__name__} {worker.number} "
                             f"in round {worker.rounds}: {what!r}")

    def __enter__(self):
        for w in self.workers:
            w.start()
        self.rest(1)
        return self

    def rest(self, rounds=5, seconds=60):
        """Until each of them has done so much more."""
        begun = {w: w.rounds for w in self.workers}
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.harm and any(
                w.rounds < begun[w] + rounds for w in self.workers if w.is_alive()):
            time.sleep(0.05)

    def __exit__(self, *_):
        self.over.set()
        deadline = time.monotonic() + 90
        for w in self.workers:
            w.join(max(0, deadline - time.monotonic()))
            if w.is_alive():
                self.note(w, "hangs")

    def counts(self):
        done = collections.Counter()
        for w in self.workers:
            done[type(w).__name__] += w.rounds
        return dict(done)

    def assert_unharmed(self):
        assert not self.harm, "\n".join(self.harm)
        assert all(self.counts().values()), self.counts()

    def arrived(self):
        """{ident: how many times}, by IMAP."""
        found = collections.Counter()
        for address, password in self.accounts:
            client = imaplib.IMAP4_SSL(self.host, self.ports["imaps"], ssl_context=self.tls, timeout=60)
            client.login(address, password)
            n = int(client.select("INBOX", readonly=True)[1][0])
            for part in client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if n else ():
                if isinstance(part, tuple):
                    found[re.sub(rb"^Subject: ", b"", part[1].strip()).decode()] += 1
            client.logout()
        return found

    def assert_all_arrived(self, seconds=60, flush=lambda: None):
        """flush: has tried again what is deferred (a mailbox may be locked on a loaded machine)."""
        end = time.monotonic() + seconds
        while True:
            found = self.arrived()
            missing = [i for i in self.confirmed if found[i] == 0]
            if not missing or time.monotonic() > end:
                break
            flush()
            time.sleep(1)
        assert not missing, f"{len(missing)} of {len(self.confirmed)} were confirmed and have not arrived: {missing[:5]}"
        twice = [i for i, n in found.items() if i.startswith(self.run_id) and n > 1]
        assert not twice, f"{len(twice)} came more than once: {twice[:5]}"
