# SPDX-License-Identifier: ISC
"""Guessing passwords: counts over all protocols, bans at every door, guarded logins, the operator's
commands, ledger's death; limits of sending and incidents; fail2ban's own filters.

Clients have addresses of their own: all of 127.0.0.0/8 is this machine.
"""
import base64
import configparser
import imaplib
import json
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import threading
import time

import pytest
from conftest import TOP, running, wait_for

BANNED = {"smtp": b"421 4.7.0 ", "submission": b"421 4.7.0 ", "imap": b"* BYE ", "pop3": b"-ERR ",
          "submissions": b"", "imaps": b"", "pop3s": b""}


def bans_suite(*options):
    return running(users=3, options=["plaintext_auth=loopback", *options],
                   forgive=r"master\[\d+\]: .*ledger.* killed by signal 9")  # by tests


@pytest.fixture(scope="module")
def suite():
    """Four failures are one too many; the first ban lasts for eight seconds."""
    with bans_suite("ledger.address_failures=4", "ledger.ban_time=8s", "ledger.login_failures=5",
                    "ledger.failure_window=1d") as s:
        yield s


def greeting(suite, port, source):
    with socket.create_connection(("127.0.0.1", suite.port(port)), timeout=20,
                                  source_address=(source, 0)) as s:
        if port in ("submissions", "imaps", "pop3s"):
            s.settimeout(1)
        try:
            return s.recv(500)
        except TimeoutError:
            return None  # it waits for our hello


def is_banned(suite, source, port="smtp"):
    return greeting(suite, port, source).startswith(b"421 4.7.0")


def exchange(suite, port, source, lines):
    """Send each line after an answer; the last answer."""
    with socket.create_connection(("127.0.0.1", suite.port(port)), timeout=30,
                                  source_address=(source, 0)) as s:
        f = s.makefile("rwb")
        answer = f.readline()
        for line in lines:
            f.write(line.encode() + b"\r\n")
            f.flush()
            answer = f.readline()
            while re.match(rb"\d\d\d-|\* ", answer):
                answer = f.readline()
        return answer


def login(suite, protocol, source, user, password):
    """One attempt; did it succeed?"""
    if protocol == "imap":
        answer = exchange(suite, "imap", source, [f'a LOGIN "{user}" "{password}"'])
        return answer.startswith(b"a OK")
    if protocol == "pop3":
        answer = exchange(suite, "pop3", source, [f"USER {user}", f"PASS {password}"])
        return answer.startswith(b"+OK")
    plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    answer = exchange(suite, "submission", source, ["EHLO client.example", f"AUTH PLAIN {plain}"])
    return answer.startswith(b"235")


def all_at_once(*calls):
    """Their results; a failed login is answered late, so many are made together."""
    results = [None] * len(calls)

    def run(i):
        results[i] = calls[i]()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def fail(suite, *attempts):
    """attempts: (protocol, source, user)."""
    assert not any(all_at_once(*[
        lambda a=a, i=i: login(suite, a[0], a[1], a[2], f"wrong{i}") for i, a in enumerate(attempts)]))


def listed(suite, command, key):
    """None while ledger is being started again."""
    done = suite.relais(command, "list", "--json", check=False)
    return {row[key]: row for row in json.loads(done.stdout)} if done.returncode == 0 else None


def bans(suite):
    return listed(suite, "ban", "subject")


def killed(suite, service):
    """kill -9, and the new one."""
    pid = suite.pids(service)[0]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: suite.pids(service) not in ([], [pid]))


def test_ban_over_all_protocols(suite):
    user, password = suite.account(0)
    bad, good = "127.0.0.21", "127.0.0.22"
    fail(suite, ("imap", bad, user), ("pop3", bad, user), ("submission", bad, "nobody@example.test"))
    assert not is_banned(suite, bad)
    fail(suite, ("submission", bad, "somebody"))
    wait_for(lambda: is_banned(suite, bad), 15)
    for port, line in BANNED.items():
        got = greeting(suite, port, bad)
        assert got.startswith(line) and (line or got == b""), (port, got)
    assert all(all_at_once(*[lambda p=p: login(suite, p, good, user, password)
                             for p in ("imap", "pop3", "submission")]))
    ban = bans(suite)[bad]
    assert ban["kind"] == "address" and ban["times"] == 1 and not ban["by_operator"]
    assert ban["until_s"] - ban["since_s"] == 8 and ban["failures"] >= 4
    assert "4 failed logins" in ban["reason"]
    wait_for(lambda: f"ban: address [{bad}] for 8 s" in suite.log())
    # it ends by itself
    wait_for(lambda: not is_banned(suite, bad), 30)
    assert bad not in bans(suite)
    assert login(suite, "submission", bad, user, password)
    # the next one is longer
    fail(suite, *[("submission", bad, f"x{i}") for i in range(4)])
    wait_for(lambda: bad in bans(suite), 15)
    ban = bans(suite)[bad]
    assert ban["times"] == 2 and ban["until_s"] - ban["since_s"] == 16


