# SPDX-License-Identifier: ISC
"""DKIM on the way out: keys that sign only once their record is in a real DNS, signatures that
dkimpy verifies with what that DNS says, rotation, and what becomes of mail when the keeper or the
signers die. Intervals are seconds here."""
import glob
import json
import os
import re
import shutil
import signal
import smtplib
import subprocess
import time

import pytest
from clients import arrived, need, run
from conftest import Suite, assert_healthy, new_folder, running, wait_for
from dns_server import PLAIN, DnsServer, have_nsd
from test_dns import free_port
from test_submission import connect, text

dkim = pytest.importorskip("dkim", reason="no dkimpy here")

DOMAIN = "example.test"
BOTH = {"r", "e"}
KILLED = r"(mailauth-sign|dkim-keeper|directory).* was killed by signal 9"
WARNED = r"can't be seen|is pending: its record|wait for their records|not signed"


class Signing:
    """A suite that signs, and the zone in which its records are."""

    def __init__(self, server):
        self.server, self.suite, self.published = server, None, {}

    def options(self, **more):
        fixed = {"resolver.forwarders": f"127.0.0.1:{self.server.port}", "resolver.timeout": "2s",
                 "resolver.trust_anchor": self.server.trust_anchor, "plaintext_auth": "loopback",
                 "mailauth.dkim_check": "1s", "mailauth.dkim_watch": "1s",
                 "mailauth.dkim_retire": "3s", "mailauth.dkim_rotate": "0s",
                 "mailauth.report_from": "dmarc@reports.test"}
        return [f"{k}={v}" for k, v in {**fixed, **more}.items()]

    # ---- keys ----

    def dkim(self, *words, **more):
        return self.suite.relais("dkim", *words, **more)

    def keys(self, *words):
        """Of the keeper, once there is one."""
        def look():
            done = self.dkim("list", *words, "--json", check=False)
            assert done.returncode in (0, 3), done.stderr
            return done if done.returncode == 0 else None
        return json.loads(wait_for(look).stdout)

    def selectors(self, state):
        return {k["selector"] for k in self.keys(DOMAIN) if k["state"] == state}

    def until(self, state, *selectors, seconds=20):
        """These keys, or one of each type, are in that state."""
        def look():
            found = self.selectors(state)
            return found if (found >= set(selectors) if selectors
                             else {s[0] for s in found} == BOTH) else None
        return wait_for(look, seconds, 0.1)

    # ---- DNS ----

    def set_records(self, records):
        """The zone has these TXT records (name: text) and no others."""
        self.published = dict(records)
        rows = []
        for name, value in self.published.items():
            strings = [value[i:i + 200] for i in range(0, len(value), 200)]
            rows.append(f"{name}. TXT " + " ".join(f'"{s}"' for s in strings))
        self.server.zone(DOMAIN, "\n".join(rows), PLAIN)
        self.server.publish()

    def publish(self, states=("pending", "published", "active", "retiring")):
        self.set_records({k["name"]: k["record"] for k in self.keys(DOMAIN)
                          if k["state"] in states})

    def make_active(self):
        """Keys that sign, whatever there was."""
        if {s[0] for s in self.selectors("active")} != BOTH:
            if not self.selectors("pending") | self.selectors("published"):
                self.dkim("rotate" if self.selectors("active") else "new", DOMAIN)
            self.publish()
            self.until("active")
        return self.selectors("active")

    # ---- mail ----

    def send(self, subject, more="", body=None, options=()):
        address = self.suite.account(0)[0]
        with connect(self.suite) as s:
            octets = text(address, subject, more) if body is None else body
            if isinstance(octets, str):
                octets = octets.encode()
            s.sendmail(address, [address], octets, mail_options=options)
        return arrived(self.suite, 0, subject)

    def verified(self, message):
        """Selectors whose signature dkimpy verifies with what is in the zone."""
        def lookup(name, timeout=5):
            value = self.published.get(name.decode().rstrip("."))
            return None if value is None else value.encode()
        d = dkim.DKIM(message)
        fields = [v for k, v in d.headers if k.lower() == b"dkim-signature"]
        found = set()
        for i, field in enumerate(fields):
            d = dkim.DKIM(message)
            assert d.verify(idx=i, dnsfunc=lookup), field
            found.add(re.search(rb"\bs=([^;\s]+)", field).group(1).decode())
        return found


