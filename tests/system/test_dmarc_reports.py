# SPDX-License-Identifier: ISC
"""Aggregate reports of DMARC: what is counted at the door goes out as reports, to a Postfix and to ourselves,
only to those who want them; a crash on the way loses nothing; what others report is read."""
import contextlib
import email.message
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import smtplib
import subprocess
import threading
import time
import xml.etree.ElementTree as ET

import pytest
from conftest import BUILD, needs_root, wait_for
from mail_zone import mail_zone, sign_for, txt
from mta import Maildir, Postfix
from net import Network, running_on, skip_unless_possible
from outbound import QUICK, SENDER, make_sender

pytestmark = needs_root

DOMAIN, HOSTNAME = "first.example", "mx.first.example"
READER = SENDER
ROWS = 440  # of a report
SAMPLES = pathlib.Path(__file__).parent.parent / "data" / "dmarc"
NS = "{urn:ietf:params:xml:ns:dmarc-2.0}"


@pytest.fixture(scope="module")
def net():
    skip_unless_possible()
    with Network() as n:
        n.dns = n.make_dns()
        for name in ("spoofer", "relais", "far"):
            n.host(name)
        publish_ours(n)
        far = n.host("far")
        n.dns.zone("far.example", "\n".join([
            "@ MX 10 mx", far.records("mx"), txt("asks.example._report._dmarc", "v=DMARC1"),
            txt("moved.example._report._dmarc", "v=DMARC1; rua=mailto:elsewhere@far.example"),
            txt("away.example._report._dmarc", "v=DMARC1; rua=mailto:x@other.example")]))
        for name, record in {
                "asks.example": "p=none; sp=reject; aspf=s; fo=1; rua=mailto:reports@far.example",
                "own.example": f"p=none; rua=mailto:{READER}",
                "moved.example": "p=none; rua=mailto:first@far.example",
                "away.example": "p=none; rua=mailto:x@far.example",
                "silent.example": "p=none; rua=mailto:victim@far.example",
                "none.example": "p=none"}.items():
            n.dns.zone(name, mail_zone(n.host("spoofer"), record))
        n.dns.start()
        n.far = Postfix(far, "mx.far.example", ["far.example"])
        n.far.start()
        yield n


def publish_ours(net, keys=()):
    net.dns.zone(DOMAIN, mail_zone(net.host("relais"), "p=reject", txt("own.example._report._dmarc", "v=DMARC1"), *keys))


@pytest.fixture(scope="module")
def suite(net):
    with running_on(net.host("relais"), resolver=net.dns, options=QUICK + [
            f"hostname={HOSTNAME}", f"domain={DOMAIN}", "resolver.timeout=3s", "mailauth.timeout=6s",
            "mailauth.verify=yes", "mailauth.dkim_check=1s", "mailauth.report_org=First Example",
            f"mailauth.report_from=postmaster@{DOMAIN}", f"ledger.dmarc_rows={ROWS}"],
            forgive="was killed by signal 9") as s:
        make_sender(s)

        def publish(keys):
            publish_ours(net, keys)
            net.dns.publish()
        sign_for(s, DOMAIN, publish)
        yield s


def send(net, suite, author, times=1, envelope=None):
    with net.host("spoofer").inside(), smtplib.SMTP(suite.host.v4, 25, timeout=30) as s:
        s.ehlo("client.example")
        for _ in range(times):
            s.sendmail(author if envelope is None else envelope, [READER],
                       f"From: <{author}>\r\nTo: <{READER}>\r\nSubject: x\r\n\r\nHello.\r\n")


def counted(suite, domain=None):
    """All days, or a domain's rows."""
    return json.loads(suite.relais("dmarc", "report", *([domain] if domain else []), "--json"))


def wait_counted(suite, domain, messages):
    wait_for(lambda: sum(d["messages"] for d in counted(suite) if d["domain"] == domain) == messages)


def send_reports(suite):
    return json.loads(suite.relais("dmarc", "send", "--now", "--json", check=False).stdout or "{}")


def reports(mail):
    """[(message, XML)] of a Maildir."""
    found = []
    for m in mail.messages():
        message = email.message_from_bytes(m.octets)
        for part in message.walk():
            if part.get_content_type() == "application/gzip":
                found.append((message, part, ET.fromstring(gzip.decompress(part.get_payload(decode=True)))))
    return found


def reports_on(mail, domain):
    return [r for r in reports(mail) if r[2].findtext(f"{NS}policy_published/{NS}domain") == domain]


