# SPDX-License-Identifier: ISC
"""Mail authentication between hosts with real, signed DNS: who spoofs, whose mail passes, at this door and
at a Postfix with OpenDKIM, OpenDMARC and policyd-spf, in both directions."""
import os
import re
import smtplib
import time

import pytest
from conftest import needs_root, wait_for
from dns_server import BOGUS, SECURE
from mail_zone import mail_zone, sign_for
from milters import DkimKey, have_milters, postfix_with_milters
from mta import Maildir
from net import Network, running_on, skip_unless_possible
from outbound import QUICK, SENDER, make_sender, submit

pytestmark = needs_root

DOMAIN, HOSTNAME = "first.example", "mx.first.example"
READER, FORWARDED = SENDER, "forwarded@" + DOMAIN
STRICT = "p=reject; adkim=s; aspf=s"
SPOOFED = ("reject", "quarantine", "none", "bogus", "slow")


@pytest.fixture(scope="module")
def net():
    skip_unless_possible()
    if not have_milters():
        pytest.skip("no opendkim, opendmarc, policyd-spf here")
    with Network() as n:
        n.dns = n.make_dns()
        keys = {}
        for name in ("far", "other"):
            folder = n.host(name).folder
            keys[name] = [DkimKey(folder, "r", "rsa"), DkimKey(folder, "e", "ed25519")]
            n.dns.zone(f"{name}.example", mail_zone(n.host(name), STRICT, *(k.record() for k in keys[name])))
        for name in SPOOFED:
            policy = name if name in ("quarantine", "none") else "reject"
            n.dns.zone(f"{name}.example", mail_zone(n.host("owner"), f"p={policy}"),
                       BOGUS if name == "bogus" else SECURE)
        n.dns.zone("spoofer.example", mail_zone(n.host("spoofer"), "p=none"))
        n.dns.zone(DOMAIN, mail_zone(n.host("relais"), STRICT))
        n.dns.start()
        n.far, n.other = (postfix_with_milters(n.host(x), f"mx.{x}.example", [f"{x}.example"], n.dns,
                                               f"{x}.example", keys[x]) for x in ("far", "other"))
        yield n


@pytest.fixture(scope="module")
def suite(net):
    with running_on(net.host("relais"), resolver=net.dns, options=QUICK + [
            f"hostname={HOSTNAME}", f"directory.srs_domain={DOMAIN}", "resolver.timeout=3s", "mailauth.verify=yes",
            "mailauth.timeout=6s", "mailauth.dkim_check=1s", "mailauth.sign_forwards=yes",
            f"mailauth.trusted_forwarders={net.host('forwarder').v4}"]) as s:
        make_sender(s)
        make_sender(s, FORWARDED)
        s.relais("user", "forward", FORWARDED, "x@far.example")
        yield s


def text(sender, to, subject, more="", body="Hello.\r\n"):
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{time.time_ns()}@a.example>\r\n"
            f"Date: Sun, 22 Nov 2026 05:00:00 +0000\r\n{more}\r\n{body}")


def send(host, address, sender, to, subject, envelope=None, more=""):
    """From that host to that address, as it is."""
    with host.inside(), smtplib.SMTP(address, 25, timeout=30) as s:
        s.ehlo("client.example")
        s.sendmail(sender if envelope is None else envelope, [to], text(sender, to, subject, more))


def spoof(net, suite, sender, subject, **more):
    send(net.host("spoofer"), suite.host.v4, sender, READER, subject, **more)


def results(message, authserv_id):
    """What that host's Authentication-Results say: {"spf": ["pass"], "dkim": ["pass", "pass"], ...}; SPF of
    the reverse-path alone."""
    found = {}
    for field in message.headers("Authentication-Results"):
        who, *parts = re.sub(r"\([^)]*\)", "", field).split(";")
        for part in parts if who.split()[0] == authserv_id else ():
            method, _, rest = part.strip().partition("=")
            if method in ("spf", "dkim", "dmarc") and "smtp.helo=" not in rest:
                found.setdefault(method, []).append(rest.split()[0])
    return found


def says(spf, dkim, dmarc):
    return {"spf": [spf], "dkim": dkim if isinstance(dkim, list) else [dkim], "dmarc": [dmarc]}


def in_mailbox(suite, subject, folder=""):
    """The one message of that subject."""
    local, domain = READER.split("@")
    path = os.path.join(suite.info["mail_root"], domain, local, folder)
    found, = wait_for(lambda: Maildir(path).with_subject(subject))
    return found


def nowhere(suite, subject):
    return not any(subject.encode() in m.octets for folder in ("", ".Junk") for m in Maildir(
        os.path.join(suite.info["mail_root"], *reversed(READER.split("@")), folder)).messages())


# ---- who spoofs ----

def test_the_peers_themselves(net):
    """From Postfix to Postfix: what the other tests expect of them holds."""
    send(net.host("other"), "127.0.0.1", "a@other.example", "b@far.example", "peers")
    m, = wait_for(lambda: net.far.mail.with_subject("peers"))
    assert results(m, "mx.far.example") == says("pass", ["pass", "pass"], "pass"), m.octets


