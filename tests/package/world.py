# SPDX-License-Identifier: ISC
"""What the package's tests share: the package, a network with names, a machine in it, and mail that comes,
goes and is read there.

RELAIS_DEB names a package to test instead of building one.
"""
import glob
import imaplib
import os
import smtplib
import ssl
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))
from conftest import wait_for  # noqa: E402
from machine import Machine  # noqa: E402
from net import Network, skip_unless_possible  # noqa: E402

HOST, DOMAIN, ANN = "mx.first.example", "first.example", "ann@first.example"
PASSWORD = "a long secret of ann"


def build(folder, *words, **more):
    """A package made in that folder; its path."""
    subprocess.run([os.path.join(HERE, "build"), str(folder), *words], check=True, **more)
    return glob.glob(f"{folder}/relais_*.deb")[0]


_built = []


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    """Built once for all files of tests."""
    if not _built:
        _built.append(os.environ.get("RELAIS_DEB") or build(tmp_path_factory.mktemp("build")))
    return _built[0]


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


def new_machine(net, tarball, name="mx", hostname=HOST):
    """On that host; it asks the network's name server."""
    m = Machine(net.host(name), tarball, hostname)
    m.write("/etc/resolv.conf", f"nameserver {net.host('dns').v4}\n")
    return m


def trust_root(machine, net):
    """After the installation: the root's key is a package's file."""
    with open(net.dns.trust_anchor) as f:
        machine.write("/usr/share/dns/root.key", f.read())


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
