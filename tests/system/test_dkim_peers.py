# SPDX-License-Identifier: ISC
"""DKIM with others: what we sign verifies with libopendkim as it is and with dkimpy, and what they sign
verifies with us, for generated messages of ugly shapes. RELAIS_LONG: ten thousand of them each way;
RELAIS_SEED repeats a run."""

import os
import re
import subprocess

import dkim
import pytest

import conftest
import ugly_mail

LONG = bool(os.environ.get("RELAIS_LONG"))
MESSAGES = 10000 if LONG else 300
FOR_DKIMPY = 10000 if LONG else 60  # its own RSA is slow
SEED = int(os.environ.get("RELAIS_SEED", "20261122"))
PEER = os.path.join(conftest.BUILD, "tests", "dkim_peer")
DOMAIN = "example.org"
CANONS = [(a, b) for a in (b"simple", b"relaxed") for b in (b"simple", b"relaxed")]


def openssl(*args, **more):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, **more).stdout


def make_keys(d):
    """A directory as dkim_peer wants it."""
    (d / "rsa.pem").write_bytes(openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"))
    (d / "ed25519.pem").write_bytes(openssl("genpkey", "-algorithm", "ED25519"))
    (d / "domain").write_text(DOMAIN)
    rows = []
    for name in ("rsa", "ed25519"):
        der = openssl("pkey", "-in", str(d / f"{name}.pem"), "-pubout", "-outform", "DER")
        public = openssl("base64", "-A", input=der[-32:] if name == "ed25519" else der).decode()
        text = f"v=DKIM1; k={name}; p={public}"
        (d / f"{name}.txt").write_text(text)
        strings = " ".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200))
        rows.append(f"{name}._domainkey.{DOMAIN} TXT {strings}\n")
    (d / "zone").write_text("".join(rows))
    return d


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return make_keys(tmp_path_factory.mktemp("keys"))


def run(what, how, keys, messages):
    data = b"".join(b"%d\n%s" % (len(m), m) for m in messages)
    # libopendkim leaks a key per signature by Ed25519: why we do not sign by it
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0") if (what, how) == ("sign", "plain") else None
    return subprocess.run([PEER, what, how, keys], input=data, capture_output=True, check=True, env=env).stdout


def split(data):
    out, at = [], 0
    while at < len(data):
        start = data.index(b"\n", at) + 1
        at = start + int(data[at:start])
        out.append(data[start:at])
    return out


def assert_all(results, want, messages):
    wrong = [i for i, r in enumerate(results) if r != want]
    assert len(results) == len(messages)
    assert not wrong, f"seed {SEED}: messages {wrong[:20]}, the first: {results[wrong[0]]}: {messages[wrong[0]]!r}"


@pytest.fixture(scope="module")
def mails():
    return [ugly_mail.message(f"{SEED}-{i}") for i in range(MESSAGES)]


@pytest.fixture(scope="module")
def ours(keys, mails):
    return split(run("sign", "ours", keys, mails))


def dns_of(keys):
    texts = {f"{n}._domainkey.{DOMAIN}.".encode(): (keys / f"{n}.txt").read_bytes() for n in ("rsa", "ed25519")}
    return lambda name, timeout=5: texts[name]


def test_ours_verifies_with_libopendkim(keys, ours):
    assert_all(run("verify", "plain", keys, ours).decode().splitlines(), "pass pass", ours)


def test_ours_verifies_with_ours(keys, ours):
    assert_all(run("verify", "ours", keys, ours).decode().splitlines(), "pass pass", ours)


def for_dkimpy(messages):
    """Those that it reads right: no blank before a colon, none at the end of a last line without CRLF."""
    odd = re.compile(rb"\A(?:.+\r\n)*[!-9;-~]+ :|[ \t]\Z")
    some = [m for m in messages if not odd.search(m)][:FOR_DKIMPY]
    assert len(some) > min(FOR_DKIMPY, len(messages)) // 2
    return some


def test_ours_verifies_with_dkimpy(keys, ours):
    lookup = dns_of(keys)
    some = for_dkimpy(ours)
    results = [" ".join("pass" if dkim.DKIM(m).verify(i, dnsfunc=lookup) else "fail" for i in range(2)) for m in some]
    assert_all(results, "pass pass", some)


def test_libopendkims_verifies_with_ours(keys, mails):
    signed = split(run("sign", "plain", keys, mails))
    assert_all(run("verify", "ours", keys, signed).decode().splitlines(), "pass", signed)


def test_dkimpys_verifies_with_ours(keys, mails):
    signed = []
    for i, m in enumerate(for_dkimpy(mails)):
        name = "ed25519" if i % 2 else "rsa"
        key = (keys / f"{name}.pem").read_bytes()
        if name == "ed25519":  # it wants the bare seed
            der = openssl("pkey", "-in", str(keys / "ed25519.pem"), "-outform", "DER")
            key = openssl("base64", "-A", input=der[-32:])
        algorithm = b"ed25519-sha256" if i % 2 else b"rsa-sha256"
        field = dkim.DKIM(m).sign(
            name.encode(), DOMAIN.encode(), key, canonicalize=CANONS[i // 2 % 4], signature_algorithm=algorithm
        )
        signed.append(field + m)
    assert_all(run("verify", "ours", keys, signed).decode().splitlines(), "pass", signed)


def test_one_changed_octet_is_seen_alike(keys, ours):
    """Nothing passes with us that does not with libopendkim, and the other way, but for what we refuse."""
    changed = []
    for i, m in enumerate(ours):
        at = m.index(b"\r\n", m.rindex(b"DKIM-Signature: v=1; a=ed25519")) + 2
        while m[at : at + 1] == b"\t":
            at = m.index(b"\r\n", at) + 2
        changed.append(ugly_mail.changed(f"{SEED}-changed-{i}", m, at))
    a = run("verify", "ours", keys, changed).decode().splitlines()
    b = run("verify", "plain", keys, changed).decode().splitlines()
    differ = [i for i in range(len(changed)) if ("pass" in a[i]) != ("pass" in b[i]) and "policy" not in a[i]]
    assert not differ, f"seed {SEED}: {[(i, a[i], b[i], changed[i]) for i in differ[:3]]}"
