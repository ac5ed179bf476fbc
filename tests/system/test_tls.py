# SPDX-License-Identifier: ISC
"""TLS at all seven doors, with the keys in keyholder: protocols, names, tickets, changed and broken
certificates, keyholder's death; and no private key in any door's memory.
"""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from certs import (DOORS, Refused, connect, context, fingerprint, make_pair, secrets, served, start_tls)
from conftest import needs_root, new_folder, running, wait_for

RELEASE = os.environ.get("RELAIS_RELEASE") or None
DOOR_SERVICES = ("smtpd", "submission", "imap-login", "pop3-login")
EC12, RSA12 = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"


def make_certificates(folder):
    make_pair(f"{folder}/mx-ec", ["mx.example.test", "example.test"], "ec")
    make_pair(f"{folder}/mx-rsa", ["mx.example.test"], "rsa")
    make_pair(f"{folder}/other", ["mail.other.example"], "ec")
    make_pair(f"{folder}/wild", ["*.wild.example"], "rsa")


@pytest.fixture(scope="module")
def suite():
    certs = new_folder()
    make_certificates(certs)
    with running(certs, users=1, options=[f"tls.certificates={certs}", "workers=2", "tls.ticket_rotation=6s",
                                          "tls.check_interval=1s"]) as s:
        s.certs = certs
        yield s


def print_of(suite, name):
    return fingerprint(f"{suite.certs}/{name}/fullchain.pem")


# ---- what is spoken ----

@pytest.mark.parametrize("door", DOORS)
def test_each_door_speaks_each_kind(suite, door):
    kinds = [(ssl.TLSVersion.TLSv1_3, None, "mx-ec"), (ssl.TLSVersion.TLSv1_2, EC12, "mx-ec"),
             (ssl.TLSVersion.TLSv1_2, RSA12, "mx-rsa")]
    for version, ciphers, expected in kinds:
        ctx = context(version, ciphers)
        # trusted and of the right name: the signature is checked, too
        ctx.load_verify_locations(f"{suite.certs}/{expected}/fullchain.pem")
        ctx.verify_mode, ctx.check_hostname = ssl.CERT_REQUIRED, True
        with connect(suite, door, ctx, "mx.example.test") as s:
            assert s.version() == ("TLSv1.3" if ciphers is None else "TLSv1.2")
            assert ciphers is None or s.cipher()[0] == ciphers
            say, hear = {"s": (b"NOOP\r\n", b"250"), "i": (b"a NOOP\r\n", b"a OK"),
                         "p": (b"CAPA\r\n", b"+OK")}[door[0]]
            f = s.makefile("rwb", buffering=0)
            if not DOORS[door]:
                f.readline()  # the greeting
            f.write(say)
            assert f.readline().startswith(hear)


@pytest.mark.parametrize("door", DOORS)
def test_command_in_one_segment_with_the_end_of_the_handshake(suite, door):
    """Octets that TLS has read ahead make no descriptor readable; they are heard all the same."""
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", suite.port(door)), timeout=20) as sock:
            if DOORS[door]:
                start_tls(sock, DOORS[door])
            to, out = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context(ssl.TLSVersion.TLSv1_3).wrap_bio(to, out)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    sock.sendall(out.read())
                    to.write(sock.recv(65536))
            say, hear = {"s": (b"NOOP\r\n", b"250 "), "i": (b"a NOOP\r\n", b"a OK"),
                         "p": (b"CAPA\r\n", b".\r\n")}[door[0]]
            tls.write(say)
            sock.sendall(out.read())  # Finished and the command
            heard = b""
            while hear not in heard:
                try:
                    heard += tls.read(65536)
                except ssl.SSLWantReadError:
                    got = sock.recv(65536)
                    assert got, heard
                    to.write(got)


@pytest.mark.parametrize("name,expected", [
    ("mx.example.test", "mx-ec"), ("MX.Example.Test", "mx-ec"), ("example.test", "mx-ec"),
    ("mail.other.example", "other"), ("a.wild.example", "wild"), ("wild.example", "mx-ec"),
    ("a.b.wild.example", "mx-ec"), ("unknown.example", "mx-ec"), (None, "mx-ec")])
def test_certificate_by_name(suite, name, expected):
    for door in ("smtp", "imaps"):
        assert served(suite, door, name) == print_of(suite, expected)


