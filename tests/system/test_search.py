# SPDX-License-Identifier: ISC
"""SEARCH finds what a reader sees, in any charset: within the jail, where no converter can be loaded any more."""
import base64
import imaplib
import smtplib

import pytest
from conftest import wait_for

TEXTS = [  # charset, a text, how someone might type it
    ("us-ascii", "plain words", "PLAIN Words"),
    ("utf-8", "Grüße aus Köln", "grüße AUS KÖLN"),
    ("iso-8859-1", "déjà vu", "DÉJÀ VU"),
    ("iso-8859-2", "žluťoučký kůň", "ŽLUŤOUČKÝ"),
    ("iso-8859-15", "zehn € genau", "€ GENAU"),
    ("windows-1252", "“quoted” – so", "“QUOTED”"),
    ("koi8-r", "Привет, мир", "привет, МИР"),
    ("windows-1251", "Съешь ещё этих", "СЪЕШЬ ЕЩЁ"),
    ("iso-8859-7", "Καλημέρα κόσμε", "ΚΑΛΗΜΈΡΑ"),
    ("iso-8859-8", "שלום עולם", "שלום"),
    ("iso-2022-jp", "日本語の文章", "日本語"),
    ("shift_jis", "こんにちは世界", "世界"),
    ("euc-jp", "お元気ですか", "元気"),
    ("gb18030", "中文邮件内容", "邮件"),
    ("big5", "繁體中文信件", "繁體"),
    ("euc-kr", "안녕하세요 여러분", "여러분"),
    ("utf-16", "sixteen öctets", "SIXTEEN ÖCTETS"),
]


def encoded(text, charset):
    return base64.b64encode(text.encode(charset)).decode()


@pytest.fixture(scope="module")
def client(suite):
    address, _ = suite.account(0)
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=30) as smtp:
        for charset, text, _ in TEXTS:
            lines = encoded("in the body: " + text + "\r\n", charset)
            smtp.sendmail("ada@example.org", [address],
                          f"From: Ada <ada@example.org>\r\nTo: <{address}>\r\n"
                          f"Subject: =?{charset}?B?{encoded('subject ' + text, charset)}?=\r\n"
                          f"X-Charset: <{charset}>\r\nMIME-Version: 1.0\r\n"
                          "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                          f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                          f"{lines}\r\n--b--\r\n")
    client = imaplib.IMAP4(suite.info["host"], suite.port("imap"))
    client.login(*suite.account(0))
    wait_for(lambda: int(client.select("INBOX")[1][0]) >= len(TEXTS))
    yield client
    client.logout()


def found_by(client, key, text, number):
    client.literal = text.encode()
    ok, data = client.search("UTF-8", key)
    assert ok == "OK"
    return str(number).encode() in data[0].split()


def number_of(client, charset):
    return int(client.search(None, "HEADER", "X-Charset", f'"<{charset}>"')[1][0].split()[-1])


@pytest.mark.parametrize("charset, text, typed", TEXTS)
def test_found(client, charset, text, typed):
    n = number_of(client, charset)
    assert found_by(client, "BODY", typed, n)
    assert found_by(client, "TEXT", typed, n)
    assert found_by(client, "SUBJECT", typed, n)
    assert found_by(client, "BODY", "in the body: " + typed[:3], n) == ("in the body: " + text).lower().startswith(
        ("in the body: " + typed[:3]).lower())
    assert not found_by(client, "BODY", "subject " + text, n)
    assert not found_by(client, "FROM", typed, n)


def test_unknown_charset_is_refused(client):
    client.literal = b"x"
    with pytest.raises(imaplib.IMAP4.error, match="BADCHARSET"):
        ok, data = client.search("X-UNKNOWN", "BODY")
        if ok == "NO":
            raise imaplib.IMAP4.error(data[0].decode())