def open_server():
    if not have_nsd():
        pytest.skip("no NSD here")
    server = DnsServer(new_folder(), port=free_port())
    server.zone(DOMAIN, "", PLAIN)
    return server.start()


@pytest.fixture(scope="module")
def signing():
    server = open_server()
    s = Signing(server)
    try:
        with running(server.folder, users=2, forgive=f"{KILLED}|{WARNED}",
                     options=s.options()) as suite:
            s.suite = suite
            yield s
    finally:
        server.stop()


# ---- the life of a key ----

def test_a_key_signs_once_its_record_is_seen(signing):
    made = signing.dkim("new", DOMAIN)
    assert "What happens next" in made and made.count("IN TXT (") == 2
    assert {k["state"] for k in signing.keys(DOMAIN)} == {"pending"}
    assert signing.verified(signing.send("before publishing")) == set()
    signing.publish()
    active = signing.until("active")
    assert signing.verified(signing.send("after publishing")) == active
    log = signing.suite.log()
    for selector in active:
        steps = re.findall(rf"DKIM key {selector} of {DOMAIN} is (\w+)", log)
        assert steps == ["pending", "published", "active"]
    # what show prints is what a zone file takes, RSA's text in strings of at most 255 octets
    shown = signing.dkim("show", DOMAIN)
    for strings in re.findall(r"IN TXT \( (.*) \)", shown):
        parts = re.findall(r'"([^"]*)"', strings)
        assert "".join(parts) in signing.published.values()
        assert max(len(p) for p in parts) <= 255


def test_orders_that_make_no_sense_are_refused(signing):
    active = sorted(signing.make_active())
    for words, status, said in [
            (["new", DOMAIN], 1, "rotate"), (["rotate", "unknown.test"], 1, "dkim new"),
            (["new", "no domain"], 2, "not a domain"), (["new", "[192.0.2.1]"], 2, "not a domain"),
            (["new", "other.test", "--anyway", "--selector", "../x"], 1, "selector"),
            (["new", "other.test", "--anyway", "--selector", "A b"], 1, "selector"),
            (["new", "other.test"], 1, "relais domain add other.test"),
            (["rotate", DOMAIN, "--anyway"], 2, "Usage"),
            (["retire", DOMAIN, "nothing"], 1, "no such key"),
            (["remove", DOMAIN, active[0]], 1, "retire it first"),
            (["retire", DOMAIN], 2, "Usage"), (["sing"], 2, "Usage"), ([], 2, "Usage"),
            (["new", DOMAIN, "--wrong"], 2, "Usage")]:
        done = signing.dkim(*words, check=False)
        assert (done.returncode, said in done.stderr) == (status, True), (words, done)
    assert "Usage" in signing.dkim("--help")
    assert signing.selectors("active") == set(active)


def test_names_of_selectors(signing):
    signing.dkim("new", "Other.TEST", "--selector", "mail", "--anyway")
    assert {k["selector"] for k in signing.keys("other.test")} == {"rmail", "email"}
    assert "there are keys that wait" in signing.dkim("new", "other.test", "--anyway", check=False).stderr
    for selector in ("rmail", "email"):
        signing.dkim("remove", "other.test", selector)
    assert signing.keys("other.test") == []
    assert signing.dkim("show", "other.test", check=False).returncode == 1
    signing.suite.relais("domain", "add", "münchen.test")
    wait_for(lambda: signing.dkim("new", "münchen.test", check=False).returncode == 0)
    assert {k["domain"] for k in signing.keys()} == {DOMAIN, "xn--mnchen-3ya.test"}
    year = time.strftime("%Y", time.gmtime())
    assert {k["selector"] for k in signing.keys("münchen.test")} == {f"r{year}a", f"e{year}a"}
    for selector in (f"r{year}a", f"e{year}a"):
        signing.dkim("remove", "münchen.test", selector)


