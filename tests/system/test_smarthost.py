# SPDX-License-Identifier: ISC
"""Mail by routes: everything through an authenticated relay (Postfix with SASL over STARTTLS) that is
down at first, fall-backs, other transports, LMTP to a real Dovecot."""
import os

import pytest
from conftest import needs_root, wait_for
from mta import Dovecot, Postfix
from net import Network, running_on, skip_unless_possible
from outbound import QUICK, SENDER, make_sender, needs_smtp_client, submit, table
from peers import OK, Peer

pytestmark = [needs_root, needs_smtp_client]

NOW = ["smtp_client.hop_cache_time=0s"]  # a table that was changed counts at once
RIGHT, WRONG = "{0} relais-login:password", "{0} relais-login:not-it"

SUBMISSION = """
submission inet n - n - - smtpd
smtps inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
"""


def make_relay(net, name):
    """A submission server at name.isp.example that wants a login and TLS, and keeps all it gets."""
    host = net.host(name)
    host.dovecot = Dovecot(host)
    return Postfix(host, name + ".isp.example", [], services=SUBMISSION, options={
        "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": host.dovecot.auth,
        "smtpd_tls_auth_only": "yes", "smtpd_sasl_security_options": "noanonymous",
        "smtpd_sasl_authenticated_header": "yes", "default_transport": "virtual"})


@pytest.fixture(scope="module")
def net():
    skip_unless_possible()
    with Network() as n:
        n.dns = n.make_dns()
        n.relays = [make_relay(n, name) for name in ("relay", "relay2")]
        n.dns.zone("isp.example", "@ MX 10 relay2\n_submission._tcp SRV 0 1 587 relay2\n" + "\n".join(
            n.host(h).records() for h in ("relay", "relay2", "lmtp", "clear")))
        n.dns.zone("first.example", "@ MX 10 mx\nmx A " + n.host("relais").v4)
        n.dns.zone("far.example", "@ MX 10 mx\n" + n.host("far").records("mx"))
        n.dns.start()
        for name in ("relay", "relay2"):
            n.host(name).dovecot.start()
        yield n


@pytest.fixture(scope="module")
def suite(net):
    smarthost = 'smarthost="[relay.isp.example]:587, [relay2.isp.example]:587"'
    with running_on(net.host("relais"), resolver=net.dns, options=[*QUICK, *NOW, smarthost]) as s:
        make_sender(s)
        right_passwords(s)
        yield s


def right_passwords(suite):
    """By the names that routes have: of a host, of a domain with MX or SRV records."""
    table(suite, "relay_credentials", RIGHT.format("isp.example"), *(
        RIGHT.format(f"{h}.isp.example:{p}") for h in ("relay", "relay2") for p in (587, 465)))


def got(relay, mail):
    return relay.mail.with_subject(mail.subject)


def test_everything_through_a_relay_that_is_down_at_first(net, suite):
    first, second = net.relays
    direct = Peer(net.host("far"))
    mails = [submit(suite, f"x{i}@far.example", "waits") for i in range(3)]
    for mail in mails:
        o = mail.outcome()
        assert o.status == "deferred" and o.dsn == "4.4.1", o
    first.start()
    for mail in mails:
        assert mail.outcome("sent").relay.startswith("relay.isp.example[")
        mail.gone()
        message, = wait_for(lambda m=mail: got(first, m))
        received = message.header("Received")
        assert "ESMTPSA" in received and "Authenticated sender: relais-login" in received
    assert not direct.messages, "the recipient's own host was not asked"
    direct.stop()
    first.stop()


def test_the_second_relay_if_the_first_is_dead(net, suite):
    first, second = net.relays
    second.start()
    mail = submit(suite, "x@far.example", "fall-back")
    o = mail.outcome()
    assert o.status == "sent" and o.relay.startswith("relay2.isp.example["), o
    wait_for(lambda: got(second, mail))
    second.stop()


def test_a_wrong_password_waits(net, suite):
    first, second = net.relays
    first.start()
    table(suite, "relay_credentials", WRONG.format("relay.isp.example:587"))
    try:
        mail = submit(suite, "x@far.example", "wrong-password")
        o = mail.outcome()
        assert o.status == "deferred" and o.dsn.startswith("4."), o
        assert "535" in o.text
    finally:
        right_passwords(suite)
    mail.outcome("sent")
    wait_for(lambda: got(first, mail))
    assert not mail.outcomes(status="bounced")
    first.stop()


