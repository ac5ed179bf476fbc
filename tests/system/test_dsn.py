# SPDX-License-Identifier: ISC
"""A user who sent by submission is told of what failed for good; who asked not to be is not, and a
stranger never is."""
import email
import smtplib
import time

import pytest
from clients import arrived
from conftest import running, wait_for
from test_submission import connect, text


@pytest.fixture(scope="module")
def suite():
    # whatever does not go at the first attempt has failed
    with running(users=2, options=["qmgr.queue_lifetime=0s"]) as s:
        yield s


def submit(suite, to, rcpt_options=(), mail_options=(), name="dsn"):
    """Queue id and subject of a message of the first account."""
    address, subject = suite.account(0)[0], f"{name} {time.time_ns()}"
    s = connect(suite, "submissions")
    assert s.mail(address, list(mail_options))[0] == 250
    assert s.rcpt(to, list(rcpt_options))[0] == 250
    code, reply = s.data(text(address, subject))
    assert code == 250, reply
    s.quit()
    return reply.split()[-1].decode(), subject


def gone(suite, queue_id):
    wait_for(lambda: f"{queue_id}: removed" in suite.log(), 30)
    return [line for line in suite.log().splitlines() if queue_id in line]


def test_a_failure_is_reported(suite):
    queue_id, subject = submit(
        suite, "x@far.example", ["NOTIFY=FAILURE", "ORCPT=rfc822;X+2By@far.example"],
        ["RET=HDRS", "ENVID=mine+3D1"])
    lines = gone(suite, queue_id)
    assert any("dsn=5.4.7, status=bounced" in line for line in lines)
    assert any("sender non-delivery notification: " in line for line in lines)
    report = email.message_from_bytes(arrived(suite, 0, "Undelivered Mail Returned to Sender"))
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert report["Auto-Submitted"] == "auto-replied"
    assert report["Return-Path"] in (None, "<>")
    _, status, original = report.get_payload()
    message, recipient = status.get_payload()
    assert message["Original-Envelope-Id"] == "mine=1"
    assert recipient["Action"] == "failed" and recipient["Status"] == "5.4.7"
    assert recipient["Final-Recipient"] == "rfc822; x@far.example"
    assert recipient["Original-Recipient"].replace(" ", "") == "rfc822;X+y@far.example"
    assert original.get_content_type() == "text/rfc822-headers" and subject in original.get_payload()


def test_notify_never(suite):
    queue_id, _ = submit(suite, "y@far.example", ["NOTIFY=NEVER"])
    lines = gone(suite, queue_id)
    assert any("status=bounced" in line for line in lines)
    assert not any("notification" in line for line in lines)


def test_a_stranger_is_never_told(suite):
    suite.relais("alias", "add", "away@example.test", "z@far.example")
    with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30) as s:
        s.ehlo("stranger.example")
        s.mail(suite.account(0)[0])  # as if it were one of ours
        assert wait_for(lambda: s.rcpt("away@example.test")[0] == 250)
        code, reply = s.data("From: <a@b.example>\r\nSubject: spoofed\r\n\r\nHello.\r\n")
        assert code == 250
    lines = gone(suite, reply.split()[-1].decode())
    assert any("status=bounced" in line for line in lines)
    assert not any("notification" in line for line in lines)


@pytest.fixture(scope="module")
def patient():
    """What fails waits, on a port that nobody listens to, and is late at once."""
    with running(users=2, options=["smarthost=[127.0.0.1]:1", "qmgr.delay_warning=1s"]) as s:
        yield s


def test_a_delay_is_told_once(patient):
    queue_id, subject = submit(patient, "later@far.example")
    report = email.message_from_bytes(arrived(patient, 0, "Delayed Mail (still being retried)"))
    _, status, original = report.get_payload()
    _, recipient = status.get_payload()
    assert recipient["Action"] == "delayed" and recipient["Status"].startswith("4.")
    assert recipient["Final-Recipient"] == "rfc822; later@far.example"
    assert recipient["Will-Retry-Until"]
    assert original.get_content_type() == "text/rfc822-headers" and subject in original.get_payload()
    patient.relais("queue", "flush", queue_id)
    wait_for(lambda: patient.log().count("status=deferred") >= 2, 30)
    assert patient.log().count("sender delay notification: ") == 1


def test_no_delay_is_told_if_it_is_not_wanted(patient):
    queue_id, _ = submit(patient, "later@far.example", ["NOTIFY=FAILURE"])
    # the next message's delay is told of after this one's would have been
    other, _ = submit(patient, "later@far.example")
    wait_for(lambda: f"{other}: sender delay notification" in patient.log(), 30)
    assert f"{queue_id}: sender delay notification" not in patient.log()


def test_success_is_told_if_asked_for(patient):
    to = patient.account(1)[0]
    queue_id, _ = submit(patient, to, ["NOTIFY=SUCCESS", f"ORCPT=rfc822;{to}"])
    report = email.message_from_bytes(arrived(patient, 0, "Successful Mail Delivery Report"))
    _, status, _ = report.get_payload()
    _, recipient = status.get_payload()
    assert recipient["Action"] == "delivered" and recipient["Status"] == "2.0.0"
    assert recipient["Original-Recipient"].replace(" ", "") == f"rfc822;{to}"
    wait_for(lambda: f"{queue_id}: sender delivery status notification: " in patient.log())
