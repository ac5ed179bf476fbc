# SPDX-License-Identifier: ISC
"""Real clients of Debian as functions, for the tests of all doors: each gives what it has fetched."""
import imaplib
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest
from conftest import wait_for


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def run(words, stdin=None, env=None, timeout=60, codes=(0,)):
    done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                          env=dict(os.environ, LC_ALL="C.UTF-8", **(env or {})))
    assert done.returncode in codes, f"{words}: {done.returncode}\n{done.stdout.decode(errors='replace')}"
    return done.stdout


def message(subject, to="someone@example.test", body="Hello.\n.a line with a dot\n"):
    return (f"From: Ada <ada@example.org>\nTo: <{to}>\nSubject: {subject}\n"
            f"Date: Sat, 21 Nov 2026 22:04:57 +0100\nMessage-ID: <{time.time_ns()}@example.org>\n\n{body}")


def login(suite, i=0):
    client = imaplib.IMAP4(suite.info["host"], suite.port("imap"))
    client.login(*suite.account(i))
    return client


def arrived(suite, i, subject, seconds=20):
    """The message with that subject, once it is in the INBOX of an account."""
    client = login(suite, i)

    def look():
        client.select("INBOX")
        return client.search(None, "HEADER", "Subject", f'"{subject}"')[1][0].split()
    n = wait_for(look, seconds=seconds)[-1]
    octets = client.fetch(n, "(BODY.PEEK[])")[1][0][1]
    client.logout()
    return octets


def getmail(suite, folder, account, retriever, port):
    need("getmail")
    box = folder / "box"
    address, password = suite.account(account)
    (folder / "rc").write_text(f"""[retriever]
type = {retriever}
server = {suite.info['host']}
port = {suite.port(port)}
username = {address}
password = {password}

[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >> {box}")
allow_root_commands = true

[options]
read_all = true
delete = false
""")
    run(["getmail", f"--getmaildir={folder}", "--rcfile=rc"], env={"HOME": str(folder)})
    return box.read_bytes()


def fetchmail(suite, folder, account, protocol, port, words):
    need("fetchmail")
    rc, box = folder / "fetchmailrc", folder / "box"
    address, password = suite.account(account)
    rc.write_text(f"poll {suite.info['host']} service {suite.port(port)} protocol {protocol} auth password "
                  f"user \"{address}\" password \"{password}\" {words} keep fetchall mda \"cat >> {box}\"\n")
    rc.chmod(0o600)
    run(["fetchmail", "-f", str(rc), "--pidfile", str(folder / "pid"), "-i", str(folder / "ids")],
        env={"HOME": str(folder), "FETCHMAILHOME": str(folder)})
    return box.read_bytes()


def interact(words, env, seconds=30):
    """Run a program that wants a terminal until it ends; all its output."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(env)
        os.execvp(words[0], words)
    out, end = b"", time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            if select.select([fd], [], [], 0.5)[0]:
                try:
                    got = os.read(fd, 65536)
                except OSError:
                    got = b""
                if not got:
                    break
                out += got
    finally:
        os.close(fd)
        if os.waitpid(pid, os.WNOHANG)[0] == 0:
            os.kill(pid, 15)
            os.waitpid(pid, 0)
    return out


def mutt(suite, folder, account, url, settings, pattern):
    """It lists the mailbox at the URL, copies what has the pattern in its Subject to a file, and leaves."""
    need("mutt")
    rc, box = folder / "muttrc", folder / "box"
    address, password = suite.account(account)
    url = url.format(host=suite.info["host"], **suite.info["ports"])
    rc.write_text(f"""set imap_user="{address}"
set imap_pass="{password}"
{settings}
set folder="{url.rsplit('/', 1)[0]}/"
set spoolfile="{url}"
set mbox_type=mbox confirmcreate=no confirmappend=no wait_key=no quit=yes copy=no move=no sort=date
set header_cache="" message_cachedir="" tmpdir="{folder}"
push "<tag-pattern>~s {pattern}<enter><tag-prefix><copy-message>{box}<enter><exit>"
""")
    shown = interact(["mutt", "-n", "-F", str(rc)], {"TERM": "vt100", "HOME": str(folder), "LC_ALL": "C.UTF-8"})
    assert box.exists(), re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b" ", shown)[-2000:]
    return box.read_bytes()
