# SPDX-License-Identifier: ISC
"""Messages of ugly shapes that are legal enough to be signed: folding at odd places, 8 bits, empty values,
fields twice, blanks at the ends, very long lines, bodies without a last CRLF. Each from its seed."""

import random

NAMES = [
    "Subject", "To", "Cc", "Reply-To", "Date", "Message-ID", "MIME-Version", "Content-Type", "Received",
    "Content-Transfer-Encoding", "In-Reply-To", "References", "List-Id", "List-Unsubscribe", "X-Odd_Name.1",
    "Sender", "X", "Return-Path", "Comments",
]
ATOMS = [
    b"hello", b"=?utf-8?q?=C3=A4?=", b"\xc3\xa4\xc3\xb6", b"\xff\xfe", b"(comment)", b'"quoted  text"', b"a@b.example",
    b"<x@y.example>", b";", b":", b",", b"=", b"\\", b"b=", b"DKIM-Signature:", b"x" * 120, b"..", b"%s%n", b"\x7f",
]
BLANKS = [b" ", b"  ", b"\t", b" \t ", b"\r\n ", b"\r\n\t", b" \r\n  ", b" \t\r\n \t"]
LINES = [
    b"", b"", b" ", b"\t", b"text", b"text ", b"text \t ", b"  text", b"a  b\tc", b"-- ", b".", b"..", b"From me",
    b"\xe4\xf6\xfc", b"\x80" * 40, b"y" * 998, b"a b " * 2000, b"=20=", b"\x01\x02\x0b\x0c", b"--boundary--",
]


def odd_case(r, name):
    return "".join(r.choice((c.lower(), c.upper(), c)) for c in name)


def value(r):
    if r.random() < 0.08:
        return r.choice([b"", b" ", b"\t", b"  \t"])
    out = r.choice([b" ", b" ", b"", b"\t", b"\r\n "])
    for _ in range(r.randint(1, 12)):
        out += r.choice(ATOMS) + r.choice([b"", b" "] + BLANKS)
    if r.random() < 0.2:
        out += r.choice([b" ", b"\t ", b"   "])
    # a line of blanks only would be taken for the end of the header by some
    return b"\r\n".join(line for i, line in enumerate(out.split(b"\r\n")) if i == 0 or line.strip(b" \t"))


def field(r, name):
    if r.random() < 0.3:
        name = odd_case(r, name)
    blank = b" " if r.random() < 0.03 else b""
    return name.encode() + blank + b":" + value(r) + b"\r\n"


def message(seed):
    """The octets of one message; the same ones for the same seed. It has exactly one From field."""
    r = random.Random(seed)
    fields = [field(r, r.choice(NAMES)) for _ in range(r.randint(0, 14))]
    if fields and r.random() < 0.3:
        fields.append(r.choice(fields))
    author = r.choice([b" joe@example.org", b"joe@example.org", b" Joe \t User\r\n <joe@example.org>  ", b"\tjoe@example.org"])
    fields.insert(r.randint(0, len(fields)), odd_case(r, "From").encode() + b":" + author + b"\r\n")
    lines = [r.choice(LINES) for _ in range(r.choice([0, 0, 1, 2, 5, 30]))]
    body = b"\r\n".join(lines)
    if lines and r.random() < 0.7:
        body += b"\r\n" * r.randint(1, 4)
    return b"".join(fields) + b"\r\n" + body


def changed(seed, signed, at):
    """The message with one octet changed, which is not of its DKIM-Signature fields (the first at octets)."""
    r = random.Random(seed)
    n = r.randrange(at, len(signed))
    return signed[:n] + bytes([signed[n] ^ 1]) + signed[n + 1 :]
