# SPDX-License-Identifier: ISC
"""The log's file is moved away, as logrotate does: all processes go on in a new one."""
import os
import re
import signal
import smtplib

import pytest
from clients import login, message
from conftest import read_log, wait_for


def new_lines(suite, service):
    return re.findall(rf"relais/{service}\[\d+\]: .*", suite.log())


def use(suite, subject):
    """Something of a door, the queue, a mailbox and a session."""
    address = suite.account()[0]
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=20) as s:
        s.sendmail("ada@example.org", [address], message(subject, address))
    login(suite).logout()


@pytest.mark.parametrize("how", ["command", "SIGHUP"])
def test_moved_away_and_opened_anew(fresh_suite, how):
    suite = fresh_suite()
    path = os.path.join(suite.folder, "log")
    use(suite, "before")
    wait_for(lambda: "status=sent" in suite.log() and new_lines(suite, "imap"))
    os.rename(path, path + ".1")
    if how == "command":
        assert suite.relais("log", "reopen") == f"{path} is opened anew\n"
    else:
        os.kill(suite.info["master_pid"], signal.SIGHUP)
        wait_for(lambda: "configuration taken" in suite.log())
    old = len(read_log(path + ".1"))
    use(suite, "after")
    for service in ("smtpd", "qmgr", "imap-login", "imap"):
        wait_for(lambda s=service: new_lines(suite, s))
    wait_for(lambda: "status=sent" in suite.log())
    late = [x for x in read_log(path + ".1")[old:].splitlines() if "disconnect" not in x]
    assert late == [] or how == "SIGHUP", "old processes may finish in the old file"