# RFC 9990 sec. 3.1: elements in the order of its tables; "?" may be missing, "*" may come often
SCHEMA = {
    "feedback": "version? report_metadata policy_published extension? record*",
    "report_metadata": "org_name email extra_contact_info? report_id date_range error? generator?",
    "date_range": "begin end",
    "policy_published": "domain discovery_method? p sp? np? fo? adkim? aspf? testing?",
    "record": "row identifiers auth_results",
    "row": "source_ip count policy_evaluated",
    "policy_evaluated": "disposition dkim spf reason*",
    "reason": "type comment?",
    "identifiers": "header_from envelope_from? envelope_to?",
    "auth_results": "dkim* spf?",
    "auth_results/dkim": "domain selector result human_result?",
    "auth_results/spf": "domain scope? result human_result?",
}


def check_schema(element, parent=""):
    name = element.tag.removeprefix(NS)
    rule = SCHEMA.get(f"{parent}/{name}", SCHEMA.get(name, ""))
    left = [child.tag.removeprefix(NS) for child in element]
    for word in rule.split():
        what, mark, n = word.rstrip("?*"), word[-1], 0
        while left and left[0] == what:
            left.pop(0)
            n += 1
        assert (n > 0 or mark in "?*") and (n <= 1 or mark == "*"), (name, what, n)
    assert not left, (name, left)
    for child in element:
        check_schema(child, name)


# ---- what is counted ----

def test_messages_are_counted_in_rows(net, suite):
    send(net, suite, "a@asks.example", 3)
    send(net, suite, "a@asks.example", 2, envelope="a@none.example")
    send(net, suite, "a@none.example")
    wait_counted(suite, "asks.example", 5)
    rows = counted(suite, "asks.example")
    assert sorted((r["messages"], r["disposition"], r["spf_aligned"], r["envelope_from"]) for r in rows) == [
        (2, "none", False, "none.example"), (3, "pass", True, "asks.example")]
    assert {r["source"] for r in rows} == {net.host("spoofer").v4}
    assert counted(suite, "Asks.EXAMPLE") == rows
    assert not [d for d in counted(suite) if d["domain"] == "none.example"]  # nobody asked


def test_report_goes_out_and_is_well_formed(net, suite):
    wait_counted(suite, "asks.example", 5)
    assert json.loads(suite.relais("dmarc", "send", "--json")) == {"sent": 0, "unwanted": 0, "later": 0}  # not over
    assert send_reports(suite)["sent"] >= 1
    (message, part, xml), = wait_for(lambda: reports_on(net.far.mail, "asks.example"))
    check_schema(xml)
    begin, end = (int(xml.findtext(f"{NS}report_metadata/{NS}date_range/{NS}{x}")) for x in ("begin", "end"))
    assert time.time() - 600 < begin <= end <= time.time()
    assert part.get_filename() == f"{HOSTNAME}!asks.example!{begin}!{end}.xml.gz"
    report_id = xml.findtext(f"{NS}report_metadata/{NS}report_id")
    assert " ".join(message["Subject"].split()) == \
        f"Report Domain: asks.example Submitter: {HOSTNAME} Report-ID: <{report_id}>"
    assert message["From"] == f"postmaster@{DOMAIN}" and message["To"] == "reports@far.example"
    assert message["Return-Path"] == "<>"
    assert {re.search(r"d=([^;]+)", f).group(1) for f in message.get_all("DKIM-Signature")} == {DOMAIN}
    assert xml.findtext(f"{NS}report_metadata/{NS}org_name") == "First Example"
    published = {e.tag.removeprefix(NS): e.text for e in xml.find(f"{NS}policy_published")}
    assert published == {"domain": "asks.example", "discovery_method": "treewalk", "p": "none", "sp": "reject",
                         "np": "reject", "fo": "1", "adkim": "r", "aspf": "s", "testing": "n"}
    counts = sorted(int(r.findtext(f"{NS}row/{NS}count")) for r in xml.findall(f"{NS}record"))
    assert counts == [2, 3]
    assert not [d for d in counted(suite) if d["domain"] == "asks.example"]


def test_only_who_wants_reports_gets_them(net, suite):
    before = len(reports(net.far.mail))
    for domain in ("silent.example", "moved.example", "away.example"):
        send(net, suite, "a@" + domain)
        wait_counted(suite, domain, 1)
    answer = send_reports(suite)
    assert (answer["sent"], answer["unwanted"], answer["later"]) == (1, 2, 0)
    (message, _, _), = wait_for(lambda: reports_on(net.far.mail, "moved.example"))
    assert message["To"] == "elsewhere@far.example"
    assert len(reports(net.far.mail)) == before + 1
    assert counted(suite) == []


def test_what_dns_does_not_tell_waits(net, suite):
    send(net, suite, "a@asks.example")
    wait_counted(suite, "asks.example", 1)
    suite.relais("reload")
    before = len(reports_on(net.far.mail, "asks.example"))
    for pid in suite.pids("resolver"):  # it forgets what it knows; the reload ends one, too
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    net.dns.pause()
    try:
        answer = send_reports(suite)
    finally:
        net.dns.resume()
    assert answer["later"] == 1 and answer["sent"] == 0, answer
    wait_for(lambda: send_reports(suite).get("sent") == 1, 30, 1)
    wait_for(lambda: len(reports_on(net.far.mail, "asks.example")) == before + 1)


