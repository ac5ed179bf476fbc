# SPDX-License-Identifier: ISC
"""Generated policies, with every kind of term, macro and mistake: pyspf (Debian's) and we agree on
verdict and explanation. Left out is where pyspf counts what RFC 7208 does not: the addresses of an
mx's hosts as void look-ups, a redirect that is not followed as a term that asks; and that it refuses
an include of the policy's own domain at sight."""
import os
import random
import subprocess

import pytest
from conftest import BUILD, TOP

spf = pytest.importorskip("spf")

DOMAINS = [x + ".org" for x in "abcde"]
MISTAKES = ["x", "a..org", ".org", "a.org..", "192.0.2.1", "a:b.org", "%", "%{d", "%{q}", "a.4org", "a.org-",
            "a.1", ""]
PREFIXES = ["/24", "/31", "/0", "//64", "//0", "/24//64", "/8//127", "/32//128"]
BAD_PREFIXES = ["/33", "/024", "//129", "/", "/24/64"]


class Policies:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.zone = {}

    def maybe(self, p):
        return self.r.random() < p

    def ip4(self):
        return self.r.choice(["192.0.2.%d" % self.r.randrange(8), "10.0.%d.1" % self.r.randrange(3)])

    def ip6(self):
        return "2001:db8::%x" % self.r.randrange(4)

    def host(self):
        return self.r.choice(["h1.", "h2.", "m1."]) + self.r.choice(DOMAINS)

    def macro(self):
        c = self.r.choice
        return "%%{%s%s%s%s}" % (c("slodiphvSLODIPHV"), c(["", "", "1", "2", "9"]), c(["", "r"]),
                                 c(["", "", ".", "-", "+", "_", "=", ".-+"]))

    def domain_spec(self):
        c, n = self.r.choice, self.r.random()
        if n < 0.02:
            return c(MISTAKES)
        if n < 0.6:
            return c(DOMAINS)
        if n < 0.8:
            return self.host()
        return c(["%{d}", "h1.%{d}", "%{d2}", "%{o}", "h2.%{o1r}.%{d1}", "a.org.", self.macro() + ".a.org"])

    def term(self):
        c = self.r.choice
        kind = c(["a", "a", "mx", "MX", "ip4", "ip4", "ip6", "include", "Include", "exists", "ptr"])
        spec = ":" + self.domain_spec()
        if kind in ("a", "mx", "MX", "ptr") and self.maybe(0.4):
            spec = ""
        if kind in ("a", "mx", "MX") and self.maybe(0.5):
            spec += c(BAD_PREFIXES if self.maybe(0.03) else PREFIXES)
        if kind == "ip4":
            spec = ":" + c([self.ip4()] * 40 + ["192.0.2", "01.2.3.4", "1.2.3.256"]) + c(["", "/24", "/31", "/0"])
        if kind == "ip6":
            spec = ":" + c([self.ip6()] * 40 + ["1::2::3", "192.0.2.1"]) + c(["", "/64", "/127", "/0"])
        return c(["", "", "+", "-", "~", "?"]) + kind + spec

    def record(self):
        terms = [self.term() for _ in range(self.r.choice([0, 1, 2, 2, 3, 4, 11]))]
        terms += self.r.choice([[], ["-all"], ["-all"], ["~all"], ["?all"], ["+ALL"]])
        for modifier in ["redirect=" + self.domain_spec(), "exp=e.%{d}", "x.y-z=%{d}"]:
            if self.maybe(0.3):
                terms.insert(self.r.randrange(len(terms) + 1), modifier)
        return self.r.choice(["v=spf1 ", "V=Spf1  "]) + self.r.choice([" ", "  "]).join(terms) + " " * self.maybe(0.2)

    def make(self):
        self.zone = {}
        for d in DOMAINS:
            rows = [("TXT", self.record())] * self.maybe(0.95) + [("TXT", self.record())] * self.maybe(0.03)
            rows += [("MX", (i, self.host())) for i in range(11 if self.maybe(0.05) else self.r.randrange(1, 4))]
            for name in [d] + [h + d for h in ("h1.", "h2.", "m1.")]:
                self.zone[name] = (rows if name == d else []) + [("A", self.ip4()), ("AAAA", self.ip6())]
                self.zone[name] += [("TIMEOUT", None)] * (name != d and self.maybe(0.02))
            self.zone["e." + d] = [("TXT", self.r.choice(["%{i} is no friend", "See %{d}/%{S}?%{c}", "bad %", "%{r}",
                                                          "%{p} %{h} %{L}|%{s1r-}", "%{lr-}%_%{D}%-%{C}"]))]
        for i in range(8):
            self.zone["%d.2.0.192.in-addr.arpa" % i] = [("PTR", self.host()) for _ in range(self.r.randrange(1, 4))]

    def lookup(self, name, rtype, *unused):
        """What pyspf asks."""
        rows = self.zone.get(name.rstrip(".").lower(), [])
        if ("TIMEOUT", None) in rows and rtype not in ("A", "AAAA"):
            raise spf.TempError("timeout")
        return [((name, t), (v.encode(),) if t == "TXT" else v) for t, v in rows if t == rtype]

    def lines(self):
        for name, rows in self.zone.items():
            for t, v in rows:
                v = '"%s"' % '" "'.join(v[i:i + 250] for i in range(0, len(v), 250)) if t == "TXT" else v
                yield "zone %s %s %s" % (name, t, "%d %s" % v if t == "MX" else v or "")


def ask_pyspf(policies, name):
    """The lines of a test, or none if pyspf goes its own way there."""
    c = policies.r.choice
    mail_from = c(["joe", "strong-bad", "a.b+c", "x_y"]) + "@" + c(DOMAINS)
    client, helo = c([policies.ip4(), policies.ip4(), policies.ip6()]), c(["h1.a.org", "helo"])
    q = spf.query(i=client, s=mail_from, h=helo, receiver="receiver.example.net", strict=1)
    q.timeout = 0
    verdict, _, said = q.check()
    if q.void_lookups > 2 or q.lookups > 10 or "trivial recursion" in said:
        return []
    lines = ["test " + name, "helo " + helo, "host " + client, "mailfrom " + mail_from]
    if verdict == "fail":
        lines.append("explanation " + ("DEFAULT" if said.startswith("SPF fail") else said))
    return lines + ["result " + verdict]


@pytest.mark.parametrize("seed", range(4))
def test_generated_policies(seed, tmp_path, monkeypatch):
    policies, table = Policies(seed), []
    monkeypatch.setattr(spf, "DNSLookup", policies.lookup)
    monkeypatch.setattr(spf, "MAX_VOID_LOOKUPS", 99)
    for scenario in range(30):
        policies.make()
        table += ["scenario %d" % scenario, *policies.lines()]
        for i in range(20):
            table += ask_pyspf(policies, "%d.%d" % (scenario, i))
    verdicts = [x for x in table if x.startswith("result ")]
    assert len(verdicts) > 300 and len([x for x in verdicts if "error" not in x]) > 150
    path = tmp_path / "table.txt"
    path.write_text("\n".join(table) + "\n", encoding="ascii")
    done = subprocess.run([os.path.join(BUILD, "tests", "test_spf_suite"), path], cwd=TOP, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    wrong = [x for x in done.stdout.splitlines() if ", not " in x]
    assert done.returncode == 0, f"seed {seed}, {path}:\n" + "\n".join(wrong)
