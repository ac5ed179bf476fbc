# SPDX-License-Identifier: ISC
"""The world of the guide's reader: a machine, mx.example.org, where the commands are typed (guide_desk.py, or
the package's machine), the DNS, and somebody at example.net; and what happens elsewhere before a block
(tests/guide/blocks.py).
"""
import contextlib
import os
import re
import smtplib
import sys
import time

import certs
from conftest import TOP
from peers import Peer

sys.path.insert(0, os.path.join(TOP, "tests", "guide"))
from blocks import blocks, differs  # noqa: E402, F401

GUIDE = os.path.join(TOP, "docs", "guide")

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


class World:
    """The machine of the guide's reader (mx.example.org), the DNS, and somebody at example.net."""

    def __init__(self, net, desk):
        """desk: makes one, from the host and the name server."""
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

    def publish(self, domain):
        """What relais says is to be published; of others' names what belongs to their zones."""
        rows = [x for x in self.desk.run(f"relais dns show {domain} --policy reject")[1].splitlines()
                if re.match(r"[\w_]", x)]
        self.zones[domain] = []
        for row in rows:
            name = row.split()[0].rstrip(".")
            zone = domain if name.endswith(domain) else ".".join(name.split(".")[-2:])
            self.zones.setdefault(zone, []).append(row)
        for name, rows in self.zones.items():
            self.dns.zone(name, "\n".join(dict.fromkeys(rows)))
        self.dns.publish()

    def prepare(self, block):
        """What happens elsewhere before the block."""
        if block.publish:
            self.publish(block.publish)
        if block.receive:
            self.receive(block.receive)
        if block.certificate:
            live = self.desk.path("/etc/letsencrypt/live/" + block.certificate)
            os.makedirs(os.path.dirname(live), exist_ok=True)
            certs.make_pair(live, [block.certificate])
        if block.postfix and "vmail" not in open(self.desk.path("/etc/passwd")).read():
            for name, line in (("passwd", "vmail:x:4999:4999::/var/vmail:/usr/sbin/nologin"), ("group", "vmail:x:4999:")):
                with open(self.desk.path(f"/etc/{name}"), "a") as f:
                    f.write(line + "\n")
        for name, text in (OLD if block.postfix else {}).items():
            os.makedirs(os.path.dirname(self.desk.path(name)), exist_ok=True)
            self.desk.write(name, text)

    def once(self, block):
        """Type its commands: None, or what is wrong."""
        if block.answers:
            status, output = self.desk.talk(block.commands, block.answers)
        else:
            status, output = self.desk.run(block.commands, check=False)
        if os.environ.get("RELAIS_GUIDE_SHOW"):
            print(f"---- {block.chapter}:{block.line}\n{block.commands}\n{output}")
        if (status != 0) != block.fails:
            return f"exit status {status}:\n{output}"
        said = block.output and differs(block.output, output)
        return said and f"it differs, {said}; it printed\n{output}"

    def type(self, block):
        """The same, after what has to happen before, and as long as it may take."""
        self.prepare(block)
        end = time.monotonic() + block.within
        while (wrong := self.once(block)) and time.monotonic() < end:
            time.sleep(0.2)
        assert wrong is None, f"{block.chapter}:{block.line}\n{block.commands}\n{wrong}"