def s_client(suite, door, *words, session_in=None):
    """openssl s_client; its output."""
    how = ["-starttls", DOORS[door]] if DOORS[door] else []
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{suite.port(door)}",
                           "-ign_eof", "-servername", "mx.example.test", *how, *words],
                          input=b"QUIT\r\na LOGOUT\r\n", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    return done.stdout.decode(errors="replace")


REFUSED = [("-tls1",), ("-tls1_1",), ("-tls1_2", "-cipher", "AES128-GCM-SHA256"),  # no forward secrecy
           ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"),  # CBC
           ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"),
           ("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"),
           ("-tls1_2", "-cipher", "ECDHE-RSA-CAMELLIA128-SHA256"),
           ("-tls1_2", "-cipher", "ADH-AES128-GCM-SHA256:AECDH-AES128-SHA"),
           ("-tls1_2", "-cipher", "eNULL"), ("-tls1_3", "-groups", "P-521"),
           ("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256")]
ACCEPTED = [("-tls1_3", "-ciphersuites", c) for c in
            ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")] + \
           [("-tls1_2", "-cipher", c) for c in
            (EC12, RSA12, "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305")] + \
           [("-tls1_3", "-groups", g) for g in ("X25519", "P-256", "P-384")]


def test_protocols_and_ciphers(suite):
    for words in REFUSED:
        level = [w + ":@SECLEVEL=0" if words[i - 1] == "-cipher" else w
                 for i, w in enumerate(words)]
        if len(words) == 1:
            level += ["-cipher", "ALL:@SECLEVEL=0"]
        assert "Cipher is (NONE)" in s_client(suite, "imaps", *level), words
    for words in ACCEPTED:
        assert "Cipher is (NONE)" not in s_client(suite, "imaps", *words), words


def test_no_renegotiation_no_compression_no_early_data(suite):
    out = s_client(suite, "imaps", "-tls1_2")
    assert "Secure Renegotiation IS supported" in out
    assert "Compression: NONE" in out
    assert "Max Early Data: 0" in s_client(suite, "imaps", "-tls1_3")
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{suite.port('imap')}",
                           "-starttls", "imap", "-tls1_2"], input=b"R\n", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    assert b"RENEGOTIATING" in done.stdout and b"no renegotiation" in done.stdout


