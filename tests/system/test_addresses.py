# SPDX-License-Identifier: ISC
"""Where an address leads to: aliases of all kinds, forwards, lists with owners, commands, files."""
import glob
import os
import pwd
import re
import signal
import smtplib

import pytest
from conftest import needs_root, new_folder, running, wait_for
from test_directory import bodies, rcpt

DOMAIN = "example.test"
SYSTEM = "sys.test"


def write(suite, name, text, mode=0o644):
    path = os.path.join(suite.folder, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


@pytest.fixture(scope="module")
def suite():
    folder = new_folder()
    os.mkdir(os.path.join(folder, "out"))
    os.chmod(os.path.join(folder, "out"), 0o777)
    with open(os.path.join(folder, "system-aliases"), "w") as f:
        f.write("# nothing yet\n")
    with running(folder=folder, users=3, forgive="killed by signal", options=[
            f"directory.alias_file={folder}/system-aliases",
            f"local_delivery.commands={'yes' if os.geteuid() == 0 else 'no'}",
            "local_delivery.command_timeout=3s", "qmgr.minimal_backoff=1s", "qmgr.maximal_backoff=2s"]) as s:
        s.relais("domain", "add", SYSTEM, "local", "system-users")
        s.relais("domain", "add", "other.test", "alias", DOMAIN)
        yield s


def send(suite, recipient, subject, sender="stranger@example.org"):
    with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30) as smtp:
        smtp.sendmail(sender, [recipient],
                      f"From: <a@example.org>\r\nSubject: {subject}\r\n\r\n{subject}\r\n")


def messages(suite, i=0):
    """The files in the mailbox of the i-th account."""
    texts = []
    for path in glob.glob(f"{suite.mailbox(i)}/new/*") + glob.glob(f"{suite.mailbox(i)}/cur/*"):
        with open(path) as f:
            texts.append(f.read())
    return texts


def of(suite, i, subject):
    return [t for t in messages(suite, i) if f"Subject: {subject}\n" in t]


def result(suite, begin, recipient):
    """The log's last line on what became of mail to it since then."""
    found = re.findall(rf"to=<{re.escape(recipient)}>.*dsn=(\S+), status=(\w+) \((.*)\)",
                       suite.log()[begin:])
    return found[-1] if found else None


def test_aliases_by_command(suite):
    a, b = suite.account(0)[0], suite.account(1)[0]
    suite.relais("alias", "add", f"team@{DOMAIN}", a)
    suite.relais("alias", "add", f"team@{DOMAIN}", b, a)
    suite.relais("alias", "add", "everywhere", f"team@{DOMAIN}")
    suite.relais("alias", "add", f"@{SYSTEM}", a)
    assert f"team@{DOMAIN}" in suite.relais("alias", "list")
    assert "everywhere" not in suite.relais("alias", "list", DOMAIN)
    wait_for(lambda: rcpt(suite, f"everywhere@{DOMAIN}") == 250)
    send(suite, f"everywhere+x@other.test", "alias-one")
    send(suite, f"whoever@{SYSTEM}", "alias-catch-all")
    wait_for(lambda: of(suite, 0, "alias-one") and of(suite, 1, "alias-one"))
    wait_for(lambda: of(suite, 0, "alias-catch-all"))
    assert len(of(suite, 0, "alias-one")) == 1, "twice, though it is one mailbox"
    suite.relais("alias", "del", f"team@{DOMAIN}", a)
    assert suite.relais("alias", "list", DOMAIN).split()[-1] == b
    suite.relais("alias", "del", f"team@{DOMAIN}")
    suite.relais("alias", "del", "everywhere")
    suite.relais("alias", "del", f"@{SYSTEM}")
    wait_for(lambda: rcpt(suite, f"team@{DOMAIN}") == 550)
    assert suite.relais("alias", "del", "nothing", check=False).returncode == 1
    assert suite.relais("alias", "add", "x", "not an address", check=False).returncode == 1
    assert "Usage" in suite.relais("alias", "--help")


