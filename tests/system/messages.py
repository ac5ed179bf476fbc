# SPDX-License-Identifier: ISC
"""The messages that tests send: those of tests/data/messages, and public test data beside the tree.

Messages are given as a client sends them: every line ends in CRLF, the last one too. What SMTP
cannot carry unchanged (NUL, a bare CR) is left out, and counted.
"""
import os

from conftest import TOP

SHIPPED = os.path.join(TOP, "tests", "data", "messages")
PUBLIC = os.path.join(os.environ.get("RELAIS_TESTDATA", os.path.join(TOP, "..", "shared", "testdata")), "messages")
# results, pictures and notes that lie between the messages
NO_MESSAGE = (".json", ".xml", ".out", ".bin", ".xbm", ".webp", ".wav", ".tiff", ".sgi", ".ras", ".ppm", ".png",
              ".pgm", ".pbm", ".jpg", ".gif", ".bmp", ".au", ".aiff", ".aifc", ".exr", ".md", ".rs", ".py", ".html",
              ".html5", ".css")


def is_message(name):
    return not (name.startswith((".", "SOURCE", "LICENSE", "README")) or name.lower().endswith(NO_MESSAGE)
                or "_decoded" in name or ".LICENSE" in name)


def files(folder):
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if is_message(name):
                yield os.path.join(path, name)


def as_sent(raw):
    """The message with CRLF at every line's end; None if it holds what SMTP does not carry."""
    if b"\0" in raw:
        return None
    if b"\n" in raw.replace(b"\r\n", b""):  # stored with bare LF
        raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if b"\r" in raw.replace(b"\r\n", b""):
        return None
    return raw if raw.endswith(b"\r\n") or not raw else raw + b"\r\n"


def all_messages(folders=(SHIPPED, PUBLIC)):
    """([(path, octets as sent)], paths left out)"""
    good, bad = [], []
    for folder in folders:
        for path in files(folder):
            with open(path, "rb") as f:
                octets = as_sent(f.read())
            if octets is None:
                bad.append(path)
            else:
                good.append((path, octets))
    return good, bad
