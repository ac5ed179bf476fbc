# SPDX-License-Identifier: ISC
"""The users' door: real clients with TLS and AUTH on both ports, and what it refuses.

Without TLS nobody logs in here (plaintext_auth = never), other than in the demo.
"""
import base64
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import time

import pytest
from clients import arrived, need, run
from conftest import running, wait_for
from test_login_tls import scram

HOST = "mx.example.test"


@pytest.fixture(scope="module")
def suite():
    with running(users=3, options=["plaintext_auth=loopback"]) as s:
        yield s


@pytest.fixture(scope="module")
def strict():
    """Nobody logs in without TLS."""
    with running(users=2, options=["plaintext_auth=never"]) as s:
        yield s


def context(suite):
    """What a client has who trusts the suite's own certificate."""
    c = ssl.create_default_context(cafile=os.path.join(suite.folder, "state", "tls", "self-signed.pem"))
    c.check_hostname = False  # we connect to an address
    return c


def connect(suite, port="submission", login=0):
    """A client past TLS, and past AUTH with the account of that number (None: not)."""
    if port == "submissions":
        s = smtplib.SMTP_SSL("127.0.0.1", suite.port(port), context=context(suite), timeout=30)
    else:
        s = smtplib.SMTP("127.0.0.1", suite.port(port), timeout=30)
        s.starttls(context=context(suite))
    s.ehlo("client.example")
    if login is not None:
        s.login(*suite.account(login))
    return s


def text(sender, subject, more=""):
    return f"From: Ada <{sender}>\r\nTo: someone@example.test\r\nSubject: {subject}\r\n{more}\r\nHello.\r\n"


def send(s, sender, to, body):
    """Reply to the end of the data, or to what was refused before."""
    for reply in (s.mail(sender), s.rcpt(to)):
        if reply[0] != 250:
            s.rset()
            return reply
    return s.data(body)