def test_operator(suite):
    suite.relais("ban", "add", "127.0.1.0/28", "--time", "1h", "--reason", "scanner")
    wait_for(lambda: is_banned(suite, "127.0.1.9"), 15)
    assert not is_banned(suite, "127.0.1.16")
    ban = bans(suite)["127.0.1.0/28"]
    assert ban["by_operator"] and ban["reason"] == "scanner" and ban["until_s"] - ban["since_s"] == 3600
    assert "127.0.1.0/28" in suite.relais("ban") and "scanner" in suite.relais("ban", "list")
    suite.relais("ban", "add", "2001:db8::/32")
    assert bans(suite)["2001:db8::/32"]["until_s"] is None
    suite.relais("ban", "del", "127.0.1.0/28", "2001:db8::/32")
    wait_for(lambda: not is_banned(suite, "127.0.1.9"), 15)
    assert not {"127.0.1.0/28", "2001:db8::/32"} & set(bans(suite))
    for words, status in ((("del", "127.0.1.0/28"), 1), (("add", "not an address"), 2),
                          (("add",), 2), (("add", "192.0.2.1", "--time", "soon"), 2),
                          (("frobnicate",), 2), (("--help",), 0)):
        assert suite.relais("ban", *words, check=False).returncode == status, words


def test_many_bans(suite):
    """More than fit into one page or one message to a door."""
    for i in range(100):
        suite.relais("ban", "add", f"127.0.2.{i}", "--time", "1h")
    assert len([b for b in bans(suite) if b.startswith("127.0.2.")]) == 100
    wait_for(lambda: is_banned(suite, "127.0.2.99"), 15)
    old = suite.pids("smtpd")
    suite.relais("reload")  # new doors are told all of them
    wait_for(lambda: suite.pids("smtpd") and not set(old) & set(suite.pids("smtpd")))
    wait_for(lambda: all(is_banned(suite, f"127.0.2.{i}") for i in (0, 50, 99)), 20)
    suite.relais("ban", "del", *[f"127.0.2.{i}" for i in range(100)])
    wait_for(lambda: not is_banned(suite, "127.0.2.0"), 15)


def test_guarded_login(suite):
    """An attack from many networks: the owner gets in from where he was before."""
    user, password = suite.account(1)
    home, elsewhere = "127.10.0.5", "127.11.0.5"
    assert login(suite, "submission", home, user, password)
    fail(suite, *[("submission", f"127.20.{i}.1", user) for i in range(5)])
    wait_for(lambda: user in bans(suite), 15)
    assert bans(suite)[user]["kind"] == "login"
    assert all(all_at_once(lambda: login(suite, "submission", home, user, password),
                           lambda: login(suite, "imap", "127.10.0.77", user, password)))
    assert not login(suite, "submission", elsewhere, user, password)
    # another login is not concerned
    assert login(suite, "submission", elsewhere, *suite.account(2))
    suite.relais("ban", "del", user)
    assert login(suite, "submission", elsewhere, user, password)


def test_right_login_takes_back(suite):
    user, password = suite.account(2)
    for _ in range(3):
        fail(suite, *[("submission", "127.0.3.1", user)] * 2)
        assert login(suite, "submission", "127.0.3.1", user, password)
    assert not is_banned(suite, "127.0.3.1")


def test_ledger_killed(suite):
    """Bans outlive it; the doors hold them while it is away."""
    suite.relais("ban", "add", "127.0.4.1", "--time", "1h")
    wait_for(lambda: is_banned(suite, "127.0.4.1"), 15)
    killed(suite, "ledger")
    assert is_banned(suite, "127.0.4.1")
    assert "127.0.4.1" in wait_for(lambda: bans(suite))
    assert is_banned(suite, "127.0.4.1")
    suite.relais("ban", "del", "127.0.4.1")
    wait_for(lambda: not is_banned(suite, "127.0.4.1"), 15)


def test_ledger_stands_still(suite):
    """Logins go on without being counted, and the log says so; sending has to wait."""
    user, password = suite.account(0)
    client = smtp(suite, 0)
    begin = len(suite.log())
    pid = suite.pids("ledger")[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert all(all_at_once(lambda: login(suite, "imap", "127.0.5.1", user, password),
                               lambda: login(suite, "submission", "127.0.5.1", user, password)))
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            send(client, user, [user])
        assert 400 <= refused.value.smtp_code < 500
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: "went on without being counted" in suite.log()[begin:], 20)
    wait_for(lambda: sends(suite, 0, [user]), 30, every=0.5)


# ---- delays ----

