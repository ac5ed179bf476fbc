# SPDX-License-Identifier: ISC
"""The Debian package, as its users meet it: built, installed preseeded on a machine with nothing else,
started by systemd with its hardened unit; mail comes in, goes out, and is read. (What needs more time:
test_long.py.)
"""
import glob
import os
import poplib
import re
import subprocess

import pytest
from world import (ANN, DOMAIN, HOST, PASSWORD, deb, inbox, lax, net, new_machine, receive,  # noqa: F401
                   submit, tarball, trust_root)
from conftest import assert_healthy, needs_root, wait_for
from mta import Postfix

pytestmark = needs_root


@pytest.fixture(scope="module")
def machine(net, tarball, deb):
    """With the package, preseeded, running."""
    m = new_machine(net, tarball)
    m.preseed(hostname=HOST, domain=DOMAIN)
    m.installed = m.install(deb)
    trust_root(m, net)
    m.wait_ready()
    m.relais("user", "add", ANN, "--password-stdin", stdin=PASSWORD + "\n")
    yield m
    log = m.log()
    m.stop()
    assert_healthy(log)


# ---- the package ----

def test_lintian_finds_nothing(deb):
    changes = glob.glob(os.path.dirname(deb) + "/*.changes")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *(changes or [deb])],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def test_everything_is_where_it_belongs(deb):
    rows = subprocess.run(["dpkg-deb", "-c", deb], check=True, stdout=subprocess.PIPE, text=True).stdout
    modes = {x.split()[5].lstrip("."): x.split()[0] for x in rows.splitlines()}
    for name in ("/usr/sbin/relais", "/usr/sbin/relais-master", "/usr/sbin/sendmail", "/usr/lib/sendmail",
                 "/usr/bin/mailq", "/usr/bin/newaliases", "/usr/libexec/relais/smtpd",
                 "/lib/systemd/system/relais.service", "/etc/logrotate.d/relais",
                 "/etc/fail2ban/filter.d/relais-ban.conf", "/usr/share/man/man5/relais.conf.5.gz",
                 "/usr/share/doc/relais/examples/postgresql.sql"):
        assert name in modes, name
    assert not [x for x, mode in modes.items() if "s" in mode], "setuid or setgid"
    # a configuration is the administrator's from its first moment
    assert "/etc/relais/relais.conf" not in modes


def test_programs_say_the_version_of_the_package(machine):
    version = machine.run("dpkg-query", "-W", "-f", "${Version}", "relais").stdout
    for program in ("relais", "relais-master"):
        assert machine.run(program, "--version").stdout == f"relais {version}\n"


# ---- what the installation does ----

def test_the_preseeded_configuration_is_right(machine):
    conf = machine.read("/etc/relais/relais.conf")
    assert re.search(rf"^hostname\s*=\s*\"?{HOST}", conf, re.M), conf
    machine.relais("config", "check")
    assert machine.read("/etc/mailname").strip() == DOMAIN
    assert machine.run("stat", "-c", "%U %a", "/var/lib/relais/directory").stdout == "relais-dir 700\n"
    assert machine.exists("/var/lib/relais/tls/self-signed.pem")


def test_the_unit_is_sound_and_tight(machine):
    if not machine.booted:
        pytest.skip("systemd does not run here")
    assert machine.run("systemctl", "is-enabled", "relais").stdout == "enabled\n"
    assert machine.run("systemctl", "is-active", "relais").stdout == "active\n"
    done = machine.run("systemd-analyze", "verify", "--man=no", "relais.service")
    assert done.stdout == ""
    machine.run("systemd-analyze", "security", "--offline=yes", "--threshold=36", "relais.service")


def test_sockets_and_reload_by_systemd(machine):
    if not machine.booted:
        pytest.skip("systemd does not run here")
    machine.run("systemctl", "reload", "relais")
    assert "configuration taken" in machine.log()


# ---- mail ----

def test_mail_comes_in(machine):
    text = receive(machine, "from another host")
    assert b"Received: from" in text


def test_mail_goes_out(machine, net):
    other = Postfix(net.host("other"), "mx.other.example", ["other.example"]).start()
    submit(machine, "bob@other.example", "to another host")
    got = wait_for(lambda: other.mail.with_subject("to another host"), 30)
    assert len(got) == 1
    other.stop()


def test_sendmail_and_its_old_names(machine):
    machine.run("runuser", "-u", "nobody", "--", "/usr/lib/sendmail", ANN,
                stdin="Subject: from a user of this machine\n\nHello.\n")
    inbox(machine, "from a user of this machine")
    assert "queue is empty" in wait_for(lambda: (
        lambda out: "queue is empty" in out and out)(machine.run("mailq").stdout))
    machine.run("newaliases")


def test_mail_is_read_by_pop3(machine):
    submit(machine, ANN, "for pop3")
    inbox(machine, "for pop3")
    with machine.host.inside():
        p = poplib.POP3_SSL("127.0.0.1", 995, context=lax(), timeout=20)
    p.user(ANN)
    p.pass_(PASSWORD)
    last = len(p.list()[1])
    assert b"Subject: for pop3" in p.retr(last)[1]
    p.quit()


def test_syslog_has_the_story(machine):
    assert re.search(r"relais/qmgr\[\d+\]: \w+: to=<ann@first.example>.* status=sent", machine.log())
