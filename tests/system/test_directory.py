# SPDX-License-Identifier: ISC
"""Accounts, aliases, quotas: what the commands and tables say is what the services do."""
import imaplib
import json
import os
import pwd
import signal
import smtplib
import threading
import time

import pytest
from conftest import needs_root, running, wait_for

DOMAIN = "example.test"


@pytest.fixture(scope="module")
def provider():
    with running(users=3, forgive="killed by signal", options=["directory.postmaster=user1@example.test"]) as s:
        yield s


def rcpt(suite, recipient, size=None):
    """The reply's code to RCPT."""
    with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30) as smtp:
        smtp.ehlo("client.example")
        smtp.docmd("MAIL", "FROM:<stranger@example.org>" + (f" SIZE={size}" if size else ""))
        return smtp.docmd("RCPT", f"TO:<{recipient}>")[0]


def send(suite, recipient, body):
    with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30) as smtp:
        smtp.sendmail("stranger@example.org", [recipient],
                      f"From: <a@example.org>\r\nSubject: t\r\n\r\n{body}\r\n")


def login(suite, address, password):
    client = imaplib.IMAP4("127.0.0.1", suite.port("imap"))
    client.login(address, password)
    return client


def can_login(suite, address, password):
    try:
        login(suite, address, password).logout()
        return True
    except imaplib.IMAP4.error:
        return False


def bodies(suite, address, password, folder="INBOX"):
    client = login(suite, address, password)
    try:
        if client.select(f'"{folder}"', readonly=True)[0] != "OK":
            return []
        found = client.search(None, "ALL")[1][0].split()
        return [client.fetch(n, "(BODY.PEEK[TEXT])")[1][0][1].strip().decode() for n in found]
    finally:
        client.logout()


def write_table(suite, name, text):
    with open(os.path.join(suite.folder, "tables", name), "w") as f:
        f.write(text)
    suite.relais("map")


def use_of(suite, account):
    for row in json.loads(suite.relais("quota", "list", "--json")):
        if row["account"] == account:
            return row["octets"], row["messages"]
    return 0, 0


def test_a_new_account_works_at_once_and_a_deleted_one_no_more(provider):
    address = f"new.user@{DOMAIN}"
    assert rcpt(provider, address) == 550
    provider.relais("user", "add", address, "--password-stdin", stdin="first\n")
    wait_for(lambda: rcpt(provider, address.upper()) == 250, 5)
    login(provider, address, "first").logout()
    provider.relais("user", "passwd", address, "--password-stdin", stdin="second\n")
    wait_for(lambda: can_login(provider, address, "second"), 10)
    assert not can_login(provider, address, "first")
    listed = {u["address"]: u for u in json.loads(provider.relais("user", "list", "--json"))}
    assert listed[address]["state"] == "active"
    provider.relais("user", "del", address)
    wait_for(lambda: rcpt(provider, address) == 550, 5)
    assert not can_login(provider, address, "second")
    assert provider.relais("user", "del", address, check=False).returncode == 1


def test_states(provider):
    address, password = provider.account(2)
    provider.relais("user", "set", address, "--state", "no-login")
    time.sleep(0.2)
    assert rcpt(provider, address) == 250
    assert not can_login(provider, address, password)
    provider.relais("user", "set", address, "--state", "no-mail")
    wait_for(lambda: rcpt(provider, address) == 550, 5)
    login(provider, address, password).logout()
    provider.relais("user", "set", address, "--state", "active")
    wait_for(lambda: rcpt(provider, address) == 250, 5)


def test_a_login_needs_no_domain_and_case_does_not_matter(provider):
    address, password = provider.account(0)
    login(provider, address.split("@")[0], password).logout()
    login(provider, address.upper(), password).logout()


def test_aliases_details_and_postmaster(provider):
    (one, pw1), (two, pw2) = provider.account(0), provider.account(1)
    write_table(provider, "aliases", f"team@{DOMAIN} {one},\n  {two}\nroot {one}\n"
                f"ring1@{DOMAIN} ring2\nring2@{DOMAIN} ring1\n"
                f"half@{DOMAIN} {one} nobody@{DOMAIN}\n")
    wait_for(lambda: rcpt(provider, f"team@{DOMAIN}") == 250, 5)
    send(provider, f"team@{DOMAIN}", "for the team")
    send(provider, f"Root@{DOMAIN}", "for root")
    send(provider, "postmaster", "for the postmaster")
    send(provider, f"{two.split('@')[0]}+no.such.folder@{DOMAIN}", "with a detail")
    wanted = {"for the team", "for root", "for the postmaster"}
    wait_for(lambda: wanted <= set(bodies(provider, one, pw1)))
    wait_for(lambda: "for the team" in bodies(provider, two, pw2))

    def detail_arrived():
        client = login(provider, two, pw2)
        folders = [line.decode().split(' "/" ')[-1].strip('"')
                   for line in client.list()[1] if line]
        client.logout()
        return any("with a detail" in bodies(provider, two, pw2, f) for f in folders)
    wait_for(detail_arrived)
    assert rcpt(provider, f"ring1@{DOMAIN}") == 550
    assert rcpt(provider, f"half@{DOMAIN}") == 250


