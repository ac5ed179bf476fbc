# SPDX-License-Identifier: ISC
"""SPF, DKIM and DMARC at the door, with a real DNS on loopback: clients are other addresses of 127/8."""
import email
import glob
import os
import re
import smtplib
import socket
import subprocess
import threading
import time

import pytest
from conftest import new_folder, running, wait_for
from dns_server import BOGUS, BROKEN, PLAIN, DnsServer, have_nsd

dkim = pytest.importorskip("dkim")

ID = "mx.relais.example"
HOST = "127.0.0.9"  # whose mail is allowed; everybody else is a stranger
FORWARDER = "127.0.0.77"
STRANGER = "127.0.0.66"
SELECTOR = "sel"


def make_key(folder):
    """(private PEM, TXT record) of an RSA key."""
    path = os.path.join(folder, "dkim.pem")
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, "2048"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    public = subprocess.run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    import base64
    text = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
    with open(path, "rb") as f:
        return f.read(), " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))


class Door:
    def __init__(self, suite, server, key):
        self.suite, self.server, self.key = suite, server, key
        self.number = 0

    def message(self, author, subject=None, fields="", body="Hello.\r\n"):
        self.number += 1
        subject = subject or f"message {self.number}"
        return (f"{fields}From: {author}\r\nTo: {self.suite.account()[0]}\r\nSubject: {subject}\r\n"
                f"Message-ID: <{self.number}@test>\r\nDate: Sun, 22 Nov 2026 08:00:00 +0000\r\n"
                f"MIME-Version: 1.0\r\n\r\n{body}").encode()

    def sign(self, message, domain):
        return dkim.sign(message, SELECTOR.encode(), domain.encode(), self.key) + message

    def send(self, message, sender, client=HOST, helo="client.example", to=0):
        """The reply at the end of data."""
        with smtplib.SMTP(self.suite.info["host"], self.suite.port("smtp"), local_hostname=helo,
                          source_address=(client, 0), timeout=60) as s:
            s.ehlo_or_helo_if_needed()
            code, text = s.mail(sender)
            assert code == 250, text
            code, text = s.rcpt(self.suite.account(to)[0])
            assert code == 250, text
            return s.data(message)

    def find(self, reply, folder="", to=0):
        """The message with that reply's queue id, in that folder of the account."""
        code, text = reply
        assert code == 250, reply
        queue_id = re.search(rb"queued as (\S+)", text).group(1).decode()
        box = os.path.join(self.suite.mailbox(to), folder)

        def look():
            for path in glob.glob(os.path.join(box, "new", "*")):
                if queue_id in os.path.basename(path):
                    with open(path, "rb") as f:
                        return email.message_from_bytes(f.read())
        return wait_for(look)

    def results(self, message):
        """Our field, unfolded, each method by itself."""
        ours = [x for x in message.get_all("Authentication-Results", []) if x.startswith(ID)]
        assert len(ours) == 1, message.as_string()
        return re.sub(r"\s+", " ", ours[0]).split("; ")

    def log_of(self, reply):
        queue_id = re.search(rb"queued as (\S+)", reply[1]).group(1).decode()
        return wait_for(lambda: re.search(rf"{queue_id}: mailauth: (.*)", self.suite.log())).group(1)

    def number_of(self, name):
        return sum(c["value"] for c in self.suite.status()["counters"] if c["name"] == name)


def zones(server, record):
    spf = f'@ TXT "v=spf1 ip4:{HOST} -all"\n'
    key = f"{SELECTOR}._domainkey TXT {record}\n"
    for name, policy in (("reject", "p=reject"), ("quarantine", "p=quarantine"), ("nothing", "p=none"),
                         ("strict", "p=reject; adkim=s; aspf=s"), ("testing", "p=reject; t=y")):
        server.zone(f"{name}.example", spf + key + f'_dmarc TXT "v=DMARC1; {policy}; rua=mailto:r@{name}.example"\n'
                    + f"sub {spf[1:]}", PLAIN)
    server.zone("bare.example", spf + key, PLAIN)
    server.zone("soft.example", '@ TXT "v=spf1 ~all"\n', PLAIN)
    server.zone("explains.example", '@ TXT "v=spf1 -all exp=why.explains.example"\n'
                'why TXT "%{i} is not one of ours"\n', PLAIN)
    server.zone("broken-dns.example", "", BROKEN)
    server.zone("client.example", f"@ A {HOST}\n", PLAIN)


