# SPDX-License-Identifier: ISC
"""How mail leaves: the operator's commands for routes, what `relais route` tells, and SRS there and back.
No network but loopback: every next hop is an address."""
import json
import os
import smtplib
import stat

import pytest
from conftest import free_base, running, wait_for
from outbound import QUICK, needs_smtp_client
from peers import Here, Peer

DOMAIN = "example.test"
SECRET = "a secret: of two words"
OUTSIDE = "Bob.Builder@else.example"


class Machine(Here):
    """This machine as a host of peers."""

    def stop(self):
        for f in self.on_close:
            f()


@pytest.fixture(scope="module")
def provider():
    with running(users=3, options=[*QUICK, "smtp_client.tls=none", "smarthost=[127.0.0.1]:9"]) as s:
        yield s


@pytest.fixture(scope="module")
def here():
    machine = Machine()
    yield machine
    machine.stop()


def route(suite, address, sender="", check=True):
    words = ["--sender", sender] if sender else []
    done = suite.relais("route", address, *words, "--json", check=False)
    assert not check or done.returncode == 0, done
    return json.loads(done.stdout)


def only_hop(suite, address, sender=""):
    target, = route(suite, address, sender)["targets"]
    return target["next_hop"]


def smtp(suite):
    s = smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30)
    s.ehlo("client.example")
    return s


def rcpt(suite, recipient, sender="<>"):
    with smtp(suite) as s:
        s.docmd("MAIL", f"FROM:{sender}")
        code, text = s.docmd("RCPT", f"TO:<{recipient}>")
        return code, text.decode()


def table(suite, name, mode=0o644, *rows):
    path = os.path.join(suite.folder, "tables", name)
    with open(path, "w") as f:
        f.write("".join(row + "\n" for row in rows))
    os.chmod(path, mode)
    return path


COMMANDS = [
    ("transport", "Far.example", ["[192.0.2.1]:587,", "b.example"], "recipient", "far.example", "next_hop",
     "[192.0.2.1]:587, b.example"),
    ("sender-transport", f"user1@{DOMAIN}", ["smtps:[192.0.2.2]"], "sender", f"user1@{DOMAIN}", "next_hop",
     "smtps:[192.0.2.2]"),
    ("tls-policy", "[Relay.example]:587", ["verify", "name=.isp.example"], "next_hop", "relay.example:587",
     "policy", "verify name=.isp.example"),
    ("source-address", "@Sales.example", ["192.0.2.9", "helo=sales.example"], "sender", "@sales.example",
     "source", "192.0.2.9 helo=sales.example"),
]


@pytest.mark.parametrize("command,key,value,key_name,folded,value_name,written", COMMANDS,
                         ids=[row[0] for row in COMMANDS])
def test_lines_of_a_table(provider, command, key, value, key_name, folded, value_name, written):
    def listed():
        return json.loads(provider.relais(command, "list", "--json"))

    assert listed() == []
    provider.relais(command, "add", key, *value)
    assert listed() == [{key_name: folded, value_name: written}]
    assert provider.relais(command, "list").split()[0] == folded
    provider.relais(command, "add", key.lower(), *value)  # in place of the old one
    assert len(listed()) == 1
    refused = provider.relais(command, "add", key, "no such:word", check=False)
    assert refused.returncode == 1 and key in refused.stderr
    assert len(listed()) == 1
    assert provider.relais(command, "del", "nobody@nowhere.example" if "@" in key else "nowhere.example",
                           check=False).returncode == 1
    provider.relais(command, "del", key)
    assert listed() == []
    assert "Usage" in provider.relais(command, "--help")
    assert provider.relais(command, "add", key, check=False).returncode == 2


def test_passwords_are_told_to_nobody(provider):
    key = "[127.0.0.1]:587"
    provider.relais("credentials", "add", key, "our-login", "--stdin", stdin=SECRET + "\n")
    try:
        path = os.path.join(provider.folder, "tables", "relay_credentials")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert json.loads(provider.relais("credentials", "list", "--json")) == [
            {"key": "127.0.0.1:587", "login": "our-login"}]
        provider.relais("transport", "add", "far.example", key)
        hop = wait_for(lambda: next((h for h in route(provider, "x@far.example")["targets"][0]["hops"]
                                     if h["port"] == 587), None))
        assert hop["login"] == "our-login" and hop["tls"] == "encrypt"
        said = provider.relais("credentials", "list") + provider.relais("route", "x@far.example") + \
            provider.relais("route", "x@far.example", "--json") + provider.relais("config", "show")
        assert "our-login" in said and SECRET not in said and SECRET not in provider.log()
        assert stat.S_IMODE(os.stat(os.path.join(
            provider.folder, "state", "directory", "relay_credentials.db")).st_mode) & 0o007 == 0
        # a text that others can read is not taken, and named
        os.chmod(path, 0o640)
        refused = provider.relais("map", check=False)
        assert refused.returncode == 1 and path in refused.stderr and "chmod 600" in refused.stderr
        os.chmod(path, 0o600)
        provider.relais("map")
    finally:
        provider.relais("credentials", "del", key)
        provider.relais("transport", "del", "far.example", check=False)