def test_a_bad_table_changes_nothing(provider):
    path = os.path.join(provider.folder, "tables", "aliases")
    with open(path) as f:
        before = f.read()
    write_table(provider, "aliases", before + f"good@{DOMAIN} {provider.account(0)[0]}\n")
    wait_for(lambda: rcpt(provider, f"good@{DOMAIN}") == 250, 5)
    with open(path, "w") as f:
        f.write("no target\x01\nx@y@z a\n")
    done = provider.relais("map", check=False)
    assert done.returncode == 1
    assert f"{path}:1: " in done.stderr and f"{path}:2: " in done.stderr
    time.sleep(0.2)
    assert rcpt(provider, f"good@{DOMAIN}") == 250
    with open(path, "w") as f:
        f.write(before)
    provider.relais("map")


def test_domains(provider):
    provider.relais("domain", "add", "second.test")
    provider.relais("domain", "add", "third.test", "alias", "second.test")
    provider.relais("domain", "add", "partner.test", "relay")
    provider.relais("user", "add", "joe@second.test", "--password-stdin", "--hash", "yescrypt:1",
                    stdin="joe\n")
    wait_for(lambda: rcpt(provider, "joe@second.test") == 250, 5)
    assert rcpt(provider, "joe@third.test") == 250
    assert rcpt(provider, "ann@third.test") == 550
    assert rcpt(provider, "joe@other.test") == 554
    send(provider, "joe@third.test", "by the other name")
    wait_for(lambda: "by the other name" in bodies(provider, "joe@second.test", "joe"))
    assert provider.relais("domain", "del", "second.test", check=False).returncode == 1
    provider.relais("user", "del", "joe@second.test")
    # the alias domain would lead nowhere
    assert provider.relais("domain", "del", "second.test", check=False).returncode == 1
    provider.relais("domain", "del", "third.test")
    provider.relais("domain", "del", "second.test")
    wait_for(lambda: rcpt(provider, "joe@second.test") == 554, 5)


def test_quota_is_known_at_rcpt_and_freed_by_deleting(provider):
    address = f"small@{DOMAIN}"
    provider.relais("user", "add", address, "--quota", "4K", "--password-stdin", stdin="small\n")
    wait_for(lambda: rcpt(provider, address) == 250, 5)
    assert rcpt(provider, address, size=5000) == 552
    for i in range(5):
        if rcpt(provider, address, size=1100) != 250:
            break
        send(provider, address, "x" * 990)
        wait_for(lambda: len(bodies(provider, address, "small")) > i)
        wait_for(lambda: use_of(provider, address)[1] > i)
        time.sleep(0.2)  # until directory is told too
    assert i == 3
    assert rcpt(provider, address, size=1100) == 452
    octets, messages = use_of(provider, address)
    folder = os.path.join(provider.info["mail_root"], DOMAIN, "small")
    on_disk = [os.path.getsize(os.path.join(folder, part, name))
               for part in ("new", "cur") for name in os.listdir(os.path.join(folder, part))]
    assert (octets, messages) == (sum(on_disk), len(on_disk))
    # a higher limit counts at once; back again
    provider.relais("user", "set", address, "--quota", "1M")
    wait_for(lambda: rcpt(provider, address, size=1100) == 250, 5)
    provider.relais("user", "set", address, "--quota", "4K")
    wait_for(lambda: rcpt(provider, address, size=1100) == 452, 5)
    client = login(provider, address, "small")
    client.select("INBOX")
    client.store("1:3", "+FLAGS", "\\Deleted")
    client.expunge()
    client.logout()
    wait_for(lambda: rcpt(provider, address, size=1100) == 250, 10)
    assert use_of(provider, address)[1] == messages - 3
    provider.relais("quota", "recount", address)
    assert use_of(provider, address)[1] == messages - 3
    provider.relais("user", "del", address)
    assert use_of(provider, address) == (0, 0)


