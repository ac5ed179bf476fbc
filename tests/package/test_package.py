# SPDX-License-Identifier: ISC
"""The Debian package, as its users meet it: built, installed on a machine with nothing else, asked nothing
or preseeded, started by systemd with its hardened unit; mail comes in, goes out, and is read.

RELAIS_DEB names a package to test instead of building one.
"""
import glob
import imaplib
import os
import poplib
import re
import smtplib
import ssl
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))
from conftest import TOP, assert_healthy, needs_root, wait_for  # noqa: E402
from machine import Machine  # noqa: E402
from mta import Postfix  # noqa: E402
from net import Network, skip_unless_possible  # noqa: E402

pytestmark = needs_root

HOST, DOMAIN, ANN = "mx.first.example", "first.example", "ann@first.example"
PASSWORD = "a long secret of ann"


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    if "RELAIS_DEB" in os.environ:
        return os.environ["RELAIS_DEB"]
    folder = str(tmp_path_factory.mktemp("build"))
    subprocess.run([os.path.join(HERE, "build"), folder], check=True)
    return glob.glob(folder + "/relais_*.deb")[0]


@pytest.fixture(scope="module")
def tarball(deb):
    done = subprocess.run([os.path.join(HERE, "base"), deb], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def net():
    skip_unless_possible()
    with Network() as n:
        n.dns = n.make_dns()
        for name, host in (("first.example", n.host("mx")), ("other.example", n.host("other"))):
            n.dns.zone(name, "@ MX 10 mx\n" + host.records("mx", families="4"))
        n.dns.start()
        yield n


def new_machine(net, tarball, name="mx"):
    """On that host; it asks the network's name server, and believes its root."""
    m = Machine(net.host(name), tarball)
    m.write("/etc/resolv.conf", f"nameserver {net.host('dns').v4}\n")
    return m


def trust_root(machine, net):
    """After the installation: the root's key is a package's file."""
    with open(net.dns.trust_anchor) as f:
        machine.write("/usr/share/dns/root.key", f.read())


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


def lax():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def message(sender, to, subject):
    return f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\r\nHello.\r\n"


def inbox(machine, subject):
    """The message of that subject, by IMAP."""
    def look():
        with machine.host.inside():
            i = imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=lax(), timeout=20)
        with i:
            i.login(ANN, PASSWORD)
            i.select("INBOX")
            found = i.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
            return found and i.fetch(found[-1], "(BODY.PEEK[])")[1][0][1]
    return wait_for(look, every=0.2)


def receive(machine, subject):
    with machine.host.net.host("other").inside(), smtplib.SMTP(machine.host.v4, 25, timeout=30) as s:
        s.sendmail("bob@other.example", [ANN], message("bob@other.example", ANN, subject))
    return inbox(machine, subject)


def submit(machine, to, subject):
    with machine.host.inside(), smtplib.SMTP("127.0.0.1", 587, timeout=30) as s:
        s.starttls(context=lax())
        s.login(ANN, PASSWORD)
        s.sendmail(ANN, [to], message(ANN, to, subject))


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
                 "/etc/fail2ban/filter.d/relais-ban.conf", "/usr/share/man/man5/relais.conf.5.gz"):
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
