# SPDX-License-Identifier: ISC
"""The guide (docs/guide): every command of every chapter is run as it is printed, in the reader's order,
and prints what the guide says. So the guide cannot lie."""
import contextlib
import glob
import os
import re
import smtplib
import subprocess
import sys
import time

import pytest

import certs
import net as networks
from conftest import BUILD, TOP
from guide_desk import Desk
from peers import Peer

sys.path.insert(0, os.path.join(TOP, "tests", "guide"))
from blocks import blocks, differs  # noqa: E402

GUIDE = os.path.join(TOP, "docs", "guide")
CHAPTERS = ["first-server.md", "when-something-is-wrong.md", "at-home.md", "isp.md", "moving.md"]
# What blocks for "the machine" may call besides relais.
SYSTEM = {"apt", "apt-get", "systemctl", "certbot", "journalctl", "ufw", "rsync", "psql", "doveadm",
          "imapsync", "postfix", "systemd-analyze", "dpkg", "curl", "hostnamectl", "postqueue", "ssh",
          "tar", "cp", "createdb", "createuser", "fail2ban-client", "swaks", "scp", "cat", "chmod",
          "ln", "mkdir", "relais-master"}


# The old servers of moving.md.
OLD = {
    "/etc/postfix/main.cf": "myhostname = mx.example.org\nmydestination = localhost\n"
                            "virtual_mailbox_domains = example.org\n"
                            "virtual_alias_maps = hash:/etc/postfix/virtual\n"
                            "message_size_limit = 30000000\nsmtpd_recipient_restrictions = "
                            "permit_mynetworks, reject_unauth_destination\n",
    "/etc/postfix/virtual": "info@example.org ann@example.org\n",
    "/etc/dovecot/dovecot.conf": "protocols = imap pop3\npassdb {\n  driver = passwd-file\n"
                                 "  args = scheme=CRYPT /etc/dovecot/users\n}\n"
                                 "userdb {\n  driver = static\n  args = uid=vmail gid=vmail "
                                 "home=/var/vmail/%d/%n\n}\n",
    "/etc/dovecot/users": "ann@example.org:{SSHA256}iVhKWRyD4wdbtBlZ0EsHMOVcKMzB1tqYyjEyyqr6Xh9lQ1ij"
                          "2EYxaA==\n",
}


def publish(world, domain):
    """What relais says is to be published; of this host what belongs to its zone."""
    mine, others = world.desk.records(domain)
    world.zones.setdefault(domain, [])
    world.zones[domain] = [row for row in mine]
    for row in others:
        name = row.split()[0].rstrip(".")
        zone = ".".join(name.split(".")[-2:])
        world.zones.setdefault(zone, []).append(row)
    for name, rows in world.zones.items():
        world.dns.zone(name, "\n".join(dict.fromkeys(rows)))
    world.dns.publish()


class World:
    """The machine of the guide's reader (mx.example.org), the DNS, and somebody at example.net."""

    def __init__(self, net, desk=Desk):
        self.net, self.host = net, net.host("mx")
        self.dns = net.make_dns()
        other = net.host("other")
        self.zones = {"example.net": ["@ MX 10 mx", other.records("mx"), other.records("relay"),
                                      "away MX 10 away", "away A 192.0.2.99", '@ TXT "v=spf1 mx -all"']}
        self.dns.zone("example.net", "\n".join(self.zones["example.net"]))
        self.dns.zone("2.0.192.in-addr.arpa", f"{self.host.number} PTR mx.example.org.\n"
                                              f"{other.number} PTR mx.example.net.")
        reverse = lambda h: ".".join(reversed("20010db8" + f"{h.number:024x}"))  # noqa: E731
        self.dns.zone("8.b.d.0.1.0.0.2.ip6.arpa", "\n".join(
            f"{reverse(h)}.ip6.arpa. PTR {name}." for h, name in
            ((self.host, "mx.example.org"), (other, "mx.example.net"))))
        self.dns.start()
        self.peer = Peer(other)
        pair = certs.make_pair(os.path.join(other.folder, "relay"), ["relay.example.net"])
        self.relay = Peer(other, port=587, accounts={"customer17": "relay-password"}, cert=pair)
        self.desk = desk(self.host, self.dns)

    def receive(self, to, subject="Hello"):
        with self.net.host("other").inside(), smtplib.SMTP(self.host.v4, 25, timeout=30) as s:
            with contextlib.suppress(smtplib.SMTPRecipientsRefused):
                s.sendmail("bob@example.net", [to], f"From: bob@example.net\nTo: {to}\n"
                                                    f"Subject: {subject}\n\nHello.\n")


