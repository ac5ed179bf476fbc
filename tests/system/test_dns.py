# SPDX-License-Identifier: ISC
"""The resolver with a real DNS server: what it proves, what it refuses, and what it does when
nobody answers."""
import concurrent.futures
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest
from conftest import BUILD, new_folder, running, wait_for
from dns_server import BOGUS, BROKEN, NO_DS, PLAIN, DnsServer, have_nsd

TIMEOUT_S = 2
needs_load = pytest.mark.skipif(not os.path.exists(os.path.join(BUILD, "tests", "dns_load")),
                                reason="no dns_load in this build")
FOUND, NONE, TEMPORARY, USAGE = 0, 1, 75, 2

SIGNED = """
@ MX 20 mx2
@ MX 10 mx1
mx1 A 192.0.2.1
mx1 A 192.0.2.2
mx1 AAAA 2001:db8::1
_25._tcp.mx1 TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
alias CNAME alias2
alias2 CNAME MX1
out CNAME www.plain.example.
nowhere CNAME nothing
text TXT "one " "two; \\"three\\""
text TXT "caf\\195\\169"
_submission._tcp SRV 0 1 587 mx1
null MX 0 .
xn--mnchen-3ya A 192.0.2.7
_25._tcp.xn--mnchen-3ya TLSA 3 1 1 00
"""


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Dns:
    """A suite whose resolver asks a server of the test's own."""

    def __init__(self, suite, server):
        self.suite, self.server = suite, server

    def ask(self, rrtype, name):
        """(exit status, answer)"""
        r = self.suite.relais("dns", "query", rrtype, name, "--json", check=False)
        assert r.returncode in (FOUND, NONE, TEMPORARY, USAGE), r.stderr
        return r.returncode, json.loads(r.stdout)

    def until(self, rrtype, name, status, seconds=20):
        """TTLs are a second: what changed is seen then."""
        return wait_for(lambda: (lambda a: a if a["status"] == status else None)
                        (self.ask(rrtype, name)[1]), seconds, 0.2)

    def number(self, name, status=None):
        return sum(c["value"] for c in self.suite.status()["counters"]
                   if c["name"] == "relais_dns_" + name +
                   (f'{{status="{status}"}}' if status else ""))


@pytest.fixture(scope="module")
def dns():
    if not have_nsd():
        pytest.skip("no NSD here")
    server = DnsServer(new_folder(), port=free_port())
    server.zone("secure.example", SIGNED)
    server.zone("plain.example", "@ MX 10 mx\nmx A 192.0.2.3\nwww A 192.0.2.4\n", PLAIN)
    server.zone("island.example", "www A 192.0.2.5\n", NO_DS)
    server.zone("forged.example", "@ MX 10 mx\nwww A 192.0.2.6\n", BOGUS)
    server.zone("broken.example", "", BROKEN)
    server.zone("many.example", "\n".join(f"@ MX {i} mx{i}" for i in range(100)) + "\n" +
                "\n".join(f'fat TXT "{i:03}{"x" * 250}"' for i in range(90)), PLAIN)
    server.zone("wild.example", "* A 192.0.2.9\n")
    try:
        server.start()
        with running(server.folder, users=1, forgive="resolver.* was killed by signal 9", options=[
                f"resolver.forwarders=127.0.0.1:{server.port}",
                f"resolver.trust_anchor={server.trust_anchor}",
                f"resolver.timeout={TIMEOUT_S}s", "tls.check_interval=1s"]) as suite:
            yield Dns(suite, server)
    finally:
        server.stop()


