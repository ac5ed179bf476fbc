# SPDX-License-Identifier: ISC
"""TLS to other hosts: DANE by TLSA records of signed zones (RFC 7672), self-signed peers, peers
without STARTTLS or with one that fails; nothing leaves in plain text where it may not."""
import hashlib
import re
import subprocess

import pytest
from certs import make_pair
from conftest import needs_root, wait_for
from dns_server import NO_DS, PLAIN, SECURE
from mta import Postfix
from net import Network, running_on, skip_unless_possible
from outbound import QUICK, make_sender, needs_smtp_client, submit, table
from peers import CLOSE, GARBAGE, Peer

pytestmark = [needs_root, needs_smtp_client]

WRONG = "3 1 1 " + "ab" * 32


def digest(cert, what):
    """SHA-256 of a certificate (0) or its key (1)."""
    words = ["openssl", "x509", "-in", cert, "-outform", "DER"] if what == 0 else \
        ["sh", "-c", f"openssl x509 -in {cert} -noout -pubkey | openssl pkey -pubin -outform DER"]
    return hashlib.sha256(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout).hexdigest()


# name: (TLSA record ("{0}": the certificate's digest, "{1}": the key's), the zone's kind, what the peer
# does, does it go, does it go by TLS)
CASES = {
    "right": ("3 1 1 {1}", SECURE, {}, True, True),
    "right-cert": ("3 0 1 {0}", SECURE, {}, True, True),
    "one-of-two": ("3 1 1 {1}\n_25._tcp.mx TLSA " + WRONG, SECURE, {}, True, True),
    "wrong": (WRONG, SECURE, {}, False, False),
    "insecure": (WRONG, PLAIN, {}, True, True),
    "no-ds": (WRONG, NO_DS, {}, True, True),
    "none": (None, SECURE, {}, True, True),
    "unusable": ("1 1 1 " + "ab" * 32, SECURE, {}, True, True),
    "right-without-starttls": ("3 1 1 {1}", SECURE, {"tls": False}, False, False),
    "unusable-without-starttls": ("1 1 1 " + "ab" * 32, SECURE, {"tls": False}, False, False),
    "insecure-without-starttls": (WRONG, PLAIN, {"tls": False}, True, False),
    "right-refused": ("3 1 1 {1}", SECURE, {"at": {"STARTTLS": "454 4.7.0 not available"}}, False, False),
    "right-garbage": ("3 1 1 {1}", SECURE, {"at": {"TLS": GARBAGE}}, False, False),
    "none-refused": (None, SECURE, {"at": {"STARTTLS": "454 4.7.0 not available"}}, True, False),
    "none-garbage": (None, SECURE, {"at": {"TLS": GARBAGE}}, True, False),
    "none-close": (None, SECURE, {"at": {"TLS": CLOSE}}, True, False),
}


# name: (the policy's level, whose certificate, what the peer does, does it go, by TLS?)
POLICIES = {
    "none": ("none", "stranger", {}, True, False),
    "encrypt": ("encrypt", "stranger", {}, True, True),
    "encrypt-none-offered": ("encrypt", None, {}, False, False),
    "encrypt-refused": ("encrypt", "stranger", {"STARTTLS": "454 4.7.0 no"}, False, False),
    "verify": ("verify", "trusted", {}, True, True),
    "verify-named": ("verify name=.relays.example", "trusted", {}, True, True),
    "verify-stranger": ("verify", "stranger", {}, False, False),
    "verify-mx": ("verify", "mx", {}, False, False),  # DNS may lie about who is the MX
    "verify-other-name": ("verify", "other", {}, False, False),
    "verify-none-offered": ("verify", None, {}, False, False),
}