def test_errors_have_file_and_line(provider):
    path = table(provider, "transport", 0o644, "# ours", "far.example smtp:[192.0.2.1", "b.example smtp:",
                 "B.example smtp:", "c@d@e smtp:")
    refused = provider.relais("map", "check", check=False)
    assert refused.returncode == 1
    assert f'{path}:2: "far.example": a "]" is missing' in refused.stderr
    assert f"{path}:5: " in refused.stderr
    assert provider.relais("map", "transport", check=False).returncode == 1
    table(provider, "transport", 0o644, "b.example smtp:", "B.example smtp:")
    assert f'{path}:2: "b.example" is in line 1 already' in provider.relais(
        "map", "transport", check=False).stderr
    table(provider, "transport", 0o644)
    provider.relais("map", "transport")


def test_a_smarthost_that_is_none(provider):
    assert "smarthost: " in provider.relais("--option", "smarthost=192.0.2.1", "config", "check",
                                            check=False).stdout
    assert "no errors" in provider.relais("config", "check")


def test_routes_as_they_are_now(provider):
    """Every change is seen without a restart."""
    def becomes(hop, address, sender=""):
        wait_for(lambda: only_hop(provider, address, sender) == hop)

    becomes("[127.0.0.1]:9", "x@sub.far.example")
    provider.relais("sender-transport", "add", f"@{DOMAIN}", "[192.0.2.3]")
    becomes("[192.0.2.3]", "x@sub.far.example", f"user1@{DOMAIN}")
    becomes("[127.0.0.1]:9", "x@sub.far.example", "y@else.example")
    provider.relais("transport", "add", "*", "any.example")
    becomes("any.example", "x@sub.far.example", f"user1@{DOMAIN}")
    provider.relais("transport", "add", ".far.example", "lmtp:unix:below")
    becomes("lmtp:unix:below", "x@sub.far.example")
    assert route(provider, "x@sub.far.example")["targets"][0]["rule"] == "transport .far.example"
    provider.relais("transport", "add", "sub.far.example", "smtp:")
    becomes("sub.far.example", "x@sub.far.example")
    provider.relais("transport", "add", "x@sub.far.example", "error:5.1.6 has", "moved")
    wait_for(lambda: route(provider, "x@sub.far.example")["targets"][0].get("error") == "has moved")
    text = provider.relais("route", "x@sub.far.example")
    assert "5.1.6 has moved" in text and "by transport x@sub.far.example" in text
    for key in ("*", ".far.example", "sub.far.example", "x@sub.far.example"):
        provider.relais("transport", "del", key)
    provider.relais("sender-transport", "del", f"@{DOMAIN}")
    becomes("[127.0.0.1]:9", "x@sub.far.example", f"user1@{DOMAIN}")


def test_another_smarthost_by_reload(provider):
    path = os.path.join(provider.folder, "relais.conf")
    with open(path) as f:
        before = f.read()
    assert "[127.0.0.1]:9" in before
    for text, hop in ((before.replace("[127.0.0.1]:9", "[192.0.2.4], srv:isp.example"), "[192.0.2.4], srv:isp.example"),
                      (before, "[127.0.0.1]:9")):
        with open(path, "w") as f:
            f.write(text)
        provider.relais("reload")
        wait_for(lambda h=hop: only_hop(provider, "x@far.example") == h)


def test_route_of_our_own(provider):
    provider.relais("alias", "add", f"team@{DOMAIN}", f"user1@{DOMAIN}", "x@far.example")
    wait_for(lambda: rcpt(provider, f"team@{DOMAIN}")[0] == 250)
    told = route(provider, f"Team@{DOMAIN}", f"user2@{DOMAIN}")
    assert [t["kind"] for t in told["targets"]] == ["mailbox", "remote"]
    assert "reverse_path" not in told["targets"][1], "our own sender stays"
    assert told["targets"][1]["helo"]
    text = provider.relais("route", f"team@{DOMAIN}")
    assert "mailbox user1@" in text and "next hop [127.0.0.1]:9" in text and "by smarthost" in text
    unknown = provider.relais("route", f"nobody@{DOMAIN}", check=False)
    assert unknown.returncode == 1 and "5.1.1" in unknown.stdout
    assert provider.relais("route", check=False).returncode == 2
    assert "Usage" in provider.relais("route", "--help")
    provider.relais("alias", "del", f"team@{DOMAIN}")