def sends(suite):
    """Can the first account send itself a message now?"""
    address = suite.account(0)[0]
    try:
        return send(connect(suite), address, address, text(address, "again"))[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


# ---- real clients ----

def swaks(suite, port, mechanism):
    address, password = suite.account(0)
    return lambda subject: run(
        ["swaks", "--server", "127.0.0.1", "--port", str(suite.port(port)),
         "--tls" if port == "submission" else "--tls-on-connect", "--auth", mechanism, "--auth-user", address,
         "--auth-password", password, "--from", address, "--to", suite.account(1)[0], "--ehlo", "client.example",
         "--header", f"Subject: {subject}", "--body", "Hello."])


def curl(suite, port):
    address, password = suite.account(0)
    message = os.path.join(suite.folder, "curl.eml")

    def do(subject):
        with open(message, "w", newline="") as f:
            f.write(text(address, subject))
        scheme = "smtp" if port == "submission" else "smtps"
        run(["curl", "-sS", "--ssl-reqd", "--cacert", os.path.join(suite.folder, "state/tls/self-signed.pem"),
             "--resolve", f"{HOST}:{suite.port(port)}:127.0.0.1", "--url", f"{scheme}://{HOST}:{suite.port(port)}",
             "--user", f"{address}:{password}", "--mail-from", address, "--mail-rcpt", suite.account(1)[0],
             "--upload-file", message])
    return do


def msmtp(suite, port):
    address, password = suite.account(0)
    return lambda subject: run(
        ["msmtp", "--host=127.0.0.1", f"--port={suite.port(port)}", "--tls=on",
         f"--tls-starttls={'on' if port == 'submission' else 'off'}", "--tls-certcheck=off", "--auth=plain",
         f"--user={address}", f"--passwordeval=echo {password}", f"--from={address}", suite.account(1)[0]],
        text(address, subject).replace("\r", "").encode())


def mutt(suite, port):
    address, password = suite.account(0)
    rc = os.path.join(suite.folder, "muttrc")

    def do(subject):
        scheme = "smtp" if port == "submission" else "smtps"
        user = address.replace("@", "%40")
        with open(rc, "w") as f:
            f.write(f"set smtp_url=\"{scheme}://{user}:{password}@127.0.0.1:{suite.port(port)}/\"\n"
                    f"set from=\"{address}\"\nset ssl_starttls=yes\nset ssl_force_tls=yes\nset ssl_verify_host=no\n"
                    "set ssl_verify_dates=no\n"
                    f"set certificate_file=\"{suite.folder}/state/tls/self-signed.pem\"\n"
                    "set copy=no\nset use_envelope_from=no\n")
        run(["mutt", "-n", "-F", rc, "-s", subject, suite.account(1)[0]], b"Hello.\n", env={"HOME": suite.folder})
    return do


def python(suite, port):
    def do(subject):
        s = connect(suite, port)
        reply = send(s, suite.account(0)[0], suite.account(1)[0], text(suite.account(0)[0], subject))
        assert reply[0] == 250, reply
        s.quit()
    return do


CLIENTS = [("swaks", lambda s, p: swaks(s, p, "PLAIN")), ("swaks", lambda s, p: swaks(s, p, "LOGIN")),
           ("curl", curl), ("msmtp", msmtp), ("mutt", mutt), ("python3", python)]


@pytest.mark.parametrize("port", ["submission", "submissions"])
@pytest.mark.parametrize("client", range(len(CLIENTS)))
def test_client(suite, client, port):
    program, make = CLIENTS[client]
    need(program)
    subject = f"client {client} {port} {time.time_ns()}"
    make(suite, port)(subject)
    octets = arrived(suite, 1, subject)
    assert b" with ESMTPSA id " in octets and b"\t(using TLSv1." in octets
    assert octets.count(b"\r\nDate: ") == 1 and octets.lower().count(b"\r\nmessage-id: ") == 1


@pytest.mark.parametrize("gs2", ["n,,", "y,,"])
def test_scram_without_channel_binding(suite, gs2):
    """The default: PLUS is neither offered nor taken, and a client that could do it ("y") is let in."""
    s = connect(suite, login=None)
    assert s.docmd("AUTH", "SCRAM-SHA-256-PLUS")[0] == 504
    begin = ["AUTH SCRAM-SHA-256 "]

    def say(octets):
        code, reply = s.docmd((begin.pop() if begin else "") + octets)
        return base64.b64decode(reply) if code == 334 else None
    assert scram(say, *suite.account(0), gs2)
    assert s.docmd("")[0] == 235


@pytest.mark.parametrize("words", [["-starttls", "smtp"], []])
def test_s_client(suite, words):
    port = suite.port("submission" if words else "submissions")
    out = run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", HOST, "-quiet", "-ign_eof",
               "-CAfile", os.path.join(suite.folder, "state/tls/self-signed.pem"), "-verify_return_error", *words],
              b"EHLO client.example\r\nQUIT\r\n")
    assert b"250-AUTH SCRAM-SHA-256 PLAIN LOGIN" in out and b"STARTTLS" not in out


def test_port_25_speaks_tls(suite):
    s = smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30)
    s.starttls(context=context(suite))
    s.ehlo("client.example")
    assert not s.has_extn("auth") and s.docmd("AUTH", "PLAIN")[0] == 500
    subject = f"tls on 25 {time.time_ns()}"
    assert send(s, "x@other.example", suite.account(1)[0], text("x@other.example", subject))[0] == 250
    assert b" with ESMTPS id " in arrived(suite, 1, subject)


# ---- nothing without TLS, nothing without AUTH ----

def test_auth_before_tls(strict):
    address, password = strict.account(0)
    plain = base64.b64encode(f"\0{address}\0{password}".encode()).decode()
    for port, code in (("submission", 538), ("smtp", 500)):
        s = smtplib.SMTP("127.0.0.1", strict.port(port), timeout=30)
        s.ehlo("client.example")
        assert s.has_extn("starttls") and not s.has_extn("auth")
        assert s.docmd("AUTH", "PLAIN " + plain)[0] == code
        s.close()
    s = smtplib.SMTP("127.0.0.1", strict.port("submission"), timeout=30)
    s.ehlo("client.example")
    assert s.mail(address)[0] == 530
    s.starttls(context=context(strict))
    s.ehlo("client.example")
    code, reply = s.mail(address)
    assert code == 530 and b"5.7.0 Authentication required" in reply
    assert s.docmd("AUTH", "PLAIN " + plain)[0] == 235
    assert s.docmd("AUTH", "PLAIN " + plain)[0] == 503