def test_keys_are_made_for_our_domains(signing):
    """Local, relay or alias, and names under which the suite itself writes; others only anyway."""
    suite = signing.suite
    for name, *words in [("relay.test", "relay"), ("alias.test", "alias", DOMAIN)]:
        suite.relais("domain", "add", name, *words)
        wait_for(lambda name=name: signing.dkim("new", name, check=False).returncode == 0)
    signing.dkim("new", "reports.test")  # report_from's
    done = signing.dkim("new", f"a.{DOMAIN}", check=False)
    assert (done.returncode, f"a.{DOMAIN} is no domain of this suite" in done.stderr) == (1, True)
    assert signing.keys(f"a.{DOMAIN}") == []
    for name in ("relay.test", "alias.test", "reports.test"):
        for key in signing.keys(name):
            signing.dkim("remove", name, key["selector"])


def test_a_subdomain_is_signed_for_by_the_domain_above(signing):
    """Relaxed alignment; its own keys take over once they are active."""
    suite, above, ann = signing.suite, signing.make_active(), f"ann@sub.{DOMAIN}"
    suite.relais("domain", "add", f"sub.{DOMAIN}")
    suite.relais("user", "add", ann, "--password-stdin", stdin="secret of ann\n")

    def log_in():
        s = connect(suite, login=None)
        try:
            s.login(ann, "secret of ann")
            return s
        except smtplib.SMTPException:
            s.close()
            return None

    def send(subject):
        with wait_for(log_in) as s:
            s.sendmail(ann, [suite.account(0)[0]], text(ann, subject).encode())
        message = arrived(suite, 0, subject)
        return signing.verified(message), set(re.findall(rb"[;\s]d=([^;\s]+);", message))

    assert send("from below") == (above, {DOMAIN.encode()})
    signing.dkim("new", f"sub.{DOMAIN}", "--selector", "own")
    keys = {k["name"]: k["record"] for k in signing.keys() if k["state"] in ("pending", "active")}
    signing.set_records(keys)
    wait_for(lambda: {k["state"] for k in signing.keys(f"sub.{DOMAIN}")} == {"active"}, 30)
    assert send("with its own") == ({"rown", "eown"}, {f"sub.{DOMAIN}".encode()})
    for key in ("rown", "eown"):
        signing.dkim("retire", f"sub.{DOMAIN}", key)
    assert send("from below again") == (above, {DOMAIN.encode()})
    signing.publish()


def test_rotation_by_hand(signing):
    old = signing.make_active()
    signing.dkim("rotate", DOMAIN)
    new = signing.selectors("pending")
    assert {s[0] for s in new} == BOTH and not new & old
    assert signing.verified(signing.send("old keys sign on")) == old
    signing.publish()
    signing.until("active", *new)
    assert signing.selectors("retiring") == old
    message = signing.send("new keys sign")
    assert signing.verified(message) == new
    signing.until("gone", *old)
    assert all("PRIVATE KEY" not in open(path).read()
               for s in old for path in glob.glob(
                   os.path.join(signing.suite.folder, "state", "dkim", s + "._domainkey.*")))
    assert "may be removed" in signing.dkim("show", DOMAIN)
    signing.publish(states=("active",))
    wait_for(lambda: not signing.selectors("gone"))
    assert signing.selectors("active") == new


def test_a_retired_key_signs_no_more(signing):
    active = signing.make_active()
    rsa = next(s for s in active if s[0] == "r")
    assert "signs no more" in signing.dkim("retire", DOMAIN, rsa)
    assert signing.verified(signing.send("one signature")) == active - {rsa}


def test_one_type_alone(signing):
    """Who publishes RSA only can rotate it: the other key goes on waiting for its record."""
    active = signing.make_active()
    lone = next(s for s in active if s[0] == "r")
    signing.set_records({k["name"]: k["record"] for k in signing.keys(DOMAIN)
                         if k["selector"] == lone})
    signing.until("pending", *(active - {lone}))
    assert signing.verified(signing.send("RSA alone")) == {lone}
    signing.dkim("rotate", DOMAIN)
    waiting = signing.selectors("pending")
    assert len(waiting) == 2 and waiting > active - {lone}
    assert "publish their records" in signing.dkim("rotate", DOMAIN, check=False).stderr
    signing.publish()
    signing.until("active", *waiting)


