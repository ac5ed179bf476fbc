# SPDX-License-Identifier: ISC
"""Real clients of Debian at both ends: swaks, msmtp and smtplib send; mbsync, fetchmail, getmail, mutt,
s-nail, curl, imaplib and poplib read. Each is skipped only if it is not installed.
"""
import mailbox
import smtplib

import imaplib
import poplib

import pytest
from clients import arrived, fetchmail, getmail, login, message, mutt, need, run
from conftest import wait_for


@pytest.fixture(scope="module")
def filled(suite):
    """Account 2 holds three messages that readers fetch."""
    address, _ = suite.account(2)
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=30) as smtp:
        for i in range(3):
            smtp.sendmail("ada@example.org", [address], message(f"to be read {i}", address))
    arrived(suite, 2, "to be read 2")
    client = login(suite, 2)
    wait_for(lambda: int(client.select("INBOX")[1][0]) >= 3)
    client.logout()
    return suite


# --- senders --------------------------------------------------------------------------------------


def test_swaks(suite):
    need("swaks")
    address, _ = suite.account(0)
    run(["swaks", "--server", suite.info["host"], "--port", str(suite.port("smtp")), "--from", "ada@example.org",
         "--to", address, "--helo", "client.example", "--header", "Subject: by swaks",
         "--body", "Hello.\n.dot\n..two\n"])
    content = arrived(suite, 0, "by swaks")
    assert b"\r\n\r\nHello.\r\n.dot\r\n..two\r\n" in content


def test_swaks_pipelined(suite):
    need("swaks")
    address, _ = suite.account(0)
    run(["swaks", "--pipeline", "--server", suite.info["host"], "--port", str(suite.port("smtp")),
         "--from", "ada@example.org", "--to", f"{address},{suite.account(1)[0]}", "--helo", "client.example",
         "--header", "Subject: pipelined", "--body", "twice"])
    arrived(suite, 0, "pipelined")
    arrived(suite, 1, "pipelined")


def test_swaks_refused(suite):
    """swaks says 24 when no recipient is accepted."""
    need("swaks")
    out = run(["swaks", "--server", suite.info["host"], "--port", str(suite.port("smtp")), "--from", "a@example.org",
               "--to", "nobody@example.test", "--helo", "client.example"], codes=(24,))
    assert b"550 5.1.1" in out


def test_msmtp(suite):
    need("msmtp")
    address, _ = suite.account(1)
    run(["msmtp", "--file=/dev/null", f"--host={suite.info['host']}", f"--port={suite.port('smtp')}", "--tls=off",
         "--auth=off", "--from=ada@example.org", "--domain=client.example", address],
        stdin=message("by msmtp", address).encode())
    assert arrived(suite, 1, "by msmtp").endswith(b"Hello.\r\n.a line with a dot\r\n")


def test_curl_smtp(suite, tmp_path):
    need("curl")
    address, _ = suite.account(1)
    file = tmp_path / "message"
    file.write_text(message("by curl", address).replace("\n", "\r\n"))
    run(["curl", "-sS", f"smtp://{suite.info['host']}:{suite.port('smtp')}/client.example",
         "--mail-from", "ada@example.org", "--mail-rcpt", address, "--upload-file", str(file)])
    assert arrived(suite, 1, "by curl").endswith(b".a line with a dot\r\n")


def test_smtplib_8bit(suite):
    address, _ = suite.account(0)
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=30) as smtp:
        text = message("by smtplib", address, "Grüße, 日本語\n").replace("\n", "\r\n")
        smtp.sendmail("ada@example.org", [address], text.encode(), mail_options=["BODY=8BITMIME"])
    assert arrived(suite, 0, "by smtplib").endswith("Grüße, 日本語\r\n".encode())


# --- readers -----------------------------------------------------------------------------------------


def check_maildir(folder):
    """Three messages, whole."""
    found = [m for m in mailbox.Maildir(str(folder), create=False)]
    subjects = sorted(str(m["Subject"]) for m in found)
    assert subjects == ["to be read 0", "to be read 1", "to be read 2"]
    assert all(m.get_payload().replace("\r\n", "\n") == "Hello.\n.a line with a dot\n" for m in found)


def mbsync_config(suite, tmp_path, i):
    address, password = suite.account(i)
    rc = tmp_path / "mbsyncrc"
    rc.write_text(f"""IMAPAccount relais
Host {suite.info['host']}
Port {suite.port('imap')}
User {address}
Pass {password}
SSLType None
AuthMechs *

IMAPStore far
Account relais

MaildirStore near
Path {tmp_path}/near/
Inbox {tmp_path}/near/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
""")
    (tmp_path / "near").mkdir(exist_ok=True)
    return ["mbsync", "-c", str(rc), "-a"]


def test_mbsync_pulls(filled, tmp_path):
    need("mbsync")
    run(mbsync_config(filled, tmp_path, 2))
    check_maildir(tmp_path / "near" / "INBOX")
    run(mbsync_config(filled, tmp_path, 2))  # a second run finds nothing new
    check_maildir(tmp_path / "near" / "INBOX")


