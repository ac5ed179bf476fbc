#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Writes charset_tables.c and utf8_tables.c, from Python's codecs and unicodedata.

Run by hand (the results are in the tree): ./make_tables.py in this folder.
"""
import unicodedata

HEAD = """/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/{name} - {what}
 *
 * Written by make_tables.py; do not edit.
 */
#include "{include}"

"""

PAGES = ["iso8859-%d" % n for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)] + \
    ["cp125%d" % n for n in range(9)] + ["cp874", "cp437", "cp850", "cp852", "cp866", "koi8-r", "koi8-u", "mac-roman"]
# lower case letters with accents: Latin, Greek, Cyrillic, Latin additional, Greek extended
ACCENTED = [(0x00c0, 0x024f), (0x0370, 0x03ff), (0x0400, 0x04ff), (0x1e00, 0x1eff), (0x1f00, 0x1fff)]


def rows(values, per_row, form):
    values = [form % v for v in values]
    return "".join("\t" + " ".join(values[i:i + per_row]) + "\n" for i in range(0, len(values), per_row))


def charset_tables():
    text = HEAD.format(name="charset_tables.c", what="the upper halves of single-octet charsets.",
                       include="charset_tables.h")
    text += "/* clang-format off */\n"
    text += "const struct charset_page charset_pages[] = {\n"
    for page in PAGES:
        high = []
        for octet in range(128, 256):
            c = bytes([octet]).decode(page, "replace")
            if c == "\ufffd" and page.startswith("cp125"):
                c = chr(octet)  # as browsers do
            high.append(ord(c))
        key = page.replace("-", "").replace("cp125", "windows125").replace("cp874", "windows874")
        text += '{ "%s", {\n%s} },\n' % (key, rows(high, 12, "0x%04x,"))
    text += "};\n\nconst size_t charset_page_count = NITEMS(charset_pages);\n"
    open("charset_tables.c", "w").write(text)


def utf8_tables():
    found = []
    for low, high in ACCENTED:
        for c in range(low, high + 1):
            parts = unicodedata.decomposition(chr(c)).split()
            if len(parts) == 2 and not parts[0].startswith("<") and len(chr(c).lower()) == 1 \
                    and chr(c).lower() == chr(c):
                found.append((c, int(parts[0], 16), int(parts[1], 16)))
    text = HEAD.format(name="utf8_tables.c", what="letters with an accent, as letter and mark (Unicode).",
                       include="utf8_tables.h")
    text += "/* clang-format off */\nconst struct utf8_accented utf8_accented[] = {\n"
    text += rows(found, 4, "{ 0x%04x, 0x%04x, 0x%04x },")
    text += "};\n\nconst size_t utf8_accented_count = NITEMS(utf8_accented);\n"
    open("utf8_tables.c", "w").write(text)


charset_tables()
utf8_tables()
