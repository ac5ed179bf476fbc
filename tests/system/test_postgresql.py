# SPDX-License-Identifier: ISC
"""Domains, accounts and aliases in a real PostgreSQL: found, changed, and gone for a while."""
import glob
import json
import os
import re
import smtplib
import subprocess
import threading

import pytest
from conftest import BUILD, TOP, new_folder, running, wait_for
from postgres import Postgres, programs
from test_directory import bodies, can_login, rcpt, send

pytestmark = pytest.mark.skipif(programs() is None, reason="needs PostgreSQL's programs")
PASSWORD = "right and proper"


@pytest.fixture(scope="module")
def database():
    p = Postgres()
    try:
        p.start()
        with open(os.path.join(TOP, "conf", "postgresql.sql")) as f:
            p.sql(f.read())
        hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, text=True,
                                stdout=subprocess.PIPE).stdout.strip()
        p.sql(f"""
            INSERT INTO domains (name) VALUES ('db.test');
            INSERT INTO domains (name, class, target) VALUES ('db2.test', 'alias', 'db.test');
            INSERT INTO accounts (address, password, quota)
                SELECT 'u' || i || '@db.test', '{hashed}', 100000000
                FROM generate_series(1, 20) AS i;
            INSERT INTO accounts (address, password, forward, keep)
                VALUES ('fwd@db.test', '{hashed}', '{{u1@db.test}}', true);
            INSERT INTO aliases VALUES ('team@db.test', 'u1@db.test'), ('team@db.test', 'u2@db.test');
            INSERT INTO transport VALUES ('.far.example', 2, 'lmtp:unix:second'),
                ('.far.example', 1, 'smtp:[192.0.2.1]:587'), ('closed.example', 0, 'error:5.7.1 no, never'),
                ('bad.example', 0, 'uucp:x');
            INSERT INTO sender_transport VALUES ('@db.test', 0, 'relay.example');
            INSERT INTO tls_policy VALUES ('relay.example', 'encrypt');
        """)
        yield p
    finally:
        p.stop()


@pytest.fixture(scope="module")
def suite(database):
    folder = new_folder()
    words = os.path.join(folder, "words")
    with open(words, "w") as f:
        f.write(database.password + "\n")
    os.chmod(words, 0o600)
    with running(folder=folder, users=2, options=[
            f'directory.postgresql="{database.conninfo}"',
            f"directory.postgresql_password_file={words}",
            "directory.postgresql_cache_time=0s",
            "directory.postgresql_connections=3",
            *(f'directory.postgresql_{t}="SELECT next_hop FROM {t} WHERE key = $1 ORDER BY priority"'
              for t in ("transport", "sender_transport")),
            'directory.postgresql_tls_policy="SELECT level FROM tls_policy WHERE key = $1"',
            "qmgr.minimal_backoff=1s", "qmgr.maximal_backoff=2s"]) as s:
        yield s


def test_the_table_of_all_back_ends_holds(database):
    program = os.path.join(BUILD or os.path.join(TOP, "build", "debug"), "tests", "test_backends")
    if not os.path.exists(program):
        pytest.skip("no unit tests in this build")
    other = Postgres()
    try:
        other.start()
        done = subprocess.run([program], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0",
                                       PGPASSWORD=other.password,
                                       RELAIS_TEST_POSTGRESQL=other.conninfo))
        assert done.returncode == 0 and "SKIPPED" not in done.stdout, done.stdout
    finally:
        other.stop()


def test_routes(suite):
    def told(address, sender="x@else.example"):
        return json.loads(suite.relais("route", address, "--sender", sender, "--json"))["targets"][0]

    assert told("x@a.far.example")["next_hop"] == "[192.0.2.1]:587, lmtp:unix:second"
    assert told("x@a.far.example", "u1@db.test")["next_hop"] == "[192.0.2.1]:587, lmtp:unix:second"
    there = told("x@else.example", "u1@db.test")
    assert there["next_hop"] == "relay.example" and there["hops"][0]["tls"] == "encrypt"
    assert told("x@else.example")["next_hop"] == "else.example"
    assert told("x@closed.example")["error"] == "no, never"
    bad = suite.relais("route", "x@bad.example", check=False)
    assert bad.returncode == 1 and "4.3.0" in bad.stdout, "not by another way than the operator's"
    suite.relais("transport", "add", "file.example", "[192.0.2.2]")
    wait_for(lambda: told("x@file.example")["next_hop"] == "[192.0.2.2]")


