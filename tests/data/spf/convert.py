#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Turns the SPF test suite (YAML, as pyspf ships it) into rfc7208-tests.txt, which tests read.

    convert.py rfc7208-tests.yml > rfc7208-tests.txt

One thing a line: "scenario", then "zone NAME TYPE DATA" as a zone file would have it (a name with
TIMEOUT gives no answer for what is not listed), then tests: "test NAME" and what belongs to it.
Octets that are not printable, quotes and backslashes are \\DDD. A name with SPF records and without
TXT records has them as TXT, as the suite wants it.
"""
import sys

import yaml


def octets(text):
    try:
        return str(text).encode("latin-1")
    except UnicodeEncodeError:
        return str(text).encode()


def escape(text, special):
    return "".join(
        "\\%03d" % c if c < 0x20 or c > 0x7e or chr(c) in special else chr(c) for c in octets(text))


def strings(value):
    parts = value if isinstance(value, list) else [value]
    out = []
    for part in parts:
        part = octets(part)
        out += [part[i:i + 255] for i in range(0, len(part), 255)] or [b""]
    return " ".join('"%s"' % escape(p.decode("latin-1"), '"\\') for p in out)


def name_of(text):
    return escape(text, ' \\"();@$').rstrip(".") or "."


def data_of(rtype, value):
    if rtype == "TXT":
        return strings(value)
    if rtype == "MX":
        return "%d %s" % (value[0], name_of(value[1]))
    return name_of(value) if rtype in ("PTR", "CNAME") else str(value)


def zone(records):
    for name, entries in records.items():
        rows = [e if isinstance(e, str) else list(e.items())[0] for e in entries]
        have_txt = any(r != "TIMEOUT" and r[0] == "TXT" for r in rows)
        for row in rows:
            if row == "TIMEOUT":
                print("zone", name_of(name), "TIMEOUT")
                continue
            rtype, value = row
            if rtype == "SPF":
                if have_txt:
                    continue
                rtype = "TXT"
            if value == "NONE":
                continue
            if value == "TIMEOUT":
                print("zone", name_of(name), "TIMEOUT")
                continue
            print("zone", name_of(name), rtype, data_of(rtype, value))


def test(name, t):
    result = t["result"]
    print("test", name)
    print("spec", t.get("spec") if not isinstance(t.get("spec"), list) else " ".join(t["spec"]))
    print("helo", escape(t["helo"], "\\"))
    print("host", t["host"])
    print("mailfrom", escape(t["mailfrom"], "\\"))
    if "explanation" in t:
        print("explanation", escape(t["explanation"], "\\"))
    print("result", "|".join(result) if isinstance(result, list) else result)


def main():
    with open(sys.argv[1], "rb") as f:
        for number, doc in enumerate(yaml.safe_load_all(f)):
            print("scenario", doc.get("description") or "number %d" % (number + 1))
            zone(doc["zonedata"])
            for name, t in doc["tests"].items():
                test(name, t)


main()