# ---- what DNS says ----

def test_silence_changes_nothing(signing):
    active = signing.make_active()
    before = len(signing.suite.log())
    signing.server.stop()
    wait_for(lambda: re.search(r"can't be seen \(\d+ looks\): (servfail|timeout)", signing.suite.log()[before:]))
    signing.dkim("rotate", DOMAIN)
    time.sleep(2)  # looks go on meanwhile, and find nobody
    assert signing.selectors("active") == active and len(signing.selectors("pending")) == 2
    message = signing.send("signed in silence")
    signing.server.start()
    assert signing.verified(message) == active
    for key in signing.selectors("pending"):
        signing.dkim("remove", DOMAIN, key)


def test_a_key_whose_record_is_gone_stops_signing(signing):
    active = signing.make_active()
    records = dict(signing.published)
    signing.set_records({})
    signing.until("pending", *active)
    assert signing.verified(signing.send("no record, no signature")) == set()
    signing.set_records(records)
    signing.until("active", *active)


def test_an_older_key_does_not_come_back(signing):
    """Nor does a new one take the name of a file that is none of the keys read."""
    old = signing.make_active()
    letter = max(k["selector"] for k in signing.keys(DOMAIN) if k["selector"][0] == "r")
    taken = letter[:-1] + chr(ord(letter[-1]) + 1)
    path = os.path.join(signing.suite.folder, "state", "dkim", f"{taken}._domainkey.{DOMAIN}")
    with open(path, "w", encoding="ascii") as f:
        f.write("damaged")
    signing.dkim("rotate", DOMAIN)
    with open(path, encoding="ascii") as f:
        assert f.read() == "damaged"
    os.unlink(path)
    new = signing.selectors("pending")
    assert len(new) == 2 and taken not in new
    signing.set_records({})
    signing.until("pending", *old)
    signing.set_records({k["name"]: k["record"] for k in signing.keys(DOMAIN) if k["selector"] in new})
    signing.until("active", *new)
    signing.publish()
    wait_for(lambda: old <= signing.selectors("retiring") | signing.selectors("gone"))
    assert signing.selectors("active") == new


def test_another_record_is_not_ours(signing):
    active = signing.make_active()
    signing.dkim("rotate", DOMAIN)
    new = signing.selectors("pending")
    theirs = {k["name"]: k["record"] for k in signing.keys(DOMAIN)}
    foreign = {n: re.sub("p=.*", "p=" + r.split("p=")[1][::-1], r)
               if n.split(".")[0] in new else r for n, r in theirs.items()}
    signing.set_records(foreign)
    wait_for(lambda: all("not this key's" in k["seen"] for k in signing.keys(DOMAIN)
                         if k["selector"] in new))
    assert signing.selectors("pending") == new
    signing.set_records(theirs)
    signing.until("active", *new)
    assert signing.selectors("retiring") >= active


# ---- what is signed ----

def shapes():
    lines = "A line of text with blanks at its end.  \r\n\r\n"
    return {
        "plain": ("", "Hello.\r\n"),
        "date and id of its own": ("Date: Sat, 21 Nov 2026 22:04:57 +0100\r\n"
                                   "Message-ID: <1@example.test>\r\n", "Hello.\r\n"),
        "empty body": ("", ""),
        "blank lines at the end": ("", "Hello.\r\n\r\n\r\n\r\n"),
        "folded": ("Subject2: a\r\n\tb\r\n   c\r\nTo: a@example.test,\r\n b@example.test\r\n", "x\r\n"),
        "twice the same": ("Comments: one\r\nComments: two\r\nCC: x@example.test\r\n", "x\r\n"),
        "dots": ("", ".\r\n..\r\n.x\r\n"),
        "8-bit": ("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: 8bit\r\n", "Grüße\r\n"),
        "40 KiB": ("", lines * 1000),
        "300 KiB": ("", lines * 7500),
        "Bcc goes": ("Bcc: secret@example.test\r\n", "x\r\n"),
    }