@pytest.fixture(scope="module")
def net():
    skip_unless_possible()
    with Network() as n:
        n.dns = n.make_dns()
        n.cert = make_pair(n.folder + "/tls", ["mx.somewhere.example"])
        for name, (tlsa, kind, *_) in CASES.items():
            zone = "@ MX 10 mx\n" + n.host(name).records("mx")
            if tlsa:
                zone += "\n_25._tcp.mx TLSA " + tlsa.format(digest(n.cert, 0), digest(n.cert, 1))
            n.dns.zone(name + ".example", zone, kind)
        n.dns.zone("first.example", "@ MX 10 mx\nmx A " + n.host("relais").v4)
        n.dns.zone("two.example", "@ MX 10 mx.wrong.example.\n@ MX 20 mx.right.example.")
        n.dns.zone("elsewhere.example", "@ MX 10 mx.insecure.example.")
        for name in POLICIES:
            n.dns.zone(f"policy-{name}.example", "@ MX 10 mx\n" + n.host("policy-" + name).records("mx"), PLAIN)
        names = {"trusted": ["policy-verify.example", "a.relays.example"],
                 "mx": ["mx.policy-verify-mx.example"], "other": ["www.policy-verify-other-name.example"]}
        n.certs = {who: make_pair(n.folder + "/tls-" + who, of) for who, of in names.items()}
        n.authorities = list(n.certs.values())
        n.certs["stranger"] = n.cert
        n.postfix = Postfix(n.host("postfix"), "mx.postfix.example", ["postfix.example"])
        n.dns.zone("postfix.example", "@ MX 10 mx\n" + n.host("postfix").records("mx") +
                   "\n_25._tcp.mx TLSA 3 1 1 " + digest(n.postfix.cert, 1))
        n.dns.start()
        yield n


@pytest.fixture(scope="module")
def suite(net):
    authorities = "smtp_client.tls_ca=" + ", ".join(net.authorities)
    with running_on(net.host("relais"), resolver=net.dns, options=[*QUICK, authorities]) as s:
        make_sender(s)
        table(s, "tls_policy", *(f"policy-{name}.example {row[0]}" for name, row in POLICIES.items()))
        yield s


def make_peer(net, name, tls=True, at=None):
    return Peer(net.host(name), at=at, cert=net.cert if tls else None)


@pytest.mark.parametrize("name", CASES)
def test_case(net, suite, name):
    _, _, words, goes, by_tls = CASES[name]
    peer = make_peer(net, name, **words)
    mail = submit(suite, f"x@{name}.example", name)
    o = mail.outcome()
    if goes:
        if o.status != "sent":  # a second attempt, in plain text, is fine
            o = mail.outcome("sent")
        wait_for(lambda: peer.messages)
        assert [m.tls for m in peer.messages] == [by_tls]
        if by_tls:
            assert peer.messages[0].sni in (None, f"mx.{name}.example")
    else:
        assert o.status == "deferred" and o.dsn.startswith("4.7."), o
        mail_lines = [line for line in peer.lines if line.startswith("MAIL")]
        assert not peer.messages and not mail_lines, "nothing may be said of the message"
        suite.relais("queue", "delete", mail.id)
    peer.stop()


@pytest.mark.parametrize("name", POLICIES)
def test_policy(net, suite, name):
    _, cert, at, goes, by_tls = POLICIES[name]
    peer = Peer(net.host("policy-" + name), at=at, cert=cert and net.certs[cert])
    mail = submit(suite, f"x@policy-{name}.example", name)
    o = mail.outcome()
    if goes:
        assert o.status == "sent" and [m.tls for m in peer.messages] == [by_tls], o
    else:
        assert o.status == "deferred" and o.dsn.startswith("4.7."), o
        assert not [line for line in peer.lines if line.startswith("MAIL")]
        suite.relais("queue", "delete", mail.id)
    peer.stop()


def test_sni_is_the_host_of_the_tlsa_record(net, suite):
    peer = make_peer(net, "right")
    submit(suite, "x@right.example", "sni").outcome("sent")
    assert peer.messages[0].sni == "mx.right.example"
    peer.stop()


def test_the_next_host_if_the_first_is_not_who_it_should_be(net, suite):
    wrong, right = make_peer(net, "wrong"), make_peer(net, "right")
    mail = submit(suite, "x@two.example")
    assert mail.outcome("sent").relay.startswith("mx.right.example[")
    assert not wrong.messages and len(right.messages) == 1
    wrong.stop()
    right.stop()


def test_a_secure_domain_with_its_host_in_an_insecure_one(net, suite):
    peer = make_peer(net, "insecure")
    submit(suite, "x@elsewhere.example").outcome("sent")
    assert [m.tls for m in peer.messages] == [True]
    peer.stop()


def test_postfix_with_dane(net, suite):
    net.postfix.start()
    mail = submit(suite, "x@postfix.example")
    mail.outcome("sent")
    got = wait_for(lambda: net.postfix.mail.with_subject(mail.subject))
    assert len(got) == 1 and "using TLSv1.3" in got[0].header("Received")
    wait_for(lambda: "Verified TLS connection established to mx.postfix.example" in suite.log())
    net.postfix.stop()
