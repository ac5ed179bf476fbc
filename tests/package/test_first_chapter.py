# SPDX-License-Identifier: ISC
"""The guide's first chapter typed literally on a machine with nothing installed: the package, relais setup at
a terminal, mail that arrives, in less than ten minutes. (tests/system/test_guide.py types it without a
package; here the blocks are run, too, that need a machine of their own.)
"""
import os
import shutil
import time

import pytest
from world import deb, new_machine, tarball, trust_root  # noqa: F401
import net as networks
from conftest import needs_root
from guide_desk import Desk
from guide_world import GUIDE, World, blocks

pytestmark = needs_root

CHAPTER = os.path.join(GUIDE, "first-server.md")


class PackageDesk(Desk):
    """The reader's machine, where the package is installed by the chapter's own words."""

    def __init__(self, host, dns, tarball, deb):  # noqa: F811
        self.machine = new_machine(host.net, tarball, "mx", "mx.example.org")
        self.host, self.root, self.dns = host, self.machine.root, dns
        shutil.copy(deb, self.path("/root/relais_downloaded.deb"))
        # who would answer "yes" to apt
        self.write("/etc/apt/apt.conf.d/90yes", 'APT::Get::Assume-Yes "true";\n')

    def words(self, commands):
        return self.machine.words(["TERM=dumb", "TZ=UTC", "bash", "-euo", "pipefail", "-c",
                                   "cd /root\n" + commands])

    def stop(self):
        self.machine.stop()


@pytest.fixture(scope="module")
def reader(tarball, deb):  # noqa: F811
    networks.skip_unless_possible()
    with networks.Network() as net:
        w = World(net, lambda host, dns: PackageDesk(host, dns, tarball, deb))
        if not w.desk.machine.booted:
            pytest.skip("systemd does not run here")
        yield w
        w.desk.stop()


def test_first_chapter_on_a_machine_with_nothing_installed(reader):
    started = time.monotonic()
    for block in blocks(CHAPTER):
        if "certbot" in block.commands and block.machine:
            continue  # it asks the Internet
        # systemd starts the suite: that is no question then
        block.answers = [a for a in block.answers if not a[0].startswith("Start relais")]
        reader.type(block)
        if "apt install ./relais" in block.commands:
            trust_root(reader.desk.machine, reader)
    assert time.monotonic() - started < 600
