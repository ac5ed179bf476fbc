# SPDX-License-Identifier: ISC
"""kill -9 of any process at any moment, under load: what got 250 is in a mailbox, or at the other host
it was for, whole.

RELAIS_SEED repeats a run's choices; RELAIS_LONG kills three times as often.
"""
import imaplib
import os
import random
import signal
import time

import pytest
from conftest import needs_root, wait_for
from load import Elsewhere, Senders, survey

pytestmark = pytest.mark.alone

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


# whose death may have a message sent to another host twice
SENDING = ("relais-master", "qmgr", "smtp-client")


def program(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return "?"


@pytest.fixture
def elsewhere():
    e = Elsewhere()
    yield e
    e.close()


@needs_root
@pytest.mark.once
def test_nothing_confirmed_is_lost(fresh_suite, elsewhere):
    seed = int(os.environ.get("RELAIS_SEED", random.randrange(1 << 30)))
    print(f"RELAIS_SEED={seed}")
    rng = random.Random(seed)
    suite = fresh_suite(users=8, build=os.environ.get("RELAIS_RELEASE") or None,
                        options=["qmgr.minimal_backoff=1s", "qmgr.maximal_backoff=2s",
                                 "qmgr.segment_size=2M"])
    recipients = [a["address"] for a in suite.info["accounts"]]
    elsewhere.route(suite)
    masters, deaths = 0, []
    with Senders(suite.port("smtp"), recipients + elsewhere.recipients()) as senders:
        for kill in range(KILLS):
            time.sleep(rng.random() * 0.15)
            victim = rng.choice(suite.processes())
            if kill % 10 == 0:
                poll_imap(suite, rng.randrange(8))
            who = program(victim)
            if who in SENDING:
                deaths.append((time.monotonic(), who))
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
    sent = {k for k, to in confirmed.items() if to.endswith(elsewhere.domain)}
    assert len(confirmed) > KILLS and len(sent) > KILLS / 5, "the load went on between the kills"

    def arrived():
        times, _, _ = survey(suite.info["mail_root"], recipients)
        return not confirmed.keys() - times.keys() - elsewhere.times.keys()
    wait_for(lambda: arrived() or None, seconds=120, every=1)
    times, torn, _ = survey(suite.info["mail_root"], recipients)
    twice = sum(n - 1 for n in times.values())
    more = len(times) + len(elsewhere.times) - len(confirmed)
    print(f"{KILLS} kills ({masters} of master), {len(confirmed)} confirmed ({len(sent)} to elsewhere), none "
          f"lost, {twice} duplicates here, {elsewhere.duplicates(deaths)} elsewhere after {len(deaths)} "
          f"kills of who sends, {more} delivered without a confirmation")
    assert not torn and not elsewhere.torn
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