@pytest.mark.parametrize("rrtype,name,code,status,secure,records", [
    ("MX", "secure.example", FOUND, "ok", True,
     ["10 mx1.secure.example.", "20 mx2.secure.example."]),
    ("mx", "Secure.EXAMPLE.", FOUND, "ok", True,
     ["10 mx1.secure.example.", "20 mx2.secure.example."]),
    ("A", "mx1.secure.example", FOUND, "ok", True, ["192.0.2.1", "192.0.2.2"]),
    ("AAAA", "mx1.secure.example", FOUND, "ok", True, ["2001:db8::1"]),
    ("TLSA", "_25._tcp.mx1.secure.example", FOUND, "ok", True,
     ["3 1 1 " + "0123456789abcdef" * 4]),
    ("SRV", "_submission._tcp.secure.example", FOUND, "ok", True, ["0 1 587 mx1.secure.example."]),
    ("TXT", "text.secure.example", FOUND, "ok", True,
     ['"one " "two; \\"three\\""', '"caf\\195\\169"']),
    ("MX", "null.secure.example", FOUND, "ok", True, ["0 ."]),
    ("CNAME", "alias.secure.example", FOUND, "ok", True, ["alias2.secure.example."]),
    ("TYPE52", "_25._tcp.mx1.secure.example", FOUND, "ok", True,
     ["3 1 1 " + "0123456789abcdef" * 4]),
    ("A", "anything.wild.example", FOUND, "ok", True, ["192.0.2.9"]),
    ("A", "münchen.secure.example", FOUND, "ok", True, ["192.0.2.7"]),
    ("A", "MÜNCHEN.secure.example", FOUND, "ok", True, ["192.0.2.7"]),
    ("TLSA", "_25._tcp.münchen.secure.example", FOUND, "ok", True, ["3 1 1 00"]),
    ("AAAA", "mx2.secure.example", NONE, "nxdomain", True, []),
    ("AAAA", "alias.wild.example", NONE, "nodata", True, []),
    ("MX", "mx1.secure.example", NONE, "nodata", True, []),
    ("A", "nowhere.secure.example", NONE, "nxdomain", True, []),
    ("MX", "plain.example", FOUND, "ok", False, ["10 mx.plain.example."]),
    ("TXT", "plain.example", NONE, "nodata", False, []),
    ("A", "nothing.plain.example", NONE, "nxdomain", False, []),
    ("A", "www.island.example", FOUND, "ok", False, ["192.0.2.5"]),
    ("MX", "forged.example", TEMPORARY, "bogus", False, []),
    ("A", "nothing.forged.example", TEMPORARY, "bogus", False, []),
    ("A", "www.broken.example", TEMPORARY, "servfail", False, []),
    ("A", "no-such-tld", NONE, "nxdomain", True, []),
    ("A", "localhost", FOUND, "ok", False, ["127.0.0.1"]),
    ("AAAA", "x.localhost.", FOUND, "ok", False, ["::1"]),
    ("MX", "localhost", NONE, "nodata", False, []),
    ("PTR", "127.0.0.1", FOUND, "ok", False, ["localhost."]),
    ("A", "x.invalid", NONE, "nxdomain", False, []),
    ("A", "x.onion", NONE, "nxdomain", False, []),
    ("A", "192.0.2.1", USAGE, "bad-name", False, []),
    ("A", "[192.0.2.1]", USAGE, "bad-name", False, []),
    ("A", "2001:db8::1", USAGE, "bad-name", False, []),
    ("A", "a..b", USAGE, "bad-name", False, []),
    ("A", "x" * 64 + ".example", USAGE, "bad-name", False, []),
    ("A", "\u2024.example", USAGE, "bad-name", False, []),
    ("TYPE252", "secure.example", USAGE, "bad-name", False, []),
])
def test_answers(dns, rrtype, name, code, status, secure, records):
    got, a = dns.ask(rrtype, name)
    assert (got, a["status"], a["secure"], a["records"]) == (code, status, secure, records), a
    assert not a["cut"]


def test_aliases(dns):
    _, a = dns.ask("A", "alias.secure.example")
    assert a["canonical"] == "mx1.secure.example" and a["secure"]
    assert a["records"] == ["192.0.2.1", "192.0.2.2"]
    _, a = dns.ask("A", "out.secure.example")  # the end of the way is not proven
    assert a["canonical"] == "www.plain.example" and not a["secure"]
    assert a["records"] == ["192.0.2.4"]
    _, a = dns.ask("A", "nowhere.secure.example")
    assert a["status"] == "nxdomain" and a["canonical"] == "nothing.secure.example"


def test_many_records_are_cut_the_same_way(dns):
    _, a = dns.ask("MX", "many.example")
    assert a["cut"] and a["records"] == [f"{i} mx{i}.many.example." for i in range(64)]
    _, a = dns.ask("TXT", "fat.many.example")
    assert a["cut"] and len(a["records"]) == 64
    assert [r[1:4] for r in a["records"]] == [f"{i:03}" for i in range(64)]


def test_text_for_people(dns):
    r = dns.suite.relais("dns", "query", "MX", "secure.example")
    assert re.fullmatch(r"secure\.example\. \d+ MX 10 mx1\.secure\.example\.\n"
                        r"secure\.example\. \d+ MX 20 mx2\.secure\.example\.\n; ok, secure\n", r)
    r = dns.suite.relais("dns", "query", "MX", "forged.example", check=False)
    assert r.stdout.startswith("; bogus: ") and r.returncode == TEMPORARY
    r = dns.suite.relais("dns", "--help", check=False)
    assert "dns query TYPE NAME" in r.stderr + r.stdout
    assert dns.suite.relais("dns", "query", "NOTYPE", "x", check=False).returncode == USAGE


