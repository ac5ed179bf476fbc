# SPDX-License-Identifier: ISC
"""TLS at the doors of IMAP and POP3: STARTTLS, STLS, imaps, pop3s; real clients; what passes through the
login half after the login; SASL over it.
"""
import base64
import hashlib
import hmac
import imaplib
import os
import poplib
import re
import signal
import socket
import ssl
import threading
import time
import warnings

import pytest
from clients import fetchmail, getmail, mutt, need, run
from conftest import running, wait_for

IMAP_BEFORE = "* OK [CAPABILITY IMAP4rev1 "


def context(suite):
    """Trusts the demo's own certificate, and checks it."""
    return ssl.create_default_context(cafile=os.path.join(suite.folder, "state/tls/self-signed.pem"))


class Wire:
    """A connection that may become TLS."""

    def __init__(self, suite, port, tls=False, version=None):
        self.suite, self.version = suite, version
        self.sock = socket.create_connection((suite.info["host"], suite.port(port)), timeout=60)
        self.file = None
        if tls:
            self.begin_tls()
        else:
            self.file = self.sock.makefile("rb")
        self.greeting = self.line()

    def begin_tls(self):
        c = context(self.suite)
        if self.version is not None:
            c.maximum_version = self.version
        self.sock = c.wrap_socket(self.sock, server_hostname="mx." + self.suite.info["domain"])
        self.file = self.sock.makefile("rb")

    def send(self, text):
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def ask(self, text):
        self.send(text + "\r\n")
        return self.line()

    def until(self, tag):
        lines = [self.line()]
        while not lines[-1].startswith(tag) and lines[-1] != "":
            lines.append(self.line())
        return lines

    def close(self):
        self.file.close()
        self.sock.close()


@pytest.fixture(scope="module")
def closed():
    """A suite where nobody logs in without TLS: the default."""
    with running(users=2, forgive="killed by signal", options=["plaintext_auth=never", "workers=1", "channel_binding=yes"]) as s:
        yield s


def logged_in(suite, i=0):
    w = Wire(suite, "imaps", tls=True)
    user, password = suite.account(i)
    assert w.ask(f"a LOGIN {user} {password}").startswith("a OK")
    return w


# --- the way into TLS -------------------------------------------------------------------------------


def test_imap_without_tls(closed):
    """LOGINDISABLED, and it is true; no mechanism is offered, none is taken."""
    user, password = closed.account()
    w = Wire(closed, "imap")
    assert " STARTTLS" in w.greeting and " LOGINDISABLED" in w.greeting and "AUTH=" not in w.greeting
    plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    assert w.ask(f"a LOGIN {user} {password}").startswith("a NO [PRIVACYREQUIRED]")
    assert w.ask(f"b AUTHENTICATE PLAIN {plain}").startswith("b NO [PRIVACYREQUIRED]")
    assert w.ask("c AUTHENTICATE SCRAM-SHA-256").startswith("c NO [PRIVACYREQUIRED]")
    w.close()
    wait_for(lambda: re.search(r"imap-login\[\d+\]: Disconnected: .*\(tried to use disallowed plaintext auth\)", closed.log()))


def test_pop3_without_tls(closed):
    user, password = closed.account()
    w = Wire(closed, "pop3")
    w.send("CAPA\r\n")
    capa = w.until(".")
    assert "STLS" in capa and "USER" not in capa and not [c for c in capa if c.startswith("SASL")]
    assert w.ask(f"USER {user}").startswith("-ERR [AUTH]")
    assert w.ask(f"PASS {password}").startswith("-ERR")
    assert w.ask("AUTH PLAIN").startswith("-ERR [AUTH]")


def test_imap_starttls(closed):
    """The capabilities are others afterwards, and one can log in."""
    client = imaplib.IMAP4(closed.info["host"], closed.port("imap"))
    assert "LOGINDISABLED" in client.capabilities
    assert client.starttls(unchecked())[0] == "OK"
    assert "LOGINDISABLED" not in client.capabilities and "STARTTLS" not in client.capabilities
    assert "AUTH=PLAIN" in client.capabilities and "AUTH=SCRAM-SHA-256-PLUS" in client.capabilities
    assert client.login(*closed.account())[0] == "OK"
    assert client.select()[0] == "OK"
    client.logout()


def test_pop3_stls(closed):
    client = poplib.POP3(closed.info["host"], closed.port("pop3"), timeout=60)
    client.stls(unchecked())
    before = client.capa()
    assert "STLS" not in before and "USER" in before and "SCRAM-SHA-256" in before["SASL"]
    client.user(closed.account()[0])
    assert client.pass_(closed.account()[1]).startswith(b"+OK")
    assert client.capa()["SASL"] == before["SASL"]  # RFC 5034 sec. 3: the same in both states
    client.quit()