def test_relay_only_when_logged_in(suite):
    s = smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30)
    s.ehlo("client.example")
    s.mail(suite.account(0)[0])
    assert s.rcpt("x@far.example")[0] == 554
    s = connect(suite, login=None)
    assert s.mail(suite.account(0)[0])[0] == 530
    s = connect(suite)
    reply = send(s, suite.account(0)[0], "x@far.example", text(suite.account(0)[0], "outbound"))
    assert reply[0] == 250
    queue_id = reply[1].split()[-1].decode()
    assert queue_id in suite.relais("queue", "list")
    suite.relais("queue", "delete", queue_id)


def test_wrong_passwords(suite):
    s = connect(suite, login=None)
    address = suite.account(0)[0]
    for secret in ("wrong", ""):
        code, reply = s.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{address}\0{secret}".encode()).decode())
        assert (code, reply[:5]) in ((535, b"5.7.8"), (501, b"5.5.2"))
    assert s.docmd("AUTH", "LOGIN")[0] == 334
    assert s.docmd("*")[0] == 501
    assert s.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{address}\0no".encode()).decode())[0] in (535, 421)
    mark = "SASL PLAIN authentication failed"
    wait_for(lambda: f"warning: localhost[127.0.0.1]: {mark}" in suite.log())


# ---- whose address it is ----

@pytest.mark.parametrize("sender, header, refused", [
    ("user1@example.test", "From: user1@example.test\r\n", None),
    ("", "From: user1@example.test\r\n", None),
    ("user1+list@example.test", "From: user1@example.test\r\n", None),
    ("user2@example.test", "From: user1@example.test\r\n", b"user2@example.test"),
    ("x@far.example", "From: user1@example.test\r\n", b"x@far.example"),
    ("user1@example.test", "From: user2@example.test\r\n", b"user2@example.test"),
    ("user1@example.test", "From: boss@example.test\r\n", b"boss@example.test"),
    ("user1@example.test", "From: boss@bank.example\r\n", b"boss@bank.example"),
    ("user1@example.test", "From: user1@example.test, boss@bank.example\r\n", b"boss@bank.example"),
    ("user1@example.test", "From: user1@example.test\r\nSender: user2@example.test\r\n", b"user2@example.test"),
    ("user1@example.test", "From: user1@example.test\r\nResent-From: user2@example.test\r\n",
     b"user2@example.test"),
    ("user1@example.test", "From: \"user1@example.test\" <boss@bank.example>\r\n", b"boss@bank.example"),
    ("user1@example.test", "From: user1@example.test\r\nFrom: boss@bank.example\r\n", b"two of the field From"),
    ("user1@example.test", "From: <user1@example.test> boss@bank.example\r\n", b"ambiguous"),
    ("user1@example.test", "X-From: user1@example.test\r\n", b"no From field"),
])
def test_ownership(suite, sender, header, refused):
    s = connect(suite)
    reply = send(s, sender, suite.account(1)[0], f"{header}Subject: owned\r\n\r\nHello.\r\n")
    if refused is None:
        assert reply[0] == 250
    else:
        assert reply[0] == 550 and refused in reply[1]
        assert reply[1].startswith((b"5.7.1 ", b"5.6.0 "))


def test_bcc_is_removed(suite):
    s = connect(suite, "submissions")
    subject = f"bcc {time.time_ns()}"
    body = text(suite.account(0)[0], subject, "Bcc: hidden@far.example,\r\n\talso@far.example\r\nReturn-Path: <x@y>\r\n")
    assert send(s, suite.account(0)[0], suite.account(1)[0], body)[0] == 250
    octets = arrived(suite, 1, subject)
    assert b"far.example" not in octets and b"x@y" not in octets


def test_extensions(suite):
    s = connect(suite)
    address, to = suite.account(0)[0], suite.account(1)[0]
    for name in ("size", "8bitmime", "smtputf8", "dsn", "chunking", "pipelining", "enhancedstatuscodes"):
        assert s.has_extn(name)
    subject = f"b\u00fccher {time.time_ns()}"
    body = text(address, subject).encode()
    assert s.mail(address, ["SMTPUTF8", "BODY=8BITMIME", "AUTH=<>", f"SIZE={len(body)}", "RET=HDRS", "ENVID=q1"])[0] == 250
    assert s.rcpt(to, ["NOTIFY=FAILURE,DELAY", f"ORCPT=rfc822;{to}"])[0] == 250
    s.send(f"BDAT {len(body) - 7}\r\n".encode() + body[:-7])
    assert s.getreply()[0] == 250
    s.send(b"BDAT 7 LAST\r\n" + body[-7:])
    assert s.getreply()[0] == 250
    assert b"with UTF8SMTPSA id" in arrived(suite, 1, subject.split()[1])
    assert s.mail(address, ["SIZE=99999999999"])[0] == 552


