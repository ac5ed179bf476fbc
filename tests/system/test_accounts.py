# SPDX-License-Identifier: ISC
"""Accounts at every door: SASL mechanisms with real clients, records taken over from Dovecot, app
passwords, states, and whose an address is.
"""
import base64
import imaplib
import json
import os
import poplib
import re
import signal
import smtplib
import socket
import time

import pytest
from clients import arrived, need, run
from conftest import running, wait_for
from test_submission import connect, send, text

PASSWORD = "correct horse"
OTHER = "{SSHA256}phLTTAOEp2Qid7G7kk/0nyy00vtUDduyG8miOIX98RC5r9qu"  # of the same password


@pytest.fixture(scope="module")
def suite():
    with running(users=3, options=["plaintext_auth=loopback", "channel_binding=yes", "directory.auth_client_limit=0"]) as s:
        yield s


def add(suite, name, *words, password=PASSWORD):
    address = f"{name}@example.test"
    if "--record" in words:
        suite.relais("user", "add", address, *words)
    else:
        suite.relais("user", "add", address, "--password-stdin", "--hash", "yescrypt:1", *words, stdin=password + "\n")
    known(suite, address)
    return address


def rcpt(suite, address):
    with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30) as s:
        s.ehlo("client.example")
        s.mail("ada@example.org")
        return s.rcpt(address)


def known(suite, address):
    """Wait until directory has seen the new table."""
    wait_for(lambda: b"5.1.1" not in rcpt(suite, address)[1])


def imap(suite, address, password):
    """Does LOGIN succeed?"""
    client = imaplib.IMAP4("127.0.0.1", suite.port("imap"))
    try:
        client.login(address, password)
        return True
    except imaplib.IMAP4.error:
        return False
    finally:
        client.shutdown()


def pop3(suite, address, password):
    client = poplib.POP3("127.0.0.1", suite.port("pop3"), timeout=30)
    try:
        client.user(address)
        client.pass_(password)
        return True
    except poplib.error_proto:
        return False
    finally:
        client.close()


def submission(suite, address, password):
    client = smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=30)
    try:
        client.ehlo("client.example")
        words = base64.b64encode(f"\0{address}\0{password}".encode()).decode()
        return client.docmd("AUTH", f"PLAIN {words}")[0] == 235
    finally:
        client.close()


# ---- mechanisms ----

def gsasl(suite, door, mechanism, address, password, priority="NORMAL", ok=True):
    words = ["gsasl", "--smtp" if door == "submission" else "--imap", "--connect", f"127.0.0.1:{suite.port(door)}",
             "--starttls", "--x509-ca-file=", f"--priority={priority}", "--mechanism", mechanism, "--no-client-first",
             "--authentication-id", address, "--authorization-id", "", "--password", password]
    if not mechanism.endswith("-PLUS"):
        words.append("--no-cb")
    run(words, b"", codes=(0,) if ok else (1,))


