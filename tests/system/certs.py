# SPDX-License-Identifier: ISC
"""Certificates for tests, and TLS clients of all seven doors."""
import os
import re
import socket
import ssl
import subprocess

# door: (how TLS begins, implicit)
DOORS = {"smtp": "smtp", "submission": "smtp", "submissions": None, "imap": "imap",
         "imaps": None, "pop3": "pop3", "pop3s": None}


def make_pair(folder, names, kind="ec", days=90):
    """A self-signed pair in ACME's layout. The certificate file's path."""
    os.makedirs(folder, exist_ok=True)
    key = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
           "rsa": ["-newkey", "rsa:2048"]}[kind]
    fresh = os.path.join(folder, ".fresh-")
    subprocess.run(["openssl", "req", "-x509", *key, "-nodes", "-days", str(days),
                    "-subj", f"/CN={names[0]}", "-addext",
                    "subjectAltName=" + ",".join("DNS:" + n for n in names),
                    "-keyout", fresh + "key", "-out", fresh + "cert"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # as certbot does: one after the other, each whole
    os.rename(fresh + "cert", os.path.join(folder, "fullchain.pem"))
    os.rename(fresh + "key", os.path.join(folder, "privkey.pem"))
    return os.path.join(folder, "fullchain.pem")


def fingerprint(path):
    out = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    return out.strip().split("=")[1].replace(":", "").lower()


def context(version=None, ciphers=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    if version is not None:
        c.minimum_version = c.maximum_version = version
    if ciphers:
        c.set_ciphers(ciphers)
    return c


class Refused(Exception):
    """The door said so (454, NO, -ERR): politely, before any TLS."""


def start_tls(sock, how):
    """Say STARTTLS on a fresh connection."""
    f = sock.makefile("rwb", buffering=0)

    def line():
        got = f.readline()
        if not got.endswith(b"\n"):
            raise ConnectionError("closed")
        return got

    def reply():
        got = line()
        while got[3:4] == b"-":
            got = line()
        return got

    if how == "smtp":
        reply()
        f.write(b"EHLO client.example\r\n")
        reply()
        f.write(b"STARTTLS\r\n")
        answer = reply()
        good = answer.startswith(b"220")
    elif how == "imap":
        line()
        f.write(b"a STARTTLS\r\n")
        answer = line()
        good = answer.startswith(b"a OK")
    else:
        line()
        f.write(b"STLS\r\n")
        answer = line()
        good = answer.startswith(b"+OK")
    if not good:
        raise Refused(answer.decode())


def connect(suite, door, ctx=None, name=None, session=None, timeout=30):
    """An SSLSocket of a door, its handshake done."""
    sock = socket.create_connection(("127.0.0.1", suite.port(door)), timeout=timeout)
    try:
        if DOORS[door]:
            start_tls(sock, DOORS[door])
        return (ctx or context()).wrap_socket(sock, server_hostname=name, session=session)
    except BaseException:
        sock.close()
        raise


def served(suite, door, name=None, ctx=None):
    """SHA-256 of the certificate that this door shows for this name."""
    import hashlib
    with connect(suite, door, ctx, name) as s:
        return hashlib.sha256(s.getpeercert(True)).hexdigest()


def secrets(folder):
    """The private numbers of FOLDER/privkey.pem, each as octets (big-endian), and its PEM lines."""
    path = os.path.join(folder, "privkey.pem")
    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for name, body in re.findall(r"^([A-Za-z0-9]+):((?:\n {4}[0-9a-f:]+)+)", text, re.M):
        if name not in ("modulus", "pub"):
            octets = bytes.fromhex(re.sub(r"[^0-9a-f]", "", body))
            found[name] = octets.lstrip(b"\0")
    with open(path) as f:
        for i, line in enumerate(f.read().splitlines()[1:-1]):
            if len(line) == 64:
                found[f"PEM line {i}"] = line.encode()
    der = subprocess.run(["openssl", "pkey", "-in", path, "-outform", "DER"], check=True,
                         stdout=subprocess.PIPE).stdout
    at = 30 if len(der) < 300 else len(der) // 2  # behind RSA's public half
    found["DER"] = der[at:at + 32]
    return found