def test_injection(closed):
    """What was sent before TLS, in the same packet as STARTTLS, is not taken as sent within it."""
    w = Wire(closed, "imap")
    w.send("a STARTTLS\r\nb LOGOUT\r\nc LOGIN {3}\r\n")
    assert w.line().startswith("a OK")
    w.begin_tls()
    assert w.ask("d NOOP").startswith("d OK")
    assert w.ask("e STARTTLS").startswith("e BAD")
    p = Wire(closed, "pop3")
    p.send("STLS\r\nQUIT\r\nUSER x\r\n")
    assert p.line().startswith("+OK")
    p.begin_tls()
    assert p.ask("PASS x").startswith("-ERR No username")
    assert p.ask("STLS").startswith("-ERR")


def test_injection_behind(closed):
    """What comes between STARTTLS and the handshake, in a packet of its own, spoils the handshake."""
    w = Wire(closed, "imap")
    assert w.ask("a STARTTLS").startswith("a OK")
    w.send("b NOOP\r\n")
    with pytest.raises((ssl.SSLError, OSError)):
        w.begin_tls()
    wait_for(lambda: re.search(r"imap-login\[\d+\]: Disconnected: .*, TLS handshaking: [^,]+, session=", closed.log()))


def test_silent_at_an_implicit_port(fresh_suite):
    s = fresh_suite(users=1, options=["imapd.login_timeout=1s", "workers=1"])
    sock = socket.create_connection((s.info["host"], s.port("imaps")), timeout=30)
    assert sock.recv(100) == b""  # no line: it would not be understood
    imap = Wire(s, "imaps", tls=True)
    assert imap.greeting.startswith(IMAP_BEFORE)
    assert imap.line().startswith("* BYE")


def test_old_protocols(closed):
    warnings.simplefilter("ignore", DeprecationWarning)
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
        c.set_ciphers("ALL:@SECLEVEL=0")
        c.minimum_version = c.maximum_version = version
        with socket.create_connection((closed.info["host"], closed.port("imaps")), timeout=30) as sock:
            with pytest.raises((ssl.SSLError, OSError)):
                c.wrap_socket(sock)


# --- what passes after the login -------------------------------------------------------------------


def test_pipelined_into_the_session(closed):
    """Commands behind the login, in the same record of TLS, are the session's."""
    user, password = closed.account()
    w = Wire(closed, "imaps", tls=True)
    w.send(f"a NOOP\r\nb LOGIN {user} {password}\r\nc SELECT INBOX\r\nd LOGOUT\r\n")
    lines = w.file.read().decode().split("\r\n")
    assert [s[:4] for s in lines if re.match(r"[abcd] ", s)] == ["a OK", "b OK", "c OK", "d OK"]


def test_large_messages_both_ways(closed):
    """Many MiB in, and out to a client that reads slowly: octet for octet, and the process stays small."""
    line = b"0123456789abcdef" * 64 + b"\r\n"
    text = b"Subject: large\r\n\r\n" + line * (8 * 1024)
    w = logged_in(closed)
    w.send(f"b APPEND INBOX {{{len(text)}+}}\r\n")
    w.send(text + b"\r\n")
    assert w.until("b ")[-1].startswith("b OK")
    assert w.ask("c SELECT INBOX") and w.until("c ")[-1].startswith("c OK")
    w.send("d UID FETCH * BODY.PEEK[]\r\n")
    time.sleep(0.5)  # nothing is read meanwhile: it waits in the kernel, not in the process
    first = w.line()
    size = int(re.search(r"\{(\d+)\}", first)[1])
    assert size == len(text) and w.file.read(size) == text
    assert w.until("d ")[-1].startswith("d OK")
    pid = closed.pids("imap-login")[0]
    with open(f"/proc/{pid}/status") as f:
        rss = int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
    assert rss < 300 * 1024  # with the address sanitizer
    assert w.ask("e STORE 1:* +FLAGS.SILENT \\Deleted").startswith("e OK")
    w.send("f EXPUNGE\r\n")
    assert w.until("f ")[-1].startswith("f OK")


def test_both_ways_at_once(closed):
    """A client that sends without reading, while the session answers: nothing stands still."""
    w = logged_in(closed)
    n = 20000

    def send():
        w.send("".join(f"t{i} NOOP\r\n" for i in range(n)))
    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(0.5)
    for i in range(n):
        assert w.line() == f"t{i} OK NOOP completed"
    sender.join()


