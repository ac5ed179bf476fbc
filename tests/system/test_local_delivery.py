# SPDX-License-Identifier: ISC
"""The last step: folders for details, loops, homes that are missing or not ours."""
import glob
import imaplib
import os
import re
import shutil
import smtplib

from conftest import needs_root, wait_for


def send(suite, recipient, text):
    """Sends one message; its queue id."""
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=30) as smtp:
        smtp.ehlo("client.example")
        smtp.mail("stranger@example.org")
        smtp.rcpt(recipient)
        code, answer = smtp.data(text)
        assert code == 250, answer
    return re.search(rb"as (\w+)", answer).group(1).decode()


def outcome(suite, queue_id):
    """The log line that tells what became of it."""
    def line():
        for row in suite.log().splitlines():
            if f": {queue_id}: to=<" in row and "status=" in row:
                return row
    return wait_for(line)


def files(suite, i, folder=""):
    return glob.glob(os.path.join(suite.mailbox(i), folder, "new", "*")) + \
        glob.glob(os.path.join(suite.mailbox(i), folder, "cur", "*"))


def with_detail(suite, i, detail):
    local, domain = suite.account(i)[0].split("@")
    return f'"{local}+{detail}"@{domain}'


def test_detail_goes_to_its_folder(suite):
    imap = imaplib.IMAP4(suite.info["host"], suite.port("imap"))
    imap.login(*suite.account(0))
    assert imap.create("lists")[0] == "OK"
    line = outcome(suite, send(suite, with_detail(suite, 0, "lists"), "Subject: x\r\n\r\n1\r\n"))
    assert "status=sent" in line
    assert imap.select("lists") == ("OK", [b"1"])
    before = len(files(suite, 0))
    outcome(suite, send(suite, with_detail(suite, 0, "nothing"), "Subject: x\r\n\r\n2\r\n"))
    assert len(files(suite, 0)) == before + 1
    imap.logout()


def test_detail_never_leaves_the_mailbox(suite):
    before = len(files(suite, 1))
    for detail in ("../user1", "..", ".lists", "a/../../b", "%2e%2e"):
        line = outcome(suite, send(suite, with_detail(suite, 0, detail), "Subject: x\r\n\r\n"))
        assert "status=sent" in line
    assert len(files(suite, 1)) == before
    top = set(os.listdir(suite.info["mail_root"])) | set(
        os.listdir(os.path.dirname(suite.mailbox(0))))
    assert not [name for name in top if name.startswith(".")]


def test_a_loop_ends(suite):
    address = suite.account(1)[0]
    before = len(files(suite, 1))
    line = outcome(suite, send(suite, address, f"Delivered-To: {address}\r\n\r\nagain\r\n"))
    assert "dsn=5.4.6" in line and "status=bounced" in line
    assert len(files(suite, 1)) == before


def test_a_missing_home_is_made(suite):
    send(suite, suite.account(2)[0], "Subject: first\r\n\r\n")
    wait_for(lambda: files(suite, 2))
    shutil.rmtree(suite.mailbox(2))
    line = outcome(suite, send(suite, suite.account(2)[0], "Subject: second\r\n\r\n"))
    assert "status=sent" in line
    assert len(files(suite, 2)) == 1
    assert os.stat(suite.mailbox(2)).st_mode & 0o077 == 0


@needs_root
def test_a_home_that_is_not_ours_keeps_mail_waiting(fresh_suite):
    suite = fresh_suite(users=1)
    address = suite.account(0)[0]
    send(suite, address, "Subject: first\r\n\r\n")
    wait_for(lambda: files(suite, 0))
    home, other = suite.mailbox(0), suite.mailbox(0) + ".aside"
    os.rename(home, other)
    os.symlink(other, home)
    line = outcome(suite, send(suite, address, "Subject: second\r\n\r\n"))
    assert "status=deferred" in line and "dsn=4.3.5" in line
    os.unlink(home)
    os.rename(other, home)
    suite.relais("queue", "flush")
    wait_for(lambda: len(files(suite, 0)) == 2)