@pytest.fixture(scope="module")
def dns():
    if not have_nsd():
        pytest.skip("no NSD here")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = DnsServer(new_folder(), port=port)
    server.key, record = make_key(server.folder)
    zones(server, record)
    server.start()
    yield server
    server.stop()


def options(server, *more):
    return [f"resolver.forwarders=127.0.0.1:{server.port}", "resolver.trust_anchor=", "resolver.timeout=2s",
            "mailauth.verify=yes", f"mailauth.authserv_id={ID}", "mailauth.timeout=5s",
            f"mailauth.trusted_forwarders={FORWARDER}", *more]


@pytest.fixture(scope="module")
def door(dns):
    with running(users=2, options=options(dns)) as suite:
        yield Door(suite, dns, dns.key)


def test_all_pass(door):
    message = door.sign(door.message("a@reject.example"), "reject.example")
    reply = door.send(message, "a@reject.example")
    results = door.results(door.find(reply))
    assert any(r.startswith("spf=pass smtp.mailfrom=a@reject.example") for r in results)
    assert any(r.startswith("spf=") and "smtp.helo=client.example" in r for r in results)
    assert any(re.match(r"dkim=pass header.d=reject.example header.s=sel header.a=rsa-sha256 header.b=\S{8}", r)
               for r in results)
    assert "dmarc=pass header.from=reject.example policy.dmarc=reject" in results
    assert "action=accept" in door.log_of(reply)


def test_our_field_is_on_top(door):
    message = door.find(door.send(door.message("a@reject.example"), "a@reject.example"))
    names = [n for n, _ in message.items()]
    assert names.index("Authentication-Results") < names.index("Received")


def test_rejected(door):
    code, text = door.send(door.message("a@reject.example"), "a@reject.example", STRANGER)
    assert code == 550 and text.startswith(b"5.7.1 ") and b"reject.example" in text


def test_dkim_alone_is_enough(door):
    message = door.sign(door.message("a@reject.example"), "reject.example")
    results = door.results(door.find(door.send(message, "x@soft.example", STRANGER)))
    assert any(r.startswith("spf=softfail") for r in results)
    assert any(r.startswith("dmarc=pass") for r in results)


def test_changed_on_the_way(door):
    message = door.sign(door.message("a@reject.example"), "reject.example").replace(b"Hello", b"Goodbye")
    code, text = door.send(message, "a@reject.example", STRANGER)
    assert code == 550, text


def test_quarantine_goes_to_junk(door):
    reply = door.send(door.message("a@quarantine.example"), "a@quarantine.example", STRANGER)
    results = door.results(door.find(reply, ".Junk"))
    assert any(r.startswith("dmarc=fail header.from=quarantine.example") for r in results)
    assert "action=junk" in door.log_of(reply)
    with open(os.path.join(door.suite.mailbox(), "subscriptions")) as f:
        assert "Junk" in f.read().split()


def test_policy_none(door):
    reply = door.send(door.message("a@nothing.example"), "a@nothing.example", STRANGER)
    assert any(r.startswith("dmarc=fail") for r in door.results(door.find(reply)))


def test_testing_is_a_step_down(door):
    reply = door.send(door.message("a@testing.example"), "a@testing.example", STRANGER)
    door.find(reply, ".Junk")


def test_no_record(door):
    reply = door.send(door.message("a@bare.example"), "a@bare.example", STRANGER)
    results = door.results(door.find(reply))
    assert any(r.startswith("spf=fail") for r in results) and "dkim=none" in results
    assert any(r.startswith("dmarc=none") for r in results)


def test_the_last_of_many_authors_is_one(door):
    """Readers show the first From field or the last: that many stand between them helps nobody."""
    many = "".join(f"From: a@{name}.example\r\n" for name in "bcdefg")
    code, text = door.send(door.message("a@reject.example", fields=many), "a@bare.example", STRANGER)
    assert (code, text[:5]) == (550, b"5.7.1")


def test_null_reverse_path(door):
    results = door.results(door.find(door.send(door.message("mailer@bare.example"), "")))
    assert not any("smtp.mailfrom" in r for r in results)


def test_trusted_forwarder(door):
    before = door.number_of("relais_smtp_overridden_total")
    reply = door.send(door.message("a@reject.example"), "a@reject.example", FORWARDER)
    assert any("trusted forwarder" in r for r in door.results(door.find(reply)))
    assert "override=trusted_forwarder" in door.log_of(reply)
    assert door.number_of("relais_smtp_overridden_total") == before + 1


