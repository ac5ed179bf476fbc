# SPDX-License-Identifier: ISC
"""Mail for users with a uid of their own: delivered as that user, read back by nobody else."""
import glob
import os
import pwd
import smtplib
import subprocess

import pytest
from conftest import needs_root, wait_for

pytestmark = needs_root
NAMES = ("relaistest1", "relaistest2")


@pytest.fixture(scope="module")
def users():
    made = []
    for i, name in enumerate(NAMES):
        done = subprocess.run(["useradd", "--no-create-home", "--no-user-group", "--gid", "users",
                               "--uid", str(30123 + i), "--shell", "/usr/sbin/nologin", name],
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            pytest.skip(f"no user can be made here: {done.stderr}")
        made.append(name)
    yield [pwd.getpwnam(n) for n in NAMES]
    for name in made:
        subprocess.run(["userdel", name], stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def system_suite(users, suite):
    suite.relais("domain", "add", "sys.test", "local", "system-users")
    return suite


def send(suite, recipients, text):
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=30) as smtp:
        return smtp.sendmail("stranger@example.org", recipients, text)


def files_of(suite, user):
    return [f for f in glob.glob(f"{suite.info['mail_root']}/*/{user.pw_name}/new/*")]


def test_delivered_as_the_user(system_suite, users):
    send(system_suite, [f"{u.pw_name}@sys.test" for u in users], "Subject: one\r\n\r\nbody\r\n")
    for user in users:
        found = wait_for(lambda: files_of(system_suite, user))
        assert len(found) == 1
        st = os.stat(found[0])
        assert st.st_uid == user.pw_uid and st.st_gid == user.pw_gid
        assert st.st_mode & 0o077 == 0
        with open(found[0], "rb") as f:
            text = f.read()
        assert text.startswith(b"Return-Path: <stranger@example.org>\r\n")
        assert text.endswith(b"Subject: one\r\n\r\nbody\r\n")


def test_many_at_once(system_suite, users):
    before = [len(files_of(system_suite, u)) for u in users]
    for i in range(50):
        send(system_suite, [f"{users[i % 2].pw_name}@sys.test"], f"Subject: {i}\r\n\r\nbody\r\n")
    for user, n in zip(users, before):
        wait_for(lambda: len(files_of(system_suite, user)) == n + 25)


def test_a_mailbox_that_is_not_theirs_keeps_the_mail_waiting(system_suite, users):
    """The home belongs to somebody else: nothing is written there, the message stays queued."""
    thief, victim = users
    home = os.path.dirname(os.path.dirname(files_of(system_suite, thief)[0]))
    os.chown(home, victim.pw_uid, victim.pw_gid)
    before = len(files_of(system_suite, thief))
    try:
        send(system_suite, [f"{thief.pw_name}@sys.test"], "Subject: not there\r\n\r\nbody\r\n")
        wait_for(lambda: "status=deferred" in system_suite.log())
        assert len(files_of(system_suite, thief)) == before
    finally:
        os.chown(home, thief.pw_uid, thief.pw_gid)
    system_suite.relais("queue", "flush")
    wait_for(lambda: len(files_of(system_suite, thief)) == before + 1)