@pytest.fixture(scope="module")
def world():
    networks.skip_unless_possible()
    with networks.Network() as net:
        w = World(net)
        yield w
        w.desk.run("relais stop", check=False)
        w.desk.stop()


def check_words(block):
    """A block that is not run: its programs are known, and relais' commands and options are there."""
    for line in block.lines():
        words = line.split()
        while words[0] == "sudo" or words[1:2] == ["--config"]:
            words = words[1:] if words[0] == "sudo" else words[:1] + words[3:]
        if words[0] != "relais":
            assert words[0] in SYSTEM, f"{line}: what is {words[0]}?"
            continue
        done = subprocess.run([os.path.join(BUILD, "bin", "relais"), words[1], "--help"], text=True,
                              capture_output=True, timeout=30)
        assert done.returncode == 0, line
        missing = [w for w in words[2:] if w.startswith("--") and w not in done.stdout]
        assert not missing, f"{line}: {missing}"


def prepare(world, block):
    """What happens elsewhere before the block."""
    if block.publish:
        publish(world, block.publish)
    if block.receive:
        world.receive(block.receive)
    if block.certificate:
        live = world.desk.path("/etc/letsencrypt/live/" + block.certificate)
        os.makedirs(os.path.dirname(live), exist_ok=True)
        certs.make_pair(live, [block.certificate])
    if block.postfix:
        for name, text in OLD.items():
            os.makedirs(os.path.dirname(world.desk.path(name)), exist_ok=True)
            world.desk.write(name, text)


def run(world, block):
    """None, or what is wrong."""
    if block.answers:
        status, output = world.desk.talk(block.commands, block.answers)
    else:
        status, output = world.desk.run(block.commands, check=False)
    if os.environ.get("RELAIS_GUIDE_SHOW"):
        print(f"---- {block.chapter}:{block.line}\n{block.commands}\n{output}")
    if (status != 0) != block.fails:
        return f"exit status {status}:\n{output}"
    said = block.output and differs(block.output, output)
    return said and f"it differs, {said}; it printed\n{output}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter(world, chapter):
    for block in blocks(os.path.join(GUIDE, chapter)):
        where = f"docs/guide/{chapter}:{block.line}\n{block.commands}"
        if block.machine:
            check_words(block)
            continue
        prepare(world, block)
        end = time.monotonic() + block.within
        while (wrong := run(world, block)) and time.monotonic() < end:
            time.sleep(0.2)
        assert wrong is None, f"docs/guide/{chapter}:{block.line}\n{block.commands}\n{wrong}"


def test_every_chapter_is_tested():
    there = {os.path.basename(p) for p in glob.glob(os.path.join(GUIDE, "*.md"))}
    assert there == {"README.md", *CHAPTERS}
    with open(os.path.join(GUIDE, "README.md")) as f:
        text = f.read()
    for chapter in CHAPTERS:
        assert f"]({chapter})" in text


def test_links_lead_somewhere():
    for path in glob.glob(os.path.join(GUIDE, "*.md")):
        with open(path) as f:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", f.read()):
                assert os.path.exists(os.path.join(GUIDE, target)), f"{path}: {target}"
