# SPDX-License-Identifier: ISC
"""The test suite of RFC 7208, all of it, through the real worker: relais explain asks
mailauth-verify, that asks resolver, and that a name server with the suite's zones."""
import concurrent.futures
import json
import os

import pytest
from conftest import TOP, running
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
                   "resolver.timeout=1s"]
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
