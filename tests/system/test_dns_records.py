# SPDX-License-Identifier: ISC
"""relais dns show and check, relais explain: with a real name server. What show prints is
published as it is, and check then finds nothing wrong; each case changes one record."""
import json
import os
import re
import socket
import subprocess

import pytest
from conftest import BUILD, new_folder, running, wait_for
from dns_server import BROKEN, PLAIN, DnsServer, have_nsd

HOST, V4, V6 = "mx.host.example", "192.0.2.10", "2001:db8::10"
PTR6 = ".".join(reversed("20010db8" + "0" * 22 + "10"))
OFFERED = [w for o in ("submission.listen=*:587", "submission.listen_tls=*:465",
                       "imapd.listen=*:143", "imapd.listen_tls=*:993")
           for w in ("--option", o)]
ADDRESSES = ["--address", V4, "--address", V6]
RIGHT, WRONG, UNKNOWN = 0, 1, 75

pytestmark = pytest.mark.skipif(
    not os.path.exists(os.path.join(BUILD, "libexec", "mailauth-verify")),
    reason="no mailauth-verify in this build")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def public_key(folder):
    """Of a key for signatures, which is made there."""
    key = os.path.join(folder, "dkim.pem")
    subprocess.run(["openssl", "genrsa", "-out", key, "1024"], check=True, stderr=subprocess.DEVNULL)
    pem = subprocess.run(["openssl", "rsa", "-in", key, "-pubout"], check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True).stdout
    return "".join(pem.splitlines()[1:-1])


class Records:
    def __init__(self, suite, server):
        self.suite, self.server = suite, server

    def show(self, domain, *words):
        return self.suite.relais(*OFFERED, "dns", "show", domain, *ADDRESSES, *words)

    def lines(self, domain):
        """The records of a domain, without comments; those of the host apart."""
        all_ = [line for line in self.show(domain, "--policy", "reject").splitlines()
                if line and line[0] != ";"]
        return ([x for x in all_ if not x.split(" ")[0].endswith(HOST + ".")],
                [x for x in all_ if x.split(" ")[0].endswith(HOST + ".")])

    def check(self, domain, *words):
        """(exit status, findings)"""
        r = self.suite.relais(*OFFERED, "dns", "check", domain, *ADDRESSES, "--json", *words,
                              check=False)
        assert r.returncode in (RIGHT, WRONG, UNKNOWN), r.stderr
        return r.returncode, json.loads(r.stdout)["findings"]

    def explain(self, *words, stdin=None):
        return json.loads(self.suite.relais("explain", *words, "--json", stdin=stdin))


# name: (what is done with the lines of the zone, exit status, level, what, a part of the text)
CASES = {
    "no-mx": (lambda z: [x for x in z if " MX " not in x], WRONG, "wrong", "MX", "no MX record"),
    "other-mx": (lambda z: [x.replace(HOST, "x.host.example") if " MX " in x else x for x in z],
                 WRONG, "wrong", "MX", "none of its hosts"),
    "no-spf": (lambda z: [x for x in z if "v=spf1" not in x], WRONG, "wrong", "SPF", "none"),
    "strict-spf": (lambda z: [x.replace("v=spf1 mx ~all", "v=spf1 ip4:192.0.2.99 -all") for x in z],
                   WRONG, "wrong", "SPF", "fail by -all"),
    "open-spf": (lambda z: [x.replace("~all", "+all") for x in z], WRONG, "wrong", "SPF", "anybody"),
    "two-spf": (lambda z: z + ['@ TXT "v=spf1 -all"'], WRONG, "wrong", "SPF", "there are 2"),
    "no-dkim": (lambda z: [x for x in z if "_domainkey" not in x], WRONG, "wrong", "DKIM", "none"),
    "no-dmarc": (lambda z: [x for x in z if "_dmarc" not in x], WRONG, "wrong", "DMARC", "none"),
    "dmarc-away": (lambda z: [x.replace("rua=mailto:postmaster@dmarc-away.example",
                                        "rua=mailto:x@host.example") for x in z],
                   WRONG, "wrong", "DMARC", "host.example does not say"),
    "no-srv": (lambda z: [x for x in z if " SRV " not in x], RIGHT, "hint", "SRV", "none"),
    "other-port": (lambda z: [x.replace(" 993 ", " 994 ") for x in z], WRONG, "wrong", "SRV", "port"),
}