def test_resolver_dies_and_comes_back(dns):
    pid = dns.suite.pids("resolver")[0]
    dns.server.pause()
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(dns.suite.relais, "dns", "query", "A", "killed.secure.example",
                                  check=False)
            wait_for(lambda: dns.number("waiting") == 1)
            os.kill(pid, signal.SIGKILL)
            assert waiting.result(20).returncode != FOUND
    finally:
        dns.server.resume()
    wait_for(lambda: [p for p in dns.suite.pids("resolver") if p != pid])
    assert dns.until("A", "mx1.secure.example", "ok")["secure"]


def test_a_zone_tampered_with(dns):
    """One octet of a signed zone changes: no data any more, and what is mended is seen."""
    dns.server.zone("changing.example", "www A 192.0.2.50\n")
    dns.server.publish()
    assert dns.until("A", "www.changing.example", "ok")["secure"]
    path = os.path.join(dns.server.folder, "changing.example.zone")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("192.0.2.50", "192.0.2.51"))
    dns.server.process.send_signal(signal.SIGHUP)
    a = dns.until("A", "www.changing.example", "bogus")
    assert a["records"] == [] and a["why"]
    wait_for(lambda: "www.changing.example A is bogus" in dns.suite.log() or dns.number(
        "answers_total", "bogus") > 1)


def test_same_question_is_asked_once(dns):
    before = dns.number("cache_hits_total")
    dns.ask("A", "mx1.secure.example")
    dns.ask("A", "mx1.secure.example")
    assert dns.number("cache_hits_total") > before
    dns.server.pause()
    try:
        joined = dns.number("joined_total")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: dns.ask("A", "joined.secure.example"), range(4)))
        assert {a["status"] for _, a in answers} == {"timeout"}
        assert dns.number("joined_total") >= joined + 1
    finally:
        dns.server.resume()
    assert dns.until("A", "joined.secure.example", "nxdomain")["secure"]


def load(dns, count, name, at_once=None):
    """So many questions at once by one caller: how often each status came, and the time."""
    out = subprocess.run([os.path.join(BUILD, "tests", "dns_load"), os.path.join(dns.suite.folder, "run"),
                          str(count), str(at_once or count), "A", name],
                         stdout=subprocess.PIPE, text=True, timeout=100, check=True).stdout
    return json.loads(out)


@needs_load
def test_thousands_at_once(dns):
    a = load(dns, 5000, "n%.wild.example")
    assert a["ok"] == 5000, a
    a = load(dns, 20000, "mx1.secure.example", 4000)
    assert a["ok"] == 20000, a


@needs_load
def test_thousands_that_nobody_answers_hold_up_no_other(dns):
    dns.server.pause()
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            dead = pool.submit(load, dns, 6000, "dead%.plain.example")
            wait_for(lambda: dns.number("under_way") >= 5000)
            since = time.monotonic()
            assert dns.ask("A", "localhost")[0] == FOUND
            assert time.monotonic() - since < TIMEOUT_S
            a = dead.result(60)
        assert a.pop("slowest") < TIMEOUT_S + 8 and a.pop("seconds") < TIMEOUT_S + 8
        # a caller's bound: what is above it is told so at once; nothing is said not to exist
        assert a.pop("busy") >= 1 and a.pop("timeout") >= 1000 and a.keys() <= {"servfail"}, a
    finally:
        dns.server.resume()
    dns.until("A", "after.secure.example", "nxdomain", 30)
    wait_for(lambda: dns.number("under_way") == 0, 30)


def test_a_silent_server_is_a_time_out_and_is_used_again(dns):
    dns.server.pause()
    try:
        for name in ("silent1.secure.example", "silent2.plain.example"):
            since = time.monotonic()
            code, a = dns.ask("A", name)
            took = time.monotonic() - since
            assert code == TEMPORARY and a["status"] == "timeout", a
            assert took < TIMEOUT_S + 4
        assert dns.number("answers_total", "timeout") >= 1
        # what is special needs nobody
        assert dns.ask("A", "localhost")[0] == FOUND
    finally:
        dns.server.resume()
    since = time.monotonic()
    dns.until("A", "silent1.secure.example", "nxdomain", 30)
    assert time.monotonic() - since < 15


