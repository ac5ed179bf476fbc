# SPDX-License-Identifier: ISC
"""The guide (docs/guide): every command of every chapter is run as it is printed, in the reader's order,
and prints what the guide says. So the guide cannot lie."""
import glob
import os
import re
import subprocess

import pytest

import net as networks
from conftest import BUILD
from guide_desk import Desk
from guide_world import GUIDE, World, blocks, differs

CHAPTERS = ["first-server.md", "when-something-is-wrong.md", "at-home.md", "isp.md", "moving.md"]
# What blocks for "the machine" may call besides relais.
SYSTEM = {"apt", "apt-get", "systemctl", "certbot", "journalctl", "ufw", "rsync", "runuser", "doveadm",
          "imapsync", "postfix", "systemd-analyze", "dpkg", "curl", "hostnamectl", "postqueue", "ssh",
          "tar", "cp", "fail2ban-client", "swaks", "scp", "cat", "chmod",
          "ln", "mkdir", "sed", "relais-master", "dpkg-deb", "systemd-sysusers", "export"}


@pytest.fixture(scope="module")
def world():
    networks.skip_unless_possible()
    with networks.Network() as net:
        w = World(net, Desk)
        yield w
        w.desk.run("relais stop", check=False)
        w.desk.stop()


def check_words(block):
    """A block that is not run: its programs are known, and relais' commands and options are there."""
    for line in block.lines():
        words = line.split()
        while words[0] == "sudo" or words[1:2] == ["--config"]:
            words = words[1:] if words[0] == "sudo" else words[:1] + words[3:]
        if words[0] != "relais":
            assert words[0] in SYSTEM, f"{line}: what is {words[0]}?"
            continue
        done = subprocess.run([os.path.join(BUILD, "bin", "relais"), words[1], "--help"], text=True,
                              capture_output=True, timeout=30)
        assert done.returncode == 0, line
        missing = [w for w in words[2:] if w.startswith("--") and w not in done.stdout]
        assert not missing, f"{line}: {missing}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter(world, chapter):
    for block in blocks(os.path.join(GUIDE, chapter)):
        if block.machine:
            check_words(block)
        else:
            world.type(block)


def test_every_chapter_is_tested():
    there = {os.path.basename(p) for p in glob.glob(os.path.join(GUIDE, "*.md"))}
    assert there == {"README.md", *CHAPTERS}
    with open(os.path.join(GUIDE, "README.md")) as f:
        text = f.read()
    for chapter in CHAPTERS:
        assert f"]({chapter})" in text


def test_links_lead_somewhere():
    for path in glob.glob(os.path.join(GUIDE, "*.md")):
        with open(path) as f:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", f.read()):
                assert os.path.exists(os.path.join(GUIDE, target)), f"{path}: {target}"


@pytest.mark.parametrize("expected,got,same", [
    ("a b\n", "a b\n", True),
    ("a b\n", "a   b\n", True),
    ("a ...\n", "a x y\n", True),
    ("...\nb\n", "x\ny\nb\n", True),
    ("...\nb\n", "b\n", True),
    ("a\n...\n", "a\n", True),
    ("a\n", "a\nb\n", False),
    ("a\nb\n", "a\n", False),
    ("a.c\n", "abc\n", False),
])
def test_comparing(expected, got, same):
    assert (differs(expected, got) is None) == same
