# SPDX-License-Identifier: ISC
"""The guide's first chapter, typed on a machine with nothing installed: the package's installation with nothing
preseeded, relais setup under systemd, and mail that arrives."""
import glob
import os
import shutil
import sys

import pytest
from world import deb, tarball, trust_root  # noqa: F401
from conftest import TOP, needs_root
from guide_world import World
from machine import Machine
from net import Network, skip_unless_possible
from terminal import Terminal

sys.path.insert(0, os.path.join(TOP, "tests", "guide"))
from blocks import blocks  # noqa: E402

pytestmark = needs_root
CHAPTER = os.path.join(TOP, "docs", "guide", "first-server.md")


class Desk:
    """The machine, as guide_world.py types at it."""

    def __init__(self, host, dns, tarball, deb):
        self.machine = Machine(host, tarball, hostname="mx.example.org")
        self.machine.write("/etc/resolv.conf", f"nameserver {dns.addresses[0]}\n")
        self.machine.write("/etc/apt/apt.conf.d/90yes", 'APT::Get::Assume-Yes "true";\n')
        shutil.copy(deb, self.path("/root/relais_1.0_amd64.deb"))

    def path(self, name):
        return self.machine.path(name)

    def write(self, name, text):
        self.machine.write(name, text)

    def words(self, commands):
        return ["bash", "-euo", "pipefail", "-c", "cd /root\n" + commands]

    def run(self, commands, check=True):
        done = self.machine.run(*self.words(commands), check=check, timeout=300)
        return done.returncode, done.stdout

    def talk(self, commands, answers):
        with Terminal([str(w) for w in self.machine.words(self.words(commands))]) as t:
            for question, answer in answers:
                if "in the background" in question and self.machine.booted:
                    continue  # systemd starts it
                t.expect(question)
                t.type(answer)
            status = t.wait()
        return status, t.text


@pytest.fixture(scope="module")
def world(tarball, deb):
    skip_unless_possible()
    with Network() as n:
        w = World(n, lambda host, dns: Desk(host, dns, tarball, deb))
        yield w
        w.desk.machine.stop()


def test_typed_literally(world):
    typed = 0
    for block in blocks(CHAPTER):
        if block.machine:
            lines = [x for x in block.lines() if x.startswith("apt install ./")]
            if lines:  # the rest wants the Internet, or an older state back
                world.desk.run(lines[0])
                trust_root(world.desk.machine, world)
            continue
        world.type(block)
        typed += 1
    assert typed >= 10
    assert glob.glob(world.desk.path("/var/mail/relais/example.org/ann/new/*")) or \
        glob.glob(world.desk.path("/var/mail/relais/example.org/ann/cur/*"))