@pytest.mark.parametrize("envelope", ["ceo@reject.example", "ceo@spoofer.example", ""])
def test_reject(net, suite, envelope):
    """Whatever the envelope says, and though the spoofer's own SPF passes."""
    with pytest.raises(smtplib.SMTPDataError) as e:
        spoof(net, suite, "ceo@reject.example", "spoofed-reject", envelope=envelope)
    assert e.value.smtp_code == 550 and e.value.smtp_error.startswith(b"5.7.1 ")
    assert b"reject.example" in e.value.smtp_error
    assert nowhere(suite, "spoofed-reject")


def test_reject_of_a_subdomain(net, suite):
    with pytest.raises(smtplib.SMTPDataError) as e:
        spoof(net, suite, "ceo@sub.reject.example", "spoofed-sub", envelope="a@spoofer.example")
    assert e.value.smtp_code == 550 and e.value.smtp_error.startswith(b"5.7.1 ")


def test_quarantine(net, suite):
    spoof(net, suite, "ceo@quarantine.example", "spoofed-quarantine")
    m = in_mailbox(suite, "spoofed-quarantine", ".Junk")
    assert results(m, HOSTNAME) == says("fail", "none", "fail"), m.octets


def test_none(net, suite):
    spoof(net, suite, "ceo@none.example", "spoofed-none")
    m = in_mailbox(suite, "spoofed-none")
    assert results(m, HOSTNAME) == says("fail", "none", "fail"), m.octets


def test_a_trusted_forwarder_is_not_refused(net, suite):
    send(net.host("forwarder"), suite.host.v4, "ceo@reject.example", READER, "by-forwarder")
    m = in_mailbox(suite, "by-forwarder")
    assert results(m, HOSTNAME) == says("fail", "none", "fail"), m.octets


def test_forged_results_are_removed(net, suite):
    spoof(net, suite, "ceo@none.example", "forged",
          more=f"Authentication-Results: {HOSTNAME}; dmarc=pass header.from=none.example\r\n"
          f"Authentication-Results: elsewhere.example; dmarc=pass header.from=none.example\r\n")
    m = in_mailbox(suite, "forged")
    assert results(m, HOSTNAME) == says("fail", "none", "fail"), m.octets
    assert results(m, "elsewhere.example") == {"dmarc": ["pass"]}


def test_what_dns_does_not_tell_is_a_temporary_error(net, suite):
    """And not "none", so nobody is let off; bogus is as good as no answer."""
    spoof(net, suite, "ceo@bogus.example", "spoofed-bogus")
    m = in_mailbox(suite, "spoofed-bogus")
    assert results(m, HOSTNAME) == says("temperror", "none", "temperror"), m.octets
    net.dns.pause()
    try:
        spoof(net, suite, "ceo@slow.example", "spoofed-slow")
    finally:
        net.dns.resume()
    m = in_mailbox(suite, "spoofed-slow")
    assert results(m, HOSTNAME) == says("temperror", "none", "temperror"), m.octets


# ---- mail of honest people ----

@pytest.mark.parametrize("family", ["v4", "v6"])
def test_mail_that_spf_alone_vouches_for(net, suite, family):
    send(net.host("owner"), getattr(suite.host, family), "ceo@reject.example", READER, f"owner-{family}")
    m = in_mailbox(suite, f"owner-{family}")
    assert results(m, HOSTNAME) == says("pass", "none", "pass"), m.octets


def test_mail_signed_by_opendkim(net, suite):
    send(net.host("far"), "127.0.0.1", "a@far.example", READER, "signed")
    m = in_mailbox(suite, "signed")
    assert results(m, HOSTNAME) == says("pass", ["pass", "pass"], "pass"), m.octets
    fields = " ".join(m.headers("Authentication-Results"))
    assert "header.a=rsa-sha256" in fields and "header.a=ed25519-sha256" in fields


@pytest.fixture(scope="module")
def signing(net, suite):
    """Our domain has keys that are in use."""
    def publish(keys):
        net.dns.zone(DOMAIN, mail_zone(net.host("relais"), STRICT, *keys))
        net.dns.publish()
    sign_for(suite, DOMAIN, publish)


def test_submitted_mail_passes_elsewhere(net, suite, signing):
    mail = submit(suite, "x@far.example", "submitted")
    m, = wait_for(lambda: net.far.mail.with_subject(mail.subject))
    assert results(m, "mx.far.example") == says("pass", ["pass", "pass"], "pass"), m.octets
    algorithms = {re.search(r"\ba=([\w-]+)", x).group(1) for x in m.headers("DKIM-Signature")}
    assert algorithms == {"rsa-sha256", "ed25519-sha256"}


def test_forwarded_mail_passes_at_the_next_hop(net, suite, signing):
    """SPF by SRS, DMARC by the author's own signature; and ours, for the domain that forwards, hold too."""
    send(net.host("other"), "127.0.0.1", "a@other.example", FORWARDED, "forwarded")
    m, = wait_for(lambda: net.far.mail.with_subject("forwarded"))
    assert m.header("Return-Path").startswith("<SRS0=") and m.header("Return-Path").endswith(f"@{DOMAIN}>")
    assert results(m, "mx.far.example") == says("pass", ["pass"] * 4, "pass"), m.octets
    domains = [re.search(r"\bd=([\w.-]+)", x).group(1) for x in m.headers("DKIM-Signature")]
    assert domains == [DOMAIN] * 2 + ["other.example"] * 2