@pytest.mark.parametrize("priority", ["NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.3"],
                         ids=["tls1.2", "tls1.3"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"])
@pytest.mark.parametrize("door", ["submission", "imap"])
def test_gsasl(suite, door, mechanism, priority):
    need("gsasl")
    gsasl(suite, door, mechanism, *suite.account(0), priority=priority)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"])
def test_gsasl_wrong(suite, mechanism):
    need("gsasl")
    gsasl(suite, "imap", mechanism, suite.account(0)[0], "wrong", ok=False)
    gsasl(suite, "submission", mechanism, "nobody@example.test", "wrong", ok=False)


def test_msmtp_scram(suite):
    need("msmtp")
    address, password = suite.account(0)
    subject = f"scram {time.time_ns()}"
    run(["msmtp", "--host=127.0.0.1", f"--port={suite.port('submission')}", "--tls=on", "--tls-certcheck=off",
         "--auth=scram-sha-256", f"--user={address}", f"--passwordeval=echo {password}", f"--from={address}",
         suite.account(1)[0]], text(address, subject).replace("\r", "").encode())
    assert b"with ESMTPSA" in arrived(suite, 1, subject)


def test_offered(suite):
    s = connect(suite, login=None)
    assert s.esmtp_features["auth"].split() == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"]
    for name in ("EXTERNAL", "ANONYMOUS", "SCRAM-SHA-1", "CRAM-MD5", "GSSAPI", "X" * 30):
        assert s.docmd("AUTH", name)[0] == 504
    # cancelled, malformed, and then right
    assert s.docmd("AUTH", "SCRAM-SHA-256")[0] == 334
    assert s.docmd("*")[0] == 501
    assert s.docmd("AUTH", "SCRAM-SHA-256 " + base64.b64encode(b"n,,n=joe").decode())[0] == 501
    assert s.docmd("AUTH", "PLAIN ====")[0] == 501
    assert s.login(*suite.account(0))[0] == 235
    s.quit()


def test_scram_sha_1(fresh_suite):
    """By option only: it is offered, and passwords get a record for it."""
    need("gsasl")
    suite = fresh_suite(users=1, options=["scram_sha_1=yes", "channel_binding=yes"])
    assert "SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN" in connect(suite, login=None).esmtp_features["auth"]
    address = add(suite, "old-client")
    phone = suite.relais("user", "app-password", "add", address, "phone").strip()
    wait_for(lambda: imap(suite, address, phone))
    for mechanism in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "SCRAM-SHA-256"):
        gsasl(suite, "imap", mechanism, address, PASSWORD)
        gsasl(suite, "submission", mechanism, address, phone)


def first_challenge(suite, login):
    """What SCRAM says to a client's first message: (salt, iterations)."""
    with socket.create_connection(("127.0.0.1", suite.port("imap")), timeout=30) as s:
        f = s.makefile("rb")
        f.readline()
        s.sendall(b"a AUTHENTICATE SCRAM-SHA-256 " + base64.b64encode(f"n,,n={login},r=abcdef".encode()) + b"\r\n")
        line = f.readline()
        assert line.startswith(b"+ "), line
        fields = base64.b64decode(line[2:]).decode().split(",")
        assert fields[0].startswith("r=abcdef") and len(fields) == 3
        return fields[1], fields[2]


def test_nobody_looks_like_somebody(suite):
    plain = add(suite, "plain-only", "--record", OTHER)
    known = [first_challenge(suite, suite.account(i)[0]) for i in range(2)]
    unknown = [first_challenge(suite, f"nobody{i}@example.test") for i in range(2)] + [first_challenge(suite, plain)]
    assert {len(c[0]) for c in known + unknown} == {26} and {c[1] for c in known + unknown} == {"i=10000"}
    assert len({c[0] for c in known + unknown}) == 5
    assert first_challenge(suite, "NoBody0") == unknown[0]  # however it is written


def test_nobody_looks_the_same_after_a_restart(fresh_suite):
    suite = fresh_suite(users=1)
    before = first_challenge(suite, "nobody@example.test")
    old = suite.pids("directory")
    os.kill(old[0], signal.SIGTERM)
    wait_for(lambda: suite.pids("directory") not in ([], old))
    assert first_challenge(suite, "nobody@example.test") == before


# ---- records ----

with open(os.path.join(os.path.dirname(__file__), "..", "data", "passwords", "dovecot"), encoding="utf-8") as f:
    RECORDS = [line.strip() for line in f if line.startswith("{") and " " not in line]


def test_records_of_dovecot(suite):
    """One batch of all, as an administrator would bring them."""
    lines = "".join(f"moved{i}@example.test {r}\n" for i, r in enumerate(RECORDS))
    suite.relais("user", "add", "--batch", "-", "--records", stdin=lines)
    assert len(RECORDS) > 25
    known(suite, "moved0@example.test")
    for i, record in enumerate(RECORDS):
        address = f"moved{i}@example.test"
        password = "horse" if record.endswith("}horse") else PASSWORD
        assert imap(suite, address, password), record
    wait_for(lambda: re.search(r"password of moved\d+@example.test is kept as MD5-CRYPT", suite.log()))
    assert not re.search(r"password of moved\d+@example.test is kept as ARGON2", suite.log())
    # a record with SCRAM's keys alone serves both
    i = next(i for i, r in enumerate(RECORDS) if r.startswith("{SCRAM-SHA-256}"))
    need("gsasl")
    gsasl(suite, "imap", "SCRAM-SHA-256", f"moved{i}@example.test", PASSWORD)


def test_password_forms(suite):
    """One password, typed in two ways that SASLprep makes one; changed, the old is no good at once."""
    address = add(suite, "prep", password="I\u00adX \u2168")
    assert submission(suite, address, "IX IX")
    assert submission(suite, address, "IX \u2168")
    suite.relais("user", "passwd", address, "--password-stdin", "--hash", "yescrypt:1", stdin="new\n")
    wait_for(lambda: imap(suite, address, "new"))
    assert not imap(suite, address, "IX IX")


# ---- app passwords ----

def test_app_passwords(suite):
    address = add(suite, "apps")
    for name, protocols in (("phone", "imap,submission"), ("old-reader", "pop3")):
        suite.relais("user", "app-password", "add", address, name, "--protocols", protocols)
    tablet = suite.relais("user", "app-password", "add", address, "tablet").strip()
    assert re.fullmatch(r"([a-z2-7]{4}-){6}[a-z2-7]{4}", tablet)
    wait_for(lambda: imap(suite, address, tablet))
    assert pop3(suite, address, tablet) and submission(suite, address, tablet)
    assert imap(suite, address, PASSWORD)
    assert not imap(suite, address, tablet[:-1] + ("a" if tablet[-1] != "a" else "b"))
    again = suite.relais("user", "app-password", "add", address, "tablet", check=False)
    assert again.returncode == 1 and "there is an app password" in again.stderr

    shown = json.loads(suite.relais("user", "list", "--json"))
    account = next(a for a in shown if a["address"] == address)
    assert account["app_passwords"] == ["phone", "old-reader", "tablet"]
    assert account["password_schemes"] == ["YESCRYPT", "SCRAM-SHA-256"]

    suite.relais("user", "app-password", "del", address, "tablet")
    wait_for(lambda: not imap(suite, address, tablet))
    assert not submission(suite, address, tablet)
    assert imap(suite, address, PASSWORD)


def test_app_password_is_for_its_protocols(suite):
    address = add(suite, "protocols")
    phone = suite.relais("user", "app-password", "add", address, "phone", "--protocols", "imap").strip()
    wait_for(lambda: imap(suite, address, phone))
    assert not pop3(suite, address, phone)
    assert not submission(suite, address, phone)
    wait_for(lambda: f'login of {address}: the app password "phone" is not for this protocol' in suite.log())


def test_app_password_by_scram(suite):
    """The proof shows which of the account's passwords it was."""
    need("gsasl")
    address = add(suite, "scram-apps")
    phone = suite.relais("user", "app-password", "add", address, "phone", "--protocols", "imap").strip()
    wait_for(lambda: imap(suite, address, phone))
    for mechanism in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"):
        gsasl(suite, "imap", mechanism, address, phone)
        gsasl(suite, "imap", mechanism, address, PASSWORD)
        gsasl(suite, "submission", mechanism, address, phone, ok=False)
    # a new main password keeps what the app password needs
    suite.relais("user", "passwd", address, "--password-stdin", "--hash", "yescrypt:1", stdin="new\n")
    wait_for(lambda: imap(suite, address, "new"))
    gsasl(suite, "imap", "SCRAM-SHA-256", address, phone)
    gsasl(suite, "imap", "SCRAM-SHA-256", address, "new")


def test_last_use_of_app_passwords(suite):
    address = add(suite, "last-use")
    phone = suite.relais("user", "app-password", "add", address, "phone").strip()
    suite.relais("user", "app-password", "add", address, "never")
    wait_for(lambda: imap(suite, address, phone))

    def shown():
        return {a["name"]: a for a in json.loads(suite.relais("user", "app-password", "list", address, "--json"))}
    assert wait_for(lambda: shown()["phone"]["last_use_s"]) > time.time() - 3600
    assert shown()["phone"]["last_client"] == "127.0.0.1"
    assert shown()["never"]["last_use_s"] is None
    assert "never used" in suite.relais("user", "app-password", "list", address)


# ---- states ----

def test_locked(suite):
    address = add(suite, "locked")
    assert imap(suite, address, PASSWORD) and rcpt(suite, address)[0] == 250
    suite.relais("user", "lock", address)
    wait_for(lambda: not imap(suite, address, PASSWORD))
    assert not submission(suite, address, PASSWORD) and not pop3(suite, address, PASSWORD)
    code, reply = rcpt(suite, address)
    assert code == 550 and reply.startswith(b"5.2.1") and b"mailbox is not accepting mail" in reply
    assert "locked@example.test" in suite.relais("user", "list")
    suite.relais("user", "unlock", address)
    wait_for(lambda: imap(suite, address, PASSWORD))
    assert rcpt(suite, address)[0] == 250


def test_locked_takes_mail(fresh_suite):
    suite = fresh_suite(users=1, options=["directory.locked_takes_mail=yes"])
    address, password = suite.account(0)
    suite.relais("user", "lock", address)
    wait_for(lambda: not imap(suite, address, password))
    assert rcpt(suite, address)[0] == 250


def test_send_blocked(suite):
    """Reading works. A login from before sends nothing more either."""
    address = add(suite, "blocked")
    s = connect(suite, login=None)
    s.login(address, PASSWORD)
    assert send(s, address, address, text(address, "before"))[0] == 250
    suite.relais("user", "block-sending", address)

    def refused():
        code, reply = send(s, address, address, text(address, "after"))
        return code == 550 and reply.startswith(b"5.7.1") and b"blocked" in reply
    wait_for(refused)
    assert imap(suite, address, PASSWORD) and pop3(suite, address, PASSWORD)
    again = connect(suite, login=None)
    again.login(address, PASSWORD)
    code, reply = send(again, address, address, text(address, "anew"))
    assert code == 550 and b"blocked" in reply
    suite.relais("user", "allow-sending", address)
    wait_for(lambda: send(s, address, address, text(address, "allowed"))[0] == 250)
    s.quit()
    again.quit()


def test_states_go_together(suite):
    address = add(suite, "states", "--state", "no-mail")
    suite.relais("user", "lock", address)
    suite.relais("user", "block-sending", address)

    def state():
        return next(a for a in json.loads(suite.relais("user", "list", "--json")) if a["address"] == address)["state"]
    assert state() == "no-mail,locked,send-blocked"
    suite.relais("user", "unlock", address)
    assert state() == "no-mail,send-blocked"
    suite.relais("user", "allow-sending", address)
    assert state() == "no-mail"
    assert suite.relais("user", "lock", "nobody@example.test", check=False).returncode == 1


# ---- whose is it ----

def test_send_as(suite):
    address = add(suite, "sender")
    others = ("info@example.test", "anybody@elsewhere.example")
    s = connect(suite, login=None)
    s.login(address, PASSWORD)
    for other in others:
        code, reply = send(s, other, address, text(other, "not mine"))
        assert code == 550 and reply.startswith(b"5.7.1") and other.encode() in reply
    suite.relais("user", "send-as", "add", address, "info@example.test")
    suite.relais("user", "send-as", "add", address, "@elsewhere.example")
    assert suite.relais("user", "send-as", "list", address).split() == ["info@example.test", "@elsewhere.example"]
    for other in others:
        wait_for(lambda o=other: send(s, o, address, text(o, "mine now"))[0] == 250)
    suite.relais("user", "send-as", "del", address, "Info@Example.Test")
    wait_for(lambda: send(s, others[0], address, text(others[0], "no longer"))[0] == 550)
    assert send(s, others[1], address, text(others[1], "still mine"))[0] == 250
    s.quit()


def test_help(suite):
    for words in (["app-password"], ["send-as"], ["lock"], []):
        assert suite.relais("user", *words, "--help").startswith("Usage: relais user")
        assert suite.relais("user", *words, "nonsense", check=False).returncode in (1, 2)
    suite.relais("user", "add", "x@example.test", "--record", "{ROT13}x", check=False)
    done = suite.relais("user", "add", "x@example.test", "--record", "{PLAIN}a b", check=False)
    assert done.returncode == 1 and "blanks" in done.stderr