def test_tables_replaced_while_asked(provider):
    """Nobody of ours is ever unknown, whatever moment a table is replaced at."""
    address = provider.account(0)[0]
    stop, wrong, asked = threading.Event(), [], [0]

    def ask():
        while not stop.is_set():  # a connection may ask only so much without sending
            with smtplib.SMTP("127.0.0.1", provider.port("smtp"), timeout=30) as smtp:
                smtp.ehlo("client.example")
                for _ in range(20):
                    smtp.docmd("MAIL", "FROM:<a@example.org>")
                    code = smtp.docmd("RCPT", f"TO:<{address}>")[0]
                    asked[0] += 1
                    if code != 250:
                        wrong.append(code)
                    smtp.docmd("RSET")
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for t in threads:
        t.start()
    for _ in range(15):
        provider.relais("map")
    stop.set()
    for t in threads:
        t.join()
    assert asked[0] > 100 and wrong == []


def test_a_login_storm_does_not_slow_recipients(provider):
    """Hashing is done in threads, and only so many wait."""
    address, password = provider.account(0)
    answers = []

    def attack(n):
        try:
            login(provider, address, f"wrong{n}")
            answers.append("in")
        except (imaplib.IMAP4.error, OSError):
            answers.append("out")
    threads = [threading.Thread(target=attack, args=(n,)) for n in range(60)]
    for t in threads:
        t.start()
    with smtplib.SMTP("127.0.0.1", provider.port("smtp"), timeout=30) as smtp:
        smtp.ehlo("client.example")
        smtp.docmd("MAIL", "FROM:<a@example.org>")
        slowest = 0
        for _ in range(50):
            begin = time.monotonic()
            assert smtp.docmd("RCPT", f"TO:<{address}>")[0] == 250
            slowest = max(slowest, time.monotonic() - begin)
    for t in threads:
        t.join()
    assert answers == ["out"] * 60
    assert slowest < 2
    login(provider, address, password).logout()


def test_directory_and_ledger_killed_under_load(provider):
    """Both come back; what was confirmed counts, and the use is that of the files."""
    address = provider.account(2)[0]
    stop, sent = threading.Event(), []

    def deliver(n):
        while not stop.is_set():
            try:
                send(provider, address, f"load {n} {len(sent)}")
                sent.append(1)
            except (smtplib.SMTPException, OSError):
                time.sleep(0.05)
    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(3)]
    for t in threads:
        t.start()
    for round_ in range(6):
        time.sleep(0.4)
        for pid in provider.pids("ledger" if round_ % 2 else "directory"):
            if pid > 0:
                os.kill(pid, signal.SIGKILL)
    time.sleep(1)
    stop.set()
    for t in threads:
        t.join()
    folder = os.path.join(provider.info["mail_root"], DOMAIN, address.split("@")[0])

    def files():
        return sum(len(os.listdir(os.path.join(folder, part))) for part in ("new", "cur"))
    assert len(sent) > 10
    wait_for(lambda: files() >= len(sent), 60)

    def quiet():  # reports that waited for the ledger have come
        before = files(), use_of(provider, address)
        time.sleep(1)
        return before == (files(), use_of(provider, address))
    wait_for(quiet, 60)
    provider.relais("quota", "recount", address)
    assert use_of(provider, address)[1] == files()
    assert rcpt(provider, f"nobody@{DOMAIN}") == 550


@needs_root
def test_users_of_the_system_have_mailboxes(provider):
    users = [u for u in pwd.getpwall() if 1000 <= u.pw_uid < 60000 and u.pw_gid != 0]
    if not users:
        pytest.skip("this system has no users")
    user = users[0]
    provider.relais("domain", "add", "host.test", "local", "system-users")
    wait_for(lambda: rcpt(provider, f"{user.pw_name}@host.test") == 250, 5)
    assert rcpt(provider, "root@host.test") in (250, 550)  # an alias, or nobody
    send(provider, f"{user.pw_name}@host.test", "to a user of the system")
    folder = os.path.join(provider.info["mail_root"], "localhost", user.pw_name)

    def delivered():
        names = os.listdir(os.path.join(folder, "new")) + os.listdir(os.path.join(folder, "cur"))
        return names and os.stat(folder).st_uid == user.pw_uid
    wait_for(delivered)
    account = f"{user.pw_name}@localhost"
    wait_for(lambda: use_of(provider, account)[1] == 1)
    provider.relais("quota", "recount", account)
    assert use_of(provider, account)[1] == 1
    provider.relais("domain", "del", "host.test")
