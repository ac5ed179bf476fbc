# SPDX-License-Identifier: ISC
"""The test suite of RFC 7208, all of it, through the real worker: relais explain asks
mailauth-verify, that asks resolver, and that a name server with the suite's zones."""
import concurrent.futures
import email
import glob
import json
import os
import smtplib

import pytest
from conftest import TOP, running, wait_for
from suite_dns import SuiteDns, octets

SUITE = os.path.join(TOP, "tests/data/spf/rfc7208-tests.txt")


def scenarios():
    """A path of SMTP has no blank outside quotes, but one test's has: here it is a '_'."""
    out = []
    with open(SUITE, encoding="ascii") as f:
        for line in f:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "scenario":
                out.append({"name": rest, "zone": [], "tests": []})
            elif word == "zone":
                out[-1]["zone"].append(rest)
            elif word == "test":
                out[-1]["tests"].append({"name": rest})
            else:
                out[-1]["tests"][-1][word] = rest.replace("Macro Error", "Macro_Error")
    return out


@pytest.fixture(scope="module")
def world():
    with SuiteDns() as dns:
        options = [f"resolver.forwarders={dns.address}", "resolver.trust_anchor=",
                   "resolver.timeout=1s", "mailauth.verify=yes", "mailauth.trusted_networks=",
                   "mailauth.received_spf=yes", "mailauth.authserv_id=mx.relais.example"]
        with running(users=1, options=options) as suite:
            yield dns, suite


def ask(suite, t):
    words = ["--ip", t["host"], "--helo", os.fsdecode(octets(t["helo"])), "--json"]
    mail_from = os.fsdecode(octets(t["mailfrom"]))
    if mail_from:
        said = suite.relais("explain", "--from", mail_from, *words)
    else:  # of the null reverse-path only a message can tell
        said = suite.relais("explain", "-", *words, stdin="Return-Path: <>\nFrom: a@b.example\n\nx\n")
    return json.loads(said)["spf"]["mail_from"]


def is_right(t, spf):
    # DEFAULT is the suite's word for: no explanation of the domain
    explanation = t.get("explanation", spf["explanation"]).replace("DEFAULT", "")
    return spf["result"] in t["result"].split("|") and spf["explanation"] == explanation


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda s: s["name"])
def test_scenario(world, scenario):
    dns, suite = world
    dns.set(scenario["zone"])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda t: ask(suite, t), scenario["tests"]))
    wrong = [(t["name"], t["result"], t.get("explanation"), r)
             for t, r in zip(scenario["tests"], results) if not is_right(t, r)]
    assert not wrong


def test_type_spf_is_never_asked_for(world):
    """Sec. 3.1: TXT only."""
    assert None not in {t for _, t in world[0].asked}


@pytest.mark.parametrize("sender, identity, mechanism", [
    ("joe@x.example", "mailfrom; client-ip=127.0.0.1; helo=helo.example; envelope-from=\"joe@x.example\"",
     "\"ip4:127.0.0.0/8\""),
    ("", "helo; client-ip=127.0.0.1; helo=helo.example", "a")])
def test_received_spf(world, sender, identity, mechanism):
    """Sec. 9.1: above the Received field of the hop it is about."""
    dns, suite = world
    dns.set(['x.example TXT "v=spf1 ip4:127.0.0.0/8 -all"', 'helo.example TXT "v=spf1 a -all"',
             "helo.example A 127.0.0.1"])
    box = os.path.join(suite.mailbox(), "new", "*")
    before = set(glob.glob(box))
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), local_hostname="helo.example") as s:
        s.sendmail(sender, [suite.account()[0]], "From: a@b.example\r\n\r\nHello.\r\n")
    with open(wait_for(lambda: set(glob.glob(box)) - before).pop(), "rb") as f:
        fields = [(n, " ".join(v.split())) for n, v in email.message_from_bytes(f.read()).items()]
    domain = "x.example" if sender else "helo.example"
    names = [n for n, _ in fields]
    assert names.count("Received-SPF") == 1
    assert names.index("Received-SPF") < names.index("Received")
    assert dict(fields)["Received-SPF"] == (
        f"pass (mx.relais.example: 127.0.0.1 is permitted by {domain}) identity={identity}; "
        f"receiver=mx.relais.example; mechanism={mechanism};")