# ---- a hostile network ----

def read_reply(sock):
    octets = b""
    while not any(line[3:4] == b" " for line in octets.split(b"\r\n")[:-1]):
        more = sock.recv(4096)
        if not more:
            break
        octets += more
    return octets


@pytest.mark.parametrize("port", ["smtp", "submission"])
def test_injection_behind_starttls(suite, port):
    before = len(suite.log())
    raw = socket.create_connection(("127.0.0.1", suite.port(port)), timeout=30)
    read_reply(raw)
    raw.sendall(b"EHLO client.example\r\n")
    read_reply(raw)
    raw.sendall(b"STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<>\r\n")
    assert read_reply(raw).startswith(b"220 ")
    tls = context(suite).wrap_socket(raw, server_hostname=HOST)
    tls.sendall(b"RCPT TO:<user2@example.test>\r\n")
    assert read_reply(tls).startswith(b"503 5.5.1 send EHLO")
    tls.sendall(b"EHLO client.example\r\n")
    assert read_reply(tls).startswith(b"250-")
    tls.close()
    wait_for(lambda: "octets sent in the clear behind STARTTLS are dropped" in suite.log()[before:])


def test_clear_text_on_the_tls_port(suite):
    raw = socket.create_connection(("127.0.0.1", suite.port("submissions")), timeout=30)
    raw.sendall(b"EHLO client.example\r\nMAIL FROM:<>\r\n")
    octets = raw.recv(4096)
    assert not octets.startswith(b"2") and raw.recv(4096) == b""  # an alert and the end, no greeting
    wait_for(lambda: "relais/submission" in suite.log())


def test_keyholder_dead(fresh_suite):
    suite = fresh_suite(users=1)

    def kill():
        for pid in suite.pids("keyholder"):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # the door waits a moment for the next keyholder, then says 454 (test_tls.py sees that)
    for _ in range(3):
        kill()
        with smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=30) as s:
            s.ehlo("client.example")
            code, reply = s.docmd("STARTTLS")
            s.close()
        assert code == 220 or (code == 454 and reply.startswith(b"4.7.0"))
    wait_for(lambda: sends(suite), seconds=60, every=0.2)


def test_directory_forgets_logins(fresh_suite):
    """A login is directory's: after its death nothing can be sent on old connections."""
    suite = fresh_suite(users=1)
    s = connect(suite)
    pid = suite.pids("directory")[0]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: suite.pids("directory") not in ([], [pid]))
    code, _ = s.mail(suite.account(0)[0])
    assert code in (421, 451, 454), code
    wait_for(lambda: sends(suite))


# ---- sendmail(1) ----

