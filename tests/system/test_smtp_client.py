# SPDX-License-Identifier: ISC
"""smtp-client on loopback: connections that are kept, processes that come and go while mail is on its
way. The hosts it meets elsewhere are in test_outbound.py."""
import concurrent.futures
import hashlib
import itertools
import os
import re
import signal
import smtplib
import socket
import time

import pytest
from conftest import running, wait_for
from outbound import needs_smtp_client
from peers import HANG, OK, SLOW, Here, Peer

pytestmark = needs_smtp_client
_numbers = itertools.count(1)
OPTIONS = ["qmgr.minimal_backoff=1s", "qmgr.maximal_backoff=2s", "smtp_client.processes=1",
           "smtp_client.idle_timeout=1s", "smtp_client.final_timeout=30s",
           "smtp_client.source_ipv4=127.0.0.5"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def world():
    """A suite that sends everything to one peer on this machine."""
    peer = Peer(Here(), port=free_port(), address="127.0.0.1")
    with running(users=1, options=OPTIONS + [f"smarthost=smtp:[127.0.0.1]:{peer.port}"],
                 forgive="was killed by signal 9") as suite:
        yield suite, peer
    peer.stop()


def submit(suite, name="mail", body="Hello.\r\n", to=("kim@far.example",)):
    """The message's subject, once it was taken."""
    subject = f"{name}-{next(_numbers)}"
    address, password = suite.account()
    with smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=60) as s:
        s.login(address, password)
        s.sendmail(address, list(to), f"From: {address}\r\nTo: {to[0]}\r\nSubject: {subject}\r\n\r\n{body}")
    return subject


def arrived(peer, subject, seconds=30):
    wait_for(lambda: peer.with_subject(subject), seconds)
    return peer.with_subject(subject)


def count(suite, name):
    """A counter of relais status, over all processes."""
    told = suite.relais("status", "smtp-client", check=False).stdout
    found = re.findall(rf"^.*outbound_{re.escape(name)}\s+(\d+)", told, re.M)
    return sum(map(int, found))


def test_connections_are_kept_and_left(world):
    suite, peer = world
    for _ in range(5):
        arrived(peer, submit(suite))
    assert peer.connections == 1
    assert peer.messages[0].client == "127.0.0.5"
    assert count(suite, "connections_reused_total") == 4
    wait_for(lambda: "QUIT" in peer.lines and peer.open == 0)
    arrived(peer, submit(suite))
    assert peer.connections == 2
    # one that the peer has closed meanwhile costs nothing but a new one
    wait_for(lambda: count(suite, "connections_idle") == 1)
    peer.stop()
    peer.start()
    subject = submit(suite)
    assert len(arrived(peer, subject)) == 1
    assert "status=deferred" not in suite.log()


def test_content_of_any_size_and_recipients_of_one_message(world):
    suite, peer = world
    for octets in (0, 1, 16 << 10, 200 << 10, 6 << 20):
        line = "." + "x" * 70 + "\r\n"
        body = line * (octets // len(line)) + ("y" * 3 + "\r\n" if octets else "")
        got = arrived(peer, submit(suite, "size", body))[0].octets
        got = got.split(b"\r\n\r\n", 1)[1]
        assert hashlib.sha256(got).digest() == hashlib.sha256(body.encode()).digest(), octets
    peer.only = [f"r{i}@far.example" for i in range(0, 120, 2)]
    subject = submit(suite, "many", to=[f"r{i}@far.example" for i in range(120)])
    wait_for(lambda: sorted(a for m in peer.with_subject(subject) for a in m.to()) ==
             sorted(peer.only))
    wait_for(lambda: suite.log().count("dsn=5.1.1, status=bounced (host 127.0.0.1") == 60)


def test_a_reload_sends_nothing_twice(world):
    suite, peer = world
    peer.at["END"] = SLOW  # each message takes a tenth of a second to be taken
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(submit, suite, "reload") for _ in range(60)]
        wait_for(lambda: len(peer.messages) > 5)
        before = suite.pids("smtp-client")
        suite.relais("reload")
        wait_for(lambda: suite.pids("smtp-client") and suite.pids("smtp-client") != before)
        subjects = [f.result() for f in asked]
    for subject in subjects:
        arrived(peer, subject, 60)
    wait_for(lambda: suite.log().count(": removed") >= 60)
    assert [s for s in subjects if len(peer.with_subject(s)) != 1] == []


def test_a_process_that_dies_loses_nothing(world):
    suite, peer = world
    peer.at["END"] = [HANG, OK]
    subject = submit(suite, "killed")
    wait_for(lambda: "DATA" in peer.lines)
    for pid in suite.pids("smtp-client"):
        os.kill(pid, signal.SIGKILL)
    assert len(arrived(peer, subject)) == 1
    wait_for(lambda: "status=sent" in suite.log())


def test_what_a_dead_qmgr_wanted_is_broken_off(world):
    suite, peer = world
    peer.at["MAIL"] = [HANG, OK]
    subject = submit(suite, "orphan")
    wait_for(lambda: any(x.startswith("MAIL") for x in peer.lines))
    for pid in suite.pids("qmgr"):
        os.kill(pid, signal.SIGKILL)
    assert len(arrived(peer, subject)) == 1
    wait_for(lambda: peer.open <= 1 and count(suite, "jobs") == 0)
    assert peer.connections == 2


def test_a_stop_waits_for_no_hanging_peer(world):
    suite, peer = world
    peer.at["END"] = [HANG, OK]
    subject = submit(suite, "stopped")
    wait_for(lambda: "DATA" in peer.lines)
    began = time.monotonic()
    suite.stop()
    assert time.monotonic() - began < 25
    assert "took too long" not in suite.log()
    suite.start_master()
    assert len(arrived(peer, subject)) == 1
