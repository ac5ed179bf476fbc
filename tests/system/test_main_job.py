# SPDX-License-Identifier: ISC
"""The main job: in at port 25, queued, delivered, read over IMAP and POP3."""
import imaplib
import os
import poplib
import re
import smtplib
import subprocess

import pytest
from conftest import TOP, wait_for


def send(suite, recipient, text, sender="stranger@example.org"):
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=30) as smtp:
        return smtp.sendmail(sender, [recipient], text)


def imap(suite, i=0):
    client = imaplib.IMAP4(suite.info["host"], suite.port("imap"))
    client.login(*suite.account(i))
    return client


def test_message_arrives_by_both_protocols(suite):
    address, password = suite.account(0)
    send(suite, address, "Subject: hello\r\nFrom: <a@example.org>\r\n\r\nbody line\r\n")
    client = imap(suite)

    def uids():
        client.select("INBOX")
        return client.uid("SEARCH", "SUBJECT", "hello")[1][0].split()
    found = wait_for(uids)
    content = client.uid("FETCH", found[0], "(BODY.PEEK[])")[1][0][1]
    assert content.endswith(b"Subject: hello\r\nFrom: <a@example.org>\r\n\r\nbody line\r\n")
    assert content.startswith(b"Return-Path: <stranger@example.org>\r\n")
    assert b"\r\nReceived: from " in content or content.startswith(b"Received: from ")
    client.logout()
    pop = poplib.POP3(suite.info["host"], suite.port("pop3"))
    pop.user(address)
    pop.pass_(password)
    assert pop.stat()[0] >= 1
    assert b"body line" in pop.retr(pop.stat()[0])[1]
    pop.quit()


@pytest.mark.parametrize("recipient, code", [
    ("nobody@example.test", 550),          # unknown user
    ("someone@elsewhere.example", 550),    # no relay
    ("a%elsewhere.example@example.test", 550),
    ("@example.test:someone@elsewhere.example", 550),
    ("elsewhere.example!a@example.test", 550),
    ('"a@elsewhere.example"@example.test', 550),
])
def test_no_relay_and_no_unknown_users(suite, recipient, code):
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=30) as smtp:
        smtp.ehlo("client.example")
        smtp.mail("stranger@example.org")
        got, text = smtp.docmd("RCPT", f"TO:<{recipient}>")
        assert got in (code, 554), text


def test_wrong_password_is_refused(suite):
    address, _ = suite.account(0)
    client = imaplib.IMAP4(suite.info["host"], suite.port("imap"))
    with pytest.raises(imaplib.IMAP4.error):
        client.login(address, "wrong")
    client.shutdown()


def test_status_and_config(suite):
    status = suite.status()
    assert status["state"] == "ready"
    assert {s["state"] for s in status["services"]} == {"ready"}
    people = suite.relais("status", check=False).stdout.splitlines()
    assert re.match(r"relais \S+ on mx.example.test is .*healthy, up .*\(master pid \d+\)$", people[0])
    smtpd = [line.split() for line in people if line.startswith("smtpd ")][0]
    assert smtpd[1:3] == [str(pid) for pid in suite.pids("smtpd")]
    shown = suite.relais("config", "show")
    assert "hostname = mx.example.test" in shown


def test_config_errors_all_at_once(suite, tmp_path):
    conf = tmp_path / "bad.conf"
    conf.write_text("hostnam = x\nsmtpd {\n\trecipient_limit = 5\n\tnonsense\n}\nsmtp {\n}\n")
    done = subprocess.run([suite.build + "/bin/relais", "--config", str(conf), "config", "check"],
                          capture_output=True, text=True)
    assert done.returncode == 1
    lines = [line for line in done.stdout.splitlines() if line.split(":")[1].isdigit()]
    assert [line.split(":")[1] for line in lines] == ["1", "3", "4", "6"]
    assert 'error: unknown option "hostnam" (did you mean "hostname"' in lines[0]


def test_reload_keeps_serving(suite):
    before = set(suite.pids("smtpd"))
    assert "taken" in suite.relais("reload")
    wait_for(lambda: all(s["state"] == "ready" for s in suite.status()["services"]))
    assert not before & set(suite.pids("smtpd")), "new processes serve"
    send(suite, suite.account(1)[0], "Subject: after reload\r\n\r\nx\r\n")


def test_manual_and_shipped_file_come_from_the_rows(suite, tmp_path):
    manual = tmp_path / "relais.conf.5"
    manual.write_text(suite.relais("manual", os.path.join(TOP, "docs/man/relais.conf.5")))
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(manual)],
                          capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout
    shipped = tmp_path / "relais.conf"
    shipped.write_text(suite.relais("config", "defaults"))
    options = [line for line in manual.read_text().splitlines() if line.startswith(".It Va ")]
    assert len(options) == sum(" = " in line for line in shipped.read_text().splitlines())


def test_stranger_may_not_ask_master(suite):
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", suite.build + "/bin/relais",
                           "--config", suite.folder + "/relais.conf", "status"],
                          capture_output=True, text=True, env={"ASAN_OPTIONS": "detect_leaks=0"})
    assert done.returncode == 3
    assert "uid" not in done.stdout


def test_a_second_suite_on_the_same_ports_is_refused(suite, tmp_path):
    conf = tmp_path / "second.conf"
    with open(suite.folder + "/relais.conf") as f:
        conf.write_text(f.read().replace(suite.folder, str(tmp_path)))
    done = subprocess.run([suite.build + "/bin/relais-master", "--config", str(conf)],
                          capture_output=True, text=True, timeout=60,
                          env={"ASAN_OPTIONS": "detect_leaks=0"})
    assert done.returncode == 1
    assert "Address already in use" in done.stderr
    doors = [port for port in suite.info["ports"].values() if port]
    assert all(f":{port} Address" in done.stderr for port in doors), "all of them at once"