@pytest.mark.parametrize("label", shapes())
def test_shapes(signing, label):
    active = signing.make_active()
    more, body = shapes()[label]
    address = signing.suite.account(0)[0]
    subject = f"shape {label} {time.time_ns()}"
    octets = f"From: Ada <{address}>\r\nSubject: {subject}\r\n{more}\r\n{body}".encode()
    message = signing.send(subject, body=octets, options=["BODY=8BITMIME"] if "8-bit" in label else ())
    assert signing.verified(message) == active
    signed = re.findall(rb"\bh=([^;]+);", message)[0].lower()
    for name in (b"from", b"subject", b"date", b"message-id"):
        assert name in re.sub(rb"\s", b"", signed).split(b":")
    # From cannot be added to
    assert re.sub(rb"\s", b"", signed).split(b":").count(b"from") == 2


def test_swaks(signing):
    need("swaks")
    active = signing.make_active()
    address, password = signing.suite.account(0)
    run(["swaks", "--server", "127.0.0.1", "--port", str(signing.suite.port("submission")), "--tls",
         "--auth", "PLAIN", "--auth-user", address, "--auth-password", password, "--from", address,
         "--to", address, "--header", "Subject: from swaks"])
    assert signing.verified(arrived(signing.suite, 0, "from swaks")) == active


def test_sendmail(signing):
    """A local user's mail is signed too if the domain is ours and his."""
    if os.geteuid() != 0:
        pytest.skip("needs root, who may send as anybody")
    active = signing.make_active()
    address = signing.suite.account(0)[0]
    run([os.path.join(signing.suite.build, "bin", "sendmail"), "-f", address, address],
        stdin=f"From: {address}\nSubject: from sendmail\n\nHello.\n".encode(),
        env={"RELAIS_CONFIG": os.path.join(signing.suite.folder, "relais.conf"),
             "ASAN_OPTIONS": "detect_leaks=0"})
    assert signing.verified(arrived(signing.suite, 0, "from sendmail")) == active


# ---- deaths ----

def test_reports(signing):
    """What qmgr writes itself, in the name of the host: its domain's keys sign."""
    active, suite = signing.make_active(), signing.suite
    address = suite.account(0)[0]
    with connect(suite) as s:
        s.sendmail(address, ["x@nowhere.invalid"], text(address, "to nowhere"))

    def returned():
        suite.relais("queue", "bounce", "--recipient", "x@nowhere.invalid", check=False)
        return "sender non-delivery notification" in suite.log()
    wait_for(returned)
    assert signing.verified(arrived(suite, 0, "Undelivered Mail Returned to Sender")) == active


def test_the_keeper_dies(signing):
    active = signing.make_active()
    pid = signing.suite.pids("dkim-keeper")[0]
    os.kill(pid, signal.SIGKILL)
    message = signing.send("without a keeper")
    wait_for(lambda: signing.suite.pids("dkim-keeper") not in ([], [pid]))
    assert signing.verified(message) == active == signing.selectors("active")


def test_signers_and_keeper_die(signing):
    active = signing.make_active()
    for _ in range(3):
        for pid in signing.suite.pids("mailauth-sign") + signing.suite.pids("dkim-keeper"):
            os.kill(pid, signal.SIGKILL)
        assert signing.verified(signing.send(f"after deaths {time.time_ns()}")) == active


def test_directory_dies(signing):
    """A new directory has a new key for tickets."""
    active = signing.make_active()
    for pid in signing.suite.pids("directory"):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: signing.suite.pids("directory"))

    def again():
        try:
            return signing.send(f"after directory {time.time_ns()}")
        except smtplib.SMTPException:
            return None
    assert signing.verified(wait_for(again)) == active


@pytest.mark.parametrize("required", [False, True])
def test_no_signer_with_keys(required):
    """The keeper hangs and the signers are new: the option says what becomes of mail."""
    server = open_server()
    s = Signing(server)
    try:
        with running(server.folder, users=1, forgive=f"{KILLED}|{WARNED}", options=s.options(
                **{"mailauth.sign_required": "yes" if required else "no"})) as suite:
            s.suite = suite
            s.make_active()
            keeper = suite.pids("dkim-keeper")[0]
            os.kill(keeper, signal.SIGSTOP)
            try:
                for pid in suite.pids("mailauth-sign"):
                    os.kill(pid, signal.SIGKILL)
                if required:
                    with pytest.raises(smtplib.SMTPDataError) as refused:
                        s.send("not without a signature")
                    assert refused.value.smtp_code == 451
                else:
                    assert s.verified(s.send("goes unsigned")) == set()
                assert "not signed for" in suite.log()
            finally:
                os.kill(keeper, signal.SIGCONT)
            wait_for(lambda: s.verified(s.send(f"signed again {time.time_ns()}"))
                     if not required else True)
    finally:
        server.stop()


