# SPDX-License-Identifier: ISC
"""Moving from Postfix and Dovecot: real Dovecot serves a Maildir, then we do. Its configuration and
Postfix' become ours; passwords, mail, flags, UIDs and UIDLs stay, so no client fetches anew."""
import imaplib
import json
import os
import poplib
import re
import shutil
import smtplib
import socket
import subprocess
import time

import pytest

from conftest import free_base, needs_root, new_folder, running, wait_for

pytestmark = [needs_root, pytest.mark.skipif(shutil.which("dovecot") is None, reason="no dovecot")]

PASSWORD = "geheim"
MAIN_CF = """
myhostname = mail.moved.test
mydestination = $myhostname, localhost
virtual_mailbox_domains = moved.test
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = hash:{folder}/vmailbox
virtual_alias_maps = hash:{folder}/virtual
virtual_transport = lmtp:unix:private/dovecot-lmtp
transport_maps = hash:{folder}/transport
message_size_limit = 20480000
smtpd_recipient_restrictions = permit_sasl_authenticated, reject_unauth_destination,
    reject_rbl_client bl.example
"""
DOVECOT_CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3
listen = 127.0.0.1
!include {folder}/conf.d/*.conf
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0 secs
default_vsz_limit = 0
userdb {{
  driver = static
  args = uid=relais-mail gid=relais-mail home={folder}/mail/%d/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
CONF_D = """
mail_location = maildir:{folder}/mail/%d/%n
mail_uid = relais-mail
mail_gid = relais-mail
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = passwd-file
  args = scheme=SHA512-CRYPT username_format=%u {folder}/users
}}
"""


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


class Old:
    """The host as it was: Dovecot running, Postfix' files beside it."""

    def __init__(self, folder):
        self.folder = folder
        base = free_base()
        self.imap, self.pop3 = base + 143, base + 110
        names = {"folder": folder, "imap": self.imap, "pop3": self.pop3}
        os.makedirs(f"{folder}/conf.d")
        os.makedirs(f"{folder}/mail")
        shutil.chown(f"{folder}/mail", "relais-mail", "relais-mail")
        hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], stdout=subprocess.PIPE, text=True,
                                check=True).stdout.strip()
        write(f"{folder}/main.cf", MAIN_CF.format(**names))
        write(f"{folder}/vmailbox", "joe@moved.test moved.test/joe/\n")
        write(f"{folder}/virtual", "info@moved.test joe@moved.test\n")
        write(f"{folder}/transport", "far.test smtp:[gw.far.test]:25\nodd.test maildrop:\n")
        write(f"{folder}/users", f"joe@moved.test:{hashed}::::::userdb_quota_rule=*:storage=1G\n")
        write(f"{folder}/conf.d/10-mail.conf", CONF_D.format(**names))
        write(f"{folder}/dovecot.conf", DOVECOT_CONF.format(**names))
        with open(f"{folder}/out", "w") as out:
            self.process = subprocess.Popen(["dovecot", "-F", "-c", f"{folder}/dovecot.conf"], stdout=out,
                                            stderr=out, stdin=subprocess.DEVNULL)
        wait_for(self.answers)

    def answers(self):
        assert self.process.poll() is None, open(f"{self.folder}/out").read()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.imap)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def message(n):
    return f"From: <a@b.test>\r\nSubject: number {n}\r\n\r\nText {n}.\r\n".encode()


def login(port):
    client = imaplib.IMAP4("127.0.0.1", port)
    client.login("joe@moved.test", PASSWORD)
    return client


def fill(port):
    """Messages in two folders, with flags, a keyword, and a gap in the UIDs."""
    client = login(port)
    assert client.create("Archive")[0] == "OK"
    assert client.subscribe("Archive")[0] == "OK"
    for n in range(6):
        flags = r"(\Seen)" if n % 2 else r"(\Flagged Work)"
        when = imaplib.Time2Internaldate(time.time() - 1000 + n)
        assert client.append("INBOX" if n < 4 else "Archive", flags, when, message(n))[0] == "OK"
    client.select("INBOX")
    client.store("2", "+FLAGS", r"(\Deleted)")
    assert client.expunge()[0] == "OK"
    client.logout()


def seen_by_imap(port):
    """{folder: (UIDVALIDITY, {UID: (flags, text)})}"""
    client, found = login(port), {}
    for folder in ("INBOX", "Archive"):
        assert client.select(folder)[0] == "OK"
        validity = client.response("UIDVALIDITY")[1][0]
        mail = {}
        for part in client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]:
            if isinstance(part, tuple):
                head = part[0].decode()
                flags = set(re.search(r"FLAGS \(([^)]*)\)", head).group(1).split()) - {r"\Recent"}
                mail[re.search(r"UID (\d+)", head).group(1)] = (frozenset(flags), part[1])
        found[folder] = (validity, mail)
    subscribed = client.lsub()[1]
    client.logout()
    return found, sorted(x.split()[-1].strip(b'"') for x in subscribed)


def seen_by_pop3(port):
    client = poplib.POP3("127.0.0.1", port)
    client.user("joe@moved.test")
    client.pass_(PASSWORD)
    lines = [x.split()[1] for x in client.uidl()[1]]
    client.quit()
    return lines


@pytest.fixture(scope="module")
def moved():
    """(what the old one said, the findings of the import, our suite after the move)"""
    folder = new_folder()
    old = Old(folder)
    try:
        fill(old.imap)
        before = seen_by_imap(old.imap), seen_by_pop3(old.pop3)
    finally:
        old.stop()
    with running(folder, options=[f"mail_root={folder}/mail"]) as suite:
        done = suite.relais("import-config", "--postfix", f"{folder}/main.cf", "--dovecot",
                            f"{folder}/dovecot.conf", "--to", f"{folder}/new", "--json")
        findings = json.loads(done)
        suite.relais("import-uids", f"{folder}/mail/moved.test")
        for name in ("domains", "accounts", "aliases", "transport"):
            shutil.copy(f"{folder}/new/{name}", f"{suite.folder}/tables/{name}")
        suite.relais("map")
        wait_for(lambda: "joe" in suite.relais("route", "info@moved.test", check=False).stdout)
        yield before, findings, suite, folder


def verdicts(findings, what):
    return {f["verdict"] for f in findings if f["what"] == what}


def test_what_is_told(moved):
    findings = moved[1]
    assert verdicts(findings, "myhostname") == {"taken"}
    assert verdicts(findings, "odd.test") == {"by hand"}
    assert verdicts(findings, "smtpd_recipient_restrictions") == {"by hand"}
    assert verdicts(findings, "virtual_transport") == {"needless"}
    assert not [f for f in findings if f["verdict"] == "failed"]


def test_the_configuration_is_right(moved):
    suite, folder = moved[2], moved[3]
    done = subprocess.run([os.path.join(suite.build, "bin", "relais"), "--config", f"{folder}/new/relais.conf",
                           "config", "show"], stdout=subprocess.PIPE, text=True, check=True, timeout=60,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0")).stdout
    assert "hostname = mail.moved.test" in done
    assert f"mail_root = {folder}/mail" in done
    assert "joe@moved.test" in open(f"{folder}/new/accounts", encoding="ascii").read()
    assert os.stat(f"{folder}/new/accounts").st_mode & 0o777 == 0o600


def test_imap_clients_see_their_mail_again(moved):
    before, suite = moved[0], moved[2]
    assert seen_by_imap(suite.port("imap")) == before[0]


def test_pop3_clients_know_what_they_have(moved):
    before, suite = moved[0], moved[2]
    assert seen_by_pop3(suite.port("pop3")) == before[1]


def test_new_mail_goes_on_above(moved):
    before, suite = moved[0], moved[2]
    with smtplib.SMTP("127.0.0.1", suite.port("smtp")) as client:
        client.sendmail("a@b.test", ["info@moved.test"], message("new"))
    highest = max(int(uid) for uid in before[0][0]["INBOX"][1])
    mail = wait_for(lambda: [uid for uid, (_, text) in seen_by_imap(suite.port("imap"))[0]["INBOX"][1].items()
                             if b"number new" in text])
    assert int(mail[0]) > highest


def test_a_second_time_changes_nothing(moved):
    suite, folder = moved[2], moved[3]
    assert "left alone" in suite.relais("import-uids", f"{folder}/mail")
    done = suite.relais("import-config", "--postfix", f"{folder}/main.cf", "--to", f"{folder}/new", check=False)
    assert done.returncode == 1 and "nothing is overwritten" in done.stderr


def test_nothing_to_read(moved):
    suite, folder = moved[2], moved[3]
    done = suite.relais("import-config", "--passwd-file", f"{folder}/none", "--to", f"{folder}/x", check=False)
    assert done.returncode == 1 and "not found" in done.stdout and not os.path.exists(f"{folder}/x")