@pytest.mark.parametrize("route,relay", [
    ("smtp:[relay.isp.example]:587", 0), ("smtps:[relay.isp.example]", 0), ("isp.example:587", 1),
    ("smtp:srv:isp.example", 1), ("[relay.isp.example]:1, [relay2.isp.example]:587", 1)])
def test_ways_to_name_a_relay(net, suite, route, relay):
    server = net.relays[relay]
    server.start()
    table(suite, "transport", f"far.example {route}")
    try:
        mail = submit(suite, "x@far.example", "route")
        o = mail.outcome()
        assert o.status == "sent" and o.relay.startswith(server.name + "["), o
        message, = wait_for(lambda: got(server, mail))
        assert "ESMTPSA" in message.header("Received")
    finally:
        table(suite, "transport")
        server.stop()


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-1", "scram-sha-256"])
def test_mechanisms(net, suite, mechanism):
    first, host = net.relays[0], net.host("relay")
    host.dovecot.stop()
    host.dovecot.mechanisms = mechanism
    host.dovecot.start()
    first.start()
    mail = submit(suite, "x@far.example", mechanism)
    o = mail.outcome()
    assert o.status == "sent", o
    wait_for(lambda: f"sasl_method={mechanism.upper()}" in first.log())
    first.stop()


def test_no_password_in_clear(net, suite):
    """A relay without TLS that asks for a password does not get it."""
    peer = Peer(net.host("clear"), accounts={"relais-login": "password"})
    table(suite, "relay_credentials", RIGHT.format("clear.isp.example:25"))
    table(suite, "transport", "far.example [clear.isp.example]:25")
    try:
        mail = submit(suite, "x@far.example", "clear")
        o = mail.outcome()
        assert o.status == "deferred", o
        assert not [line for line in peer.lines if line.startswith("AUTH")]
        suite.relais("queue", "delete", mail.id)
    finally:
        table(suite, "transport")
        right_passwords(suite)
        peer.stop()


def test_by_sender(net, suite):
    direct = Peer(net.host("far"))
    table(suite, "sender_transport", f"{SENDER} smtp:[mx.far.example]:25")
    try:
        mail = submit(suite, "x@far.example", "by-sender")
        assert mail.outcome().status == "sent"
        assert len(direct.with_subject(mail.subject)) == 1
    finally:
        table(suite, "sender_transport")
        direct.stop()


# ---- LMTP ----

def test_lmtp_by_tcp(net, suite):
    dovecot = Dovecot(net.host("lmtp")).start()
    table(suite, "transport", "far.example lmtp:[lmtp.isp.example]:24")
    try:
        mail = submit(suite, ["kim@far.example", "lou@far.example"], "lmtp")
        for to in mail.to:
            assert mail.outcome(to=to).status == "sent"
        for user in ("kim", "lou"):
            assert len(dovecot.mail(user).with_subject(mail.subject)) == 1
    finally:
        table(suite, "transport")
        dovecot.stop()


def test_lmtp_by_a_unix_socket(net, suite):
    dovecot = Dovecot(net.host("relais")).start()
    os.link(dovecot.lmtp, os.path.join(suite.folder, "run", "outbound", "dovecot-lmtp"))
    table(suite, "transport", "far.example lmtp:unix:dovecot-lmtp")
    try:
        mail = submit(suite, "kim@far.example", "lmtp-unix")
        o = mail.outcome()
        assert o.status == "sent", o
        assert len(dovecot.mail("kim").with_subject(mail.subject)) == 1
    finally:
        table(suite, "transport")
        dovecot.stop()


def test_lmtp_answers_for_each_recipient(net, suite):
    peer = Peer(net.host("lmtp"), port=2400, lmtp=True, at={
        "END": ["250 2.0.0 one\r\n550 5.2.2 two is full\r\n451 4.2.0 three later", OK]})
    table(suite, "transport", "far.example lmtp:[lmtp.isp.example]:2400")
    try:
        to = ["one@far.example", "two@far.example", "three@far.example"]
        mail = submit(suite, to, "lmtp-each")
        assert mail.outcome(to=to[0]).status == "sent"
        o = mail.outcome(to=to[1])
        assert o.status == "bounced" and o.dsn == "5.2.2", o
        assert mail.outcome(to=to[2]).status == "deferred"
        mail.outcome("sent", to=to[2])
        assert peer.messages[-1].to() == [to[2]]
    finally:
        table(suite, "transport")
        peer.stop()