@pytest.fixture(scope="module")
def sendmail(suite):
    """A function that calls it as a user: its completed process."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    program = os.path.join(suite.folder, "sendmail")  # where everybody may go
    shutil.copy(os.path.join(suite.build, "bin", "sendmail"), program)

    def call(words, stdin, user="nobody", name="sendmail"):
        env = {"RELAIS_CONFIG": os.path.join(suite.folder, "relais.conf"), "PATH": "/usr/bin:/bin",
               "ASAN_OPTIONS": "detect_leaks=0"}
        return subprocess.run([name, *words], executable=program, input=stdin.encode(), env=env, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=user, group="nogroup",
                              extra_groups=[], cwd="/")
    assert os.stat(program).st_mode & 0o6000 == 0
    return call


def test_sendmail_from_a_script(suite, sendmail):
    subject = f"script {time.time_ns()}"
    done = sendmail(["-t", "-i", "-oem"], f"To: user2@example.test\nBcc: user3@example.test\nSubject: {subject}\n\n"
                                          "One\n.\nTwo\n")
    assert done.returncode == 0, done.stderr
    for account in (1, 2):
        octets = arrived(suite, account, subject)
        assert b"Return-Path: <nobody@example.test>" in octets
        assert b"From: nobody <nobody@example.test>" in octets and b"user3" not in octets.split(b"\r\n\r\n")[0].split(b"From:")[1]
        assert b"One\r\n.\r\nTwo\r\n" in octets and b"(relais, from userid 65534)" in octets


@pytest.mark.parametrize("words, user, status", [
    (["user2@example.test"], "nobody", 0),
    (["-f", "nobody@example.test", "user2@example.test"], "nobody", 0),
    (["-f", "nobody@mx.example.test", "user2@example.test"], "nobody", 0),
    (["-f", "<>", "user2@example.test"], "nobody", 0),
    (["-f", "user1@example.test", "user2@example.test"], "nobody", 77),
    (["-f", "root", "user2@example.test"], "nobody", 77),
    (["-f", "user1@example.test", "user2@example.test"], "root", 0),
    (["-f", "x@far.example", "-F", "Far", "user2@example.test"], "root", 0),
    (["nobody-there@example.test"], "nobody", 67),
    (["nobody-there@example.test", "user2@example.test"], "nobody", 67),
    ([], "nobody", 64),
    (["-Z"], "nobody", 64),
    (["-N", "never", "-R", "hdrs", "-V", "id=1", "-O", "x=y", "-odb", "user2@example.test"], "nobody", 0),
])
def test_sendmail_exit_status(suite, sendmail, words, user, status):
    done = sendmail(words, "Subject: status\n\nHello.\n", user=user)
    assert done.returncode == status, done.stderr


def test_sendmail_unowned_header(suite, sendmail):
    done = sendmail(["user2@example.test"], "From: user1@example.test\n\nHello.\n")
    assert done.returncode == 77 and b"user1@example.test" in done.stderr
    # cron's own form
    done = sendmail(["user2@example.test"], "From: nobody (Cron Daemon)\nTo: nobody\n\nHello.\n")
    assert done.returncode == 0, done.stderr


def test_mutt_by_sendmail(suite, sendmail):
    """A mail client that writes the system's own name in From."""
    need("mutt")
    subject = f"local mutt {time.time_ns()}"
    wrapper = os.path.join(suite.folder, "sendmail.sh")
    with open(wrapper, "w") as f:
        f.write(f"#!/bin/sh\nexec {suite.folder}/sendmail -C {suite.folder}/relais.conf \"$@\"\n")
    os.chmod(wrapper, 0o755)
    done = subprocess.run(
        ["mutt", "-n", "-F", "/dev/null", "-e", f"set sendmail=\"{wrapper} -oem -oi\"", "-e", "set copy=no",
         "-e", f"set hostname=\"{os.uname().nodename}\"", "-s", subject, "-b", suite.account(2)[0], suite.account(1)[0]],
        input=b"Hello.\n", env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, user="nobody", group="nogroup", extra_groups=[], cwd="/tmp",
        timeout=60)
    assert done.returncode == 0, done.stdout
    for account in (1, 2):
        assert b"Bcc" not in arrived(suite, account, subject)


def test_sendmail_speaks_smtp(suite, sendmail):
    done = sendmail(["-bs"], "EHLO x\r\nMAIL FROM:<nobody@example.test>\r\nRCPT TO:<user2@example.test>\r\n"
                             "DATA\r\nFrom: nobody@example.test\r\n\r\nHello.\r\n.\r\nQUIT\r\n")
    assert done.returncode == 0 and b"\r\n250 2.0.0 Ok: queued as " in done.stdout
    assert done.stdout.endswith(b"221 2.0.0 Bye\r\n")


def test_sendmail_without_a_suite(suite, sendmail):
    done = subprocess.run([os.path.join(suite.folder, "sendmail"), "user2@example.test"], input=b"Hello.\n",
                          env={"RELAIS_CONFIG": "/nonexistent", "ASAN_OPTIONS": "detect_leaks=0"},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 75 and b"not running" in done.stderr


def test_mailq_and_newaliases(suite):
    env = dict(os.environ, RELAIS_CONFIG=os.path.join(suite.folder, "relais.conf"), ASAN_OPTIONS="detect_leaks=0")
    for name in ("mailq", "newaliases"):
        done = subprocess.run([os.path.join(suite.build, "bin", name)], env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        assert done.returncode == 0, (name, done.stderr)
    done = subprocess.run([os.path.join(suite.build, "bin", "sendmail"), "-bp"], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