@pytest.fixture(scope="module")
def records():
    if not have_nsd():
        pytest.skip("no NSD here")
    server = DnsServer(new_folder(), port=free_port())
    try:
        server.start()
        with running(server.folder, users=1, env={"RELAIS_MAILAUTH_FAULT": "1"},
                     forgive="mailauth-verify.*was killed by signal", options=[
                f"hostname={HOST}", f"resolver.forwarders=127.0.0.1:{server.port}",
                f"resolver.trust_anchor={server.trust_anchor}", "resolver.timeout=3s",
                "resolver.cache_max_negative_ttl=1s", "resolver.cache_max_ttl=1s"]) as suite:
            r = Records(suite, server)
            suite.relais("dkim", "new", "right.example", "--anyway")
            suite.relais("dkim", "new", "no-dkim.example", "--anyway")
            host = []
            for name in ["right", *CASES]:
                zone, host = r.lines(name + ".example")
                zone.append(f"mta-sts A {V4}")
                server.zone(name + ".example", "\n".join(CASES[name][0](zone) if name in CASES
                                                         else zone))
            server.zone("host.example", "\n".join(host + ["x A 192.0.2.12"]))
            server.zone("2.0.192.in-addr.arpa", f"10 PTR {HOST}.\n11 PTR nothing.host.example.", PLAIN)
            server.zone("8.b.d.0.1.0.0.2.ip6.arpa", f"{PTR6}.ip6.arpa. PTR {HOST}.", PLAIN)
            server.zone("broken.example", "", BROKEN)
            server.zone("escape.example", '_dmarc TXT "v=DMARC1; p=none; rua=\\027[31m\\255"\n'
                        '@ TXT "v=spf1 exists:\\027[2J -all"')
            server.zone("signed.example", '_dmarc TXT "v=DMARC1; p=quarantine"\n' +
                        f's1._domainkey TXT "v=DKIM1; p={public_key(server.folder)}"\n'
                        '@ TXT "v=spf1 -all"')
            server.publish()
            yield r
    finally:
        server.stop()


def test_right(records):
    """What is shown, published, is right: also whether our addresses pass SPF, and their names."""
    status, found = records.check("right.example")
    assert status == RIGHT, [f for f in found if f["level"] != "right"]
    assert {f["what"] for f in found if f["level"] == "right"} >= {
        "MX", "address", "PTR", "SPF", "SPF of HELO", "DKIM", "DMARC", "TLSA", "SRV", "MTA-STS",
        "TLS-RPT"}, found
    assert [f["name"] for f in found if f["what"] == "PTR"] == [V4, V6]
    # for cron: nothing to say
    assert records.suite.relais(*OFFERED, "dns", "check", "right.example", *ADDRESSES, "--quiet") == ""


@pytest.mark.parametrize("name", CASES)
def test_one_thing(records, name):
    _, status, level, what, text = CASES[name]
    got, found = records.check(name + ".example")
    rows = [f for f in found if f["level"] == level and f["what"] == what and text in f["text"]]
    assert rows, found
    # domains without keys are wrong in this one thing more; without its MX nobody passes by "mx"
    also = {"DKIM", "SPF"} if name.endswith("-mx") else {"DKIM"}
    others = [f for f in found if f["level"] == "wrong" and f not in rows and f["what"] not in also]
    assert not others, others
    assert got == WRONG or not [f for f in found if f["level"] == "wrong"]
    if name not in ("open-spf", "dmarc-away"):
        assert any("publish: " in f["todo"] or "leave one" == f["todo"] for f in rows), rows


def test_a_domain_below(records):
    """The DMARC record of the domain above applies; SPF and MX are its own."""
    found = records.check("below.right.example")[1]
    assert [f["text"] for f in found if f["what"] == "DMARC"] == ["the record of right.example applies"]
    assert {f["what"] for f in found if f["level"] == "wrong"} == {"MX", "SPF", "DKIM"}, found


