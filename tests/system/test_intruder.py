# SPDX-License-Identifier: ISC
"""A door that was taken over, in the running suite: a program of ours (intruder.c) runs in the place of
submission or imap-login, with their jail and introductions, and asks for what is not its own.
"""
import itertools
import json
import os
import secrets
import signal
import shutil
import socket

import pytest
from conftest import BUILD, new_folder, running, wait_for

ERR_NOT_FOUND, ERR_DENIED, ERR_BUSY, ERR_PEER, ERR_TIMEOUT = -102, -104, -202, -203, -204  # lib/base/err.h
OK, NOT_OWNED, NO_LOGIN = 0, 1, 4  # verdicts of SEND, lib/ipc/directory_msg.h


def suite_with_intruder(service):
    """A suite whose SERVICE is the intruder."""
    build = new_folder()
    for part in ("bin", "libexec"):
        os.mkdir(os.path.join(build, part))
        for name in os.listdir(os.path.join(BUILD, part)):
            os.symlink(os.path.join(BUILD, part, name), os.path.join(build, part, name))
    # master looks for programs beside itself, and follows links
    for name, source in (("bin/relais-master", "bin/relais-master"), ("libexec/smtpd", "libexec/smtpd"),
                         (f"libexec/{service}", "tests/intruder")):
        os.unlink(os.path.join(build, name))
        shutil.copy(os.path.join(BUILD, source), os.path.join(build, name))
    # channels are closed on it, and directory is killed by a test
    forgive = f"({service}.*sent what it may not|directory.* killed by signal 9)"
    with running(build, users=2, build=build, forgive=forgive, options=["workers=2"]) as s:
        yield s


@pytest.fixture(scope="module")
def submission():
    yield from suite_with_intruder("submission")


@pytest.fixture(scope="module")
def imap_login():
    yield from suite_with_intruder("imap-login")


class Intruder:
    """A connection to it; instance: which of its processes (None: any)."""

    def __init__(self, suite, port, instance=None):
        while True:
            self.socket = socket.create_connection(("127.0.0.1", suite.port(port)), timeout=30)
            self.lines = self.socket.makefile("rb")
            number = int(self.lines.readline().split()[1])
            if instance in (None, number):
                break
            self.socket.close()

    def ask(self, *words):
        """(number, word) of the answer."""
        self.socket.sendall(" ".join(str(w) if w != "" else "-" for w in words).encode() + b"\n")
        command, number, word = self.lines.readline().decode().split(None, 2)
        assert command == words[0]
        return int(number), "" if word.strip() == "-" else word.strip()

    def auth(self, suite, account, session):
        status, handle = self.ask("auth", *suite.account(account), session)
        assert status == 0 and len(handle) == 32
        return handle


    def ticket(self, handle, session, queue_id, sender):
        verdict, ticket = self.ask("send", handle, session, queue_id, sender, sender)
        assert verdict == OK and ticket
        return ticket


ids = itertools.count(secrets.randbits(40) << 20)


def forged(suite):
    return json.loads(suite.relais("queue", "stats", "--json"))["forged"]


def queue(suite):
    return json.loads(suite.relais("queue", "list", "--json"))


def messages(suite, account):
    """How many are in the INBOX."""
    box = suite.mailbox(account)
    return sum(len(files) for part in ("new", "cur") for _, _, files in os.walk(os.path.join(box, part)))


def changed(ticket):
    """Its last octet is another."""
    return ticket[:-2] + f"{int(ticket[-2:], 16) ^ 1:02x}"


# ---- tickets ----

