# SPDX-License-Identifier: ISC
"""What a domain that sends mail has in DNS, and a suite that signs for one."""
import json

from conftest import wait_for


def txt(name, value):
    """A TXT record of any length for a zone."""
    parts = [value[i:i + 250] for i in range(0, len(value), 250)]
    return f"{name} TXT " + " ".join('"%s"' % p.replace("\\", "\\\\").replace('"', '\\"') for p in parts)


def mail_zone(host, dmarc, *more):
    """The zone of a domain whose mail comes from and goes to that host only; dmarc: "p=reject"."""
    return "\n".join(["@ MX 10 mx", host.records("mx"), txt("@", f"v=spf1 ip4:{host.v4} ip6:{host.v6} -all"),
                      txt("_dmarc", "v=DMARC1; " + dmarc), *more])


def dkim_keys(suite, domain):
    return json.loads(suite.relais("dkim", "list", domain, "--json"))


def sign_for(suite, domain, publish):
    """The domain gets keys; publish(records) makes them known; until they are in use."""
    suite.relais("dkim", "new", domain)
    keys = dkim_keys(suite, domain)
    assert {k["state"] for k in keys} == {"pending"}
    publish([txt(f"{k['selector']}._domainkey", k["record"]) for k in keys])
    wait_for(lambda: {k["state"] for k in dkim_keys(suite, domain)} == {"active"}, 60)