def test_all_domains(records):
    """Each local domain; the worst is the exit status."""
    records.suite.relais("domain", "add", "right.example")
    r = records.suite.relais(*OFFERED, "dns", "check", "--all", "--json", *ADDRESSES, check=False)
    worst = {x["domain"]: x["worst"] for x in json.loads(r.stdout)}
    assert worst.pop("right.example") == "right" and set(worst.values()) == {"wrong"}
    assert r.returncode == WRONG
    assert records.suite.relais("dns", "check", "--all", "right.example", check=False).returncode == 2
    assert records.suite.relais("dns", "show", "--all", check=False).returncode == 2


def test_terminal_is_safe(records):
    """What stands in DNS and in messages moves no cursor, and is fit for JSON."""
    said = records.suite.relais("dns", "check", "escape.example", check=False).stdout
    said += records.suite.relais("explain", "-", "--from", "x@escape.example", "--ip", "192.0.2.66",
                                 stdin="From: \x1b[31m <x@escape.example>\n"
                                 "DKIM-Signature: v=1; d=\x1b[2Jx; s=\x1b; a=x; b=; bh=; h=\x1b\n\n")
    assert "[31m" in said and not [c for c in said if c < " " and c != "\n"]
    _, found = records.check("escape.example")
    assert {f["level"] for f in found if f["what"] == "SPF"} == {"wrong"}, found


def test_not_known(records):
    """A zone that cannot be asked is not wrong: later it is known."""
    status, found = records.check("broken.example")
    assert {f["level"] for f in found if f["what"] in ("MX", "SPF", "DMARC")} == {"unknown"}, found
    r = records.suite.relais("dns", "check", check=False)
    assert r.returncode == 2 and "Usage" in r.stderr
    r = records.suite.relais("--option", "run=/nonexistent", "dns", "check", "right.example", check=False)
    assert r.returncode == 3 and "not running" in r.stderr


def test_certificate_of_another_key(records):
    """TLSA records that do not fit what is shown: hosts that check them send nothing."""
    zone, host = records.lines("right.example")
    other = [x[:-64] + "ab" * 32 if " TLSA " in x else x for x in host]
    assert other != host
    records.server.zone("host.example", "\n".join(other + ["x A 192.0.2.12"]))
    records.server.publish()

    def tlsa(level):
        return [f for f in records.check("right.example")[1] if f["what"] == "TLSA" and
                f["level"] == level]
    try:
        assert "fits none" in wait_for(lambda: tlsa("wrong"))[0]["text"]
    finally:
        records.server.zone("host.example", "\n".join(host + ["x A 192.0.2.12"]))
        records.server.publish()
    wait_for(lambda: tlsa("right"))


def test_address_without_a_way_back(records):
    """Mail that leaves from another address needs a name there, too."""
    r = records.suite.relais("--option", "smtp_client.source_ipv4=192.0.2.11", *OFFERED, "dns",
                             "check", "right.example", *ADDRESSES, "--json", check=False)
    found = json.loads(r.stdout)["findings"]
    assert r.returncode == WRONG
    assert [f["text"] for f in found if f["what"] == "PTR" and f["level"] == "wrong"] == [
        "its name nothing.host.example does not lead back to it"]
    assert [f["text"] for f in found if f["what"] == "SPF" and f["level"] == "wrong"] == [
        "mail from our address 192.0.2.11: softfail by ~all"]


def test_forms(records):
    """The three forms have the same records; long texts are in strings of up to 255 octets."""
    zone, host = records.lines("right.example")
    rows = json.loads(records.show("right.example", "--policy", "reject", "--json"))["records"]
    assert [r["name"] for r in rows if r["need"] == "needed elsewhere"] == [
        "10.2.0.192.in-addr.arpa", PTR6 + ".ip6.arpa"]
    rows = [r for r in rows if r["need"] != "needed elsewhere"]
    assert [f"{r['name']}. {r['ttl']} IN {r['type']} {r['data']}" for r in rows] == \
        sorted(zone + host, key=lambda x: [f"{r['name']}. {r['ttl']} IN {r['type']} {r['data']}"
                                           for r in rows].index(x))
    updates = records.show("right.example", "--policy", "reject", "--nsupdate")
    assert {x[len("update add "):] for x in updates.splitlines() if x.startswith("update add ")} == \
        set(zone + host)
    assert updates.count("\nsend") == 2  # the host is in another zone
    keys = [r for r in rows if r["what"] == "DKIM"]
    assert len(keys) == 2
    for r in keys:
        strings = re.findall(r'"([^"]*)"', r["data"])
        assert "".join(strings) == r["text"] and max(map(len, strings)) <= 255


