# SPDX-License-Identifier: ISC
"""kill -9 of any process at any moment, under load: what got 250 is in a mailbox, whole.

RELAIS_SEED repeats a run's choices; RELAIS_LONG kills three times as often.
"""
import imaplib
import os
import random
import signal
import time

import pytest
from conftest import needs_root, wait_for
from load import Senders, survey

KILLS = 900 if os.environ.get("RELAIS_LONG") else 300


def poll_imap(suite, i):
    """A reader, so that sessions exist to be killed; its failures do not matter."""
    try:
        client = imaplib.IMAP4("127.0.0.1", suite.port("imap"), timeout=5)
        client.login(*suite.account(i))
        client.select("INBOX")
        client.uid("STORE", "1:*", "+FLAGS", "(\\Seen)")
        client.logout()
    except (imaplib.IMAP4.error, OSError):
        pass


@needs_root
@pytest.mark.once
def test_nothing_confirmed_is_lost(fresh_suite):
    seed = int(os.environ.get("RELAIS_SEED", random.randrange(1 << 30)))
    print(f"RELAIS_SEED={seed}")
    rng = random.Random(seed)
    suite = fresh_suite(users=8, build=os.environ.get("RELAIS_RELEASE") or None,
                        options=["qmgr.minimal_backoff=1s", "qmgr.maximal_backoff=2s",
                                 "qmgr.segment_size=2M"])
    recipients = [a["address"] for a in suite.info["accounts"]]
    masters = 0
    with Senders(suite.port("smtp"), recipients) as senders:
        for kill in range(KILLS):
            time.sleep(rng.random() * 0.15)
            victim = rng.choice(suite.processes())
            if kill % 10 == 0:
                poll_imap(suite, rng.randrange(8))
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
            if victim == suite.info["master_pid"]:
                masters += 1
                suite.start_master()
    if not suite.master_alive():
        suite.start_master()
    confirmed = senders.confirmed()
    assert len(confirmed) > KILLS, "the load went on between the kills"

    def arrived():
        times, _, _ = survey(suite.info["mail_root"], recipients)
        return not confirmed.keys() - times.keys()
    wait_for(lambda: arrived() or None, seconds=120, every=1)
    times, torn, _ = survey(suite.info["mail_root"], recipients)
    twice = sum(n - 1 for n in times.values())
    print(f"{KILLS} kills ({masters} of master), {len(confirmed)} confirmed, none lost, "
          f"{twice} duplicates, {len(times) - len(confirmed)} delivered without a confirmation")
    assert not torn
    # a client that saw no 250 may send again; the suite itself delivers each once
    assert twice == 0
    # the index agrees with the files
    for i, address in enumerate(recipients):
        client = imaplib.IMAP4("127.0.0.1", suite.port("imap"))
        client.login(*suite.account(i))
        count = int(client.select("INBOX")[1][0])
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        assert count == len(uids) == len(set(uids))
        client.logout()
        assert count == sum(1 for k in survey(suite.info["mail_root"], [address])[0].values()
                            for _ in range(k))