@pytest.mark.skipif(shutil.which("sslscan") is None, reason="no sslscan")
@pytest.mark.parametrize("door", ["imaps", "smtp"])
def test_sslscan(suite, door):
    how = {"smtp": ["--starttls-smtp"]}.get(door, [])
    out = subprocess.run(["sslscan", "--no-colour", "--xml=-", *how,
                          f"127.0.0.1:{suite.port(door)}"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True, timeout=120).stdout
    import xml.etree.ElementTree as tree
    test = tree.fromstring(out[out.index("<?xml"):]).find("ssltest")
    on = {(p.get("type"), p.get("version")) for p in test.findall("protocol")
          if p.get("enabled") == "1"}
    assert on == {("tls", "1.2"), ("tls", "1.3")}
    ciphers = [c.get("cipher") for c in test.findall("cipher")]
    assert len(ciphers) >= 5
    for c in ciphers:
        assert c.startswith("TLS_") or c.startswith("ECDHE-"), c
        assert "GCM" in c or "CHACHA20" in c, c
    assert all(c.get("supported") == "0" for c in test.findall("compression"))
    assert all(r.get("supported") == "0" or r.get("secure") == "1"
               for r in test.findall("renegotiation"))
    assert all(h.get("vulnerable") == "0" for h in test.findall("heartbleed"))


# ---- tickets ----

def session_of(s):
    """The session once its ticket has come (TLS 1.3 sends it behind the handshake)."""
    s.makefile("rb", buffering=0).readline()
    return s.session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_go_on_at_every_process(suite, version):
    ctx = context(version)
    offset, seen = len(suite.log()), set()
    for _ in range(20):
        with connect(suite, "submissions", ctx) as s:
            session = session_of(s)
        for _ in range(4):
            with connect(suite, "submissions", ctx, session=session) as s:
                assert s.session_reused
        seen = {line.split("submission[")[1].split("]")[0]
                for line in suite.log()[offset:].splitlines()
                if "submission[" in line and "TLS connection established" in line}
        if len(seen) > 1:
            break
    assert len(seen) == 2, "both processes have served resumed sessions"


def ticket_name(path):
    """The name of the key that made the ticket of a saved session."""
    out = subprocess.run(["openssl", "sess_id", "-in", path, "-noout", "-text"], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return out.split("0000 - ")[1].split("   ")[0]


def last_before_rotation(suite, old, new):
    """Two sessions: one made with the keys before a rotation, as late as can be, one behind it."""
    end = time.monotonic() + 20
    s_client(suite, "imaps", "-tls1_3", "-sess_out", old)
    while True:  # the last session before the keys are replaced
        s_client(suite, "imaps", "-tls1_3", "-sess_out", new)
        if ticket_name(new) != ticket_name(old):
            return
        os.rename(new, old)
        assert time.monotonic() < end, "keys do not rotate"


def test_sessions_outlive_a_rotation_and_stay_within_their_service(suite, tmp_path):
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    for attempt in range(4):  # a session lives 6 s: on a busy machine it may be over
        last_before_rotation(suite, old, new)
        if "Reused" in s_client(suite, "imaps", "-tls1_3", "-sess_in", old):
            break
        assert attempt < 3, "the previous keys are not taken"
    assert "Reused" in s_client(suite, "imap", "-tls1_3", "-sess_in", new)  # the same service
    for door in ("submissions", "pop3s", "smtp"):
        assert "Reused" not in s_client(suite, door, "-tls1_3", "-sess_in", new)


# ---- certificates that change ----

class Load:
    """Handshakes without end at some doors; counts and names what fails."""

    def __init__(self, suite, doors, threads=2):
        self.suite, self.good, self.bad, self.polite = suite, 0, [], 0
        self.over, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(door,), daemon=True)
                        for door in doors for _ in range(threads)]

    def run(self, door):
        ctx = context()
        while not self.over.is_set():
            try:
                with connect(self.suite, door, ctx, timeout=20) as s:
                    s.do_handshake()
                with self.lock:
                    self.good += 1
            except Refused:
                with self.lock:
                    self.polite += 1
                time.sleep(0.02)
            except (OSError, ssl.SSLError) as e:
                with self.lock:
                    self.bad.append(f"{door}: {e!r}")
                time.sleep(0.02)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        for t in self.threads:
            t.join(30)


def test_changed_certificate_is_taken_up_without_a_failed_handshake(suite):
    before, offset = suite.pids("keyholder"), len(suite.log())
    doors = {s: suite.pids(s) for s in DOOR_SERVICES}
    with Load(suite, ["smtp", "submissions", "imaps", "pop3"]) as load:
        for _ in range(3):
            make_pair(f"{suite.certs}/mx-ec", ["mx.example.test", "example.test"], "ec")
            expected = print_of(suite, "mx-ec")
            for door in DOORS:
                wait_for(lambda: served(suite, door, "mx.example.test") == expected, 60)
    assert load.bad == [] and load.polite == 0 and load.good > 20
    assert suite.pids("keyholder") != before
    assert {s: suite.pids(s) for s in DOOR_SERVICES} == doors
    wait_for(lambda: len([s for s in suite.status()["services"]
                          if s["service"] == "keyholder"]) == 1)
    wait_for(lambda: "certificates have changed" in suite.log()[offset:])


def test_broken_certificate_is_refused_and_the_old_one_stays(suite):
    folder, offset = f"{suite.certs}/other", len(suite.log())
    before = print_of(suite, "other")
    key = open(f"{folder}/privkey.pem").read()
    with open(f"{folder}/privkey.pem", "w") as f:
        f.write(open(f"{suite.certs}/wild/privkey.pem").read())
    try:
        wait_for(lambda: "the old ones go on being served" in suite.log()[offset:], 60)
        wait_for(lambda: "does not belong to the certificate" in suite.log()[offset:])
        for door in ("smtp", "imaps"):
            assert served(suite, door, "mail.other.example") == before
        check = suite.relais("cert", "check", check=False)
        assert check.returncode == 1 and "does not belong" in check.stdout
        assert suite.relais("config", "check", check=False).returncode == 1
    finally:
        with open(f"{folder}/privkey.pem", "w") as f:
            f.write(key)
    offset = len(suite.log())
    wait_for(lambda: "takes the place of" in suite.log()[offset:], 60)
    assert suite.relais("cert", "check") == ""


