# SPDX-License-Identifier: ISC
"""Mail that leaves: how the tests of it send a message, and what the log says became of it."""
import email
import itertools
import os
import re
import smtplib
import time

import pytest
from conftest import BUILD, wait_for

needs_smtp_client = pytest.mark.skipif(
    not os.path.exists(os.path.join(BUILD, "libexec", "smtp-client")), reason="no smtp-client in this build")

_numbers = itertools.count(1)

# time-outs that a test can wait for
QUICK = ["qmgr.minimal_backoff=1s", "qmgr.maximal_backoff=2s",
         "smtp_client.connect_timeout=3s", "smtp_client.greeting_timeout=3s",
         "smtp_client.command_timeout=3s", "smtp_client.data_timeout=3s",
         "smtp_client.block_timeout=3s", "smtp_client.final_timeout=3s"]

SENDER, PASSWORD = "ada@first.example", "a secret of ada"

_outcome = re.compile(
    r"(?P<id>\w+): to=<(?P<to>[^>]*)>, (?:orig_to=<[^>]*>, )?relay=(?P<relay>[^,]+), .*?"
    r"dsn=(?P<dsn>[\d.]+), status=(?P<status>\w+) \((?P<text>.*)\)$", re.M)


class Outcome:
    def __init__(self, match):
        self.line = match.group(0)
        self.to, self.relay, self.dsn, self.status, self.text = match.group(
            "to", "relay", "dsn", "status", "text")

    def __repr__(self):
        return self.line


class Mail:
    """A message that was given to the suite."""

    def __init__(self, suite, queue_id, subject, to, offset):
        self.suite, self.id, self.subject, self.to, self.offset = suite, queue_id, subject, to, offset

    def outcomes(self, to=None, status=None):
        """What the log has said of it until now, first things first."""
        return [o for o in map(Outcome, _outcome.finditer(self.suite.log()[self.offset:]))
                if self.id in o.line and (to is None or o.to == to) and
                (status is None or o.status == status)]

    def outcome(self, status=None, to=None, seconds=20):
        """The first that is so."""
        found = []

        def look():
            found[:] = self.outcomes(to)
            return next((o for o in found if status in (None, o.status)), None)
        try:
            return wait_for(look, seconds)
        except BaseException:
            print(f"{self.id} is not {status}; until now: {found}\n" +
                  "\n".join(self.suite.log()[self.offset:].splitlines()[-40:]))
            raise

    def gone(self, seconds=20):
        """Until the queue has forgotten it."""
        wait_for(lambda: f"{self.id}: removed" in self.suite.log()[self.offset:], seconds)


def make_sender(suite, address=SENDER, password=PASSWORD):
    """An account in a domain that the other hosts can answer to."""
    domain = address.split("@")[1]
    if domain not in suite.relais("domain", "list"):
        suite.relais("domain", "add", domain)
    suite.relais("user", "add", address, "--password-stdin", stdin=password + "\n")
    wait_for(lambda: login(suite, address, password) is not None)


def table(suite, name, *rows):
    """Write a table and compile it."""
    path = os.path.join(suite.folder, "tables", name)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(fd, "w") as f:
        f.write("".join(row + "\n" for row in rows))
    suite.relais("map", name)


def login(suite, address=SENDER, password=PASSWORD):
    with suite.host.inside():
        s = smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=30)
    s.ehlo("client.example")
    try:
        s.login(address, password)
    except smtplib.SMTPException:
        s.close()
        return None
    return s


def text(subject, to, body="Hello.\r\n.a line with a dot\r\n", sender=SENDER, more=""):
    return (f"From: Ada <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n"
            f"Message-ID: <{time.time_ns()}.{next(_numbers)}@first.example>\r\n"
            f"Date: Sun, 22 Nov 2026 05:00:00 +0000\r\n{more}\r\n{body}")


def flood(suite, to, n, name="flood"):
    """So many messages over one connection."""
    s = login(suite)
    for i in range(n):
        s.sendmail(SENDER, [to], text(f"{name} {i}", to))
    s.quit()


def submit(suite, to, name="mail", octets=None, mail_options=(), rcpt_options=(), sender=SENDER,
           password=PASSWORD, more="", body=None):
    """Give the suite a message from the account; the reply has said 250."""
    to = [to] if isinstance(to, str) else to
    subject, offset = f"{name}-{next(_numbers)}", len(suite.log())
    if octets is None:
        words = {} if body is None else {"body": body}
        octets = text(subject, to[0], sender=sender, more=more, **words)
    if isinstance(octets, str):
        octets = octets.encode()
    s = login(suite, sender, password)
    assert s is not None, "no log in"
    code, reply = s.mail(sender, list(mail_options))
    assert code == 250, reply
    for address in to:
        s.putcmd("rcpt", f"TO:<{address}> {' '.join(rcpt_options)}".rstrip())
        code, reply = s.getreply()
        assert code == 250, (address, reply)
    code, reply = s.data(octets)
    assert code == 250, reply
    s.quit()
    return Mail(suite, re.search(rb"as (\w+)", reply).group(1).decode(), subject, to, offset)


def inbox(suite, address=SENDER):
    """What is in an account's INBOX, as email's messages."""
    local, domain = address.split("@")
    for part in ("new", "cur"):
        path = os.path.join(suite.info["mail_root"], domain, local, part)
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else ():
            with open(os.path.join(path, name), "rb") as f:
                yield email.message_from_binary_file(f)


def bounce_of(suite, mail, seconds=20):
    """The DSN that came back to the sender."""
    return wait_for(lambda: next(
        (m for m in inbox(suite) if m.get_content_type() == "multipart/report" and
         mail.subject in m.as_string()), None), seconds)