def test_forwards(suite):
    a, b, c = (suite.account(i)[0] for i in range(3))
    assert suite.relais("user", "forward", a).strip() == "no forward"
    suite.relais("user", "forward", a, "--keep", b, "away@elsewhere.example")
    assert suite.relais("user", "forward", a).strip() == f"{b},away@elsewhere.example (a copy stays)"
    begin = len(suite.log())
    wait_for(lambda: "new ones are in use" in suite.log())
    send(suite, a, "forward-kept")
    wait_for(lambda: of(suite, 0, "forward-kept") and of(suite, 1, "forward-kept"))
    # remembered, and waiting until there is somebody who sends it
    assert wait_for(lambda: result(suite, begin, "away@elsewhere.example"))[1] == "deferred"
    suite.relais("user", "forward", a, b)
    wait_for(lambda: send(suite, a, "forward-gone") or of(suite, 1, "forward-gone"))
    suite.relais("user", "forward", b, a)  # round and round
    begin = len(suite.log())
    wait_for(lambda: rcpt(suite, a) == 550)
    suite.relais("user", "forward", a, "--off")
    suite.relais("user", "forward", b, "--off")
    wait_for(lambda: rcpt(suite, a) == 250)
    # the password and the other words of the line are as they were
    assert bodies(suite, *suite.account(0))
    assert suite.relais("user", "forward", a, "no address", check=False).returncode == 1
    assert suite.relais("user", "forward", f"nobody@{DOMAIN}", check=False).returncode == 1
    suite.relais("queue", "delete", "--all", check=False)


def test_a_retry_repeats_nobody(suite):
    """A list of several pages, some of whose members are not there at first."""
    with open(os.path.join(suite.folder, "tables", "accounts")) as f:
        before = f.read()
    names = [f"m{i}@{DOMAIN}" for i in range(60)]
    suite.relais("alias", "add", f"big@{DOMAIN}", *names, f"late@{DOMAIN}", "out@elsewhere.example")
    write(suite, "tables/accounts", before + "".join(
        f"{n} *\n" for n in names) + f"late@{DOMAIN} * state=locked\n", 0o600)
    suite.relais("map")
    wait_for(lambda: rcpt(suite, names[0]) == 250)
    begin = len(suite.log())
    send(suite, f"big@{DOMAIN}", "list-one")

    def arrived():
        paths = glob.glob(f"{suite.info['mail_root']}/{DOMAIN}/m[0-9]*/new/*")
        return [p for p in paths if "Subject: list-one\n" in open(p).read()]
    wait_for(lambda: len(arrived()) == 60)
    wait_for(lambda: result(suite, begin, "out@elsewhere.example"))
    # what waits is tried again, and again after a crash
    for pid in suite.pids("qmgr"):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: suite.pids("qmgr") and rcpt(suite, names[0]) == 250)
    begin = len(suite.log())
    suite.relais("queue", "flush", check=False)
    wait_for(lambda: result(suite, begin, "out@elsewhere.example"))
    assert len(arrived()) == 60
    suite.relais("queue", "delete", "--all", check=False)
    suite.relais("alias", "del", f"big@{DOMAIN}")
    write(suite, "tables/accounts", before, 0o600)
    suite.relais("map")


def aliases(suite, text):
    write(suite, "system-aliases", text)
    serial = suite.log().count("new ones are in use")
    suite.relais("map", "aliases")
    wait_for(lambda: rcpt(suite, f"x@{SYSTEM}") and
             suite.log().count("new ones are in use") > serial)


def test_a_list_with_an_owner(suite):
    a, b = suite.account(0)[0], suite.account(1)[0]
    write(suite, "members", f"# of the list\n{a}\nnobody.there@{DOMAIN}, out@elsewhere.example\n")
    aliases(suite, f"list: :include:{suite.folder}/members\nowner-list: {b}\n")
    begin = len(suite.log())
    send(suite, f"list@{SYSTEM}", "list-owner")
    text = wait_for(lambda: of(suite, 0, "list-owner"))[0]
    assert text.startswith(f"Return-Path: <owner-list@{SYSTEM}>")
    # who hears of the member that does not exist is the owner, not the stranger
    report = wait_for(lambda: [t for t in messages(suite, 1)
                               if "multipart/report" in t and "nobody.there" in t])[0]
    assert f"To: <owner-list@{SYSTEM}>" in report
    assert wait_for(lambda: result(suite, begin, "out@elsewhere.example"))[1] == "deferred"
    send(suite, f"list@{SYSTEM}", "list-null", "")
    text = wait_for(lambda: of(suite, 0, "list-null"))[0]
    assert text.startswith("Return-Path: <>"), "a report must not be answered"
    suite.relais("queue", "delete", "--all", check=False)


@pytest.mark.parametrize("text, why", [
    ("a: :include:/nowhere/at/all\n", "No such file"),
    ("a: :include:{folder}/open\n", "everybody may write"),
    ("a: :include:{folder}/program\n", "not taken from an included file"),
    ("a: :include:{folder}/round\n", "too deep"),
    ("a: :include:{folder}/out\n", "not a regular file"),
    ("a: \"|/bin/cat\n", "quote"),
    ("no colon\n", "name: target"),
    ("a@b.example: root\n", "no domain"),
])
def test_files_that_are_refused(suite, text, why):
    aliases(suite, f"good: {suite.account(0)[0]}\n")
    write(suite, "open", "root\n", 0o666)
    write(suite, "program", "|/bin/cat\n")
    write(suite, "round", f":include:{suite.folder}/round\n")
    write(suite, "system-aliases", text.format(folder=suite.folder))
    done = suite.relais("map", "aliases", check=False)
    assert done.returncode == 1 and why in done.stderr, done.stderr
    assert rcpt(suite, f"good@{SYSTEM}") == 250, "the old table is still in use"