def test_idle_is_told(closed):
    """A notice without a question comes through."""
    w, other = logged_in(closed), logged_in(closed)
    w.send("b SELECT INBOX\r\n")
    w.until("b ")
    assert w.ask("c IDLE").startswith("+")
    other.send("b APPEND INBOX {15+}\r\nSubject: hi\r\n\r\n\r\n")
    assert other.until("b ")[-1].startswith("b OK")
    assert w.until("* 1 EXISTS")[-1].endswith("EXISTS")
    w.send("DONE\r\n")
    assert w.until("c ")[-1].startswith("c OK")
    assert w.ask("d LOGOUT").startswith("* BYE")
    assert w.line().startswith("d OK")
    assert w.file.read() == b""  # and close_notify: without it read() would raise


def test_client_that_leaves(closed):
    """Rudely or by close_notify: its session ends, and what it held is given back."""
    pid = closed.pids("imap-login")[0]
    before = len(os.listdir(f"/proc/{pid}/fd"))
    rude, polite = logged_in(closed), logged_in(closed)
    rude.sock.shutdown(socket.SHUT_RDWR)
    rude.close()
    raw = polite.sock.unwrap()
    assert raw.recv(100) == b""
    raw.close()
    wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= before)


def session_of(suite, user):
    """The pid of the one session that this user has now."""
    def alive():
        pids = re.findall(rf"imap-login\[\d+\]: Login: user=<{user}>.* mpid=(\d+)", suite.log())
        return [int(p) for p in pids if os.path.exists(f"/proc/{p}")]
    return wait_for(lambda: alive()[-1:])[0]


def test_session_that_dies(closed):
    w = logged_in(closed)
    os.kill(session_of(closed, closed.account()[0]), signal.SIGKILL)
    assert w.file.read() == b""


def test_login_lines(closed):
    user, offset = closed.account()[0], len(closed.log())
    w = logged_in(closed)
    line = wait_for(lambda: [s for s in closed.log()[offset:].splitlines() if f"Login: user=<{user}>" in s])[-1]
    assert re.search(r"relais/imap-login\[\d+\]: Login: user=<\S+>, method=PLAIN, rip=127\.0\.0\.1, lip=127\.0\.0\.1, "
                     r"mpid=\d+, TLS, session=<\w+>$", line), line
    w.close()
    w = Wire(closed, "pop3s", tls=True)
    w.ask(f"USER {user}")
    assert w.ask("PASS wrong").startswith("-ERR [AUTH]")
    w.ask("QUIT")
    line = wait_for(lambda: [s for s in closed.log()[offset:].splitlines() if "pop3-login" in s and "auth failed" in s])[-1]
    assert re.search(r"Disconnected: Logged out \(auth failed, 1 attempts in \d+ secs\): user=<\S+>, method=PLAIN, "
                     r"rip=127\.0\.0\.1, lip=127\.0\.0\.1, TLS, session=<\w+>$", line), line


def test_reload_and_stop(fresh_suite):
    """A reload replaces the login processes; sessions over TLS stay with the old one. The stop ends them."""
    s = fresh_suite(users=1, options=["workers=1"])
    old = s.pids("imap-login")[0]
    w = logged_in(s)
    s.relais("reload")
    wait_for(lambda: [p for p in s.pids("imap-login") if p != old])
    assert w.ask("b NOOP").startswith("b OK")
    assert os.path.exists(f"/proc/{old}")
    assert logged_in(s).ask("b NOOP").startswith("b OK")
    s.relais("reload")
    assert w.ask("c NOOP").startswith("c OK")
    start = time.monotonic()
    s.stop()
    assert w.line().startswith("* BYE")
    assert w.file.read() == b""
    assert time.monotonic() - start < 20


def test_old_process_ends_with_its_last_session(fresh_suite):
    s = fresh_suite(users=1, options=["workers=1"])
    old = s.pids("imap-login")[0]
    w = logged_in(s)
    s.relais("reload")
    wait_for(lambda: [p for p in s.pids("imap-login") if p != old])
    assert w.ask("b LOGOUT").startswith("* BYE")
    wait_for(lambda: not os.path.exists(f"/proc/{old}"))


def test_keyholder_dies(fresh_suite):
    """Sessions go on; new ones after a moment."""
    s = fresh_suite(users=1, options=["workers=1"])
    w = logged_in(s)
    os.kill(s.pids("keyholder")[0], signal.SIGKILL)
    assert w.ask("b NOOP").startswith("b OK")

    def again():
        try:
            return logged_in(s)
        except (OSError, AssertionError):
            return None
    wait_for(again)


