# SPDX-License-Identifier: ISC
"""The system's users log in with the system's passwords, checked by PAM in a process of its own."""
import os
import signal
import smtplib
import subprocess
import threading
import time

import pytest
from conftest import needs_root, running, wait_for
from test_directory import bodies, can_login, login

pytestmark = [needs_root, pytest.mark.skipif(
    not os.path.isdir("/etc/pam.d"), reason="needs PAM")]
NAME, PASSWORD = "relaistest3", "the system's own"
SERVICE = f"/etc/pam.d/relais-test-{os.getpid()}"


@pytest.fixture(scope="module")
def user():
    done = subprocess.run(["useradd", "--no-create-home", "--no-user-group", "--gid", "users",
                           "--uid", "30133", "--shell", "/usr/sbin/nologin", NAME],
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        pytest.skip(f"no user can be made here: {done.stderr}")
    try:
        subprocess.run(["chpasswd"], input=f"{NAME}:{PASSWORD}\n", text=True, check=True)
        with open(SERVICE, "w") as f:
            f.write("auth required pam_unix.so\naccount required pam_unix.so\n")
        yield NAME
    finally:
        subprocess.run(["userdel", NAME], stderr=subprocess.DEVNULL)
        if os.path.exists(SERVICE):
            os.unlink(SERVICE)


@pytest.fixture(scope="module")
def suite(user):
    with running(users=1, forgive="killed by signal",
                 options=[f"directory.pam_service={os.path.basename(SERVICE)}"]) as s:
        s.relais("domain", "add", "sys.test", "local", "system-users")
        yield s
        assert PASSWORD not in s.log()


def helper(suite):
    """Pid of the process that asks PAM: directory's only child of its own."""
    parent = suite.pids("directory")[0]
    with open(f"/proc/{parent}/task/{parent}/children") as f:
        return [int(p) for p in f.read().split()][0]


def test_right_and_wrong_passwords(suite):
    address = f"{NAME}@sys.test"
    with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30) as smtp:
        smtp.sendmail("stranger@example.org", [address], "Subject: x\r\n\r\nto the user\r\n")
    wait_for(lambda: can_login(suite, address, PASSWORD))
    wait_for(lambda: bodies(suite, address, PASSWORD) == ["to the user"])
    for wrong in ("wrong", "", PASSWORD + "x", PASSWORD[:-1]):
        assert not can_login(suite, address, wrong)
    assert not can_login(suite, "root@sys.test", "x")
    assert not can_login(suite, f"{NAME}@example.test", PASSWORD), "another domain, another user"
    # the others are not asked of PAM
    assert can_login(suite, *suite.account(0))


def test_what_the_helper_may(suite):
    with open(f"/proc/{helper(suite)}/status") as f:
        status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1" and status["Groups"].strip() == ""


def test_a_slow_module_keeps_nobody_waiting(suite):
    with open(SERVICE, "w") as f:  # a fifo nobody writes to: opening it takes for ever
        fifo = os.path.join(suite.folder, "fifo")
        os.mkfifo(fifo)
        f.write(f"auth required pam_listfile.so item=user sense=allow file={fifo}\n"
                f"account required pam_permit.so\n")
    slow = [threading.Thread(target=can_login, args=(suite, f"{NAME}@sys.test", "x"), daemon=True)
            for _ in range(3)]
    for t in slow:
        t.start()
    begin = time.monotonic()
    assert can_login(suite, *suite.account(0))
    assert time.monotonic() - begin < 10
    with open(SERVICE, "w") as f:
        f.write("auth required pam_unix.so\naccount required pam_unix.so\n")
    wait_for(lambda: can_login(suite, f"{NAME}@sys.test", PASSWORD))
    with open(f"/proc/{helper(suite)}/task/{helper(suite)}/children") as f:
        for pid in f.read().split():
            os.kill(int(pid), signal.SIGKILL)


def test_a_service_that_does_not_work_is_a_temporary_failure(suite):
    with open(SERVICE, "w") as f:
        f.write("auth required pam_no_such_module.so\naccount required pam_permit.so\n")
    with pytest.raises(Exception, match="UNAVAILABLE"):
        login(suite, f"{NAME}@sys.test", PASSWORD)
    with open(SERVICE, "w") as f:
        f.write("auth required pam_unix.so\naccount required pam_unix.so\n")
    assert can_login(suite, f"{NAME}@sys.test", PASSWORD)


def test_the_helper_comes_back(suite):
    before = suite.pids("directory")
    os.kill(helper(suite), signal.SIGKILL)
    wait_for(lambda: suite.pids("directory") not in ([], before))
    wait_for(lambda: can_login(suite, f"{NAME}@sys.test", PASSWORD))
