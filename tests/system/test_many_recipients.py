# SPDX-License-Identifier: ISC
"""One message with very many recipients at a slow host: each gets it once, and ordinary messages pass
meanwhile, at other hosts and at the same. RELAIS_LONG: 50,000 recipients instead of 5,000."""
import os
import re
import socket

import pytest
from conftest import needs_root, wait_for
from net import Network, running_on, skip_unless_possible
from outbound import QUICK, make_sender, needs_smtp_client, submit
from peers import Peer

pytestmark = [needs_root, needs_smtp_client]

MANY = 50000 if os.environ.get("RELAIS_LONG") else 5000
TOGETHER = 250  # RCPT commands in one go
PER_JOB = 50    # qmgr.destination_recipients


@pytest.fixture(scope="module")
def net():
    skip_unless_possible()
    with Network() as n:
        n.dns = n.make_dns()
        for name in ("good", "slow"):
            n.dns.zone(name + ".example", "@ MX 10 mx\n" + n.host(name).records("mx"))
        n.dns.start()
        yield n


@pytest.fixture(scope="module")
def suite(net):
    with running_on(net.host("relais"), resolver=net.dns,
                    options=[*QUICK, f"smtpd.recipient_limit={MANY}"]) as s:
        s.relais("domain", "add", "slow.example", "relay")
        make_sender(s)  # waits until what is new in the tables holds
        yield s


def send(suite, to):
    """By the public door, for a domain that we relay for; the queue id."""
    with suite.host.inside():
        s = socket.create_connection(("127.0.0.1", 25), timeout=120)
    f = s.makefile("rwb")

    def reply():
        line = f.readline()
        while line[3:4] == b"-":
            line = f.readline()
        assert line[:1] in b"23", line
        return line

    def say(*lines):
        f.write(b"".join(line.encode() + b"\r\n" for line in lines))
        f.flush()
        return [reply() for _ in lines][-1]

    reply()
    say("EHLO relais.example")
    say("MAIL FROM:<list@good.example>")
    for i in range(0, len(to), TOGETHER):
        say(*(f"RCPT TO:<{address}>" for address in to[i:i + TOGETHER]))
    say("DATA")
    f.write(b"From: <list@good.example>\r\nSubject: to all\r\n\r\nHello.\r\n")
    line = say(".")
    say("QUIT")
    s.close()
    return re.search(rb"as (\w+)", line).group(1).decode()


def test_many_recipients_delay_no_other(net, suite):
    slow, good = Peer(net.host("slow"), at={"END": 0.3}), Peer(net.host("good"))
    to = [f"u{i}@slow.example" for i in range(MANY)]
    offset = len(suite.log())
    queue_id = send(suite, to)
    wait_for(lambda: slow.messages, 60)
    there = submit(suite, "x@good.example")
    same = submit(suite, "x@slow.example")
    there.outcome("sent")
    wait_for(lambda: good.messages)
    before = len(slow.messages)
    same.outcome("sent")
    position = next(i for i, m in enumerate(slow.messages) if m.header("Subject") == same.subject)
    # what was out already and as much again, at most; not what waits
    assert position - before <= 60, (position, before)
    assert f"{queue_id}: removed" not in suite.log()[offset:], "the large one is on its way still"
    shown = suite.relais("queue", "list", "--limit", "1")
    assert queue_id in shown and "more recipients" in shown, shown

    wait_for(lambda: f"{queue_id}: removed" in suite.log()[offset:], 60 + MANY // 100)
    got = [a for m in slow.messages if m.header("Subject") == "to all" for a in m.to()]
    assert len(got) == MANY and sorted(got) == sorted(to)
    jobs = sum(m.header("Subject") == "to all" for m in slow.messages)
    assert jobs <= 3 * MANY // PER_JOB, "recipients travel together"
    slow.stop()
    good.stop()