def test_dns_is_broken(door):
    reply = door.send(door.message("a@broken-dns.example"), "a@broken-dns.example", STRANGER)
    results = door.results(door.find(reply))
    assert any(r.startswith("spf=temperror") for r in results)
    assert any(r.startswith("dmarc=temperror") for r in results)


def test_what_is_not_known_may_be_deferred(dns, fresh_suite):
    """Of DMARC only, and not for those who are trusted."""
    suite = fresh_suite(users=1, options=options(dns, "mailauth.temperror=defer"))
    door = Door(suite, dns, dns.key)
    code, text = door.send(door.message("a@broken-dns.example"), "a@broken-dns.example", STRANGER)
    assert (code, text[:5]) == (451, b"4.4.3") and b"broken-dns.example" in text
    wait_for(lambda: "action=defer" in suite.log())
    assert door.number_of("relais_smtp_verify_deferred_total") == 1
    for author, sender, client in [("a@bare.example", "a@broken-dns.example", STRANGER),
                                   ("a@broken-dns.example", "a@broken-dns.example", FORWARDER)]:
        assert door.send(door.message(author), sender, client)[0] == 250


FORGED = [
    f"Authentication-Results: {ID}; dmarc=pass header.from=reject.example\r\n",
    f"AUTHENTICATION-RESULTS : (hello) \"{ID.upper()}\" 1; spf=pass\r\n",
    f"Authentication-results:\r\n\t(a\r\n\t(nested) comment)\r\n\t{ID};\r\n\tdkim=pass\r\n",
    "Authentication-Results: (" + "x" * 60 + "\r\n " * 3000 + f") {ID}; spf=pass\r\n",
    f"Authentication-Results: {ID}; " + "x=y; " * 5000 + "\r\n",
]