@pytest.mark.parametrize("poison", ["x-fault-crash", "x-fault-hang"])
def test_a_message_kills_a_signer(poison):
    """One signer, not one after the other; it goes unsigned, and others do not notice."""
    if "debug" not in os.path.basename(os.environ.get("RELAIS_BUILD", "debug")):
        pytest.skip("injected in debug builds only")
    server = open_server()
    s = Signing(server)
    try:
        with running(server.folder, users=1, forgive=f"mailauth-sign.* was killed by signal|{WARNED}",
                     env={"RELAIS_MAILAUTH_FAULT": "1"}, options=s.options(
                         **{"mailauth.signers": "1"})) as suite:
            s.suite = suite
            active = s.make_active()
            assert s.verified(s.send("poison", f"X-Poison: {poison}\r\n")) == set()
            assert s.verified(s.send("good")) == active
            log = suite.log()
            assert len(re.findall(r"mailauth-sign.* was killed by signal", log)) == 1
            assert log.count("the signer crashed on it or hung") == 1
    finally:
        server.stop()


# ---- time and disk ----

def test_rotation_by_itself():
    server = open_server()
    s = Signing(server)
    try:
        with running(server.folder, users=1, forgive=WARNED, options=s.options(
                **{"mailauth.dkim_rotate": "4s"})) as suite:
            s.suite = suite
            first = s.make_active()
            s.until("pending")  # by itself, and it waits for its record
            assert s.selectors("active") == first
            new = s.selectors("pending")
            log = suite.log()
            for k in s.keys(DOMAIN):
                if k["selector"] in new:
                    assert f"publish {k['name']} TXT \"{k['record']}\"" in log
            s.publish()
            s.until("active", *new)
            assert s.verified(s.send("signed by new ones")) >= {min(new)[:1] + min(new)[1:]}
    finally:
        server.stop()


@pytest.mark.parametrize("plan", ["dkim-keeper/fsync:1:EIO", "dkim-keeper/fsync:4:ENOSPC",
                                  "dkim-keeper/rename:1:EIO", "dkim-keeper/fsync:5-8:EIO"])
def test_failing_disk(plan):
    """A key that could not be written is not told of; a state that could not be written comes
    later; after a crash everything is as it was said to be."""
    server = open_server()
    s = Signing(server)
    suite = Suite(new_folder(), users=1, options=s.options(), env={"RELAIS_FAULT": plan})
    try:
        s.suite = suite.start()
        for _ in range(3):
            done = s.dkim("new", DOMAIN, check=False)
            if done.returncode == 0:
                break
            assert s.keys(DOMAIN) == []
        assert done.returncode == 0
        s.publish()
        active = s.until("active")
        keeper = suite.pids("dkim-keeper")[0]
        assert "can't be written" in suite.log()
        os.kill(keeper, signal.SIGKILL)
        wait_for(lambda: suite.pids("dkim-keeper") not in ([], [keeper]))
        assert s.until("active") == active
        assert s.verified(s.send("signed after all")) == active
    finally:
        suite.stop()
        server.stop()
        log = suite.log()
        for folder in (suite.folder, server.folder):
            shutil.rmtree(folder, ignore_errors=True)
    assert_healthy(log, f"{KILLED}|{WARNED}|can't be written|no new DKIM keys")


def test_counters(signing):
    signing.make_active()
    signing.send(f"counted {time.time_ns()}")
    text_ = signing.suite.relais("status", "--all", check=False).stdout
    for name in ("sign_message_total", "sign_signature_total", "dkim_keys_active",
                 "submission_signed_total"):
        assert re.search(rf"{name}.*\s[1-9]", text_), name