def test_policy_of_mta_sts(records):
    """Nothing but the file; the record's number goes with it."""
    policy = records.suite.relais("dns", "show", "right.example", "--mta-sts-policy")
    assert policy == f"version: STSv1\nmode: enforce\nmx: {HOST}\nmax_age: 604800\n"
    shown = json.loads(records.suite.relais("dns", "show", "right.example", "--json"))
    assert shown["mta_sts_policy"] == policy


def test_nsupdate_is_understood(records):
    """The tool itself reads it (no server is asked: the output is shown only)."""
    try:
        updates = records.show("right.example", "--nsupdate").replace("\nsend", "\nshow")
        r = subprocess.run(["nsupdate"], input="zone example\n" + updates, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    except FileNotFoundError:
        pytest.skip("no nsupdate here")
    assert r.returncode == 0 and "syntax" not in r.stderr and "invalid" not in r.stderr, r.stderr


# ---- explain ----

FORGED = "From: Boss <boss@right.example>\nSubject: x\n\nhello\n"


def test_explain_forged(records):
    """Another's host under p=reject: refused, and why."""
    e = records.explain("-", "--from", "boss@right.example", "--ip", "192.0.2.66", "--helo",
                        "evil.example", stdin=FORGED)
    assert e["spf"]["mail_from"]["result"] == "softfail"
    assert e["spf"]["mail_from"]["mechanism"] == "~all"
    assert e["dmarc"]["result"] == "fail" and e["dmarc"]["policy"] == "reject"
    assert e["dmarc"]["author_domain"] == "right.example"
    assert e["decision"]["action"] == "refuse" and e["decision"]["code"] == 550
    assert e["octets"] == len(FORGED.replace("\n", "\r\n"))
    assert e["steps"]["spf"] and e["steps"]["message"]


def test_explain_words(records):
    """Without a file: a message from that address; and its story for people."""
    said = records.suite.relais("explain", "--from", "joe@right.example", "--ip", V4, "--helo", HOST)
    for part in [f"client {V4} ({HOST})", "SPF of MAIL FROM <joe@right.example>: pass",
                 "matched mx", "      right.example: v=spf1 mx ~all\n", f"      {HOST}: v=spf1 a -all\n", "DKIM: none", "DMARC: pass",
                 "aligned with the author's domain right.example", "result: accept"]:
        assert part in said, said


def test_explain_a_stored_message(records):
    """Client, HELO and reverse-path are those of its trace fields."""
    e = records.explain("-", stdin=f"Return-Path: <joe@right.example>\nReceived: from {HOST} "
                        f"({HOST} [IPv6:{V6}])\n\tby mx.other.example with ESMTP id 1\n" + FORGED)
    assert (e["client"], e["client_name"], e["helo"], e["mail_from"]) == (
        V6, HOST, HOST, "joe@right.example")
    assert e["spf"]["mail_from"]["result"] == "pass" and e["dmarc"]["result"] == "pass"
    assert e["decision"] == {"action": "accept", "override": "", "sender_authenticated": True}


def test_explain_signed(records):
    """A signature speaks for its author, though the client may not; broken it does not, and why."""
    dkim = pytest.importorskip("dkim")
    with open(os.path.join(records.server.folder, "dkim.pem"), "rb") as f:
        key = f.read()
    text = b"From: ann@signed.example\r\nTo: x@y.example\r\nSubject: s\r\n\r\nhello\r\n"
    signed = (dkim.sign(text, b"s1", b"signed.example", key) + text).decode().replace("\r\n", "\n")
    words = ["-", "--from", "ann@signed.example", "--ip", "192.0.2.66"]
    e = records.explain(*words, stdin=signed)
    assert e["spf"]["mail_from"]["result"] == "fail"
    assert [(d["result"], d["domain"], d["key_bits"]) for d in e["dkim"]] == [("pass", "signed.example", 1024)], e["dkim"]
    assert e["dmarc"]["result"] == "pass" and e["dmarc"]["dkim_aligned"] and not e["dmarc"]["spf_aligned"]
    assert e["decision"]["action"] == "accept" and e["decision"]["sender_authenticated"]
    twice = (dkim.sign(text, b"s1", b"signed.example", key) + dkim.sign(text, b"s1", b"signed.example", key) +
             text).decode()
    said = records.suite.relais("explain", *words, stdin=twice)
    for i in (1, 2):
        assert f"DKIM signature {i} passes for signed.example, aligned with" in said, said
    e = records.explain(*words, stdin=signed.replace("hello", "Hello"))
    assert [d["result"] for d in e["dkim"]] == ["fail"] and e["dkim"][0]["problem"]
    assert e["dmarc"]["result"] == "fail" and e["decision"]["action"] == "junk"
    said = records.suite.relais("explain", *words, stdin=signed.replace("hello", "Hello"))
    assert "result: junk: it goes into the mailbox Junk" in said
    assert "DKIM signature 1 does not pass" in said


def test_explain_overrides(records):
    """What the options say is done, and is said."""
    words = ["explain", "-", "--from", "boss@right.example", "--ip", "192.0.2.66", "--json"]

    def decision(*options):
        return json.loads(records.suite.relais(*[w for o in options for w in ("--option", o)], *words,
                                               stdin=FORGED))["decision"]
    assert decision("mailauth.trusted_forwarders=192.0.2.64/26")["override"] == "trusted_forwarder"
    assert decision("mailauth.dmarc=score")["override"] == "local_policy"
    assert decision()["override"] == ""


def test_explain_large(records):
    """A message too large for one frame; and the recipient."""
    body = "".join(f"line {i}\n" for i in range(20000))
    to = records.suite.account()[0]
    e = records.explain("-", "--from", "boss@right.example", "--ip", "192.0.2.66", "--to", to,
                        stdin=FORGED + body)
    assert e["octets"] > 100000 and e["dmarc"]["result"] == "fail"
    assert e["recipient"] == {"address": to, "taken": True, "text": e["recipient"]["text"]}
    e = records.explain("-", "--from", "boss@right.example", "--ip", "192.0.2.66", "--to",
                        "nobody-at-all@" + to.split("@")[1], stdin=FORGED)
    assert not e["recipient"]["taken"]


def test_nothing_is_left(records):
    """Explaining asks: no mail, no line about a message."""
    before = len(records.suite.log())
    records.explain("-", "--from", "boss@right.example", "--ip", "192.0.2.66", stdin=FORGED)
    assert "mailauth:" not in records.suite.log()[before:]
    assert json.loads(records.suite.relais("queue", "list", "--json")) == [] or \
        "messages" not in records.suite.relais("queue", "list")


def test_words_of_the_commands(records):
    for words in [["dns", "--help"], ["explain", "--help"]]:
        assert "Usage: relais " + words[0] in records.suite.relais(*words)
    for words in [["dns", "show"], ["dns", "show", "x.example", "--address", "x"],
                  ["dns", "show", "x.example", "--policy", "maybe"],
                  ["dns", "show", "x.example", "--rua", "nobody"], ["explain"],
                  ["explain", "--from", "a@b.example"], ["explain", "x", "--ip", "192.0.2.0/24"]]:
        assert records.suite.relais(*words, check=False).returncode == 2, words
    for domain in ["nodots", "192.0.2.1", "[192.0.2.1]", "a..b", "x_.-y.example"]:
        assert records.suite.relais("dns", "show", domain, check=False).returncode == 1, domain
    assert "xn--bcher-kva.example. 3600 IN MX" in records.show("B\u00fccher.example.")


def test_explain_a_crash(records):
    """What crashes a library is told of, as the door has it: temperror, and taken."""
    with open(os.path.join(BUILD, "libexec", "mailauth-verify"), "rb") as f:
        if b"x-fault-crash" not in f.read():
            pytest.skip("no faults in this build")
    e = records.explain("-", "--from", "boss@right.example", "--ip", "192.0.2.66",
                        stdin="X-Fault: x-fault-crash\n" + FORGED)
    assert e["died"] and e["dmarc"]["result"] == "temperror" and e["decision"]["action"] == "accept"