def test_growing_delays(fresh_suite):
    suite = fresh_suite(users=1, options=["plaintext_auth=loopback", "ledger.delay_first=300ms",
                                          "ledger.delay_max=1200ms", "ledger.address_failures=100"])
    user, password = suite.account(0)

    def took(word):
        begin = time.monotonic()
        ok = login(suite, "submission", "127.0.0.7", user, word)
        return ok, time.monotonic() - begin

    for least in (0.3, 0.6, 1.2, 1.2):
        ok, seconds = took(f"wrong{least}")
        assert not ok and seconds >= least, (least, seconds)
    assert took(password)[0]
    ok, seconds = took("wrong again")  # the right one took its failures back
    assert not ok and seconds < 1.2


# ---- sending ----

@pytest.fixture(scope="module")
def sender():
    """Few messages, fewer new recipients; nine new ones within an hour are an incident."""
    with bans_suite("ledger.send_messages=20", "ledger.send_recipients=100", "ledger.send_new_recipients=3",
                    "ledger.send_incident_factor=3") as s:
        yield s


def smtp(suite, i):
    s = smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=60)
    s.login(*suite.account(i))
    return s


def send(client, user, to):
    """One message; raises SMTPResponseException with the refusal."""
    client.ehlo_or_helo_if_needed()
    for command in (f"MAIL FROM:<{user}>", *[f"RCPT TO:<{t}>" for t in to]):
        code, text = client.docmd(command)
        if code >= 300:
            client.rset()
            raise smtplib.SMTPResponseException(code, text)
    code, text = client.data(f"From: {user}\r\nSubject: to {len(to)}\r\n\r\nx\r\n")
    if code >= 300:
        raise smtplib.SMTPResponseException(code, text)


def sends(suite, i, to):
    user = suite.account(i)[0]
    try:
        send(smtp(suite, i), user, to)
        return True
    except smtplib.SMTPResponseException as e:
        assert 400 <= e.smtp_code < 500, e
        return False


def detailed(suite, i, *details):
    local, domain = suite.account(i)[0].split("@")
    return [f"{local}+{d}@{domain}" for d in details]


def test_new_recipients(sender):
    user = sender.account(1)[0]
    begin = len(sender.log())
    client = smtp(sender, 1)
    send(client, user, detailed(sender, 2, "a", "b"))
    send(client, user, detailed(sender, 2, "a", "b"))  # no longer new
    send(client, user, detailed(sender, 2, "c"))
    with pytest.raises(smtplib.SMTPResponseException) as e:
        send(client, user, detailed(sender, 2, "d"))
    assert 400 <= e.value.smtp_code < 500 and b"new recipients" in e.value.smtp_error
    wait_for(lambda: f"send limit: login=<{user}>" in sender.log()[begin:])
    # it knows them after its death, too
    killed(sender, "ledger")
    wait_for(lambda: sends(sender, 1, detailed(sender, 2, "c")), 10)
    assert not sends(sender, 1, detailed(sender, 2, "d"))
    # another login has its own
    assert sends(sender, 2, detailed(sender, 2, "d"))


def incidents(suite):
    return listed(suite, "incident", "login")


def postmaster_mail(suite):
    """The texts in INBOX of the first account, who is postmaster."""
    with imaplib.IMAP4("127.0.0.1", suite.port("imap")) as m:
        m.login(*suite.account(0))
        m.select()
        return [m.fetch(n, "(BODY.PEEK[])")[1][0][1].decode() for n in m.search(None, "ALL")[1][0].split()]


def until_blocked(suite, i, to):
    """Messages to ever new recipients, until there is an incident."""
    for n in range(8):
        if suite.account(i)[0] in incidents(suite):
            return
        assert not sends(suite, i, detailed(suite, to, *[f"spam{i}.{n}.{k}" for k in range(4)]))
    pytest.fail("no incident")


def test_incident(sender):
    """A stolen password: far more new recipients than allowed. The operator ends it."""
    user = sender.account(1)[0]
    until_blocked(sender, 1, to=2)
    row = incidents(sender)[user]
    assert row["new_recipients"] == 3 and "new recipients" in row["reason"]
    wait_for(lambda: f"incident: login=<{user}> may send nothing more" in sender.log())
    # not even to old friends
    with pytest.raises(smtplib.SMTPException) as e:
        send(smtp(sender, 1), user, detailed(sender, 2, "a"))
    assert "blocked" in str(e.value)
    assert sends(sender, 2, [user])  # others do
    mail = wait_for(lambda: [t for t in postmaster_mail(sender) if "Sending is blocked" in t], 20)
    assert user in mail[0] and "incident release" in mail[0]
    wait_for(lambda: incidents(sender)[user]["told"], 10)
    # an incident outlives ledger, and is told once
    killed(sender, "ledger")
    assert user in wait_for(lambda: incidents(sender), 10)
    assert user in sender.relais("incident")
    assert sender.relais("incident", "release", "nobody@example.test", check=False).returncode == 1
    assert sender.relais("incident", "purge", "nobody@example.test", check=False).returncode == 1
    assert sender.relais("incident", "release", check=False).returncode == 2
    assert sender.relais("incident", "--help", check=False).returncode == 0
    sender.relais("incident", "release", user)
    assert incidents(sender) == {}
    wait_for(lambda: sends(sender, 1, detailed(sender, 2, "a", "new1")), 10)
    assert len([t for t in postmaster_mail(sender) if "Sending is blocked" in t]) == 1


