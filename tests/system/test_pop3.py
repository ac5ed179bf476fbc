# SPDX-License-Identifier: ISC
"""POP3 over the real suite: the maildrop and its lock, UPDATE, stable ids, large messages, IMAP beside it."""
import imaplib
import poplib
import socket
import time

import pytest
from conftest import wait_for


def pop3(suite, i=0):
    client = poplib.POP3(suite.info["host"], suite.port("pop3"), timeout=30)
    user, password = suite.account(i)
    client.user(user)
    client.pass_(password)
    return client


def imap(suite, i=0):
    client = imaplib.IMAP4(suite.info["host"], suite.port("imap"))
    client.login(*suite.account(i))
    client.select("INBOX")
    return client


def fill(suite, messages, i=0):
    """Exactly these messages in the INBOX."""
    client = imap(suite, i)
    if client.select("INBOX")[1] != [b"0"]:
        client.store("1:*", "+FLAGS", "\\Deleted")
        client.expunge()
    for m in messages:
        assert client.append("INBOX", None, None, m)[0] == "OK"
    client.logout()


def message(n, body=b"text\r\n"):
    return b"From: a@example.org\r\nSubject: number %d\r\n\r\n" % n + body


def joined(lines):
    return b"".join(line + b"\r\n" for line in lines)


def count(suite, i=0):
    client = pop3(suite, i)
    n = client.stat()[0]
    client.quit()
    return n


@pytest.fixture
def three(suite):
    fill(suite, [message(1), message(2, b".dot\r\n..\r\n.\r\n\r\n"), message(3, b"no line end")])
    return suite


def test_retr_gives_the_octets(three):
    client = pop3(three)
    assert client.stat() == (3, sum(len(m) for m in (
        message(1), message(2, b".dot\r\n..\r\n.\r\n\r\n"), message(3, b"no line end"))))
    assert joined(client.retr(1)[1]) == message(1)
    assert joined(client.retr(2)[1]) == message(2, b".dot\r\n..\r\n.\r\n\r\n")
    assert joined(client.retr(3)[1]) == message(3, b"no line end\r\n")
    assert joined(client.top(2, 1)[1]) == message(2, b".dot\r\n")
    assert client.list(1)[:3] == b"+OK"
    client.quit()


def test_dele_takes_effect_at_quit_only(three):
    client = pop3(three)
    client.dele(2)
    assert client.stat()[0] == 2
    client.close()  # no QUIT
    assert wait_for(lambda: count(three) == 3)
    client = pop3(three)
    client.dele(2)
    client.rset()
    client.dele(3)
    client.quit()
    client = imap(three)
    subjects = [d[1] for d in client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if isinstance(d, tuple)]
    assert [s.split(b":")[1].strip() for s in subjects] == [b"number 1", b"number 2"]


def test_unique_ids_are_stable(three):
    client = pop3(three)
    before = client.uidl()[1]
    client.dele(1)
    client.quit()
    other = imap(three)
    other.store("1", "+FLAGS", "\\Flagged \\Seen")
    other.append("INBOX", None, None, message(4))
    other.logout()
    client = pop3(three)
    after = client.uidl()[1]
    client.quit()
    assert [line.split()[1] for line in after[:2]] == [line.split()[1] for line in before[1:]]
    assert after[2].split()[1] not in [line.split()[1] for line in before]


def test_the_lock_is_exclusive(three):
    client = pop3(three)
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        pop3(three)
    pop3(three, 1).quit()  # another's maildrop is free
    client.quit()
    assert wait_for(lambda: count(three) == 3)


def test_imap_beside_a_session(three):
    """Numbers stay what they were at login, whatever IMAP does meanwhile."""
    client = pop3(three)
    other = imap(three)
    other.store("1", "+FLAGS", "\\Deleted")
    other.expunge()
    other.append("INBOX", None, None, message(5))
    assert client.stat()[0] == 3
    with pytest.raises(poplib.error_proto):
        client.retr(1)
    assert joined(client.retr(2)[1]).startswith(b"From: a@example.org\r\nSubject: number 2")
    client.dele(1)  # gone already
    client.dele(2)
    client.quit()
    assert count(three) == 2


def test_pipelining(three):
    user, password = three.account(0)
    with socket.create_connection((three.info["host"], three.port("pop3")), timeout=30) as s:
        s.sendall(f"USER {user}\r\nPASS {password}\r\nSTAT\r\nLIST\r\nRETR 1\r\nNOOP\r\nQUIT\r\n".encode())
        got = b""
        while piece := s.recv(65536):
            got += piece
    lines = got.split(b"\r\n")
    assert lines[0].startswith(b"+OK") and lines[2] == b"+OK Logged in." and lines[3].startswith(b"+OK 3 ")
    assert lines[-3:-1] == [b"+OK", b"+OK Logging out."]
    assert message(1) + b".\r\n" in got


def test_large_message_to_a_slow_reader(suite):
    body = b"".join(b".%08d 0123456789012345678901234567890123456789\r\n" % i for i in range(150000))
    fill(suite, [message(1, body)], 1)
    client = pop3(suite, 1)
    client._putcmd("RETR 1")
    time.sleep(1)
    reply, lines, _ = client._getlongresp()
    assert joined(lines) == message(1, body)
    assert reply.split()[1] == b"%d" % len(message(1, body))
    client.quit()


def test_quota_use_follows(suite):
    user = suite.account(2)[0]

    def use():
        for line in suite.relais("quota").splitlines():
            if line.split()[:1] == [user]:
                return line
        return None
    fill(suite, [], 2)
    before = use()
    fill(suite, [message(n, b"x" * 5000 + b"\r\n") for n in range(5)], 2)
    wait_for(lambda: use() != before, seconds=10)
    full = use()
    client = pop3(suite, 2)
    for n in range(1, 6):
        client.dele(n)
    client.quit()
    wait_for(lambda: use() != full, seconds=10)
