# SPDX-License-Identifier: ISC
"""The network that the tests of outgoing mail use works: with a plain Postfix as the sender."""
import smtplib

import pytest
from conftest import needs_root, wait_for
from mta import Postfix
from net import Network, skip_unless_possible
from peers import HANG, OK, Peer

pytestmark = needs_root


@pytest.fixture(scope="module")
def net():
    skip_unless_possible()
    with Network() as n:
        n.dns = n.make_dns()
        yield n


def send(host, sender, to, subject):
    with host.inside(), smtplib.SMTP("127.0.0.1", 25, timeout=20) as s:
        s.sendmail(sender, [to], f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\r\nHi.\r\n")


def test_mail_from_postfix_to_postfix_and_to_bad_peers(net):
    a, b, bad, sender = (net.host(n) for n in ("mx-a", "mx-b", "bad", "sender"))
    net.dns.zone("good.example", "@ MX 10 mx-a\n@ MX 20 mx-b\n" + a.records() + "\n" + b.records())
    net.dns.zone("grey.example", "@ MX 10 bad\n" + bad.records())
    net.dns.start()
    first = Postfix(a, "mx-a.good.example", ["good.example"])
    second = Postfix(b, "mx-b.good.example", ["good.example"]).start()
    out = Postfix(sender, "sender.example", [], resolver=[net.host("dns").v4],
                  options={"smtp_connect_timeout": "2s", "smtp_tls_security_level": "may"}).start()
    send(sender, "a@sender.example", "x@good.example", "fallback")
    wait_for(lambda: second.mail.with_subject("fallback"))
    first.start()
    send(sender, "a@sender.example", "x@good.example", "preferred")
    got = wait_for(lambda: first.mail.with_subject("preferred"))
    assert len(got) == 1 and "TLS" in got[0].header("Received")

    peer = Peer(bad, at={"RCPT": ["450 4.2.0 greylisted", OK]})
    send(sender, "a@sender.example", "x@grey.example", "grey")
    wait_for(lambda: peer.with_subject("grey"))
    assert len(peer.messages) == 1 and peer.messages[0].to() == ["x@grey.example"]
    assert peer.connections >= 2
    wait_for(lambda: "said: 450 4.2.0 greylisted" in out.log())
    peer.stop()
    peer.at = {"CONNECT": HANG}
    peer.start()
    bad.cable(False)
    send(sender, "a@sender.example", "x@grey.example", "unplugged")
    wait_for(lambda: "timed out" in out.log() or "No route to host" in out.log())
    bad.cable(True)
    peer.at = {}
    wait_for(lambda: peer.with_subject("unplugged"), 30)
    peer.stop()


def test_a_name_server_that_hears_nothing(net):
    net.dns.pause()
    with net.host("sender").inside(), net.dns.probe() as s:
        s.settimeout(0.3)
        s.sendto(b"\0\7\0\0\0\1\0\0\0\0\0\0\0\0\6\0\1", (net.host("dns").v4, 53))
        with pytest.raises(OSError):
            s.recv(512)
    net.dns.resume()