def test_a_ticket_is_good_for_one_message(submission):
    """The right one passes, once. With anything else changed the message is refused, counted and logged."""
    mine, other = (submission.account(i)[0] for i in (0, 1))
    door = Intruder(submission, "submission")
    handle = door.auth(submission, 0, 7)
    first, second, third = next(ids), next(ids), next(ids)
    used, good = (door.ticket(handle, 7, i, mine) for i in (first, second))
    assert door.ask("commit", first, mine, mine, other, used)[0] == OK
    for label, words in {
            "used already": (first, mine, mine, other, used),
            "of another message": (third, mine, mine, other, good),
            "of another login": (second, other, mine, other, good),
            "for another reverse-path": (second, mine, other, other, good),
            "for the null reverse-path": (second, mine, "", other, good),
            "changed": (second, mine, mine, other, changed(good)),
            "cut": (second, mine, mine, other, good[:-2]),
            "made up": (second, mine, mine, other, good[:34] + secrets.token_hex(32)),
            "none": (second, mine, mine, other, ""),
            "none, and no login": (second, "", mine, other, ""),
            "good, but no login": (second, "", mine, other, good)}.items():
        count, begin = forged(submission), len(submission.log())
        err, text = door.ask("commit", *words)
        assert err == ERR_DENIED and text.startswith("5.7.1 "), (label, err, text)
        assert forged(submission) == count + 1, label
        line = wait_for(lambda: [x for x in submission.log()[begin:].splitlines() if "ticket" in x])[0]
        assert f"submission brought a ticket that is not directory's for login=<{words[1]}>" in line, label
    assert door.ask("commit", second, mine, mine, other, good)[0] == OK  # it had not been used up
    wait_for(lambda: queue(submission) == [])
    assert messages(submission, 1) == 2


def test_a_ticket_of_a_directory_that_died(submission):
    """Good until it expires: the key is the suite's, not the process'. The handles of logins are gone."""
    mine, other = (submission.account(i)[0] for i in (0, 1))
    door = Intruder(submission, "submission")
    handle, number = door.auth(submission, 0, 7), next(ids)
    old = door.ticket(handle, 7, number, mine)
    pid = submission.pids("directory")[0]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: submission.pids("directory") not in ([], [pid]))
    wait_for(lambda: door.ask("send", handle, 7, number, mine, mine)[0] == NO_LOGIN)
    assert door.ask("commit", number, mine, mine, other, changed(old))[0] == ERR_DENIED
    assert door.ask("commit", number, mine, mine, other, old)[0] == OK


# ---- DKIM signatures ----

def counted(suite, name):
    return sum(c["value"] for c in suite.status()["counters"] if c["name"] == name)


def test_a_signature_needs_directorys_word(submission):
    """With its own ticket only for want of a key; with any other it is refused, counted and logged."""
    mine, other = (submission.account(i)[0] for i in (0, 1))
    domain = mine.split("@")[1]
    door = Intruder(submission, "submission")
    handle = door.auth(submission, 0, 7)
    number, another = next(ids), next(ids)
    verdict, good = door.ask("grant", handle, 7, number, mine, mine)
    assert verdict == OK and good
    commit = door.ticket(handle, 7, number, mine)
    right = (domain, mine, number, mine, mine, good)
    wait_for(lambda: door.ask("sign", *right) == (ERR_NOT_FOUND, ""))
    for label, words in {
            "another domain": ("bank.example", mine, number, mine, "boss@bank.example", good),
            "another domain in From": (domain, mine, number, mine, "boss@bank.example", good),
            "another login's": (domain, other, number, mine, mine, good),
            "another message's": (domain, mine, another, mine, mine, good),
            "another reverse-path": (domain, mine, number, other, mine, good),
            "changed": (domain, mine, number, mine, mine, changed(good)),
            "cut": (domain, mine, number, mine, mine, good[:-2]),
            "made up": (domain, mine, number, mine, mine, good[:34] + secrets.token_hex(32)),
            "none": (domain, mine, number, mine, mine, "")}.items():
        count = counted(submission, "relais_sign_refused_total")
        assert door.ask("sign", *words) == (ERR_DENIED, ""), label
        assert counted(submission, "relais_sign_refused_total") == count + 1, label
    # the one for qmgr is made with another key, and names it
    assert door.ask("sign", domain, mine, number, mine, mine, commit)[0] == ERR_BUSY
    assert door.ask("commit", number, mine, mine, other, good)[0] in (ERR_DENIED, ERR_BUSY)
    wait_for(lambda: "asked for a signature for bank.example" in submission.log()
             or "asked for a signature for" in submission.log())
    assert door.ask("sign", *right) == (ERR_NOT_FOUND, "")


