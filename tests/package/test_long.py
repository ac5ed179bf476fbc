# SPDX-License-Identifier: ISC
"""The whole life of the Debian package: installed with no question answered, configured, upgraded under
load, removed, installed again over its data, purged; piuparts; and built twice, elsewhere and otherwise,
with the same octets. Runs with RELAIS_LONG (./check --long).
"""
import hashlib
import imaplib
import os
import re
import subprocess

import pytest
from world import (ANN, DOMAIN, HOST, PASSWORD, build, deb, inbox, lax, net, new_machine,  # noqa: F401
                   receive, tarball, trust_root)
from conftest import assert_healthy, needs_root, wait_for
from load import Sender, survey

pytestmark = [needs_root, pytest.mark.skipif(not os.environ.get("RELAIS_LONG"), reason="only with RELAIS_LONG")]


LOAD = "load@" + DOMAIN


@pytest.fixture(scope="module")
def machine(net, tarball):
    m = new_machine(net, tarball, "mx")
    yield m
    log = m.log()
    m.stop()
    assert_healthy(log)


@pytest.fixture(scope="module")
def newer(tmp_path_factory):
    return os.environ.get("RELAIS_NEWER") or build(tmp_path_factory.mktemp("newer"), "9.9.9")


class Visitor(Sender):
    """A client of the machine's port 25 that takes no excuse."""

    def __init__(self, machine, number):
        super().__init__(number, 25, [LOAD], lines=(1, 60))
        self.machine, self.complaints = machine, []

    def session(self):
        try:
            super().session()
        except OSError as e:
            self.complaints.append(repr(e))
            raise

    def run(self):
        with self.machine.host.inside():
            super().run()


# in the order of a package's life: each goes on where the one before has stopped

def test_nothing_answered_nothing_configured(machine, net, deb):
    out = machine.install(deb)
    trust_root(machine, net)
    assert 'run "relais setup"' in out
    assert not machine.exists("/etc/relais/relais.conf")
    assert machine.run("relais", "status", check=False).returncode != 0
    if machine.booted:
        assert machine.run("systemctl", "is-enabled", "relais").stdout == "enabled\n"
        assert machine.run("systemctl", "is-failed", "relais", check=False).stdout == "inactive\n"


def test_answers_later(machine):
    """By dpkg-reconfigure; relais setup by hand is tested elsewhere."""
    machine.preseed(hostname=HOST, domain=DOMAIN)
    machine.run("dpkg-reconfigure", "-fnoninteractive", "relais")
    assert machine.exists("/etc/relais/relais.conf")
    if not machine.booted:
        machine.start_by_hand()
    machine.wait_ready()
    for address in (ANN, LOAD):
        machine.relais("user", "add", address, "--password-stdin", stdin=PASSWORD + "\n")
    receive(machine, "before the upgrade")


def test_upgrade_under_load(machine, newer):
    before = machine.run("pidof", "relais-master").stdout
    with machine.host.inside():
        session = imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=lax(), timeout=60)
    session.login(ANN, PASSWORD)
    session.select("INBOX")
    visitors = [Visitor(machine, i) for i in range(4)]
    for v in visitors:
        v.start()
    wait_for(lambda: all(len(v.confirmed) > 5 for v in visitors))
    machine.install(newer)
    seen = [len(v.confirmed) for v in visitors]
    wait_for(lambda: all(len(v.confirmed) > n + 5 for v, n in zip(visitors, seen)))
    for v in visitors:
        v.over.set()
    for v in visitors:
        v.join()
    assert [c for v in visitors for c in v.complaints] == []
    assert machine.run("relais", "--version").stdout == "relais 9.9.9\n"
    assert session.noop()[0] == "OK", "the session from before the upgrade"
    session.logout()
    assert machine.run("pidof", "relais-master").stdout == before
    exe = machine.run("readlink", f"/proc/{before.split()[0]}/exe").stdout
    assert exe.endswith("/usr/sbin/relais-master\n"), "the old program still runs"
    if machine.booted:
        assert machine.run("systemctl", "is-active", "relais").stdout == "active\n"
    sent = {k for v in visitors for k in v.confirmed}

    def all_there():
        times, torn, _ = survey(machine.path("/var/mail/relais"), [LOAD])
        return not torn and sent <= set(times) and max(times[k] for k in sent) == 1
    wait_for(all_there, 60)


def tree(machine, folder):
    """Its files, with what is in them."""
    found = {}
    for at, _, names in os.walk(machine.path(folder)):
        for name in names:
            with open(os.path.join(at, name), "rb") as f:
                found[os.path.join(at, name)] = hashlib.sha256(f.read()).hexdigest()
    return found


def test_removal_keeps_all_that_is_somebodys(machine):
    machine.run("relais", "dkim", "new", DOMAIN)
    machine.apt("remove", "relais")
    wait_for(lambda: machine.run("pidof", "relais-master", check=False).stdout == "")
    assert not machine.exists("/usr/sbin/relais")
    for kept in ("/etc/relais/relais.conf", "/etc/relais/accounts", "/var/mail/relais/" + DOMAIN,
                 "/var/spool/relais", "/var/lib/relais/dkim", "/etc/logrotate.d/relais"):
        assert machine.exists(kept), kept


def test_installed_again_over_its_data(machine, deb):
    mail = tree(machine, "/var/mail/relais")
    machine.install(deb)
    machine.wait_ready()
    assert inbox(machine, "before the upgrade")
    receive(machine, "after the second installation")
    assert set(mail) - set(tree(machine, "/var/mail/relais")) <= {
        x for x in mail if re.search(r"/(new|cur|tmp)/|index|log|cache", x)}


def test_purge_keeps_mail_unless_told(machine, deb):
    machine.apt("purge", "relais")
    assert not machine.exists("/etc/relais/relais.conf")
    assert not machine.exists("/var/lib/relais/ledger")
    assert not machine.exists("/etc/logrotate.d/relais")
    assert tree(machine, "/var/mail/relais")
    assert machine.exists("/etc/relais/accounts")
    assert tree(machine, "/var/lib/relais/dkim")

    machine.preseed(hostname=HOST, domain=DOMAIN, purge_mail="true")
    machine.install(deb)
    machine.wait_ready()
    assert inbox(machine, "after the second installation")
    machine.apt("purge", "relais")
    for gone in ("/etc/relais", "/var/mail/relais", "/var/spool/relais", "/var/lib/relais", "/run/relais"):
        assert not machine.exists(gone), gone


# ---- without the machine ----

def test_piuparts_finds_nothing(deb, tarball):
    done = subprocess.run(
        ["piuparts", "--basetgz", tarball, "-d", "bookworm", "--no-eatmydata", "--warn-on-debsums-errors",
         "--skip-cronfiles-test", "--allow-database", deb],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-6000:]


def test_built_twice_it_is_the_same(deb, tmp_path):
    """In a folder of another length, at another hour, in another language, for one processor."""
    other = build(tmp_path / "somewhere" / "quite" / "else", umask=0o077,
                  env=dict(os.environ, TZ="Pacific/Kiritimati", LC_ALL="C", LANG="C", RELAIS_JOBS="1"))

    def digest(path):
        with open(path, "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()
    names = sorted(x for x in os.listdir(os.path.dirname(other)) if x.endswith(".deb"))
    assert len(names) == 2
    for name in names:
        first, second = (os.path.join(os.path.dirname(d), name) for d in (deb, other))
        assert digest(first) == digest(second), name
