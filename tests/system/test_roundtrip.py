# SPDX-License-Identifier: ISC
"""Every message at hand goes in by SMTP and comes back octet for octet by IMAP and POP3.

Only trace fields may stand before it. Each message travels under a reverse-path of its own, so
that its Return-Path says which one it is.
"""
import imaplib
import itertools
import poplib
import re
import smtplib

import pytest
from conftest import wait_for
from messages import PUBLIC, SHIPPED, all_messages

TRACE = {b"return-path", b"received", b"delivered-to", b"x-original-to"}


def split_trace(content):
    """(trace fields in front, what follows) of a delivered message, as far as we put them there: up
    to the first Received and no further, for the message may have its own."""
    at = 0
    while True:
        m = re.compile(rb"([!-9;-~]+):[^\n]*\r\n(?:[ \t][^\n]*\r\n)*").match(content, at)
        assert m, content[at:at + 100]
        assert m.group(1).lower() in TRACE, m.group(0)
        at = m.end()
        if m.group(1).lower() == b"received":
            return content[:at], content[at:]


def number_of(trace):
    return int(re.search(rb"Return-Path: <n(\d+)@", trace).group(1))


@pytest.fixture(scope="module")
def sent(suite):
    """All messages, sent and arrived: {number: (path, octets)}"""
    good, bad = all_messages()
    print(f"{len(good)} messages to send; {len(bad)} left out (NUL or bare CR): {bad}")
    address, _ = suite.account(0)
    table = {}
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=60) as smtp:
        smtp.ehlo("client.example")
        assert smtp.has_extn("8bitmime")
        for i, (path, octets) in enumerate(good):
            code, text = smtp.mail(f"n{i}@roundtrip.example", ["BODY=8BITMIME", f"SIZE={len(octets)}"])
            assert code == 250, (path, text)
            code, text = smtp.rcpt(address)
            assert code == 250, (path, text)
            code, text = smtp.data(octets)
            assert code == 250, (path, code, text)
            table[i] = (path, octets)
    client = login(suite)
    wait_for(lambda: int(client.select("INBOX")[1][0]) >= len(table), seconds=60)
    client.logout()
    return table


def login(suite):
    client = imaplib.IMAP4(suite.info["host"], suite.port("imap"))
    client.login(*suite.account(0))
    return client


def check_all(sent, contents):
    seen = set()
    for content in contents:
        trace, rest = split_trace(content)
        i = number_of(trace)
        path, octets = sent[i]
        assert rest == octets or (not octets and rest == b"\r\n"), f"{path} came back changed"
        assert i not in seen, f"{path} came twice"
        seen.add(i)
    assert seen == set(sent), "some did not come back"


def literals(data):
    return [x for x in data if isinstance(x, tuple)]


def test_corpus_is_there():
    assert len(all_messages((SHIPPED,))[0]) > 20
    if not all_messages((PUBLIC,))[0]:
        pytest.skip("the public test data is not there; the shipped messages are")


def test_imap_body(suite, sent):
    client = login(suite)
    client.select("INBOX")
    ok, data = client.fetch("1:*", "(BODY.PEEK[])")
    assert ok == "OK"
    check_all(sent, [octets for _, octets in literals(data)])
    client.logout()


def test_imap_sizes_and_halves(suite, sent):
    """RFC822.SIZE is right, HEADER and TEXT together are the message, and partials fit."""
    client = login(suite)
    client.select("INBOX")
    for n in range(1, len(sent) + 1):
        ok, data = client.fetch(str(n), "(RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[])")
        assert ok == "OK"
        parts = literals(data)
        # an empty TEXT may come as "" instead of a literal
        whole = parts[-1][1]
        header = next(o for line, o in parts if b"[HEADER]" in line)
        text = next((o for line, o in parts if b"[TEXT]" in line), b"")
        assert header + text == whole
        assert int(re.search(rb"RFC822.SIZE (\d+)", b" ".join(line for line, _ in parts)).group(1)) == len(whole)
        ok, data = client.fetch(str(n), "BODY.PEEK[]<7.20>")
        assert literals(data)[0][1] == whole[7:27]
    client.logout()


def parse(octets):
    """IMAP's parentheses, strings, literals and atoms as nested lists."""
    stack, at = [[]], 0
    token = re.compile(rb'\s*(?:(\()|(\))|"((?:[^"\\\r\n]|\\.)*)"|\{(\d+)\}\r\n|([^\s()"{]+))')
    while at < len(octets.rstrip()):
        m = token.match(octets, at)
        assert m, octets[at:at + 80]
        at = m.end()
        if m.group(1):
            stack.append([])
        elif m.group(2):
            done = stack.pop()
            stack[-1].append(done)
        elif m.group(3) is not None:
            stack[-1].append(m.group(3))
        elif m.group(4):
            stack[-1].append(octets[at:at + int(m.group(4))])
            at += int(m.group(4))
        else:
            stack[-1].append(None if m.group(5) == b"NIL" else m.group(5))
    assert len(stack) == 1
    return stack[0]


def leaves(structure, path=()):
    """(part number, fields) of each part that has no parts."""
    if isinstance(structure[0], list):
        for i, part in enumerate(itertools.takewhile(lambda x: isinstance(x, list), structure)):
            yield from leaves(part, path + (i + 1,))
    else:
        yield (path or (1,)), structure


def test_imap_structure(suite, sent):
    """ENVELOPE and BODYSTRUCTURE can be read, and each part has the size that BODYSTRUCTURE says."""
    client = login(suite)
    client.select("INBOX")
    for n in range(1, len(sent) + 1):
        ok, data = client.fetch(str(n), "(ENVELOPE BODYSTRUCTURE)")
        assert ok == "OK"
        text = b"".join(x if isinstance(x, bytes) else x[0] + b"\r\n" + x[1] for x in data)
        items = parse(text)[1]
        found = dict(zip(items[::2], items[1::2]))
        assert len(found[b"ENVELOPE"]) == 10
        for path, part in leaves(found[b"BODYSTRUCTURE"]):
            section = ".".join(str(x) for x in path)
            ok, data = client.fetch(str(n), f"(BODY.PEEK[{section}])")
            assert ok == "OK"
            octets = literals(data)[0][1] if literals(data) else b""
            assert len(octets) == int(part[6]), (n, section, part)
    client.logout()


def test_pop3_retr(suite, sent, monkeypatch):
    monkeypatch.setattr(poplib, "_MAXLINE", 1 << 20)
    client = poplib.POP3(suite.info["host"], suite.port("pop3"))
    address, password = suite.account(0)
    client.user(address)
    client.pass_(password)
    count, size = client.stat()
    assert count == len(sent)
    contents = [b"".join(line + b"\r\n" for line in client.retr(n)[1]) for n in range(1, count + 1)]
    assert sum(len(c) for c in contents) == size
    check_all(sent, contents)
    client.quit()