def test_client_limit(fresh_suite):
    s = fresh_suite(users=1, options=["workers=1", "imapd.client_connection_limit=4", "imapd.login_timeout=3s"])
    held = [Wire(s, "imap") for _ in range(4)]
    assert Wire(s, "imap").greeting.startswith("* BYE")
    with pytest.raises((ssl.SSLError, OSError)):
        Wire(s, "imaps", tls=True)
    assert held[0].ask("a LOGOUT").startswith("* BYE")
    wait_for(lambda: Wire(s, "imap").greeting.startswith("* OK"))
    wait_for(lambda: re.search(r"Disconnected: Too many connections from your address", s.log()))


# --- SASL -------------------------------------------------------------------------------------------


def scram(say, user, password, gs2="n,,", binding=b""):
    """Speaks SCRAM-SHA-256(-PLUS), RFC 5802 and 7677; say(base64) gives the server's message. The server
    proves itself too. None: it refused."""
    def h(key, text):
        return hmac.new(key, text, hashlib.sha256).digest()
    nonce = base64.b64encode(os.urandom(18)).decode()
    bare = f"n={user},r={nonce}"
    first = say(base64.b64encode((gs2 + bare).encode()).decode())
    if first is None:
        return None
    fields = dict(part.split("=", 1) for part in first.decode().split(","))
    assert fields["r"].startswith(nonce)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    final = f"c={base64.b64encode(gs2.encode() + binding).decode()},r={fields['r']}"
    text = f"{bare},{first.decode()},{final}".encode()
    key = h(salted, b"Client Key")
    proof = bytes(a ^ b for a, b in zip(key, h(hashlib.sha256(key).digest(), text)))
    end = say(base64.b64encode(f"{final},p={base64.b64encode(proof).decode()}".encode()).decode())
    if end is not None:
        assert end == b"v=" + base64.b64encode(h(h(salted, b"Server Key"), text))  # it knows it, too
    return end


def speaker(w, command):
    """say() for scram(); the first message goes with the command (RFC 4959, RFC 5034)."""
    state = {"begun": False}

    def say(text):
        line = w.ask(text if state["begun"] else f"{command} {text}")
        state["begun"] = True
        state["line"] = line
        return base64.b64decode(line[2:]) if line.startswith("+ ") else None
    say.state = state
    return say


@pytest.mark.parametrize("port", ["imaps", "pop3s"])
def test_scram(closed, port):
    w = Wire(closed, port, tls=True)
    command = "a AUTHENTICATE SCRAM-SHA-256" if port == "imaps" else "AUTH SCRAM-SHA-256"
    scram(speaker(w, command), *closed.account())
    assert w.ask("").startswith("a OK" if port == "imaps" else "+OK")
    if port == "imaps":
        assert w.ask("b NOOP").startswith("b OK")
        wait_for(lambda: f"user=<{closed.account()[0]}>, method=SCRAM-SHA-256, " in closed.log())


def test_scram_plus(closed):
    """Bound to this very connection; bound to another one it is refused, whatever the password is."""
    for right in (True, False):
        w = Wire(closed, "imaps", tls=True, version=ssl.TLSVersion.TLSv1_2)
        binding = w.sock.get_channel_binding("tls-unique") if right else bytes(12)
        say = speaker(w, "a AUTHENTICATE SCRAM-SHA-256-PLUS")
        end = scram(say, *closed.account(), "p=tls-unique,,", binding)
        if right:
            assert w.ask("").startswith("a OK")
        else:
            assert end is None and say.state["line"].startswith("a NO [AUTHENTICATIONFAILED]")


def test_scram_plus_taken_out_of_the_list(closed):
    """A client that could bind the channel, but was not told that we can ("y"): somebody sits between."""
    w = Wire(closed, "imaps", tls=True)
    say = speaker(w, "a AUTHENTICATE SCRAM-SHA-256")
    assert scram(say, *closed.account(), "y,,") is None
    assert say.state["line"].startswith("a NO [AUTHENTICATIONFAILED]")


def test_scram_wrong_and_given_up(closed):
    user, password = closed.account()
    w = Wire(closed, "imaps", tls=True)
    say = speaker(w, "a AUTHENTICATE SCRAM-SHA-256")
    assert scram(say, user, password + "x") is None
    assert say.state["line"].startswith("a NO [AUTHENTICATIONFAILED]")
    assert speaker(w, "b AUTHENTICATE SCRAM-SHA-256")(base64.b64encode(f"n,,n={user},r=abc".encode()).decode())
    assert w.ask("*").startswith("b BAD")
    say = speaker(w, "c AUTHENTICATE SCRAM-SHA-256")
    scram(say, user, password)
    assert w.ask("").startswith("c OK")