def test_held_mail(fresh_suite):
    """What such logins have in the queue is held, and goes out, or away, at the operator's word. Others' goes on."""
    suite = fresh_suite(users=5, options=["plaintext_auth=loopback", "ledger.send_new_recipients=3",
                                          "ledger.send_incident_factor=3", "qmgr.minimal_backoff=1s",
                                          "qmgr.maximal_backoff=1s"])
    sure, released, purged, box = (suite.account(i)[0] for i in (1, 2, 3, 4))
    place = suite.mailbox(4)

    def waiting():
        return sorted((m["reverse_path"], m["state"]) for m in json.loads(suite.relais("queue", "list", "--json")))

    def arrived():
        new = os.path.join(place, "new")
        return len(os.listdir(new)) if os.path.exists(new) else 0

    # something is in the mailbox' place: its mail waits
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.mkdir(place, mode=0)
    for i in (1, 2, 2, 3, 3):
        send(smtp(suite, i), suite.account(i)[0], [box])
    wait_for(lambda: [m[1] for m in waiting()] == ["deferred"] * 5)
    for i in (2, 3):
        until_blocked(suite, i, to=1)
    held = sorted([(login, "hold") for login in (released, purged)] * 2)
    wait_for(lambda: [m for m in waiting() if m[0] != sure] == held)
    assert [m[1] for m in waiting() if m[0] == sure] in (["deferred"], ["active"])
    os.rmdir(place)
    wait_for(lambda: waiting() == held and arrived() == 1)
    out = json.loads(suite.relais("incident", "release", released, "--json"))
    assert (out["login"], out["messages"]) == (released, 2)
    wait_for(lambda: waiting() == [(purged, "hold")] * 2 and arrived() == 3)
    out = json.loads(suite.relais("incident", "purge", purged, "--json"))
    assert (out["login"], out["messages"]) == (purged, 2)
    assert waiting() == [] and arrived() == 3 and incidents(suite) == {}
    for i in (2, 3):  # both may send again
        assert sends(suite, i, [box])
    assert len([t for t in postmaster_mail(suite) if "Sending is blocked" in t]) == 2


# ---- fail2ban ----

def fail2ban(log, words):
    done = subprocess.run(["fail2ban-regex", "--print-all-matched", str(log), words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    return int(re.search(r"(\d+) matched", done.stdout).group(1)), done.stdout


@pytest.mark.skipif(not shutil.which("fail2ban-regex"), reason="fail2ban is not installed")
def test_fail2ban(suite, tmp_path):
    """Its own filters read our lines, with the words of our jails."""
    jails = configparser.ConfigParser(interpolation=None)
    jails.read(os.path.join(TOP, "conf", "fail2ban", "jail.d", "relais.conf"))
    user = suite.account(0)[0]
    begin = len(suite.log())
    source = "127.0.6.1"
    fail(suite, ("imap", source, user), ("pop3", source, user), ("submission", source, user))
    exchange(suite, "smtp", source, ["EHLO c.example", "MAIL FROM:<a@b.example>",
                                     f"RCPT TO:<nobody-at-all@{user.split('@')[1]}>", "QUIT"])
    fail(suite, ("submission", source, user))
    wait_for(lambda: suite.log()[begin:].count("SASL PLAIN authentication failed") == 2
             and f"ban: address [{source}]" in suite.log()[begin:]
             and "NOQUEUE: reject: RCPT" in suite.log()[begin:]
             and suite.log()[begin:].count("-login[") >= 2, 10)
    log = tmp_path / "log"
    log.write_text(suite.log()[begin:])
    n, out = fail2ban(log, jails["relais-smtp"]["filter"])
    assert n == 3 and out.count("SASL PLAIN authentication failed") == 2, out
    assert "NOQUEUE: reject: RCPT" in out, out
    n, out = fail2ban(log, jails["relais-login"]["filter"])
    assert n == 2 and "relais/imap-login" in out and "relais/pop3-login" in out, out
    n, out = fail2ban(log, os.path.join(TOP, "conf", "fail2ban", "filter.d", "relais-ban.conf"))
    assert n == 1, out