@needs_root
def test_another_users_file_is_not_read(suite):
    path = write(suite, "foreign", f"{suite.account(0)[0]}\n")
    os.chown(path, pwd.getpwnam("daemon").pw_uid, 0)
    write(suite, "system-aliases", f"a: :include:{path}\n")
    done = suite.relais("map", "aliases", check=False)
    assert done.returncode == 1 and "include_owners" in done.stderr


@needs_root
def test_a_command(suite):
    out = os.path.join(suite.folder, "out")
    aliases(suite, f"prog: \"|cat > {out}/got; id -u > {out}/id; id -Gn >> {out}/id; "
                   f"env > {out}/env; umask >> {out}/id\"\n")
    send(suite, f"prog+'a$(id)@{SYSTEM}", "command-one", "se$nder@example.org")
    wait_for(lambda: os.path.exists(f"{out}/env") and "EXTENSION" in open(f"{out}/env").read())
    nobody = pwd.getpwnam("nobody")
    assert open(f"{out}/id").read().split()[0] == str(nobody.pw_uid)
    assert "root" not in open(f"{out}/id").read()
    text = open(f"{out}/got").read()
    assert text.startswith("From se$nder@example.org ") and "\r" not in text
    assert "Return-Path: <se$nder@example.org>\n" in text and text.endswith("\ncommand-one\n")
    env = dict(line.split("=", 1) for line in open(f"{out}/env").read().splitlines() if "=" in line)
    assert env["SENDER"] == "se_nder@example.org" and "$" not in env["RECIPIENT"]
    assert "LD_PRELOAD" not in env and env["LOGNAME"] == "nobody"


@needs_root
@pytest.mark.parametrize("command, code, status, text", [
    ("exit 75", "4.3.0", "deferred", "temporary failure"),
    ("exit 67", "5.1.1", "bounced", "user unknown"),
    ("exit 77", "5.7.0", "bounced", "permission denied"),
    ("exit 1", "5.3.0", "bounced", "status 1"),
    ("echo 4.7.9 not today; exit 1", "4.7.9", "deferred", "not today"),
    ("kill -9 $$", "4.3.0", "deferred", "signal 9"),
    ("sleep 60", "5.3.0", "bounced", "time limit"),
    ("exec < /dev/null; exit 0", "2.0.0", "sent", "delivered to command"),
])
def test_how_commands_end(suite, command, code, status, text):
    aliases(suite, f"prog: \"|{command}\"\n")
    begin = len(suite.log())
    send(suite, f"prog@{SYSTEM}", "command-end")
    got = wait_for(lambda: result(suite, begin, f"prog@{SYSTEM}"))
    assert got[:2] == (code, status) and text in got[2], got
    suite.relais("queue", "delete", "--all", check=False)


@needs_root
def test_a_file(suite):
    path = os.path.join(suite.folder, "out", "box")
    aliases(suite, f"box: {path}, {suite.account(0)[0]}\nhere: /etc/passwd\n")
    for i in range(3):
        send(suite, f"box@{SYSTEM}", f"file-{i}")
    wait_for(lambda: os.path.exists(path) and open(path).read().count("\nfile-") == 3)
    wait_for(lambda: of(suite, 0, "file-2"))
    assert len(re.findall(r"^From stranger@example.org ", open(path).read(), re.M)) == 3
    assert os.stat(path).st_uid == pwd.getpwnam("nobody").pw_uid
    begin = len(suite.log())
    send(suite, f"here@{SYSTEM}", "file-not")
    assert wait_for(lambda: result(suite, begin, f"here@{SYSTEM}"))[1] == "bounced"


@needs_root
def test_the_runner_comes_back(suite):
    out = os.path.join(suite.folder, "out")
    aliases(suite, f"prog: \"|cat >> {out}/again\"\n")
    parent = suite.pids("system-delivery")[0]
    with open(f"/proc/{parent}/task/{parent}/children") as f:
        for pid in f.read().split():
            os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: suite.pids("system-delivery") not in ([], [parent]))
    send(suite, f"prog@{SYSTEM}", "again-one")
    wait_for(lambda: os.path.exists(f"{out}/again") and "again-one" in open(f"{out}/again").read())