def test_large_report_is_cut_where_the_option_says(net, suite):
    """Too large for a frame between processes, too; every sender's words are another row."""
    before = len(reports_on(net.far.mail, "asks.example"))
    for _ in range(10):
        with net.host("spoofer").inside(), smtplib.SMTP(suite.host.v4, 25, timeout=30) as s:
            s.ehlo("client.example")
            for _ in range(45):
                s.sendmail(f"a@{os.urandom(25).hex()}.none.example", [READER],
                           f"From: <a@asks.example>\r\nTo: <{READER}>\r\nSubject: x\r\n\r\nHello.\r\n")
    wait_counted(suite, "asks.example", 450)
    assert send_reports(suite)["sent"] == 1
    wait_for(lambda: len(reports_on(net.far.mail, "asks.example")) > before)
    message, _, xml = max(reports_on(net.far.mail, "asks.example"), key=lambda r: len(r[2]))
    check_schema(xml)
    assert len(xml.findall(NS + "record")) == ROWS and len(message.as_bytes()) > 20000
    assert "10 of them are not listed" in message.get_payload(0).get_payload()
    assert len(message.get_all("DKIM-Signature")) == 2  # of both algorithms, once


# ---- to ourselves, and read ----

def test_report_to_ourselves_is_read(net, suite):
    send(net, suite, "a@own.example", 4)
    send(net, suite, "a@own.example", 1, envelope="a@none.example")
    wait_counted(suite, "own.example", 5)
    assert send_reports(suite)["sent"] == 1
    wait_for(lambda: suite.log().count("status=sent (delivered"))
    mailbox = Maildir(os.path.join(suite.info["mail_root"], *reversed(READER.split("@"))))
    wait_for(lambda: reports_on(mailbox, "own.example"))
    seen = json.loads(suite.relais("dmarc", "seen", "own.example", "--json"))  # its record names the mailbox
    assert (seen["reports"], seen["unreadable"], seen["all"]["messages"], seen["all"]["pass"]) == (1, 0, 5, 4)
    source, = seen["sources"]
    assert source["source"] == net.host("spoofer").v4 and source["spf_domain"] == "none.example"
    text = suite.relais("dmarc", "seen", "own.example", "--mailbox", READER)
    assert "5 messages, 4 pass" in text and net.host("spoofer").v4 in text
    assert "Usage" in suite.relais("dmarc", "--help")
    assert suite.relais("dmarc", "seen", "own.example", "--mailbox", "nobody@first.example", check=False).returncode == 1
    assert suite.relais("dmarc", "seen", check=False).returncode == 2
    assert "0 messages" in suite.relais("dmarc", "seen", "else.example", "--mailbox", READER)


@pytest.fixture
def maildir(tmp_path):
    """What the operator's command needs of a suite: a configuration, and a mailbox with real reports."""
    box = tmp_path / "mail" / "ueber.net" / "dmarc"
    for folder in (".", ".Old"):
        for part in ("cur", "new", "tmp"):
            (box / folder / part).mkdir(parents=True)
    for i, sample in enumerate(sorted(SAMPLES.glob("*.eml"))):
        shutil.copy(sample, box / ("cur", "new")[i % 2] / f"{i}")
    shutil.copy(SAMPLES / "google.eml", box / ".Old" / "cur" / "again")
    conf = tmp_path / "relais.conf"
    conf.write_text(f'hostname = "mx.ueber.net"\ndomain = {{"ueber.net"}}\nmail_root = "{tmp_path}/mail"\n')
    for path in [tmp_path, *tmp_path.parents][:3]:
        path.chmod(path.stat().st_mode | 0o055)
    subprocess.run(["chown", "-R", "nobody:nogroup", str(tmp_path / "mail")], check=True)

    def seen(*words):
        return json.loads(subprocess.run(
            [os.path.join(BUILD, "bin", "relais"), "--config", str(conf), "dmarc", "seen", "ueber.net", "--mailbox",
             "dmarc@ueber.net", "--json", *words], check=True, stdout=subprocess.PIPE, text=True).stdout)
    return box, seen


def test_reports_of_others(maildir):
    _, seen = maildir
    found = seen()
    assert (found["reports"], found["repeated"], found["unreadable"]) == (5, 1, 0)
    assert (found["all"]["messages"], found["all"]["pass"], found["all"]["reject"]) == (10, 9, 1)
    assert [s["source"] for s in found["sources"]] == [
        "46.19.35.124", "2a02:2770:3:0:21a:4aff:fea1:8a7b", "176.113.22.155"]
    assert found["unproven"] == 5
    assert seen("--since", "30")["reports"] == 0