def test_past_the_cache(dns):
    """The operator has changed a record, and does not want to wait for its TTL."""
    def address(*words):
        done = dns.suite.relais("dns", "query", "A", "www.changes.example", "--json", *words, check=False)
        answer = json.loads(done.stdout)
        return answer["records"][0] if answer["records"] else answer["status"]

    dns.server.zone("changes.example", "www 300 A 192.0.2.1")
    dns.server.publish()
    dns.until("A", "www.changes.example", "ok")
    dns.server.zone("changes.example", "www 300 A 192.0.2.2")
    dns.server.publish()
    wait_for(lambda: address("--fresh") == "192.0.2.2", every=0.2)
    assert address() == "192.0.2.1"
    dns.server.zone("changes.example", "other A 192.0.2.3")
    dns.server.publish()
    wait_for(lambda: address("--fresh") == "nxdomain", every=0.2)
    assert address() == "192.0.2.1"
    # signed, and proven: these engines have the trust anchor, too
    done = dns.suite.relais("dns", "query", "A", "other.changes.example", "--fresh", "--json")
    assert json.loads(done)["secure"]
    assert dns.number("fresh_questions_total") >= 3
    # a server that is silent holds up neither them nor others
    dns.server.pause()
    try:
        done = dns.suite.relais("dns", "query", "A", "silent7.plain.example", "--fresh", check=False)
        assert "; timeout" in done.stdout
        assert address() == "192.0.2.1"
    finally:
        dns.server.resume()
    wait_for(lambda: address("--fresh") == "nxdomain", every=0.2)


def test_no_server_at_all(dns):
    dns.server.stop()
    try:
        code, a = dns.ask("MX", "away.secure.example")
        assert code == TEMPORARY and a["status"] in ("timeout", "servfail")
    finally:
        dns.server.start()
    dns.until("A", "away.secure.example", "nxdomain", 30)


def test_reload_reads_anew(dns):
    pid = dns.suite.pids("resolver")[0]
    dns.suite.relais("reload")
    wait_for(lambda: pid not in dns.suite.pids("resolver") and dns.suite.pids("resolver"))
    assert dns.until("A", "mx1.secure.example", "ok")["secure"]


def test_a_changed_file_is_read(dns):
    """Name servers and the trust anchor are read before the jail: a change means a new process."""
    pid = dns.suite.pids("resolver")[0]
    os.utime(dns.server.trust_anchor)
    wait_for(lambda: dns.suite.pids("resolver")[:1] not in ([pid], []))
    wait_for(lambda: "name servers or trust anchor have changed" in dns.suite.log())
    assert dns.until("A", "mx1.secure.example", "ok")["secure"]


def test_one_of_two_forwarders_is_dead(dns, fresh_suite):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        one = Dns(fresh_suite(users=1, options=[
            f"resolver.forwarders=127.0.0.1:{hole.getsockname()[1]}, 127.0.0.1:{dns.server.port}",
            f"resolver.trust_anchor={dns.server.trust_anchor}"]), dns.server)
        for i in range(12):
            since = time.monotonic()
            assert one.ask("A", f"two{i}.wild.example")[1]["secure"]
            assert time.monotonic() - since < 8


def test_forwarders_that_know_nothing_of_dnssec(dns, fresh_suite):
    """The root cannot be proven: nothing is found, and the log says what to look at. Without a trust
    anchor all is found and nothing is secure; a domain that is not verified stays so."""
    words = [f"resolver.forwarders=127.0.0.1:{dns.server.port}"]
    one = Dns(fresh_suite(users=1, options=words), dns.server)  # the anchor of the real root
    assert one.ask("A", "mx1.secure.example")[1]["status"] == "bogus"
    wait_for(lambda: "do not pass DNSSEC on" in one.suite.log())
    one = Dns(fresh_suite(users=1, options=[*words, "resolver.trust_anchor="]), dns.server)
    for name in ("mx1.secure.example", "www.forged.example"):
        code, a = one.ask("A", name)
        assert code == FOUND and not a["secure"]
    one = Dns(fresh_suite(users=1, options=[*words, f"resolver.trust_anchor={dns.server.trust_anchor}",
                                            "resolver.insecure_domains=forged.example"]), dns.server)
    code, a = one.ask("A", "www.forged.example")
    assert code == FOUND and not a["secure"]
    assert one.ask("A", "mx1.secure.example")[1]["secure"]