def test_a_relay_domain_refuses_what_its_route_refuses(provider):
    provider.relais("domain", "add", "relay.example", "relay")
    provider.relais("transport", "add", "relay.example", "lmtp:[127.0.0.1]:2400")
    provider.relais("transport", "add", "gone@relay.example", "error:5.1.6", "has", "left", "us")
    provider.relais("transport", "add", "late@relay.example", "error:4.2.1", "moving")
    wait_for(lambda: rcpt(provider, "late@relay.example")[0] == 450)
    assert rcpt(provider, "x@relay.example")[0] == 250
    assert rcpt(provider, "gone@relay.example") == (
        550, "5.1.6 <gone@relay.example>: Recipient address rejected: has left us")
    assert rcpt(provider, "late@relay.example")[1].startswith("4.2.1 ")
    for key in ("relay.example", "gone@relay.example", "late@relay.example"):
        provider.relais("transport", "del", key)
    provider.relais("domain", "del", "relay.example")


# ---- SRS ----

@pytest.fixture(scope="module")
def forward(provider):
    provider.relais("alias", "add", f"forward@{DOMAIN}", "joe@far.example")
    wait_for(lambda: rcpt(provider, f"forward@{DOMAIN}")[0] == 250)
    yield f"forward@{DOMAIN}"
    provider.relais("alias", "del", f"forward@{DOMAIN}")


def test_an_srs_address_takes_mail_and_a_forged_one_does_not(provider, forward):
    srs = route(provider, forward, OUTSIDE)["targets"][0]["reverse_path"]
    assert srs.startswith("SRS0=") and srs.endswith(f"=else.example=Bob.Builder@{DOMAIN}")
    assert rcpt(provider, srs)[0] == 250
    assert rcpt(provider, srs.lower())[0] == 250
    assert route(provider, srs)["targets"][0]["address"] == OUTSIDE
    for forged in (srs.replace("Bob", "Rob"), srs.replace("else", "evil"), "SRS0=AAAAAA=" + srs[12:]):
        code, text = rcpt(provider, forged)
        assert code == 550 and text.startswith("5.7.1 ") and "SRS" in text, (forged, code, text)
    assert rcpt(provider, OUTSIDE) == (554, f"5.7.1 <{OUTSIDE}>: Relay access denied")


def test_a_new_secret_leaves_the_old_addresses_good(provider, forward):
    old = route(provider, forward, OUTSIDE)["targets"][0]["reverse_path"]
    provider.relais("srs", "rotate")
    new = wait_for(lambda: next((x for x in [route(provider, forward, OUTSIDE)["targets"][0]["reverse_path"]]
                                 if x != old), None))
    assert rcpt(provider, old)[0] == rcpt(provider, new)[0] == 250
    path = os.path.join(provider.folder, "state", "directory", "srs-secrets")
    assert stat.S_IMODE(os.stat(path).st_mode) & 0o007 == 0
    with open(path) as f:
        secrets = f.read().split()
    assert len(secrets) == 2 and not any(x in provider.log() for x in secrets)
    assert "Usage" in provider.relais("srs", "--help")
    for _ in range(9):
        provider.relais("srs", "rotate")
    wait_for(lambda: rcpt(provider, old)[0] == 550)


@pytest.fixture
def hosts(provider, here):
    """Where joe's mail is forwarded to, and where bob's own mail goes."""
    base = free_base()
    peers = [Peer(here, port=base + n, address="127.0.0.1", families="4") for n in (0, 1)]
    domains = ("far.example", "else.example")
    for domain, peer in zip(domains, peers):
        provider.relais("transport", "add", domain, f"[127.0.0.1]:{peer.port}")
        wait_for(lambda d=domain, p=peer: only_hop(provider, f"x@{d}") == f"[127.0.0.1]:{p.port}")
    yield peers
    for domain, peer in zip(domains, peers):
        peer.stop()
        provider.relais("transport", "del", domain)


def send_to(provider, forward):
    with smtp(provider) as s:
        s.sendmail(OUTSIDE, [forward], f"From: <{OUTSIDE}>\r\nSubject: hello\r\n\r\nHello.\r\n")


@needs_smtp_client
def test_a_forward_and_its_bounce(provider, forward, hosts):
    """bob's mail is forwarded under our own name; the bounce finds its way back to bob's host."""
    far, bobs = hosts
    send_to(provider, forward)
    wait_for(lambda: far.messages)
    sent, = far.messages
    srs = sent.mail.split(">")[0].lstrip("<")
    assert srs.startswith("SRS0=") and srs.endswith(f"@{DOMAIN}"), sent.mail
    assert sent.to() == ["joe@far.example"]
    with smtp(provider) as s:
        s.sendmail("", [srs], "From: <mailer-daemon@far.example>\r\nSubject: failed\r\n\r\nNo.\r\n")
    wait_for(lambda: bobs.messages)
    bounce, = bobs.messages
    assert bounce.mail.startswith("<>") and bounce.to() == [OUTSIDE]