def test_signatures_of_a_directory_that_died(submission):
    mine = submission.account(0)[0]
    domain = mine.split("@")[1]
    door = Intruder(submission, "submission")
    handle, number = door.auth(submission, 0, 7), next(ids)
    old = door.ask("grant", handle, 7, number, mine, mine)[1]
    pid = submission.pids("directory")[0]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: submission.pids("directory") not in ([], [pid]))
    wait_for(lambda: door.ask("grant", handle, 7, number, mine, mine)[0] == NO_LOGIN)
    assert door.ask("sign", domain, mine, number, mine, mine, changed(old))[0] == ERR_DENIED
    wait_for(lambda: door.ask("sign", domain, mine, number, mine, mine, old)[0] == ERR_NOT_FOUND)


def test_keys_are_for_signers(submission, imap_login):
    """No door is introduced to the keeper, and a login half not even to a signer."""
    assert Intruder(submission, "submission").ask("fetch")[0] in (ERR_PEER, ERR_TIMEOUT)
    half = Intruder(imap_login, "imap")
    assert half.ask("fetch")[0] in (ERR_PEER, ERR_TIMEOUT)
    assert half.ask("sign", "example.test", "a", 1, "a@b", "a@b", "00")[0] in (ERR_PEER, ERR_TIMEOUT)


# ---- handles ----

def test_a_handle_is_good_for_its_session_only(submission):
    mine = submission.account(0)[0]
    door, elsewhere = Intruder(submission, "submission", 0), Intruder(submission, "submission", 1)
    handle = door.auth(submission, 0, 7)
    for label, who, words in (
            ("another session's number", door, (handle, 8)),
            ("at another process", elsewhere, (handle, 7)),
            ("changed", door, (changed(handle), 7)),
            ("made up", door, (secrets.token_hex(16), 7))):
        begin = len(submission.log())
        verdict, ticket = who.ask("send", *words, next(ids), mine, mine)
        assert (verdict, ticket) == (NO_LOGIN, ""), label
        what = "of another session" if words[0] == handle else "that does not exist"
        wait_for(lambda: f"used a login handle {what}" in submission.log()[begin:])
    verdict, ticket = door.ask("send", handle, 7, next(ids), mine, "boss@bank.example")
    assert (verdict, ticket) == (NOT_OWNED, "")
    verdict, ticket = door.ask("send", handle, 7, next(ids), "boss@bank.example", mine)
    assert (verdict, ticket) == (NOT_OWNED, "")
    door.ticket(handle, 7, next(ids), mine)  # its own is as good as before


@pytest.mark.parametrize("words", [("key",), ("delete", 1)])
def test_what_a_door_may_not_ask(submission, words):
    """The key of tickets is qmgr's, the queue's orders are the operator's: the channel is closed."""
    begin = len(submission.log())
    assert Intruder(submission, "submission").ask(*words) == (ERR_PEER, "")
    wait_for(lambda: "sent what it may not" in submission.log()[begin:])
    wait_for(lambda: Intruder(submission, "submission").ask("auth", *submission.account(0), 1)[0] == 0)


# ---- tokens of sessions ----

def test_a_login_half_has_no_session_but_its_clients(imap_login):
    """Only directory can make a token; it is good once, for the mailbox of its own login."""
    door = Intruder(imap_login, "imap")
    for wrong in (secrets.token_hex(16), "00" * 16):
        assert door.ask("take", wrong)[0] == ERR_DENIED
    token = door.auth(imap_login, 0, 7)
    assert door.ask("take", changed(token))[0] == ERR_DENIED
    assert door.ask("take", token)[0] == OK  # from here on a session answers
    door.socket.sendall(b"a APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n")
    assert door.lines.readline().startswith(b"a OK [APPENDUID ")
    assert (messages(imap_login, 0), messages(imap_login, 1)) == (1, 0)
    assert Intruder(imap_login, "imap").ask("take", token)[0] == ERR_DENIED  # used up