def test_reload_replaces_keyholder_without_a_failed_handshake(suite):
    before = suite.pids("keyholder")
    with Load(suite, ["imaps"]) as load:
        wait_for(lambda: load.good > 5)
        # the doors are replaced as well: what they accepted they serve to its end
        suite.relais("reload")
        wait_for(lambda: suite.pids("keyholder") not in ([], before) and
                 len(suite.pids("keyholder")) == 1)
        done = load.good
        wait_for(lambda: load.good > done + 5)
    assert load.bad == []


def test_new_name_beside_the_others(suite):
    make_pair(f"{suite.certs}/late", ["late.example"], "ec")
    wait_for(lambda: served(suite, "imaps", "late.example") == print_of(suite, "late"), 60)
    wait_for(lambda: served(suite, "smtp", "late.example") == print_of(suite, "late"))


# ---- the operator's command ----

def test_cert_list(suite):
    rows = json.loads(suite.relais("cert", "list", "--json"))
    row = next(r for r in rows if "*.wild.example" in r["names"])
    assert row["key_type"] == "RSA" and row["bits"] == 2048 and row["served"]
    assert row["problem"] is None and 88 <= row["days_left"] <= 90
    assert row["sha256"] == print_of(suite, "wild")
    text = suite.relais("cert", "list")
    assert "*.wild.example" in text and "RSA 2048" in text and "ECDSA P-256" in text
    assert "relais cert" in suite.relais("cert", "--help")
    assert suite.relais("cert", "frobnicate", check=False).returncode == 2


def test_old_and_missing_certificates_are_named(fresh_suite):
    certs = new_folder()
    make_pair(f"{certs}/soon", ["mx.example.test"], "ec", days=7)
    try:
        s = fresh_suite(users=1, options=[f"tls.certificates={certs}"])
        wait_for(lambda: "expires in 6 days" in s.log() or "expires in 7 days" in s.log())
        assert served(s, "imaps") == fingerprint(f"{certs}/soon/fullchain.pem")
        check = s.relais("cert", "check", check=False)
        assert check.returncode == 1 and "expires in" in check.stdout
        assert s.relais("config", "check", check=False).returncode == 0  # it can be served
        missing = s.relais("--option", "tls.certificate=/nowhere/cert.pem",
                           "--option", "tls.key=/nowhere/key.pem", "cert", "check", check=False)
        assert missing.returncode == 1 and "/nowhere/cert.pem: No such file" in missing.stdout
    finally:
        shutil.rmtree(certs, ignore_errors=True)


def test_self_signed_is_made_and_kept(fresh_suite):
    s = fresh_suite(users=1)
    path = os.path.join(s.folder, "state", "tls", "self-signed.pem")
    first = fingerprint(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    for door in DOORS:
        assert served(s, door) == first
    row, = json.loads(s.relais("cert", "list", "--json"))
    assert row["self_signed"] and row["names"] == ["mx.example.test"] and row["days_left"] > 300
    old = s.pids("keyholder")[0]
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: s.pids("keyholder") not in ([], [old]))
    wait_for(lambda: tries(lambda: served(s, "imaps")) == first)


def only_one(pids):
    return pids[0] if len(pids) == 1 else None


def test_self_signed_is_renewed_before_its_end(fresh_suite, tmp_path):
    """At each look (a start, a reload, each 30 days): sixty days before its end it gets a successor, not earlier."""
    s = fresh_suite(users=1)
    path = os.path.join(s.folder, "state/tls/self-signed.pem")
    for days, renewed in ((62, False), (58, True)):
        folder = str(tmp_path / str(days))
        make_pair(folder, ["mx.example.test"], days=days)
        before = wait_for(lambda: only_one(s.pids("keyholder")))
        begin = len(s.log())
        with open(path, "w") as f:  # as ours: key and certificate in one
            f.write(open(f"{folder}/privkey.pem").read() + open(f"{folder}/fullchain.pem").read())
        s.relais("reload")
        # the old one may answer for a while beside the new one
        wait_for(lambda: only_one(s.pids("keyholder")) not in (None, before))
        left = json.loads(s.relais("cert", "list", "--json"))[0]["days_left"]
        assert left > 300 if renewed else 60 <= left <= 62
        wait_for(lambda: tries(lambda: served(s, "smtp")) == fingerprint(path))
        wait_for(lambda: ("a self-signed certificate for mx.example.test was made" in s.log()[begin:]) == renewed)


# ---- keyholder's death ----

