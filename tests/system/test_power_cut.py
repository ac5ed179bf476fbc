# SPDX-License-Identifier: ISC
"""A power cut under load: queue, mail and state on a loop-mounted ext4 with a journal.

The file system is shut down without flushing its log (FS_IOC_SHUTDOWN), everything is
killed, the image is mounted again. What got 250 is there, whole, or at the other host it was for; a
UID that anyone saw stands for the same message for ever.
"""
import fcntl
import imaplib
import os
import random
import re
import signal
import struct
import subprocess
import threading
import time

import pytest
from conftest import Suite, needs_root, new_folder, wait_for
from load import Elsewhere, Senders, survey

pytestmark = pytest.mark.alone

ROUNDS = 30 if os.environ.get("RELAIS_LONG") else 3
FS_IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2


class Disk:
    def __init__(self, folder):
        self.image, self.mount_point = folder + "/image", folder + "/disk"
        self.first, self.copies = self.image, 0
        os.mkdir(self.mount_point)
        with open(self.image, "wb") as f:
            f.truncate(1 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)
        self.mounted = False

    def mount(self):
        """Mount and see that it is alive: while another mount namespace still holds the old
        one (any `ip netns exec` of the machine does), the kernel gives the dead one back. Then
        a copy of the image will do: it is what the disk has, and nobody knows it."""
        def alive():
            subprocess.run(["mount", "-o", "loop", self.image, self.mount_point], check=True)
            self.mounted = True
            try:
                os.listdir(self.mount_point)
                with open(self.mount_point + "/alive", "w"):
                    return True
            except OSError:
                self.unmount()
                return False
        for _ in range(10):
            if alive():
                return
            time.sleep(0.2)
        self.copies += 1
        copy = f"{self.first}.{self.copies}"
        subprocess.run(["cp", "--sparse=always", self.image, copy], check=True)
        os.unlink(self.image)
        self.image = copy
        wait_for(alive, 60, 0.5)

    def cut(self):
        fd = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, FS_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        if self.mounted:
            wait_for(lambda: subprocess.run(["umount", self.mount_point],
                                            stderr=subprocess.DEVNULL).returncode == 0, 30, 0.2)
            self.mounted = False


class Watcher(threading.Thread):
    """A reader that writes down which UID was which message: (address, uid) -> subject."""

    def __init__(self, suite):
        super().__init__(daemon=True)
        self.suite, self.over, self.seen = suite, threading.Event(), {}

    def look(self, i):
        address = self.suite.account(i)[0]
        client = imaplib.IMAP4("127.0.0.1", self.suite.port("imap"), timeout=10)
        client.login(*self.suite.account(i))
        client.select("INBOX", readonly=True)
        for row in client.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
            if isinstance(row, tuple):
                uid = int(re.search(rb"UID (\d+)", row[0]).group(1))
                self.seen[(address, uid)] = row[1].decode().split()[-1]
        client.logout()

    def run(self):
        while not self.over.is_set():
            for i in range(self.suite.users):
                try:
                    self.look(i)
                except (imaplib.IMAP4.error, OSError, IndexError):
                    time.sleep(0.05)


def one_round(suite, disk, rng, confirmed, seen, elsewhere, deaths):
    recipients = [a["address"] for a in suite.info["accounts"]]
    watcher = Watcher(suite)
    watcher.start()
    with Senders(suite.port("smtp"), recipients + elsewhere.recipients(),
                 lines=(1, 60, 60, 4000)) as senders:
        time.sleep(0.5 + rng.random() * 2)
        disk.cut()
        deaths.append((time.monotonic(), "the power"))
        # what is confirmed from now on is a lie, and must not happen
        time.sleep(0.3)
        for pid in suite.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        deaths.append((time.monotonic(), "all"))
    watcher.over.set()
    watcher.join()
    confirmed.update(senders.confirmed())
    for key, subject in watcher.seen.items():
        assert seen.setdefault(key, subject) == subject, f"{key} was another message"
    disk.unmount()
    disk.mount()
    suite.start_master()


@needs_root
@pytest.mark.once
def test_power_cuts():
    if not os.path.exists("/dev/loop-control"):
        pytest.skip("no loop devices here")
    seed = int(os.environ.get("RELAIS_SEED", random.randrange(1 << 30)))
    print(f"RELAIS_SEED={seed}")
    rng = random.Random(seed)
    folder = new_folder()
    disk = Disk(folder)
    disk.mount()
    suite = Suite(disk.mount_point + "/demo", users=4,
                  build=os.environ.get("RELAIS_RELEASE") or None,
                  options=["qmgr.minimal_backoff=1s", "qmgr.maximal_backoff=2s",
                           "qmgr.segment_size=4M"])
    confirmed, seen, deaths, elsewhere = {}, {}, [], Elsewhere()
    try:
        suite.start()
        elsewhere.route(suite)
        os.sync()  # the accounts are made; from here on nothing is flushed but by the suite
        recipients = [a["address"] for a in suite.info["accounts"]]
        for n in range(ROUNDS):
            one_round(suite, disk, rng, confirmed, seen, elsewhere, deaths)

            def missing():
                return confirmed.keys() - elsewhere.times.keys() - survey(
                    suite.info["mail_root"], recipients)[0].keys()
            wait_for(lambda: not missing() or None, seconds=60, every=0.5)
            times, torn, uids = survey(suite.info["mail_root"], recipients)
            assert not torn and not elsewhere.torn
            for key, ident in uids.items():
                assert seen.get(key, ident) == ident, f"UID {key} was seen as {seen[key]}"
            print(f"round {n}: {len(confirmed)} confirmed, none lost, "
                  f"{sum(times.values()) - len(times)} duplicates here, "
                  f"{elsewhere.duplicates(deaths)} elsewhere")
            assert sum(times.values()) == len(times)
    finally:
        elsewhere.close()
        suite.stop()
        disk.unmount()
        subprocess.run(["rm", "-rf", folder], check=False)