def test_mbsync_both_ways(filled, tmp_path):
    """New mail, a new folder, flags and deletions travel in both directions."""
    need("mbsync")
    suite = filled
    address, _ = suite.account(1)
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=30) as smtp:
        smtp.sendmail("ada@example.org", [address], message("for mbsync", address))
    arrived(suite, 1, "for mbsync")
    words = mbsync_config(suite, tmp_path, 1)
    run(words)
    near = mailbox.Maildir(str(tmp_path / "near" / "INBOX"), create=False)
    key = next(k for k, m in near.items() if m["Subject"] == "for mbsync")
    m = near[key]
    m.set_flags("FS")
    near[key] = m
    (tmp_path / "near" / "Work").mkdir()
    for sub in ("cur", "new", "tmp"):
        (tmp_path / "near" / "Work" / sub).mkdir()
    (tmp_path / "near" / "Work" / "new" / "1.2.host").write_bytes(message("kept").encode())
    run(words)
    client = login(suite, 1)
    client.select("INBOX")
    n = client.search(None, "SUBJECT", '"for mbsync"')[1][0].split()[0]
    flags = client.fetch(n, "(FLAGS)")[1][0]
    assert b"\\Flagged" in flags and b"\\Seen" in flags
    client.store(n, "+FLAGS", "(\\Deleted \\Answered)")
    client.expunge()
    assert client.select("Work")[0] == "OK"
    assert client.search(None, "SUBJECT", "kept")[1][0].split() == [b"1"]
    client.logout()
    run(words)
    near = mailbox.Maildir(str(tmp_path / "near" / "INBOX"), create=False)
    assert "for mbsync" not in [m["Subject"] for m in near]


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_fetchmail(filled, tmp_path, protocol):
    out = fetchmail(filled, tmp_path, 2, protocol, protocol, "sslproto ''")
    got = out.replace(b"\r\n", b"\n")
    for i in range(3):
        assert got.count(b"\nSubject: to be read %d\n" % i) == 1
    assert got.count(b"\n.a line with a dot\n") == 3


@pytest.mark.parametrize("protocol, retriever", [("imap", "SimpleIMAPRetriever"), ("pop3", "SimplePOP3Retriever")])
def test_getmail(filled, tmp_path, protocol, retriever):
    out = getmail(filled, tmp_path, 2, retriever, protocol)
    got = out.replace(b"\r\n", b"\n")
    for i in range(3):
        assert got.count(b"\nSubject: to be read %d\n" % i) == 1
    assert got.count(b"\n.a line with a dot\n") == 3


def test_mutt(filled, tmp_path):
    """mutt lists the INBOX and copies a message to a file."""
    saved = mutt(filled, tmp_path, 2, "imap://{host}:{imap}/INBOX",
                 'set ssl_starttls=no ssl_force_tls=no imap_authenticators="login"', "read")
    assert saved.count(b"\nSubject: to be read ") == 3
    assert saved.count(b".a line with a dot\n") == 3


def test_s_nail(filled, tmp_path):
    need("s-nail")
    address, password = filled.account(2)
    if b"+imap" not in run(["s-nail", "-n", "-#", "-Xversion", "-Xx"], stdin=b"", env={"MAILRC": "/dev/null"}):
        pytest.skip("this s-nail knows no IMAP")
    user = address.replace("@", "%40")
    out = run(["s-nail", "-n", "-R", "-S", f"password={password}", "-S", "v15-compat", "-S", "imap-auth=login",
               "-f", f"imap://{user}@{filled.info['host']}:{filled.port('imap')}/INBOX"],
              stdin=b"headers\ntype 1\nexit\n", env={"MAILRC": "/dev/null", "HOME": str(tmp_path)})
    assert b"to be read" in out and b".a line with a dot" in out


def test_curl_imap_and_pop3(filled):
    need("curl")
    address, password = filled.account(2)
    for protocol, path in (("imap", "INBOX/;MAILINDEX=1"), ("pop3", "1")):
        out = run(["curl", "-sS", f"{protocol}://{filled.info['host']}:{filled.port(protocol)}/{path}",
                   "-u", f"{address}:{password}"])
        assert b"\r\nSubject: to be read " in out and out.endswith(b"\r\n.a line with a dot\r\n")


def test_imaplib(filled):
    client = login(filled, 2)
    assert client.select("INBOX", readonly=True)[0] == "OK"
    assert client.search(None, "FROM", "ada", "SUBJECT", '"to be read 1"')[1][0].split()
    ok, data = client.fetch("1:*", "(UID FLAGS INTERNALDATE ENVELOPE BODY)")
    assert ok == "OK" and len([x for x in data if x]) >= 3
    assert client.list()[0] == "OK" and client.noop()[0] == "OK"
    client.close()
    client.logout()


def test_imaplib_append(filled):
    client = login(filled, 2)
    assert client.create("Filed")[0] == "OK"
    text = message("filed away").replace("\n", "\r\n").encode()
    ok, data = client.append("Filed", "(\\Seen)", imaplib.Time2Internaldate(1795295097), text)
    assert ok == "OK" and b"APPENDUID" in data[0]
    client.select("Filed")
    assert client.fetch("1", "(BODY.PEEK[])")[1][0][1] == text
    assert b'"21-Nov-2026' in client.fetch("1", "(INTERNALDATE)")[1][0]
    client.close()
    assert client.delete("Filed")[0] == "OK"
    client.logout()


def test_poplib(filled):
    client = poplib.POP3(filled.info["host"], filled.port("pop3"))
    address, password = filled.account(2)
    client.user(address)
    client.pass_(password)
    assert client.stat()[0] == 3
    assert len(client.list()[1]) == 3
    ids = client.uidl()[1]
    assert len(set(ids)) == 3
    assert b"Subject: to be read 0" in client.top(1, 0)[1]
    client.quit()
    client = poplib.POP3(filled.info["host"], filled.port("pop3"))
    client.user(address)
    client.pass_(password)
    assert client.uidl()[1] == ids
    client.quit()