@pytest.mark.parametrize("size", [100, 40000, 300000])
@pytest.mark.parametrize("i", range(len(FORGED)))
def test_forged_fields_are_removed(door, i, size):
    other = "Authentication-Results: other.example; spf=pass smtp.mailfrom=kept@other.example\r\n"
    body = "text\r\n" * (size // 6)
    reply = door.send(door.message("a@bare.example", fields=FORGED[i] + other + FORGED[i], body=body),
                      "a@bare.example")
    message = door.find(reply)
    door.results(message)
    fields = message.get_all("Authentication-Results")
    assert len(fields) == 2 and "kept@other.example" in fields[1]
    same = message.get_payload().split() == body.split()
    assert same


@pytest.mark.parametrize("size", [4096, 100000, 2000000])
def test_sizes(door, size):
    message = door.sign(door.message("a@reject.example", body="0123456789\r\n" * (size // 12)), "reject.example")
    results = door.results(door.find(door.send(message, "a@reject.example")))
    assert any(r.startswith("dkim=pass") for r in results)


def test_pipelined_and_chunked(door):
    """Two messages in one write, the second in chunks."""
    text = door.message("a@reject.example")
    rcpt = door.suite.account()[0].encode()
    begin = b"MAIL FROM:<a@reject.example>\r\nRCPT TO:<" + rcpt + b">\r\n"
    with socket.create_connection((door.suite.info["host"], door.suite.port("smtp")), 30,
                                  (HOST, 0)) as s:
        f = s.makefile("rb")
        assert f.readline().startswith(b"220")
        s.sendall(b"EHLO client.example\r\n")
        while f.readline()[3:4] == b"-":
            pass
        s.sendall(begin + b"RSET\r\n" + begin + b"DATA\r\n")
        replies = [f.readline()[:3] for _ in range(6)]
        assert replies == [b"250"] * 5 + [b"354"]
        half = len(text) // 2
        s.sendall(text + b".\r\n" + begin + b"BDAT %d\r\n" % half + text[:half] +
                  b"BDAT %d LAST\r\n" % (len(text) - half) + text[half:] + b"QUIT\r\n")
        replies = [f.readline() for _ in range(6)]
        assert [r[:3] for r in replies] == [b"250"] * 5 + [b"221"]
    for line in (replies[0], replies[4]):
        assert any(r.startswith("dmarc=pass") for r in door.results(door.find((250, line))))


def test_client_leaves_while_it_is_verified(door):
    for _ in range(5):
        with socket.create_connection((door.suite.info["host"], door.suite.port("smtp")), 30,
                                      (STRANGER, 0)) as s:
            s.sendall(b"EHLO client.example\r\nMAIL FROM:<a@broken-dns.example>\r\nRCPT TO:<" +
                      door.suite.account()[0].encode() + b">\r\nDATA\r\n")
            time.sleep(0.05)
            s.sendall(b"x: y\r\n\r\n.\r\n")
    door.find(door.send(door.message("a@bare.example"), "a@bare.example"))


def test_own_networks_are_not_verified(dns, fresh_suite):
    suite = fresh_suite(users=1, options=options(dns, "mailauth.trusted_networks=127.0.0.0/8"))
    door = Door(suite, dns, dns.key)
    message = door.find(door.send(door.message("a@reject.example"), "a@reject.example", STRANGER))
    assert message["Authentication-Results"] is None


def test_spf_fail_is_refused_if_the_operator_says_so(dns, fresh_suite):
    suite = fresh_suite(users=1, options=options(dns, "mailauth.spf_fail=reject"))
    door = Door(suite, dns, dns.key)
    code, text = door.send(door.message("a@explains.example"), "a@explains.example", STRANGER)
    assert code == 550 and text.startswith(b"5.7.23 ") and (STRANGER + " is not one of ours").encode() in text
    # not if its author signed it
    message = door.sign(door.message("a@reject.example"), "reject.example")
    door.find(door.send(message, "a@explains.example", STRANGER))
    door.find(door.send(door.message("a@soft.example"), "a@soft.example", STRANGER))


def test_dmarc_may_be_scored_only(dns, fresh_suite):
    suite = fresh_suite(users=1, options=options(dns, "mailauth.dmarc=score"))
    door = Door(suite, dns, dns.key)
    reply = door.send(door.message("a@reject.example"), "a@reject.example", STRANGER)
    assert any(r.startswith("dmarc=fail") for r in door.results(door.find(reply)))
    assert "override=local_policy" in door.log_of(reply)


def test_dns_does_not_answer(dns, fresh_suite):
    """More messages than are in hand at once, and none gets an answer: all are accepted, in time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        suite = fresh_suite(users=1, options=[o for o in options(dns) if "timeout" not in o and "forwarders=127" not in o]
                            + [f"resolver.forwarders=127.0.0.1:{hole.getsockname()[1]}", "resolver.timeout=30s",
                               "mailauth.timeout=1s", "mailauth.jobs=10", "mailauth.verifiers=1"])
        door = Door(suite, dns, dns.key)
        messages = [door.sign(door.message("a@reject.example"), "reject.example") for _ in range(30)]
        replies = []
        threads = [threading.Thread(target=lambda m: replies.append(door.send(m, "a@reject.example")), args=(m,))
                   for m in messages]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(replies) == len(messages)
        for reply in replies:
            results = door.results(door.find(reply))
            assert any(r.startswith("spf=temperror") for r in results)
            assert any(r.startswith("dmarc=temperror") for r in results)
        assert door.number_of("relais_mailauth_timeouts_total") > 0


class Deaf(threading.Thread):
    """A forwarder that passes questions on, but for names with "silent" in them."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.ended = server, False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.settimeout(1)
            while not self.ended:
                try:
                    question, who = self.socket.recvfrom(4096)
                    if b"silent" not in question.lower():
                        out.sendto(question, ("127.0.0.1", self.server.port))
                        self.socket.sendto(out.recv(65536), who)
                except TimeoutError:
                    pass
        self.socket.close()


def test_the_time_is_over_while_dmarc_is_looked_for(dns, fresh_suite):
    """SPF and signatures are known, the author's DNS keeps silent: nobody else is in trouble for that."""
    deaf = Deaf(dns)
    deaf.start()
    suite = fresh_suite(users=1, options=[o for o in options(dns) if "timeout" not in o and "forwarders=127" not in o]
                        + [f"resolver.forwarders=127.0.0.1:{deaf.port}", "resolver.timeout=25s",
                           "mailauth.timeout=4500ms", "mailauth.verifiers=1"])
    door = Door(suite, dns, dns.key)
    try:
        results = door.results(door.find(door.send(door.message("a@silent.example"), "a@reject.example")))
        assert any(r.startswith("spf=pass") for r in results)
        assert any(r.startswith("dmarc=temperror") for r in results)
        assert door.number_of("relais_mailauth_timeouts_total") == 1
        assert door.number_of("relais_smtp_verifier_died_total") == 0
    finally:
        deaf.ended = True


def test_a_network_gets_its_share(dns, fresh_suite):
    """Many connections of one network, about domains whose DNS is silent, take no other's place."""
    deaf = Deaf(dns)
    deaf.start()
    suite = fresh_suite(users=1, options=[o for o in options(dns) if "timeout" not in o and "forwarders=127" not in o]
                        + [f"resolver.forwarders=127.0.0.1:{deaf.port}", "resolver.timeout=25s",
                           "mailauth.timeout=25s", "mailauth.jobs=10", "mailauth.verifiers=1"])
    door = Door(suite, dns, dns.key)
    many = []
    try:
        for i in range(60):
            s = smtplib.SMTP(suite.info["host"], suite.port("smtp"), source_address=(f"127.1.1.{i + 1}", 0))
            many.append(s)
            s.ehlo(f"h{i}.silent.example")
            assert s.mail(f"a@m{i}.silent.example")[0] == 250
            assert s.rcpt(suite.account()[0])[0] == 250
            assert s.docmd("DATA")[0] == 354
            s.send(door.message(f"a@m{i}.silent.example") + b".\r\n")  # and no wait for what it says
        wait_for(lambda: door.number_of("relais_mailauth_overloads_total") > 0)
        assert door.number_of("relais_mailauth_under_way") <= 6
        since = time.monotonic()
        for _ in range(3):
            reply = door.send(door.sign(door.message("a@reject.example"), "reject.example"), "a@reject.example")
            results = door.results(door.find(reply))
            assert any(r.startswith("spf=pass") for r in results)
            assert any(r.startswith("dmarc=pass") for r in results)
        assert time.monotonic() - since < 10  # not behind them
        assert door.number_of("relais_mailauth_timeouts_total") == 0
    finally:
        deaf.ended = True
        for s in many:
            s.close()


KILLED = r"mailauth-verify.* was killed by signal"


@pytest.mark.parametrize("poison", ["x-fault-crash", "x-fault-abort", "x-fault-hang"])
def test_a_library_crashes_or_hangs(dns, poison):
    """Only the message that did it has temperror; those beside it do not notice."""
    if "debug" not in os.path.basename(os.environ.get("RELAIS_BUILD", "debug")):
        pytest.skip("injected in debug builds only")
    # time for two seconds of CPU on a machine that has other things to do
    patient = [o for o in options(dns) if not o.startswith("mailauth.timeout")] + ["mailauth.timeout=40s"]
    with running(users=2, options=[*patient, "mailauth.verifiers=1"], env={"RELAIS_MAILAUTH_FAULT": "1"},
                 forgive=KILLED) as suite:
        door = Door(suite, dns, dns.key)
        good = [door.sign(door.message("a@reject.example"), "reject.example") for _ in range(20)]
        bad = door.sign(door.message("a@reject.example", fields=f"X-Poison: {poison}\r\n"), "reject.example")
        replies = {}

        def send(i, message):
            replies[i] = door.send(message, "a@reject.example")
        threads = [threading.Thread(target=send, args=(i, m)) for i, m in enumerate(good[:10] + [bad] + good[10:])]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for i, reply in replies.items():
            results = door.results(door.find(reply))
            wanted = "temperror" if i == 10 else "pass"
            assert any(r.startswith(f"dmarc={wanted}") for r in results), (i, results)
            assert any(r.startswith(f"dkim={wanted}") for r in results), (i, results)
        assert door.number_of("relais_smtp_verifier_died_total") == 1
        assert door.number_of("relais_smtp_verifier_given_up_total") == 0


def test_the_verifier_is_killed(dns):
    """Whatever it had in hand is asked again."""
    with running(users=1, options=options(dns), forgive=KILLED) as suite:
        door = Door(suite, dns, dns.key)
        message = door.sign(door.message("a@reject.example"), "reject.example")
        for _ in range(3):
            for pid in suite.pids("mailauth-verify"):
                os.kill(pid, 9)
            results = door.results(door.find(door.send(message, "a@reject.example")))
            assert any(r.startswith("dmarc=pass") for r in results)


def test_login_is_told_if_wanted(dns, fresh_suite):
    """And a login's own claims about itself are not believed."""
    suite = fresh_suite(users=1, options=options(dns, "mailauth.tell_login=yes", "plaintext_auth=loopback"))
    door = Door(suite, dns, dns.key)
    address, password = suite.account()
    with smtplib.SMTP(suite.info["host"], suite.port("submission"), timeout=60) as s:
        s.login(address, password)
        s.mail(address)
        s.rcpt(address)
        message = door.find(s.data(door.message(address, fields=FORGED[0])))
    assert door.results(message) == [ID, f"auth=pass smtp.auth={address}"]
