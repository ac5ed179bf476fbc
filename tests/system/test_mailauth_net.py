# SPDX-License-Identifier: ISC
"""Mail authentication between hosts with real, signed DNS: who spoofs, whose mail passes, at this door and
at a Postfix with OpenDKIM, OpenDMARC and policyd-spf, in both directions."""
import re
import smtplib
import time

import pytest
from conftest import needs_root, wait_for
from milters import DkimKey, have_milters, postfix_with_milters, txt
from net import Network, skip_unless_possible

pytestmark = needs_root


@pytest.fixture(scope="module")
def net():
    skip_unless_possible()
    if not have_milters():
        pytest.skip("no opendkim, opendmarc, policyd-spf here")
    with Network() as n:
        n.dns = n.make_dns()
        n.keys = {}
        for name in ("far", "other"):
            h = n.host(name)
            n.keys[name] = [DkimKey(h.folder, "r", "rsa"), DkimKey(h.folder, "e", "ed25519")]
            publish(n, f"{name}.example", h, [k.record() for k in n.keys[name]])
        n.dns.start()
        n.far, n.other = (postfix_with_milters(n.host(name), f"mx.{name}.example", [f"{name}.example"], n.dns,
                                               f"{name}.example", n.keys[name]) for name in ("far", "other"))
        yield n


def publish(net, domain, host, more=(), policy="reject", kind=None):
    """A zone whose mail comes from and goes to that host only."""
    net.dns.zone(domain, "\n".join([
        "@ MX 10 mx", host.records("mx"), txt("@", f"v=spf1 ip4:{host.v4} ip6:{host.v6} -all"),
        txt("_dmarc", f"v=DMARC1; p={policy}; adkim=s; aspf=s"), *more]), *([kind] if kind else []))


def text(sender, to, subject, more="", body="Hello.\r\n"):
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{time.time_ns()}@a.example>\r\n"
            f"Date: Sun, 22 Nov 2026 05:00:00 +0000\r\n{more}\r\n{body}")


def send(host, address, sender, to, subject, envelope=None, helo="client.example", more=""):
    """From that host to that address, as it is."""
    with host.inside(), smtplib.SMTP(address, 25, timeout=30) as s:
        s.ehlo(helo)
        s.sendmail(sender if envelope is None else envelope, [to], text(sender, to, subject, more))


def results(message, authserv_id):
    """What that host's Authentication-Results say: {"spf": ["pass"], "dkim": ["pass", "pass"], ...}."""
    found = {}
    for field in message.headers("Authentication-Results"):
        who, *parts = re.sub(r"\([^)]*\)", "", field).split(";")
        for part in parts if who.split()[0] == authserv_id else ():
            method, _, rest = part.strip().partition("=")
            if method in ("spf", "dkim", "dmarc"):
                found.setdefault(method, []).append(rest.split()[0])
    return found


def test_the_peers_themselves(net):
    """From Postfix to Postfix: what the other tests expect of them holds."""
    send(net.host("other"), "127.0.0.1", "a@other.example", "b@far.example", "peers")
    m, = wait_for(lambda: net.far.mail.with_subject("peers"))
    assert results(m, "mx.far.example") == {"spf": ["pass"], "dkim": ["pass", "pass"], "dmarc": ["pass"]}, m.octets