def test_sasl_login(closed):
    w = Wire(closed, "imaps", tls=True)
    user, password = (base64.b64encode(x.encode()).decode() for x in closed.account())
    assert w.ask("a AUTHENTICATE LOGIN") == "+ VXNlcm5hbWU6"
    assert w.ask(user) == "+ UGFzc3dvcmQ6"
    assert w.ask(password).startswith("a OK")


# --- real clients ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filled(closed):
    """Account 1 holds three messages."""
    client = imaplib.IMAP4_SSL(closed.info["host"], closed.port("imaps"), ssl_context=unchecked())
    client.login(*closed.account(1))
    for i in range(3):
        text = f"From: a@example.org\r\nSubject: number {i}\r\nMessage-ID: <{i}@example.org>\r\n\r\nHello {i}.\r\n"
        assert client.append("INBOX", None, None, text.encode())[0] == "OK"
    client.logout()
    return closed


def unchecked():
    c = ssl.create_default_context()
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    return c


@pytest.mark.parametrize("port,mode", [("imaps", []), ("pop3s", []), ("imap", ["-starttls", "imap"]), ("pop3", ["-starttls", "pop3"])])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl(closed, port, mode, version):
    need("openssl")
    out = run(["openssl", "s_client", "-connect", f"{closed.info['host']}:{closed.port(port)}", "-CAfile",
               os.path.join(closed.folder, "state/tls/self-signed.pem"), "-verify_return_error", "-crlf", version,
               "-quiet", "-ign_eof", *mode], stdin=b"a LOGOUT\n" if "imap" in port else b"QUIT\n")
    assert (b"a OK Logout" if "imap" in port else b"+OK Logging out") in out


@pytest.mark.parametrize("url", ["imaps://{host}:{imaps}/INBOX;MAILINDEX=1", "pop3s://{host}:{pop3s}/1",
                                 "imap://{host}:{imap}/INBOX;MAILINDEX=1", "pop3://{host}:{pop3}/1"])
def test_curl(filled, url):
    need("curl")
    url = url.format(host="mx." + filled.info["domain"], **filled.info["ports"])
    port = url.split(":")[2].split("/")[0]
    user, password = filled.account(1)
    out = run(["curl", "-sS", "--ssl-reqd", "--cacert", os.path.join(filled.folder, "state/tls/self-signed.pem"),
               "--resolve", f"mx.{filled.info['domain']}:{port}:127.0.0.1", "--user", f"{user}:{password}", url])
    assert b"Subject: number 0" in out


@pytest.mark.parametrize("ssl_type,port", [("IMAPS", "imaps"), ("STARTTLS", "imap")])
def test_mbsync(filled, tmp_path, ssl_type, port):
    need("mbsync")
    user, password = filled.account(1)
    config = tmp_path / "mbsyncrc"
    config.write_text(f"""IMAPStore far
Host {filled.info['host']}
Port {filled.port(port)}
User {user}
Pass {password}
SSLType {ssl_type}
SSLVersions TLSv1.2 TLSv1.3
SystemCertificates no
CertificateFile {filled.folder}/state/tls/self-signed.pem

MaildirStore near
Path {tmp_path}/
Inbox {tmp_path}/inbox

Channel c
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
""")
    run(["mbsync", "-c", str(config), "-a"])
    assert len(os.listdir(tmp_path / "inbox" / "new") + os.listdir(tmp_path / "inbox" / "cur")) == 3


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("mode", ["ssl", "sslproto tls1.2+"])
def test_fetchmail(filled, tmp_path, protocol, mode):
    port = protocol + ("s" if mode == "ssl" else "")
    box = fetchmail(filled, tmp_path, 1, protocol, port, f"{mode} no sslcertck")
    assert box.count(b"Subject: number") == 3


@pytest.mark.parametrize("url", ["imaps://{host}:{imaps}/INBOX", "imap://{host}:{imap}/INBOX"])
def test_mutt(filled, tmp_path, url):
    box = mutt(filled, tmp_path, 1, url, "set ssl_starttls=yes ssl_force_tls=yes ssl_verify_host=no\n"
               f"set certificate_file=\"{filled.folder}/state/tls/self-signed.pem\"", "number")
    assert box.count(b"Subject: number") == 3


@pytest.mark.parametrize("retriever,port", [("SimpleIMAPSSLRetriever", "imaps"), ("SimplePOP3SSLRetriever", "pop3s")])
def test_getmail(filled, tmp_path, retriever, port):
    box = getmail(filled, tmp_path, 1, retriever, port)
    assert box.count(b"Subject: number") == 3