def test_reports_that_passed_dmarc_here(maildir):
    box, seen = maildir
    for field, unproven in (("Authentication-Results: mx.ueber.net; spf=pass; dmarc=pass header.from=google.com", 0),
                            ("Authentication-Results: mx.ueber.net; dmarc=fail header.from=google.com", 1),
                            ("Authentication-Results: mx.ueber.net; dmarc=fail\r\n"
                             "Authentication-Results: mx.ueber.net; dmarc=pass", 1),
                            ("Authentication-Results: elsewhere.example; dmarc=pass header.from=google.com", 1)):
        for path in [*box.glob("cur/*"), *box.glob("new/*"), *box.glob(".Old/cur/*")]:
            path.unlink()
        path = box / "new" / "1"
        path.write_bytes(field.encode() + b"\r\n" + (SAMPLES / "google.eml").read_bytes())
        shutil.chown(path, "nobody", "nogroup")
        found = seen()
        assert (found["reports"], found["unproven"]) == (1, unproven), field


def test_forged_report_does_not_stand_in_for_the_right_one(maildir):
    box, seen = maildir
    for path in [*box.glob("cur/*"), *box.glob("new/*"), *box.glob(".Old/cur/*")]:
        path.unlink()
    google = (SAMPLES / "google.eml").read_bytes()
    for i, domain in enumerate(["", "google.com", "other.example", "google.com"]):
        path = box / "new" / f"{i}"
        path.write_bytes((f"Authentication-Results: mx.ueber.net; dmarc=pass header.from={domain}\r\n" if domain
                          else "").encode() + google)
        shutil.chown(path, "nobody", "nogroup")
    found = seen()
    assert (found["reports"], found["repeated"], found["unproven"]) == (3, 1, 1)


def test_reports_meant_to_hurt(maildir):
    """They are left out, the others are read."""
    box, seen = maildir
    entities = b"<!DOCTYPE f [<!ENTITY a 'x'>]><feedback>&a;</feedback>"
    outside = b"<!DOCTYPE f [<!ENTITY a SYSTEM '/etc/passwd'>]><feedback>&a;</feedback>"
    bomb = gzip.compress(b"<feedback>" + b" " * 200_000_000)
    for i, octets in enumerate([gzip.compress(entities), gzip.compress(outside), bomb, bomb[:100],
                                b"<a:/>"]):
        m = email.message.EmailMessage()
        m.set_content("a report")
        m.add_attachment(octets, maintype="application", subtype="gzip", filename="r.xml.gz")
        path = box / "new" / f"bad{i}"
        path.write_bytes(m.as_bytes())
        shutil.chown(path, "nobody", "nogroup")
    (box / "cur" / "link").symlink_to("/etc/passwd")
    os.mkfifo(box / "cur" / "fifo")
    found = seen()
    assert (found["reports"], found["unreadable"]) == (5, 5)


# ---- crashes ----

@pytest.mark.once
@pytest.mark.parametrize("victim", ["ledger", "dmarc-reporter", "qmgr"])
def test_crash_loses_no_counts(net, suite, victim):
    before = len(reports_on(net.far.mail, "asks.example"))
    send(net, suite, "a@asks.example", 7)
    wait_counted(suite, "asks.example", 7)
    for pid in suite.pids(victim):
        os.kill(pid, signal.SIGKILL)

    wait_for(lambda: send_reports(suite).get("sent") == 1, 60, 0.5)
    wait_for(lambda: len(reports_on(net.far.mail, "asks.example")) > before)
    counts = [int(c.text) for c in reports_on(net.far.mail, "asks.example")[-1][2].iter(NS + "count")]
    assert counts == [7]


@pytest.mark.once
def test_crash_in_the_middle_of_sending(net, suite):
    """Killed while it sends: every domain's report goes out at last; twice is no harm."""
    before = len(reports_on(net.far.mail, "asks.example"))
    domains = [f"d{i}.own.example" for i in range(20)] + ["asks.example"]
    for domain in domains:
        send(net, suite, "a@" + domain, envelope="a@none.example")
    wait_counted(suite, "own.example", 20)
    wait_counted(suite, "asks.example", 1)
    t = threading.Thread(target=lambda: suite.relais("dmarc", "send", "--now", check=False))
    t.start()
    for victim in ("dmarc-reporter", "ledger", "mailauth-sign"):
        for pid in suite.pids(victim):
            os.kill(pid, signal.SIGKILL)
    t.join()

    def all_sent():
        send_reports(suite)
        done = suite.relais("dmarc", "report", "--json", check=False)  # ledger may not be back yet
        return done.returncode == 0 and json.loads(done.stdout) == []
    wait_for(all_sent, 60, 0.5)
    wait_for(lambda: len(reports_on(net.far.mail, "asks.example")) > before)
