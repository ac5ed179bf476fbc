# SPDX-License-Identifier: ISC
"""Names of clients in DNS: in the log and the Received field if they hold, and nobody waits for
them. And a resolver that asks the root servers itself."""
import glob
import os
import smtplib

import pytest
from conftest import needs_root, wait_for
from dns_server import BOGUS, PLAIN, DnsServer
from net import Network, running_on, skip_unless_possible

pytestmark = needs_root

# what libunbound knows of the root servers, IPv4 (the hints of IANA)
ROOT_SERVERS = ["198.41.0.4", "199.9.14.201", "192.33.4.12", "199.7.91.13", "192.203.230.10",
                "192.5.5.241", "192.112.36.4", "198.97.190.53", "192.36.148.17", "192.58.128.30",
                "193.0.14.129", "199.7.83.42", "202.12.27.33"]


@pytest.fixture(scope="module")
def net():
    skip_unless_possible()
    with Network() as n:
        dns = n.dns = n.make_dns()
        mx, good, liar, bare, second = (n.host(x) for x in ("mx", "good", "liar", "bare", "second"))
        dns.zone("clients.example", "\n".join([good.records("good"), good.records("liar"),
                                               second.records("second")]))
        dns.zone("2.0.192.in-addr.arpa", "\n".join(
            f"{h.number} PTR {name}.clients.example." for h, name in
            ((good, "Good"), (liar, "liar"), (second, "good"), (second, "second"))), PLAIN)
        nibbles = ".".join(reversed("20010db8" + "0" * 20 + f"{good.number:04x}"))
        dns.zone("8.b.d.0.1.0.0.2.ip6.arpa", f"{nibbles}.ip6.arpa. PTR good.clients.example.", PLAIN)
        dns.start()
        with running_on(mx, users=1, resolver=dns, options=["resolver.timeout=3s", "workers=1"]) as n.suite:
            yield n


def deliver(net, host, subject, address=None):
    """The Received field that the suite made of a message from there."""
    account, _ = net.suite.account(0)
    with host.inside(), smtplib.SMTP(address or net.suite.host.v4, 25, timeout=20) as s:
        s.ehlo("client.example")
        s.sendmail("a@client.example", [account], f"Subject: {subject}\r\n\r\nHi.\r\n")

    def find():
        for path in glob.glob(os.path.join(net.suite.mailbox(0), "new", "*")):
            with open(path, "rb") as f:
                data = f.read()
            if f"Subject: {subject}\r\n".encode() in data or f"Subject: {subject}\n".encode() in data:
                return data.decode()
        return None
    return wait_for(find)


def meet(net, host, shown, address=None):
    """Connect from there until its name is known; the first time nobody waits for it."""
    offset = len(net.suite.log())

    def once():
        with host.inside(), smtplib.SMTP(address or net.suite.host.v4, 25, timeout=20) as s:
            s.ehlo("client.example")
        return f"connect from {shown}" in net.suite.log()[offset:]
    wait_for(once, every=0.2)


@pytest.mark.parametrize("name,shown", [
    ("good", "good.clients.example"), ("second", "second.clients.example"), ("liar", None), ("bare", None)])
def test_names(net, name, shown):
    host = net.host(name)
    offset = len(net.suite.log())
    meet(net, host, f"{shown or 'unknown'}[{host.v4}]")
    text = deliver(net, host, f"second {name}")
    shown = f"{shown} " if shown else ""
    assert f"Received: from client.example ({shown}[{host.v4}])" in text
    wait_for(lambda: f"disconnect from {shown.strip() or 'unknown'}[{host.v4}]" in net.suite.log()[offset:])


def test_ipv6(net):
    host = net.host("good")
    meet(net, host, f"good.clients.example[{host.v6}]", net.suite.host.v6)
    assert f"(good.clients.example [IPv6:{host.v6}])" in deliver(net, host, "six", net.suite.host.v6)


def test_nobody_waits_for_a_name(net):
    """No answer from DNS: the mail comes in at once, from unknown; "connect" comes before all else."""
    host, log = net.host("late"), len(net.suite.log())
    net.dns.pause()
    try:
        assert f"Received: from client.example ([{host.v4}])" in deliver(net, host, "late")
    finally:
        net.dns.resume()
    lines = wait_for(lambda: (lambda x: x if any("disconnect" in y for y in x) else None)(
        [x for x in net.suite.log()[log:].splitlines() if f"unknown[{host.v4}]" in x]))
    assert "smtpd" in lines[0] and " connect from " in lines[0]


def test_recursion(net):
    """Without forwarders: from the root servers on, which are all on one host here."""
    host = net.host("world")
    with host.inside():
        os.system("".join(f"ip addr add {a}/32 dev lo;" for a in ROOT_SERVERS))
    dns = DnsServer(os.path.join(host.folder, "nsd"), ROOT_SERVERS, host=host)
    net.on_close.append(dns.stop)
    dns.zone("secure.example", "@ MX 10 mx\nmx A 192.0.2.1\nalias CNAME www.plain.example.\n")
    dns.zone("plain.example", "www A 192.0.2.4\n", PLAIN)
    dns.zone("forged.example", "@ MX 10 mx\n", BOGUS)
    dns.start()
    with running_on(host, users=1, options=[
            "resolver.forwarders=none", "resolver.timeout=30s", "smtpd.listen=127.0.0.1:25",
            f"resolver.trust_anchor={dns.trust_anchor}"]) as suite:
        def ask(*words):
            r = suite.relais("dns", "query", *words, check=False)
            return r.returncode, r.stdout.splitlines()[-1]
        assert ask("MX", "secure.example") == (0, "; ok, secure")
        assert ask("A", "alias.secure.example") == (0, "; ok")
        assert ask("A", "www.plain.example") == (0, "; ok")
        assert ask("A", "no.secure.example") == (1, "; nxdomain, secure (no.secure.example.)")
        assert ask("A", "nothing") == (1, "; nxdomain, secure (nothing.)")
        code, why = ask("MX", "forged.example")
        assert code == 75 and why.startswith("; bogus")
    dns.stop()