def test_accounts_aliases_and_logins(suite):
    assert rcpt(suite, "u1@db.test") == 250
    assert rcpt(suite, "nobody@db.test") == 550
    assert rcpt(suite, "stranger@elsewhere.example") == 554
    assert rcpt(suite, "u1'OR'1'='1@db.test") == 550
    send(suite, "team@db2.test", "for both")
    send(suite, "fwd@db.test", "kept and sent on")
    wait_for(lambda: "for both" in bodies(suite, "u1@db.test", PASSWORD))
    wait_for(lambda: "for both" in bodies(suite, "u2@db.test", PASSWORD))
    wait_for(lambda: "kept and sent on" in bodies(suite, "fwd@db.test", PASSWORD))
    wait_for(lambda: "kept and sent on" in bodies(suite, "u1@db.test", PASSWORD))
    assert can_login(suite, "u1@db.test", PASSWORD)
    assert not can_login(suite, "u1@db.test", "wrong")
    # the compiled tables are asked too
    address, password = suite.account(0)
    assert rcpt(suite, address) == 250 and can_login(suite, address, password)


def test_a_change_counts_at_once(suite, database):
    assert rcpt(suite, "late@db.test") == 550
    database.sql("INSERT INTO accounts (address) VALUES ('late@db.test')")
    assert rcpt(suite, "late@db.test") == 250
    database.sql("UPDATE accounts SET state = 'locked' WHERE address = 'late@db.test'")
    assert rcpt(suite, "late@db.test") == 550


def test_a_bad_row_refuses_nobody(suite, database):
    database.sql("INSERT INTO accounts (address, state) VALUES ('bad@db.test', 'no such state')")
    assert rcpt(suite, "bad@db.test") == 451
    assert rcpt(suite, "u1@db.test") == 250
    database.sql("DELETE FROM accounts WHERE address = 'bad@db.test'")
    assert rcpt(suite, "bad@db.test") == 550


class Load(threading.Thread):
    """Messages one after the other; every reply's code is kept."""

    def __init__(self, suite, number):
        super().__init__(daemon=True)
        self.suite, self.number, self.over = suite, number, threading.Event()
        self.confirmed, self.codes, self.sent = [], set(), 0

    def run(self):
        while not self.over.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", self.suite.port("smtp"), timeout=60) as smtp:
                    smtp.ehlo("load.example")
                    for _ in range(20):
                        self.one(smtp)
            except (OSError, smtplib.SMTPException):
                self.codes.add("lost")

    def one(self, smtp):
        ident = f"load-{self.number}-{self.sent}"
        to = f"u{1 + (self.sent + self.number) % 20}@db.test"
        self.sent += 1
        for verb, words in (("MAIL", "FROM:<load@example.org>"), ("RCPT", f"TO:<{to}>")):
            code = smtp.docmd(verb, words)[0]
            self.codes.add(code)
            if code != 250:
                smtp.docmd("RSET")
                return
        code = smtp.data(f"Subject: {ident}\r\n\r\n{ident}\r\n")[0]
        self.codes.add(code)
        if code == 250:
            self.confirmed.append(ident)


def delivered(suite):
    found = []
    for path in glob.glob(f"{suite.info['mail_root']}/db.test/*/*/*"):
        try:
            with open(path, errors="replace") as f:
                found += re.findall(r"^Subject: (load-\S+)", f.read(), re.M)
        except (IsADirectoryError, FileNotFoundError):
            pass
    return found


@pytest.mark.once
def test_killed_under_load_nothing_is_lost_and_nobody_refused(suite, database):
    begin = len(suite.log())
    load = [Load(suite, i) for i in range(4)]
    for thread in load:
        thread.start()
    for _ in range(3):
        before = sum(len(t.confirmed) for t in load)
        wait_for(lambda: sum(len(t.confirmed) for t in load) > before + 40)
        database.kill()
        wait_for(lambda: rcpt(suite, "u1@db.test") == 451)
        assert not can_login(suite, "u1@db.test", PASSWORD)
        database.start()
        wait_for(lambda: rcpt(suite, "u1@db.test") == 250)
    for thread in load:
        thread.over.set()
    for thread in load:
        thread.join(60)
    codes = set().union(*(t.codes for t in load))
    assert codes <= {250, 451}, codes
    confirmed = [i for t in load for i in t.confirmed]
    suite.relais("queue", "flush")
    wait_for(lambda: set(confirmed) <= set(delivered(suite)), 60)
    found = delivered(suite)
    assert len(found) == len(set(found)), "a message was delivered twice"
    log = suite.log()[begin:]
    assert "database: it answers again" in log and "status=bounced" not in log
    assert can_login(suite, "u1@db.test", PASSWORD)
