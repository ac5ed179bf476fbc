# SPDX-License-Identifier: ISC
"""Mail to other hosts, over a network of them (net.py): real Postfix, a real DNS server, a second suite,
and peers that do what they should not. After each story the message is there once, or its sender
knows why not."""
import email
import email.policy
import re

import pytest
from conftest import needs_root, wait_for
from dns_server import BOGUS, BROKEN
from mta import Postfix
from net import Network, running_on, skip_unless_possible
from outbound import QUICK, SENDER, bounce_of, flood, inbox, make_sender, needs_smtp_client, submit, text
from peers import (CLOSE, ENDLESS, ENDLESS_LINE, FEATURES, GARBAGE, HANG, HONEY, OK, RESET, SLOW,
                   Peer)

pytestmark = [needs_root, needs_smtp_client]

TEMPORARY, PERMANENT = "deferred", "bounced"
SENT = "sent"

# name: (what the peer does, its first outcome, dsn, what the reason says); after a first "deferred" the
# message is to be sent at the second attempt
STORIES = {
    "421-greeting": ({"CONNECT": ["421 4.3.2 too busy", OK]}, TEMPORARY, r"4\.", r"421 4\.3\.2 too busy"),
    "450-greeting": ({"CONNECT": ["450 4.3.2 not now", OK]}, TEMPORARY, r"4\.", r"450 4\.3\.2 not now"),
    "421-ehlo": ({"EHLO": ["421 4.3.2 busy", OK]}, TEMPORARY, r"4\.", r"421 4\.3\.2 busy"),
    "421-mail": ({"MAIL": ["421 4.3.2 busy", OK]}, TEMPORARY, r"4\.3\.2", r"421.*in reply to MAIL FROM"),
    "421-rcpt": ({"RCPT": ["421 4.3.2 busy", OK]}, TEMPORARY, r"4\.3\.2", r"421.*in reply to RCPT TO"),
    "421-end": ({"END": ["421 4.3.2 busy", OK]}, TEMPORARY, r"4\.3\.2", r"421.*in reply to end of DATA"),
    "451-mail": ({"MAIL": ["451 4.3.0 later", OK]}, TEMPORARY, r"4\.3\.0",
                 r"said: 451 4\.3\.0 later \(in reply to MAIL FROM command\)"),
    "451-rcpt": ({"RCPT": ["451 4.3.0 later", OK]}, TEMPORARY, r"4\.3\.0", r"in reply to RCPT TO command"),
    "451-data": ({"DATA": ["451 4.3.0 later", OK]}, TEMPORARY, r"4\.3\.0", r"in reply to DATA command"),
    "451-end": ({"END": ["451 4.3.0 later", OK]}, TEMPORARY, r"4\.3\.0", r"in reply to end of DATA command"),
    "greylisting": ({"RCPT": ["450 4.2.0 greylisted, try again", OK]}, TEMPORARY, r"4\.2\.0", r"greylisted"),
    "550-mail": ({"MAIL": "550 5.7.1 not you"}, PERMANENT, r"5\.7\.1", r"in reply to MAIL FROM command"),
    "550-rcpt": ({"RCPT": "550 5.1.1 who?"}, PERMANENT, r"5\.1\.1", r"550 5\.1\.1 who\? \(in reply to RCPT TO"),
    "550-data": ({"DATA": "550 5.7.1 no data"}, PERMANENT, r"5\.7\.1", r"in reply to DATA command"),
    "550-end": ({"END": "554 5.6.0 bad content"}, PERMANENT, r"5\.6\.0", r"in reply to end of DATA command"),
    "no-codes": ({"RCPT": "550 nobody of that name"}, PERMANENT, r"5\.\d+\.\d+", r"nobody of that name"),
    "hang-greeting": ({"CONNECT": [HANG, OK]}, TEMPORARY, r"4\.4\.\d", r"timed out"),
    "hang-ehlo": ({"EHLO": [HANG, OK]}, TEMPORARY, r"4\.4\.\d", r"timed out"),
    "hang-mail": ({"MAIL": [HANG, OK]}, TEMPORARY, r"4\.4\.\d", r"timed out"),
    "hang-rcpt": ({"RCPT": [HANG, OK]}, TEMPORARY, r"4\.4\.\d", r"timed out"),
    "hang-data": ({"DATA": [HANG, OK]}, TEMPORARY, r"4\.4\.\d", r"timed out"),
    "hang-end": ({"END": [HANG, OK]}, TEMPORARY, r"4\.4\.\d", r"timed out"),
    "close-greeting": ({"CONNECT": [CLOSE, OK]}, TEMPORARY, r"4\.4\.\d", r"lost connection"),
    "close-mail": ({"MAIL": [CLOSE, OK]}, TEMPORARY, r"4\.4\.\d", r"lost connection"),
    "close-rcpt": ({"RCPT": [RESET, OK]}, TEMPORARY, r"4\.4\.\d", r"lost connection"),
    "close-in-data": ({"DATA-MIDDLE": [CLOSE, OK]}, TEMPORARY, r"4\.4\.\d", r"lost connection"),
    "close-before-the-reply": ({"END": [CLOSE, OK]}, TEMPORARY, r"4\.4\.\d", r"lost connection"),
    "endless-greeting": ({"CONNECT": [ENDLESS, OK]}, TEMPORARY, r"4\.", r"."),
    "endless-ehlo": ({"EHLO": [ENDLESS, OK]}, TEMPORARY, r"4\.", r"."),
    "endless-rcpt": ({"RCPT": [ENDLESS, OK]}, TEMPORARY, r"4\.", r"."),
    "endless-end": ({"END": [ENDLESS, OK]}, TEMPORARY, r"4\.", r"."),
    "endless-line": ({"MAIL": [ENDLESS_LINE, OK]}, TEMPORARY, r"4\.", r"."),
    "garbage": ({"CONNECT": [GARBAGE, OK]}, TEMPORARY, r"4\.", r"."),
    "garbage-in-between": ({"RCPT": [GARBAGE, OK]}, TEMPORARY, r"4\.", r"."),
    "a-bit-slow": ({s: SLOW for s in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END")}, SENT, r"2\.", "."),
    "slow-as-honey": ({"MAIL": [HONEY, OK]}, TEMPORARY, r"4\.", r"timed out"),
    "only-helo": ({"EHLO": "502 5.5.1 what?"}, SENT, r"2\.", "."),
}


@pytest.fixture(scope="module")
def net():
    skip_unless_possible()
    with Network() as n:
        n.dns = n.make_dns()
        zones(n)
        n.dns.start()
        yield n


def zones(net):
    def host(name):
        return net.host(name).records()

    relais = net.host("relais").v4
    net.dns.zone("first.example", f"@ MX 10 mx\nmx A {relais}")
    net.dns.zone("classic.example", "@ MX 10 monserveur1\n@ MX 10 monserveur2\n@ MX 20 monserveur-fallback\n" +
                 "\n".join(host(h) for h in ("monserveur1", "monserveur2", "monserveur-fallback")))
    for story in STORIES:  # one address, for another would be tried at once
        net.dns.zone(story + ".example", f"@ MX 10 {story}\n" + net.host(story).records(families="4"))
    good = net.host("good").records("mx")
    net.dns.zone("good.example", "@ MX 10 mx\n" + good)
    net.dns.zone("null-mx.example", "@ MX 0 .\n")
    net.dns.zone("no-mx.example", f"@ A {net.host('good').v4}")
    net.dns.zone("nobody.example", "@ TXT nothing")
    net.dns.zone("cname.example", "@ MX 10 alias\nalias CNAME mx.good.example.")
    net.dns.zone("loop.example", "@ MX 10 mx.example.test.\n@ MX 20 mx\n" + good)
    net.dns.zone("backup.example", "@ MX 10 mx\n@ MX 20 mx.example.test.\n@ MX 30 other\n" +
                 net.host("backup").records("mx") + "\n" + net.host("good").records("other"))
    net.dns.zone("dangling.example", "@ MX 10 nowhere\n@ MX 20 mx\n" + good)
    net.dns.zone("dangling-only.example", "@ MX 10 nowhere\n")
    net.dns.zone("six.example", "@ MX 10 mx\nmx AAAA " + net.host("six").v6)
    net.dns.zone("half.example", f"@ MX 10 mx\nmx A {net.host('nobody-listens').v4}\n"
                 f"mx AAAA {net.host('six').v6}")
    net.dns.zone("bogus.example", "@ MX 10 mx\n" + good, BOGUS)
    net.dns.zone("broken.example", "", BROKEN)
    net.dns.zone("xn--bcher-kva.example", "@ MX 10 mx\n" + good)
    net.dns.zone("plain.example", "@ MX 10 mx\n" + net.host("plain").records("mx"))
    net.dns.zone("unplugged.example", "@ MX 10 mx\n" + net.host("unplugged").records("mx"))
    net.dns.zone("second.example", "@ MX 10 mx\n" + net.host("second").records("mx"))
    net.dns.zone("dead-dns.example", "@ MX 10 mx\n" + good)


@pytest.fixture(scope="module")
def suite(net):
    with running_on(net.host("relais"), resolver=net.dns, options=QUICK) as s:
        make_sender(s)
        make_sender(s, "bob@first.example")
        yield s


@pytest.fixture(scope="module")
def good(net):
    """A host that takes everything."""
    return Peer(net.host("good"))


# ---- the walk along the MX list ----

def test_two_of_three_die_and_then_all(net, suite):
    names = ("monserveur1", "monserveur2", "monserveur-fallback")
    servers = [Postfix(net.host(n), n + ".classic.example", ["classic.example"]).start() for n in names]
    mail = submit(suite, "x@classic.example", "all-alive")
    assert re.match(r"monserveur[12]\.classic\.example\[", mail.outcome(SENT).relay)
    got = wait_for(lambda: [m for s in servers[:2] for m in s.mail.with_subject(mail.subject)])
    assert len(got) == 1 and "TLS" in got[0].header("Received")

    servers[0].stop()
    mail = submit(suite, "x@classic.example", "one-dead")
    assert mail.outcome().status == SENT
    wait_for(lambda: servers[1].mail.with_subject(mail.subject))

    servers[1].stop()
    mail = submit(suite, "x@classic.example", "two-dead")
    first = mail.outcome()
    assert first.status == SENT and first.relay.startswith("monserveur-fallback.classic.example[")
    wait_for(lambda: servers[2].mail.with_subject(mail.subject))

    servers[2].stop()
    mail = submit(suite, "x@classic.example", "all-dead")
    first = mail.outcome()
    assert first.status == TEMPORARY and first.dsn == "4.4.1" and "refused" in first.text
    assert "all-dead" not in str([s.mail.messages() for s in servers])
    for s in servers:
        s.start()
    mail.outcome(SENT)
    mail.gone()
    got = wait_for(lambda: [m for s in servers for m in s.mail.with_subject(mail.subject)])
    assert len(got) == 1
    for s in servers:
        s.stop()


def test_a_host_that_is_unplugged(net, suite):
    peer = Peer(net.host("unplugged"))
    net.host("unplugged").cable(False)
    mail = submit(suite, "x@unplugged.example")
    first = mail.outcome()
    assert first.status == TEMPORARY and first.dsn == "4.4.1"
    assert re.search("timed out|No route to host", first.text)
    net.host("unplugged").cable(True)
    mail.outcome(SENT)
    assert len(peer.with_subject(mail.subject)) == 1
    peer.stop()


@pytest.mark.parametrize("domain,relay", [
    ("good.example", r"mx\.good\.example\["), ("no-mx.example", r"no-mx\.example\["),
    ("cname.example", r"[\w.-]+\.example\["), ("dangling.example", r"mx\.dangling\.example\["),
])
def test_ways_to_the_host(suite, good, domain, relay):
    mail = submit(suite, "x@" + domain)
    o = mail.outcome()
    assert o.status == SENT and re.match(relay, o.relay), o
    assert len(good.with_subject(mail.subject)) == 1


def test_idna_domain(suite, good):
    mail = submit(suite, "x@b\u00fccher.example", mail_options=["SMTPUTF8"],
                  octets=None)
    assert mail.outcome().status == SENT
    assert len(good.with_subject(mail.subject)) == 1


@pytest.mark.parametrize("domain,dsn,words", [
    ("null-mx.example", r"5\.1\.10|5\.7\.27", "null MX|does not accept mail"),
    ("nobody.example", r"5\.", "."),
    ("dangling-only.example", r"5\.", "."),
    ("loop.example", r"5\.4\.6", "loop"),
    ("does-not-exist.example", r"5\.", "not found|no such domain|does not exist"),
])
def test_nowhere_to_go(suite, good, domain, dsn, words):
    mail = submit(suite, "x@" + domain)
    o = mail.outcome()
    assert o.status == PERMANENT and re.match(dsn, o.dsn) and re.search(words, o.text, re.I), o
    bounce = bounce_of(suite, mail)
    assert o.dsn in bounce.as_string()
    assert not good.with_subject(mail.subject)


@pytest.mark.parametrize("domain", ["broken.example", "bogus.example"])
def test_dns_trouble_is_no_verdict(suite, good, domain):
    mail = submit(suite, "x@" + domain)
    o = mail.outcome()
    assert o.status == TEMPORARY and o.dsn.startswith("4.4."), o
    suite.relais("queue", "delete", mail.id)
    assert not good.with_subject(mail.subject)


def test_we_are_the_backup(net, suite, good):
    """Never past our own preference: it would come back to us."""
    mail = submit(suite, "x@backup.example")
    assert mail.outcome().status == TEMPORARY
    peer = Peer(net.host("backup"))
    mail.outcome(SENT)
    assert len(peer.with_subject(mail.subject)) == 1 and not good.with_subject(mail.subject)
    peer.stop()


def test_ipv6(net, suite):
    peer = Peer(net.host("six"), families="6")
    mail = submit(suite, "x@six.example")
    assert f"[{net.host('six').v6}]" in mail.outcome(SENT).relay
    # and the other family is tried where one does not answer
    second = submit(suite, "x@half.example")
    assert second.outcome().status == SENT
    assert len(peer.messages) == 2
    peer.stop()


# ---- peers that misbehave ----

@pytest.fixture(scope="module")
def stories(net, suite):
    """All of them at once, for some take long: name -> (peer, message)."""
    told = {}
    for story, (at, *_) in STORIES.items():
        at = {k: list(v) if isinstance(v, list) else v for k, v in at.items()}
        peer = Peer(net.host(story), at=at, esmtp=story != "only-helo")
        told[story] = peer, submit(suite, f"x@{story}.example", story)
    yield told
    for peer, _ in told.values():
        peer.stop()


@pytest.mark.parametrize("story", STORIES)
def test_story(suite, stories, story):
    _, status, dsn, words = STORIES[story]
    peer, mail = stories[story]
    first = mail.outcome()
    assert first.status == status, first
    assert re.match(dsn, first.dsn) and re.search(words, first.text), first
    if status == PERMANENT:
        assert not peer.messages
        bounce_of(suite, mail)
    else:
        mail.outcome(SENT)
        mail.gone()
        assert len(peer.with_subject(mail.subject)) == 1
        assert peer.messages[0].to() == [f"x@{story}.example"]


def test_no_story_was_told_twice(stories):
    for story, (peer, mail) in stories.items():
        assert len(peer.with_subject(mail.subject)) == (STORIES[story][1] != PERMANENT), story


def test_the_others_of_a_message_are_not_hurt(net, suite):
    peer = Peer(net.host("plain"), only=[f"good{i}@plain.example" for i in range(3)])
    to = ["good0@plain.example", "bad@plain.example", "good1@plain.example", "good2@plain.example"]
    mail = submit(suite, to)
    assert mail.outcome(PERMANENT, to="bad@plain.example").dsn == "5.1.1"
    for address in (to[0], to[2], to[3]):
        mail.outcome(SENT, to=address)
    assert [sorted(m.to()) for m in peer.messages] == [sorted([to[0], to[2], to[3]])]
    assert "bad@plain.example" in bounce_of(suite, mail).as_string()
    peer.stop()


def test_too_many_recipients_for_one_message(net, suite):
    peer = Peer(net.host("plain"))
    to = [f"u{i}@plain.example" for i in range(120)]
    mail = submit(suite, to)
    mail.gone()
    assert sorted(a for m in peer.messages for a in m.to()) == sorted(to)
    assert 3 <= len(peer.messages) <= 6
    # 452 after the second: the rest goes at once with the next
    peer.at, peer.messages = {"RCPT": [OK, OK, "452 4.5.3 too many recipients", OK]}, []
    mail = submit(suite, to[:4])
    mail.gone()
    assert [m.to() for m in peer.messages] == [[to[0], to[1], to[3]], [to[2]]]
    assert not mail.outcomes(status=TEMPORARY)
    peer.stop()


def test_a_flood_of_one_sender_delays_no_other(net, suite, good):
    """Not at the same destination, and not at others."""
    peer, start = Peer(net.host("plain"), at={"END": 0.3}), len(suite.log())
    flood(suite, "x@plain.example", 300)
    before = len(peer.messages)
    assert before < 200, "the flood is on its way still"
    other = submit(suite, "x@good.example")
    mail = submit(suite, "x@plain.example", sender="bob@first.example")
    other.outcome(SENT)
    mail.outcome(SENT)
    passed = [m.header("Subject") for m in peer.messages].index(mail.subject) - before
    # at most what was out already, and as much again while it was its turn
    assert passed <= 60, passed
    # until all replies are in: what has none is sent again, to the next peer there
    wait_for(lambda: len(re.findall(r"to=<x@plain\.example>.*status=sent", suite.log()[start:])) == 301, 60)
    assert len(peer.messages) == 301
    peer.stop()


# ---- what the peer can and cannot ----

LATIN = "Grüße aus Köln, 100 €\r\n.mit Punkt\r\n" + "ü" * 300 + "\r\n"
MIME = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"


def test_a_peer_without_8bitmime_gets_seven_bits(net, suite):
    peer = Peer(net.host("plain"), features=["PIPELINING"])
    mail = submit(suite, "x@plain.example", more=MIME, body=LATIN, mail_options=["BODY=8BITMIME"])
    mail.outcome(SENT)
    got = peer.with_subject(mail.subject)[0].octets
    assert all(c < 128 for c in got)
    m = email.message_from_bytes(got, policy=email.policy.SMTP)
    assert m["Content-Transfer-Encoding"] in ("quoted-printable", "base64")
    assert m.get_payload(decode=True).decode() == LATIN
    assert max(len(line) for line in got.split(b"\r\n")) <= 998
    peer.stop()


def test_eight_bits_go_as_they_are(net, suite):
    peer = Peer(net.host("plain"))
    mail = submit(suite, "x@plain.example", more=MIME, body=LATIN, mail_options=["BODY=8BITMIME"])
    mail.outcome(SENT)
    got = peer.with_subject(mail.subject)[0]
    assert got.octets.endswith(LATIN.encode()) and "BODY=8BITMIME" in got.mail.upper()
    peer.stop()


def test_smtputf8_is_needed_and_missing(net, suite):
    peer = Peer(net.host("plain"), features=["PIPELINING", "8BITMIME"])
    mail = submit(suite, "f\u00fcr@plain.example", mail_options=["SMTPUTF8"])
    o = mail.outcome()
    assert o.status == PERMANENT and o.dsn in ("5.6.7", "5.6.9"), o
    assert not peer.messages
    peer.stop()


def test_smtputf8(net, suite):
    peer = Peer(net.host("plain"))
    mail = submit(suite, "f\u00fcr@plain.example", mail_options=["SMTPUTF8"])
    assert mail.outcome().status == SENT
    assert "SMTPUTF8" in peer.messages[0].mail and peer.messages[0].to() == ["f\u00fcr@plain.example"]
    peer.stop()


def test_no_pipelining_for_a_peer_that_did_not_offer_it(net, suite):
    peer = Peer(net.host("plain"), features=["8BITMIME"])
    mail = submit(suite, ["a@plain.example", "b@plain.example"])
    mail.outcome(SENT)
    assert not peer.early
    assert not [line for line in peer.lines if "SIZE=" in line or "NOTIFY" in line]
    peer.stop()


def test_a_message_larger_than_the_peer_takes(net, suite):
    peer = Peer(net.host("plain"), features=["PIPELINING", "SIZE 5000"])
    mail = submit(suite, "x@plain.example", body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 200)
    o = mail.outcome()
    assert o.status == PERMANENT and o.dsn in ("5.3.4", "5.2.3"), o
    assert not peer.messages
    peer.stop()


@pytest.mark.parametrize("lines", [10, 3000, 40000])
def test_content_arrives_as_it_was(net, suite, lines):
    peer = Peer(net.host("plain"), features=[f for f in FEATURES if f != "CHUNKING"])
    body = "".join(f".{i} " + "z" * (i % 70) + "\r\n" for i in range(lines)) + ".\r\n..\r\n"
    s = text(f"size-{lines}", "x@plain.example", body=body.replace("\r\n.", "\r\n."))
    mail = submit(suite, "x@plain.example", octets=s)
    mail.outcome(SENT)
    got = peer.messages[0].octets
    assert got.split(b"\r\n\r\n", 1)[1] == body.encode()
    assert got.startswith(b"Received: ")
    peer.stop()


def test_connections_are_used_again(net, suite):
    peer = Peer(net.host("plain"))
    for i in range(6):
        submit(suite, "x@plain.example", f"again-{i}").gone()
    assert len(peer.messages) == 6 and peer.connections <= 2, (peer.subjects(), peer.connections)
    peer.stop()


# ---- DSN ----

def test_dsn_parameters_go_on(net, suite):
    peer = Peer(net.host("plain"))
    mail = submit(suite, "x@plain.example", mail_options=["RET=HDRS", "ENVID=mine+3D1"],
                  rcpt_options=["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;X+2By@plain.example"])
    mail.gone()
    got, = peer.messages
    assert "RET=HDRS" in got.mail and "ENVID=mine+3D1" in got.mail
    assert "NOTIFY=SUCCESS,DELAY" in got.rcpts[0] and "ORCPT=rfc822;X+2By@plain.example" in got.rcpts[0]
    peer.stop()


def test_a_peer_without_dsn_is_said_to_have_it(net, suite):
    """RFC 3461 sec. 5.2.2: "relayed", for nobody after it will tell."""
    peer = Peer(net.host("plain"), features=["PIPELINING", "8BITMIME"])
    mail = submit(suite, "x@plain.example", mail_options=["RET=HDRS"], rcpt_options=["NOTIFY=SUCCESS"])
    mail.gone()
    assert "Action: relayed" in bounce_of(suite, mail).as_string()
    peer.stop()


# ---- a second suite ----

@pytest.fixture(scope="module")
def second(net):
    with running_on(net.host("second"), resolver=net.dns,
                    options=[*QUICK, "hostname=mx.second.example"]) as s:
        make_sender(s, "eva@second.example", "a secret of eva")
        yield s


def test_suite_to_suite(suite, second):
    """The second one takes the DSN parameters, but writes to nobody who came without a login."""
    mail = submit(suite, "eva@second.example", "with-dsn", mail_options=["RET=HDRS", "ENVID=mine+3D1"],
                  rcpt_options=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;eva@second.example"])
    assert mail.outcome().status == SENT
    got = wait_for(lambda: [m for m in inbox(second, "eva@second.example") if m["Subject"] == mail.subject])
    assert len(got) == 1 and "mx.example.test" in got[0]["Received"]


def test_suite_to_suite_unknown_user(suite, second):
    mail = submit(suite, "nobody@second.example", "unknown")
    o = mail.outcome()
    assert o.status == PERMANENT and o.dsn == "5.1.1"
    bounce_of(suite, mail)


def test_suite_to_suite_smtputf8(suite, second):
    mail = submit(suite, "eva@second.example", "in UTF-8", mail_options=["SMTPUTF8"],
                  more="X-Note: Grüße\r\n")
    assert mail.outcome().status == SENT
    wait_for(lambda: f"<{SENDER}>" in second.log() and "status=sent" in second.log())


# ---- last: without DNS ----

def test_dead_name_server(net, suite, good):
    net.dns.pause()
    try:
        mail = submit(suite, "x@dead-dns.example")
        o = mail.outcome(seconds=60)
        assert o.status == TEMPORARY and o.dsn.startswith("4.4."), o
    finally:
        net.dns.resume()
    mail.outcome(SENT, seconds=60)
    assert len(good.with_subject(mail.subject)) == 1