def tries(what):
    try:
        return what()
    except (OSError, ssl.SSLError, Refused):
        return None


def test_keyholder_killed_under_handshakes(fresh_suite):
    s = fresh_suite(users=1, options=["workers=2"])
    doors = {name: s.pids(name) for name in DOOR_SERVICES}
    with Load(s, ["smtp", "submissions", "imaps", "pop3"], threads=3) as load:
        for _ in range(3):
            good = load.good
            wait_for(lambda: load.good > good + 20, 60)
            old = s.pids("keyholder")
            os.kill(old[0], signal.SIGKILL)
            wait_for(lambda: s.pids("keyholder") not in ([], old))
        good = load.good
        wait_for(lambda: load.good > good + 20, 60)
    # clients were turned away for a moment, and nothing else happened
    assert {name: s.pids(name) for name in DOOR_SERVICES} == doors
    assert "panic" not in s.log() and "AddressSanitizer" not in s.log()


def test_without_keyholder_454_and_closed_doors(fresh_suite):
    s = fresh_suite(users=1)
    keyholder = s.pids("keyholder")[0]
    os.kill(keyholder, signal.SIGSTOP)  # as good as dead, and not restarted at once
    try:
        with socket.create_connection(("127.0.0.1", s.port("imaps")), timeout=30) as sock:
            with pytest.raises((ssl.SSLError, OSError)):
                context().wrap_socket(sock)  # no signature in time: closed, not for ever
    finally:
        os.kill(keyholder, signal.SIGKILL)
    wait_for(lambda: tries(lambda: served(s, "imaps")), 60)


def test_no_certificate_at_all(fresh_suite):
    s = fresh_suite(users=1, options=["tls.self_signed=no"])
    for door in ("smtp", "submission", "imap", "pop3"):
        with pytest.raises(Refused) as e:
            connect(s, door)
        assert door[0] != "s" or str(e.value).startswith("454 4.7.0")
    for door in ("submissions", "imaps", "pop3s"):
        with pytest.raises((ssl.SSLError, OSError)):
            connect(s, door)
    wait_for(lambda: "there is no certificate" in s.log())


# ---- no key in any door ----

def memory(pid):
    """All of a process' memory, region by region."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if "r" not in rights or end - start > 1 << 30:
                continue
            try:
                mem.seek(start)
                yield mem.read(end - start)
            except (OSError, ValueError):
                continue


def found_in(pid, needles):
    found = set()
    for region in memory(pid):
        for name, octets in needles.items():
            if name not in found and octets in region:
                found.add(name)
    return found


@needs_root
def test_no_private_key_in_the_doors(fresh_suite):
    certs = new_folder()
    make_certificates(certs)
    try:
        # without sanitizers: their shadows are terabytes of maps
        s = fresh_suite(users=1, build=RELEASE, options=[f"tls.certificates={certs}"])
        needles = {}
        for name in ("mx-ec", "mx-rsa"):
            for what, octets in secrets(f"{certs}/{name}").items():
                needles[f"{name} {what}"] = octets
                if not what.startswith("PEM"):
                    needles[f"{name} {what}, as limbs"] = octets[::-1]
        assert len(needles) > 20
        with Load(s, DOORS, threads=1) as load:
            for ctx in (context(ssl.TLSVersion.TLSv1_2, RSA12), context()):
                for door in DOORS:
                    served(s, door, "mx.example.test", ctx)
            wait_for(lambda: load.good > 50, 60)
            for service in DOOR_SERVICES:
                for pid in s.pids(service):
                    assert found_in(pid, needles) == set(), service
            # the search is able to find: in the one process that has them
            held = found_in(s.pids("keyholder")[0], needles)
            assert any("mx-ec priv" in n for n in held)
            assert any("mx-rsa prime" in n for n in held)
            assert not any("PEM" in n for n in held), "the files' text is wiped"
        assert load.bad == []
    finally:
        shutil.rmtree(certs, ignore_errors=True)


@needs_root
def test_keyholder_is_out_of_reach(suite):
    pid = suite.pids("keyholder")[0]
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines()
                  if ":\t" in line)
    assert status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1"
    assert int(status["CapEff"], 16) == 0 and status["Uid"].split()[0] != "0"
    assert os.readlink(f"/proc/{pid}/root").endswith("/empty")
    open_files = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    assert not any(path.endswith(".pem") for path in open_files)
    # not dumpable: its memory belongs to root
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0
